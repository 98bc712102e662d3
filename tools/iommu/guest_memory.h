/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The memory that a VMM gives to its guest, and a picture of what each byte of
 * it should be.
 */
#ifndef EDU_VMM_GUEST_MEMORY_H
#define EDU_VMM_GUEST_MEMORY_H

#include <stddef.h>

#include "lib/memory.h"

#define SMALL_PAGE	4096UL
#define HUGE_PAGE	(2UL << 20)

/**
 * struct guest_memory - A piece of memory
 * @kind: where it comes from
 * @va: first byte, aligned to the page size of the kind; NULL: none
 * @length: bytes
 * @expected: what the bytes at @va should be
 */
struct guest_memory {
	enum memory_kind kind;
	unsigned char *va;
	size_t length;
	unsigned char *expected;
};

/** memory_kind_name() - The kind in a few words */
const char *memory_kind_name(enum memory_kind kind);

/**
 * guest_memory_alloc() - Get memory, fault it in and fill it with a pattern
 * @memory: filled
 * @kind: where to take it from
 * @length: bytes, a multiple of the page size of the kind
 *
 * Return: 0, or the error of memory_map(), or -ENOMEM.
 */
int guest_memory_alloc(struct guest_memory *memory, enum memory_kind kind,
		       size_t length);

/** guest_memory_free() - Give it back; does nothing when there is none */
void guest_memory_free(struct guest_memory *memory);

/**
 * guest_memory_expect_copy() - Declare that bytes are going to be copied
 * @dst: memory that is going to change
 * @dst_offset: of the first byte to change
 * @src: memory that is copied, possibly the same one
 * @src_offset: of the first byte to copy
 * @length: bytes
 *
 * Changes the picture of @dst, not its bytes.
 */
void guest_memory_expect_copy(struct guest_memory *dst, size_t dst_offset,
			      const struct guest_memory *src, size_t src_offset,
			      size_t length);

/**
 * guest_memory_find_differences() - Compare every byte with the picture
 * @memory: some memory
 * @first: filled with the offset of the first byte that is not as expected
 * @last: filled with the offset of the last one
 *
 * Return: how many bytes are not as expected. When it is 0, nothing is filled.
 */
size_t guest_memory_find_differences(const struct guest_memory *memory,
				     size_t *first, size_t *last);

/**
 * guest_memory_huge_bytes() - Ask the kernel how much is backed by huge pages
 * @memory: some memory
 *
 * Return: bytes, or -errno when /proc cannot be read.
 */
long guest_memory_huge_bytes(const struct guest_memory *memory);

#endif

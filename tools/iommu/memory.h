/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The kinds of memory a VMM gives to its guest, and a picture of what each
 * byte of it should be.
 */
#ifndef EDU_VMM_MEMORY_H
#define EDU_VMM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define SMALL_PAGE	4096UL
#define HUGE_PAGE	(2UL << 20)

/**
 * enum memory_kind - Where memory comes from
 * @MEMORY_SMALL: anonymous, 4 KiB pages
 * @MEMORY_THP: anonymous, transparent huge pages
 * @MEMORY_HUGETLB: anonymous, pages of the hugetlb pool
 * @MEMORY_SHARED: anonymous and shared with children
 * @MEMORY_MEMFD: a file without a name
 * @MEMORY_FILE: a file of a tmpfs
 * @MEMORY_NKINDS: number of kinds
 */
enum memory_kind {
	MEMORY_SMALL,
	MEMORY_THP,
	MEMORY_HUGETLB,
	MEMORY_SHARED,
	MEMORY_MEMFD,
	MEMORY_FILE,
	MEMORY_NKINDS,
};

/**
 * struct memory - A piece of memory
 * @kind: where it comes from
 * @va: first byte, aligned to the page size of the kind; NULL: none
 * @length: bytes
 * @expected: what the bytes at @va should be
 */
struct memory {
	enum memory_kind kind;
	unsigned char *va;
	size_t length;
	unsigned char *expected;
};

/** memory_kind_name() - The kind in a few words */
const char *memory_kind_name(enum memory_kind kind);

/** memory_kind_page() - Bytes in a page of this kind */
size_t memory_kind_page(enum memory_kind kind);

/**
 * memory_alloc() - Get memory, fault it in and fill it with a pattern
 * @memory: filled
 * @kind: where to take it from
 * @length: bytes, a multiple of the page size of the kind
 *
 * Return: 0 or -errno; -ENOENT when there is no tmpfs to put a file on.
 */
int memory_alloc(struct memory *memory, enum memory_kind kind, size_t length);

/** memory_free() - Give it back; does nothing when there is none */
void memory_free(struct memory *memory);

/**
 * memory_expect_copy() - Declare that bytes are going to be copied
 * @dst: memory that is going to change
 * @dst_offset: of the first byte to change
 * @src: memory that is copied, possibly the same one
 * @src_offset: of the first byte to copy
 * @length: bytes
 *
 * Changes the picture of @dst, not its bytes.
 */
void memory_expect_copy(struct memory *dst, size_t dst_offset,
			const struct memory *src, size_t src_offset,
			size_t length);

/**
 * memory_find_differences() - Compare every byte with the picture
 * @memory: some memory
 * @first: filled with the offset of the first byte that is not as expected
 * @last: filled with the offset of the last one
 *
 * Return: how many bytes are not as expected. When it is 0, nothing is filled.
 */
size_t memory_find_differences(const struct memory *memory, size_t *first,
			       size_t *last);

/**
 * memory_huge_bytes() - Ask the kernel how much is backed by huge pages
 * @memory: some memory
 *
 * Return: bytes, or -errno when /proc cannot be read.
 */
long memory_huge_bytes(const struct memory *memory);

/**
 * memory_status_bytes() - One of the memory counters of this process
 * @field: a field of /proc/self/status: VmPin, VmLck
 *
 * Return: bytes, or -errno when /proc cannot be read or has no such field.
 */
long memory_status_bytes(const char *field);

#endif

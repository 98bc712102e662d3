/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Memory of every kind that a program may want a device to reach.
 */
#ifndef SELFTEST_IOMMU_MEMORY_H
#define SELFTEST_IOMMU_MEMORY_H

#include <stddef.h>

#include <linux/types.h>

#define SZ_4K		0x1000ULL
#define SZ_1M		0x100000ULL
#define SZ_2M		0x200000ULL
#define SZ_1G		0x40000000ULL

enum memory_kind {
	MEMORY_SMALL_PAGES,	/* anonymous, pages far apart from each other */
	MEMORY_THP,		/* anonymous, transparent huge pages */
	MEMORY_HUGETLB,		/* anonymous, from the huge page pool */
	MEMORY_SHARED,		/* anonymous, MAP_SHARED */
	MEMORY_MEMFD,		/* memfd */
	MEMORY_MEMFD_HUGETLB,	/* memfd on the huge page pool */
	MEMORY_FILE_PRIVATE,	/* private mapping of a file */
	MEMORY_FILE,		/* file on a tmpfs */
};

/* Bytes in a page of this kind. */
size_t memory_kind_page(enum memory_kind kind);

/**
 * memory_create_file() - Make a file of a kind that is one
 * @kind: what memory; the pool of huge pages is as it is
 * @length: bytes, a multiple of 2 MiB for huge pages
 *
 * Nothing of it is there yet.
 *
 * Return: a file descriptor, or -errno as memory_map().
 */
int memory_create_file(enum memory_kind kind, size_t length);

/**
 * memory_map() - Map and touch memory of a kind, as the system has it
 * @kind: what memory
 * @length: bytes, a multiple of 2 MiB for the huge kinds
 * @va: where it is, 2 MiB aligned; the caller unmaps it
 *
 * Return: 0 or -errno; of the huge kinds, -EINVAL when this kernel has none and
 * -ENOMEM when the pool is too small; -ENOENT when there is no tmpfs for a file.
 */
int memory_map(enum memory_kind kind, size_t length, void **va);

/**
 * memory_alloc() - memory_map() for a test
 * @kind: what memory; the pool of huge pages is made large enough
 * @length: as for memory_map()
 * @va: where it is, until memory_free_all()
 *
 * Return: 0, -ENOTSUP when this system has no such memory, or what went wrong.
 */
int memory_alloc(enum memory_kind kind, size_t length, void **va);

/* memory_map() of a file that has so many bytes. */
int memory_map_file(int file, size_t length, void **va);

/* Address space on a 2 MiB boundary, to map something over it, or NULL. */
void *memory_window(size_t length);

/* Anonymous memory with any rights that nobody has touched yet, or NULL. */
char *memory_anonymous(__u64 length, int protection);

/* Unmap what memory_alloc() gave; memory already gone is no error. */
void memory_free_all(void);

/* See to it that the system has @count huge pages, if it can. */
void memory_reserve_huge_pages(unsigned int count);

/* Fill with bytes that depend on @seed and on the offset. */
void memory_fill(void *va, size_t length, unsigned int seed);

/* Offset of the first byte that memory_fill() would not have written, or -1. */
long memory_compare(const void *va, size_t length, unsigned int seed);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Memory for the benchmark, known to be of the kind it is said to be.
 */
#ifndef SELFTEST_IOMMU_BENCH_MEMORY_H
#define SELFTEST_IOMMU_BENCH_MEMORY_H

#include <stdbool.h>

#include "lib/memory.h"

#define SZ_256M		0x10000000ULL

/* What is mapped in most measurements. */
#define BENCH_BYTES	SZ_256M

/**
 * struct bench_kind - a kind of memory and what to call it
 * @kind: the kind
 * @name: in the names of results
 */
struct bench_kind {
	enum memory_kind kind;
	const char *name;
};

#define NR_BENCH_KINDS	4
extern const struct bench_kind bench_kinds[NR_BENCH_KINDS];

/*
 * Memory of a kind, touched. Ends the program when there is none, or when its
 * physical pages are not as that kind should have them: small pages each apart
 * from the next, large ones whole. Freed by memory_free_all().
 */
void *bench_memory(enum memory_kind kind, __u64 length);

/*
 * Small pages for many areas. Those that are too many begin with the first page
 * again: no page is pinned very often. Freed by memory_free_all().
 */
#define BENCH_NR_PAGES	4096
char *bench_pages(void);
char *bench_page(char *pages, unsigned int area);

/*
 * bench_memory() as a file that nobody has mapped, of small pages or of huge
 * ones, as the system gives them to files of this kind. Freed by close().
 */
int bench_file(enum memory_kind kind, __u64 length, bool small);

/* One page of 1 GiB, or NULL when this machine has none; freed by munmap(). */
void *bench_gigantic_page(void);

/*
 * Address space of @length bytes in which huge pages of BENCH_BYTES in total
 * appear again and again, touched. Freed by munmap().
 */
void *bench_window(__u64 length);

#endif

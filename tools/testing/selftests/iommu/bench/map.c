// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Large areas: one call maps them and one unmaps them.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"

#define SZ_16G		(16 * SZ_1G)

/* Where the curves end. */
#define LARGEST		(8 * SZ_1G)
#define LARGEST_SMALL	(128 * SZ_1M)

/* The first one who unpins a page marks it dirty; this has its own price. */
static void warm_up(struct space *space, const void *va, __u64 length)
{
	space_map(space, va, length, BENCH_IOVA);
	space_unmap(space, BENCH_IOVA, length);
}

static void map_and_unmap(struct space *space, const char *name,
			  const void *va, __u64 length)
{
	__u64 start, mapped, unmap, end;

	warm_up(space, va, length);
	start = start_ns();
	space_map(space, va, length, BENCH_IOVA);
	mapped = now_ns();
	unmap = start_ns();
	space_unmap(space, BENCH_IOVA, length);
	end = now_ns();
	report(mapped - start, length / SZ_4K, "per 4 KiB", "map %s", name);
	report(end - unmap, length / SZ_4K, "per 4 KiB", "unmap %s", name);
}

void bench_kinds_of_memory(const struct backend *backend)
{
	struct space space;
	unsigned int i;

	for (i = 0; i < NR_BENCH_KINDS; i++) {
		space_open(&space, backend);
		map_and_unmap(&space, bench_kinds[i].name,
			      bench_memory(bench_kinds[i].kind, BENCH_BYTES),
			      BENCH_BYTES);
		space_close(&space);
		memory_free_all();
	}
}

void bench_gigantic(const struct backend *backend)
{
	void *va = bench_gigantic_page();
	struct space space;

	if (!va) {
		fprintf(stderr, "# there are no pages of 1 GiB\n");
		return;
	}
	space_open(&space, backend);
	map_and_unmap(&space, "hugetlb of 1 GiB", va, SZ_1G);
	space_close(&space);
	munmap(va, SZ_1G);
}

void bench_16_gib(const struct backend *backend)
{
	void *va = bench_window(SZ_16G);
	struct space space;

	space_open(&space, backend);
	map_and_unmap(&space, "16 GiB of IOVA, hugetlb", va, SZ_16G);
	space_close(&space);
	munmap(va, SZ_16G);
}

/* One call for each size from @first on, each eight times the one before. */
static void size_curve(struct space *space, const char *map_name,
		       const char *unmap_name, const void *va, __u64 first,
		       __u64 last)
{
	__u64 length, start, mapped, unmap, end;

	warm_up(space, va, last);
	for (length = first; length <= last; length *= 8) {
		start = start_ns();
		space_map(space, va, length, BENCH_IOVA);
		mapped = now_ns();
		unmap = start_ns();
		space_unmap(space, BENCH_IOVA, length);
		end = now_ns();
		report_point(length, mapped - start, 1, "per call", map_name);
		report_point(length, end - unmap, 1, "per call", unmap_name);
	}
}

void bench_by_size(const struct backend *backend)
{
	void *window = bench_window(LARGEST);
	struct space space;
	void *va;

	space_open(&space, backend);
	size_curve(&space, "map by size, hugetlb", "unmap by size, hugetlb",
		   window, SZ_2M, LARGEST);
	munmap(window, LARGEST);
	va = bench_memory(MEMORY_SMALL_PAGES, LARGEST_SMALL);
	size_curve(&space, "map by size, scattered 4 KiB pages",
		   "unmap by size, scattered 4 KiB pages", va, SZ_4K,
		   LARGEST_SMALL);
	space_close(&space);
	memory_free_all();
}

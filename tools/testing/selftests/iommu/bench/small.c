// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Areas of 4 KiB: one of them, and one among many.
 */
#include <stdlib.h>

#include "chapters.h"
#include "memory.h"
#include "random.h"
#include "report.h"

#define PAIRS		1000
#define AREAS		4000

/* The vIOMMU of a guest that has all its devices behind it. */
#define VIOMMU_AREAS	100000
#define VIOMMU_SLOTS	(2 * VIOMMU_AREAS)
#define VIOMMU_STEPS	100000

/* By number of areas: how often one more is mapped at each number. */
#define MORE_FIXED	100
#define MORE_ANYWHERE	8

static const unsigned int area_counts[] = {
	1000, 3000, 10000, 30000, 100000, 300000, 1000000,
};

void bench_pair(const struct backend *backend)
{
	char *buffer = bench_pages();
	struct space space;
	__u64 start;
	int i;

	space_open(&space, backend);
	start = start_ns();
	for (i = 0; i < PAIRS; i++) {
		space_map(&space, buffer, SZ_4K, BENCH_IOVA);
		space_unmap(&space, BENCH_IOVA, SZ_4K);
	}
	report(now_ns() - start, PAIRS, "per pair",
	       "one 4 KiB map and unmap at a fixed IOVA");
	space_close(&space);
	memory_free_all();
}

void bench_4000_areas(const struct backend *backend)
{
	char *buffer = bench_pages();
	__u64 start, mapped, unmap, end;
	struct space space;
	unsigned int i;

	space_open(&space, backend);
	start = start_ns();
	for (i = 0; i < AREAS; i++)
		space_map(&space, bench_page(buffer, i), SZ_4K,
			  BENCH_IOVA + i * SZ_4K);
	mapped = now_ns();
	unmap = start_ns();
	space_unmap(&space, BENCH_IOVA, AREAS * SZ_4K);
	end = now_ns();
	report(mapped - start, AREAS, "per area", "map 4000 areas of 4 KiB");
	report(end - unmap, AREAS, "per area",
	       "unmap 4000 areas of 4 KiB in one call");
	space_close(&space);
	memory_free_all();
}

void bench_4000_anywhere(const struct backend *backend)
{
	char *buffer = bench_pages();
	__u64 start, mapped, unmap, end;
	struct space space;
	__u64 iova[AREAS];
	unsigned int i;

	if (!backend->map_anywhere)
		return;
	space_open(&space, backend);
	start = start_ns();
	for (i = 0; i < AREAS; i++)
		space_map_anywhere(&space, bench_page(buffer, i), SZ_4K, &iova[i]);
	mapped = now_ns();
	unmap = start_ns();
	for (i = 0; i < AREAS; i++)
		space_unmap(&space, iova[i], SZ_4K);
	end = now_ns();
	report(mapped - start, AREAS, "per area",
	       "map 4000 areas at automatic IOVA");
	report(end - unmap, AREAS, "per area", "unmap 4000 areas one by one");
	space_close(&space);
	memory_free_all();
}

static void viommu_flip(struct space *space, char *buffer, bool *mapped,
			unsigned int slot)
{
	__u64 iova = BENCH_IOVA + slot * SZ_4K;

	if (mapped[slot])
		space_unmap(space, iova, SZ_4K);
	else
		space_map(space, bench_page(buffer, slot), SZ_4K, iova);
	mapped[slot] = !mapped[slot];
}

void bench_viommu(const struct backend *backend)
{
	bool *mapped = calloc(VIOMMU_SLOTS, sizeof(*mapped));
	char *buffer = bench_pages();
	__u64 start, state = BENCH_SEED;
	struct space space;
	unsigned int i;

	space_open(&space, backend);
	for (i = 0; i < VIOMMU_SLOTS; i += 2)
		viommu_flip(&space, buffer, mapped, i);
	start = start_ns();
	for (i = 0; i < VIOMMU_STEPS; i++)
		viommu_flip(&space, buffer, mapped,
			    bench_random(&state) % VIOMMU_SLOTS);
	report(now_ns() - start, VIOMMU_STEPS, "per map or unmap",
	       "vIOMMU: random 4 KiB among 100000 areas");
	space_close(&space);
	memory_free_all();
	free(mapped);
}

/*
 * Take areas away that are spread evenly among @count, and put them back. The
 * first round is the warm-up.
 */
static void one_more_fixed(struct space *space, char *buffer,
			   unsigned int count, bool counts)
{
	unsigned int stride = count / MORE_FIXED, i;
	__u64 start, unmapped, map, end;

	start = start_ns();
	for (i = 0; i < MORE_FIXED; i++)
		space_unmap(space, i * stride * SZ_4K, SZ_4K);
	unmapped = now_ns();
	map = start_ns();
	for (i = 0; i < MORE_FIXED; i++)
		space_map(space, bench_page(buffer, i * stride), SZ_4K,
			  i * stride * SZ_4K);
	end = now_ns();
	if (!counts)
		return;
	report_point(count, end - map, MORE_FIXED, "per area",
		     "map one more among areas");
	report_point(count, unmapped - start, MORE_FIXED, "per area",
		     "unmap one among areas");
}

static void one_more_anywhere(struct space *space, char *buffer,
			      unsigned int count, bool counts)
{
	__u64 iova[MORE_ANYWHERE];
	__u64 start, end;
	int i;

	start = start_ns();
	for (i = 0; i < MORE_ANYWHERE; i++)
		space_map_anywhere(space, bench_page(buffer, i), SZ_4K, &iova[i]);
	end = now_ns();
	for (i = 0; i < MORE_ANYWHERE; i++)
		space_unmap(space, iova[i], SZ_4K);
	if (counts)
		report_point(count, end - start, MORE_ANYWHERE, "per area",
			     "map one more among areas at automatic IOVA");
}

static void one_more(struct space *space, char *buffer, unsigned int count)
{
	int round;

	for (round = 0; round < 2; round++) {
		one_more_fixed(space, buffer, count, round);
		if (space->backend->map_anywhere)
			one_more_anywhere(space, buffer, count, round);
	}
}

/* All that many areas, side by side from IOVA 0 on. */
static void unmap_all(struct space *space, unsigned int areas)
{
	__u64 start = start_ns();

	space_unmap(space, 0, areas * SZ_4K);
	report(now_ns() - start, areas, "per area",
	       "unmap %u areas of 4 KiB in one call", areas);
}

/*
 * The areas stand side by side from IOVA 0 on: whoever searches for a place
 * from the bottom meets them all, and whoever has an index does not.
 */
static void by_areas(const struct backend *backend, unsigned int most)
{
	unsigned int i, areas = 0;
	char *buffer = bench_pages();
	struct space space;

	space_open(&space, backend);
	for (i = 0; i < ARRAY_SIZE(area_counts) && areas < most; i++) {
		for (; areas < area_counts[i]; areas++)
			space_map(&space, bench_page(buffer, areas), SZ_4K,
				  areas * SZ_4K);
		one_more(&space, buffer, areas);
	}
	unmap_all(&space, areas);
	space_close(&space);
	memory_free_all();
}

void bench_by_areas(const struct backend *backend)
{
	by_areas(backend, 1000000);
}

void bench_by_100k_areas(const struct backend *backend)
{
	by_areas(backend, 100000);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Areas of 4 KiB that do not join: with gaps between their IOVA, or with the same
 * memory behind all of them. Whoever takes neighbours together finds none, and
 * has to gather in another way what is done once for each call.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "chapters.h"
#include "memory.h"
#include "random.h"
#include "report.h"

#define AREAS		4000
#define SZ_64K		0x10000ULL

/* Where areas may be: with 60 KiB between two of them that is all of it. */
#define WINDOW		(AREAS * SZ_64K)

/**
 * struct layout - where the areas are
 * @name: of the results
 * @stride: from one area to the next, 0 for random places in random order
 * @one_page: all of them are the same page of memory
 */
struct layout {
	const char *name;
	__u64 stride;
	bool one_page;
};

static const struct layout layouts[] = {
	{ .name = "every second page", .stride = 2 * SZ_4K },
	{ .name = "60 KiB between them", .stride = SZ_64K },
	{ .name = "random IOVA" },
	{ .name = "all of one page", .stride = SZ_4K, .one_page = true },
};

/* Each page of the window at most once. */
static void place_randomly(__u64 *iova)
{
	bool *taken = calloc(WINDOW / SZ_4K, sizeof(*taken));
	__u64 page, state = BENCH_SEED;
	unsigned int i;

	MUST(taken ? 0 : -1);
	for (i = 0; i < AREAS; i++) {
		do {
			page = bench_random(&state) % (WINDOW / SZ_4K);
		} while (taken[page]);
		taken[page] = true;
		iova[i] = BENCH_IOVA + page * SZ_4K;
	}
	free(taken);
}

static void place(const struct layout *layout, __u64 *iova)
{
	unsigned int i;

	if (!layout->stride) {
		place_randomly(iova);
		return;
	}
	for (i = 0; i < AREAS; i++)
		iova[i] = BENCH_IOVA + i * layout->stride;
}

static void map_and_unmap(struct space *space, const struct layout *layout,
			  char *buffer)
{
	__u64 start, mapped, unmap, end;
	__u64 iova[AREAS];
	unsigned int i;

	place(layout, iova);
	start = start_ns();
	for (i = 0; i < AREAS; i++)
		space_map(space, bench_page(buffer, layout->one_page ? 0 : i),
			  SZ_4K, iova[i]);
	mapped = now_ns();
	unmap = start_ns();
	space_unmap(space, BENCH_IOVA, WINDOW);
	end = now_ns();
	report(mapped - start, AREAS, "per area", "map 4000 areas of 4 KiB, %s",
	       layout->name);
	report(end - unmap, AREAS, "per area",
	       "unmap 4000 areas of 4 KiB in one call, %s", layout->name);
}

void bench_gaps(const struct backend *backend)
{
	struct space space;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		space_open(&space, backend);
		/* A container that is closed takes the memory along. */
		map_and_unmap(&space, &layouts[i], bench_pages());
		space_close(&space);
		memory_free_all();
	}
}

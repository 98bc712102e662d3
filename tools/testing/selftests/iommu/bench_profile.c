// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Small pieces of work for scripts/bench_profile.py, which has QEMU write down
 * each instruction between two marks.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench_chapters.h"
#include "bench_memory.h"
#include "bench_report.h"

#define PAIRS		50
#define LARGE		(32 * SZ_1M)
#define SMALL		(2 * SZ_1M)

/**
 * struct sample - work to be looked at
 * @name: what it is, one word
 * @kind: of the memory
 * @length: bytes of the memory
 * @count: what to divide the instructions by
 * @run: do it
 * @before: what has to be done first, may be NULL
 * @after: what has to be done afterwards, may be NULL
 */
struct sample {
	const char *name;
	enum memory_kind kind;
	__u64 length;
	__u64 count;
	void (*run)(struct space *space, void *va, __u64 length);
	void (*before)(struct space *space, void *va, __u64 length);
	void (*after)(struct space *space, void *va, __u64 length);
};

static void map(struct space *space, void *va, __u64 length)
{
	space_map(space, va, length, BENCH_IOVA);
}

static void unmap(struct space *space, void *va, __u64 length)
{
	(void)va;
	space_unmap(space, BENCH_IOVA, length);
}

static void map_each(struct space *space, void *va, __u64 length)
{
	__u64 at;

	for (at = 0; at < length; at += SZ_4K)
		space_map(space, va + at, SZ_4K, BENCH_IOVA + at);
}

static void map_each_anywhere(struct space *space, void *va, __u64 length)
{
	__u64 at, iova;

	for (at = 0; at < length; at += SZ_4K)
		space_map_anywhere(space, va + at, SZ_4K, &iova);
}

static void unmap_all(struct space *space, void *va, __u64 length)
{
	(void)va;
	(void)length;
	space_unmap(space, 0, BENCH_IOVA + LARGE);
}

static void pairs(struct space *space, void *va, __u64 length)
{
	int i;

	for (i = 0; i < PAIRS; i++) {
		map(space, va, length);
		unmap(space, va, length);
	}
}

static const struct sample samples[] = {
	{ "pair", MEMORY_SMALL_PAGES, SZ_4K, PAIRS, pairs, NULL, NULL },
	{ "map-each", MEMORY_SMALL_PAGES, SMALL, SMALL / SZ_4K, map_each, NULL,
	  unmap },
	{ "unmap-each", MEMORY_SMALL_PAGES, SMALL, SMALL / SZ_4K, unmap,
	  map_each, NULL },
	{ "map-anywhere", MEMORY_SMALL_PAGES, SMALL, SMALL / SZ_4K,
	  map_each_anywhere, NULL, unmap_all },
	{ "map-small", MEMORY_SMALL_PAGES, SMALL, SMALL / SZ_4K, map, NULL,
	  unmap },
	{ "unmap-small", MEMORY_SMALL_PAGES, SMALL, SMALL / SZ_4K, unmap, map,
	  NULL },
	{ "map-thp", MEMORY_THP, LARGE, LARGE / SZ_4K, map, NULL, unmap },
	{ "unmap-thp", MEMORY_THP, LARGE, LARGE / SZ_4K, unmap, map, NULL },
	{ "map-hugetlb", MEMORY_HUGETLB, LARGE, LARGE / SZ_4K, map, NULL,
	  unmap },
	{ "unmap-hugetlb", MEMORY_HUGETLB, LARGE, LARGE / SZ_4K, unmap, map,
	  NULL },
};

/* Wait until the script has switched on or off what it has to. */
static void await_script(const char *what, const struct sample *sample)
{
	char byte;

	printf("### profile %s %s %llu\n", what, sample->name,
	       (unsigned long long)sample->count);
	fflush(stdout);
	do {
		MUST(read(STDIN_FILENO, &byte, 1) == 1 ? 0 : -1);
	} while (byte != '\n');
}

static void once(struct space *space, const struct sample *sample, void *va,
		 bool watched)
{
	if (sample->before)
		sample->before(space, va, sample->length);
	if (watched)
		await_script("begin", sample);
	profile_begin();
	sample->run(space, va, sample->length);
	profile_end();
	if (watched)
		await_script("end", sample);
	if (sample->after)
		sample->after(space, va, sample->length);
}

void bench_profile(const struct backend *backend)
{
	struct space space;
	unsigned int i;
	void *va;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		if (samples[i].run == map_each_anywhere &&
		    !backend->map_anywhere)
			continue;
		space_open(&space, backend);
		va = bench_memory(samples[i].kind, samples[i].length);
		once(&space, &samples[i], va, false);
		once(&space, &samples[i], va, true);
		space_close(&space);
		memory_free_all();
	}
}

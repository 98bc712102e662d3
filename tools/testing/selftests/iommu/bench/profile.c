// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Small pieces of work for scripts/bench_profile.py, which has QEMU write down
 * each instruction between two marks.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "requests.h"
#include "tracked.h"

#define PAIRS		50
#define REQUESTS	50
#define MORE		8
#define SMALL		(2 * SZ_1M)
#define SCATTERED	(8 * SZ_1M)
#define LARGE		(64 * SZ_1M)

/**
 * struct sample - work to be looked at
 * @name: what it is, one word
 * @memory: where the memory is from
 * @length: bytes of it
 * @count: what to divide the instructions by, 0 for the number of pages
 * @run: do it
 * @before: what has to be done first each time, may be NULL
 * @after: what has to be done afterwards, may be NULL
 * @prepare: what has to be done only once, may be NULL
 * @finish: undoes what @memory did, for a sample that works with a device of its
 *          own and not in the space; only iommufd has such devices
 * @backend: if it is not the one of the column; only beside iommufd
 */
struct sample {
	const char *name;
	void *(*memory)(__u64 length);
	__u64 length;
	__u64 count;
	void (*run)(struct space *space, void *va, __u64 length);
	void (*before)(struct space *space, void *va, __u64 length);
	void (*after)(struct space *space, void *va, __u64 length);
	void (*prepare)(struct space *space, void *va, __u64 length);
	void (*finish)(void);
	const struct backend *backend;
};

static void *small_pages(__u64 length)
{
	return bench_memory(MEMORY_SMALL_PAGES, length);
}

static void *thp(__u64 length)
{
	return bench_memory(MEMORY_THP, length);
}

static void *hugetlb(__u64 length)
{
	return bench_memory(MEMORY_HUGETLB, length);
}

static void *memfd(__u64 length)
{
	return bench_memory(MEMORY_MEMFD_HUGETLB, length);
}

static void *gigantic(__u64 length)
{
	(void)length;
	return bench_gigantic_page();
}

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

/* On every second page. */
static void map_gaps(struct space *space, void *va, __u64 length)
{
	__u64 at;

	for (at = 0; at < length; at += SZ_4K)
		space_map(space, va + at, SZ_4K, BENCH_IOVA + 2 * at);
}

static void unmap_gaps(struct space *space, void *va, __u64 length)
{
	unmap(space, va, 2 * length);
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

/* Side by side, like those of the chapter "by-areas". */
static void map_areas(struct space *space, void *va, __u64 length,
		      unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		space_map(space, va + i * SZ_4K % length, SZ_4K, i * SZ_4K);
}

static void map_thousand(struct space *space, void *va, __u64 length)
{
	map_areas(space, va, length, 1000);
}

static void map_million(struct space *space, void *va, __u64 length)
{
	map_areas(space, va, length, 1000000);
}

static void map_more_anywhere(struct space *space, void *va, __u64 length)
{
	(void)length;
	map_each_anywhere(space, va, MORE * SZ_4K);
}

/* Access from inside of the kernel, with a device that has all of it mapped. */

static int driver;

static void map_for_access(struct space *space, void *va, __u64 length)
{
	map(space, va, length);
	driver = access_open(space);
}

static void access_all(struct space *space, void *va, __u64 length)
{
	(void)space;
	(void)va;
	access_hold(driver, length);
}

static void map_and_hold(struct space *space, void *va, __u64 length)
{
	map_for_access(space, va, length);
	access_hold(driver, length);
}

static void access_none(struct space *space, void *va, __u64 length)
{
	(void)space;
	(void)va;
	(void)length;
	access_let_go(driver);
}

static void access_one(struct space *space, void *va, __u64 length)
{
	(void)length;
	access_all(space, va, SZ_4K);
}

static void access_few(struct space *space, void *va, __u64 length)
{
	(void)space;
	(void)va;
	(void)length;
	access_read(driver, 64);
}

static void end_access(struct space *space, void *va, __u64 length)
{
	close(driver);
	unmap(space, va, length);
}

/* Dirty bits, with tracking on already. */

static struct tracked tracked;

static void *tracked_memory(__u64 length, bool huge)
{
	tracked_open(&tracked, length, huge);
	tracked_enable(&tracked, true);
	return tracked.va;
}

static void *tracked_small(__u64 length)
{
	return tracked_memory(length, false);
}

static void *tracked_huge(__u64 length)
{
	return tracked_memory(length, true);
}

static void write_all(struct space *space, void *va, __u64 length)
{
	(void)space;
	(void)va;
	(void)length;
	bench_device_write(&tracked.device, 1);
}

static void read_dirty(struct space *space, void *va, __u64 length)
{
	(void)space;
	(void)va;
	(void)length;
	tracked_read(&tracked);
}

static void finish_tracked(void)
{
	tracked_close(&tracked);
}

/* Invalidations and page faults: there is no memory. */

static struct requests requests;

static void *nested(__u64 length)
{
	(void)length;
	requests_open_nested(&requests);
	return &requests;
}

static void *faulting(__u64 length)
{
	(void)length;
	requests_open_faulting(&requests);
	return &requests;
}

static void invalidate(struct space *space, void *va, __u64 length)
{
	int i;

	(void)space;
	(void)va;
	(void)length;
	for (i = 0; i < REQUESTS; i++)
		requests_invalidate(&requests, 1);
}

static void round_trips(struct space *space, void *va, __u64 length)
{
	int i;

	(void)space;
	(void)va;
	(void)length;
	for (i = 0; i < REQUESTS; i++)
		requests_round_trip(&requests);
}

static void finish_requests(void)
{
	requests_close(&requests);
}

static const struct sample samples[] = {
	{ .name = "pair", .memory = small_pages, .length = SZ_4K,
	  .count = PAIRS, .run = pairs },
	{ .name = "map-each", .memory = small_pages, .length = SMALL,
	  .run = map_each, .after = unmap },
	{ .name = "unmap-each", .memory = small_pages, .length = SMALL,
	  .run = unmap, .before = map_each },
	{ .name = "map-gaps", .memory = small_pages, .length = SMALL,
	  .run = map_gaps, .after = unmap_gaps },
	{ .name = "unmap-gaps", .memory = small_pages, .length = SMALL,
	  .run = unmap_gaps, .before = map_gaps },
	{ .name = "map-anywhere", .memory = small_pages, .length = SMALL,
	  .run = map_each_anywhere, .after = unmap_all },
	{ .name = "map-small", .memory = small_pages, .length = SCATTERED,
	  .run = map, .after = unmap },
	{ .name = "unmap-small", .memory = small_pages, .length = SCATTERED,
	  .run = unmap, .before = map },
	{ .name = "map-two", .memory = small_pages, .length = SCATTERED,
	  .run = map, .after = unmap, .backend = &two_tables_backend },
	{ .name = "unmap-two", .memory = small_pages, .length = SCATTERED,
	  .run = unmap, .before = map, .backend = &two_tables_backend },
	{ .name = "map-thp", .memory = thp, .length = LARGE, .run = map,
	  .after = unmap },
	{ .name = "unmap-thp", .memory = thp, .length = LARGE, .run = unmap,
	  .before = map },
	{ .name = "map-hugetlb", .memory = hugetlb, .length = LARGE,
	  .run = map, .after = unmap },
	{ .name = "unmap-hugetlb", .memory = hugetlb, .length = LARGE,
	  .run = unmap, .before = map },
	{ .name = "map-memfd", .memory = memfd, .length = LARGE, .run = map,
	  .after = unmap },
	{ .name = "unmap-memfd", .memory = memfd, .length = LARGE,
	  .run = unmap, .before = map },
	{ .name = "map-gigantic", .memory = gigantic, .length = SZ_1G,
	  .run = map, .after = unmap },
	{ .name = "unmap-gigantic", .memory = gigantic, .length = SZ_1G,
	  .run = unmap, .before = map },
	{ .name = "map-window", .memory = bench_window,
	  .length = 2 * BENCH_BYTES, .run = map, .after = unmap },
	{ .name = "unmap-window", .memory = bench_window,
	  .length = 2 * BENCH_BYTES, .run = unmap, .before = map },
	{ .name = "anywhere-1k", .memory = small_pages, .length = SMALL,
	  .count = MORE, .run = map_more_anywhere, .prepare = map_thousand },
	{ .name = "anywhere-1M", .memory = small_pages, .length = SMALL,
	  .count = MORE, .run = map_more_anywhere, .prepare = map_million },
	{ .name = "access-one", .memory = small_pages, .length = SCATTERED,
	  .count = 1, .run = access_one, .before = map_for_access,
	  .after = end_access },
	{ .name = "access-read", .memory = small_pages, .length = SCATTERED,
	  .count = 1, .run = access_few, .before = map_for_access,
	  .after = end_access },
	{ .name = "access-all", .memory = small_pages, .length = SCATTERED,
	  .run = access_all, .before = map_for_access, .after = end_access },
	{ .name = "access-none", .memory = small_pages, .length = SCATTERED,
	  .run = access_none, .before = map_and_hold, .after = end_access },
	{ .name = "access-none-huge", .memory = hugetlb, .length = LARGE,
	  .run = access_none, .before = map_and_hold, .after = end_access },
	{ .name = "dirty-none", .memory = tracked_small, .length = BENCH_BYTES,
	  .run = read_dirty, .finish = finish_tracked },
	{ .name = "dirty-all", .memory = tracked_small, .length = BENCH_BYTES,
	  .run = read_dirty, .before = write_all, .finish = finish_tracked },
	{ .name = "dirty-huge", .memory = tracked_huge, .length = BENCH_BYTES,
	  .run = read_dirty, .before = write_all, .finish = finish_tracked },
	{ .name = "invalidate", .memory = nested, .count = REQUESTS,
	  .run = invalidate, .finish = finish_requests },
	{ .name = "fault", .memory = faulting, .count = REQUESTS,
	  .run = round_trips, .finish = finish_requests },
};

/* Wait until the script has switched on or off what it has to. */
static void await_script(const char *what, const struct sample *sample)
{
	char byte;

	printf("### profile %s %s %llu\n", what, sample->name,
	       (unsigned long long)(sample->count ?: sample->length / SZ_4K));
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

static void look_at(const struct backend *backend, const struct sample *sample)
{
	struct space space;
	void *va = sample->memory(sample->length);

	if (!va) {
		fprintf(stderr, "# no memory for %s\n", sample->name);
		return;
	}
	space_open(&space, sample->backend ?: backend);
	if (sample->prepare)
		sample->prepare(&space, va, sample->length);
	once(&space, sample, va, false);
	once(&space, sample, va, true);
	space_close(&space);
	if (sample->finish)
		sample->finish();
	else
		munmap(va, sample->length);
	memory_free_all();
}

static bool wants_any_iova(const struct sample *sample)
{
	return sample->run == map_each_anywhere ||
	       sample->run == map_more_anywhere;
}

static bool is_for_iommufd(const struct sample *sample)
{
	return sample->finish || sample->backend ||
	       sample->after == end_access;
}

static bool is_possible(const struct sample *sample,
			const struct backend *backend)
{
	if (wants_any_iova(sample))
		return backend->map_anywhere;
	return !is_for_iommufd(sample) || backend == &iommufd_backend;
}

static bool asked_for(const struct sample *sample, int count, char **names)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(names[i], sample->name))
			return true;
	return !count;
}

void bench_profile(const struct backend *backend, int count, char **names)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		if (is_possible(&samples[i], backend) &&
		    asked_for(&samples[i], count, names))
			look_at(backend, &samples[i]);
	}
}

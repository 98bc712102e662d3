// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * How much work mapping is. Prints lines "work TAB value TAB unit", and with a
 * fourth column for the points of a curve. The values are nanoseconds of
 * CLOCK_MONOTONIC; in a guest under -icount shift=0 these are instructions.
 *
 * usage: iommu_bench iommufd|type1 [chapter...]
 *        bench iommufd|type1 profile [sample...]
 *
 * Each chapter runs twice and the second run counts. It is not one of the
 * tests: it needs two edu devices behind an IOMMU, a large pool of huge pages,
 * and a kernel without instruments. scripts/bench.py provides all that.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../kselftest.h"
#include "chapters.h"
#include "report.h"
#include "lib/process.h"

/**
 * struct chapter - a part of the benchmark
 * @name: to choose it on the command line
 * @run: does it
 * @iommufd_only: type1 has no such thing
 * @warms_up: it sees to the first run of each work itself
 * @on_request: it is left out unless it is named
 */
struct chapter {
	const char *name;
	void (*run)(const struct backend *backend);
	bool iommufd_only;
	bool warms_up;
	bool on_request;
};

static void bench_two_tables(const struct backend *backend)
{
	int round;

	(void)backend;
	report_variant(", two page tables");
	for (round = 0; round < 2; round++) {
		report_silence(!round);
		bench_pair(&two_tables_backend);
		bench_gaps(&two_tables_backend);
	}
	bench_kinds_of_memory(&two_tables_backend);
	report_variant("");
}

#define SETTLE_S	5

static const struct chapter chapters[] = {
	{ .name = "kinds", .run = bench_kinds_of_memory, .warms_up = true },
	{ .name = "gigantic", .run = bench_gigantic, .warms_up = true },
	{ .name = "16gib", .run = bench_16_gib, .warms_up = true },
	{ .name = "files", .run = bench_files, .iommufd_only = true,
	  .warms_up = true },
	{ .name = "bars", .run = bench_bars, .warms_up = true },
	{ .name = "pair", .run = bench_pair },
	{ .name = "4000", .run = bench_4000_areas },
	{ .name = "gaps", .run = bench_gaps },
	{ .name = "anywhere", .run = bench_4000_anywhere },
	{ .name = "viommu", .run = bench_viommu, .warms_up = true },
	{ .name = "two-tables", .run = bench_two_tables,
	  .iommufd_only = true, .warms_up = true },
	{ .name = "many", .run = bench_many_areas, .warms_up = true },
	{ .name = "domains", .run = bench_domains, .iommufd_only = true },
	{ .name = "access", .run = bench_access, .iommufd_only = true },
	{ .name = "dirty", .run = bench_dirty, .iommufd_only = true,
	  .warms_up = true },
	{ .name = "invalidate", .run = bench_invalidate, .iommufd_only = true },
	{ .name = "fault", .run = bench_fault, .iommufd_only = true },
	{ .name = "usage", .run = bench_usage },
	{ .name = "by-size", .run = bench_by_size, .warms_up = true },
	{ .name = "by-areas", .run = bench_by_areas, .warms_up = true },
	{ .name = "by-areas-100k", .run = bench_by_100k_areas,
	  .warms_up = true, .on_request = true },
	/* Needs a kernel that writes down how long locks are held. */
	{ .name = "locks", .run = bench_locks, .iommufd_only = true,
	  .warms_up = true, .on_request = true },
	/* Means something on two processors with a clock that goes on. */
	{ .name = "threads", .run = bench_threads, .warms_up = true,
	  .on_request = true },
};

static const struct backend *find_backend(const char *name)
{
	if (!strcmp(name, iommufd_backend.name))
		return &iommufd_backend;
	if (!strcmp(name, type1_backend.name))
		return &type1_backend;
	return NULL;
}

static bool named(const struct chapter *chapter, int argc, char **argv)
{
	int i;

	for (i = 2; i < argc; i++)
		if (!strcmp(argv[i], chapter->name))
			return true;
	return argc == 2 && !chapter->on_request;
}

static void run_chapter(const struct chapter *chapter,
			const struct backend *backend)
{
	fprintf(stderr, "# %s\n", chapter->name);
	if (!chapter->warms_up) {
		report_silence(true);
		chapter->run(backend);
	}
	report_silence(false);
	chapter->run(backend);
}

static int run_chapters(const struct backend *backend, int argc, char **argv)
{
	unsigned int i, count = 0;

	/* A kernel that has just begun to run programs does other things, too. */
	sleep(SETTLE_S);
	for (i = 0; i < ARRAY_SIZE(chapters); i++) {
		if (!named(&chapters[i], argc, argv) ||
		    (chapters[i].iommufd_only && backend != &iommufd_backend))
			continue;
		run_chapter(&chapters[i], backend);
		count++;
	}
	return count ? 0 : 2;
}

int main(int argc, char **argv)
{
	const struct backend *backend = argc > 1 ? find_backend(argv[1]) : NULL;

	if (!backend) {
		fprintf(stderr, "usage: iommu_bench iommufd|type1 [chapter...]\n"
				"       iommu_bench iommufd|type1 profile [sample...]\n");
		return 2;
	}
	MUST(memlock_limit(RLIM_INFINITY));
	if (argc > 2 && !strcmp(argv[2], "profile")) {
		bench_profile(backend, argc - 3, argv + 3);
		return 0;
	}
	return run_chapters(backend, argc, argv);
}

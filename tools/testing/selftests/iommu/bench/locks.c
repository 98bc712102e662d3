// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The longest time that each lock of an IOAS is held, in works on so many areas
 * that whoever did all of one under a lock would be seen. Next to it: what the
 * same work costs for as many areas as are done in one step.
 *
 * The kernel writes it down, in /proc/lock_stat of one with CONFIG_LOCK_STAT. It
 * must be one without CONFIG_IOMMUFD_TEST, where steps are shorter.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "lib/files.h"
#include "lib/ioctls.h"

#define AREAS		1000000
#define BYTES		(AREAS * SZ_4K)

/* So many areas are one step of the kernel: IOPT_AREAS_STEP. */
#define STEP_AREAS	256

#define COPY_IOVA	(BENCH_IOVA + 2 * BYTES)

#define LOCK_STAT	"/proc/lock_stat"

/* Columns of numbers behind a name, up to the longest time that it was held. */
#define BEFORE_LONGEST	"%*s %*s %*s %*s %*s %*s %*s %*s %*s"

/**
 * struct lock - all locks that are initialised at one place
 * @name: as the kernel calls them
 * @longest: that one was held, instructions; negative if none was taken
 */
struct lock {
	const char *name;
	double longest;
};

/* Those on the way of the works below; the first is taken by all of them. */
static struct lock locks[] = {
	{ "&iopt->iova_rwsem", 0 },
	{ "&iopt->domains.rwsem", 0 },
	{ "&pages->fill_mutex", 0 },
	{ "&pages->mutex", 0 },
	{ "&account->lock", 0 },
	{ "&xa->xa_lock", 0 },
	{ "&ioas->mutex", 0 },
	{ "&group->lock", 0 },
};

/* The kernel tells readers from writers, and places that have the same name. */
static size_t name_length(const char *name, const char *end)
{
	while (end - name > 2 && strchr("-/#", end[-2]))
		end -= 2;
	return end - name;
}

static void note_longest(const char *name, size_t length, double longest)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(locks); i++)
		if (strlen(locks[i].name) == length &&
		    !strncmp(locks[i].name, name, length) &&
		    locks[i].longest < longest)
			locks[i].longest = longest;
}

/* "NAME: NUMBER...", which are microseconds with two decimals. */
static void read_line(const char *line)
{
	const char *name = line + strspn(line, " ");
	const char *colon = strchr(name, ':');
	double us;

	/* It has stopped to look at locks. */
	MUST(strncmp(line, "*WARNING*", strlen("*WARNING*")) ? 0 : -EIO);
	if (colon && sscanf(colon + 1, BEFORE_LONGEST " %lf", &us) == 1)
		note_longest(name, name_length(name, colon), us * 1000);
}

static void read_longest(void)
{
	FILE *file = fopen(LOCK_STAT, "re");
	char line[1024];
	unsigned int i;

	MUST(file ? 0 : -errno);
	for (i = 0; i < ARRAY_SIZE(locks); i++)
		locks[i].longest = -1;
	while (fgets(line, sizeof(line), file))
		read_line(line);
	fclose(file);
	MUST(locks[0].longest < 0 ? -ENOENT : 0);
}

/* One work, with AREAS areas. */
static void watch(struct space *space, const char *work,
		  void (*run)(struct space *space))
{
	__u64 start, took;
	unsigned int i;

	settle();
	MUST(file_write(LOCK_STAT, "0"));
	start = thread_ns();
	run(space);
	took = thread_ns() - start;
	read_longest();
	for (i = 0; i < ARRAY_SIZE(locks); i++)
		if (locks[i].longest >= 0)
			report_value(locks[i].longest, "instructions",
				     "locks: %s: %s", work, locks[i].name);
	report_value((double)took / AREAS * STEP_AREAS, "instructions",
		     "locks: %s: %d areas", work, STEP_AREAS);
}

static char *pages;

static void run_map(struct space *space)
{
	unsigned int i;

	for (i = 0; i < AREAS; i++)
		space_map(space, bench_page(pages, i), SZ_4K,
			  BENCH_IOVA + i * SZ_4K);
}

static void run_copy(struct space *space)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = space->ioas_id,
		.src_iova = BENCH_IOVA,
		.length = BYTES,
		.dst_ioas_id = space->ioas_id,
		.dst_iova = COPY_IOVA,
	};

	MUST(ioas_copy(space->fd, &copy));
}

static void run_unmap(struct space *space)
{
	space_unmap(space, COPY_IOVA, BYTES);
}

static void run_detach(struct space *space)
{
	MUST(edu_detach(&space->edu));
}

static void run_attach(struct space *space)
{
	MUST(edu_attach_ioas(&space->edu, space->ioas_id));
}

void bench_locks(const struct backend *backend)
{
	struct space space;

	pages = bench_pages();
	space_open(&space, backend);
	watch(&space, "map one by one", run_map);
	watch(&space, "copy in one call", run_copy);
	watch(&space, "unmap in one call", run_unmap);
	watch(&space, "detach the last device", run_detach);
	watch(&space, "attach the first device", run_attach);
	watch(&space, "close all", space_close);
	memory_free_all();
}

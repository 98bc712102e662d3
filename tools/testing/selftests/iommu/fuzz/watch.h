/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Children that may hang.
 */
#ifndef SELFTEST_IOMMU_FUZZ_WATCH_H
#define SELFTEST_IOMMU_FUZZ_WATCH_H

#include <stddef.h>
#include <sys/types.h>

#include <linux/types.h>

/* What is wrong when there is nobody to tell. */
#define FUZZ_DIED	"the process died"
#define FUZZ_HUNG	"the process hangs"

/* How long one operation may take before it counts as a hang. */
#define FUZZ_HANG_MS	60000

enum fuzz_watch_result {
	FUZZ_WATCH_GOOD,	/* returned 0 */
	FUZZ_WATCH_BAD,		/* returned something else */
	FUZZ_WATCH_DIED,	/* of a signal that nobody sent */
	FUZZ_WATCH_HUNG,	/* and was killed */
};

/**
 * struct fuzz_watched - a child, watched
 * @pid: the child
 * @beats: numbers that change as long as it works
 * @nr_beats: how many
 * @seen: their sum at the last look
 * @since: when that changed last, milliseconds
 */
struct fuzz_watched {
	pid_t pid;
	const __u64 *beats;
	unsigned int nr_beats;
	__u64 seen[16];
	__u64 since[16];
};

void fuzz_watch_begin(struct fuzz_watched *watched, pid_t pid,
		      const __u64 *beats, unsigned int nr_beats);

/* Look once; returns false while the child works. */
int fuzz_watch_look(struct fuzz_watched *watched,
		    enum fuzz_watch_result *result);

/* Run @fn in a child to its end. */
enum fuzz_watch_result fuzz_watch(int (*fn)(void *arg), void *arg,
				  const __u64 *beats, unsigned int nr_beats);

/* Memory that children share with their parent; aborts without memory. */
void *fuzz_shared_alloc(size_t size);

#endif

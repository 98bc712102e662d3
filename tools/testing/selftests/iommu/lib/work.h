/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Work that takes long, in a thread. How far it has come tell the counters of
 * pinned and released pages, so that no test depends on how fast this machine
 * is.
 */
#ifndef SELFTEST_IOMMU_WORK_H
#define SELFTEST_IOMMU_WORK_H

#include <pthread.h>
#include <stdbool.h>

#include <linux/types.h>

#include "rig.h"
#include "window.h"

#define LARGE		(64 * SZ_1G)

/* Beyond what the platform keeps for interrupts and what rig.h uses. */
#define LARGE_IOVA	LARGE

#define ACQUIRED	"nr_foll_pin_acquired "
#define RELEASED	"nr_foll_pin_released "

/* A busy host may keep one of two processors from running at all. */
#define TRIES		3

/**
 * struct work - a call that takes long, and how far it has come
 * @rig: a device and its IOAS
 * @window: LARGE bytes of memory
 * @name: of the call, for the report
 * @run: the call
 * @counter: counts pages while it works, ACQUIRED or RELEASED
 * @thread: makes the call
 * @before: the counter before
 * @ended: set when the call returns
 * @ret: what it returned
 */
struct work {
	struct rig *rig;
	struct window *window;
	const char *name;
	int (*run)(struct work *work);
	const char *counter;
	pthread_t thread;
	__u64 before;
	bool ended;
	int ret;
};

/*
 * What to work on. @lacking: what this machine would have to have for the test,
 * or NULL. Needs window_memory(), like a window.
 */
int work_create(struct rig *rig, struct window *window, const char **lacking);
const char *work_destroy(struct rig *rig, struct window *window);

/* Calls for @run. */
int work_map(struct work *work);
int work_unmap(struct work *work);
int work_attach(struct work *work);
int work_detach(struct work *work);

/* Begin in a thread; wait for the end and return what the call returned. */
int work_start(struct work *work);
int work_end(struct work *work);
bool work_ended(struct work *work);

/* A counter, not exact to the page, as it is kept per processor. */
__u64 work_counter(const char *counter);

/* How many of 1000 parts of LARGE bytes have been counted. */
unsigned int work_parts_since(const char *counter, __u64 before);
unsigned int work_parts(struct work *work);

#endif

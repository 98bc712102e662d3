/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Child processes, privileges and time.
 */
#ifndef SELFTEST_IOMMU_PROCESS_H
#define SELFTEST_IOMMU_PROCESS_H

#include <sys/types.h>

#include <linux/types.h>

#include "clock.h"

/* Clear or set one capability in the effective set; 0 or -errno. */
int capability_drop(int capability);
int capability_raise(int capability);

/* Set both limits of RLIMIT_MEMLOCK; 0 or -errno. */
int memlock_limit(__u64 bytes);

/* Keep this thread on the processor that it is on; 0 or -errno. */
int stay_on_one_cpu(void);

/*
 * Run @fn in a child. Returns what @fn returned (0 to 255), -ETIMEDOUT after
 * having killed a child that took longer than @timeout_ms, or -EINTR for a
 * child that died of a signal.
 */
int child_run(int (*fn)(void *arg), void *arg, unsigned int timeout_ms);

/* The same in two steps. */
pid_t child_start(int (*fn)(void *arg), void *arg);
int child_wait(pid_t pid, unsigned int timeout_ms);

/* Two-way doorbell between a test and its child. */
struct doorbell {
	int to_child[2];
	int to_parent[2];
};

int doorbell_init(struct doorbell *bell);
void doorbell_close(struct doorbell *bell);
void child_ring(struct doorbell *bell);
int child_await(struct doorbell *bell);
void parent_ring(struct doorbell *bell);
int parent_await(struct doorbell *bell);

#endif

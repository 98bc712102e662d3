/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A run on paper, how it ended, and what was done: shared between processes.
 */
#ifndef SELFTEST_IOMMU_FUZZ_BOARD_H
#define SELFTEST_IOMMU_FUZZ_BOARD_H

#include <stdbool.h>

#include <linux/types.h>

#include "op.h"

/* Operations of a run. */
#define FUZZ_RUN_OPS	800

#define FUZZ_ERRNOS	128

/**
 * struct fuzz_counts - what was done, for the report
 * @operations: operations that were executed
 * @checks: more of them, made up to look at the state
 * @by_kind: operations by kind
 * @microseconds: that they took
 * @check_microseconds: that checks took
 * @by_errno: operations by what they returned
 */
struct fuzz_counts {
	__u64 operations;
	__u64 checks;
	__u64 by_kind[FUZZ_KINDS];
	__u64 microseconds[FUZZ_KINDS];
	__u64 check_microseconds;
	__u64 by_errno[FUZZ_ERRNOS];
};

/**
 * struct fuzz_sequence - a run on paper
 * @memlock: for the run, limit of what may be charged in pages; 0 for none
 * @count: entries of @ops
 * @ops: the operations
 */
struct fuzz_sequence {
	__u64 memlock;
	unsigned int count;
	struct fuzz_op ops[FUZZ_RUN_OPS];
};

/**
 * struct fuzz_report - how a run ended
 * @failed: something was wrong
 * @at: number of the operation
 * @text: what
 */
struct fuzz_report {
	bool failed;
	unsigned int at;
	char text[512];
};

/**
 * struct fuzz_board - shared between a process that runs and its parent
 * @sequence: the run that is executed
 * @seed: its seed
 * @report: how it ended
 * @counts: of all runs
 * @beat: changes with every operation, so that the parent sees a hang
 */
struct fuzz_board {
	struct fuzz_sequence sequence;
	__u64 seed;
	struct fuzz_report report;
	struct fuzz_counts counts;
	__u64 beat;
};

#endif

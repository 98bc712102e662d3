/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Runs: a sequence of operations, executed and compared with the model.
 */
#ifndef SELFTEST_IOMMU_FUZZ_RUN_H
#define SELFTEST_IOMMU_FUZZ_RUN_H

#include "board.h"

/*
 * Make up a run from a seed, or replay @board->sequence, in this process, which
 * has called fuzz_memory_init(). The result is in @board->report.
 */
void fuzz_run_seed(struct fuzz_board *board, __u64 seed);
void fuzz_run_replay(struct fuzz_board *board);

#endif

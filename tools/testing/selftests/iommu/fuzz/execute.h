/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * From an operation to the kernel, and back to the model.
 */
#ifndef SELFTEST_IOMMU_FUZZ_EXECUTE_H
#define SELFTEST_IOMMU_FUZZ_EXECUTE_H

#include "board.h"
#include "model.h"
#include "ops.h"

/**
 * struct fuzz_state - what a run needs
 * @model: what ought to be
 * @stage: where the kernel reads and writes
 * @board: to report to
 * @checking: operations count as checks
 */
struct fuzz_state {
	struct fuzz_model model;
	struct fuzz_stage stage;
	struct fuzz_board *board;
	bool checking;
};

/* Open /dev/iommu; 0 or -errno. */
int fuzz_context_open(struct fuzz_context *context);

/* Accesses and queues keep a context alive, so either order has to work. */
void fuzz_context_close(struct fuzz_model *model, struct fuzz_context *context,
			bool accesses_first);

/* Execute and compare; NULL, or what is wrong. */
const char *fuzz_execute(struct fuzz_state *state, const struct fuzz_op *op);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of a BAR that is withdrawn, and comes back.
 *
 * While the process cannot access it, no page table has it. When the process
 * can, it comes back in a while. Nothing depends on how soon: before operations
 * by which that could be told, somebody waits until all of it is back.
 */
#ifndef SELFTEST_IOMMU_FUZZ_REVOKE_H
#define SELFTEST_IOMMU_FUZZ_REVOKE_H

#include "model.h"

/* Operations by which it can be told whether a BAR is back. */
bool fuzz_revoke_shows(const struct fuzz_op *op);

/* Wait until all that can come back is back; NULL, or what is wrong. */
const char *fuzz_revoke_settle(struct fuzz_model *model);

/* The answer to MD_CHECK_BAR */
fuzz_errnos fuzz_revoke_predict(struct fuzz_context *context,
				const struct fuzz_op *op);

/* Do something to the BAR, or to where it is mapped. */
const char *fuzz_revoke_execute(struct fuzz_model *model,
				const struct fuzz_op *op);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Tracking of what devices write.
 */
#ifndef SELFTEST_IOMMU_FUZZ_DIRTY_H
#define SELFTEST_IOMMU_FUZZ_DIRTY_H

#include "model.h"

/* For SET_DIRTY_TRACKING, DIRTY and GET_DIRTY_BITMAP. */
fuzz_errnos fuzz_dirty_predict(struct fuzz_context *context,
			       const struct fuzz_op *op);
const char *fuzz_dirty_apply(struct fuzz_context *context,
			     const struct fuzz_op *op,
			     const struct fuzz_answer *answer);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Page tables that the program asks for, and those that are nested in them.
 */
#ifndef SELFTEST_IOMMU_FUZZ_HWPTS_H
#define SELFTEST_IOMMU_FUZZ_HWPTS_H

#include "model.h"

/* For HWPT_ALLOC, INVALIDATE and CHECK_IOTLB. */
fuzz_errnos fuzz_hwpt_predict(struct fuzz_model *model,
			      const struct fuzz_op *op);
const char *fuzz_hwpt_apply(struct fuzz_model *model, const struct fuzz_op *op,
			    const struct fuzz_answer *answer);

#endif

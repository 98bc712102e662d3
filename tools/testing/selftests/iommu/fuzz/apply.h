/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The effects of an operation; NULL, or what is wrong with the answer.
 */
#ifndef SELFTEST_IOMMU_FUZZ_APPLY_H
#define SELFTEST_IOMMU_FUZZ_APPLY_H

#include "model.h"

const char *fuzz_apply(struct fuzz_model *model, const struct fuzz_op *op,
		       const struct fuzz_answer *answer);

#endif

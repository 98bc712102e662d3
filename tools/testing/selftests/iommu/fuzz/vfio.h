/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Predictions and effects for ioctls of VFIO.
 */
#ifndef SELFTEST_IOMMU_FUZZ_VFIO_H
#define SELFTEST_IOMMU_FUZZ_VFIO_H

#include "model.h"

fuzz_errnos fuzz_vfio_predict(struct fuzz_model *model,
			      const struct fuzz_op *op);
const char *fuzz_vfio_apply(struct fuzz_model *model, const struct fuzz_op *op,
			    const struct fuzz_answer *answer);

#endif

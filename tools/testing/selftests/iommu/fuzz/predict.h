/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What an operation may return; 0 if it is to be left out. Changes nothing.
 */
#ifndef SELFTEST_IOMMU_FUZZ_PREDICT_H
#define SELFTEST_IOMMU_FUZZ_PREDICT_H

#include "model.h"

fuzz_errnos fuzz_predict(struct fuzz_model *model, const struct fuzz_op *op);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The answers to operations on accesses.
 */
#ifndef SELFTEST_IOMMU_FUZZ_ACCESSES_H
#define SELFTEST_IOMMU_FUZZ_ACCESSES_H

#include "model.h"

fuzz_errnos fuzz_access_predict(struct fuzz_model *model,
				const struct fuzz_op *op);

#endif

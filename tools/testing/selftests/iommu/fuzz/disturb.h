/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Changes under the feet of whoever pins, without a model.
 */
#ifndef SELFTEST_IOMMU_FUZZ_DISTURB_H
#define SELFTEST_IOMMU_FUZZ_DISTURB_H

#include "op.h"

/* Any thread, at any time. */
void fuzz_disturb(const struct fuzz_op *op);

#endif

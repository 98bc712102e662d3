/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * All that can be seen from outside, compared with the model.
 */
#ifndef SELFTEST_IOMMU_FUZZ_CHECK_H
#define SELFTEST_IOMMU_FUZZ_CHECK_H

#include "execute.h"

/* Look at everything; NULL, or what is wrong. */
const char *fuzz_check(struct fuzz_state *state);

#endif

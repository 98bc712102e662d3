/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Another process takes over a context of files.
 */
#ifndef SELFTEST_IOMMU_FUZZ_TAKEOVER_H
#define SELFTEST_IOMMU_FUZZ_TAKEOVER_H

#include "model.h"

/*
 * Have a child pay for all that is mapped, and end. This process pays for none
 * of it then, until it takes it back. NULL, or what is wrong.
 */
const char *fuzz_take_over(struct fuzz_model *model,
			   struct fuzz_context *context);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Which operation comes next.
 */
#ifndef SELFTEST_IOMMU_FUZZ_GENERATE_H
#define SELFTEST_IOMMU_FUZZ_GENERATE_H

#include "model.h"
#include "random.h"

/*
 * Make up an operation. With a model, many operations are about what is there;
 * without one, objects are small numbers.
 */
void fuzz_generate(struct fuzz_random *random, struct fuzz_model *model,
		   struct fuzz_op *op);

#endif

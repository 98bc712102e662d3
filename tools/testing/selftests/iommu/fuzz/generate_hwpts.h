/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Operations on page tables and page faults.
 */
#ifndef SELFTEST_IOMMU_FUZZ_GENERATE_HWPTS_H
#define SELFTEST_IOMMU_FUZZ_GENERATE_HWPTS_H

#include "model.h"
#include "random.h"

/* Fill in an operation from FUZZ_HW_INFO to FUZZ_FAULT_ANSWER. */
void fuzz_generate_hwpt(struct fuzz_random *random,
			const struct fuzz_model *model, struct fuzz_op *op);

/* A slot with a page table whose faults go to a queue, -1 if there is none. */
int fuzz_pick_served(struct fuzz_random *random,
		     const struct fuzz_context *context);

/* What has to be done before an operation of this kind makes sense, or it. */
unsigned int fuzz_needed_hwpt(struct fuzz_random *random,
			      const struct fuzz_context *context,
			      unsigned int kind);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Page faults: devices that ask, and the file that answers.
 */
#ifndef SELFTEST_IOMMU_FUZZ_FAULTS_H
#define SELFTEST_IOMMU_FUZZ_FAULTS_H

#include "model.h"

/* The queue whose file an operation is about; NULL if there is none. */
struct fuzz_object *fuzz_queue_of(struct fuzz_context *context,
				  unsigned int selector);

/* The cookies that an operation of FUZZ_FAULT_ANSWER answers. */
void fuzz_fault_cookies(const struct fuzz_object *queue,
			const struct fuzz_op *op, __u32 *cookies);

/* For FAULT_QUEUE_ALLOC, its file, and TRIGGER_IOPF. */
fuzz_errnos fuzz_fault_predict(struct fuzz_context *context,
			       const struct fuzz_op *op);
const char *fuzz_fault_apply(struct fuzz_model *model, const struct fuzz_op *op,
			     const struct fuzz_answer *answer);

/* Compare what devices have been told, and which files can be read. */
const char *fuzz_fault_check(struct fuzz_model *model);

#endif

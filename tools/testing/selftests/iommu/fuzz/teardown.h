/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What goes, and all that goes with it.
 */
#ifndef SELFTEST_IOMMU_FUZZ_TEARDOWN_H
#define SELFTEST_IOMMU_FUZZ_TEARDOWN_H

#include "model.h"

void fuzz_ioas_erase(struct fuzz_model *model, struct fuzz_context *context,
		     struct fuzz_object *ioas, unsigned int index);

/*
 * A device leaves a page table. What it has asked for is refused, and a page
 * table that is automatic goes with the last one.
 */
void fuzz_model_leave(struct fuzz_model *model, struct fuzz_object *device,
		      struct fuzz_object *hwpt);

/* A device leaves the page table that it has, and asks for nothing more. */
void fuzz_model_detach(struct fuzz_model *model, struct fuzz_object *device);

/* A page table that nobody uses goes. */
void fuzz_model_drop_table(struct fuzz_model *model, struct fuzz_object *hwpt);

void fuzz_model_clear_context(struct fuzz_model *model,
			      struct fuzz_context *context);

#endif

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

/* A device leaves its page table, which goes with the last one. */
void fuzz_model_detach(struct fuzz_model *model, struct fuzz_context *context,
		       struct fuzz_object *device);

void fuzz_model_clear_context(struct fuzz_model *model,
			      struct fuzz_context *context);

#endif

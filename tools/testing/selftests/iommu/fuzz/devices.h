/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Devices, and the page tables that they are attached to.
 */
#ifndef SELFTEST_IOMMU_FUZZ_DEVICES_H
#define SELFTEST_IOMMU_FUZZ_DEVICES_H

#include "model.h"

/* Why there can be no further page table over an IOAS; 0 if there can. */
fuzz_errnos fuzz_table_errnos(struct fuzz_model *model,
			      struct fuzz_object *ioas, bool huge,
			      bool trackable);

/* A page table follows an IOAS from now on; NULL, or what is wrong. */
const char *fuzz_table_fill(struct fuzz_model *model, struct fuzz_object *hwpt,
			    struct fuzz_object *ioas);

/* The device with a binding of this ID; NULL if there is none. */
struct fuzz_object *fuzz_device_bound(struct fuzz_context *context, __u32 id);

/* For MOCK_DOMAIN, MOCK_DOMAIN_REPLACE and HW_INFO. */
fuzz_errnos fuzz_device_predict(struct fuzz_model *model,
				const struct fuzz_op *op);
const char *fuzz_device_apply(struct fuzz_model *model,
			      const struct fuzz_op *op,
			      const struct fuzz_answer *answer);

#endif

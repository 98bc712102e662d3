/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What is pinned, and who pays.
 */
#ifndef SELFTEST_IOMMU_FUZZ_PINS_H
#define SELFTEST_IOMMU_FUZZ_PINS_H

#include "model.h"

/* Give up what fuzz_map_parts() made, or what an area shows. */
void fuzz_pages_put(struct fuzz_pages *pages);
struct fuzz_frame *fuzz_pages_frame(const struct fuzz_pages *pages, __u64 index);
bool fuzz_pages_pinned(const struct fuzz_pages *pages, __u64 index);
fuzz_errnos fuzz_pages_pin(struct fuzz_model *model, struct fuzz_pages *pages,
			   __u64 first, __u64 last);
void fuzz_pages_unpin(struct fuzz_model *model, struct fuzz_pages *pages,
		      __u64 first, __u64 last);
fuzz_errnos fuzz_pin_parts(struct fuzz_model *model,
			   const struct fuzz_part *parts, int count);
void fuzz_unpin_parts(struct fuzz_model *model, const struct fuzz_part *parts,
		      int count);
fuzz_errnos fuzz_fill(struct fuzz_model *model, struct fuzz_object *ioas);
void fuzz_unfill(struct fuzz_model *model, struct fuzz_object *ioas);
void fuzz_pin_forget(struct fuzz_model *model, struct fuzz_access *access,
		     struct fuzz_pin *pin);
void fuzz_access_notify(struct fuzz_model *model, struct fuzz_access *access,
			__u64 iova, __u64 last);

#endif

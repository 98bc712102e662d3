/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of what one map makes: a piece of memory, or a file, or several
 * pieces of which some are a BAR.
 */
#ifndef SELFTEST_IOMMU_FUZZ_MAPS_H
#define SELFTEST_IOMMU_FUZZ_MAPS_H

#include "model.h"

/*
 * The pieces that an operation maps, for fuzz_map_put() or for areas. Returns
 * how many of FUZZ_PARTS they are.
 */
int fuzz_map_parts(const struct fuzz_model *model,
		   const struct fuzz_context *context, const struct fuzz_op *op,
		   bool writable, struct fuzz_part *parts);
void fuzz_map_put(const struct fuzz_part *parts, int count);

/* Why pieces cannot be mapped, whether there are page tables or not. */
fuzz_errnos fuzz_map_errnos(const struct fuzz_part *parts, int count);

/* Can devices have this memory of a BAR now? */
bool fuzz_bar_pages_reachable(const struct fuzz_pages *pages);

/* Where an area with a BAR begins in that, bytes. */
__u64 fuzz_bar_area_offset(const struct fuzz_area *area);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What predictions and effects have in common.
 */
#ifndef SELFTEST_IOMMU_FUZZ_RULES_H
#define SELFTEST_IOMMU_FUZZ_RULES_H

#include "model.h"

/* Does a range end beyond the last address? */
static inline bool fuzz_wraps(__u64 start, __u64 length)
{
	return length && start + (length - 1) < start;
}

/* Where areas would go. */
fuzz_errnos fuzz_place_errnos(const struct fuzz_context *context,
			      const struct fuzz_object *ioas,
			      const struct fuzz_part *parts, int count,
			      bool fixed, __u64 iova);

/* Whether page tables could be filled with areas. */
fuzz_errnos fuzz_fill_errnos(struct fuzz_model *model,
			     const struct fuzz_object *ioas,
			     const struct fuzz_part *parts, int count);

/* The frame that a copy reaches, or NULL. */
struct fuzz_frame *fuzz_rw_frame(const struct fuzz_part *part, __u64 offset,
				 bool slow, bool write);

#endif

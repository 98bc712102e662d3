/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Random choices among what there is. @model may be NULL.
 */
#ifndef SELFTEST_IOMMU_FUZZ_PICK_H
#define SELFTEST_IOMMU_FUZZ_PICK_H

#include "model.h"
#include "random.h"

/* A number that is about to become too large, or too small. */
__u64 fuzz_pick_edge(struct fuzz_random *random);

__u64 fuzz_pick_iova(struct fuzz_random *random);
__u64 fuzz_pick_length(struct fuzz_random *random);

/* A slot with an object of a type, or some other slot. */
unsigned int fuzz_pick_object(struct fuzz_random *random,
			      const struct fuzz_model *model,
			      unsigned int context, enum fuzz_type type);

/* A slot with an object that fits, -1 if there is none. */
int fuzz_pick_where(struct fuzz_random *random,
		    const struct fuzz_context *context,
		    bool (*fits)(const struct fuzz_object *object));

/* Make a range touch what is mapped: all of an area, a part, or several. */
void fuzz_aim_at_area(struct fuzz_random *random,
		      const struct fuzz_object *ioas, __u64 *iova,
		      __u64 *length, unsigned int exact_percent);

/* The IOAS that a selector stands for; NULL if there is none. */
const struct fuzz_object *fuzz_pick_ioas(const struct fuzz_model *model,
					 const struct fuzz_op *op,
					 unsigned int selector);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The memory and files of operations, and what happens to those.
 */
#ifndef SELFTEST_IOMMU_FUZZ_GENERATE_SOURCES_H
#define SELFTEST_IOMMU_FUZZ_GENERATE_SOURCES_H

#include "model.h"
#include "random.h"

void fuzz_pick_memory(struct fuzz_random *random, struct fuzz_op *op);

/* After fuzz_pick_memory(), for a file. */
void fuzz_pick_file(struct fuzz_random *random, struct fuzz_op *op);

/* Of enum fuzz_opened; so often the usual one. */
unsigned int fuzz_pick_opened(struct fuzz_random *random, unsigned int percent);

/* @model may be NULL. */
void fuzz_generate_source(struct fuzz_random *random,
			  const struct fuzz_model *model, struct fuzz_op *op);

#endif

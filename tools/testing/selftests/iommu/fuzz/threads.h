/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Several processes with several threads each do random operations on the same
 * contexts. Nobody knows what comes out, but no errno may come that is not
 * documented, nothing may hang, and in the end nothing may be left.
 */
#ifndef SELFTEST_IOMMU_FUZZ_THREADS_H
#define SELFTEST_IOMMU_FUZZ_THREADS_H

#include "board.h"

#define FUZZ_THREADS_MAX	16

/*
 * A round of about @operations operations with @threads threads. Adds to
 * @counts. NULL, or what is wrong.
 */
const char *fuzz_threads_round(struct fuzz_counts *counts, __u64 seed,
			       __u64 operations, unsigned int threads);

#endif

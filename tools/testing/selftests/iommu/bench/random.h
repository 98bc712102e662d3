/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Numbers without order that are the same in every run.
 */
#ifndef SELFTEST_IOMMU_BENCH_RANDOM_H
#define SELFTEST_IOMMU_BENCH_RANDOM_H

#include <linux/types.h>

#define BENCH_SEED	88172645463325252ULL

/* A generator of Marsaglia's; @state is BENCH_SEED at first. */
static inline __u64 bench_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif

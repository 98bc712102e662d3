/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Random numbers that are the same on every machine for the same seed.
 */
#ifndef SELFTEST_IOMMU_FUZZ_RANDOM_H
#define SELFTEST_IOMMU_FUZZ_RANDOM_H

#include <stdbool.h>

#include <linux/types.h>

/**
 * struct fuzz_random - a sequence of random numbers
 * @state: the seed at first
 */
struct fuzz_random {
	__u64 state;
};

/* The generator of Steele, Lea and Flood, known as splitmix64. */
static inline __u64 fuzz_random_u64(struct fuzz_random *random)
{
	__u64 z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* From 0 to @limit - 1; @limit is not 0. */
static inline __u64 fuzz_random_below(struct fuzz_random *random, __u64 limit)
{
	return fuzz_random_u64(random) % limit;
}

static inline bool fuzz_random_percent(struct fuzz_random *random,
				       unsigned int percent)
{
	return fuzz_random_below(random, 100) < percent;
}

#define fuzz_random_pick(random, array) \
	((array)[fuzz_random_below(random, sizeof(array) / sizeof(*(array)))])

#endif

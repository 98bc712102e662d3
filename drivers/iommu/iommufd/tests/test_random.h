/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_TEST_RANDOM_H
#define __IOMMUFD_TEST_RANDOM_H

#include <linux/types.h>

/**
 * struct test_random - Pseudo-random numbers, the same for a seed everywhere
 * @state: any number
 */
struct test_random {
	u64 state;
};

/**
 * test_seed() - What all tests derive their numbers from
 *
 * Return: the module parameter kunit_seed; in user space, the argument.
 */
unsigned long test_seed(void);

static inline u64 test_random_u64(struct test_random *random)
{
	u64 z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/**
 * test_random_below() - Draw a number
 * @random: where from
 * @n: not 0
 *
 * Return: 0 to @n - 1, evenly enough.
 */
static inline u32 test_random_below(struct test_random *random, u32 n)
{
	return (test_random_u64(random) >> 32) * n >> 32;
}

/**
 * test_random_chance() - Decide by lot
 * @random: where from
 * @n: not 0
 *
 * Return: true once in @n times on average.
 */
static inline bool test_random_chance(struct test_random *random, u32 n)
{
	return !test_random_below(random, n);
}

#endif

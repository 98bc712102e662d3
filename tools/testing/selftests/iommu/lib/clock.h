/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A clock that never goes back.
 */
#ifndef SELFTEST_IOMMU_CLOCK_H
#define SELFTEST_IOMMU_CLOCK_H

#include <time.h>

#include <linux/types.h>

static inline __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* How long this thread has had a processor. */
static inline __u64 thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static inline __u64 now_us(void)
{
	return now_ns() / 1000;
}

static inline __u64 now_ms(void)
{
	return now_ns() / 1000000;
}

static inline void sleep_ms(unsigned int ms)
{
	const struct timespec pause = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&pause, NULL);
}

#endif

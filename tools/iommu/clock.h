/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
#ifndef EDU_VMM_CLOCK_H
#define EDU_VMM_CLOCK_H

#include <time.h>

/** clock_us() - Microseconds of a clock that never goes back */
static inline unsigned long long clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

/** sleep_ms() - Let some milliseconds pass */
static inline void sleep_ms(unsigned int ms)
{
	const struct timespec pause = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&pause, NULL);
}

#endif

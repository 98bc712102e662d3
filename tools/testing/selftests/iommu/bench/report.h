/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Time and results of the benchmark.
 */
#ifndef SELFTEST_IOMMU_BENCH_REPORT_H
#define SELFTEST_IOMMU_BENCH_REPORT_H

#include <stdbool.h>

#include <linux/types.h>

#include "../kselftest.h"
#include "lib/clock.h"

/* A benchmark of calls that fail would be worth nothing: stop. */
#define MUST(call)	must((call), #call, __FILE__, __LINE__)

int must(int ret, const char *call, const char *file, int line);

/*
 * Give the kernel time for what it has put off, which would be part of the next
 * result otherwise.
 */
void settle(void);

/*
 * Start to measure: now_ns() after settle(). In the guest that this is meant for,
 * nanoseconds are instructions.
 */
static inline __u64 start_ns(void)
{
	settle();
	return now_ns();
}

/* While this is set results are computed and not printed: a warm-up. */
void report_silence(bool silent);

/*
 * What is added to the names of all works, "" for nothing: the same is measured in
 * another way.
 */
void report_variant(const char *variant);

/* Print "work TAB value TAB unit", of the work that @format names. */
void report_value(double value, const char *unit, const char *format, ...)
	__printf(3, 4);

/* @total divided by @count; the unit says what the value is per. */
void report(__u64 total, __u64 count, const char *unit, const char *format, ...)
	__printf(4, 5);

/* The same as one point of a curve: a fourth column has @x. */
void report_point(__u64 x, __u64 total, __u64 count, const char *unit,
		  const char *work);

/* Do nothing, at addresses that scripts/bench_profile.py looks up by name. */
void profile_begin(void);
void profile_end(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What the kernel says is in use, read before and after each test.
 */
#ifndef SELFTEST_IOMMU_USAGE_H
#define SELFTEST_IOMMU_USAGE_H

#include <linux/types.h>

#include "files.h"

/**
 * struct usage - counters that a test must leave as it found them
 * @pinned_kib: VmPin of this process, pages pinned on its account
 * @locked_kib: VmLck of this process, pages charged to RLIMIT_MEMLOCK
 * @pins: page pins that the whole system holds, acquired less released
 * @hugetlb_used: huge pages of the default size that are not free
 */
struct usage {
	__u64 pinned_kib;
	__u64 locked_kib;
	__u64 pins;
	__u64 hugetlb_used;
};

/**
 * struct baseline - the state before a test
 * @usage: the counters
 * @kmsg: the kernel log, positioned at its end; negative if not readable
 * @report: what baseline_check() has to say
 */
struct baseline {
	struct usage usage;
	int kmsg;
	char report[512];
};

void usage_read(struct usage *usage);
__u64 pins_acquired(void);

/* Take the state before a test. */
void baseline_take(struct baseline *baseline);

/*
 * Compare with the state now and close the baseline. Returns the empty string
 * when everything is back, or else what is not, for EXPECT_STREQ("", ...).
 */
const char *baseline_check(struct baseline *baseline);

#endif

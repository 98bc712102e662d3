/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Each call of an instrumented kernel may check areas at its end. Whoever
 * measures how long calls take does without: it would be the checks that are
 * measured.
 */
#ifndef SELFTEST_IOMMU_AREA_CHECKS_H
#define SELFTEST_IOMMU_AREA_CHECKS_H

#include <stdio.h>

#include <linux/types.h>

#include "files.h"

#define AREA_CHECKS	"/sys/module/iommufd/parameters/check_areas"

static inline int area_checks_set(__u64 count)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
	return file_write(AREA_CHECKS, text);
}

/* How many areas a call checked is in @before: 0 if the kernel cannot do it. */
static inline int area_checks_stop(__u64 *before)
{
	*before = file_number(AREA_CHECKS, "");
	return *before ? area_checks_set(0) : 0;
}

/* Undo area_checks_stop(). */
static inline int area_checks_resume(__u64 before)
{
	return before ? area_checks_set(before) : 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Accesses from inside of the kernel, through the driver in driver/. These end the
 * program when they fail.
 */
#ifndef SELFTEST_IOMMU_BENCH_ACCESS_CALLS_H
#define SELFTEST_IOMMU_BENCH_ACCESS_CALLS_H

#include <linux/types.h>

#include "space.h"

/* An access that is attached to the IOAS of a space; gone with close(). */
int access_open(const struct space *space);

/* Pin so many bytes from BENCH_IOVA on, and unpin them. */
void access_hold(int driver, __u64 length);
void access_let_go(int driver);

/* Copy so many bytes from BENCH_IOVA on to the kernel. */
void access_read(int driver, __u64 length);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The harness of the selftests, with limits for the slowest place where these
 * tests run: an instrumented kernel on an emulated processor that has to share
 * the real one. They only tell "slow" from "never".
 */
#ifndef SELFTEST_IOMMU_HARNESS_H
#define SELFTEST_IOMMU_HARNESS_H

/* Warnings about what its macros expand to are not for us to heed. */
#pragma GCC system_header
#include "../kselftest_harness.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

/* Longest that anything takes which does not hang. */
#define TIMEOUT_MS		60000

/* Longest that a process may take to die. */
#define DEATH_MS		15000

#endif

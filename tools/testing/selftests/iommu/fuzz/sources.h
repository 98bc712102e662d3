/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * All that the fuzzer maps: memory, files, a BAR.
 */
#ifndef SELFTEST_IOMMU_FUZZ_SOURCES_H
#define SELFTEST_IOMMU_FUZZ_SOURCES_H

/* Make all of it, in this process; 0 or -errno. */
int fuzz_sources_init(void);

/* Begin a run. */
void fuzz_sources_reset(void);

#endif

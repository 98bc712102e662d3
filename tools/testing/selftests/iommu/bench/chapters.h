/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What the benchmark consists of. A chapter prepares what it needs, measures
 * and reports, and leaves nothing behind.
 */
#ifndef SELFTEST_IOMMU_BENCH_CHAPTERS_H
#define SELFTEST_IOMMU_BENCH_CHAPTERS_H

#include "space.h"

/* Mapping and unmapping memory of each kind in one call. */
void bench_kinds_of_memory(const struct backend *backend);
void bench_gigantic(const struct backend *backend);
void bench_16_gib(const struct backend *backend);

/* The same with files; iommufd only. */
void bench_files(const struct backend *backend);

/* And with BARs, which also come and go. */
void bench_bars(const struct backend *backend);

/* Areas of 4 KiB. */
void bench_pair(const struct backend *backend);
void bench_4000_areas(const struct backend *backend);
void bench_gaps(const struct backend *backend);
void bench_4000_anywhere(const struct backend *backend);
void bench_viommu(const struct backend *backend);

/* 100000 areas, when devices come and go and when all is closed. */
void bench_many_areas(const struct backend *backend);

/* Cost against size and against the number of areas. */
void bench_by_size(const struct backend *backend);
void bench_by_areas(const struct backend *backend);
void bench_by_100k_areas(const struct backend *backend);

/* Memory that the kernel needs for what is mapped. */
void bench_usage(const struct backend *backend);

/* Page tables that come and go, copies; iommufd only. */
void bench_domains(const struct backend *backend);

/* In-kernel access through the driver in driver/; iommufd only. */
void bench_access(const struct backend *backend);

/* Pages that devices have written to; iommufd only, with the driver as well. */
void bench_dirty(const struct backend *backend);

/* Nested page tables, page faults of devices; the same. */
void bench_invalidate(const struct backend *backend);
void bench_fault(const struct backend *backend);

/* How long locks are held, with a million areas; iommufd only. */
void bench_locks(const struct backend *backend);

/* Two threads on two processors, next to one. */
void bench_threads(const struct backend *backend);

/*
 * Small pieces of all that, to be looked at instruction by instruction: those
 * with the given names, or all when there are none.
 */
void bench_profile(const struct backend *backend, int count, char **names);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * An iommufd with two IOASes and some memory, for tests on the mock IOMMU.
 */
#ifndef SELFTEST_IOMMU_MOCK_RIG_H
#define SELFTEST_IOMMU_MOCK_RIG_H

#include "ioctls.h"
#include "memory.h"
#include "mock.h"
#include "usage.h"

#define MOCK_RIG_PAGES	32

/**
 * struct mock_rig - what most tests on the mock IOMMU begin with
 * @baseline: taken before anything else
 * @fd: the iommufd
 * @ioas_id: an IOAS without areas
 * @other_id: another one
 * @buffer: MOCK_RIG_PAGES pages of memory, scattered; each begins with its
 *          number, see mock_rig_mark()
 */
struct mock_rig {
	struct baseline baseline;
	int fd;
	__u32 ioas_id;
	__u32 other_id;
	char *buffer;
};

/*
 * @rlimit_mode: value for IOMMU_OPTION_RLIMIT_MODE
 * Returns 0, -ENODEV when there is no mock IOMMU, or what failed.
 */
int mock_rig_create(struct mock_rig *rig, __u64 rlimit_mode);

/* Take all apart; returns what baseline_check() finds. */
const char *mock_rig_destroy(struct mock_rig *rig);

/* Address of page @page of the buffer, and its IOVA in these tests. */
static inline char *mock_rig_va(const struct mock_rig *rig, __u64 page)
{
	return rig->buffer + page * PAGE_SIZE;
}

static inline __u64 mock_rig_iova(__u64 page)
{
	return MOCK_APERTURE_START + page * PAGE_SIZE;
}

/* What page @page of the buffer begins with. */
static inline __u64 mock_rig_mark(__u64 page)
{
	return 0x6d61726b00000000ULL + page;
}

/* Map @count pages of the buffer from page @page on at their IOVA. */
int mock_rig_map(struct mock_rig *rig, __u64 page, __u64 count);
int mock_rig_unmap(struct mock_rig *rig, __u64 page, __u64 count);

/* Show what is at the IOVA of some pages in the other IOAS as well. */
int mock_rig_copy(struct mock_rig *rig, __u64 page, __u64 count);

#endif

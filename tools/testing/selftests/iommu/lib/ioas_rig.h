/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * An IOAS without any device, ready for a test.
 */
#ifndef SELFTEST_IOMMU_IOAS_RIG_H
#define SELFTEST_IOMMU_IOAS_RIG_H

#include "ioctls.h"
#include "memory.h"
#include "usage.h"

#define IOAS_RIG_PAGES	64

/* Where tests put what they need, far from both ends. */
#define IOAS_RIG_IOVA	0x40000000ULL

/**
 * struct ioas_rig - what tests of maps begin with
 * @baseline: taken before anything else
 * @fd: the iommufd
 * @ioas_id: an IOAS without areas
 * @buffer: IOAS_RIG_PAGES pages of memory, scattered
 */
struct ioas_rig {
	struct baseline baseline;
	int fd;
	__u32 ioas_id;
	char *buffer;
};

/* Returns 0, or what failed. */
int ioas_rig_create(struct ioas_rig *rig);

/* Take all apart; returns what baseline_check() finds. */
const char *ioas_rig_destroy(struct ioas_rig *rig);

static inline __u64 ioas_rig_iova(__u64 page)
{
	return IOAS_RIG_IOVA + page * PAGE_SIZE;
}

/* Map the first @count pages of the buffer at the IOVA of page @page. */
int ioas_rig_map(struct ioas_rig *rig, __u64 page, __u64 count);
int ioas_rig_unmap(struct ioas_rig *rig, __u64 page, __u64 count,
		   __u64 *unmapped);

/* Take all there is away; returns how many pages there were, or -errno. */
long ioas_rig_take_all(struct ioas_rig *rig);

#endif

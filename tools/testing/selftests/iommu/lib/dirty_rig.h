/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A page table of the mock IOMMU that tracks writes, and what it should know.
 * Memory is mapped around a border that the kernel reads up to in one go, with
 * holes. All of it is counted in units, which are IOPTEs.
 */
#ifndef SELFTEST_IOMMU_DIRTY_RIG_H
#define SELFTEST_IOMMU_DIRTY_RIG_H

#include <stdbool.h>

#include "mock_rig.h"

/*
 * The kernel reads no more at a time than lies between two multiples of this.
 */
#define DIRTY_PIECE	SZ_1G

/**
 * enum dirty_way - how the driver tells what is dirty
 * @DIRTY_BITMAP: in the bitmap
 * @DIRTY_GATHER: not at all; it can be searched for
 * @DIRTY_TRAP: not at all, while it is trusted with the bitmap
 */
enum dirty_way {
	DIRTY_BITMAP,
	DIRTY_GATHER,
	DIRTY_TRAP,
};

/**
 * struct dirty_rig - a page table that tracks writes
 * @rig: the iommufd; the page table is over its first IOAS
 * @device: attached to the page table
 * @hwpt_id: the page table
 * @huge: units are huge IOPTEs
 * @memory: what is mapped
 * @unit: bytes in a unit
 * @units: how many there are, mapped or not, at most 64
 * @base: IOVA of the first; the border is in the middle
 * @present: a bit for each unit that is mapped
 */
struct dirty_rig {
	struct mock_rig rig;
	struct mock_device device;
	__u32 hwpt_id;
	bool huge;
	char *memory;
	__u64 unit;
	unsigned int units;
	__u64 base;
	__u64 present;
};

/*
 * Tracking is off at first. Returns 0, -ENODEV when there is no mock IOMMU,
 * -ENOTSUP without huge pages, or what failed.
 */
int dirty_rig_create(struct dirty_rig *dirty, bool huge, enum dirty_way way);
const char *dirty_rig_destroy(struct dirty_rig *dirty);

static inline __u64 dirty_rig_iova(const struct dirty_rig *dirty,
				   unsigned int unit)
{
	return dirty->base + unit * dirty->unit;
}

/* The same, and the opposite of what was mapped at first. */
int dirty_rig_map(struct dirty_rig *dirty);
int dirty_rig_unmap(struct dirty_rig *dirty);

/* A device writes to each unit that has a bit, somewhere in it. */
int dirty_rig_write(struct dirty_rig *dirty, __u64 units);

/* Which units are dirty. */
int dirty_rig_read(struct dirty_rig *dirty, __u32 flags, __u64 *units);

int dirty_rig_track(struct dirty_rig *dirty, bool enable);

/* A request for all units, with a bit for each in @bitmap. */
struct iommu_hwpt_get_dirty_bitmap
dirty_rig_request(const struct dirty_rig *dirty, void *bitmap);

#endif

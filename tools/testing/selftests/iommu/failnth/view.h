/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * All that user space can see of two IOASes on the mock IOMMU and of the memory
 * in them, to compare before and after.
 */
#ifndef SELFTEST_IOMMU_VIEW_H
#define SELFTEST_IOMMU_VIEW_H

#include "lib/mock_rig.h"

#define VIEW_PAGES	16
#define VIEW_OBJECTS	14
#define VIEW_FDINFO	4096

/**
 * struct view - what can be seen
 * @ranges: IOVA that may be used, of each IOAS
 * @shown: what the memory at each page of IOVA begins with, of each IOAS; a
 *         negative errno where there is none
 * @translated: by ID of page table, a bit for each page of IOVA at which it has
 *              what the first IOAS shows there, and above those of the second
 * @refs: how often each page of the buffer is pinned
 * @pinned_kib: VmPin
 * @next_id: the ID that a new object gets
 * @files: open files of this process
 * @devices: platform devices, of which the mock IOMMU makes some
 * @groups: IOMMU groups
 * @fdinfo: what the kernel tells about the iommufd
 */
struct view {
	struct iova_ranges ranges[2];
	__s64 shown[2][VIEW_PAGES];
	__u64 translated[VIEW_OBJECTS];
	int refs[VIEW_PAGES];
	__u64 pinned_kib;
	__u32 next_id;
	unsigned int files;
	unsigned int devices;
	unsigned int groups;
	char fdinfo[VIEW_FDINFO];
};

/* @readers: an access that copies for each IOAS of the rig */
void view_take(struct view *view, struct mock_rig *rig, const int *readers);

/* Returns the empty string, or what differs. */
const char *view_difference(const struct view *one, const struct view *other);

#endif

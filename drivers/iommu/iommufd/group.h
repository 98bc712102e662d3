/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_GROUP_H
#define __IOMMUFD_GROUP_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct device;
struct iommu_group;
struct iommufd_ctx;
struct iommufd_hw_pagetable;

/**
 * struct iommufd_group - The devices that an IOMMU cannot tell apart
 * @users: one for each bound device; falls to 0 only under the lock of
 *         &iommufd_ctx.groups, so what is found there is alive
 * @ictx: the context; constant
 * @group: the group of the IOMMU core, with a reference; constant
 * @id: of @group, index into &iommufd_ctx.groups; constant
 * @lock: protects the members below, and &iommufd_device.group_entry. The
 *        outermost lock, the mutex of an IOAS comes inside.
 * @hwpt: the page table that all of the group uses, in use; NULL as long as
 *        @devices is empty
 * @devices: struct iommufd_device that are attached
 * @sw_msi_start: first IOVA of the window for interrupts, PHYS_ADDR_MAX as
 *                long as none of the devices turned out to have one
 */
struct iommufd_group {
	refcount_t users;
	struct iommufd_ctx *ictx;
	struct iommu_group *group;
	int id;
	struct mutex lock; /* outermost, see above */
	struct iommufd_hw_pagetable *hwpt;
	struct list_head devices;
	phys_addr_t sw_msi_start;
};

struct iommufd_group *iommufd_group_get(struct iommufd_ctx *ictx,
					struct device *dev);
void iommufd_group_put(struct iommufd_group *group);
int iommufd_group_note_msi_window(struct iommufd_group *group,
				  phys_addr_t start);
int iommufd_group_move(struct iommufd_group *group,
		       struct iommufd_hw_pagetable *hwpt);
int iommufd_group_move_filling(struct iommufd_group *group,
			       struct iommufd_hw_pagetable *hwpt);
struct iommufd_hw_pagetable *iommufd_group_block(struct iommufd_group *group);

#endif

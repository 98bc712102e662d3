/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_GROUP_H
#define __IOMMUFD_GROUP_H

#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "object/object.h"

struct device;
struct iommu_group;
struct iommufd_attach;
struct iommufd_ctx;

/**
 * struct iommufd_group - The devices that an IOMMU cannot tell apart
 * @users: one for each bound device; falls to 0 only under the lock of
 *         &iommufd_ctx.groups, so what is found there is alive
 * @ictx: the context; constant
 * @group: the group of the IOMMU core, with a reference; constant
 * @id: of @group, index into &iommufd_ctx.groups; constant
 * @lock: protects the members below, and &iommufd_device.attach_entry. The
 *        mutex of an IOAS comes inside, see "Lock order" in pages/iopt_types.h
 * @attach: ties those of its devices that are attached to the page table that
 *          all of the group uses; NULL as long as none is
 * @sw_msi_start: first IOVA of the window for interrupts, PHYS_ADDR_MAX as
 *                long as none of the devices turned out to have one
 */
struct iommufd_group {
	refcount_t users;
	struct iommufd_ctx *ictx;
	struct iommu_group *group;
	int id;
	struct mutex lock; /* see above */
	struct iommufd_attach *attach;
	phys_addr_t sw_msi_start;
};

/**
 * struct iommufd_device - A device whose DMA a context owns
 * @object: its id
 * @group: its group, with a reference; constant
 * @dev: the device; constant. Its driver keeps it until it unbinds it here.
 * @attach_entry: in &iommufd_attach.devices while attached, else empty
 * @fault_attaches: how many page tables with a queue of page faults it uses: up
 *                  to two during a replace; lock of the group
 * @faults_enabled: it may request pages; lock of the group
 */
struct iommufd_device {
	struct iommufd_object object;
	struct iommufd_group *group;
	struct device *dev;
	struct list_head attach_entry;
	unsigned int fault_attaches;
	bool faults_enabled;
};

/**
 * iommufd_device_from() - The device that an object is
 * @object: of type IOMMUFD_OBJ_DEVICE
 *
 * Context: any.
 * Return: the device.
 */
static inline struct iommufd_device *
iommufd_device_from(struct iommufd_object *object)
{
	return container_of(object, struct iommufd_device, object);
}

struct iommufd_group *iommufd_group_get(struct iommufd_ctx *ictx,
					struct device *dev);
void iommufd_group_put(struct iommufd_group *group);
int iommufd_group_note_msi_window(struct iommufd_group *group,
				  phys_addr_t start);

#endif

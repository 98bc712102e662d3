/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_ATTACH_H
#define __IOMMUFD_ATTACH_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/types.h>

struct device;
struct iommufd_device;
struct iommufd_group;
struct iommufd_hw_pagetable;
struct iommufd_ioas;

/**
 * struct iommufd_attach - The tie between devices and their page table
 * @handle: the IOMMU core keeps it as long as DMA goes through @hwpt, and hands
 *          it out with what the IOMMU reports
 * @hwpt: in use; constant
 * @devices: struct iommufd_device, through &iommufd_device.attach_entry; all of
 *           one group, whose lock protects the list
 * @rcu: @handle can be looked at for as long as RCU lets somebody read, after
 *       it was found at the IOMMU core. That does not cover the core itself
 *       when it reports a fault, see Documentation/driver-api/iommufd.rst
 */
struct iommufd_attach {
	struct iommu_attach_handle handle;
	struct iommufd_hw_pagetable *hwpt;
	struct list_head devices;
	struct rcu_head rcu;
};

bool iommufd_has_interrupts(struct device *dev);
struct iommufd_ioas *iommufd_attach_ioas(const struct iommufd_attach *attach);
int iommufd_attach_to_hwpt(struct iommufd_device *idev,
			   struct iommufd_hw_pagetable *hwpt);
int iommufd_attach_to_ioas(struct iommufd_device *idev,
			   struct iommufd_ioas *ioas);
int iommufd_attach_join(struct iommufd_device *idev);
void iommufd_attach_leave_faults(struct iommufd_device *idev);
struct iommufd_hw_pagetable *iommufd_attach_end(struct iommufd_group *group);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_FAULT_DEVICE_H
#define __IOMMUFD_FAULT_DEVICE_H

struct device;
struct iommu_attach_handle;
struct iommufd_device;
struct iommufd_fault_queue;

int iommufd_fault_check(struct device *dev);
int iommufd_fault_join(struct iommufd_fault_queue *queue,
		       const struct iommu_attach_handle *handle,
		       struct iommufd_device *idev);
void iommufd_fault_leave(struct iommufd_fault_queue *queue,
			 const struct iommu_attach_handle *handle,
			 struct iommufd_device *idev);
void iommufd_fault_disable_unused(struct iommufd_device *idev);

#endif

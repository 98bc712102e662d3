/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_DEVICE_H
#define __IOMMUFD_DEVICE_H

#include <linux/list.h>

#include "object.h"

struct device;
struct iommufd_ctx;
struct iommufd_group;

/**
 * struct iommufd_device - A device whose DMA a context owns
 * @object: its id
 * @group: its group, with a reference; constant
 * @dev: the device; constant. Its driver keeps it until it unbinds it here.
 * @group_entry: in &iommufd_group.devices while attached, else empty
 */
struct iommufd_device {
	struct iommufd_object object;
	struct iommufd_group *group;
	struct device *dev;
	struct list_head group_entry;
};

struct iommufd_device *iommufd_device_create(struct iommufd_ctx *ictx,
					     struct device *dev);
void iommufd_device_destroy(struct iommufd_device *idev);

#endif

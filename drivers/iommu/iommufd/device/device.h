/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_DEVICE_H
#define __IOMMUFD_DEVICE_H

struct device;
struct iommufd_ctx;
struct iommufd_device;

struct iommufd_device *iommufd_device_create(struct iommufd_ctx *ictx,
					     struct device *dev);
void iommufd_device_destroy(struct iommufd_device *idev);

#endif

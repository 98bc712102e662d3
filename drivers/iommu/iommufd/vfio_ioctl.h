/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_VFIO_IOCTL_H
#define __IOMMUFD_VFIO_IOCTL_H

struct iommufd_ctx;

int iommufd_vfio_ioctl(struct iommufd_ctx *ictx, unsigned int cmd,
		       unsigned long arg);

#endif

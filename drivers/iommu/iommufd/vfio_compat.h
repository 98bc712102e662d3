/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_VFIO_COMPAT_H
#define __IOMMUFD_VFIO_COMPAT_H

#include <linux/types.h>

struct iommu_vfio_ioas;
struct iommufd_call;
struct iommufd_ctx;
struct iommufd_ioas;

int iommufd_vfio_ioas(struct iommufd_call *call, struct iommu_vfio_ioas *cmd);
struct iommufd_ioas *iommufd_vfio_ioas_get(struct iommufd_ctx *ictx);
bool iommufd_vfio_no_iommu(struct iommufd_ctx *ictx);
bool iommufd_vfio_serves_all(struct iommufd_ctx *ictx);

#endif

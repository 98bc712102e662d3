/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_HWPT_DIRTY_H
#define __IOMMUFD_HWPT_DIRTY_H

struct iommu_hwpt_get_dirty_bitmap;
struct iommu_hwpt_set_dirty_tracking;
struct iommufd_ctx;

int iommufd_hwpt_set_dirty(struct iommufd_ctx *ictx,
			   const struct iommu_hwpt_set_dirty_tracking *cmd);
int iommufd_hwpt_get_dirty(struct iommufd_ctx *ictx,
			   const struct iommu_hwpt_get_dirty_bitmap *cmd);

#endif

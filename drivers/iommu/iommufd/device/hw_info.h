/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_HW_INFO_H
#define __IOMMUFD_HW_INFO_H

struct iommu_hw_info;
struct iommufd_call;

int iommufd_hw_info(struct iommufd_call *call, struct iommu_hw_info *cmd);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_HWPT_ALLOC_H
#define __IOMMUFD_HWPT_ALLOC_H

struct iommu_hwpt_alloc;
struct iommufd_call;

int iommufd_hwpt_alloc(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd);

#endif

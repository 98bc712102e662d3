/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_HWPT_NESTED_H
#define __IOMMUFD_HWPT_NESTED_H

#include <linux/types.h>

#include "hw_pagetable.h"

struct device;
struct iommu_hwpt_invalidate;
struct iommu_user_data;
struct iommufd_call;
struct iommufd_hwpt_paging;

/**
 * struct iommufd_hwpt_nested - A page table that user space owns
 * @hwpt: what all page tables have
 * @parent: translates the addresses that come out of it; constant, and in use
 */
struct iommufd_hwpt_nested {
	struct iommufd_hw_pagetable hwpt;
	struct iommufd_hwpt_paging *parent;
};

struct iommufd_hwpt_nested *
iommufd_hwpt_nested_alloc(struct iommufd_hwpt_paging *parent,
			  struct device *dev, u32 flags,
			  const struct iommu_user_data *data);
int iommufd_hwpt_invalidate(struct iommufd_call *call,
			    struct iommu_hwpt_invalidate *cmd);

#endif

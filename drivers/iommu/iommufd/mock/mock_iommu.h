/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_IOMMU_H
#define __IOMMUFD_MOCK_IOMMU_H

#include <linux/types.h>
#include <asm/page.h>

struct iommu_domain;
struct platform_device;

/* The smallest IOPTE: what is right by pages only is wrong somewhere. */
#define MOCK_IOPTE_SIZE (PAGE_SIZE / 2)

/**
 * struct mock_unit - A device behind the mock IOMMU
 * @pdev: the device
 * @flags: MOCK_FLAGS_DEVICE_*, constant
 * @present: the domain it is attached to; the lock of its IOMMU group
 */
struct mock_unit {
	struct platform_device *pdev;
	u32 flags;
	struct iommu_domain *present;
};

int mock_iommu_init(void);
void mock_iommu_exit(void);
int mock_unit_plug(struct mock_unit *unit);
void mock_unit_unplug(struct mock_unit *unit);
bool mock_iommu_owns(const struct iommu_domain *domain);

#endif

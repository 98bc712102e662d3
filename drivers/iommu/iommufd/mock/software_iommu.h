/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_SOFTWARE_IOMMU_H
#define __IOMMUFD_SOFTWARE_IOMMU_H

#include <linux/iommu.h>

struct device;
struct fwnode_handle;
struct platform_device;
struct property_entry;

/**
 * struct software_iommu - An IOMMU without hardware, as the core sees it
 * @iommu: for the core
 * @hardware: stands for the hardware
 * @fwnode: what firmware would call it
 *
 * The devices behind it are platform devices with a firmware specification of
 * their own, so it does not matter which real IOMMU the machine has.
 */
struct software_iommu {
	struct iommu_device iommu;
	struct device *hardware;
	struct fwnode_handle *fwnode;
};

int software_iommu_register(struct software_iommu *software, const char *name,
			    const struct iommu_ops *ops);
void software_iommu_unregister(struct software_iommu *software);
struct platform_device *software_iommu_plug(struct software_iommu *software,
					    const char *name, void *drvdata,
					    const struct property_entry *properties);
void software_iommu_unplug(struct platform_device *pdev);

#endif

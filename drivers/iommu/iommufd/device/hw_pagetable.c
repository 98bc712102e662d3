// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What IOMMU drivers are asked for page tables of all kinds.
 */
#include "hw_pagetable.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/kconfig.h>
#include <linux/uaccess.h>

#include "../../iommu-priv.h"

DECLARE_RWSEM(iommufd_domain_devices_rwsem);

/**
 * iommufd_tracks_dirty() - Tell whether what a device writes can be recorded
 * @dev: a device with an IOMMU
 *
 * Without CONFIG_IOMMUFD_DRIVER there is no bitmap to report in. Then there is
 * no driver either that would.
 *
 * Context: any.
 * Return: true if page tables for it can have IOMMU_HWPT_ALLOC_DIRTY_TRACKING.
 */
bool iommufd_tracks_dirty(struct device *dev)
{
	return IS_ENABLED(CONFIG_IOMMUFD_DRIVER) &&
	       dev_iommu_ops(dev)->domain_alloc_user &&
	       device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING);
}

/**
 * iommufd_hwpt_alloc_domain() - Have an IOMMU driver make what was asked for
 * @dev: a device that the domain has to be good for
 * @flags: of enum iommufd_hwpt_alloc_flags, for the driver
 * @parent: what the domain is to be nested in, or NULL
 * @data: what user space has for the driver, or NULL
 *
 * The driver copies @data itself, while @dev is kept. Whoever wants @dev back
 * must not have to wait for a page fault, which user space may make last for
 * ever. So there are none meanwhile.
 *
 * Context: may sleep.
 * Return: the domain; ERR_PTR(-EOPNOTSUPP) if the driver knows no wishes;
 * ERR_PTR(-EFAULT) if @data cannot be read, or not before it is faulted in; or
 * another error of the driver.
 */
struct iommu_domain *
iommufd_hwpt_alloc_domain(struct device *dev, u32 flags,
			  struct iommu_domain *parent,
			  const struct iommu_user_data *data)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	struct iommu_domain *domain;

	if (!ops->domain_alloc_user)
		return ERR_PTR(-EOPNOTSUPP);

	pagefault_disable();
	domain = ops->domain_alloc_user(dev, flags, parent, data);
	pagefault_enable();
	/* Not all drivers set this, and the core refuses the domain without. */
	if (!IS_ERR(domain))
		domain->owner = ops;
	return domain;
}

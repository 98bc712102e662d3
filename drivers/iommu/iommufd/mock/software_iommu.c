// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Introducing an IOMMU without hardware to the IOMMU core, and devices behind
 * it.
 */
#include "software_iommu.h"

#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

/**
 * software_iommu_register() - Plug an IOMMU in
 * @software: zeroed, lives until it is unregistered
 * @name: shows in sysfs
 * @ops: the driver; all that it does not share with devices that were there
 *       before, which have another firmware specification or none
 *
 * Context: process context.
 * Return: 0, or the error of the driver core or the IOMMU core.
 */
int software_iommu_register(struct software_iommu *software, const char *name,
			    const struct iommu_ops *ops)
{
	int rc;

	software->hardware = root_device_register(name);
	if (IS_ERR(software->hardware))
		return PTR_ERR(software->hardware);
	software->fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(software->fwnode)) {
		rc = PTR_ERR(software->fwnode);
		goto err_device;
	}
	device_set_node(software->hardware, software->fwnode);
	rc = iommu_device_sysfs_add(&software->iommu, software->hardware, NULL,
				    "%s", name);
	if (rc)
		goto err_fwnode;
	rc = iommu_device_register(&software->iommu, ops, software->hardware);
	if (rc)
		goto err_sysfs;
	return 0;

err_sysfs:
	iommu_device_sysfs_remove(&software->iommu);
err_fwnode:
	device_set_node(software->hardware, NULL);
	fwnode_remove_software_node(software->fwnode);
err_device:
	root_device_unregister(software->hardware);
	return rc;
}

/**
 * software_iommu_unregister() - Unplug an IOMMU
 * @software: a registered one whose devices are gone
 *
 * Context: process context.
 */
void software_iommu_unregister(struct software_iommu *software)
{
	iommu_device_unregister(&software->iommu);
	iommu_device_sysfs_remove(&software->iommu);
	device_set_node(software->hardware, NULL);
	fwnode_remove_software_node(software->fwnode);
	root_device_unregister(software->hardware);
}

/*
 * What firmware would say about a device. iommu_fwspec_init() is only for the
 * time of a probe, under a lock that modules cannot take; nobody knows this
 * device yet.
 */
static int specify(struct device *dev, struct fwnode_handle *fwnode)
{
	struct dev_iommu *iommu = kzalloc(sizeof(*iommu), GFP_KERNEL);
	struct iommu_fwspec *fwspec = kzalloc(sizeof(*fwspec), GFP_KERNEL);

	if (!iommu || !fwspec) {
		kfree(iommu);
		kfree(fwspec);
		return -ENOMEM;
	}
	fwspec->iommu_fwnode = fwnode_handle_get(fwnode);
	mutex_init(&iommu->lock);
	iommu->fwspec = fwspec;
	dev->iommu = iommu;
	return 0;
}

/* Once the IOMMU core has seen the device, it does this itself. */
static void unspecify(struct device *dev)
{
	struct dev_iommu *iommu = dev->iommu;

	if (!iommu)
		return;
	dev->iommu = NULL;
	fwnode_handle_put(iommu->fwspec->iommu_fwnode);
	kfree(iommu->fwspec);
	kfree(iommu);
}

/**
 * software_iommu_plug() - Add a device behind an IOMMU
 * @software: the IOMMU
 * @name: of the device; a number is added
 * @drvdata: of the device, for the operations of the IOMMU
 * @properties: what firmware says about it besides, or NULL
 *
 * Context: process context.
 * Return: the device; ERR_PTR(-ENODEV) if the IOMMU core could not take it, for
 * which it does not say the reason, but that may be a lack of memory;
 * ERR_PTR(-ENOMEM); or another error of the driver core.
 */
struct platform_device *software_iommu_plug(struct software_iommu *software,
					    const char *name, void *drvdata,
					    const struct property_entry *properties)
{
	struct platform_device *pdev;
	int rc = 0;

	pdev = platform_device_alloc(name, PLATFORM_DEVID_AUTO);
	if (!pdev)
		return ERR_PTR(-ENOMEM);
	dev_set_drvdata(&pdev->dev, drvdata);
	if (properties)
		rc = device_create_managed_software_node(&pdev->dev, properties,
							 NULL);
	if (!rc)
		rc = specify(&pdev->dev, software->fwnode);
	if (!rc)
		rc = platform_device_add(pdev);
	if (rc) {
		unspecify(&pdev->dev);
		platform_device_put(pdev);
		return ERR_PTR(rc);
	}
	if (!device_iommu_mapped(&pdev->dev)) {
		platform_device_unregister(pdev);
		return ERR_PTR(-ENODEV);
	}
	return pdev;
}

/**
 * software_iommu_unplug() - Remove a device
 * @pdev: of software_iommu_plug(), bound to no driver and no context
 *
 * Context: process context.
 */
void software_iommu_unplug(struct platform_device *pdev)
{
	platform_device_unregister(pdev);
}

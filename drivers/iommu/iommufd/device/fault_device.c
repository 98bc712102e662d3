// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Devices that take page faults.
 *
 * Page requests are on while a device uses a page table whose faults go to a
 * queue, or is about to:
 *
 *   attach    join, on; DMA starts             [leave, off]
 *   replace   join the new queue (, on), DMA
 *             switches, leave the old (, off)  [leave the new (, off)]
 *   detach    leave, DMA stops, off
 *
 * In brackets is what happens if only one of the two page tables has a queue.
 * A driver that cannot turn page requests on while DMA is blocked is asked again
 * once DMA goes on.
 * So there is a queue and a handler whenever a device can ask. The IOMMU core
 * never meets a fault of a device for which it is not set up. Detaching answers
 * what is outstanding before a driver could have to wait for that.
 */
#include "fault_device.h"

#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/lockdep.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "fault_queue.h"
#include "group.h"

/**
 * iommufd_fault_check() - May user space answer for this device?
 * @dev: any
 *
 * The page request interface of a virtual function is that of its physical
 * function. An answer to one of them that makes the interface stop would stop
 * it for all, and nobody coordinates that.
 *
 * Context: any.
 * Return: 0; -EINVAL if not.
 */
int iommufd_fault_check(struct device *dev)
{
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return 0;
	pdev = to_pci_dev(dev);
	return pdev->is_virtfn && pci_pri_supported(pdev) ? -EINVAL : 0;
}

/*
 * Some drivers accept this and do nothing as long as there is no SVA, such as
 * SMMUv3 and AMD. Then the IOMMU core would warn of the first fault.
 */
static bool device_is_set_up(struct device *dev)
{
	return rcu_access_pointer(dev->iommu->fault_param);
}

static int device_enable_faults(struct iommufd_device *idev)
{
	int rc;

	if (idev->faults_enabled)
		return 0;
	rc = iommufd_fault_check(idev->dev);
	if (!rc)
		rc = iommu_dev_enable_feature(idev->dev, IOMMU_DEV_FEAT_IOPF);
	if (rc)
		return rc;
	if (!device_is_set_up(idev->dev)) {
		iommu_dev_disable_feature(idev->dev, IOMMU_DEV_FEAT_IOPF);
		return -EOPNOTSUPP;
	}
	idev->faults_enabled = true;
	return 0;
}

/**
 * iommufd_fault_leave() - Answer all that a device has asked for
 * @queue: as for iommufd_fault_join()
 * @handle: as for iommufd_fault_join()
 * @idev: the device; need not have joined
 *
 * From now on faults of this attach are answered as they come.
 *
 * Context: may sleep, never needs memory; group lock held.
 */
void iommufd_fault_leave(struct iommufd_fault_queue *queue,
			 const struct iommu_attach_handle *handle,
			 struct iommufd_device *idev)
{
	struct iommufd_fault_source *source;

	lockdep_assert_held(&idev->group->lock);

	if (!queue)
		return;
	source = iommufd_fault_queue_leave(queue, handle, idev->dev);
	if (source)
		idev->fault_attaches--;
	kfree(source);
}

/**
 * iommufd_fault_join() - Prepare a device for a page table
 * @queue: where the faults of the page table go, or NULL
 * @handle: of the attach that is about to begin, or has just begun
 * @idev: the device
 *
 * Context: may sleep; group lock held.
 * Return: 0; -EINVAL for virtual functions with page requests; -EOPNOTSUPP if
 * the IOMMU driver handles faults itself only; -ENODEV if device or IOMMU have
 * no page requests, or none while DMA is blocked; -ENOMEM; or another error of
 * the IOMMU driver. On failure nothing has changed.
 */
int iommufd_fault_join(struct iommufd_fault_queue *queue,
		       const struct iommu_attach_handle *handle,
		       struct iommufd_device *idev)
{
	struct iommufd_fault_source *source;
	int rc;

	lockdep_assert_held(&idev->group->lock);

	if (!queue)
		return 0;
	source = kzalloc(sizeof(*source), GFP_KERNEL_ACCOUNT);
	if (!source)
		return -ENOMEM;
	source->handle = handle;
	source->dev = idev->dev;
	source->dev_id = idev->object.id;
	idev->fault_attaches++;
	/* First: it may do DMA already, and ask as soon as it is enabled. */
	iommufd_fault_queue_join(queue, source);
	rc = device_enable_faults(idev);
	if (rc)
		iommufd_fault_leave(queue, handle, idev);
	return rc;
}

/**
 * iommufd_fault_disable_unused() - Stop page requests that go nowhere
 * @idev: the device; its DMA goes through no page table that it has left
 *
 * Context: may sleep; group lock held.
 */
void iommufd_fault_disable_unused(struct iommufd_device *idev)
{
	lockdep_assert_held(&idev->group->lock);

	if (!idev->faults_enabled || idev->fault_attaches)
		return;
	WARN_ON_ONCE(iommu_dev_disable_feature(idev->dev, IOMMU_DEV_FEAT_IOPF));
	idev->faults_enabled = false;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Which page table the DMA of a group goes through, and the switch from one to
 * another.
 *
 * A page table is filled before the first DMA can find it, where the driver
 * allows that. The IOMMU core promises that DMA finds the old page table or the
 * new one and nothing else; it does not promise that DMA finds one of them all
 * the time. VT-d, AMD-Vi and s390 block it while they switch. They also do so
 * when they refuse a page table in the end, so a group that does DMA already is
 * spared attempts that may fail.
 */
#include "attach.h"

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/msi.h>
#include <linux/rwsem.h>
#include <linux/slab.h>

#include "../../iommu-priv.h"
#include "fault_device.h"
#include "group.h"
#include "hwpt_paging.h"
#include "lib/trace.h"
#include "object/ioas.h"

/**
 * iommufd_attach_ioas() - The IOAS that the devices reserve IOVA in
 * @attach: any
 *
 * Context: any.
 * Return: the IOAS, in use by the page table.
 */
struct iommufd_ioas *iommufd_attach_ioas(const struct iommufd_attach *attach)
{
	return iommufd_hwpt_paging(attach->hwpt)->ioas;
}

static int refuse_page_table(void)
{
	return iommufd_refuse(-EINVAL, IOMMUFD_REFUSE_PAGE_TABLE, 0, 0);
}

/*
 * What the IOMMU core leaves to its user. The other way round is allowed:
 * without enforcement in the page table, a device that could have it works too.
 */
static int check_device(struct iommufd_hw_pagetable *hwpt, struct device *dev)
{
	struct iommufd_hwpt_paging *paging = iommufd_hwpt_paging(hwpt);

	if (hwpt->domain->owner != dev_iommu_ops(dev))
		return refuse_page_table();
	if (paging->enforce_cache_coherency &&
	    !device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		return refuse_page_table();
	/* Drivers refuse this as well, after they have blocked DMA. */
	if (paging->hwpt.domain->dirty_ops && !iommufd_tracks_dirty(dev))
		return refuse_page_table();
	return 0;
}

/* A device that attaches, or all devices of the group that move. */
static int check_devices(struct iommufd_device *idev,
			 struct iommufd_hw_pagetable *hwpt)
{
	struct iommufd_attach *attach = idev->group->attach;
	struct iommufd_device *other;
	int rc = check_device(hwpt, idev->dev);

	if (rc || !attach)
		return rc;
	list_for_each_entry(other, &attach->devices, attach_entry) {
		rc = check_device(hwpt, other->dev);
		if (rc)
			return rc;
	}
	return 0;
}

static int group_switch(struct iommufd_group *group,
			struct iommufd_attach *attach)
{
	guard(rwsem_read)(&iommufd_domain_devices_rwsem);
	return iommu_replace_group_handle(group->group, attach->hwpt->domain,
					  &attach->handle);
}

static void group_block(struct iommufd_group *group)
{
	guard(rwsem_read)(&iommufd_domain_devices_rwsem);
	/* The core does not look at the domain. */
	iommu_detach_group_handle(NULL, group->group);
}

/* Let DMA find the page table; if that fails it finds what it found before. */
static int switch_page_table(struct iommufd_group *group,
			     struct iommufd_attach *attach)
{
	struct iommufd_hw_pagetable *hwpt = attach->hwpt;
	int rc;

	rc = iommufd_hwpt_paging_set_msi_window(iommufd_hwpt_paging(hwpt),
						group->sw_msi_start);
	return rc ?: group_switch(group, attach);
}

#ifdef CONFIG_GENERIC_MSI_IRQ
static bool msi_is_set_up(struct device *dev)
{
	struct msi_desc *desc;

	/* Whoever sets the first interrupt up writes it plainly. */
	if (!data_race(READ_ONCE(dev->msi.data)))
		return false;
	msi_lock_descs(dev);
	desc = msi_domain_first_desc(dev, MSI_DEFAULT_DOMAIN,
				     MSI_DESC_ASSOCIATED);
	msi_unlock_descs(dev);
	return desc;
}
#else
static bool msi_is_set_up(struct device *dev)
{
	return false;
}
#endif

/**
 * iommufd_has_interrupts() - Tell whether a device has interrupts set up
 * @dev: the device
 *
 * Not static, as tests say it of devices that cannot have any.
 *
 * Context: may sleep, takes the lock of the MSI descriptors.
 * Return: true if it has an interrupt that is a write to memory.
 */
bool iommufd_has_interrupts(struct device *dev)
{
	KUNIT_STATIC_STUB_REDIRECT(iommufd_has_interrupts, dev);
	return msi_is_set_up(dev);
}

static int check_no_interrupts(struct iommufd_device *idev)
{
	if (!iommufd_has_interrupts(idev->dev))
		return 0;
	return iommufd_refuse(-EBUSY, IOMMUFD_REFUSE_MSI, 0, 0);
}

/*
 * Where the IOMMU translates interrupts, the kernel maps a doorbell in the page
 * table that a device has when its interrupt is set up. It remembers where, and
 * does not do so again. In another page table the interrupt would be lost, and
 * what the kernel remembers belongs to the old one.
 */
static int check_interrupts(struct iommufd_device *idev,
			    struct iommufd_hw_pagetable *hwpt)
{
	struct iommufd_group *group = idev->group;
	struct iommufd_attach *attach = group->attach;
	struct iommufd_device *other;

	if (group->sw_msi_start == PHYS_ADDR_MAX)
		return 0;
	if (!attach)
		return check_no_interrupts(idev);
	if (iommufd_hwpt_paging(attach->hwpt) == iommufd_hwpt_paging(hwpt))
		return 0;
	list_for_each_entry(other, &attach->devices, attach_entry) {
		int rc = check_no_interrupts(other);

		if (rc)
			return rc;
	}
	return 0;
}

static void switch_back(struct iommufd_group *group)
{
	struct iommufd_attach *old = group->attach;

	if (old && !group_switch(group, old))
		return;
	/*
	 * Blocking cannot fail. If a driver really does not take back what it
	 * had a moment ago, the devices lose DMA until they are attached anew,
	 * but nobody else loses memory.
	 */
	group_block(group);
}

static int fill_then_switch(struct iommufd_group *group,
			    struct iommufd_attach *attach)
{
	struct iommufd_hwpt_paging *paging = iommufd_hwpt_paging(attach->hwpt);
	int rc;

	rc = iommufd_hwpt_paging_fill(paging);
	if (rc)
		return rc;
	rc = switch_page_table(group, attach);
	if (rc)
		iommufd_hwpt_paging_unfill(paging);
	return rc;
}

/* For drivers that decide late. DMA finds an empty page table for a while. */
static int switch_then_fill(struct iommufd_group *group,
			    struct iommufd_attach *attach)
{
	int rc;

	rc = switch_page_table(group, attach);
	if (rc)
		return rc;
	rc = iommufd_hwpt_paging_fill(iommufd_hwpt_paging(attach->hwpt));
	if (rc)
		switch_back(group);
	return rc;
}

static int fill_and_switch(struct iommufd_group *group,
			   struct iommufd_attach *attach)
{
	struct iommufd_hwpt_paging *paging = iommufd_hwpt_paging(attach->hwpt);

	if (iommufd_hwpt_paging_filled(paging))
		return switch_page_table(group, attach);
	if (iommufd_hwpt_paging_ready(paging))
		return fill_then_switch(group, attach);
	return switch_then_fill(group, attach);
}

static void join_end(struct iommufd_attach *attach, struct iommufd_device *idev)
{
	iommufd_fault_leave(attach->hwpt->fault_queue, &attach->handle, idev);
	iommufd_fault_disable_unused(idev);
}

/* No device reports faults by @attach any more. */
static void leave_faults(struct iommufd_attach *attach,
			 struct list_head *devices)
{
	struct iommufd_device *idev;

	list_for_each_entry(idev, devices, attach_entry)
		join_end(attach, idev);
}

/* A device that attaches, or all devices of the group that move. */
static int join_faults(struct iommufd_device *idev,
		       struct iommufd_attach *attach)
{
	struct iommufd_fault_queue *queue = attach->hwpt->fault_queue;
	struct iommufd_attach *old = idev->group->attach;
	struct iommufd_device *other;
	int rc;

	if (!old)
		return iommufd_fault_join(queue, &attach->handle, idev);
	list_for_each_entry(other, &old->devices, attach_entry) {
		rc = iommufd_fault_join(queue, &attach->handle, other);
		if (rc) {
			leave_faults(attach, &old->devices);
			return rc;
		}
	}
	return 0;
}

/*
 * VT-d keeps ATS off while DMA is blocked, and without it there are no page
 * requests. The device makes none before it joins, so this comes in time.
 */
static int join_faults_late(struct iommufd_device *idev,
			    struct iommufd_attach *attach)
{
	int rc = join_faults(idev, attach);

	if (rc)
		switch_back(idev->group);
	return rc;
}

static void unjoin_faults(struct iommufd_device *idev,
			  struct iommufd_attach *attach)
{
	struct iommufd_attach *old = idev->group->attach;

	if (old)
		leave_faults(attach, &old->devices);
	else
		join_end(attach, idev);
}

/* The devices that were attached move along; the caller ends the old use. */
static void set_attach(struct iommufd_group *group,
		       struct iommufd_attach *attach)
{
	struct iommufd_attach *old = group->attach;

	iommufd_object_use(&attach->hwpt->object);
	group->attach = attach;
	if (!old)
		return;
	leave_faults(old, &old->devices);
	list_splice(&old->devices, &attach->devices);
	kfree_rcu(old, rcu);
}

/**
 * iommufd_attach_to_hwpt() - Let the group of a device use a page table
 * @idev: the device; it attaches as the first one of its group, or is attached
 *        and moves together with all that are
 * @hwpt: kept by the caller
 *
 * The page table that the group had stays in use, which the caller ends.
 *
 * Context: may sleep, for long if @hwpt is not filled; group lock and the mutex
 * of the IOAS of @hwpt held.
 * Return: 0; -EINVAL if the page table is another driver's, enforces cache
 * coherency or tracks writes where a device cannot have it; -EINVAL if it has
 * its window for interrupts elsewhere, or does not fit the IOMMU; -EBUSY if a
 * device has interrupts that are translated by another page table; as
 * iommufd_fault_join() and iommufd_hwpt_paging_fill(); -ENOMEM; or another
 * error of the IOMMU driver. On failure nothing has changed, but @hwpt may have
 * got a window for interrupts.
 */
int iommufd_attach_to_hwpt(struct iommufd_device *idev,
			   struct iommufd_hw_pagetable *hwpt)
{
	struct iommufd_attach *attach;
	bool late;
	int rc;

	lockdep_assert_held(&idev->group->lock);
	lockdep_assert_held(&iommufd_hwpt_paging(hwpt)->ioas->mutex);

	rc = check_devices(idev, hwpt) ?: check_interrupts(idev, hwpt);
	if (rc)
		return rc;
	attach = kzalloc(sizeof(*attach), GFP_KERNEL_ACCOUNT);
	if (!attach)
		return -ENOMEM;
	attach->hwpt = hwpt;
	INIT_LIST_HEAD(&attach->devices);
	rc = join_faults(idev, attach);
	late = rc == -ENODEV && !idev->group->attach;
	if (rc && !late) {
		kfree(attach);
		return rc;
	}
	rc = fill_and_switch(idev->group, attach);
	if (!rc && late)
		rc = join_faults_late(idev, attach);
	if (rc) {
		unjoin_faults(idev, attach);
		kfree_rcu(attach, rcu);
		return rc;
	}
	set_attach(idev->group, attach);
	return 0;
}

/*
 * May an automatic page table do? One that enforces less would work too, but
 * whoever knows what the device could have relies on it, as KVM does with help
 * of VFIO. A page table that was made for the same IOMMU fits; another one may,
 * which is worth a try as long as there is no DMA that the try could disturb.
 */
static bool may_do(struct iommufd_device *idev,
		   const struct iommufd_hwpt_paging *paging)
{
	return paging->hwpt.auto_domain &&
	       paging->enforce_cache_coherency ==
		       device_iommu_capable(idev->dev,
					    IOMMU_CAP_ENFORCE_CACHE_COHERENCY) &&
	       (!idev->group->attach ||
		paging->iommu == idev->dev->iommu->iommu_dev);
}

static int attach_to_listed(struct iommufd_device *idev,
			    struct iommufd_hwpt_paging *paging)
{
	struct iommufd_hw_pagetable *hwpt = &paging->hwpt;
	struct iommufd_object *object;
	int rc;

	if (!may_do(idev, paging))
		return -EINVAL;
	/* One that is being destroyed leaves the list last. */
	object = iommufd_object_get(hwpt->object.ictx, hwpt->object.id,
				    IOMMUFD_OBJ_HWPT_PAGING);
	if (IS_ERR(object))
		return -EINVAL;
	rc = iommufd_attach_to_hwpt(idev, hwpt);
	iommufd_object_put(object);
	return rc;
}

static int attach_to_new(struct iommufd_device *idev, struct iommufd_ioas *ioas)
{
	struct iommufd_hwpt_paging *paging;
	int rc;

	paging = iommufd_hwpt_paging_alloc(ioas, idev->dev, 0, NULL);
	if (IS_ERR(paging))
		return PTR_ERR(paging);
	paging->hwpt.auto_domain = true;
	rc = iommufd_attach_to_hwpt(idev, &paging->hwpt);
	if (rc)
		iommufd_hwpt_abort(&paging->hwpt);
	else
		iommufd_object_publish(&paging->hwpt.object);
	return rc;
}

/**
 * iommufd_attach_to_ioas() - Let the group of a device use a page table of ours
 * @idev: as for iommufd_attach_to_hwpt()
 * @ioas: what the page table has to mirror; one that is there is preferred
 *
 * Context: may sleep, for long; group lock and mutex of @ioas held.
 * Return: as iommufd_attach_to_hwpt() and iommufd_hwpt_paging_alloc().
 */
int iommufd_attach_to_ioas(struct iommufd_device *idev,
			   struct iommufd_ioas *ioas)
{
	struct iommufd_hwpt_paging *paging;
	int rc;

	lockdep_assert_held(&idev->group->lock);
	lockdep_assert_held(&ioas->mutex);

	/* -EINVAL means that another page table may do. */
	list_for_each_entry(paging, &ioas->hwpt_list, entry) {
		rc = attach_to_listed(idev, paging);
		if (rc != -EINVAL)
			return rc;
	}
	return attach_to_new(idev, ioas);
}

/**
 * iommufd_attach_join() - Let a device use what others of its group use
 * @idev: the device, not attached
 *
 * The caller puts it on the list.
 *
 * Context: may sleep; group lock and the mutex of the IOAS held.
 * Return: 0; -EINVAL if the device cannot use the page table of its group, or
 * its window for interrupts is elsewhere; -EBUSY if it has interrupts there;
 * -ENOMEM; or as iommufd_fault_join().
 */
int iommufd_attach_join(struct iommufd_device *idev)
{
	struct iommufd_group *group = idev->group;
	struct iommufd_hw_pagetable *hwpt = group->attach->hwpt;
	int rc;

	lockdep_assert_held(&group->lock);
	lockdep_assert_held(&iommufd_hwpt_paging(hwpt)->ioas->mutex);

	rc = check_device(hwpt, idev->dev);
	if (rc)
		return rc;
	/* Nobody knows in which page table they were set up. */
	if (group->sw_msi_start != PHYS_ADDR_MAX)
		rc = check_no_interrupts(idev);
	if (rc)
		return rc;
	rc = iommufd_hwpt_paging_set_msi_window(iommufd_hwpt_paging(hwpt),
						group->sw_msi_start);
	return rc ?: iommufd_fault_join(hwpt->fault_queue,
					&group->attach->handle, idev);
}

/**
 * iommufd_attach_leave_faults() - Answer the faults of a device that detaches
 * @idev: the device, attached
 *
 * What it asks for from now on is refused as it comes.
 *
 * Context: may sleep, never needs memory; group lock held.
 */
void iommufd_attach_leave_faults(struct iommufd_device *idev)
{
	struct iommufd_attach *attach = idev->group->attach;

	lockdep_assert_held(&idev->group->lock);

	iommufd_fault_leave(attach->hwpt->fault_queue, &attach->handle, idev);
}

/**
 * iommufd_attach_end() - Stop DMA of a group
 * @group: with a page table, and no device that is attached any more
 *
 * Context: may sleep, never needs memory; group lock held.
 * Return: the page table it had; the caller ends the use of it.
 */
struct iommufd_hw_pagetable *iommufd_attach_end(struct iommufd_group *group)
{
	struct iommufd_attach *attach = group->attach;
	struct iommufd_hw_pagetable *hwpt = attach->hwpt;

	lockdep_assert_held(&group->lock);

	group_block(group);
	group->attach = NULL;
	group->sw_msi_start = PHYS_ADDR_MAX;
	kfree_rcu(attach, rcu);
	return hwpt;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Groups of devices: one for each group of the IOMMU core and context, and the
 * switch that changes the page table of all its devices.
 */
#include "group.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/limits.h>
#include <linux/slab.h>

#include "../iommu-priv.h"
#include "hw_pagetable.h"

static struct iommufd_group *group_alloc(struct iommufd_ctx *ictx,
					 struct device *dev)
{
	struct iommufd_group *group = kzalloc(sizeof(*group),
					      GFP_KERNEL_ACCOUNT);

	if (!group)
		return NULL;
	refcount_set(&group->users, 1);
	group->ictx = ictx;
	group->group = iommu_group_get(dev);
	group->id = iommu_group_id(group->group);
	mutex_init(&group->lock);
	INIT_LIST_HEAD(&group->devices);
	group->sw_msi_start = PHYS_ADDR_MAX;
	return group;
}

static void group_free(struct iommufd_group *group)
{
	mutex_destroy(&group->lock);
	iommu_group_put(group->group);
	kfree(group);
}

/**
 * iommufd_group_get() - Find or make the group of a device
 * @ictx: the context
 * @dev: a device in a group whose DMA @ictx owns
 *
 * Context: may sleep.
 * Return: the group with a reference; ERR_PTR(-ENOMEM).
 */
struct iommufd_group *iommufd_group_get(struct iommufd_ctx *ictx,
					struct device *dev)
{
	struct iommufd_group *group = group_alloc(ictx, dev);
	struct iommufd_group *old;

	if (!group)
		return ERR_PTR(-ENOMEM);
	xa_lock(&ictx->groups);
	old = __xa_cmpxchg(&ictx->groups, group->id, NULL, group,
			   GFP_KERNEL_ACCOUNT);
	if (old && !xa_is_err(old))
		refcount_inc(&old->users);
	xa_unlock(&ictx->groups);

	if (!old)
		return group;
	group_free(group);
	return xa_is_err(old) ? ERR_PTR(xa_err(old)) : old;
}

/**
 * iommufd_group_put() - Drop a reference to a group
 * @group: of iommufd_group_get()
 *
 * Context: may sleep, never needs memory.
 */
void iommufd_group_put(struct iommufd_group *group)
{
	struct xarray *groups = &group->ictx->groups;
	bool last;

	xa_lock(groups);
	last = refcount_dec_and_test(&group->users);
	if (last)
		__xa_erase(groups, group->id);
	xa_unlock(groups);
	if (last) {
		WARN_ON_ONCE(group->hwpt);
		group_free(group);
	}
}

/*
 * The index is free again only when the last reference to the iommu_group is
 * gone, and the entry holds one, so comparing finds no group of the past.
 */
bool iommufd_ctx_has_group(struct iommufd_ctx *ictx, struct iommu_group *group)
{
	struct iommufd_group *entry;
	bool found;

	xa_lock(&ictx->groups);
	entry = xa_load(&ictx->groups, iommu_group_id(group));
	found = entry && entry->group == group;
	xa_unlock(&ictx->groups);
	return found;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_has_group, IOMMUFD);

/**
 * iommufd_group_note_msi_window() - Remember where a device wants interrupts
 * @group: the group
 * @start: of iopt_reserve_device()
 *
 * Context: group lock held.
 * Return: 0; -EINVAL if another device of the group has its window elsewhere.
 */
int iommufd_group_note_msi_window(struct iommufd_group *group,
				  phys_addr_t start)
{
	lockdep_assert_held(&group->lock);

	if (start == PHYS_ADDR_MAX || start == group->sw_msi_start)
		return 0;
	if (group->sw_msi_start != PHYS_ADDR_MAX)
		return -EINVAL;
	group->sw_msi_start = start;
	return 0;
}

/* Let DMA find the page table; if that fails it finds what it found before. */
static int switch_domain(struct iommufd_group *group,
			 struct iommufd_hw_pagetable *hwpt)
{
	int rc = iommufd_hwpt_set_msi_window(hwpt, group->sw_msi_start);

	return rc ?: iommu_group_replace_domain(group->group,
						hwpt->member.domain);
}

static void switch_back(struct iommufd_group *group)
{
	if (group->hwpt &&
	    !iommu_group_replace_domain(group->group,
					group->hwpt->member.domain))
		return;
	/*
	 * Blocking cannot fail. If a driver really does not take back what it
	 * had a moment ago, the devices lose DMA until they are attached anew,
	 * but nobody else loses memory.
	 */
	iommu_detach_group(NULL, group->group);
}

static void set_hwpt(struct iommufd_group *group,
		     struct iommufd_hw_pagetable *hwpt)
{
	iommufd_object_use(&hwpt->object);
	group->hwpt = hwpt;
}

/**
 * iommufd_group_move() - Let a group use a page table that is in use already
 * @group: the group
 * @hwpt: filled; checked with iommufd_hwpt_check_device()
 *
 * The page table that the group had stays in use, which the caller ends.
 *
 * Context: may sleep; group lock and mutex of the IOAS held.
 * Return: 0; -EINVAL if the IOMMU of the group cannot work with @hwpt; -ENOMEM;
 * or another error of the IOMMU driver. On failure nothing has changed.
 */
int iommufd_group_move(struct iommufd_group *group,
		       struct iommufd_hw_pagetable *hwpt)
{
	int rc;

	lockdep_assert_held(&group->lock);

	rc = switch_domain(group, hwpt);
	if (!rc)
		set_hwpt(group, hwpt);
	return rc;
}

static int fill_then_switch(struct iommufd_group *group,
			    struct iommufd_hw_pagetable *hwpt)
{
	int rc;

	rc = iommufd_hwpt_fill(hwpt);
	if (rc)
		return rc;
	rc = switch_domain(group, hwpt);
	if (rc)
		iommufd_hwpt_unfill(hwpt);
	return rc;
}

static int switch_then_fill(struct iommufd_group *group,
			    struct iommufd_hw_pagetable *hwpt)
{
	int rc;

	rc = switch_domain(group, hwpt);
	if (rc)
		return rc;
	rc = iommufd_hwpt_fill(hwpt);
	if (rc)
		switch_back(group);
	return rc;
}

/**
 * iommufd_group_move_filling() - Let a group use a page table that is new
 * @group: the group
 * @hwpt: not filled yet
 *
 * The page table is filled before the first DMA can find it, so that a group
 * on its way from another page table never misses a translation. Where the
 * driver does not allow that, see iommufd_hwpt_ready(), DMA is blocked until
 * the page table is full.
 *
 * Context: may sleep, for long; group lock and mutex of the IOAS held.
 * Return: as iommufd_group_move() and iommufd_hwpt_fill(). On failure the group
 * is where it was and @hwpt is empty.
 */
int iommufd_group_move_filling(struct iommufd_group *group,
			       struct iommufd_hw_pagetable *hwpt)
{
	int rc;

	lockdep_assert_held(&group->lock);

	if (iommufd_hwpt_ready(hwpt))
		rc = fill_then_switch(group, hwpt);
	else
		rc = switch_then_fill(group, hwpt);
	if (!rc)
		set_hwpt(group, hwpt);
	return rc;
}

/**
 * iommufd_group_block() - Stop DMA of a group
 * @group: one with a page table
 *
 * Context: may sleep, never needs memory; group lock held.
 * Return: the page table it had; the caller ends the use of it.
 */
struct iommufd_hw_pagetable *iommufd_group_block(struct iommufd_group *group)
{
	struct iommufd_hw_pagetable *hwpt = group->hwpt;

	lockdep_assert_held(&group->lock);

	iommu_detach_group(hwpt->member.domain, group->group);
	group->hwpt = NULL;
	group->sw_msi_start = PHYS_ADDR_MAX;
	return hwpt;
}

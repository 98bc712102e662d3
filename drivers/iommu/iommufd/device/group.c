// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Groups of devices: one for each group of the IOMMU core and context.
 */
#include "group.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/limits.h>
#include <linux/slab.h>

#include "object/context.h"

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
		WARN_ON_ONCE(group->attach);
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Devices that a driver such as VFIO hands to user space.
 *
 * A device is in one of three states. Between them it takes these steps, each
 * of which is undone by the line in brackets, from the bottom up:
 *
 *   unbound
 *     bind    DMA is isolated, interrupts too             [nothing]
 *             the context owns DMA of the group           [give it back]
 *             the group knows the device                  [put the group]
 *             there is an id                              [destroy the object]
 *   bound: no device of the group can do DMA unless one is attached
 *     attach  the IOAS keeps away from what the
 *             device reserves                             [unreserve]
 *             a page table is found, or made and filled   [unfill, free]
 *             the page table has a window for interrupts  [goes with it]
 *             the group uses the page table: DMA starts   [switch back, block]
 *             the device is on the list of the group      [take it off]
 *   attached: DMA reaches what the IOAS maps
 *
 * A device that joins others of its group finds the page table in place and
 * only does the first and the last step of attaching. Only the last one to be
 * detached stops DMA.
 *
 * Replacing the page table moves all devices of the group. The new IOAS gets
 * the reservations of all of them first, DMA switches, and then either the old
 * or, after a failure, the new IOAS drops its reservations again. Within one
 * IOAS they just stay.
 *
 * All this happens under the lock of the group, and whatever changes the page
 * tables of an IOAS under its mutex as well. Both are taken in a way that a
 * fatal signal interrupts, since filling takes long when memory is slow to
 * come. Detaching waits for the lock of the group, but not to take a page table
 * apart: that is done later if it has to.
 */
#include "device.h"

#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/module.h>

#include "attach.h"
#include "fault_device.h"
#include "group.h"
#include "hwpt_paging.h"
#include "iopt/iopt_iova.h"
#include "iopt/iopt_resv.h"
#include "lib/trace.h"
#include "object/context.h"
#include "object/ioas.h"
#include "object/object_destroy.h"

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Accept devices on platforms that cannot keep them from raising interrupts of others. Only for users that are trusted with the whole machine.");

static bool device_is_attached(const struct iommufd_device *idev)
{
	lockdep_assert_held(&idev->group->lock);

	return !list_empty(&idev->attach_entry);
}

static void device_destroy_object(struct iommufd_object *object)
{
	struct iommufd_device *idev = iommufd_device_from(object);

	/* In this order: a group that can be found is a group that is owned. */
	iommufd_group_put(idev->group);
	iommu_device_release_dma_owner(idev->dev);
}

static const struct iommufd_object_ops device_ops = {
	.type = IOMMUFD_OBJ_DEVICE,
	.destroy = device_destroy_object,
	.driver_owned = true,
};

static int device_refuse(int error, enum iommufd_refusal reason)
{
	return iommufd_refuse(error, reason, 0, 0);
}

static int device_check_interrupts(struct device *dev,
				   struct iommu_group *group)
{
	if (iommu_group_has_isolated_msi(group))
		return 0;
	if (!READ_ONCE(allow_unsafe_interrupts)) {
		dev_warn_ratelimited(dev,
				     "refused, as nothing keeps it from raising any interrupt; the parameter iommufd.allow_unsafe_interrupts=1 accepts that\n");
		return device_refuse(-EPERM, IOMMUFD_REFUSE_INTERRUPTS);
	}
	dev_warn_ratelimited(dev,
			     "can raise any interrupt, and allow_unsafe_interrupts lets user space have it\n");
	return 0;
}

static int device_check_isolation(struct device *dev)
{
	struct iommu_group *group;
	int rc;

	/* A group alone proves nothing, VFIO makes some without an IOMMU. */
	if (!dev->iommu || !dev->iommu->iommu_dev)
		return device_refuse(-ENODEV, IOMMUFD_REFUSE_NO_IOMMU);
	/* There is no interface by which user space could flush caches. */
	if (!device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		return device_refuse(-EINVAL, IOMMUFD_REFUSE_COHERENCY);
	group = iommu_group_get(dev);
	if (!group)
		return device_refuse(-ENODEV, IOMMUFD_REFUSE_NO_IOMMU);
	rc = device_check_interrupts(dev, group);
	iommu_group_put(group);
	return rc;
}

/**
 * iommufd_device_create() - Bind a device, without holding the context
 * @ictx: the context, which outlives the device
 * @dev: a device with an IOMMU
 *
 * Context: process context, sleeps.
 * Return: as iommufd_device_bind().
 */
struct iommufd_device *iommufd_device_create(struct iommufd_ctx *ictx,
					     struct device *dev)
{
	struct iommufd_group *group;
	struct iommufd_device *idev;
	int rc;

	rc = device_check_isolation(dev);
	if (rc)
		return ERR_PTR(rc);
	rc = iommu_device_claim_dma_owner(dev, ictx);
	if (rc)
		return ERR_PTR(device_refuse(rc, IOMMUFD_REFUSE_OWNED));
	group = iommufd_group_get(ictx, dev);
	if (IS_ERR(group)) {
		rc = PTR_ERR(group);
		goto err_release_owner;
	}
	idev = iommufd_object_alloc(ictx, idev, object, &device_ops);
	if (IS_ERR(idev)) {
		rc = PTR_ERR(idev);
		goto err_put_group;
	}
	idev->group = group;
	idev->dev = dev;
	INIT_LIST_HEAD(&idev->attach_entry);
	trace_iommufd_bind(ictx->number, idev->object.id, dev_name(dev));
	iommufd_object_publish(&idev->object);
	return idev;

err_put_group:
	iommufd_group_put(group);
err_release_owner:
	iommu_device_release_dma_owner(dev);
	return ERR_PTR(rc);
}

/**
 * iommufd_device_destroy() - Undo iommufd_device_create()
 * @idev: detached; not valid any more after this
 *
 * Context: process context, sleeps until no ioctl uses the device any more.
 */
void iommufd_device_destroy(struct iommufd_device *idev)
{
	if (WARN_ON_ONCE(!list_empty(&idev->attach_entry)))
		iommufd_device_detach(idev);
	trace_iommufd_unbind(idev->object.ictx->number, idev->object.id,
			     dev_name(idev->dev));
	iommufd_object_destroy_owned(&idev->object);
}

/* include/linux/iommufd.h describes what follows. */
struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ictx,
					   struct device *dev, u32 *id)
{
	struct iommufd_device *idev = iommufd_device_create(ictx, dev);

	if (IS_ERR(idev))
		return idev;
	iommufd_ctx_get(ictx);
	*id = idev->object.id;
	return idev;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_bind, IOMMUFD);

void iommufd_device_unbind(struct iommufd_device *idev)
{
	struct iommufd_ctx *ictx = idev->object.ictx;

	iommufd_device_destroy(idev);
	iommufd_ctx_put(ictx);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_unbind, IOMMUFD);

struct iommufd_ctx *iommufd_device_to_ictx(struct iommufd_device *idev)
{
	return idev->object.ictx;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_to_ictx, IOMMUFD);

u32 iommufd_device_to_id(struct iommufd_device *idev)
{
	return idev->object.id;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_to_id, IOMMUFD);

/*
 * What the user asks a device to be attached to. @object is what the id names,
 * with a short-term reference; @hwpt is NULL if any page table over @ioas does.
 */
struct attach_target {
	struct iommufd_object *object;
	struct iommufd_ioas *ioas;
	struct iommufd_hw_pagetable *hwpt;
};

static int target_get(struct attach_target *target, struct iommufd_ctx *ictx,
		      u32 pt_id)
{
	struct iommufd_object *object;

	object = iommufd_object_get(ictx, pt_id, IOMMUFD_OBJ_ANY);
	if (IS_ERR(object))
		return PTR_ERR(object);

	*target = (struct attach_target){ .object = object };
	switch (object->ops->type) {
	case IOMMUFD_OBJ_HWPT_NESTED:
	case IOMMUFD_OBJ_HWPT_PAGING:
		target->hwpt = iommufd_hwpt_from(object);
		target->ioas = iommufd_hwpt_paging(target->hwpt)->ioas;
		return 0;
	case IOMMUFD_OBJ_IOAS:
		target->ioas = iommufd_ioas_from(object);
		return 0;
	default:
		iommufd_object_put(object);
		return -ENOENT;
	}
}

/* Does the group use what the user asks for already? */
static bool target_met(const struct attach_target *target,
		       const struct iommufd_attach *attach)
{
	if (target->hwpt)
		return target->hwpt == attach->hwpt;
	return attach->hwpt->auto_domain &&
	       iommufd_attach_ioas(attach) == target->ioas;
}

static int target_attach(const struct attach_target *target,
			 struct iommufd_device *idev)
{
	if (target->hwpt)
		return iommufd_attach_to_hwpt(idev, target->hwpt);
	return iommufd_attach_to_ioas(idev, target->ioas);
}

static int device_reserve(struct iommufd_device *idev,
			  struct iommufd_ioas *ioas)
{
	phys_addr_t sw_msi_start;
	int rc;

	rc = iopt_reserve_device(&ioas->iopt, idev->dev, idev, &sw_msi_start);
	if (rc)
		return rc;
	rc = iommufd_group_note_msi_window(idev->group, sw_msi_start);
	if (rc)
		iopt_unreserve(&ioas->iopt, idev);
	return rc;
}

static void group_unreserve(struct iommufd_group *group,
			    struct iommufd_ioas *ioas)
{
	struct iommufd_device *idev;

	list_for_each_entry(idev, &group->attach->devices, attach_entry)
		iopt_unreserve(&ioas->iopt, idev);
}

static int group_reserve(struct iommufd_group *group, struct iommufd_ioas *ioas)
{
	struct iommufd_device *idev;
	int rc;

	list_for_each_entry(idev, &group->attach->devices, attach_entry) {
		rc = device_reserve(idev, ioas);
		if (rc) {
			group_unreserve(group, ioas);
			return rc;
		}
	}
	return 0;
}

static int device_attach_locked(struct iommufd_device *idev,
				const struct attach_target *target)
{
	struct iommufd_group *group = idev->group;
	struct iommufd_ioas *ioas = target->ioas;
	phys_addr_t sw_msi_start = group->sw_msi_start;
	int rc;

	if (device_is_attached(idev))
		return device_refuse(-EINVAL, IOMMUFD_REFUSE_ATTACHED);
	if (mutex_lock_killable(&ioas->mutex))
		return -EINTR;
	rc = device_reserve(idev, ioas);
	if (rc)
		goto out_unlock;
	if (!group->attach)
		rc = target_attach(target, idev);
	else if (target_met(target, group->attach))
		rc = iommufd_attach_join(idev);
	else
		rc = device_refuse(-EINVAL, IOMMUFD_REFUSE_ATTACHED);
	if (rc) {
		iopt_unreserve(&ioas->iopt, idev);
		group->sw_msi_start = sw_msi_start;
		goto out_unlock;
	}
	list_add_tail(&idev->attach_entry, &group->attach->devices);
	trace_iommufd_attach(idev->object.ictx->number, idev->object.id,
			     ioas->object.id, group->attach->hwpt->object.id);
out_unlock:
	mutex_unlock(&ioas->mutex);
	return rc;
}

int iommufd_device_attach(struct iommufd_device *idev, u32 *pt_id)
{
	struct iommufd_group *group = idev->group;
	struct attach_target target;
	int rc;

	rc = target_get(&target, idev->object.ictx, *pt_id);
	if (rc)
		return rc;
	if (mutex_lock_killable(&group->lock)) {
		rc = -EINTR;
		goto out_put;
	}
	rc = device_attach_locked(idev, &target);
	if (!rc)
		*pt_id = group->attach->hwpt->object.id;
	mutex_unlock(&group->lock);
out_put:
	iommufd_object_put(target.object);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_attach, IOMMUFD);

static int device_replace_locked(struct iommufd_device *idev,
				 const struct attach_target *target)
{
	struct iommufd_group *group = idev->group;
	struct iommufd_ioas *from = iommufd_attach_ioas(group->attach);
	struct iommufd_ioas *to = target->ioas;
	int rc = 0;

	if (mutex_lock_killable(&to->mutex))
		return -EINTR;
	if (from != to)
		rc = group_reserve(group, to);
	if (rc)
		goto out_unlock;
	rc = target_attach(target, idev);
	if (from != to)
		group_unreserve(group, rc ? to : from);
	if (!rc)
		trace_iommufd_replace(idev->object.ictx->number,
				      idev->object.id, to->object.id,
				      group->attach->hwpt->object.id);
out_unlock:
	mutex_unlock(&to->mutex);
	return rc;
}

int iommufd_device_replace(struct iommufd_device *idev, u32 *pt_id)
{
	struct iommufd_group *group = idev->group;
	struct iommufd_hw_pagetable *old = NULL;
	struct attach_target target;
	int rc;

	rc = target_get(&target, idev->object.ictx, *pt_id);
	if (rc)
		return rc;
	if (mutex_lock_killable(&group->lock)) {
		rc = -EINTR;
		goto out_put;
	}
	if (!device_is_attached(idev)) {
		rc = -EINVAL;
		goto out_unlock;
	}
	if (!target_met(&target, group->attach)) {
		old = group->attach->hwpt;
		rc = device_replace_locked(idev, &target);
	}
	if (!rc)
		*pt_id = group->attach->hwpt->object.id;
out_unlock:
	mutex_unlock(&group->lock);
out_put:
	iommufd_object_put(target.object);
	if (!rc && old)
		iommufd_hwpt_unuse(old);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_replace, IOMMUFD);

void iommufd_device_detach(struct iommufd_device *idev)
{
	struct iommufd_hw_pagetable *unused = NULL;
	struct iommufd_group *group = idev->group;
	struct iommufd_ioas *ioas;

	mutex_lock(&group->lock);
	if (WARN_ON_ONCE(!device_is_attached(idev)))
		goto out_unlock;
	ioas = iommufd_attach_ioas(group->attach);
	trace_iommufd_detach(idev->object.ictx->number, idev->object.id,
			     ioas->object.id, group->attach->hwpt->object.id);
	iommufd_attach_leave_faults(idev);
	list_del_init(&idev->attach_entry);
	if (list_empty(&group->attach->devices))
		unused = iommufd_attach_end(group);
	iommufd_fault_disable_unused(idev);
	iopt_unreserve(&ioas->iopt, idev);
out_unlock:
	mutex_unlock(&group->lock);
	if (unused)
		iommufd_hwpt_unuse(unused);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_detach, IOMMUFD);

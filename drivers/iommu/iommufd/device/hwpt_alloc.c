// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Page tables that user space asks for, to attach devices to by their id.
 */
#include "hwpt_alloc.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <uapi/linux/iommufd.h>

#include "fault_queue.h"
#include "group.h"
#include "hwpt_nested.h"
#include "hwpt_paging.h"
#include "object/ioas.h"
#include "object/ioctl.h"

/*
 * These are for the IOMMU driver. IOMMU_HWPT_FAULT_ID_VALID is for us alone,
 * whichever kind of page table it is.
 */
#define DRIVER_FLAGS \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
#define KNOWN_FLAGS (DRIVER_FLAGS | IOMMU_HWPT_FAULT_ID_VALID)

/* Devices report faults by the nested page table, not by its parent. */
#define EXCLUSIVE_FLAGS \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_FAULT_ID_VALID)

/*
 * How often data is faulted in that has gone again before the driver could copy
 * it, which takes somebody who works against the program.
 */
#define DATA_TRIES 16

static int hwpt_check_cmd(const struct iommu_hwpt_alloc *cmd)
{
	if (cmd->flags & ~KNOWN_FLAGS || cmd->__reserved || cmd->__reserved2)
		return -EOPNOTSUPP;
	if ((cmd->flags & EXCLUSIVE_FLAGS) == EXCLUSIVE_FLAGS)
		return -EOPNOTSUPP;
	/* A type without its data, or data without a type. */
	if (cmd->data_type ? !cmd->data_len : cmd->data_len || cmd->data_uptr)
		return -EINVAL;
	/*
	 * No structure of a driver is that large. Should one look at what is
	 * behind its structure, it has the device kept, and page faults off.
	 */
	if (cmd->data_len > PAGE_SIZE)
		return -EINVAL;
	return iommufd_check_user(cmd->data_uptr);
}

static struct iommufd_hw_pagetable *
hwpt_alloc_paging(struct iommufd_object *ioas, struct device *dev, u32 flags,
		  const struct iommu_user_data *data)
{
	struct iommufd_hwpt_paging *paging;

	paging = iommufd_hwpt_paging_alloc(iommufd_ioas_from(ioas), dev, flags,
					   data);
	return IS_ERR(paging) ? ERR_CAST(paging) : &paging->hwpt;
}

static struct iommufd_hw_pagetable *
hwpt_alloc_nested(struct iommufd_object *parent, struct device *dev, u32 flags,
		  const struct iommu_user_data *data)
{
	struct iommufd_hwpt_nested *nested;

	nested = iommufd_hwpt_nested_alloc(iommufd_hwpt_paging_from(parent),
					   dev, flags, data);
	return IS_ERR(nested) ? ERR_CAST(nested) : &nested->hwpt;
}

/* Which kind it is depends on what it is to be over. */
static struct iommufd_hw_pagetable *
hwpt_alloc_over(struct iommufd_object *object, struct device *dev,
		const struct iommu_hwpt_alloc *cmd)
{
	void __user *from = u64_to_user_ptr(cmd->data_uptr);
	const struct iommu_user_data given = {
		.len = cmd->data_len,
		.uptr = from,
		.type = cmd->data_type,
	};
	const struct iommu_user_data *data = given.len ? &given : NULL;
	const u32 flags = cmd->flags & DRIVER_FLAGS;

	switch (object->ops->type) {
	case IOMMUFD_OBJ_IOAS:
		return hwpt_alloc_paging(object, dev, flags, data);
	case IOMMUFD_OBJ_HWPT_PAGING:
		return hwpt_alloc_nested(object, dev, flags, data);
	default:
		/* Also one that is nested itself: no IOMMU translates thrice. */
		return ERR_PTR(-EINVAL);
	}
}

/*
 * The device is kept no longer than its IOMMU driver is asked. Filling may take
 * as long as user space likes, and the driver of the device must not have to
 * wait that long to be rid of it.
 */
static struct iommufd_hw_pagetable *
hwpt_alloc_once(struct iommufd_ctx *ictx, const struct iommu_hwpt_alloc *cmd)
{
	struct iommufd_object *device, *object;
	struct iommufd_hw_pagetable *hwpt;

	device = iommufd_object_get(ictx, cmd->dev_id, IOMMUFD_OBJ_DEVICE);
	if (IS_ERR(device))
		return ERR_CAST(device);
	object = iommufd_object_get(ictx, cmd->pt_id, IOMMUFD_OBJ_ANY);
	if (IS_ERR(object)) {
		hwpt = ERR_CAST(object);
	} else {
		hwpt = hwpt_alloc_over(object, iommufd_device_from(device)->dev,
				       cmd);
		iommufd_object_put(object);
	}
	iommufd_object_put(device);
	return hwpt;
}

static int hwpt_fault_in_data(const struct iommu_hwpt_alloc *cmd)
{
	cond_resched();
	return fault_in_readable(u64_to_user_ptr(cmd->data_uptr),
				 cmd->data_len) ? -EFAULT : 0;
}

/* Nothing but the data can be what is not there. */
static struct iommufd_hw_pagetable *
hwpt_alloc(struct iommufd_ctx *ictx, const struct iommu_hwpt_alloc *cmd)
{
	struct iommufd_hw_pagetable *hwpt;
	unsigned int tries = DATA_TRIES;

	do {
		hwpt = hwpt_alloc_once(ictx, cmd);
	} while (hwpt == ERR_PTR(-EFAULT) && --tries &&
		 !hwpt_fault_in_data(cmd));
	return hwpt;
}

/*
 * One whose format is not known yet is filled by the first attach, and the
 * parent of one that is nested was made in the same way.
 */
static int hwpt_fill(struct iommufd_hw_pagetable *hwpt)
{
	struct iommufd_hwpt_paging *paging = iommufd_hwpt_paging(hwpt);
	int rc = 0;

	if (hwpt != &paging->hwpt)
		return 0;
	if (mutex_lock_killable(&paging->ioas->mutex))
		return -EINTR;
	if (iommufd_hwpt_paging_ready(paging))
		rc = iommufd_hwpt_paging_fill(paging);
	mutex_unlock(&paging->ioas->mutex);
	return rc;
}

static int hwpt_serve_faults(struct iommufd_hw_pagetable *hwpt,
			     const struct iommu_hwpt_alloc *cmd)
{
	if (!(cmd->flags & IOMMU_HWPT_FAULT_ID_VALID))
		return 0;
	return iommufd_fault_queue_serve(hwpt, cmd->fault_id);
}

/**
 * iommufd_hwpt_alloc() - ioctl(IOMMU_HWPT_ALLOC)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context, may sleep for long.
 * Return: 0; -EOPNOTSUPP for unknown flags and reserved members, and for a
 * parent with a queue of page faults; -EINVAL for a type without data, and data
 * without a type or of more than a page; -EINVAL for a third level of translation
 * and an object that has no page tables; -ENOENT if it, or the device, is
 * not there; -EFAULT if the data cannot be read or the reply not be written;
 * -EINTR on a fatal signal; else as iommufd_hwpt_paging_alloc() or
 * iommufd_hwpt_nested_alloc(), then as iommufd_fault_queue_serve() and
 * iommufd_hwpt_paging_fill(). On failure nothing has changed.
 */
int iommufd_hwpt_alloc(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd)
{
	struct iommufd_hw_pagetable *hwpt;
	int rc;

	rc = hwpt_check_cmd(cmd);
	if (rc)
		return rc;
	hwpt = hwpt_alloc(call->ictx, cmd);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	cmd->out_hwpt_id = hwpt->object.id;
	rc = hwpt_serve_faults(hwpt, cmd) ?: hwpt_fill(hwpt) ?:
	     iommufd_call_reply(call, cmd, sizeof(*cmd));
	if (rc)
		iommufd_hwpt_abort(hwpt);
	else
		iommufd_object_publish(&hwpt->object);
	return rc;
}

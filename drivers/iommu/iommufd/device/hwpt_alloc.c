// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Page tables that user space asks for, to attach devices to by their id.
 */
#include "hwpt_alloc.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <uapi/linux/iommufd.h>

#include "group.h"
#include "hwpt_paging.h"
#include "object/ioas.h"
#include "object/ioctl.h"

static int check_cmd(const struct iommu_hwpt_alloc *cmd)
{
	if (cmd->flags || cmd->__reserved || cmd->__reserved2)
		return -EOPNOTSUPP;
	/* A type without its data, or data without a type. */
	if (cmd->data_type ? !cmd->data_len : cmd->data_len || cmd->data_uptr)
		return -EINVAL;
	return cmd->data_type ? -EOPNOTSUPP : 0;
}

/* What the page table is to be over, with a reference. */
static struct iommufd_object *get_parent(struct iommufd_ctx *ictx, u32 pt_id)
{
	struct iommufd_object *object;
	bool nested;

	object = iommufd_object_get(ictx, pt_id, IOMMUFD_OBJ_ANY);
	if (IS_ERR(object) || object->ops->type == IOMMUFD_OBJ_IOAS)
		return object;
	/* Over another page table it would be a nested one. */
	nested = object->ops->type == IOMMUFD_OBJ_HWPT_PAGING;
	iommufd_object_put(object);
	return ERR_PTR(nested ? -EOPNOTSUPP : -ENOENT);
}

/*
 * The device is kept no longer than its IOMMU driver is asked. Filling may take
 * as long as user space likes, and the driver of the device must not have to
 * wait that long to be rid of it.
 */
static struct iommufd_hwpt_paging *
alloc_paging(struct iommufd_ctx *ictx, const struct iommu_hwpt_alloc *cmd)
{
	struct iommufd_object *device, *parent;
	struct iommufd_hwpt_paging *paging;

	device = iommufd_object_get(ictx, cmd->dev_id, IOMMUFD_OBJ_DEVICE);
	if (IS_ERR(device))
		return ERR_CAST(device);
	parent = get_parent(ictx, cmd->pt_id);
	if (IS_ERR(parent)) {
		paging = ERR_CAST(parent);
	} else {
		paging = iommufd_hwpt_paging_alloc(iommufd_ioas_from(parent),
						   iommufd_device_from(device)->dev,
						   false);
		iommufd_object_put(parent);
	}
	iommufd_object_put(device);
	return paging;
}

/* One whose format is not known yet is filled by the first attach. */
static int fill(struct iommufd_hwpt_paging *paging)
{
	int rc = 0;

	if (mutex_lock_killable(&paging->ioas->mutex))
		return -EINTR;
	if (iommufd_hwpt_paging_ready(paging))
		rc = iommufd_hwpt_paging_fill(paging);
	mutex_unlock(&paging->ioas->mutex);
	return rc;
}

/**
 * iommufd_hwpt_alloc() - ioctl(IOMMU_HWPT_ALLOC)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context, may sleep for long.
 * Return: 0; -EOPNOTSUPP for flags, data and nesting, which are not served yet,
 * and for reserved members; -EINVAL for a type without data or data without a
 * type; -ENOENT if the device, or the IOAS, is not there; -EFAULT if the reply
 * cannot be written; -EINTR on a fatal signal; else as
 * iommufd_hwpt_paging_alloc() and iommufd_hwpt_paging_fill(). On failure
 * nothing has changed.
 */
int iommufd_hwpt_alloc(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd)
{
	struct iommufd_hwpt_paging *paging;
	int rc;

	rc = check_cmd(cmd);
	if (rc)
		return rc;
	paging = alloc_paging(call->ictx, cmd);
	if (IS_ERR(paging))
		return PTR_ERR(paging);
	cmd->out_hwpt_id = paging->hwpt.object.id;
	rc = fill(paging) ?: iommufd_call_reply(call, cmd, sizeof(*cmd));
	if (rc)
		iommufd_hwpt_paging_abort(paging);
	else
		iommufd_object_publish(&paging->hwpt.object);
	return rc;
}

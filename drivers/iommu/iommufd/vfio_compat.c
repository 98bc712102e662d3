// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Which IOAS a context uses when it serves as a VFIO container.
 *
 * The choice is a pointer in the context. It does not keep the IOAS alive:
 * destroying the IOAS clears it. Whoever needs the IOAS takes a short-term
 * reference, and no lock is held while the caller uses it, because VFIO calls
 * in with locks of its own held.
 */
#include "vfio_compat.h"

#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommufd.h>
#include <uapi/linux/iommufd.h>

#include "object/context.h"
#include "object/context_ref.h"
#include "object/ioas.h"
#include "object/ioctl.h"

/**
 * iommufd_vfio_ioas_get() - Look up the IOAS that containers act on
 * @ictx: context
 *
 * Context: any but interrupts.
 * Return: the IOAS, to be given up with iommufd_object_put(); NULL if none is
 * chosen.
 */
struct iommufd_ioas *iommufd_vfio_ioas_get(struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *ioas;

	xa_lock(&ictx->objects);
	ioas = iommufd_ctx_chosen_ioas(ictx);
	if (ioas)
		refcount_inc(&ioas->object.shortterm_users);
	xa_unlock(&ictx->objects);
	return ioas;
}

/**
 * iommufd_vfio_no_iommu() - Tell whether the context serves no-IOMMU groups
 * @ictx: context
 *
 * Context: any.
 * Return: true if iommufd_vfio_compat_set_no_iommu() was called; that holds
 * until the last driver has left.
 */
bool iommufd_vfio_no_iommu(struct iommufd_ctx *ictx)
{
	return READ_ONCE(ictx->no_iommu_mode);
}

/**
 * iommufd_vfio_serves_all() - Tell whether there is more than a container
 * @ictx: context
 *
 * Everybody may open /dev/vfio/vfio, as it is good for nothing without a device.
 * So it stays, until somebody who has one puts it to use.
 *
 * Context: any.
 * Return: true if all ioctls of /dev/iommu are served, false if only those of a
 * container.
 */
bool iommufd_vfio_serves_all(struct iommufd_ctx *ictx)
{
	return !ictx->as_container || READ_ONCE(ictx->drivers);
}

static int ctx_choose_ioas(struct iommufd_ctx *ictx, struct iommufd_ioas *ioas)
{
	int rc = 0;

	xa_lock(&ictx->objects);
	if (ioas && ictx->no_iommu_mode) {
		rc = -EINVAL;
	} else {
		ictx->vfio_ioas = ioas;
		ictx->vfio_ioas_automatic = false;
		if (ioas)
			ioas->object.unowned = false;
	}
	xa_unlock(&ictx->objects);
	return rc;
}

static int ctx_choose_ioas_id(struct iommufd_ctx *ictx, u32 id)
{
	struct iommufd_object *object;
	int rc;

	object = iommufd_object_get(ictx, id, IOMMUFD_OBJ_IOAS);
	if (IS_ERR(object))
		return PTR_ERR(object);
	rc = ctx_choose_ioas(ictx, iommufd_ioas_from(object));
	iommufd_object_put(object);
	return rc;
}

/**
 * iommufd_vfio_ioas() - ioctl(IOMMU_VFIO_IOAS)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context.
 * Return: 0; -EOPNOTSUPP for a reserved field or an unknown operation; -ENODEV
 * for GET if no IOAS is chosen; for SET -ENOENT without such an IOAS, -EINVAL
 * if the context serves groups without an IOMMU; -EFAULT.
 */
int iommufd_vfio_ioas(struct iommufd_call *call, struct iommu_vfio_ioas *cmd)
{
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	switch (cmd->op) {
	case IOMMU_VFIO_IOAS_GET:
		rc = iommufd_vfio_compat_ioas_get_id(call->ictx, &cmd->ioas_id);
		return rc ?: iommufd_call_reply(call, cmd, sizeof(*cmd));
	case IOMMU_VFIO_IOAS_SET:
		return ctx_choose_ioas_id(call->ictx, cmd->ioas_id);
	case IOMMU_VFIO_IOAS_CLEAR:
		return ctx_choose_ioas(call->ictx, NULL);
	}
	return -EOPNOTSUPP;
}

/* include/linux/iommufd.h describes what follows. */
int iommufd_vfio_compat_ioas_get_id(struct iommufd_ctx *ictx, u32 *out_ioas_id)
{
	struct iommufd_ioas *ioas;

	xa_lock(&ictx->objects);
	ioas = iommufd_ctx_chosen_ioas(ictx);
	if (ioas)
		*out_ioas_id = ioas->object.id;
	xa_unlock(&ictx->objects);
	return ioas ? 0 : -ENODEV;
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_compat_ioas_get_id, IOMMUFD_VFIO);

int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *fresh = iommufd_ioas_create(ictx);
	int rc = 0;

	if (IS_ERR(fresh))
		return PTR_ERR(fresh);

	xa_lock(&ictx->objects);
	if (ictx->no_iommu_mode) {
		rc = -EINVAL;
	} else if (!iommufd_ctx_chosen_ioas(ictx)) {
		/* Others see both, the object and the choice, or neither. */
		iommufd_object_publish_locked(&fresh->object);
		ictx->vfio_ioas = fresh;
		ictx->vfio_ioas_automatic = true;
		fresh = NULL;
	}
	xa_unlock(&ictx->objects);
	if (fresh)
		iommufd_object_abort(&fresh->object);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_compat_ioas_create, IOMMUFD_VFIO);

int iommufd_vfio_compat_set_no_iommu(struct iommufd_ctx *ictx)
{
	int rc = 0;

	xa_lock(&ictx->objects);
	if (ictx->vfio_ioas)
		rc = -EINVAL;
	else
		WRITE_ONCE(ictx->no_iommu_mode, true);
	xa_unlock(&ictx->objects);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_compat_set_no_iommu, IOMMUFD_VFIO);

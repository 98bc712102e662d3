// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * ioctl(IOMMU_OPTION): options of a context and of an IOAS.
 */
#include "option.h"

#include <linux/capability.h>
#include <uapi/linux/iommufd.h>

#include "object/context.h"
#include "object/ioas.h"
#include "object/ioctl.h"

static int option_set_rlimit_mode(struct iommufd_ctx *ictx, u64 value)
{
	int rc = 0;

	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (value > 1)
		return -EINVAL;
	xa_lock(&ictx->objects);
	if (!xa_empty(&ictx->objects))
		rc = -EBUSY;
	else
		WRITE_ONCE(ictx->account.mode,
			   value ? PIN_ACCOUNT_MM : PIN_ACCOUNT_USER);
	xa_unlock(&ictx->objects);
	return rc;
}

static int option_rlimit_mode(struct iommufd_ctx *ictx,
			      struct iommu_option *cmd)
{
	if (cmd->object_id)
		return -EOPNOTSUPP;
	if (cmd->op == IOMMU_OPTION_OP_SET)
		return option_set_rlimit_mode(ictx, cmd->val64);
	cmd->val64 = READ_ONCE(ictx->account.mode) == PIN_ACCOUNT_MM;
	return 0;
}

static int option_ioas_huge_pages(struct io_pagetable *iopt,
				  struct iommu_option *cmd)
{
	if (cmd->op == IOMMU_OPTION_OP_GET) {
		cmd->val64 = iopt_huge_pages(iopt);
		return 0;
	}
	if (cmd->val64 > 1)
		return -EINVAL;
	return iopt_set_huge_pages(iopt, cmd->val64);
}

static int option_huge_pages(struct iommufd_ctx *ictx, struct iommu_option *cmd)
{
	struct iommufd_object *object;
	int rc;

	object = iommufd_object_get(ictx, cmd->object_id, IOMMUFD_OBJ_IOAS);
	if (IS_ERR(object))
		return PTR_ERR(object);
	rc = option_ioas_huge_pages(&iommufd_ioas_from(object)->iopt, cmd);
	iommufd_object_put(object);
	return rc;
}

static int option_execute(struct iommufd_ctx *ictx, struct iommu_option *cmd)
{
	switch (cmd->option_id) {
	case IOMMU_OPTION_RLIMIT_MODE:
		return option_rlimit_mode(ictx, cmd);
	case IOMMU_OPTION_HUGE_PAGES:
		return option_huge_pages(ictx, cmd);
	}
	return -EOPNOTSUPP;
}

/**
 * iommufd_option() - ioctl(IOMMU_OPTION)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context.
 * Return: 0; -EOPNOTSUPP for an unknown option or operation, a reserved field,
 * or an object where none belongs; -ENOENT without such an IOAS; -EINVAL for a
 * value the option does not have, or for HUGE_PAGES to be switched off while
 * a domain holds areas; -EADDRINUSE for that while areas begin or end inside of
 * a page; -EPERM without CAP_SYS_RESOURCE, -EBUSY once there are
 * objects, for RLIMIT_MODE to be set; -EFAULT.
 */
int iommufd_option(struct iommufd_call *call, struct iommu_option *cmd)
{
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->op != IOMMU_OPTION_OP_SET && cmd->op != IOMMU_OPTION_OP_GET)
		return -EOPNOTSUPP;
	rc = option_execute(call->ictx, cmd);
	if (rc || cmd->op == IOMMU_OPTION_OP_SET)
		return rc;
	return iommufd_call_reply(call, cmd, sizeof(*cmd));
}

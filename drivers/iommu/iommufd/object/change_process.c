// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A process takes a context over from another one.
 */
#include "change_process.h"

#include <linux/errno.h>
#include <linux/sched.h>
#include <uapi/linux/iommufd.h>

#include "context.h"
#include "ioas.h"
#include "ioctl.h"
#include "iopt/iopt_process.h"
#include "object.h"
#include "pin/bill.h"

static int check_all_ioas(struct iommufd_ctx *ictx)
{
	struct iommufd_object *object;
	unsigned long id;

	for (id = 0;; id++) {
		int rc;

		object = iommufd_object_get_from(ictx, &id, IOMMUFD_OBJ_IOAS);
		if (!object)
			return 0;
		rc = iopt_check_files(&iommufd_ioas_from(object)->iopt);
		iommufd_object_put(object);
		if (rc)
			return rc;
		cond_resched();
	}
}

/**
 * iommufd_change_process() - ioctl(IOMMU_IOAS_CHANGE_PROCESS)
 * @call: the ioctl
 * @cmd: its structure
 *
 * What others map meanwhile is charged to them or to the caller. Memory of a
 * process that comes too late to be seen stays charged to whoever maps it.
 *
 * Context: process context.
 * Return: 0; -EOPNOTSUPP for a reserved field; else as iopt_check_files() and
 * pin_account_take_over(). On failure nothing has changed.
 */
int iommufd_change_process(struct iommufd_call *call,
			   struct iommu_ioas_change_process *cmd)
{
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	rc = check_all_ioas(call->ictx);
	return rc ?: pin_account_take_over(&call->ictx->account);
}

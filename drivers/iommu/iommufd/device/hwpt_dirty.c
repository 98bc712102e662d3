// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Tracking what devices write through a page table.
 */
#include "hwpt_dirty.h"

#include <linux/align.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/rwsem.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "hwpt_paging.h"
#include "iopt/iopt_dirty.h"
#include "object/ioas.h"
#include "object/ioctl.h"

static struct iommufd_hwpt_paging *hwpt_get_tracking(struct iommufd_ctx *ictx,
						     u32 hwpt_id)
{
	struct iommufd_object *object;

	object = iommufd_object_get(ictx, hwpt_id, IOMMUFD_OBJ_HWPT_PAGING);
	if (IS_ERR(object))
		return ERR_CAST(object);
	if (iommufd_hwpt_from(object)->domain->dirty_ops)
		return iommufd_hwpt_paging_from(object);
	iommufd_object_put(object);
	return ERR_PTR(-EOPNOTSUPP);
}

/*
 * Drivers set up each device that the domain has, and leave it to their caller
 * that there are no others meanwhile. AMD writes back the entry of a device as
 * it was before, even if the device was detached, and misses one that is being
 * attached. So does VT-d with a nested domain.
 */
static int domain_set_tracking(struct iommu_domain *domain, bool enable)
{
	guard(rwsem_write)(&iommufd_domain_devices_rwsem);
	return domain->dirty_ops->set_dirty_tracking(domain, enable);
}

/*
 * What was written before somebody wanted to know is forgotten first. Turning
 * on what is on must not forget anything.
 */
static int hwpt_set_tracking(struct iommufd_hwpt_paging *paging, bool enable)
{
	struct iommu_domain *domain = paging->hwpt.domain;
	int rc = 0;

	lockdep_assert_held(&paging->dirty_mutex);

	if (paging->dirty_tracking == enable)
		return 0;
	if (enable)
		rc = iopt_clear_dirty(&paging->ioas->iopt, &paging->member);
	if (!rc)
		rc = domain_set_tracking(domain, enable);
	if (!rc)
		WRITE_ONCE(paging->dirty_tracking, enable);
	return rc;
}

/**
 * iommufd_hwpt_set_dirty() - ioctl(IOMMU_HWPT_SET_DIRTY_TRACKING)
 * @ictx: the context
 * @cmd: its structure
 *
 * Context: process context, may sleep, for long.
 * Return: 0; -EOPNOTSUPP for unknown flags, reserved members, and a page table
 * that was not made for that; -ENOENT if there is no such page table; -EINTR on
 * a fatal signal; or an error of the IOMMU driver. On failure it is on or off
 * as before.
 */
int iommufd_hwpt_set_dirty(struct iommufd_ctx *ictx,
			   const struct iommu_hwpt_set_dirty_tracking *cmd)
{
	bool enable = cmd->flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE;
	struct iommufd_hwpt_paging *paging;
	int rc = -EINTR;

	if (cmd->flags & ~IOMMU_HWPT_DIRTY_TRACKING_ENABLE || cmd->__reserved)
		return -EOPNOTSUPP;
	paging = hwpt_get_tracking(ictx, cmd->hwpt_id);
	if (IS_ERR(paging))
		return PTR_ERR(paging);
	if (!mutex_lock_killable(&paging->dirty_mutex)) {
		rc = hwpt_set_tracking(paging, enable);
		mutex_unlock(&paging->dirty_mutex);
	}
	iommufd_object_put(&paging->hwpt.object);
	return rc;
}

static int dirty_check_bitmap(const struct iommu_hwpt_get_dirty_bitmap *cmd)
{
	u64 last_bit = (cmd->length - 1) >> ilog2(cmd->page_size);
	u64 nbytes = last_bit / BITS_PER_BYTE + 1;

	if (iommufd_check_user(cmd->data) ||
	    overflows_type(nbytes, unsigned long) ||
	    !access_ok(u64_to_user_ptr(cmd->data), nbytes))
		return -EFAULT;
	return 0;
}

static int dirty_make_request(const struct iommu_hwpt_get_dirty_bitmap *cmd,
			      struct iopt_dirty_request *request)
{
	unsigned long last;

	if (cmd->flags & ~IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR ||
	    cmd->__reserved)
		return -EOPNOTSUPP;
	if (!cmd->length || !is_power_of_2(cmd->page_size) ||
	    cmd->page_size < IOPT_DIRTY_PAGE_SIZE_MIN ||
	    !IS_ALIGNED(cmd->iova, cmd->page_size))
		return -EINVAL;
	if (overflows_type(cmd->page_size, unsigned long) ||
	    check_add_overflow(cmd->iova, cmd->length - 1, &last))
		return -EOVERFLOW;
	*request = (struct iopt_dirty_request){
		.iova = cmd->iova,
		.last = last,
		.page_size = cmd->page_size,
		.bitmap = u64_to_user_ptr(cmd->data),
	};
	if (cmd->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR)
		request->flags = IOMMU_DIRTY_NO_CLEAR;
	return dirty_check_bitmap(cmd);
}

/**
 * iommufd_hwpt_get_dirty() - ioctl(IOMMU_HWPT_GET_DIRTY_BITMAP)
 * @ictx: the context
 * @cmd: its structure
 *
 * Context: process context, may sleep, for long.
 * Return: 0; -EOPNOTSUPP for unknown flags, reserved members, and a page table
 * that was not made for that; -EINVAL for a length of 0, a size of pages that
 * is no power of two or too small, and an IOVA that is not a multiple of it;
 * -EINVAL while tracking is off; -EOVERFLOW if the range wraps; -ENOENT if
 * there is no such page table; -EFAULT if the bitmap cannot be written; else as
 * iopt_read_dirty(). What was not noted in the bitmap will be found by the next
 * call.
 */
int iommufd_hwpt_get_dirty(struct iommufd_ctx *ictx,
			   const struct iommu_hwpt_get_dirty_bitmap *cmd)
{
	struct iopt_dirty_request request;
	struct iommufd_hwpt_paging *paging;
	int rc;

	rc = dirty_make_request(cmd, &request);
	if (rc)
		return rc;
	paging = hwpt_get_tracking(ictx, cmd->hwpt_id);
	if (IS_ERR(paging))
		return PTR_ERR(paging);
	if (READ_ONCE(paging->dirty_tracking))
		rc = iopt_read_dirty(&paging->ioas->iopt, &paging->member,
				     &request);
	else
		rc = -EINVAL;
	iommufd_object_put(&paging->hwpt.object);
	return rc;
}

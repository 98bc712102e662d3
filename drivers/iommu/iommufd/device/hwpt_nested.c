// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Page tables that user space owns, nested in a page table of ours.
 *
 * An address of a device passes through both. What user space writes into its
 * own table, and when, is its own affair: the addresses that come out of it go
 * through the parent, which leads nowhere but to what the IOAS maps. So all
 * that protects others is settled in the parent, which stays as long as the
 * nested page table does.
 */
#include "hwpt_nested.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <uapi/linux/iommufd.h>

#include "../../iommu-priv.h"
#include "fault_queue.h"
#include "hwpt_paging.h"
#include "object/ioctl.h"
#include "object/object_destroy.h"

/* More than any guest queues at a time. */
#define INVALIDATE_MAX_ENTRIES (1U << 19)

/* How many the driver gets at once, before others may run. */
#define INVALIDATE_STEP 64

static struct iommufd_hwpt_nested *
nested_from(struct iommufd_hw_pagetable *hwpt)
{
	return container_of(hwpt, struct iommufd_hwpt_nested, hwpt);
}

static struct iommufd_hwpt_paging *
nested_parent(struct iommufd_hw_pagetable *hwpt)
{
	return nested_from(hwpt)->parent;
}

static void nested_destroy(struct iommufd_object *object)
{
	struct iommufd_hwpt_nested *nested =
		nested_from(iommufd_hwpt_from(object));

	iommu_domain_free(nested->hwpt.domain);
	iommufd_fault_queue_unserve(&nested->hwpt);
	iommufd_object_unuse(&nested->parent->hwpt.object);
}

static const struct iommufd_hwpt_kind nested_kind = {
	.object = {
		.type = IOMMUFD_OBJ_HWPT_NESTED,
		.destroy = nested_destroy,
	},
	.paging = nested_parent,
};

/* What drivers leave to their caller. */
static int nested_check_parent(const struct iommufd_hwpt_paging *parent,
			       struct device *dev)
{
	if (!parent->nest_parent ||
	    parent->hwpt.domain->owner != dev_iommu_ops(dev))
		return -EINVAL;
	return 0;
}

static struct iommu_domain *
nested_alloc_domain(const struct iommufd_hwpt_paging *parent,
		    struct device *dev, u32 flags,
		    const struct iommu_user_data *data)
{
	struct iommu_domain *domain;

	domain = iommufd_hwpt_alloc_domain(dev, flags, parent->hwpt.domain,
					   data);
	if (IS_ERR(domain))
		return domain;
	/* A guest that changes its table has to be able to say so. */
	if (domain->type == IOMMU_DOMAIN_NESTED &&
	    domain->ops->cache_invalidate_user)
		return domain;
	iommu_domain_free(domain);
	return ERR_PTR(-EINVAL);
}

/**
 * iommufd_hwpt_nested_alloc() - Make a page table that user space owns
 * @parent: what it is to be nested in; kept by the caller until this returns
 * @dev: a device that the page table has to be good for; kept likewise
 * @flags: of enum iommufd_hwpt_alloc_flags
 * @data: where user space has its table, as the IOMMU driver wants to know it;
 *        NULL if user space did not say
 *
 * Context: may sleep.
 * Return: the page table, not published; ERR_PTR(-EOPNOTSUPP) for flags that
 * are for page tables over an IOAS, without @data, and if the IOMMU has no
 * nested page tables or none of this format; ERR_PTR(-EINVAL) if @parent was
 * not made for that or is another IOMMU driver's, if @data is wrong, or if the
 * IOMMU does not do what it promised; ERR_PTR(-EFAULT) if @data cannot be read,
 * or not without a page fault; ERR_PTR(-ENOMEM); or another error of the
 * driver.
 */
struct iommufd_hwpt_nested *
iommufd_hwpt_nested_alloc(struct iommufd_hwpt_paging *parent,
			  struct device *dev, u32 flags,
			  const struct iommu_user_data *data)
{
	struct iommufd_hwpt_nested *nested;
	struct iommu_domain *domain;
	int rc;

	if (flags || !data)
		return ERR_PTR(-EOPNOTSUPP);
	rc = nested_check_parent(parent, dev);
	if (rc)
		return ERR_PTR(rc);
	nested = iommufd_object_alloc(parent->hwpt.object.ictx, nested,
				      hwpt.object, &nested_kind.object);
	if (IS_ERR(nested))
		return nested;
	domain = nested_alloc_domain(parent, dev, flags, data);
	if (IS_ERR(domain)) {
		iommufd_object_abort(&nested->hwpt.object);
		return ERR_CAST(domain);
	}
	nested->hwpt.domain = domain;
	nested->parent = parent;
	iommufd_object_use(&parent->hwpt.object);
	return nested;
}

static int invalidate_check_cmd(const struct iommu_hwpt_invalidate *cmd)
{
	if (cmd->__reserved)
		return -EOPNOTSUPP;
	/* Without entries it is a question, and nobody looks at the array. */
	if (cmd->entry_num && (!cmd->data_uptr || !cmd->entry_len))
		return -EINVAL;
	if (cmd->entry_num > INVALIDATE_MAX_ENTRIES ||
	    cmd->entry_len > PAGE_SIZE)
		return -EINVAL;
	return cmd->entry_num ? iommufd_check_user(cmd->data_uptr) : 0;
}

/* Some entries behind the first @done; adds those that the driver has done. */
static int nested_invalidate_step(struct iommu_domain *domain,
				  const struct iommu_hwpt_invalidate *cmd,
				  u32 *done)
{
	u32 step = min(cmd->entry_num - *done, INVALIDATE_STEP);
	struct iommu_user_data_array array = {
		.type = cmd->data_type,
		.uptr = u64_to_user_ptr(cmd->data_uptr) +
			(size_t)*done * cmd->entry_len,
		.entry_len = cmd->entry_len,
		.entry_num = step,
	};
	int rc = domain->ops->cache_invalidate_user(domain, &array);
	u32 handled = min(array.entry_num, step);

	*done += handled;
	/* Whoever does nothing, and says so, would be asked for ever. */
	if (!rc && step && !handled)
		rc = -EIO;
	return rc;
}

static int nested_invalidate(struct iommu_domain *domain,
			     const struct iommu_hwpt_invalidate *cmd, u32 *done)
{
	for (;;) {
		int rc = nested_invalidate_step(domain, cmd, done);

		if (rc || *done == cmd->entry_num)
			return rc;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

static int nested_find_and_invalidate(struct iommufd_ctx *ictx,
				      const struct iommu_hwpt_invalidate *cmd,
				      u32 *done)
{
	struct iommufd_object *object;
	int rc = invalidate_check_cmd(cmd);

	if (rc)
		return rc;
	object = iommufd_object_get(ictx, cmd->hwpt_id,
				    IOMMUFD_OBJ_HWPT_NESTED);
	if (IS_ERR(object))
		return PTR_ERR(object);
	rc = nested_invalidate(iommufd_hwpt_from(object)->domain, cmd, done);
	iommufd_object_put(object);
	return rc;
}

/**
 * iommufd_hwpt_invalidate() - ioctl(IOMMU_HWPT_INVALIDATE)
 * @call: the ioctl
 * @cmd: its structure; reports in any case how many entries were done
 *
 * Context: process context, may sleep. The driver copies the entries, so a page
 * fault may keep the page table from being destroyed, but nothing else.
 * Return: 0; -EOPNOTSUPP for reserved members; -EINVAL for an array that has
 * entries but no address or no length, is too long, or whose type, length or
 * contents the IOMMU driver does not know; -ENOENT if there is no such nested
 * page table; -EFAULT if an entry cannot be read, or the number not be written;
 * -EINTR on a fatal signal; -EIO if the driver does nothing; or another error
 * of the driver.
 */
int iommufd_hwpt_invalidate(struct iommufd_call *call,
			    struct iommu_hwpt_invalidate *cmd)
{
	u32 done = 0;
	int rc = nested_find_and_invalidate(call->ictx, cmd, &done);

	cmd->entry_num = done;
	if (iommufd_call_reply(call, cmd, sizeof(*cmd)))
		rc = -EFAULT;
	return rc;
}

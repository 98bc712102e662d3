// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Dirty bits of the mock IOMMU, and the writes that set them.
 *
 * It is no better than real ones. It goes on behind as many bytes as the IOPTE
 * has that it found, even if it was in the middle of that. It notes all of an
 * IOPTE. It fails half way, with a part noted and cleared. It goes on until it
 * is behind the range, which it never is if that ends with the last IOVA. What
 * its IOTLB knows to be dirty does not become dirty in the page table, until
 * that is flushed.
 */
#include "mock_dirty.h"

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/moduleparam.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "device/hw_pagetable.h"
#include "iommufd_test.h"
#include "lib/test_hooks.h"
#include "mock_domain.h"
#include "object/ioctl.h"

static bool mock_gather_only;
module_param(mock_gather_only, bool, 0644);
MODULE_PARM_DESC(mock_gather_only,
		 "Let the mock IOMMU note nothing in bitmaps, as drivers do without CONFIG_IOMMUFD_DRIVER (N)");

static int mock_set_tracking(struct iommu_domain *domain, bool enable)
{
	if (iommufd_should_fail())
		return -ENOMEM;
	mock_entries_set_tracking(&mock_domain_from(domain)->users, enable);
	return 0;
}

/* Read one IOPTE; returns how far to go on. */
static size_t read_iopte(struct mock_domain *mock, unsigned long iova,
			 unsigned long flags, bool *is_dirty)
{
	struct mock_iopte iopte;

	xa_lock(&mock->entries);
	iopte = mock_domain_find(mock, iova);
	*is_dirty = iopte.size &&
		    xa_get_mark(&mock->entries, iopte.index, MOCK_DIRTY);
	if (*is_dirty && !(flags & IOMMU_DIRTY_NO_CLEAR))
		__xa_clear_mark(&mock->entries, iopte.index, MOCK_DIRTY);
	xa_unlock(&mock->entries);
	return iopte.size ?: MOCK_IOPTE_SIZE;
}

static int mock_read_and_clear(struct iommu_domain *domain, unsigned long iova,
			       size_t size, unsigned long flags,
			       struct iommu_dirty_bitmap *dirty)
{
	struct mock_domain *mock = mock_domain_from(domain);
	struct iommu_dirty_bitmap notes = *dirty;
	unsigned long last = iova + size - 1;
	size_t step;
	bool is_dirty;

	if (!READ_ONCE(mock->users.tracking) && dirty->bitmap)
		return -EINVAL;
	if (READ_ONCE(mock_gather_only))
		notes.bitmap = NULL;
	do {
		if (iommufd_should_fail())
			return -ENOMEM;
		step = read_iopte(mock, iova, flags, &is_dirty);
		if (is_dirty)
			iommu_dirty_bitmap_record(&notes, iova, step);
		/* AMD-Vi begins at IOVA 0 then, and does not come to an end. */
		if (WARN_ON_ONCE(check_add_overflow(iova, step, &iova)))
			return -EIO;
	} while (iova < last);
	return 0;
}

const struct iommu_dirty_ops mock_dirty_ops = {
	.set_dirty_tracking = mock_set_tracking,
	.read_and_clear_dirty = mock_read_and_clear,
};

/* A device writes; returns whether anything is there to write to. */
static bool device_writes(struct mock_domain *mock, unsigned long iova)
{
	struct mock_iopte iopte;

	xa_lock(&mock->entries);
	iopte = mock_domain_find(mock, iova);
	if (iopte.size && !xa_get_mark(&mock->entries, iopte.index,
				       MOCK_CACHED_DIRTY)) {
		__xa_set_mark(&mock->entries, iopte.index, MOCK_DIRTY);
		__xa_set_mark(&mock->entries, iopte.index, MOCK_CACHED_DIRTY);
	}
	xa_unlock(&mock->entries);
	return iopte.size;
}

static int write_byte_of_bits(struct mock_domain *mock,
			      struct iommu_test_cmd *cmd, u64 bit)
{
	u64 page_size = cmd->dirty.page_size;
	u64 npages = cmd->dirty.length / page_size;
	u8 __user *bits = u64_to_user_ptr(cmd->dirty.uptr);
	u64 iova = cmd->dirty.iova + bit * page_size;
	unsigned int i;
	u8 byte;

	if (get_user(byte, bits + bit / BITS_PER_BYTE))
		return -EFAULT;
	for (i = 0; i < BITS_PER_BYTE && bit + i < npages; i++)
		if (byte & BIT(i) && device_writes(mock, iova + i * page_size))
			cmd->dirty.out_nr_dirty++;
	return 0;
}

static int write_pages(struct mock_domain *mock, struct iommu_test_cmd *cmd)
{
	u64 npages = cmd->dirty.length / cmd->dirty.page_size;
	u64 bit;
	int rc;

	cmd->dirty.out_nr_dirty = 0;
	for (bit = 0; bit < npages; bit += BITS_PER_BYTE) {
		rc = write_byte_of_bits(mock, cmd, bit);
		if (rc)
			return rc;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int check_write(const struct iommu_test_cmd *cmd)
{
	unsigned long last;

	if (cmd->dirty.flags)
		return -EOPNOTSUPP;
	if (!cmd->dirty.uptr || !cmd->dirty.length ||
	    !is_power_of_2(cmd->dirty.page_size) ||
	    cmd->dirty.page_size < MOCK_IOPTE_SIZE ||
	    !IS_ALIGNED(cmd->dirty.iova | cmd->dirty.length,
			cmd->dirty.page_size))
		return -EINVAL;
	if (check_add_overflow(cmd->dirty.iova, cmd->dirty.length - 1, &last))
		return -EOVERFLOW;
	return 0;
}

/**
 * mock_dirty_write() - DIRTY: let a device write to pages
 * @call: the ioctl
 * @cmd: id of a page table; input and output in dirty
 *
 * Context: process context of the user, sleeps.
 * Return: 0, with the number of pages that a device could write to; -EOPNOTSUPP
 * for flags; -EINVAL if a number is 0, not a power of two or not a multiple;
 * -EINVAL if the page table is not one of the mock IOMMU, or tracks no writes;
 * -EOVERFLOW if the range wraps; -EFAULT if the bitmap cannot be read or the
 * reply not be written; -ENOENT if there is no such page table; -EINTR on a
 * fatal signal.
 */
int mock_dirty_write(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_object *object;
	struct iommu_domain *domain;
	int rc;

	rc = check_write(cmd);
	if (rc)
		return rc;
	object = iommufd_object_get(call->ictx, cmd->id,
				    IOMMUFD_OBJ_HWPT_PAGING);
	if (IS_ERR(object))
		return PTR_ERR(object);
	domain = iommufd_hwpt_from(object)->domain;
	if (mock_domain_is(domain) &&
	    READ_ONCE(mock_domain_from(domain)->users.tracking))
		rc = write_pages(mock_domain_from(domain), cmd);
	else
		rc = -EINVAL;
	iommufd_object_put(object);
	return rc ?: iommufd_call_reply(call, cmd, sizeof(*cmd));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What user space may know about the IOMMU of a device.
 */
#include "hw_info.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>
#include <uapi/linux/pci_regs.h>

#include "../../iommu-priv.h"
#include "group.h"
#include "hw_pagetable.h"
#include "iommufd_test.h"
#include "object/ioctl.h"

/* User space may say any length, and zeroing that much takes its time. */
#define CLEAR_STEP SZ_64K

/**
 * struct hw_data - What an IOMMU driver tells
 * @type: format, of enum iommu_hw_info_type
 * @length: bytes
 * @data: in memory of the driver's, to be freed; NULL if there is none
 */
struct hw_data {
	u32 type;
	u32 length;
	void *data;
};

static int hw_info_check_cmd(const struct iommu_hw_info *cmd)
{
	if (cmd->flags & ~IOMMU_HW_INFO_FLAG_INPUT_TYPE ||
	    memchr_inv(cmd->__reserved, 0, sizeof(cmd->__reserved)))
		return -EOPNOTSUPP;
	return 0;
}

/* User space was promised the layout of these and of no others. */
static bool hw_data_known_type(u32 type)
{
	return type == IOMMU_HW_INFO_TYPE_INTEL_VTD ||
	       (IS_ENABLED(CONFIG_IOMMUFD_TEST) &&
		type == IOMMU_HW_INFO_TYPE_SELFTEST);
}

static int hw_data_get(struct hw_data *hw, struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	void *data;

	*hw = (struct hw_data){ .type = IOMMU_HW_INFO_TYPE_NONE };
	if (!ops->hw_info)
		return 0;
	data = ops->hw_info(dev, &hw->length, &hw->type);
	if (IS_ERR(data))
		return PTR_ERR(data);
	if (hw_data_known_type(hw->type)) {
		hw->data = data;
		return 0;
	}
	kfree(data);
	*hw = (struct hw_data){ .type = IOMMU_HW_INFO_TYPE_NONE };
	return 0;
}

static int clear_user_steps(void __user *to, size_t length)
{
	while (length) {
		size_t step = min_t(size_t, length, CLEAR_STEP);

		if (clear_user(to, step))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		to += step;
		length -= step;
	}
	return 0;
}

/* As much as there is room for, and zeroes behind it. */
static int hw_data_copy(const struct hw_data *hw, u64 uptr, size_t room)
{
	void __user *to = u64_to_user_ptr(uptr);
	size_t length = min_t(size_t, hw->length, room);

	if (room && iommufd_check_user(uptr))
		return -EFAULT;
	if (copy_to_user(to, hw->data, length))
		return -EFAULT;
	return clear_user_steps(to + length, room - length);
}

#ifdef CONFIG_PCI_PASID
/* The bits of the PASID capability that are in use. */
static u16 pasid_features(struct device *dev)
{
	if (!dev_is_pci(dev) || !to_pci_dev(dev)->pasid_enabled)
		return 0;
	return to_pci_dev(dev)->pasid_features;
}
#else
static u16 pasid_features(struct device *dev)
{
	return 0;
}
#endif

static void hw_info_fill_common(struct iommu_hw_info *cmd, struct device *dev)
{
	u32 max_pasids = dev->iommu->max_pasids;
	u16 features = pasid_features(dev);

	cmd->out_max_pasid_log2 = max_pasids ? ilog2(max_pasids) : 0;
	cmd->out_capabilities = 0;
	if (iommufd_tracks_dirty(dev))
		cmd->out_capabilities |= IOMMU_HW_CAP_DIRTY_TRACKING;
	if (features & PCI_PASID_CAP_EXEC)
		cmd->out_capabilities |= IOMMU_HW_CAP_PCI_PASID_EXEC;
	if (features & PCI_PASID_CAP_PRIV)
		cmd->out_capabilities |= IOMMU_HW_CAP_PCI_PASID_PRIV;
}

/* In another format than the default one no driver tells anything. */
static int hw_info_check_type(const struct iommu_hw_info *cmd, u32 type)
{
	if (cmd->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE &&
	    cmd->in_data_type != IOMMU_HW_INFO_TYPE_DEFAULT &&
	    cmd->in_data_type != type)
		return -EOPNOTSUPP;
	return 0;
}

/* All that needs the device, whose driver must not have to wait for a user. */
static int hw_info_ask(struct iommufd_ctx *ictx, struct iommu_hw_info *cmd,
		       struct hw_data *hw)
{
	struct iommufd_object *object;
	struct device *dev;
	int rc;

	object = iommufd_object_get(ictx, cmd->dev_id, IOMMUFD_OBJ_DEVICE);
	if (IS_ERR(object))
		return PTR_ERR(object);
	dev = iommufd_device_from(object)->dev;
	rc = hw_data_get(hw, dev);
	if (!rc)
		hw_info_fill_common(cmd, dev);
	iommufd_object_put(object);
	return rc;
}

/**
 * iommufd_hw_info() - ioctl(IOMMU_GET_HW_INFO)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context, may sleep.
 * Return: 0; -EOPNOTSUPP for unknown flags and reserved members, and if the
 * IOMMU driver has nothing in the format that was asked for; -ENOENT if there
 * is no such device; -EFAULT if the data or the reply cannot be written; -EINTR
 * on a fatal signal; -ENOMEM.
 */
int iommufd_hw_info(struct iommufd_call *call, struct iommu_hw_info *cmd)
{
	struct hw_data hw;
	int rc;

	rc = hw_info_check_cmd(cmd);
	if (!rc)
		rc = hw_info_ask(call->ictx, cmd, &hw);
	if (rc)
		return rc;
	rc = hw_info_check_type(cmd, hw.type) ?:
	     hw_data_copy(&hw, cmd->data_uptr, cmd->data_len);
	kfree(hw.data);
	if (rc)
		return rc;
	cmd->data_len = hw.length;
	cmd->out_data_type = hw.type;
	return iommufd_call_reply(call, cmd, sizeof(*cmd));
}

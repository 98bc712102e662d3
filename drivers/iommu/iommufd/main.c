// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * /dev/iommu: the file, and the way of an ioctl to its handler.
 */
#include <linux/build_bug.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommufd.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "check/check.h"
#include "debugfs.h"
#include "device/fault_file.h"
#include "device/hw_info.h"
#include "device/hwpt_alloc.h"
#include "device/hwpt_dirty.h"
#include "device/hwpt_nested.h"
#include "fdinfo.h"
#include "lib/trace.h"
#include "mock/mock.h"
#include "object/change_process.h"
#include "object/context.h"
#include "object/context_list.h"
#include "object/ioas.h"
#include "object/ioctl.h"
#include "object/object_destroy.h"
#include "option.h"
#include "pages/pages.h"
#include "pages/revoke.h"
#include "vfio_compat.h"
#include "vfio_ioctl.h"

#ifdef CONFIG_IOMMUFD_TEST
#include "iommufd_test.h"
#endif

/* As vfio_iommu_type1 calls it. */
static unsigned int dma_entry_limit __read_mostly = U16_MAX;
module_param(dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit,
		 "Most mappings of an open /dev/vfio/vfio (65535). /dev/iommu has no limit.");

/* The structures by the name of their command. */
union iommufd_cmd {
	struct iommu_destroy destroy;
	struct iommu_ioas_alloc ioas_alloc;
	struct iommu_ioas_allow_iovas ioas_allow_iovas;
	struct iommu_ioas_change_process ioas_change_process;
	struct iommu_ioas_copy ioas_copy;
	struct iommu_ioas_iova_ranges ioas_iova_ranges;
	struct iommu_ioas_map ioas_map;
	struct iommu_ioas_map_file ioas_map_file;
	struct iommu_ioas_unmap ioas_unmap;
	struct iommu_option option;
	struct iommu_vfio_ioas vfio_ioas;
	struct iommu_hwpt_alloc hwpt_alloc;
	struct iommu_hw_info hw_info;
	struct iommu_hwpt_set_dirty_tracking set_dirty_tracking;
	struct iommu_hwpt_get_dirty_bitmap get_dirty_bitmap;
	struct iommu_hwpt_invalidate hwpt_invalidate;
	struct iommu_fault_alloc fault_alloc;
#ifdef CONFIG_IOMMUFD_TEST
	struct iommu_test_cmd test;
#endif
};

typedef int (*iommufd_handler_t)(struct iommufd_call *call,
				 union iommufd_cmd *cmd);

/* Each takes its own structure out of the union. */
static int handle_destroy(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_object_destroy_id(call->ictx, cmd->destroy.id);
}

static int handle_fault_alloc(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_fault_alloc(call, &cmd->fault_alloc);
}

static int handle_hw_info(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_hw_info(call, &cmd->hw_info);
}

static int handle_hwpt_alloc(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_hwpt_alloc(call, &cmd->hwpt_alloc);
}

static int handle_get_dirty_bitmap(struct iommufd_call *call,
				   union iommufd_cmd *cmd)
{
	return iommufd_hwpt_get_dirty(call->ictx, &cmd->get_dirty_bitmap);
}

static int handle_hwpt_invalidate(struct iommufd_call *call,
				  union iommufd_cmd *cmd)
{
	return iommufd_hwpt_invalidate(call, &cmd->hwpt_invalidate);
}

static int handle_set_dirty_tracking(struct iommufd_call *call,
				     union iommufd_cmd *cmd)
{
	return iommufd_hwpt_set_dirty(call->ictx, &cmd->set_dirty_tracking);
}

static int handle_ioas_alloc(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_ioas_alloc(call, &cmd->ioas_alloc);
}

static int handle_ioas_allow_iovas(struct iommufd_call *call,
				   union iommufd_cmd *cmd)
{
	return iommufd_ioas_allow_iovas(call, &cmd->ioas_allow_iovas);
}

static int handle_change_process(struct iommufd_call *call,
				 union iommufd_cmd *cmd)
{
	return iommufd_change_process(call, &cmd->ioas_change_process);
}

static int handle_ioas_copy(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_ioas_copy(call, &cmd->ioas_copy);
}

static int handle_ioas_iova_ranges(struct iommufd_call *call,
				   union iommufd_cmd *cmd)
{
	return iommufd_ioas_iova_ranges(call, &cmd->ioas_iova_ranges);
}

static int handle_ioas_map(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_ioas_map(call, &cmd->ioas_map);
}

static int handle_ioas_map_file(struct iommufd_call *call,
				union iommufd_cmd *cmd)
{
	return iommufd_ioas_map_file(call, &cmd->ioas_map_file);
}

static int handle_ioas_unmap(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_ioas_unmap(call, &cmd->ioas_unmap);
}

static int handle_option(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_option(call, &cmd->option);
}

static int handle_vfio_ioas(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_vfio_ioas(call, &cmd->vfio_ioas);
}

#ifdef CONFIG_IOMMUFD_TEST
static int handle_test(struct iommufd_call *call, union iommufd_cmd *cmd)
{
	return iommufd_test(call, &cmd->test);
}
#endif

/**
 * struct iommufd_ioctl - How to treat an ioctl
 * @handler: called with a checked copy of the structure
 * @size: of the structure as this kernel knows it, bytes
 * @first_size: of the first version of the structure, bytes; later members
 *              only change @size
 */
struct iommufd_ioctl {
	iommufd_handler_t handler;
	unsigned int size;
	unsigned int first_size;
};

#define IOCTL_INDEX(_cmd) (_IOC_NR(_cmd) - IOMMUFD_CMD_BASE)

#define IOCTL(_cmd, _handler, _member, _first_last)                       \
	[IOCTL_INDEX(_cmd)] = {                                           \
		.handler = _handler,                                      \
		.size = sizeof_field(union iommufd_cmd, _member) +        \
			/* Where ioctl_read() looks for it. */            \
			BUILD_BUG_ON_ZERO(offsetof(union iommufd_cmd,     \
						   _member.size)),        \
		.first_size = offsetofend(union iommufd_cmd,              \
					  _member._first_last),           \
	}

static const struct iommufd_ioctl iommufd_ioctls[] = {
	IOCTL(IOMMU_DESTROY, handle_destroy, destroy, id),
	IOCTL(IOMMU_IOAS_ALLOC, handle_ioas_alloc, ioas_alloc, out_ioas_id),
	IOCTL(IOMMU_IOAS_ALLOW_IOVAS, handle_ioas_allow_iovas, ioas_allow_iovas,
	      allowed_iovas),
	IOCTL(IOMMU_IOAS_COPY, handle_ioas_copy, ioas_copy, src_iova),
	IOCTL(IOMMU_IOAS_IOVA_RANGES, handle_ioas_iova_ranges, ioas_iova_ranges,
	      out_iova_alignment),
	IOCTL(IOMMU_IOAS_MAP, handle_ioas_map, ioas_map, iova),
	IOCTL(IOMMU_IOAS_UNMAP, handle_ioas_unmap, ioas_unmap, length),
	IOCTL(IOMMU_OPTION, handle_option, option, val64),
	IOCTL(IOMMU_VFIO_IOAS, handle_vfio_ioas, vfio_ioas, __reserved),
	IOCTL(IOMMU_HWPT_ALLOC, handle_hwpt_alloc, hwpt_alloc, __reserved),
	IOCTL(IOMMU_GET_HW_INFO, handle_hw_info, hw_info, __reserved),
	IOCTL(IOMMU_HWPT_SET_DIRTY_TRACKING, handle_set_dirty_tracking,
	      set_dirty_tracking, __reserved),
	IOCTL(IOMMU_HWPT_GET_DIRTY_BITMAP, handle_get_dirty_bitmap,
	      get_dirty_bitmap, data),
	IOCTL(IOMMU_HWPT_INVALIDATE, handle_hwpt_invalidate, hwpt_invalidate,
	      __reserved),
	IOCTL(IOMMU_FAULT_QUEUE_ALLOC, handle_fault_alloc, fault_alloc,
	      out_fault_fd),
	IOCTL(IOMMU_IOAS_MAP_FILE, handle_ioas_map_file, ioas_map_file, iova),
	IOCTL(IOMMU_IOAS_CHANGE_PROCESS, handle_change_process,
	      ioas_change_process, __reserved),
#ifdef CONFIG_IOMMUFD_TEST
	IOCTL(IOMMU_TEST_CMD, handle_test, test, last),
#endif
};

static const struct iommufd_ioctl *ioctl_find(unsigned int cmd)
{
	unsigned int index = IOCTL_INDEX(cmd);

	if (cmd != _IO(IOMMUFD_TYPE, _IOC_NR(cmd)) ||
	    index >= ARRAY_SIZE(iommufd_ioctls))
		return NULL;
	index = array_index_nospec(index, ARRAY_SIZE(iommufd_ioctls));
	return iommufd_ioctls[index].handler ? &iommufd_ioctls[index] : NULL;
}

static int ioctl_read(const struct iommufd_ioctl *ioctl,
		      struct iommufd_call *call, union iommufd_cmd *cmd)
{
	if (get_user(call->user_size, (u32 __user *)call->user))
		return -EFAULT;
	if (call->user_size < ioctl->first_size)
		return -EINVAL;
	/* Nobody's structure is that large, and looking for zeroes takes time. */
	if (call->user_size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(cmd, ioctl->size, call->user,
				     call->user_size);
}

static long iommufd_fops_ioctl(struct file *file, unsigned int nr,
			       unsigned long arg)
{
	const struct iommufd_ioctl *ioctl = ioctl_find(nr);
	struct iommufd_call call = {
		.ictx = file->private_data,
		.user = (void __user *)arg,
	};
	/* The part that the handler looks at is filled. */
	union iommufd_cmd cmd __uninitialized;
	int rc;

	if (ioctl && iommufd_vfio_serves_all(call.ictx))
		rc = ioctl_read(ioctl, &call, &cmd) ?:
		     ioctl->handler(&call, &cmd);
	else
		rc = iommufd_vfio_ioctl(call.ictx, nr, arg);
	if (rc < 0)
		trace_iommufd_ioctl_error(call.ictx->number, nr, rc);
	iommufd_check(call.ictx);
	return rc;
}

/* misc_open() left there which file it is. */
static bool opened_as_container(struct file *file)
{
	struct miscdevice *misc = file->private_data;

	return misc->minor == VFIO_MINOR;
}

static int iommufd_fops_open(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ictx = kzalloc(sizeof(*ictx), GFP_KERNEL_ACCOUNT);
	int rc;

	if (!ictx)
		return -ENOMEM;
	/* Id 0 is never given out: a forgotten field names no object. */
	xa_init_flags(&ictx->objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init(&ictx->groups);
	init_waitqueue_head(&ictx->destroy_wait);
	ictx->as_container = opened_as_container(file);
	atomic_long_set(&ictx->areas_left,
			min_t(unsigned long, READ_ONCE(dma_entry_limit),
			      LONG_MAX));
	pin_account_init(&ictx->account, ictx->as_container ? PIN_ACCOUNT_MM :
							      PIN_ACCOUNT_USER);
	ictx->file = file;
	rc = iommufd_context_list_add(ictx);
	if (rc) {
		pin_account_destroy(&ictx->account);
		kfree(ictx);
		return rc;
	}
	file->private_data = ictx;
	return stream_open(inode, file);
}

static int iommufd_fops_release(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ictx = file->private_data;

	iommufd_context_list_remove(ictx);
	iommufd_check(ictx);
	iommufd_ctx_destroy_objects(ictx);
	WARN_ON_ONCE(!xa_empty(&ictx->groups));
	pin_account_destroy(&ictx->account);
	kfree(ictx);
	return 0;
}

static void iommufd_fops_show_fdinfo(struct seq_file *seq, struct file *file)
{
	iommufd_show_fdinfo(file->private_data, seq);
}

static const struct file_operations iommufd_fops = {
	.owner = THIS_MODULE,
	.open = iommufd_fops_open,
	.release = iommufd_fops_release,
	.unlocked_ioctl = iommufd_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = iommufd_fops_show_fdinfo,
};

/* include/linux/iommufd.h describes what follows. */
struct iommufd_ctx *iommufd_ctx_from_file(struct file *file)
{
	if (file->f_op != &iommufd_fops)
		return ERR_PTR(-EBADFD);
	iommufd_ctx_get(file->private_data);
	return file->private_data;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_from_file, IOMMUFD);

struct iommufd_ctx *iommufd_ctx_from_fd(int fd)
{
	CLASS(fd, f)(fd);

	return fd_file(f) ? iommufd_ctx_from_file(fd_file(f)) :
			    ERR_PTR(-EBADF);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_from_fd, IOMMUFD);

static struct miscdevice iommufd_misc = {
	.name = "iommu",
	.nodename = "iommu",
	.minor = MISC_DYNAMIC_MINOR,
	.mode = 0660,
	.fops = &iommufd_fops,
};

/* In place of the file of VFIO's own containers. */
static struct miscdevice container_misc = {
	.name = "vfio",
	.nodename = "vfio/vfio",
	.minor = VFIO_MINOR,
	.mode = 0666,
	.fops = &iommufd_fops,
};

static int __init register_files(void)
{
	int rc;

	rc = misc_register(&iommufd_misc);
	if (rc || !IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER))
		return rc;
	rc = misc_register(&container_misc);
	if (rc)
		misc_deregister(&iommufd_misc);
	return rc;
}

static int __init iommufd_init(void)
{
	int rc;

	rc = iopt_pages_init();
	if (rc)
		return rc;
	rc = iopt_revoke_init();
	if (rc)
		goto err_pages;
	rc = iommufd_object_init();
	if (rc)
		goto err_revoke;
	rc = iommufd_test_init();
	if (rc)
		goto err_object;
	rc = register_files();
	if (rc)
		goto err_test;
	iommufd_debugfs_init();
	return 0;

err_test:
	iommufd_test_exit();
err_object:
	iommufd_object_exit();
err_revoke:
	iopt_revoke_exit();
err_pages:
	iopt_pages_exit();
	return rc;
}
module_init(iommufd_init);

static void __exit iommufd_exit(void)
{
	iommufd_debugfs_exit();
	if (IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER))
		misc_deregister(&container_misc);
	misc_deregister(&iommufd_misc);
	iommufd_test_exit();
	iommufd_object_exit();
	iopt_revoke_exit();
	iopt_pages_exit();
	pin_account_exit();
}
module_exit(iommufd_exit);

#if IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER)
MODULE_ALIAS_MISCDEV(VFIO_MINOR);
MODULE_ALIAS("devname:vfio/vfio");
#endif
MODULE_IMPORT_NS(IOMMUFD_INTERNAL);
MODULE_IMPORT_NS(IOMMUFD);
MODULE_DESCRIPTION("I/O address spaces of user space for devices");
MODULE_AUTHOR("The iommufd authors");
MODULE_LICENSE("GPL");

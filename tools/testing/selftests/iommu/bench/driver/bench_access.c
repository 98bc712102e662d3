// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A driver that does nothing but reach memory of an iommufd with the CPU and
 * tell how long that took. It uses what include/linux/iommufd.h offers to any
 * driver, so it loads into a kernel with any implementation of that.
 */
#include <linux/fs.h>
#include <linux/iommufd.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "bench_access.h"

/**
 * struct bench_access - an open file
 * @access: what it has attached, NULL before that
 * @buffer: BENCH_ACCESS_COPY_MAX bytes to copy from or to
 * @lock: protects the other members
 * @held_iova: first byte of what stays pinned
 * @held_length: bytes of that, 0 if there is nothing
 */
struct bench_access {
	struct iommufd_access *access;
	void *buffer;
	struct mutex lock;
	unsigned long held_iova;
	unsigned long held_length;
};

static void release_held(struct bench_access *bench)
{
	mutex_lock(&bench->lock);
	if (bench->held_length)
		iommufd_access_unpin_pages(bench->access, bench->held_iova,
					   bench->held_length);
	bench->held_length = 0;
	mutex_unlock(&bench->lock);
}

/* Somebody unmaps where something is pinned: all goes, it is one range. */
static void bench_access_unmap(void *data, unsigned long iova,
			       unsigned long length)
{
	release_held(data);
}

static const struct iommufd_access_ops bench_access_ops = {
	.needs_pin_pages = 1,
	.unmap = bench_access_unmap,
};

static int attach(struct bench_access *bench, void __user *arg)
{
	struct bench_access_attach attach;
	struct iommufd_access *access;
	struct iommufd_ctx *ictx;
	u32 id;
	int ret;

	if (copy_from_user(&attach, arg, sizeof(attach)))
		return -EFAULT;
	if (bench->access)
		return -EBUSY;
	ictx = iommufd_ctx_from_fd(attach.iommufd);
	if (IS_ERR(ictx))
		return PTR_ERR(ictx);
	access = iommufd_access_create(ictx, &bench_access_ops, bench, &id);
	iommufd_ctx_put(ictx);
	if (IS_ERR(access))
		return PTR_ERR(access);
	ret = iommufd_access_attach(access, attach.ioas_id);
	if (ret) {
		iommufd_access_destroy(access);
		return ret;
	}
	bench->access = access;
	return 0;
}

static unsigned int rights(const struct bench_access_call *call)
{
	return call->write ? IOMMUFD_ACCESS_RW_WRITE : 0;
}

static struct page **alloc_pages_of(const struct bench_access_call *call)
{
	unsigned long npages;

	if (!call->length || call->iova + call->length < call->iova)
		return ERR_PTR(-EINVAL);
	npages = (offset_in_page(call->iova) + call->length - 1) / PAGE_SIZE +
		 1;
	return kvcalloc(npages, sizeof(struct page *), GFP_KERNEL) ?:
	       ERR_PTR(-ENOMEM);
}

static int pin(struct bench_access *bench, struct bench_access_call *call)
{
	struct page **pages = alloc_pages_of(call);
	u64 start, pinned;
	int ret = 0;
	u32 i;

	if (IS_ERR(pages))
		return PTR_ERR(pages);
	for (i = 0; i < call->repeat; i++) {
		start = ktime_get_ns();
		ret = iommufd_access_pin_pages(bench->access, call->iova,
					       call->length, pages,
					       rights(call));
		if (ret)
			break;
		pinned = ktime_get_ns();
		iommufd_access_unpin_pages(bench->access, call->iova,
					   call->length);
		call->out_unpin_ns += ktime_get_ns() - pinned;
		call->out_ns += pinned - start;
	}
	kvfree(pages);
	return ret;
}

static int copy_here(struct bench_access *bench, struct bench_access_call *call,
		     unsigned int flags)
{
	u64 start = ktime_get_ns();
	u32 i;

	for (i = 0; i < call->repeat; i++) {
		int ret = iommufd_access_rw(bench->access, call->iova,
					    bench->buffer, call->length, flags);

		if (ret)
			return ret;
	}
	call->out_ns = ktime_get_ns() - start;
	return 0;
}

/**
 * struct bench_copy - copy() in a thread of the kernel
 * @work: for a workqueue
 * @bench: the file
 * @call: what to do
 * @ret: what came of it
 */
struct bench_copy {
	struct work_struct work;
	struct bench_access *bench;
	struct bench_access_call *call;
	int ret;
};

static void copy_there(struct work_struct *work)
{
	struct bench_copy *copy = container_of(work, struct bench_copy, work);

	copy->ret = copy_here(copy->bench, copy->call,
			      rights(copy->call) | IOMMUFD_ACCESS_RW_KTHREAD);
}

static int copy(struct bench_access *bench, struct bench_access_call *call)
{
	struct bench_copy copy = { .bench = bench, .call = call };

	if (call->length > BENCH_ACCESS_COPY_MAX)
		return -EINVAL;
	if (!call->kernel_thread)
		return copy_here(bench, call, rights(call));
	INIT_WORK_ONSTACK(&copy.work, copy_there);
	queue_work(system_unbound_wq, &copy.work);
	flush_work(&copy.work);
	destroy_work_on_stack(&copy.work);
	return copy.ret;
}

static int hold(struct bench_access *bench, struct bench_access_call *call)
{
	struct page **pages = alloc_pages_of(call);
	u64 start;
	int ret = -EBUSY;

	if (IS_ERR(pages))
		return PTR_ERR(pages);
	mutex_lock(&bench->lock);
	if (!bench->held_length) {
		start = ktime_get_ns();
		ret = iommufd_access_pin_pages(bench->access, call->iova,
					       call->length, pages,
					       rights(call));
		call->out_ns = ktime_get_ns() - start;
	}
	if (!ret) {
		bench->held_iova = call->iova;
		bench->held_length = call->length;
	}
	mutex_unlock(&bench->lock);
	kvfree(pages);
	return ret;
}

static int run(struct bench_access *bench, void __user *arg,
	       int (*measure)(struct bench_access *bench,
			      struct bench_access_call *call))
{
	struct bench_access_call call;
	int ret;

	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	if (!bench->access)
		return -ENXIO;
	call.out_ns = 0;
	call.out_unpin_ns = 0;
	ret = measure(bench, &call);
	if (!ret && copy_to_user(arg, &call, sizeof(call)))
		ret = -EFAULT;
	return ret;
}

static long bench_access_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	struct bench_access *bench = file->private_data;
	void __user *argument = (void __user *)arg;

	switch (cmd) {
	case BENCH_ACCESS_ATTACH:
		return attach(bench, argument);
	case BENCH_ACCESS_PIN:
		return run(bench, argument, pin);
	case BENCH_ACCESS_RW:
		return run(bench, argument, copy);
	case BENCH_ACCESS_HOLD:
		return run(bench, argument, hold);
	case BENCH_ACCESS_RELEASE:
		release_held(bench);
		return 0;
	default:
		return -ENOTTY;
	}
}

static int bench_access_open(struct inode *inode, struct file *file)
{
	struct bench_access *bench = kzalloc(sizeof(*bench), GFP_KERNEL);

	if (!bench)
		return -ENOMEM;
	bench->buffer = kvzalloc(BENCH_ACCESS_COPY_MAX, GFP_KERNEL);
	if (!bench->buffer) {
		kfree(bench);
		return -ENOMEM;
	}
	mutex_init(&bench->lock);
	file->private_data = bench;
	return 0;
}

static int bench_access_release(struct inode *inode, struct file *file)
{
	struct bench_access *bench = file->private_data;

	release_held(bench);
	if (bench->access)
		iommufd_access_destroy(bench->access);
	kvfree(bench->buffer);
	kfree(bench);
	return 0;
}

static const struct file_operations bench_access_fops = {
	.owner = THIS_MODULE,
	.open = bench_access_open,
	.release = bench_access_release,
	.unlocked_ioctl = bench_access_ioctl,
};

static struct miscdevice bench_access_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = BENCH_ACCESS_NAME,
	.fops = &bench_access_fops,
};
module_misc_device(bench_access_device);

MODULE_DESCRIPTION("Times the in-kernel access of iommufd");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(IOMMUFD);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Accesses that a test program steers: a file descriptor stands for an access.
 * It plays the part of a driver that emulates a device.
 */
#include "mock_access.h"

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommufd.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

#include "iommufd_test.h"
#include "iopt/iopt_lookup.h"
#include "object/ioas.h"
#include "object/ioctl.h"
#include "object/object.h"
#include "object/object_file.h"

#define KNOWN_CREATE_FLAGS MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES
#define KNOWN_PIN_FLAGS (MOCK_FLAGS_ACCESS_WRITE | MOCK_FLAGS_ACCESS_SYZ)
#define KNOWN_RW_FLAGS                                      \
	(MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_KTHREAD |    \
	 MOCK_ACCESS_RW_SLOW_PATH | MOCK_FLAGS_ACCESS_SYZ)

/* What one call may pin or copy, bytes. */
#define MAX_PIN_LENGTH SZ_1G
#define MAX_RW_LENGTH SZ_4M

/**
 * struct mock_access - What the file of an access stands for
 * @access: the access
 * @ictx: its context, which the access keeps alive
 * @ioas_id: where it is attached
 * @rwsem: held for read from before something is pinned until it is in @pins,
 *         and the other way round; for write by whoever has to find all pins
 * @pins: struct mock_pin by id
 */
struct mock_access {
	struct iommufd_access *access;
	struct iommufd_ctx *ictx;
	u32 ioas_id;
	struct rw_semaphore rwsem;
	struct xarray pins;
};

/**
 * struct mock_pin - What one ACCESS_PAGES has pinned
 * @iova: first byte
 * @length: bytes
 */
struct mock_pin {
	unsigned long iova;
	unsigned long length;
};

static void unpin(struct mock_access *mock, struct mock_pin *pin)
{
	iommufd_access_unpin_pages(mock->access, pin->iova, pin->length);
	kfree(pin);
}

static void mock_access_unmap(void *data, unsigned long iova,
			      unsigned long length)
{
	unsigned long last = iova + (length - 1);
	struct mock_access *mock = data;
	struct mock_pin *pin;
	unsigned long id;

	guard(rwsem_write)(&mock->rwsem);
	xa_for_each(&mock->pins, id, pin) {
		if (pin->iova > last || pin->iova + (pin->length - 1) < iova)
			continue;
		xa_erase(&mock->pins, id);
		unpin(mock, pin);
	}
}

static const struct iommufd_access_ops pinning_ops = {
	.needs_pin_pages = 1,
	.unmap = mock_access_unmap,
};

static const struct iommufd_access_ops copying_ops = {
};

static void mock_access_destroy(struct mock_access *mock)
{
	/* Asks to unpin what is pinned. */
	iommufd_access_destroy(mock->access);
	WARN_ON_ONCE(!xa_empty(&mock->pins));
	xa_destroy(&mock->pins);
	kfree(mock);
}

static int mock_access_release(struct inode *inode, struct file *file)
{
	mock_access_destroy(file->private_data);
	return 0;
}

static const struct file_operations mock_access_fops = {
	.owner = THIS_MODULE,
	.release = mock_access_release,
};

static struct mock_access *mock_access_new(struct iommufd_ctx *ictx, u32 ioas_id,
					   u32 flags)
{
	const struct iommufd_access_ops *ops = &copying_ops;
	struct mock_access *mock;
	u32 id;
	int rc;

	mock = kzalloc(sizeof(*mock), GFP_KERNEL_ACCOUNT);
	if (!mock)
		return ERR_PTR(-ENOMEM);
	mock->ictx = ictx;
	mock->ioas_id = ioas_id;
	init_rwsem(&mock->rwsem);
	xa_init_flags(&mock->pins, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	if (flags & MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES)
		ops = &pinning_ops;
	mock->access = iommufd_access_create(ictx, ops, mock, &id);
	if (IS_ERR(mock->access)) {
		rc = PTR_ERR(mock->access);
		kfree(mock);
		return ERR_PTR(rc);
	}
	rc = iommufd_access_attach(mock->access, ioas_id);
	if (rc) {
		mock_access_destroy(mock);
		return ERR_PTR(rc);
	}
	return mock;
}

/**
 * mock_access_create() - CREATE_ACCESS: make an access and attach it
 * @call: the ioctl
 * @cmd: id of an IOAS; input and output in create_access
 *
 * Context: process context of the user, sleeps.
 * Return: 0; -EOPNOTSUPP for flags that are not known; -EFAULT if the reply
 * cannot be written; -EMFILE or -ENFILE without a free file; or an error of
 * iommufd_access_create(), iommufd_access_attach(). Then there is no access.
 */
int mock_access_create(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_object_file file = {
		.name = "[iommufd-mock-access]",
		.fops = &mock_access_fops,
	};
	struct mock_access *mock;
	int rc;

	if (cmd->create_access.flags & ~KNOWN_CREATE_FLAGS)
		return -EOPNOTSUPP;
	mock = mock_access_new(call->ictx, cmd->id, cmd->create_access.flags);
	if (IS_ERR(mock))
		return PTR_ERR(mock);
	file.data = mock;
	rc = iommufd_call_reply_file(call, cmd, sizeof(*cmd),
				     &cmd->create_access.out_access_fd, &file);
	if (rc)
		mock_access_destroy(mock);
	return rc;
}

static struct mock_access *mock_access_of(struct fd f)
{
	if (!fd_file(f))
		return ERR_PTR(-EBADF);
	if (fd_file(f)->f_op != &mock_access_fops)
		return ERR_PTR(-EINVAL);
	return fd_file(f)->private_data;
}

/**
 * mock_access_replace() - ACCESS_REPLACE_IOAS: move an access
 * @call: the ioctl
 * @cmd: file descriptor of an access; input in access_replace_ioas
 *
 * Context: process context of the user, sleeps.
 * Return: 0; -EBADF or -EINVAL if it is not the file of an access; or an error
 * of iommufd_access_replace().
 */
int mock_access_replace(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	CLASS(fd, f)(cmd->id);
	struct mock_access *mock = mock_access_of(f);
	u32 ioas_id = cmd->access_replace_ioas.ioas_id;
	int rc;

	if (IS_ERR(mock))
		return PTR_ERR(mock);
	rc = iommufd_access_replace(mock->access, ioas_id);
	if (!rc)
		WRITE_ONCE(mock->ioas_id, ioas_id);
	return rc;
}

static int nth_area_start(struct io_pagetable *iopt, u32 nth, u64 *start)
{
	struct iopt_area *area;

	iopt_for_each_area(area, iopt) {
		if (!nth--) {
			*start = area->node.start;
			iopt_area_put(area);
			return 0;
		}
		cond_resched();
	}
	return -ENOENT;
}

/* Lets a fuzzer that knows no IOVA meet what is mapped. */
static int resolve_iova(struct mock_access *mock, u32 flags, u64 *iova)
{
	struct {
		u32 nth;
		u32 offset;
	} area;
	struct iommufd_object *object;
	int rc;

	if (!(flags & MOCK_FLAGS_ACCESS_SYZ))
		return 0;
	static_assert(sizeof(area) == sizeof(*iova));
	memcpy(&area, iova, sizeof(area));
	object = iommufd_object_get(mock->ictx, READ_ONCE(mock->ioas_id),
				    IOMMUFD_OBJ_IOAS);
	if (IS_ERR(object))
		return PTR_ERR(object);
	rc = nth_area_start(&iommufd_ioas_from(object)->iopt, area.nth, iova);
	iommufd_object_put(object);
	if (!rc && check_add_overflow(*iova, area.offset, iova))
		rc = -EOVERFLOW;
	return rc;
}

/* The kAPI knows no range that wraps, nor one that this machine cannot name. */
static int check_range(u64 iova, u64 length, u64 max_length)
{
	unsigned long last;

	if (length && check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	return length > max_length ? -ENOMEM : 0;
}

static int compare_pages(struct page **pages, unsigned long npages,
			 unsigned long address)
{
	unsigned long i;

	for (i = 0; i < npages; i++) {
		struct page *page;

		if (get_user_pages_fast((address & PAGE_MASK) + i * PAGE_SIZE,
					1, 0, &page) != 1)
			return -EFAULT;
		put_page(page);
		if (page != pages[i])
			return -EINVAL;
		cond_resched();
	}
	return 0;
}

/* Pin, and let mock_access_unmap() find it. */
static int pin_recorded(struct mock_access *mock, struct mock_pin *pin,
			struct page **pages, u32 flags, u32 *id)
{
	unsigned int rw = flags & MOCK_FLAGS_ACCESS_WRITE ?
				  IOMMUFD_ACCESS_RW_WRITE : 0;
	int rc;

	guard(rwsem_read)(&mock->rwsem);
	if (xa_alloc(&mock->pins, id, NULL, xa_limit_31b, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	rc = iommufd_access_pin_pages(mock->access, pin->iova, pin->length,
				      pages, rw);
	if (rc)
		xa_erase(&mock->pins, *id);
	else
		xa_store(&mock->pins, *id, pin, GFP_KERNEL);
	return rc;
}

/* @pin is NULL for whatever has the id. */
static int unpin_recorded(struct mock_access *mock, u32 id,
			  struct mock_pin *pin)
{
	struct mock_pin *found;

	guard(rwsem_read)(&mock->rwsem);
	xa_lock(&mock->pins);
	found = xa_load(&mock->pins, id);
	if (pin && found != pin)
		found = NULL;
	/* An id that is only reserved belongs to somebody who is pinning. */
	if (found)
		__xa_erase(&mock->pins, id);
	xa_unlock(&mock->pins);
	pin = found;
	if (!pin)
		return -ENOENT;
	unpin(mock, pin);
	return 0;
}

static int pin_compared(struct mock_access *mock, struct iommufd_call *call,
			struct iommu_test_cmd *cmd, struct page **pages,
			unsigned long npages)
{
	struct mock_pin *pin = kmalloc(sizeof(*pin), GFP_KERNEL_ACCOUNT);
	u32 id;
	int rc;

	if (!pin)
		return -ENOMEM;
	pin->iova = cmd->access_pages.iova;
	pin->length = cmd->access_pages.length;
	rc = pin_recorded(mock, pin, pages, cmd->access_pages.flags, &id);
	if (rc) {
		kfree(pin);
		return rc;
	}
	/* From here on an unmap may take it away. */
	if (cmd->access_pages.uptr)
		rc = compare_pages(pages, npages, cmd->access_pages.uptr);
	cmd->access_pages.out_access_pages_id = id;
	if (!rc)
		rc = iommufd_call_reply(call, cmd, sizeof(*cmd));
	if (rc)
		unpin_recorded(mock, id, pin);
	return rc;
}

/**
 * mock_access_pin() - ACCESS_PAGES: pin, and compare with a process
 * @call: the ioctl
 * @cmd: file descriptor of an access; input and output in access_pages
 *
 * Context: process context of the user, sleeps.
 * Return: 0; -EBADF or -EINVAL if it is not the file of an access; -EOPNOTSUPP
 * for flags that are not known; -EOVERFLOW if the range wraps; -EINVAL if
 * another page is at uptr, -EFAULT if there is none or the reply cannot be
 * written; -ENOENT if there is no such area; -ENOMEM, also for very much; or an
 * error of iommufd_access_pin_pages(). Then nothing stays pinned.
 */
int mock_access_pin(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	CLASS(fd, f)(cmd->id);
	struct mock_access *mock = mock_access_of(f);
	unsigned long npages;
	struct page **pages;
	int rc;

	if (IS_ERR(mock))
		return PTR_ERR(mock);
	if (cmd->access_pages.flags & ~KNOWN_PIN_FLAGS)
		return -EOPNOTSUPP;
	rc = resolve_iova(mock, cmd->access_pages.flags,
			  &cmd->access_pages.iova);
	if (!rc)
		rc = check_range(cmd->access_pages.iova,
				 cmd->access_pages.length, MAX_PIN_LENGTH);
	if (rc)
		return rc;
	npages = DIV_ROUND_UP(offset_in_page(cmd->access_pages.iova) +
			      (unsigned long)cmd->access_pages.length,
			      PAGE_SIZE);
	pages = kvcalloc(npages, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	rc = pin_compared(mock, call, cmd, pages, npages);
	kvfree(pages);
	return rc;
}

/**
 * mock_access_unpin() - DESTROY_ACCESS_PAGES: undo one ACCESS_PAGES
 * @call: the ioctl
 * @cmd: file descriptor of an access; input in destroy_access_pages
 *
 * Context: process context of the user, sleeps.
 * Return: 0; -EBADF or -EINVAL if it is not the file of an access; -ENOENT if
 * there is nothing of this id, or not any more.
 */
int mock_access_unpin(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	CLASS(fd, f)(cmd->id);
	struct mock_access *mock = mock_access_of(f);

	if (IS_ERR(mock))
		return PTR_ERR(mock);
	return unpin_recorded(mock, cmd->destroy_access_pages.access_pages_id,
			      NULL);
}

/* A copy on its way to a kernel thread. */
struct copy {
	struct work_struct work;
	struct iommufd_access *access;
	unsigned long iova;
	void *buffer;
	size_t length;
	unsigned int flags;
	int rc;
};

static void copy_work(struct work_struct *work)
{
	struct copy *copy = container_of(work, struct copy, work);

	copy->rc = iommufd_access_rw(copy->access, copy->iova, copy->buffer,
				     copy->length, copy->flags);
}

static int copy_buffer(struct mock_access *mock, void *buffer,
		       const struct iommu_test_cmd *cmd)
{
	u32 flags = cmd->access_rw.flags;
	struct copy copy = {
		.access = mock->access,
		.iova = cmd->access_rw.iova,
		.buffer = buffer,
		.length = cmd->access_rw.length,
	};

	if (flags & MOCK_ACCESS_RW_WRITE)
		copy.flags |= IOMMUFD_ACCESS_RW_WRITE;
	if (flags & MOCK_ACCESS_RW_SLOW_PATH)
		copy.flags |= __IOMMUFD_ACCESS_RW_SLOW_PATH;
	if (!(flags & MOCK_ACCESS_RW_KTHREAD)) {
		copy_work(&copy.work);
		return copy.rc;
	}
	copy.flags |= IOMMUFD_ACCESS_RW_KTHREAD;
	INIT_WORK_ONSTACK(&copy.work, copy_work);
	queue_work(system_unbound_wq, &copy.work);
	flush_work(&copy.work);
	destroy_work_on_stack(&copy.work);
	return copy.rc;
}

static int copy_user(struct mock_access *mock, void *buffer,
		     const struct iommu_test_cmd *cmd)
{
	void __user *uptr = u64_to_user_ptr(cmd->access_rw.uptr);
	size_t length = cmd->access_rw.length;
	bool write = cmd->access_rw.flags & MOCK_ACCESS_RW_WRITE;
	int rc;

	if (write && copy_from_user(buffer, uptr, length))
		return -EFAULT;
	rc = copy_buffer(mock, buffer, cmd);
	if (!rc && !write && copy_to_user(uptr, buffer, length))
		return -EFAULT;
	return rc;
}

/**
 * mock_access_rw() - ACCESS_RW: copy between IOVA and the user
 * @call: the ioctl
 * @cmd: file descriptor of an access; input in access_rw
 *
 * Context: process context of the user, sleeps.
 * Return: 0; -EBADF or -EINVAL if it is not the file of an access; -EOPNOTSUPP
 * for flags that are not known; -EOVERFLOW if the range wraps; -EFAULT if
 * nothing is at uptr; -ENOENT if there is no such area; -ENOMEM, also for very
 * much; or an error of iommufd_access_rw().
 */
int mock_access_rw(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	CLASS(fd, f)(cmd->id);
	struct mock_access *mock = mock_access_of(f);
	void *buffer;
	int rc;

	if (IS_ERR(mock))
		return PTR_ERR(mock);
	if (cmd->access_rw.flags & ~KNOWN_RW_FLAGS)
		return -EOPNOTSUPP;
	rc = resolve_iova(mock, cmd->access_rw.flags, &cmd->access_rw.iova);
	if (!rc)
		rc = check_range(cmd->access_rw.iova, cmd->access_rw.length,
				 MAX_RW_LENGTH);
	if (rc)
		return rc;
	buffer = kvmalloc(cmd->access_rw.length, GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return -ENOMEM;
	rc = copy_user(mock, buffer, cmd);
	kvfree(buffer);
	return rc;
}

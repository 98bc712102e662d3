// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The file from which user space reads page faults, and into which it writes
 * the answers.
 *
 * Neither waits: reading an empty queue gives 0 bytes, and whoever wants to
 * wait polls. User memory is touched with no lock held.
 */
#include "fault_file.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "fault_queue.h"
#include "object/context.h"
#include "object/ioctl.h"
#include "object/object_destroy.h"
#include "object/object_file.h"

/* What device drivers and user space agree about has the same bits. */
static_assert((int)IOMMU_PGFAULT_PERM_READ == IOMMU_FAULT_PERM_READ);
static_assert((int)IOMMU_PGFAULT_PERM_WRITE == IOMMU_FAULT_PERM_WRITE);
static_assert((int)IOMMU_PGFAULT_PERM_EXEC == IOMMU_FAULT_PERM_EXEC);
static_assert((int)IOMMU_PGFAULT_PERM_PRIV == IOMMU_FAULT_PERM_PRIV);

#define KNOWN_PERMISSIONS                                       \
	(IOMMU_FAULT_PERM_READ | IOMMU_FAULT_PERM_WRITE |       \
	 IOMMU_FAULT_PERM_EXEC | IOMMU_FAULT_PERM_PRIV)

static struct iommu_hwpt_pgfault
fault_describe(const struct iommufd_fault_group *group,
	       const struct iommu_fault_page_request *request)
{
	struct iommu_hwpt_pgfault told = {
		.dev_id = group->dev_id,
		.grpid = request->grpid,
		.perm = request->perm & KNOWN_PERMISSIONS,
		.addr = request->addr,
		.cookie = group->cookie,
	};

	if (request->flags & IOMMU_FAULT_PAGE_REQUEST_PASID_VALID) {
		told.flags |= IOMMU_PGFAULT_FLAGS_PASID_VALID;
		told.pasid = request->pasid;
	}
	if (request->flags & IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE)
		told.flags |= IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	return told;
}

static bool fault_copy_group(const struct iommufd_fault_group *group,
			     char __user *user)
{
	const struct iopf_fault *fault;

	list_for_each_entry(fault, &group->iopf->faults, list) {
		struct iommu_hwpt_pgfault told =
			fault_describe(group, &fault->fault.prm);

		if (copy_to_user(user, &told, sizeof(told)))
			return false;
		user += sizeof(told);
	}
	return true;
}

/* Returns the bytes of a whole group, 0 if none waits, or an error. */
static ssize_t fault_read_group(struct iommufd_fault_queue *queue,
				char __user *user, size_t room)
{
	const size_t record = sizeof(struct iommu_hwpt_pgfault);
	struct iommufd_fault_group *group;
	ssize_t size;
	bool copied;

	group = iommufd_fault_queue_take(queue, room / record);
	if (IS_ERR_OR_NULL(group))
		return PTR_ERR_OR_ZERO(group);
	size = group->iopf->fault_count * record;
	copied = fault_copy_group(group, user);
	iommufd_fault_queue_settle(queue, group, copied);
	return copied ? size : -EFAULT;
}

static ssize_t fault_fops_read(struct file *file, char __user *user,
			       size_t count, loff_t *pos)
{
	struct iommufd_fault_queue *queue = file->private_data;
	ssize_t rc = 0, done = 0;

	if (count % sizeof(struct iommu_hwpt_pgfault))
		return -ESPIPE;
	while (done < count) {
		rc = fault_read_group(queue, user + done, count - done);
		if (rc <= 0)
			break;
		done += rc;
		cond_resched();
	}
	return done ?: rc;
}

static int fault_write_answer(struct iommufd_fault_queue *queue,
			      const char __user *user)
{
	struct iommu_hwpt_page_response answer;

	if (copy_from_user(&answer, user, sizeof(answer)))
		return -EFAULT;
	return iommufd_fault_queue_answer(queue, answer.cookie, answer.code);
}

static ssize_t fault_fops_write(struct file *file, const char __user *user,
				size_t count, loff_t *pos)
{
	struct iommufd_fault_queue *queue = file->private_data;
	size_t done = 0;
	int rc = 0;

	if (count % sizeof(struct iommu_hwpt_page_response))
		return -ESPIPE;
	/* Every answer ends a group, so there are no more than of those. */
	while (done < count) {
		rc = fault_write_answer(queue, user + done);
		if (rc)
			break;
		done += sizeof(struct iommu_hwpt_page_response);
		cond_resched();
	}
	return done ?: rc;
}

static __poll_t fault_fops_poll(struct file *file,
				struct poll_table_struct *table)
{
	struct iommufd_fault_queue *queue = file->private_data;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &queue->wait, table);
	mutex_lock(&queue->lock);
	if (!list_empty(&queue->waiting))
		events |= EPOLLIN | EPOLLRDNORM;
	mutex_unlock(&queue->lock);
	return events;
}

/* The file is a user of the queue, and of the context. */
static void queue_hold(struct iommufd_fault_queue *queue)
{
	iommufd_object_use(&queue->object);
	get_file(queue->object.ictx->file);
}

static void queue_let_go(struct iommufd_fault_queue *queue)
{
	struct file *file = queue->object.ictx->file;

	iommufd_object_unuse(&queue->object);
	fput(file);
}

static int fault_fops_release(struct inode *inode, struct file *file)
{
	struct iommufd_fault_queue *queue = file->private_data;

	iommufd_fault_queue_close(queue);
	queue_let_go(queue);
	return 0;
}

static const struct file_operations fault_fops = {
	.owner = THIS_MODULE,
	.read = fault_fops_read,
	.write = fault_fops_write,
	.poll = fault_fops_poll,
	.release = fault_fops_release,
};

/**
 * iommufd_fault_alloc() - ioctl(IOMMU_FAULT_QUEUE_ALLOC)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context, may sleep.
 * Return: 0; -EOPNOTSUPP for flags, and on a kernel whose IOMMU core was built
 * without page faults; -ENOMEM; or an error of iommufd_call_reply_file(). On
 * failure nothing has changed.
 */
int iommufd_fault_alloc(struct iommufd_call *call,
			struct iommu_fault_alloc *cmd)
{
	struct iommufd_object_file file = {
		.name = "[iommufd-faults]",
		.fops = &fault_fops,
	};
	struct iommufd_fault_queue *queue;
	int rc;

	if (!IS_ENABLED(CONFIG_IOMMU_IOPF) || cmd->flags)
		return -EOPNOTSUPP;
	queue = iommufd_fault_queue_alloc(call->ictx);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	queue_hold(queue);
	file.data = queue;
	cmd->out_fault_id = queue->object.id;
	rc = iommufd_call_reply_file(call, cmd, sizeof(*cmd),
				     &cmd->out_fault_fd, &file);
	if (rc) {
		queue_let_go(queue);
		iommufd_object_abort(&queue->object);
	} else {
		iommufd_object_publish(&queue->object);
	}
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_REVOKE_QUEUE_H
#define __IOMMUFD_REVOKE_QUEUE_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>

struct mm_struct;

/**
 * struct revoke_queue - Whoever looks for what a process has of a device
 * @entry: in the table of all of them; its lock
 * @refs: one for each &iopt_revoke; goes to 0 under the lock of the table
 * @mm: the process, and a reference to its structure; constant
 * @device: tells one device from another, is compared and never followed;
 *          constant
 * @workers: one at a time; constant
 * @end: frees all, when there is no reference any more
 */
struct revoke_queue {
	struct hlist_node entry;
	refcount_t refs;
	struct mm_struct *mm;
	const void *device;
	struct workqueue_struct *workers;
	struct work_struct end;
};

int revoke_queue_init(void);
void revoke_queue_exit(void);
struct revoke_queue *revoke_queue_get(struct mm_struct *mm, const void *device);
void revoke_queue_put(struct revoke_queue *queue);

#endif

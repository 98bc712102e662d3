// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Workers for memory of devices.
 *
 * One that looks for such memory may wait for long: for the mmap lock of its
 * process, or for a reset of its device. That is no concern of others. So each
 * process has a worker for each device that it has mapped, and whoever waits
 * keeps those waiting that would wait for the same.
 */
#include "revoke_queue.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "lib/test_hooks.h"

/* Protects the table. Memory is allocated under it. */
static DEFINE_MUTEX(queues_lock);
static DEFINE_HASHTABLE(queues, 8);

/* A queue cannot be freed by a worker of its own. */
static struct workqueue_struct *queue_enders;

/**
 * revoke_queue_init() - Get ready for revoke_queue_get()
 *
 * Context: once, when the module is loaded.
 * Return: 0; -ENOMEM.
 */
int revoke_queue_init(void)
{
	queue_enders = alloc_workqueue("iommufd_revoke", WQ_UNBOUND, 0);
	return queue_enders ? 0 : -ENOMEM;
}

/**
 * revoke_queue_exit() - Undo revoke_queue_init()
 *
 * Context: all references have been given up. Waits for the end of whoever has
 * done that.
 */
void revoke_queue_exit(void)
{
	destroy_workqueue(queue_enders);
}

/* By then workers have nothing to do but to return. */
static void queue_end(struct work_struct *work)
{
	struct revoke_queue *queue =
		container_of(work, struct revoke_queue, end);

	destroy_workqueue(queue->workers);
	mmdrop(queue->mm);
	kfree(queue);
}

static struct revoke_queue *queue_find(struct mm_struct *mm, const void *device)
{
	struct revoke_queue *queue;

	lockdep_assert_held(&queues_lock);

	hash_for_each_possible(queues, queue, entry, (unsigned long)mm)
		if (queue->mm == mm && queue->device == device)
			return queue;
	return NULL;
}

/*
 * It is one step to tests that fail each of them. Within, memory for each
 * processor is allocated, and the log is told when there is none.
 */
static struct workqueue_struct *workers_alloc(void)
{
	struct workqueue_struct *workers;
	unsigned int faults;

	if (iommufd_should_fail())
		return NULL;
	faults = iommufd_pause_faults();
	workers = alloc_ordered_workqueue("iommufd_bar", 0);
	iommufd_resume_faults(faults);
	return workers;
}

static struct revoke_queue *queue_add(struct mm_struct *mm, const void *device)
{
	struct revoke_queue *queue;

	lockdep_assert_held(&queues_lock);

	queue = kmalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->workers = workers_alloc();
	if (!queue->workers) {
		kfree(queue);
		return ERR_PTR(-ENOMEM);
	}
	refcount_set(&queue->refs, 1);
	mmgrab(mm);
	queue->mm = mm;
	queue->device = device;
	INIT_WORK(&queue->end, queue_end);
	hash_add(queues, &queue->entry, (unsigned long)mm);
	return queue;
}

/**
 * revoke_queue_get() - Find or make whoever looks for memory of a device
 * @mm: of the process that has it mapped; the caller has a reference
 * @device: tells devices apart, and is not followed. If it comes to stand for
 *          another device both have one worker, which does no harm
 *
 * Context: may sleep.
 * Return: the queue, with a reference; ERR_PTR(-ENOMEM); ERR_PTR(-EINTR) on a
 * fatal signal.
 */
struct revoke_queue *revoke_queue_get(struct mm_struct *mm, const void *device)
{
	struct revoke_queue *queue;

	if (mutex_lock_killable(&queues_lock))
		return ERR_PTR(-EINTR);
	queue = queue_find(mm, device);
	if (queue)
		refcount_inc(&queue->refs);
	else
		queue = queue_add(mm, device);
	mutex_unlock(&queues_lock);
	return queue;
}

/**
 * revoke_queue_put() - Give up a reference
 * @queue: of revoke_queue_get(); nothing of the caller's is queued any more
 *
 * Context: may sleep; one of the workers may be the caller.
 */
void revoke_queue_put(struct revoke_queue *queue)
{
	might_sleep();

	if (!refcount_dec_and_mutex_lock(&queue->refs, &queues_lock))
		return;
	hash_del(&queue->entry);
	mutex_unlock(&queues_lock);
	queue_work(queue_enders, &queue->end);
}

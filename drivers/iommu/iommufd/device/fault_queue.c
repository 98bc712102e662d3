// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Page faults of devices, between the IOMMU core and user space.
 *
 * A device asks for pages in groups. The IOMMU core collects a group and hands
 * it over, and from then on it is ours: it gets exactly one answer, and is
 * freed with that. A group goes this way:
 *
 *   arrives    from a device that is a source         [else: invalid, at once]
 *   waits      in order
 *   is read    copied with no lock held, as a whole   [copy failed: it waits
 *                                                      again, in its place]
 *   answered   by user space, by its cookie
 *
 * At any point of it the device may leave, and the file may be closed. Then the
 * answer is "invalid", and whatever user space says later finds no such cookie.
 * So nobody ever waits for user space, and a group that is being copied
 * meanwhile is freed by whoever copies it.
 *
 * This relies on iopf_group_dequeue(). Kernels without that answer and free
 * groups behind our back.
 */
#include "fault_queue.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/hashtable.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "hw_pagetable.h"
#include "lib/trace.h"
#include "object/context.h"
#include "object/object_destroy.h"

static void queue_destroy(struct iommufd_object *object)
{
	struct iommufd_fault_queue *queue = iommufd_fault_queue_from(object);

	/* Its sources have left with the page tables that they used. */
	WARN_ON_ONCE(!list_empty(&queue->sources));
	WARN_ON_ONCE(!hash_empty(queue->groups));
	mutex_destroy(&queue->lock);
}

static const struct iommufd_object_ops queue_ops = {
	.type = IOMMUFD_OBJ_FAULT_QUEUE,
	.destroy = queue_destroy,
};

/**
 * iommufd_fault_queue_alloc() - Make a queue
 * @ictx: the context
 *
 * Context: may sleep.
 * Return: the queue, not published; ERR_PTR(-ENOMEM).
 */
struct iommufd_fault_queue *iommufd_fault_queue_alloc(struct iommufd_ctx *ictx)
{
	struct iommufd_fault_queue *queue;

	queue = iommufd_object_alloc(ictx, queue, object, &queue_ops);
	if (IS_ERR(queue))
		return queue;
	mutex_init(&queue->lock);
	INIT_LIST_HEAD(&queue->sources);
	hash_init(queue->groups);
	queue->next_cookie = 1;
	INIT_LIST_HEAD(&queue->waiting);
	init_waitqueue_head(&queue->wait);
	return queue;
}

/**
 * iommufd_fault_queue_serve() - Let the faults of a page table go to a queue
 * @hwpt: with a domain, and seen by nobody yet
 * @fault_id: of the queue, from user space
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP if the IOMMU driver does not know page faults; -ENOENT
 * if there is no such queue.
 */
int iommufd_fault_queue_serve(struct iommufd_hw_pagetable *hwpt, u32 fault_id)
{
	struct iommu_domain *domain = hwpt->domain;
	struct iommufd_object *object;

	if (!IS_ENABLED(CONFIG_IOMMU_IOPF) || !domain->owner->page_response)
		return -EOPNOTSUPP;
	object = iommufd_object_get(hwpt->object.ictx, fault_id,
				    IOMMUFD_OBJ_FAULT_QUEUE);
	if (IS_ERR(object))
		return PTR_ERR(object);
	iommufd_object_use(object);
	iommufd_object_put(object);
	hwpt->fault_queue = iommufd_fault_queue_from(object);
	domain->fault_data = hwpt->fault_queue;
	domain->iopf_handler = iommufd_fault_queue_arrive;
	return 0;
}

/**
 * iommufd_fault_queue_unserve() - Undo iommufd_fault_queue_serve()
 * @hwpt: with or without a queue; its domain is gone, or was never attached
 *
 * Context: process context.
 */
void iommufd_fault_queue_unserve(struct iommufd_hw_pagetable *hwpt)
{
	if (hwpt->fault_queue)
		iommufd_object_unuse(&hwpt->fault_queue->object);
}

static struct iommufd_fault_source *
queue_find_source(struct iommufd_fault_queue *queue,
		  const struct iommu_attach_handle *handle,
		  const struct device *dev)
{
	struct iommufd_fault_source *source;

	lockdep_assert_held(&queue->lock);

	list_for_each_entry(source, &queue->sources, entry)
		if (source->handle == handle && source->dev == dev)
			return source;
	return NULL;
}

static void queue_tell_readers(struct iommufd_fault_queue *queue)
{
	wake_up_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
}

static struct iommufd_fault_group *
queue_find_group(struct iommufd_fault_queue *queue, u32 cookie)
{
	struct iommufd_fault_group *group;

	lockdep_assert_held(&queue->lock);

	hash_for_each_possible(queue->groups, group, node, cookie)
		if (group->cookie == cookie)
			return group;
	return NULL;
}

/* Growing, so that an answer that comes too late meets no other group. */
static u32 queue_new_cookie(struct iommufd_fault_queue *queue)
{
	u32 cookie;

	do {
		cookie = queue->next_cookie++;
	} while (!cookie || queue_find_group(queue, cookie));
	return cookie;
}

/* Put a group into the queue; false if it has to be refused. */
static bool queue_add_group(struct iommufd_fault_queue *queue,
			    struct iommufd_fault_group *group)
{
	struct iopf_group *iopf = group->iopf;

	lockdep_assert_held(&queue->lock);

	group->source = queue_find_source(queue, iopf->attach_handle,
					  iopf->fault_param->dev);
	if (!group->source || queue->closed ||
	    iopf->fault_count > IOMMUFD_FAULTS_MAX - queue->nfaults)
		return false;
	group->cookie = queue_new_cookie(queue);
	hash_add(queue->groups, &group->node, group->cookie);
	group->dev_id = group->source->dev_id;
	group->number = queue->next_number++;
	group->state = IOMMUFD_FAULT_WAITING;
	list_add_tail(&group->entry, &queue->waiting);
	queue->nfaults += iopf->fault_count;
	trace_iommufd_fault(queue->object.ictx->number, queue->object.id,
			    group->cookie, iopf->fault_count);
	return true;
}

/**
 * iommufd_fault_queue_arrive() - &iommu_domain.iopf_handler
 * @iopf: what a device asks for; taken over
 *
 * What cannot be queued is answered as invalid. The core would say "failure"
 * for us, which makes a PCI device give up page requests altogether.
 *
 * Context: as IOMMU drivers report faults, may sleep.
 * Return: 0.
 */
int iommufd_fault_queue_arrive(struct iopf_group *iopf)
{
	struct iommu_domain *domain = iopf->attach_handle->domain;
	struct iommufd_fault_queue *queue = domain->fault_data;
	struct iommufd_fault_group *group;
	bool queued = false;

	iopf_group_dequeue(iopf);
	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (group) {
		group->iopf = iopf;
		mutex_lock(&queue->lock);
		queued = queue_add_group(queue, group);
		if (queued)
			queue_tell_readers(queue);
		mutex_unlock(&queue->lock);
	}
	if (!queued) {
		iopf_group_response(iopf, IOMMU_PAGE_RESP_INVALID);
		iopf_free_group(iopf);
		kfree(group);
	}
	return 0;
}

static void group_free(struct iommufd_fault_group *group)
{
	iopf_free_group(group->iopf);
	kfree(group);
}

/*
 * Answer a group, once, as it cannot be found any more. Nothing waits inside: a
 * driver only writes into the queue of the hardware.
 */
static void queue_answer_group(struct iommufd_fault_queue *queue,
			       struct iommufd_fault_group *group,
			       enum iommu_page_response_code code)
{
	lockdep_assert_held(&queue->lock);

	hash_del(&group->node);
	queue->nfaults -= group->iopf->fault_count;
	trace_iommufd_fault_answer(queue->object.ictx->number, queue->object.id,
				   group->cookie, group->iopf->fault_count,
				   code);
	iopf_group_response(group->iopf, code);
	if (group->state == IOMMUFD_FAULT_READING) {
		group->state = IOMMUFD_FAULT_ANSWERED;
		return;
	}
	if (group->state == IOMMUFD_FAULT_WAITING)
		list_del(&group->entry);
	group_free(group);
}

/* Give up what a source has in the queue; everything if it is NULL. */
static void queue_give_up(struct iommufd_fault_queue *queue,
			  const struct iommufd_fault_source *source)
{
	struct iommufd_fault_group *group;
	struct hlist_node *next;
	unsigned int bucket;

	lockdep_assert_held(&queue->lock);

	hash_for_each_safe(queue->groups, bucket, next, group, node) {
		if (!source || group->source == source)
			queue_answer_group(queue, group,
					   IOMMU_PAGE_RESP_INVALID);
		cond_resched();
	}
}

/**
 * iommufd_fault_queue_join() - Let the faults of a device in
 * @queue: the queue
 * @source: the device; stays until it leaves
 *
 * Context: may sleep; before the first fault.
 */
void iommufd_fault_queue_join(struct iommufd_fault_queue *queue,
			      struct iommufd_fault_source *source)
{
	mutex_lock(&queue->lock);
	list_add_tail(&source->entry, &queue->sources);
	mutex_unlock(&queue->lock);
}

/**
 * iommufd_fault_queue_leave() - Answer all faults of a device, and let none in
 * @queue: the queue
 * @handle: of the source
 * @dev: of the source
 *
 * Context: may sleep, never needs memory, and waits for nobody in user space.
 * Return: the source, which is the caller's again; NULL if there was none.
 */
struct iommufd_fault_source *
iommufd_fault_queue_leave(struct iommufd_fault_queue *queue,
			  const struct iommu_attach_handle *handle,
			  const struct device *dev)
{
	struct iommufd_fault_source *source;

	mutex_lock(&queue->lock);
	source = queue_find_source(queue, handle, dev);
	if (source) {
		list_del(&source->entry);
		queue_give_up(queue, source);
	}
	mutex_unlock(&queue->lock);
	return source;
}

/**
 * iommufd_fault_queue_close() - Answer all faults, now and from now on
 * @queue: nobody will read or answer any more
 *
 * Context: may sleep, never needs memory.
 */
void iommufd_fault_queue_close(struct iommufd_fault_queue *queue)
{
	mutex_lock(&queue->lock);
	queue->closed = true;
	queue_give_up(queue, NULL);
	mutex_unlock(&queue->lock);
}

/**
 * iommufd_fault_queue_take() - Begin to read the group that waits longest
 * @queue: the queue
 * @room: faults that the reader has room for
 *
 * Context: may sleep.
 * Return: the group, which the reader can look at until
 * iommufd_fault_queue_settle(), whatever happens to it; NULL if none waits;
 * ERR_PTR(-EINVAL) if it has more faults than @room, and goes on waiting.
 */
struct iommufd_fault_group *
iommufd_fault_queue_take(struct iommufd_fault_queue *queue, size_t room)
{
	struct iommufd_fault_group *group;

	mutex_lock(&queue->lock);
	group = list_first_entry_or_null(&queue->waiting,
					 struct iommufd_fault_group, entry);
	if (group && group->iopf->fault_count > room) {
		group = ERR_PTR(-EINVAL);
	} else if (group) {
		list_del(&group->entry);
		group->state = IOMMUFD_FAULT_READING;
	}
	mutex_unlock(&queue->lock);
	return group;
}

/* Others may have been read, or put back, in the meantime. */
static void queue_put_back(struct iommufd_fault_queue *queue,
			   struct iommufd_fault_group *group)
{
	struct iommufd_fault_group *next;

	lockdep_assert_held(&queue->lock);

	list_for_each_entry(next, &queue->waiting, entry)
		if (next->number > group->number)
			break;
	list_add_tail(&group->entry, &next->entry);
	group->state = IOMMUFD_FAULT_WAITING;
	queue_tell_readers(queue);
}

/**
 * iommufd_fault_queue_settle() - End iommufd_fault_queue_take()
 * @queue: the queue
 * @group: the group; may be gone after this
 * @copied: user space has it; else it waits again, in the place it had
 *
 * Context: may sleep.
 */
void iommufd_fault_queue_settle(struct iommufd_fault_queue *queue,
				struct iommufd_fault_group *group, bool copied)
{
	mutex_lock(&queue->lock);
	if (group->state == IOMMUFD_FAULT_ANSWERED)
		group_free(group);
	else if (copied)
		group->state = IOMMUFD_FAULT_READ;
	else
		queue_put_back(queue, group);
	mutex_unlock(&queue->lock);
}

static int fault_check_code(u32 code, enum iommu_page_response_code *response)
{
	switch (code) {
	case IOMMUFD_PAGE_RESP_SUCCESS:
		*response = IOMMU_PAGE_RESP_SUCCESS;
		return 0;
	case IOMMUFD_PAGE_RESP_INVALID:
		*response = IOMMU_PAGE_RESP_INVALID;
		return 0;
	default:
		return -EINVAL;
	}
}

/**
 * iommufd_fault_queue_answer() - Pass the answer of user space on
 * @queue: the queue
 * @cookie: of a group, from user space
 * @code: of enum iommufd_page_response_code, from user space
 *
 * Context: may sleep.
 * Return: 0; -EINVAL if there is no such code, or no group of this cookie that
 * has been read and not been answered. Then nothing has changed.
 */
int iommufd_fault_queue_answer(struct iommufd_fault_queue *queue, u32 cookie,
			       u32 code)
{
	enum iommu_page_response_code response;
	struct iommufd_fault_group *group;
	int rc;

	rc = fault_check_code(code, &response);
	if (rc)
		return rc;
	mutex_lock(&queue->lock);
	group = queue_find_group(queue, cookie);
	if (group && group->state == IOMMUFD_FAULT_READ)
		queue_answer_group(queue, group, response);
	else
		rc = -EINVAL;
	mutex_unlock(&queue->lock);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_FAULT_QUEUE_H
#define __IOMMUFD_FAULT_QUEUE_H

#include <linux/container_of.h>
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "object/object.h"

struct device;
struct iommufd_ctx;
struct iommufd_hw_pagetable;

/*
 * Faults that one queue holds at most: what four devices may have outstanding
 * behind VT-d, which allows 2047 to each.
 */
#define IOMMUFD_FAULTS_MAX 8192

/* The queue is still a small object; few faults wait at a time. */
#define IOMMUFD_FAULT_HASH_BITS 7

/**
 * struct iommufd_fault_source - A device whose faults go to a queue
 * @entry: in &iommufd_fault_queue.sources
 * @handle: the attach by which it does DMA. While its page table is replaced, a
 *          device is a source twice, by two handles.
 * @dev: the device
 * @dev_id: what user space knows it by
 */
struct iommufd_fault_source {
	struct list_head entry;
	const struct iommu_attach_handle *handle;
	struct device *dev;
	u32 dev_id;
};

/**
 * enum iommufd_fault_state - How far a group of faults has come
 * @IOMMUFD_FAULT_WAITING: for somebody to read it
 * @IOMMUFD_FAULT_READING: being copied to user space, with no lock held
 * @IOMMUFD_FAULT_READ: user space has it and may answer
 * @IOMMUFD_FAULT_ANSWERED: while it was being copied; whoever copies frees it
 */
enum iommufd_fault_state {
	IOMMUFD_FAULT_WAITING,
	IOMMUFD_FAULT_READING,
	IOMMUFD_FAULT_READ,
	IOMMUFD_FAULT_ANSWERED,
};

/**
 * struct iommufd_fault_group - Page requests that get one answer together
 * @iopf: the group as the IOMMU core has it, which is ours
 * @source: where it comes from; not valid any more once it is answered
 * @dev_id: of the source; constant
 * @cookie: names it in the answer; constant
 * @number: how many came before; constant
 * @state: see there
 * @node: in &iommufd_fault_queue.groups
 * @entry: in &iommufd_fault_queue.waiting while it waits
 */
struct iommufd_fault_group {
	struct iopf_group *iopf;
	struct iommufd_fault_source *source;
	u32 dev_id;
	u32 cookie;
	u64 number;
	enum iommufd_fault_state state;
	struct hlist_node node;
	struct list_head entry;
};

/**
 * struct iommufd_fault_queue - Page faults on their way to user space and back
 * @object: its id. A user for its file, and for each page table whose faults
 *          come here
 * @lock: protects the members below. Held for short steps, while the answer to
 *        a group goes to the IOMMU driver, but never while user memory is
 *        touched
 * @sources: struct iommufd_fault_source; nobody else's faults get in
 * @groups: all that are not answered, by cookie
 * @waiting: those that nobody has read, in the order in which they came
 * @nfaults: faults in @groups
 * @next_cookie: for the next group, unless it is in use
 * @next_number: of the next group
 * @closed: the file is closed, so nobody is left to answer
 * @wait: whoever polls
 */
struct iommufd_fault_queue {
	struct iommufd_object object;
	struct mutex lock; /* see above */
	struct list_head sources;
	DECLARE_HASHTABLE(groups, IOMMUFD_FAULT_HASH_BITS);
	struct list_head waiting;
	size_t nfaults;
	u32 next_cookie;
	u64 next_number;
	bool closed;
	struct wait_queue_head wait;
};

/**
 * iommufd_fault_queue_from() - The queue that an object is
 * @object: of type IOMMUFD_OBJ_FAULT_QUEUE
 *
 * Context: any.
 * Return: the queue.
 */
static inline struct iommufd_fault_queue *
iommufd_fault_queue_from(struct iommufd_object *object)
{
	return container_of(object, struct iommufd_fault_queue, object);
}

struct iommufd_fault_queue *iommufd_fault_queue_alloc(struct iommufd_ctx *ictx);
int iommufd_fault_queue_serve(struct iommufd_hw_pagetable *hwpt, u32 fault_id);
void iommufd_fault_queue_unserve(struct iommufd_hw_pagetable *hwpt);

int iommufd_fault_queue_arrive(struct iopf_group *iopf);
void iommufd_fault_queue_join(struct iommufd_fault_queue *queue,
			      struct iommufd_fault_source *source);
struct iommufd_fault_source *
iommufd_fault_queue_leave(struct iommufd_fault_queue *queue,
			  const struct iommu_attach_handle *handle,
			  const struct device *dev);
void iommufd_fault_queue_close(struct iommufd_fault_queue *queue);

struct iommufd_fault_group *
iommufd_fault_queue_take(struct iommufd_fault_queue *queue, size_t room);
void iommufd_fault_queue_settle(struct iommufd_fault_queue *queue,
				struct iommufd_fault_group *group, bool copied);
int iommufd_fault_queue_answer(struct iommufd_fault_queue *queue, u32 cookie,
			       u32 code);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Looking for damage in a queue of page faults.
 */
#include "fault_check.h"

#include <linux/list.h>

#include "device/fault_queue.h"
#include "lib/invariant.h"

static bool queue_has_source(const struct iommufd_fault_queue *queue,
			     const struct iommufd_fault_source *wanted)
{
	const struct iommufd_fault_source *source;

	list_for_each_entry(source, &queue->sources, entry)
		if (source == wanted)
			return true;
	return false;
}

/* What waits is in order, and what is in order waits. */
static bool waiting_valid(struct iommufd_fault_queue *queue, size_t nwaiting)
{
	const struct iommufd_fault_group *group;
	u64 next_number = 0;

	list_for_each_entry(group, &queue->waiting, entry) {
		if (!invariant(group->state == IOMMUFD_FAULT_WAITING) ||
		    !invariant(group->number >= next_number))
			return false;
		next_number = group->number + 1;
	}
	return invariant(next_number <= queue->next_number) &&
	       invariant(list_count_nodes(&queue->waiting) == nwaiting);
}

static bool group_valid(const struct iommufd_fault_queue *queue,
			const struct iommufd_fault_group *group)
{
	return invariant(group->state != IOMMUFD_FAULT_ANSWERED) &&
	       invariant(queue_has_source(queue, group->source)) &&
	       invariant(group->dev_id == group->source->dev_id);
}

/* It lies where its cookie is looked for, and no other group has that. */
static bool cookie_valid(const struct iommufd_fault_queue *queue,
			 struct iommufd_fault_group *group, unsigned int bucket)
{
	struct iommufd_fault_group *other = group;

	if (!invariant(group->cookie) ||
	    !invariant(bucket == hash_min(group->cookie,
					  HASH_BITS(queue->groups))))
		return false;
	hlist_for_each_entry_continue(other, node)
		if (!invariant(other->cookie != group->cookie))
			return false;
	return true;
}

static bool groups_valid(struct iommufd_fault_queue *queue)
{
	size_t nwaiting = 0, nfaults = 0;
	struct iommufd_fault_group *group;
	unsigned int bucket;

	lockdep_assert_held(&queue->lock);

	hash_for_each(queue->groups, bucket, group, node) {
		if (!cookie_valid(queue, group, bucket) ||
		    !group_valid(queue, group))
			return false;
		nwaiting += group->state == IOMMUFD_FAULT_WAITING;
		nfaults += group->iopf->fault_count;
	}
	return invariant(nfaults == queue->nfaults) &&
	       invariant(nfaults <= IOMMUFD_FAULTS_MAX) &&
	       invariant(!queue->closed || !nfaults) &&
	       waiting_valid(queue, nwaiting);
}

/**
 * fault_queue_valid() - Tell whether a queue is as it should be
 * @queue: the queue
 *
 * Context: may sleep; takes the lock of the queue.
 * Return: true if so; else the log says what is not.
 */
bool fault_queue_valid(struct iommufd_fault_queue *queue)
{
	bool valid;

	mutex_lock(&queue->lock);
	valid = groups_valid(queue);
	mutex_unlock(&queue->lock);
	return valid;
}

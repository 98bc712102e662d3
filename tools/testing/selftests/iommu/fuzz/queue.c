// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of page faults: a group belongs to the queue from its last fault on
 * until it is answered, once, by the program or by the kernel.
 */
#include "queue.h"

#include <stdlib.h>

struct fuzz_fault *fuzz_fault_alloc(const struct fuzz_op *op)
{
	struct fuzz_fault *fault = calloc(1, sizeof(*fault));

	if (!fault)
		abort();
	fault->grpid = op->value;
	fault->pasid = op->length2;
	fault->perm = op->flags & ~MOCK_FLAGS_IOPF_MORE;
	fault->addr = op->iova;
	return fault;
}

void fuzz_fault_append(struct fuzz_fault **list, struct fuzz_fault *fault)
{
	while (*list)
		list = &(*list)->next;
	*list = fault;
}

static void free_faults(struct fuzz_fault *fault)
{
	while (fault) {
		struct fuzz_fault *next = fault->next;

		free(fault);
		fault = next;
	}
}

/* Take the faults of a group out of those that a device has. */
static struct fuzz_fault *take_partial(struct fuzz_object *device, __u32 grpid)
{
	struct fuzz_fault **at = &device->partial, *taken = NULL;

	while (*at) {
		struct fuzz_fault *fault = *at;

		if (fault->grpid != grpid) {
			at = &fault->next;
			continue;
		}
		*at = fault->next;
		fault->next = NULL;
		fuzz_fault_append(&taken, fault);
	}
	return taken;
}

bool fuzz_queue_asked(const struct fuzz_object *queue,
		      const struct fuzz_object *device, __u32 grpid)
{
	const struct fuzz_group *group;

	for (group = queue->groups; group; group = group->next)
		if (group->device == device && group->faults->grpid == grpid)
			return true;
	return false;
}

void fuzz_queue_arrive(struct fuzz_model *model, struct fuzz_object *queue,
		       struct fuzz_object *device, struct fuzz_fault *last)
{
	struct fuzz_group *group = calloc(1, sizeof(*group));
	struct fuzz_group **at = &queue->groups;

	if (!group)
		abort();
	group->device = device;
	group->faults = take_partial(device, last->grpid);
	fuzz_fault_append(&group->faults, last);
	while (*at)
		at = &(*at)->next;
	*at = group;
	model->answers.groups++;
	/* Nobody can read it any more. */
	if (queue->fd < 0)
		fuzz_queue_give_up(model, queue, NULL);
}

struct fuzz_group *fuzz_queue_waiting(struct fuzz_object *queue,
				      struct fuzz_group *group)
{
	group = group ? group->next : queue->groups;
	while (group && group->read)
		group = group->next;
	return group;
}

unsigned int fuzz_group_count(const struct fuzz_group *group)
{
	const struct fuzz_fault *fault;
	unsigned int count = 0;

	for (fault = group->faults; fault; fault = fault->next)
		count++;
	return count;
}

struct fuzz_group *fuzz_queue_find(const struct fuzz_object *queue,
				   __u32 cookie)
{
	struct fuzz_group *group;

	for (group = queue->groups; group; group = group->next)
		if (group->read && group->cookie == cookie)
			return group;
	return NULL;
}

void fuzz_queue_remove(struct fuzz_object *queue, struct fuzz_group *group)
{
	struct fuzz_group **at = &queue->groups;

	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	free_faults(group->faults);
	free(group);
}

void fuzz_queue_give_up(struct fuzz_model *model, struct fuzz_object *queue,
			const struct fuzz_object *device)
{
	struct fuzz_group *group, *next;

	for (group = queue->groups; group; group = next) {
		next = group->next;
		if (device && group->device != device)
			continue;
		model->answers.invalid++;
		/* As good as answered: it must not be taken again. */
		if (group->read)
			queue->answered = group->cookie;
		fuzz_queue_remove(queue, group);
	}
}

void fuzz_faults_forget(struct fuzz_object *device)
{
	free_faults(device->partial);
	device->partial = NULL;
}

void fuzz_queue_close(struct fuzz_model *model, struct fuzz_object *queue)
{
	fuzz_queue_give_up(model, queue, NULL);
	queue->fd = -1;
	queue->users--;
}

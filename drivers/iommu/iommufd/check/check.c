// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Looking for damage in everything that a context has, after each ioctl.
 *
 * Other threads may be in the middle of something. A check takes the lock of
 * what it looks at and looks at nothing else, so it finds only what is never
 * right while the lock is free. It waits for no lock that may be held for
 * long, and it does not allocate, which leaves injected faults to what is being
 * tested.
 */
#include "check.h"

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "device/attach.h"
#include "device/fault_queue.h"
#include "device/group.h"
#include "device/hwpt_paging.h"
#include "fault_check.h"
#include "iopt_check.h"
#include "lib/invariant.h"
#include "object/context.h"
#include "object/ioas.h"
#include "object/object.h"

/* More than this of a kind are not looked at. */
#define COUNT_MAX 64

static unsigned int check_areas = 8;
module_param(check_areas, uint, 0644);
MODULE_PARM_DESC(check_areas,
		 "How many areas to look at after each ioctl, on average, in search of damage; 0 for none.");

static bool object_valid(struct iommufd_ctx *ictx, unsigned long id,
			 struct iommufd_object *object)
{
	return invariant(object->ictx == ictx) && invariant(object->id == id) &&
	       invariant(object->ops->type > IOMMUFD_OBJ_ANY) &&
	       invariant(object->ops->type < IOMMUFD_OBJ_TYPES) &&
	       invariant(refcount_read(&object->users)) &&
	       invariant(refcount_read(&object->shortterm_users));
}

/*
 * The IOAS of VFIO containers is found by its id, unless it is about to go. An
 * automatic one is there for somebody.
 */
static bool vfio_ioas_valid(struct iommufd_ctx *ictx)
	__must_hold(&ictx->objects.xa_lock)
{
	struct iommufd_object *object, *found;

	lockdep_assert_held(&ictx->objects.xa_lock);

	if (!ictx->vfio_ioas)
		return true;
	object = &ictx->vfio_ioas->object;
	found = xa_load(&ictx->objects, object->id);
	return invariant(!ictx->no_iommu_mode) &&
	       invariant(!ictx->vfio_ioas_automatic || ictx->drivers) &&
	       invariant(!found || found == object) &&
	       invariant(object->ops->type == IOMMUFD_OBJ_IOAS);
}

static bool objects_valid(struct iommufd_ctx *ictx)
{
	struct iommufd_object *object;
	unsigned int count = 0;
	bool valid = true;
	unsigned long id;

	xa_lock(&ictx->objects);
	xa_for_each(&ictx->objects, id, object) {
		valid &= object_valid(ictx, id, object);
		if (++count == COUNT_MAX)
			break;
	}
	valid &= vfio_ioas_valid(ictx);
	xa_unlock(&ictx->objects);
	return valid;
}

static bool group_devices_valid(struct iommufd_group *group)
{
	struct iommufd_attach *attach = group->attach;
	struct iommufd_device *idev;

	if (!attach)
		return true;
	list_for_each_entry(idev, &attach->devices, attach_entry)
		if (!invariant(idev->group == group) ||
		    !invariant(idev->object.ictx == group->ictx))
			return false;
	return invariant(!list_empty(&attach->devices)) &&
	       invariant(attach->hwpt->object.ictx == group->ictx) &&
	       invariant(refcount_read(&attach->hwpt->object.users) > 1);
}

/* A group that somebody works on is skipped. */
static bool group_valid(struct iommufd_group *group)
{
	bool valid;

	if (!mutex_trylock(&group->lock))
		return true;
	valid = group_devices_valid(group);
	mutex_unlock(&group->lock);
	return valid;
}

/*
 * No reference is taken: while one is held the group counts as owned, which it
 * might not be any more. Trying a mutex is fine under a spinlock.
 */
static bool groups_valid(struct iommufd_ctx *ictx)
{
	struct iommufd_group *group;
	unsigned int count = 0;
	bool valid = true;
	unsigned long id;

	xa_lock(&ictx->groups);
	xa_for_each(&ictx->groups, id, group) {
		valid = invariant(group->ictx == ictx) &&
			invariant(group->id == id) &&
			invariant(refcount_read(&group->users)) &&
			group_valid(group);
		if (!valid || ++count == COUNT_MAX)
			break;
	}
	xa_unlock(&ictx->groups);
	return valid;
}

static bool ioas_has_member(struct iommufd_ioas *ioas,
			    const struct iommufd_hwpt_paging *paging)
{
	struct iopt_domain *member;

	list_for_each_entry(member, &ioas->iopt.domains.list, entry)
		if (member == &paging->member)
			return true;
	return false;
}

/* Every page table on the list of an IOAS is kept filled, and nothing else. */
static bool hwpt_list_valid(struct iommufd_ioas *ioas)
{
	struct iommufd_hwpt_paging *paging;
	size_t domains;

	lockdep_assert_held(&ioas->mutex);
	guard(rwsem_read)(&ioas->iopt.domains.rwsem);

	list_for_each_entry(paging, &ioas->hwpt_list, entry)
		if (!invariant(paging->ioas == ioas) ||
		    !invariant(ioas_has_member(ioas, paging)))
			return false;
	domains = list_count_nodes(&ioas->iopt.domains.list);
	return invariant(domains == list_count_nodes(&ioas->hwpt_list));
}

static bool ioas_valid(struct iommufd_ioas *ioas, unsigned int turn)
{
	unsigned int areas = READ_ONCE(check_areas);
	bool valid = true;

	if (mutex_trylock(&ioas->mutex)) {
		valid = hwpt_list_valid(ioas);
		mutex_unlock(&ioas->mutex);
	}
	return valid && (!areas || iopt_checked(&ioas->iopt, turn, areas));
}

/* The IOAS behind an id, or from the beginning, with a reference. */
static struct iommufd_ioas *ioas_next(struct iommufd_ctx *ictx,
				      unsigned long *id)
{
	struct iommufd_object *object;

	while (xa_find_after(&ictx->objects, id, ULONG_MAX, XA_PRESENT)) {
		object = iommufd_object_get(ictx, *id, IOMMUFD_OBJ_IOAS);
		if (!IS_ERR(object))
			return iommufd_ioas_from(object);
	}
	*id = 0;
	return NULL;
}

/* One at a time; the others have their turn in the next calls. */
static bool next_ioas_valid(struct iommufd_ctx *ictx, unsigned int turn)
{
	static unsigned long last_id;
	unsigned long id = READ_ONCE(last_id);
	struct iommufd_ioas *ioas = ioas_next(ictx, &id);
	bool valid = true;

	if (!ioas)
		ioas = ioas_next(ictx, &id);
	WRITE_ONCE(last_id, id);
	if (ioas) {
		valid = ioas_valid(ioas, turn);
		iommufd_object_put(&ioas->object);
	}
	return valid;
}

/* The more faults there are, the less often they are looked at. */
static bool queue_valid(struct iommufd_fault_queue *queue, unsigned int turn)
{
	size_t nfaults;

	mutex_lock(&queue->lock);
	nfaults = queue->nfaults;
	mutex_unlock(&queue->lock);
	return turn % (nfaults / 8 + 1) || fault_queue_valid(queue);
}

static bool queues_valid(struct iommufd_ctx *ictx, unsigned int turn)
{
	struct iommufd_object *object;
	unsigned int count = 0;
	bool valid = true;
	unsigned long id;

	xa_for_each(&ictx->objects, id, object) {
		/* Only @id is safe to use, until it is looked up properly. */
		object = iommufd_object_get(ictx, id, IOMMUFD_OBJ_FAULT_QUEUE);
		if (!IS_ERR(object)) {
			valid = queue_valid(iommufd_fault_queue_from(object),
					    turn);
			iommufd_object_put(object);
		}
		if (!valid || ++count == COUNT_MAX)
			break;
	}
	return valid;
}

/**
 * iommufd_check() - Warn if the structures of a context are damaged
 * @ictx: the context
 *
 * On average the time is bounded: the more there is to look at, the less often
 * that is done.
 *
 * Context: process context, may sleep, no locks held.
 */
void iommufd_check(struct iommufd_ctx *ictx)
{
	static atomic_t turns;
	unsigned int turn = atomic_inc_return(&turns);

	might_sleep();
	lockdep_assert_not_held(&ictx->objects.xa_lock);
	lockdep_assert_not_held(&ictx->groups.xa_lock);

	WARN_ONCE(!objects_valid(ictx), "iommufd: an object is damaged\n");
	WARN_ONCE(!groups_valid(ictx), "iommufd: a group is damaged\n");
	WARN_ONCE(!next_ioas_valid(ictx, turn), "iommufd: an IOAS is damaged\n");
	WARN_ONCE(!queues_valid(ictx, turn),
		  "iommufd: a queue of page faults is damaged\n");
}

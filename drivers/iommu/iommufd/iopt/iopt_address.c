// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * User addresses of memory that is mapped, and that a process has moved.
 *
 * It first says that addresses are not valid any more: it invalidates them.
 * Then it gives new ones, perhaps from another process. DMA goes on all the
 * time, since devices reach pages, and not addresses. Whoever would need an
 * address in between is kept out: domains and in-kernel users cannot join. See
 * "New addresses for memory" in Documentation/driver-api/iommufd.rst.
 */
#include "iopt_address.h"

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "io_pagetable.h"
#include "iopt_iova.h"
#include "iopt_lookup.h"
#include "lib/trace.h"
#include "pages/area.h"
#include "pages/pages_move.h"
#include "pin/account.h"
#include "pin/pin_user.h"

/**
 * struct vaddr_walk - A walk over areas whose addresses are invalidated
 * @rule: what becomes of areas at the ends of the range
 * @first: first IOVA of the range
 * @start: where the rest of the range begins, IOVA
 * @last: last IOVA of the range, inclusive
 * @length: of the areas so far, bytes
 * @all: nothing is left to do
 */
struct vaddr_walk {
	enum iopt_unmap_rule rule;
	unsigned long first;
	unsigned long start;
	unsigned long last;
	unsigned long length;
	bool all;
};

static void area_set_vaddr_invalid(struct iopt_area *area, bool invalid)
{
	lockdep_assert_held_write(&area->iopt->iova_rwsem);

	area->vaddr_invalid = invalid;
	if (invalid)
		area->iopt->invalid_vaddrs++;
	else
		area->iopt->invalid_vaddrs--;
}

static bool node_is_live(struct iova_node *node)
{
	return node &&
	       iopt_area_state(iopt_area_from_node(node)) == IOPT_AREA_LIVE;
}

/* As with unmapping: version 1 goes by where areas begin. */
static int vaddr_walk_check_ends(struct io_pagetable *iopt,
				 struct vaddr_walk *walk)
{
	struct iova_node *front, *back;

	front = iova_tree_first(&iopt->tree, walk->start, walk->start);
	back = iova_tree_first(&iopt->tree, walk->last, walk->last);
	if (walk->rule == IOPT_UNMAP_TYPE1_V1) {
		walk->all = node_is_live(front) && front->start < walk->start;
		if (node_is_live(back))
			walk->last = back->last;
		return 0;
	}
	if (node_is_live(front) && front->start < walk->start)
		return iommufd_refuse_node(-ENOENT, IOMMUFD_REFUSE_CUT, front);
	if (node_is_live(back) && back->last > walk->last)
		return iommufd_refuse_node(-ENOENT, IOMMUFD_REFUSE_CUT, back);
	return 0;
}

static int area_invalidate_vaddr(struct iopt_area *area,
				 struct vaddr_walk *walk)
{
	/* It was mapped after the ends were checked. */
	if (area->node.start < walk->start || area->node.last > walk->last)
		return iommufd_refuse_node(-ENOENT, IOMMUFD_REFUSE_CUT,
					   &area->node);
	if (area->vaddr_invalid)
		return iommufd_refuse_node(-EINVAL,
					   IOMMUFD_REFUSE_VADDR_INVALID,
					   &area->node);
	/* What is no memory of a process has no address to come. */
	if (!area->pages->origin.ops->by_address)
		return iommufd_refuse_node(-EINVAL, IOMMUFD_REFUSE_VADDR_FIXED,
					   &area->node);
	area_set_vaddr_invalid(area, true);
	walk->length += area->node.last - area->node.start + 1;
	return 0;
}

/* What is being mapped comes afterwards, and what is being unmapped is gone. */
static int vaddr_walk_step(struct io_pagetable *iopt, struct vaddr_walk *walk)
{
	struct iova_node *node;
	unsigned int i = 0;

	guard(rwsem_write)(&iopt->iova_rwsem);
	if (!list_empty(&iopt->accesses))
		return iommufd_refuse(-EBUSY, IOMMUFD_REFUSE_DRIVER, 0, 0);
	if (walk->start == walk->first) {
		int rc = vaddr_walk_check_ends(iopt, walk);

		if (rc || walk->all)
			return rc;
	}
	for (node = iova_tree_first(&iopt->tree, walk->start, walk->last); node;
	     node = iova_tree_next(node, walk->last)) {
		int rc = 0;

		if (i++ == IOPT_AREAS_STEP)
			return 0;
		if (node_is_live(node))
			rc = area_invalidate_vaddr(iopt_area_from_node(node),
						   walk);
		if (rc)
			return rc;
		if (node->last >= walk->last)
			break;
		walk->start = node->last + 1;
	}
	walk->all = true;
	return 0;
}

/* Returns true if there is more to undo. */
static bool vaddr_walk_undo_step(struct io_pagetable *iopt,
				 struct vaddr_walk *walk)
{
	struct iova_node *node;
	unsigned int i = 0;

	guard(rwsem_write)(&iopt->iova_rwsem);
	for (node = iova_tree_first(&iopt->tree, walk->first, walk->last); node;
	     node = iova_tree_next(node, walk->last)) {
		struct iopt_area *area = iopt_area_from_node(node);

		if (node->start >= walk->start)
			return false;
		if (i++ == IOPT_AREAS_STEP)
			return true;
		if (area->vaddr_invalid)
			area_set_vaddr_invalid(area, false);
		walk->first = node->last + 1;
	}
	return false;
}

static int vaddr_walk_run(struct io_pagetable *iopt, struct vaddr_walk *walk)
{
	int rc;

	for (;;) {
		rc = vaddr_walk_step(iopt, walk);
		if (!rc && !walk->all && fatal_signal_pending(current))
			rc = -EINTR;
		if (rc || walk->all)
			break;
		cond_resched();
	}
	while (rc && walk->first < walk->start &&
	       vaddr_walk_undo_step(iopt, walk))
		cond_resched();
	return rc;
}

/**
 * iopt_may_invalidate_vaddr() - Tell whether addresses can be invalidated
 * @iopt: the io_pagetable
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for read.
 * Return: false if there is an in-kernel user, who may need them at any time.
 */
bool iopt_may_invalidate_vaddr(struct io_pagetable *iopt)
{
	guard(rwsem_read)(&iopt->iova_rwsem);
	return list_empty(&iopt->accesses);
}

static int vaddr_walk_begin(struct io_pagetable *iopt, struct mutex *joins)
{
	/* So that what is undone was done here. */
	if (mutex_lock_killable(&iopt->container_mutex))
		return -EINTR;
	if (!mutex_lock_killable(joins))
		return 0;
	mutex_unlock(&iopt->container_mutex);
	return -EINTR;
}

/**
 * iopt_invalidate_vaddr() - Say that memory is not any more where it was
 * @iopt: the io_pagetable
 * @joins: whoever adds a domain holds it, see &iommufd_ioas.mutex
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @rule: what becomes of areas at the ends of the range; not IOPT_UNMAP_EXACT
 * @invalidated: receives the number of bytes that it concerns
 *
 * As long as there is such an area, nobody can join who could need its address.
 * It is given a new one by iopt_move(), or unmapped. A domain that has begun to
 * join needs the addresses until it is filled, and is waited for.
 *
 * Somebody who gives new addresses may wait for a page fault. So @joins is
 * taken last: an attach that wants it may have locks of VFIO.
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for short steps.
 * Return: 0; -EBUSY with an in-kernel user; -EINVAL if the address of an area
 * was invalidated before, or it is no memory of a process; what @rule says;
 * -EINTR on a fatal signal. On failure nothing is changed.
 */
int iopt_invalidate_vaddr(struct io_pagetable *iopt, struct mutex *joins,
			  unsigned long start, unsigned long last,
			  enum iopt_unmap_rule rule, unsigned long *invalidated)
{
	struct vaddr_walk walk = {
		.rule = rule,
		.first = start,
		.start = start,
		.last = last,
	};
	int rc = vaddr_walk_begin(iopt, joins);

	if (rc)
		return rc;
	rc = vaddr_walk_run(iopt, &walk);
	mutex_unlock(joins);
	mutex_unlock(&iopt->container_mutex);
	*invalidated = rc ? 0 : walk.length;
	return rc;
}

/* What keeps an area from being given a new address for all of a range? */
static int area_check_invalid(const struct iopt_area *area, unsigned long start,
			      unsigned long last)
{
	const struct iova_node *node = &area->node;

	if (iopt_area_state(area) != IOPT_AREA_LIVE)
		return iommufd_refuse_node(-EINVAL, IOMMUFD_REFUSE_BUSY, node);
	if (!area->vaddr_invalid)
		return iommufd_refuse_node(-EINVAL, IOMMUFD_REFUSE_VADDR_VALID,
					   node);
	if (node->start != start || node->last != last)
		return iommufd_refuse_node(-EINVAL, IOMMUFD_REFUSE_CUT, node);
	return 0;
}

/*
 * The area at exactly a range, with a reference. It would be the first one, so
 * no more than some that are coming or going are passed over.
 */
static struct iopt_area *area_get_invalid(struct io_pagetable *iopt,
					  unsigned long start,
					  unsigned long last)
{
	struct iova_node *node;
	struct iopt_area *area;
	unsigned int i = 0;
	int rc;

	guard(rwsem_read)(&iopt->iova_rwsem);
	node = iova_tree_first(&iopt->tree, start, last);
	while (node && !node_is_live(node) && i++ < IOPT_AREAS_STEP)
		node = iova_tree_next(node, last);
	if (!node)
		return ERR_PTR(iommufd_refuse(-ENOENT, IOMMUFD_REFUSE_UNMAPPED,
					      start, last));
	area = iopt_area_from_node(node);
	rc = area_check_invalid(area, start, last);
	if (rc)
		return ERR_PTR(rc);
	refcount_inc(&area->refs);
	return area;
}

/* A part of the memory would take all the rest along. */
static bool area_shows_all(const struct iopt_area *area)
{
	unsigned long length = area->node.last - area->node.start + 1;

	return !iopt_area_first(area) && !area->page_offset &&
	       length == area->pages->npages * PAGE_SIZE;
}

static int area_move(struct iopt_area *area, unsigned long address,
		     struct pin_account *account)
{
	struct pin_owner *owner;
	unsigned long end;
	int rc;

	if (!area_shows_all(area))
		return iommufd_refuse_node(-EINVAL, IOMMUFD_REFUSE_VADDR_FIXED,
					   &area->node);
	/* As when it is mapped. */
	if (check_add_overflow(address, area->pages->npages * PAGE_SIZE, &end))
		return iommufd_refuse(-EFAULT, IOMMUFD_REFUSE_MEMORY, address,
				      area->pages->npages);
	owner = pin_account_owner(account);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	rc = iopt_pages_move(area->pages, address, owner);
	pin_owner_put(owner);
	return rc;
}

static int iopt_move_locked(struct io_pagetable *iopt, unsigned long start,
			    unsigned long last, unsigned long address,
			    struct pin_account *account)
{
	struct iopt_area *area = area_get_invalid(iopt, start, last);
	int rc;

	lockdep_assert_held(&iopt->container_mutex);

	if (IS_ERR(area))
		return PTR_ERR(area);
	rc = area_move(area, address, account);
	if (!rc) {
		guard(rwsem_write)(&iopt->iova_rwsem);
		/* Unless somebody has unmapped it. */
		if (iopt_area_state(area) != IOPT_AREA_ERASED)
			area_set_vaddr_invalid(area, false);
	}
	iopt_area_put(area);
	return rc;
}

/**
 * iopt_move() - Say where memory is now
 * @iopt: the io_pagetable
 * @start: first IOVA of the area
 * @last: last IOVA of the area, inclusive
 * @address: user virtual address, a multiple of PAGE_SIZE
 * @account: of the context; the calling process pays from now on
 *
 * Other areas over the same memory have the new address, too.
 *
 * Context: process context of the owner of the memory, may sleep, for long.
 * Return: 0; -ENOENT if nothing is mapped; -EINVAL if that is not one area of
 * all of some memory of a process, whose address was invalidated; -EFAULT if no
 * memory can be there; -ENOMEM, also over the limit; -EINTR on a fatal signal.
 * On failure nothing is changed.
 */
int iopt_move(struct io_pagetable *iopt, unsigned long start,
	      unsigned long last, unsigned long address,
	      struct pin_account *account)
{
	int rc;

	if (mutex_lock_killable(&iopt->container_mutex))
		return -EINTR;
	rc = iopt_move_locked(iopt, start, last, address, account);
	mutex_unlock(&iopt->container_mutex);
	return rc;
}

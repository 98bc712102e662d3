// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Unmapping.
 *
 * The lock of the tree is held for short steps only. An unmap first claims areas,
 * which nobody else uses then, and frees their IOVA when they are empty.
 */
#include "iopt_unmap.h"

#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "io_pagetable.h"
#include "iopt_access.h"
#include "iopt_iova.h"
#include "iopt_lookup.h"
#include "iopt_touched.h"
#include "lib/trace.h"
#include "pages/area.h"
#include "pages/iopt_unfill.h"
#include "pages/pages.h"

/* Tell those who wait for removals; without the lock, which they may want. */
static void iopt_wake_erased(struct io_pagetable *iopt)
{
	if (wq_has_sleeper(&iopt->erased))
		wake_up_all(&iopt->erased);
}

static bool area_joins_next(struct iopt_area *area)
{
	return iova_tree_neighbours(&area->node,
				    &list_next_entry(area, list)->node);
}

/* Erase the first areas of a list from the tree; returns the last of them. */
static struct iopt_area *areas_erase_step(struct io_pagetable *iopt,
					  struct list_head *areas,
					  unsigned long *length)
{
	struct iopt_area *area, *first = NULL;
	unsigned int i = 0;

	down_write(&iopt->iova_rwsem);
	list_for_each_entry(area, areas, list) {
		bool end = ++i == IOPT_AREAS_STEP ||
			   list_is_last(&area->list, areas);

		first = first ?: area;
		if (check_add_overflow(*length, iopt_discount_area(iopt, area),
				       length))
			*length = ULONG_MAX;
		if (!end && area_joins_next(area))
			continue;
		iova_tree_remove(&iopt->tree, &first->node, &area->node);
		first = NULL;
		if (end)
			break;
	}
	up_write(&iopt->iova_rwsem);
	iopt_wake_erased(iopt);
	return area;
}

/**
 * iopt_erase_areas() - Take all areas of a list out of the tree
 * @iopt: the io_pagetable
 * @areas: struct iopt_area, empty; their references are given up
 * @length: their size is added to it, bytes
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem. Never needs memory.
 */
void iopt_erase_areas(struct io_pagetable *iopt, struct list_head *areas,
		      unsigned long *length)
{
	struct iopt_pages_unused unused __uninitialized;
	struct iopt_area *area, *next;
	LIST_HEAD(erased);

	unused.count = 0;
	while (!list_empty(areas)) {
		area = areas_erase_step(iopt, areas, length);
		list_cut_position(&erased, areas, &area->list);
		list_for_each_entry_safe(area, next, &erased, list)
			iopt_area_put_later(area, &unused);
		if (!list_empty(areas))
			cond_resched();
	}
	iopt_pages_keep_spare(&unused, &iopt->spare_pages);
	iopt_pages_free_unused(&unused);
}

/**
 * struct iopt_removal - Areas on their way out of an io_pagetable
 * @areas: struct iopt_area in the order of the IOVA
 * @rule: what becomes of areas at the ends of the range
 * @start: where the rest of the range begins, IOVA
 * @last: last IOVA of the range, inclusive
 * @begun: part of the range has been seen
 * @all: all of it has
 * @evict: in-kernel users may have areas pinned, and are asked to let go
 * @obstacle: at @start, on its way out already; with a reference
 */
struct iopt_removal {
	struct list_head areas;
	enum iopt_unmap_rule rule;
	unsigned long start;
	unsigned long last;
	bool begun;
	bool all;
	bool evict;
	struct iopt_area *obstacle;
};

static void removal_init(struct iopt_removal *removal, unsigned long start,
			 unsigned long last, enum iopt_unmap_rule rule)
{
	*removal = (struct iopt_removal){
		.areas = LIST_HEAD_INIT(removal->areas),
		.rule = rule,
		.start = start,
		.last = last,
	};
}

/* Go on behind an IOVA. */
static void removal_advance(struct iopt_removal *removal, unsigned long iova)
{
	if (iova >= removal->last)
		removal->all = true;
	else
		removal->start = iova + 1;
}

/*
 * The area at an IOVA. One that is being mapped does not count, and the place
 * that it keeps may be that of several; returns true if there is one.
 */
static bool iopt_area_at(struct io_pagetable *iopt, unsigned long iova,
			 struct iova_node **node)
{
	*node = iova_tree_first(&iopt->tree, iova, iova);
	if (!*node ||
	    iopt_area_state(iopt_area_from_node(*node)) != IOPT_AREA_SETUP)
		return false;
	*node = NULL;
	return true;
}

static int refuse_cut(const struct iova_node *node)
{
	return iommufd_refuse_node(-ENOENT, IOMMUFD_REFUSE_CUT, node);
}

/*
 * Type1 v1 goes by where areas begin: one that begins in the range is unmapped
 * as a whole, and one that begins before it ends the matter. The other rules do
 * not cut areas. That is looked at before anything is claimed, even if there are
 * many steps. @at_start receives the area that the range begins in; NULL for a
 * hole, and for one that is being mapped.
 */
static int removal_check_ends(struct io_pagetable *iopt,
			      struct iopt_removal *removal,
			      struct iova_node **at_start)
{
	struct iova_node *first, *final;
	bool setup;

	setup = iopt_area_at(iopt, removal->start, &first);
	*at_start = first;
	final = first;
	/* Mostly that is all of the range, and a look-up is a way down the tree. */
	if (!first || first->last < removal->last)
		setup |= iopt_area_at(iopt, removal->last, &final);
	if (setup && removal->rule == IOPT_UNMAP_EXACT)
		return iommufd_refuse(-EBUSY, IOMMUFD_REFUSE_BUSY,
				      removal->start, removal->last);
	if (removal->rule == IOPT_UNMAP_TYPE1_V1) {
		removal->all = first && first->start < removal->start;
		if (final)
			removal->last = final->last;
		return 0;
	}
	if (first && first->start < removal->start)
		return refuse_cut(first);
	return final && final->last > removal->last ? refuse_cut(final) : 0;
}

/* What keeps an area from being unmapped? */
static int area_check_claim(const struct iopt_area *area,
			    enum iopt_area_state state,
			    const struct iopt_removal *removal)
{
	bool setup = state == IOPT_AREA_SETUP;

	if (setup && removal->rule == IOPT_UNMAP_EXACT)
		return iommufd_refuse_node(-EBUSY, IOMMUFD_REFUSE_BUSY,
					   &area->node);
	/* It was not there when the ends were checked. */
	if (!setup && removal->rule != IOPT_UNMAP_TYPE1_V1 &&
	    area->node.last > removal->last)
		return refuse_cut(&area->node);
	return 0;
}

/* The next node of a range. One that begins before came after we were there. */
static struct iova_node *removal_next(struct io_pagetable *iopt,
				      const struct iopt_removal *removal)
{
	struct iova_node *node = iova_tree_first(&iopt->tree, removal->start,
						 removal->last);

	if (node && node->start < removal->start)
		node = iova_tree_next(node, removal->last);
	return node;
}

/*
 * Claim areas. Nobody begins to pin them from here on. Whoever is just doing so
 * has an access. That is what &iopt_removal.evict is for.
 */
static void areas_claim(struct list_head *areas)
{
	struct iopt_area *area;

	list_for_each_entry(area, areas, list) {
		WRITE_ONCE(area->state, IOPT_AREA_REMOVING);
		WRITE_ONCE(area->prevent_access, true);
	}
}

/*
 * Claim some areas from a node on, or none if one of them cannot be unmapped:
 * others may see without the lock what is claimed. Tells the first node that does
 * not belong to this step.
 */
static int removal_claim_some(struct io_pagetable *iopt,
			      struct iopt_removal *removal,
			      struct iova_node *node, struct iova_node **end)
{
	LIST_HEAD(areas);
	unsigned int i;

	for (i = 0; node && i < IOPT_AREAS_STEP;
	     node = iova_tree_next(node, removal->last), i++) {
		struct iopt_area *area = iopt_area_from_node(node);
		enum iopt_area_state state = iopt_area_state(area);
		int rc;

		if (state == IOPT_AREA_REMOVING)
			break;
		rc = area_check_claim(area, state, removal);
		if (rc)
			return rc;
		if (state == IOPT_AREA_LIVE)
			list_add_tail(&area->list, &areas);
	}
	areas_claim(&areas);
	list_splice_tail(&areas, &removal->areas);
	removal->evict |= !list_empty(&iopt->accesses);
	*end = node;
	return 0;
}

/*
 * Claim what comes next in the range; -EAGAIN if that is an area that
 * another removal has claimed.
 */
static int removal_claim_step(struct io_pagetable *iopt,
			      struct iopt_removal *removal)
{
	struct iova_node *node = NULL, *end;
	int rc = 0;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	if (!removal->begun)
		rc = removal_check_ends(iopt, removal, &node);
	removal->begun = true;
	if (rc || removal->all)
		return rc;
	rc = removal_claim_some(iopt, removal,
				node ?: removal_next(iopt, removal), &end);
	if (rc)
		return rc;
	if (!end) {
		removal->all = true;
		return 0;
	}
	removal->start = end->start;
	if (iopt_area_state(iopt_area_from_node(end)) != IOPT_AREA_REMOVING)
		return 0;
	removal->obstacle = iopt_area_from_node(end);
	refcount_inc(&removal->obstacle->refs);
	return -EAGAIN;
}

/*
 * Wait until another removal is done with its area. If it gave up, the area is
 * ours to claim. If not, whatever is in its place now came after we began.
 */
static int removal_wait_obstacle(struct io_pagetable *iopt,
				 struct iopt_removal *removal)
{
	struct iopt_area *area = removal->obstacle;
	int rc;

	rc = wait_event_killable(iopt->erased, READ_ONCE(area->state) !=
						       IOPT_AREA_REMOVING);
	if (!rc && READ_ONCE(area->state) == IOPT_AREA_ERASED)
		removal_advance(removal, area->node.last);
	iopt_area_put(area);
	return rc ? -EINTR : 0;
}

/*
 * Claim all areas of a range. Each IOVA is looked at once, from low
 * to high, so two removals never wait for each other.
 */
static int removal_claim(struct io_pagetable *iopt,
			 struct iopt_removal *removal)
{
	int rc;

	for (;;) {
		down_write(&iopt->iova_rwsem);
		rc = removal_claim_step(iopt, removal);
		up_write(&iopt->iova_rwsem);
		if (rc == -EAGAIN)
			rc = removal_wait_obstacle(iopt, removal);
		if (rc || removal->all)
			break;
		cond_resched();
	}
	if (!rc && removal->rule == IOPT_UNMAP_EXACT &&
	    list_empty(&removal->areas))
		return iommufd_refuse(-ENOENT, IOMMUFD_REFUSE_UNMAPPED,
				      removal->start, removal->last);
	return rc;
}

/* Pairs with the end of a copy: what it has copied is over, too. */
static bool area_unused(struct iopt_area *area)
{
	return !atomic_long_read_acquire(&area->num_accesses);
}

/*
 * Does an in-kernel user have a part of an area that nobody begins to use any
 * more? Those who just did are seen under the lock, or find out themselves.
 */
static bool area_in_use(struct iopt_area *area)
{
	lockdep_assert_not_held(&area->iopt->iova_rwsem);

	guard(mutex)(&area->pages->mutex);
	return !area_unused(area);
}

/*
 * Make in-kernel users let go of an area. One that takes its time is waited
 * for, without a lock that it, or anybody else, could need. It is asked again,
 * since it may have been about to make a note of what it has just pinned.
 */
static int area_evict(struct io_pagetable *iopt, struct iopt_area *area)
{
	bool in_use = area_in_use(area);

	while (in_use) {
		iopt_notify_unmap(iopt, area);
		if (wait_event_killable_timeout(iopt->unpinned,
						area_unused(area), HZ) < 0)
			return -EINTR;
		in_use = !area_unused(area);
	}
	return 0;
}

static int areas_evict(struct io_pagetable *iopt, struct list_head *areas)
{
	struct iopt_area *area;

	list_for_each_entry(area, areas, list) {
		int rc = area_evict(iopt, area);

		if (rc)
			return rc;
		cond_resched();
	}
	return 0;
}

/* Show areas that nobody begins to use any more, as they are in the end. */
static int areas_visit(struct list_head *areas, struct iopt_visitor *visitor)
{
	struct iopt_area *area;

	list_for_each_entry(area, areas, list) {
		int rc = visitor->visit(visitor, area);

		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		if (rc)
			return rc;
		cond_resched();
	}
	return 0;
}

/* Let the first areas of a list be as they were. */
static void areas_restore_some(struct io_pagetable *iopt,
			       struct list_head *areas)
{
	struct iopt_area *area, *next;
	unsigned int i = 0;

	down_write(&iopt->iova_rwsem);
	list_for_each_entry_safe(area, next, areas, list) {
		if (i++ == IOPT_AREAS_STEP)
			break;
		list_del(&area->list);
		WRITE_ONCE(area->prevent_access, false);
		WRITE_ONCE(area->state, IOPT_AREA_LIVE);
	}
	up_write(&iopt->iova_rwsem);
	iopt_wake_erased(iopt);
}

/* Undo removal_claim(): the areas are as they were before. */
static void areas_restore(struct io_pagetable *iopt, struct list_head *areas)
{
	while (!list_empty(areas)) {
		areas_restore_some(iopt, areas);
		cond_resched();
	}
}

/* Before others may map there, which they say as well. */
static void areas_trace(struct io_pagetable *iopt, struct list_head *areas)
{
	struct iopt_area *area;

	if (!trace_iommufd_unmap_enabled())
		return;
	list_for_each_entry(area, areas, list) {
		trace_iommufd_unmap(iopt->context, iopt->id, area->node.start,
				    area->node.last - area->node.start + 1);
		cond_resched();
	}
}

/* Unmap areas that were claimed, and add their size to @unmapped. */
static void areas_remove(struct io_pagetable *iopt, struct list_head *areas,
			 unsigned long *unmapped)
{
	if (list_is_singular(areas))
		iopt_area_unfill(list_first_entry(areas, struct iopt_area,
						  list));
	else
		iopt_areas_unfill(areas);
	iopt_forget_touched(iopt, areas);
	areas_trace(iopt, areas);
	iopt_erase_areas(iopt, areas, unmapped);
}

/**
 * iopt_unmap_visited() - Unmap areas, and look at each before it goes
 * @iopt: the io_pagetable
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @rule: what becomes of areas at the ends of the range
 * @visitor: sees all areas, in the order of their IOVA, before the first one is
 *           unmapped and after in-kernel users have let go of all; or NULL
 * @unmapped: receives the number of bytes that were unmapped
 *
 * When this returns no device can reach the memory through the range any more,
 * also if another thread is unmapping it, and no in-kernel user has it pinned.
 * Whoever is just pinning it for one gets -EINVAL when it comes back.
 * The users are asked to let go, see &iopt_access.unmap, and waited for. What
 * others map meanwhile may stay.
 *
 * Context: may sleep, never needs memory. Takes &io_pagetable.iova_rwsem, for
 * short steps.
 * Return: 0; what @rule or @visitor says; -EINTR on a fatal signal while waiting
 * for another thread or an in-kernel user. On failure nothing is changed.
 */
int iopt_unmap_visited(struct io_pagetable *iopt, unsigned long start,
		       unsigned long last, enum iopt_unmap_rule rule,
		       struct iopt_visitor *visitor, unsigned long *unmapped)
{
	struct iopt_removal removal;
	int rc;

	*unmapped = 0;
	removal_init(&removal, start, last, rule);
	rc = removal_claim(iopt, &removal);
	if (!rc && removal.evict)
		rc = areas_evict(iopt, &removal.areas);
	if (!rc && visitor)
		rc = areas_visit(&removal.areas, visitor);
	if (rc)
		areas_restore(iopt, &removal.areas);
	else
		areas_remove(iopt, &removal.areas, unmapped);
	return rc;
}

/**
 * iopt_unmap_by() - Unmap the areas that a rule finds in a range
 * @iopt: the io_pagetable
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @rule: what becomes of areas at the ends of the range
 * @unmapped: receives the number of bytes that were unmapped
 *
 * Context: as iopt_unmap_visited().
 * Return: as iopt_unmap_visited() without a visitor.
 */
int iopt_unmap_by(struct io_pagetable *iopt, unsigned long start,
		  unsigned long last, enum iopt_unmap_rule rule,
		  unsigned long *unmapped)
{
	return iopt_unmap_visited(iopt, start, last, rule, NULL, unmapped);
}

/**
 * iopt_unmap() - Unmap all areas in a range
 * @iopt: the io_pagetable
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @unmapped: receives the number of bytes that were unmapped
 *
 * Context: as iopt_unmap_by().
 * Return: as iopt_unmap_by() with IOPT_UNMAP_EXACT.
 */
int iopt_unmap(struct io_pagetable *iopt, unsigned long start,
	       unsigned long last, unsigned long *unmapped)
{
	return iopt_unmap_by(iopt, start, last, IOPT_UNMAP_EXACT, unmapped);
}

/**
 * iopt_unmap_all() - Unmap every area
 * @iopt: the io_pagetable
 * @unmapped: receives the number of bytes that this call has unmapped
 *
 * An area that another thread is mapping at the same time counts as mapped
 * afterwards. Waits for removals by other threads that began before, and does
 * their work if they are killed.
 *
 * Context: as iopt_unmap_by().
 * Return: 0, also if nothing is mapped; -EINTR as from iopt_unmap_by().
 */
int iopt_unmap_all(struct io_pagetable *iopt, unsigned long *unmapped)
{
	return iopt_unmap_by(iopt, 0, ULONG_MAX, IOPT_UNMAP_TYPE1_V2, unmapped);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Dirty pages as containers of VFIO know them.
 *
 * What a device can reach may have been written, so all of it is dirty. What only
 * in-kernel users can reach is dirty if they had it pinned, or wrote to it, since
 * it was last reported. These pages are noted in &io_pagetable.touched. See
 * "Dirty pages of containers" in Documentation/driver-api/iommufd.rst.
 */
#include "iopt_touched.h"

#include <linux/bitmap.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "iopt_iova.h"
#include "iopt_lookup.h"
#include "pages/pages_access.h"

/**
 * __iopt_note_touched() - iopt_note_touched(), after a look at whether to
 * @iopt: the io_pagetable
 * @iova: first IOVA
 * @length: bytes
 * @gfp: to take memory with
 *
 * Context: as iopt_note_touched().
 * Return: as iopt_note_touched().
 */
int __iopt_note_touched(struct io_pagetable *iopt, unsigned long iova,
			unsigned long length, gfp_t gfp)
{
	return sparse_bits_set(&iopt->touched, iova / PAGE_SIZE,
			       (iova + (length - 1)) / PAGE_SIZE, gfp);
}

/*
 * What is pinned of an area from a page index on. An area that is being set up
 * has no pins of its own, and may not have its IOVA yet.
 */
static bool area_next_own_pinned(struct iopt_area *area, unsigned long *start,
				 unsigned long *last)
{
	lockdep_assert_not_held(&area->iopt->iova_rwsem);

	guard(mutex)(&area->pages->mutex);
	return atomic_long_read(&area->num_accesses) &&
	       iopt_area_next_pinned(area, start, last);
}

static int area_note_pinned(struct iopt_area *area)
{
	unsigned long start = iopt_area_first(area);
	unsigned long last = iopt_area_last(area);

	while (area_next_own_pinned(area, &start, &last)) {
		unsigned long length;
		unsigned long iova = iopt_area_window(area, start, last,
						      &length);
		int rc = __iopt_note_touched(area->iopt, iova, length,
					     GFP_KERNEL_ACCOUNT);

		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		if (rc || last == iopt_area_last(area))
			return rc;
		start = last + 1;
		last = iopt_area_last(area);
	}
	return 0;
}

/*
 * What is pinned already. Whoever pins looks at &io_pagetable.tracked behind the
 * mutex of the pages, so what is not seen here has been noted, or will be.
 */
static int iopt_note_pinned(struct io_pagetable *iopt)
{
	struct iopt_area *area;

	iopt_for_each_area(area, iopt) {
		int rc = area_note_pinned(area);

		if (rc) {
			iopt_area_put(area);
			return rc;
		}
		cond_resched();
	}
	return 0;
}

static void track_end(struct io_pagetable *iopt)
{
	WRITE_ONCE(iopt->tracked, false);
	sparse_bits_forget(&iopt->touched, 0, ULONG_MAX);
}

static int track_begin(struct io_pagetable *iopt)
{
	int rc;

	/* Whoever was late the last time has left something behind. */
	sparse_bits_forget(&iopt->touched, 0, ULONG_MAX);
	down_write(&iopt->domains.rwsem);
	iopt->tracked_since = iopt->domains.generation;
	up_write(&iopt->domains.rwsem);
	WRITE_ONCE(iopt->tracked, true);
	rc = iopt_note_pinned(iopt);
	if (rc)
		track_end(iopt);
	return rc;
}

/**
 * iopt_track() - Begin to note what in-kernel users touch
 * @iopt: the io_pagetable; nothing changes if it does so already
 *
 * Context: may sleep, for long.
 * Return: 0; -ENOMEM; -EINTR on a fatal signal.
 */
int iopt_track(struct io_pagetable *iopt)
{
	int rc = 0;

	if (mutex_lock_killable(&iopt->container_mutex))
		return -EINTR;
	if (!iopt->tracked)
		rc = track_begin(iopt);
	mutex_unlock(&iopt->container_mutex);
	return rc;
}

/**
 * iopt_untrack() - Undo iopt_track()
 * @iopt: the io_pagetable; nothing changes if it does not track
 *
 * Context: may sleep, never needs memory.
 * Return: 0; -EINTR on a fatal signal.
 */
int iopt_untrack(struct io_pagetable *iopt)
{
	if (mutex_lock_killable(&iopt->container_mutex))
		return -EINTR;
	if (iopt->tracked)
		track_end(iopt);
	mutex_unlock(&iopt->container_mutex);
	return 0;
}

static bool node_is_setup(struct iova_node *node)
{
	return iopt_area_state(iopt_area_from_node(node)) == IOPT_AREA_SETUP;
}

/*
 * The first area from an IOVA on. What is being mapped comes afterwards. That
 * may be a million areas, so -EAGAIN says to go on from @start.
 */
static int tracked_area_from(struct io_pagetable *iopt, unsigned long *start,
			     unsigned long last, struct iopt_area **area)
{
	struct iova_node *node;
	unsigned int i = 0;

	guard(rwsem_read)(&iopt->iova_rwsem);
	*area = NULL;
	node = iova_tree_first(&iopt->tree, *start, last);
	while (node && node_is_setup(node)) {
		if (i++ == IOPT_AREAS_STEP) {
			*start = node->start;
			return -EAGAIN;
		}
		node = iova_tree_next(node, last);
	}
	if (!node)
		return 0;
	if (node->start < *start || node->last > last)
		return -EINVAL;
	*area = iopt_area_from_node(node);
	refcount_inc(&(*area)->refs);
	return 0;
}

/* Does an area lie across the end of a range? */
static bool iopt_cut_at(struct io_pagetable *iopt, unsigned long last)
{
	struct iova_node *node;

	guard(rwsem_read)(&iopt->iova_rwsem);
	node = iova_tree_first(&iopt->tree, last, last);
	return node && node->last > last && !node_is_setup(node);
}

/* Show the next area, if there is one, and go behind it. */
static int visit_next(struct io_pagetable *iopt, unsigned long *start,
		      unsigned long last, struct iopt_visitor *visitor,
		      bool *all)
{
	struct iopt_area *area;
	unsigned long end;
	int rc;

	rc = tracked_area_from(iopt, start, last, &area);
	if (rc == -EAGAIN)
		return 0;
	*all = !area;
	if (rc || !area)
		return rc;
	end = area->node.last;
	rc = visitor->visit(visitor, area);
	iopt_area_put(area);
	*all = end == last;
	*start = end + 1;
	return rc;
}

/**
 * iopt_visit_tracked() - Show all areas in a range
 * @iopt: the io_pagetable
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @visitor: what to do with each
 *
 * Others may map and unmap meanwhile. No area is shown that is not in the range
 * as a whole.
 *
 * Context: may sleep, no lock held.
 * Return: 0; -EINVAL if the range cuts an area; -EINTR on a fatal signal; what
 * @visitor says.
 */
int iopt_visit_tracked(struct io_pagetable *iopt, unsigned long start,
		       unsigned long last, struct iopt_visitor *visitor)
{
	bool all = false;
	int rc = 0;

	might_sleep();
	lockdep_assert_not_held(&iopt->iova_rwsem);

	if (iopt_cut_at(iopt, last))
		return -EINVAL;
	while (!rc && !all) {
		rc = visit_next(iopt, &start, last, visitor, &all);
		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		cond_resched();
	}
	return rc;
}

static void window_note(const struct iopt_touched_window *window,
			unsigned long first, unsigned long last)
{
	bitmap_set(window->bitmap, first - window->base, last - first + 1);
}

static void window_read_noted(struct io_pagetable *iopt,
			      const struct iopt_touched_window *window)
{
	unsigned long first = window->first;
	struct sparse_word word;

	while (first <= window->last &&
	       sparse_bits_find(&iopt->touched, first, window->last,
				!window->keep, &word)) {
		unsigned long bit;

		for_each_set_bit(bit, &word.bits, SPARSE_WORD_BITS)
			window_note(window, word.first + bit, word.first + bit);
		first = word.first + SPARSE_WORD_BITS;
	}
}

/*
 * What is pinned is dirty until it is unpinned, and once more after that. With
 * pins, IOVA and memory are whole pages.
 */
static void window_read_pinned(struct iopt_area *area,
			       const struct iopt_touched_window *window)
{
	unsigned long offset = iopt_area_first(area) -
			       area->node.start / PAGE_SIZE;
	unsigned long end = window->last + offset;
	unsigned long start = window->first + offset;
	unsigned long last = end;

	lockdep_assert_held(&area->pages->mutex);

	while (atomic_long_read(&area->num_accesses) &&
	       iopt_area_next_pinned(area, &start, &last)) {
		window_note(window, start - offset, last - offset);
		if (!window->keep)
			sparse_bits_set_again(&area->iopt->touched,
					      start - offset, last - offset);
		if (last == end)
			return;
		start = last + 1;
		last = end;
	}
}

/*
 * Could a device write the area since it was last reported? One can while there
 * is a domain. If there is none now there was one if the generation has changed
 * since then.
 */
static bool area_was_reached(struct iopt_area *area, u64 *generation)
{
	struct iopt_domains *domains = area->domains;

	lockdep_assert_held(&area->pages->mutex);
	guard(rwsem_read)(&domains->rwsem);

	*generation = domains->generation;
	return !list_empty(&domains->list) ||
	       max(area->reported, area->iopt->tracked_since) != *generation;
}

/**
 * iopt_area_read_touched() - Tell which pages of an area are dirty
 * @area: the area, has its IOVA for good
 * @window: which pages
 *
 * Takes as long as there are pages in the window, so it is to be a short one.
 *
 * Context: may sleep, takes the mutex of the pages. Never needs memory.
 * Return: 0; -EINTR on a fatal signal.
 */
int iopt_area_read_touched(struct iopt_area *area,
			   struct iopt_touched_window *window)
{
	lockdep_assert_not_held(&area->iopt->iova_rwsem);

	if (mutex_lock_killable(&area->pages->mutex))
		return -EINTR;
	window_read_noted(area->iopt, window);
	window_read_pinned(area, window);
	if (area_was_reached(area, &window->generation))
		window_note(window, window->first, window->last);
	mutex_unlock(&area->pages->mutex);
	return 0;
}

/**
 * iopt_area_return_touched() - Undo iopt_area_read_touched()
 * @area: the area
 * @window: as it was read, user space could not be told
 *
 * Context: may sleep, never needs memory.
 */
void iopt_area_return_touched(struct iopt_area *area,
			      const struct iopt_touched_window *window)
{
	unsigned long end = window->last - window->base + 1;
	unsigned long start = window->first - window->base;

	if (window->keep)
		return;
	for_each_set_bit_from(start, window->bitmap, end)
		sparse_bits_set_again(&area->iopt->touched,
				      window->base + start,
				      window->base + start);
}

/**
 * iopt_area_reported() - Note that user space was told of all pages of an area
 * @area: the area
 * @generation: of the first answer
 *
 * Context: may sleep, takes the mutex of the pages.
 */
void iopt_area_reported(struct iopt_area *area, u64 generation)
{
	lockdep_assert_not_held(&area->iopt->iova_rwsem);

	guard(mutex)(&area->pages->mutex);
	area->reported = max(area->reported, generation);
}

/**
 * iopt_forget_touched() - Forget what was touched of areas that go
 * @iopt: the io_pagetable
 * @areas: struct iopt_area, that no in-kernel user can reach any more
 *
 * A page that is not all of one area stays noted.
 *
 * Context: may sleep, never needs memory.
 */
void iopt_forget_touched(struct io_pagetable *iopt, struct list_head *areas)
{
	struct iopt_area *area;

	if (sparse_bits_empty(&iopt->touched))
		return;
	list_for_each_entry(area, areas, list) {
		unsigned long first = area->node.start / PAGE_SIZE;
		unsigned long end = area->node.last / PAGE_SIZE;

		if (offset_in_page(area->node.start))
			first++;
		if (offset_in_page(area->node.last) == PAGE_SIZE - 1)
			end++;
		if (first < end)
			sparse_bits_forget(&iopt->touched, first, end - 1);
		cond_resched();
	}
}

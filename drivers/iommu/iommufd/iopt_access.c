// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs in the xarray: pinning memory for the kernel.
 *
 * It is counted how often each page is pinned, as intervals of pages with the
 * same count: drivers undo pins in other pieces than they have made them.
 */
#include "iopt_access.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "iopt_types.h"
#include "pages.h"
#include "pfn_reader.h"
#include "pfn_storage.h"

/* Pages that are handed out before others get their turn. */
#define RESCHED_STEP 4096

/* Intervals that are taken as one range, so that others get their turn. */
#define MAX_JOINED 512

static void batch_to_pages(const struct pfn_batch *batch,
			   struct page **out_pages)
{
	struct pfn_batch_iter iter;

	pfn_batch_for_each_run(&iter, batch, 0, batch->npages) {
		unsigned long i;

		for (i = 0; i < iter.npages; i++) {
			out_pages[i] = pfn_to_page(iter.pfn + i);
			if (i % RESCHED_STEP == RESCHED_STEP - 1)
				cond_resched();
		}
		out_pages += iter.npages;
	}
}

/* Take out of the xarray what no access covers. */
static void erase_unaccessed(struct iopt_pages *pages, unsigned long start,
			     unsigned long last)
{
	struct pfn_span span;

	pfn_span_find(&span, pages, start, last);
	do {
		if (span.tier != PFN_TIER_XARRAY)
			pfn_storage_erase_xarray(pages, span.start, span.last);
	} while (pfn_span_next(&span, pages, last));
}

/* Write the part of the reader's batch that is not in the xarray yet. */
static int store_batch(struct pfn_reader *reader)
{
	struct iopt_pages *pages = reader->pages;
	unsigned long start = reader->start;
	struct pfn_span span;
	int rc = 0;

	pfn_span_find(&span, pages, start, reader->next - 1);
	do {
		if (span.tier != PFN_TIER_XARRAY)
			rc = pfn_storage_write_xarray(pages, &reader->batch,
						      span.start - start,
						      span.start, span.last);
	} while (!rc && pfn_span_next(&span, pages, reader->next - 1));
	if (rc && span.start > start)
		erase_unaccessed(pages, start, span.start - 1);
	return rc;
}

/* Take out of the xarray, and unpin, what no tier stores. */
static void empty_xarray(struct iopt_pages *pages, unsigned long index,
			 unsigned long last)
{
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	pfn_batch_grow(&batch, last - index + 1);
	while (index <= last) {
		struct pfn_batch_iter iter;
		struct pfn_span span;

		pfn_span_find(&span, pages, index, last);
		pfn_batch_clear(&batch);
		if (span.tier == PFN_TIER_ORIGIN) {
			pfn_storage_read_xarray(pages, index, span.last,
						&batch);
			span.last = index + batch.npages - 1;
		}
		erase_unaccessed(pages, index, span.last);
		pfn_batch_iter_first(&iter, &batch, 0, 0);
		pfn_storage_unpin_unstored(pages, &iter, index, batch.npages);
		index = span.last + 1;
		cond_resched();
	}
	pfn_batch_destroy(&batch);
}

/**
 * iopt_pages_fill_xarray() - Store a range of pages in the xarray
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 * @out_pages: receives the struct page of each page, may be NULL
 *
 * The caller enters the range into &iopt_pages.access_itree when this has
 * succeeded.
 *
 * Context: @pages->mutex held, may sleep.
 * Return: 0; -ENOMEM without memory or over the limit; -EFAULT as from
 * pin_origin_read(); -EINTR on a fatal signal. On failure everything is as
 * before.
 */
int iopt_pages_fill_xarray(struct iopt_pages *pages, unsigned long start,
			   unsigned long last, struct page **out_pages)
{
	unsigned long missing = pfn_storage_missing(pages, start, last);
	struct pfn_reader reader __uninitialized;
	int rc;

	rc = iopt_pages_charge(pages, missing);
	if (rc)
		return rc;
	pfn_reader_init(&reader, pages, start, last);
	do {
		rc = pfn_reader_next(&reader);
		if (!rc)
			rc = store_batch(&reader);
		if (rc)
			goto err_empty;
		if (out_pages)
			batch_to_pages(&reader.batch,
				       out_pages + (reader.start - start));
	} while (!pfn_reader_done(&reader));
	pfn_reader_destroy(&reader);
	return 0;

err_empty:
	pfn_reader_unpin(&reader);
	pfn_reader_destroy(&reader);
	if (reader.start > start)
		empty_xarray(pages, start, reader.start - 1);
	iopt_pages_uncharge(pages, missing);
	return rc;
}

/**
 * iopt_pages_fill_from_xarray() - Look up pages that the xarray stores
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive; an access covers the whole range
 * @out_pages: receives the struct page of each page
 *
 * Context: @pages->mutex held, may sleep.
 */
void iopt_pages_fill_from_xarray(struct iopt_pages *pages, unsigned long start,
				 unsigned long last, struct page **out_pages)
{
	unsigned long index;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	xa_for_each_range(&pages->pinned_pfns, index, entry, start, last) {
		out_pages[index - start] = pfn_to_page(xa_to_value(entry));
		if (index % RESCHED_STEP == RESCHED_STEP - 1)
			cond_resched();
	}
}

/**
 * iopt_pages_unfill_xarray() - Undo iopt_pages_fill_xarray()
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * The caller has taken the range out of &iopt_pages.access_itree. What other
 * accesses cover stays, what a domain stores stays pinned.
 *
 * Context: @pages->mutex held, may sleep. Never needs memory.
 */
void iopt_pages_unfill_xarray(struct iopt_pages *pages, unsigned long start,
			      unsigned long last)
{
	unsigned long missing = pfn_storage_missing(pages, start, last);

	empty_xarray(pages, start, last);
	iopt_pages_uncharge(pages, missing);
}

static struct iopt_pages_access *to_access(struct interval_tree_node *node)
{
	return container_of(node, struct iopt_pages_access, node);
}

static void access_place(struct iopt_pages *pages,
			 struct iopt_pages_access *access, unsigned long start,
			 unsigned long last)
{
	access->node.start = start;
	access->node.last = last;
	interval_tree_insert(&access->node, &pages->access_itree);
}

static int access_create(struct iopt_pages *pages, unsigned long start,
			 unsigned long last, struct page **out_pages)
{
	struct iopt_pages_access *access =
		kmalloc(sizeof(*access), GFP_KERNEL_ACCOUNT);
	int rc;

	if (!access)
		return -ENOMEM;
	rc = iopt_pages_fill_xarray(pages, start, last, out_pages);
	if (rc) {
		kfree(access);
		return rc;
	}
	access->users = 1;
	access_place(pages, access, start, last);
	return 0;
}

/* Put a border in front of @start; returns what begins there. */
static struct iopt_pages_access *access_split(struct iopt_pages *pages,
					      struct iopt_pages_access *access,
					      unsigned long start, gfp_t gfp)
{
	struct iopt_pages_access *rest = kmalloc(sizeof(*rest), gfp);

	if (!rest)
		return NULL;
	rest->users = access->users;
	interval_tree_remove(&access->node, &pages->access_itree);
	access_place(pages, rest, start, access->node.last);
	access_place(pages, access, access->node.start, start - 1);
	return rest;
}

/* Split off what lies outside of a range. Changes nothing if it fails. */
static struct iopt_pages_access *access_trim(struct iopt_pages *pages,
					     struct iopt_pages_access *access,
					     unsigned long start,
					     unsigned long last, gfp_t gfp)
{
	if (access->node.start < start)
		access = access_split(pages, access, start, gfp);
	if (access && access->node.last > last &&
	    !access_split(pages, access, last + 1, gfp))
		return NULL;
	return access;
}

/* Pin up to the next border, and tell where that is. */
static int pin_step(struct iopt_pages *pages, unsigned long start,
		    unsigned long *last, struct page **out_pages)
{
	struct interval_tree_node *node =
		interval_tree_iter_first(&pages->access_itree, start, *last);
	struct iopt_pages_access *access;

	if (!node || node->start > start) {
		if (node)
			*last = node->start - 1;
		return access_create(pages, start, *last, out_pages);
	}
	access = access_trim(pages, to_access(node), start, *last,
			     GFP_KERNEL_ACCOUNT);
	if (!access)
		return -ENOMEM;
	access->users++;
	*last = access->node.last;
	iopt_pages_fill_from_xarray(pages, start, *last, out_pages);
	return 0;
}

/**
 * iopt_area_add_access() - Pin a part of an area for the kernel
 * @area: the area
 * @start: first page index in area->pages
 * @last: last page index, inclusive
 * @out_pages: receives the struct page of each page
 * @write: the kernel is going to write
 *
 * Context: area->pages->mutex held, may sleep.
 * Return: 0; -EINVAL if the area is going away; -EPERM for writing to memory
 * that was not mapped for that; else as iopt_pages_fill_xarray(). On failure
 * nothing is pinned.
 */
int iopt_area_add_access(struct iopt_area *area, unsigned long start,
			 unsigned long last, struct page **out_pages,
			 bool write)
{
	struct iopt_pages *pages = area->pages;
	unsigned long index = start;

	lockdep_assert_held(&pages->mutex);

	if (READ_ONCE(area->prevent_access))
		return -EINVAL;
	if (write && !pages->writable)
		return -EPERM;
	for (;;) {
		unsigned long end = last;
		int rc = pin_step(pages, index, &end,
				  out_pages + (index - start));

		if (rc) {
			if (index > start)
				iopt_area_remove_access(area, start, index - 1);
			return rc;
		}
		area->num_accesses += end - index + 1;
		if (end == last)
			return 0;
		index = end + 1;
		cond_resched();
	}
}

/* The first interval of a run of pages that are pinned, and the run. */
static struct interval_tree_node *find_pinned(struct iopt_pages *pages,
					      unsigned long *start,
					      unsigned long *last)
{
	struct interval_tree_node *first, *node;
	unsigned int n = 1;

	first = interval_tree_iter_first(&pages->access_itree, *start, *last);
	if (!first)
		return NULL;
	*start = max(*start, first->start);
	for (node = first; node->last < *last; n++) {
		struct interval_tree_node *next =
			interval_tree_iter_next(node, *start, *last);

		if (!next || next->start - 1 != node->last || n == MAX_JOINED)
			break;
		node = next;
	}
	*last = min(*last, node->last);
	return first;
}

/**
 * iopt_area_next_pinned() - Find pages of an area that are pinned for the kernel
 * @area: the area
 * @start: page index to search from; receives the first one that is pinned
 * @last: page index to search up to; receives the last one, inclusive, that
 *        joins the first without a gap
 *
 * What is pinned through other areas over the same memory counts. A very long
 * range may come in several parts.
 *
 * Context: area->pages->mutex held.
 * Return: false if nothing is pinned.
 */
bool iopt_area_next_pinned(struct iopt_area *area, unsigned long *start,
			   unsigned long *last)
{
	lockdep_assert_held(&area->pages->mutex);

	return find_pinned(area->pages, start, last);
}

/* Returns true if nobody has the pages pinned any more. */
static bool access_unpin(struct iopt_pages *pages,
			 struct iopt_pages_access *access, unsigned long start,
			 unsigned long last)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOFAIL;

	if (access->users > 1) {
		access_trim(pages, access, start, last, gfp)->users--;
		return false;
	}
	if (access->node.start < start && access->node.last > last)
		access_split(pages, access, last + 1, gfp);
	interval_tree_remove(&access->node, &pages->access_itree);
	if (access->node.start < start)
		access_place(pages, access, access->node.start, start - 1);
	else if (access->node.last > last)
		access_place(pages, access, last + 1, access->node.last);
	else
		kfree(access);
	return true;
}

/* Unpin a run that find_pinned() has found. */
static void unpin_run(struct iopt_pages *pages, struct interval_tree_node *node,
		      unsigned long start, unsigned long last)
{
	bool unfill = false;

	while (node) {
		struct interval_tree_node *next = NULL;

		/* First, as the node may be gone afterwards. */
		if (node->last < last)
			next = interval_tree_iter_next(node, start, last);
		unfill |= access_unpin(pages, to_access(node),
				       max(start, node->start),
				       min(last, node->last));
		node = next;
	}
	if (unfill)
		iopt_pages_unfill_xarray(pages, start, last);
}

/**
 * iopt_area_remove_access() - Undo iopt_area_add_access()
 * @area: the area
 * @start: first page index
 * @last: last page index, inclusive
 *
 * It is pages that are counted: what was pinned in one go may be unpinned in
 * parts, and the other way round. Pages that are not pinned are left alone.
 *
 * Context: area->pages->mutex held, may sleep. Needs memory only for a part of
 * a pin, and then waits until there is some.
 * Return: number of pages that were unpinned.
 */
unsigned long iopt_area_remove_access(struct iopt_area *area,
				      unsigned long start, unsigned long last)
{
	unsigned long unpinned = 0;
	unsigned long index = start;

	lockdep_assert_held(&area->pages->mutex);

	for (;;) {
		struct interval_tree_node *node;
		unsigned long end = last;

		node = find_pinned(area->pages, &index, &end);
		/* Others may have the memory pinned through other areas. */
		if (!node || end - index >= area->num_accesses)
			break;
		unpin_run(area->pages, node, index, end);
		area->num_accesses -= end - index + 1;
		unpinned += end - index + 1;
		if (end == last)
			break;
		index = end + 1;
		cond_resched();
	}
	WARN_ON_ONCE(unpinned != last - start + 1);
	return unpinned;
}

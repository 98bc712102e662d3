// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs in the xarray: pinning memory for the kernel.
 *
 * It is counted how often each page is pinned, as intervals of pages with the
 * same count: drivers undo pins in other pieces than they have made them.
 */
#include "pages_access.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "iopt_types.h"
#include "lib/trace.h"
#include "pages.h"
#include "pfn_reader.h"
#include "pfn_span.h"
#include "pfn_storage.h"
#include "pfn_xarray.h"

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
static void pages_erase_unaccessed(struct iopt_pages *pages,
				   unsigned long start, unsigned long last)
{
	struct pfn_span span;

	pfn_span_find(&span, pages, start, last);
	do {
		if (span.tier != PFN_TIER_XARRAY)
			pfn_xarray_erase(pages, span.start, span.last);
	} while (pfn_span_next(&span, pages, last));
}

/* Take out of the xarray, and unpin, what no tier stores. */
static void pages_unpin_unstored(struct iopt_pages *pages, unsigned long index,
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
			pfn_xarray_read(pages, index, span.last, &batch);
			span.last = index + batch.npages - 1;
		}
		pages_erase_unaccessed(pages, index, span.last);
		pfn_batch_iter_first(&iter, &batch, 0, 0);
		pfn_storage_unpin_unstored(pages, &iter, index, batch.npages);
		index = span.last + 1;
		cond_resched();
	}
	pfn_batch_destroy(&batch);
}

/* Hand out pages that an access covers already. */
static void xarray_to_pages(struct iopt_pages *pages, unsigned long start,
			    unsigned long last, struct page **out_pages)
{
	unsigned long index;
	void *entry;

	xa_for_each_range(&pages->pinned_pfns, index, entry, start, last) {
		out_pages[index - start] = pfn_to_page(xa_to_value(entry));
		if (index % RESCHED_STEP == RESCHED_STEP - 1)
			cond_resched();
	}
}

/* No access covers the range any more; what a domain stores stays pinned. */
static void pages_unfill_xarray(struct iopt_pages *pages, unsigned long start,
				unsigned long last)
{
	unsigned long unpinned = pfn_span_missing(pages, start, last);

	pages_unpin_unstored(pages, start, last);
	iopt_pages_unpinned(pages, unpinned);
}

static struct iopt_pages_access *
access_from_node(struct interval_tree_node *node)
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

/* The interval before @index, if the pin that began at @first has made it. */
static struct iopt_pages_access *access_before(struct iopt_pages *pages,
					       unsigned long first,
					       unsigned long index)
{
	struct interval_tree_node *node;

	if (index == first)
		return NULL;
	node = interval_tree_iter_first(&pages->access_itree, index - 1,
					index - 1);
	if (!node || node->start < first || access_from_node(node)->users != 1)
		return NULL;
	return access_from_node(node);
}

/* Store the PFNs of a batch, which a pin that began at @first covers. */
static int access_store(struct pfn_reader *reader, unsigned long first)
{
	struct iopt_pages *pages = reader->pages;
	unsigned long start = reader->start;
	struct iopt_pages_access *access = access_before(pages, first, start);
	struct iopt_pages_access *new = NULL;
	int rc;

	if (!access) {
		new = kmalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
		if (!new)
			return -ENOMEM;
		new->users = 1;
	}
	rc = pfn_xarray_write(pages, &reader->batch, start);
	if (rc) {
		kfree(new);
		return rc;
	}
	if (access) {
		start = access->node.start;
		interval_tree_remove(&access->node, &pages->access_itree);
	}
	access_place(pages, access ?: new, start, reader->next - 1);
	return 0;
}

/* Pin pages up to @last that no access covers, or the first batch of them. */
static int access_pin_batch(struct pfn_reader *reader, unsigned long first,
			    unsigned long *last, struct page **out_pages)
{
	int rc;

	reader->last = *last;
	rc = pfn_reader_next(reader);
	if (rc)
		return rc;
	rc = access_store(reader, first);
	if (rc) {
		pfn_reader_unpin(reader);
		return rc;
	}
	batch_to_pages(&reader->batch, out_pages);
	pfn_reader_stored(reader);
	*last = reader->next - 1;
	return 0;
}

/* Pin once more what an access covers, up to its end. */
static int access_pin_again(struct iopt_pages *pages,
			    struct iopt_pages_access *access,
			    unsigned long start, unsigned long *last,
			    struct page **out_pages)
{
	access = access_trim(pages, access, start, *last, GFP_KERNEL_ACCOUNT);
	if (!access)
		return -ENOMEM;
	access->users++;
	*last = access->node.last;
	xarray_to_pages(pages, start, *last, out_pages);
	return 0;
}

/* Pin from the reader's next page up to some border, and go there. */
static int access_pin_step(struct pfn_reader *reader, unsigned long first,
			   unsigned long last, struct page **out_pages)
{
	struct iopt_pages *pages = reader->pages;
	unsigned long index = reader->next;
	struct interval_tree_node *node =
		interval_tree_iter_first(&pages->access_itree, index, last);
	int rc;

	out_pages += index - first;
	if (!node || node->start > index) {
		if (node)
			last = node->start - 1;
		return access_pin_batch(reader, first, &last, out_pages);
	}
	rc = access_pin_again(pages, access_from_node(node), index, &last,
			      out_pages);
	if (!rc)
		reader->next = last + 1;
	return rc;
}

/* Pin the reader's range; on failure the part before the reader's next page. */
static int access_pin_range(struct pfn_reader *reader, struct iopt_area *area,
			    struct page **out_pages)
{
	unsigned long first = reader->start;
	unsigned long last = reader->last;
	int rc;

	if (READ_ONCE(area->prevent_access))
		return -EINVAL;
	pfn_reader_init(reader);
	for (;;) {
		unsigned long index = reader->next;

		rc = access_pin_step(reader, first, last, out_pages);
		if (rc)
			reader->next = index;
		if (rc || reader->next > last)
			break;
		cond_resched();
	}
	pfn_reader_destroy(reader);
	/* Those who unmap look for pins when they have closed the area. */
	if (!rc && READ_ONCE(area->prevent_access))
		rc = -EINVAL;
	return rc;
}

/* The first interval of a run of pages that are pinned, and the run. */
static struct interval_tree_node *access_find_pinned(struct iopt_pages *pages,
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

	return access_find_pinned(area->pages, start, last);
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

/* Unpin a run that access_find_pinned() has found. */
static void access_unpin_run(struct iopt_pages *pages,
			     struct interval_tree_node *node,
			     unsigned long start, unsigned long last)
{
	bool unfill = false;

	while (node) {
		struct interval_tree_node *next = NULL;

		/* First, as the node may be gone afterwards. */
		if (node->last < last)
			next = interval_tree_iter_next(node, start, last);
		unfill |= access_unpin(pages, access_from_node(node),
				       max(start, node->start),
				       min(last, node->last));
		node = next;
	}
	if (unfill)
		pages_unfill_xarray(pages, start, last);
}

/* Unpin at most @most pages of a range, run by run; returns how many. */
static unsigned long access_unpin_range(struct iopt_pages *pages,
					unsigned long start,
					unsigned long last, unsigned long most)
{
	unsigned long unpinned = 0;

	for (;;) {
		struct interval_tree_node *node;
		unsigned long end = last;

		node = access_find_pinned(pages, &start, &end);
		if (!node || end - start >= most - unpinned)
			break;
		access_unpin_run(pages, node, start, end);
		unpinned += end - start + 1;
		if (end == last)
			break;
		start = end + 1;
		cond_resched();
	}
	return unpinned;
}

static int refuse_device(const struct iopt_pages *pages)
{
	unsigned long start = pages->origin.start;

	return iommufd_refuse(-EINVAL, IOMMUFD_REFUSE_BAR_DRIVER, start,
			      start + pages->npages * PAGE_SIZE);
}

/**
 * iopt_area_add_access() - Pin a part of an area for the kernel
 * @area: the area
 * @start: first page index in area->pages
 * @last: last page index, inclusive
 * @out_pages: receives the struct page of each page
 * @write: the kernel is going to write
 *
 * Context: may sleep, takes the locks of area->pages.
 * Return: 0; -EINVAL if the area is going away, or shows memory that is never
 * pinned; -EPERM for writing to memory that was not mapped for that; -ENOMEM
 * without memory or over the limit; -EFAULT as from pin_origin_read(); -EINTR on
 * a fatal signal. On failure nothing is pinned.
 */
int iopt_area_add_access(struct iopt_area *area, unsigned long start,
			 unsigned long last, struct page **out_pages,
			 bool write)
{
	struct pfn_reader reader __uninitialized;
	int rc;

	if (write && !area->pages->origin.writable)
		return iommufd_refuse_node(-EPERM, IOMMUFD_REFUSE_RIGHTS,
					   &area->node);
	if (!area->pages->origin.ops->pinned)
		return refuse_device(area->pages);
	rc = pfn_reader_lock(&reader, area->pages, start, last);
	if (rc)
		return rc;
	rc = access_pin_range(&reader, area, out_pages);
	if (!rc)
		WRITE_ONCE(area->num_accesses,
			   area->num_accesses + (last - start + 1));
	else if (reader.next > start)
		access_unpin_range(area->pages, start, reader.next - 1,
				   ULONG_MAX);
	pfn_reader_unlock(&reader);
	return rc;
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
	unsigned long unpinned;

	lockdep_assert_held(&area->pages->mutex);

	/* Others may have the memory pinned through other areas. */
	unpinned = access_unpin_range(area->pages, start, last,
				      area->num_accesses);
	WRITE_ONCE(area->num_accesses, area->num_accesses - unpinned);
	WARN_ON_ONCE(unpinned != last - start + 1);
	return unpinned;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs in the xarray: pinning memory for the kernel.
 */
#include "iopt_access.h"

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "iopt_types.h"
#include "pages.h"
#include "pfn_reader.h"
#include "pfn_storage.h"

/* Pages that are handed out before others get their turn. */
#define RESCHED_STEP 4096

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

static struct iopt_pages_access *access_find(struct iopt_pages *pages,
					     unsigned long start,
					     unsigned long last)
{
	struct interval_tree_node *node;

	for (node = interval_tree_iter_first(&pages->access_itree, start, last);
	     node; node = interval_tree_iter_next(node, start, last)) {
		if (node->start == start && node->last == last)
			return container_of(node, struct iopt_pages_access,
					    node);
		/* Any number of others may cover a part of the range. */
		cond_resched();
	}
	return NULL;
}

static int access_create(struct iopt_pages *pages, unsigned long start,
			 unsigned long last, struct page **out_pages)
{
	struct iopt_pages_access *access =
		kzalloc(sizeof(*access), GFP_KERNEL_ACCOUNT);
	int rc;

	if (!access)
		return -ENOMEM;
	rc = iopt_pages_fill_xarray(pages, start, last, out_pages);
	if (rc) {
		kfree(access);
		return rc;
	}
	access->node.start = start;
	access->node.last = last;
	access->users = 1;
	interval_tree_insert(&access->node, &pages->access_itree);
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
 * that was not mapped for that; else as iopt_pages_fill_xarray().
 */
int iopt_area_add_access(struct iopt_area *area, unsigned long start,
			 unsigned long last, struct page **out_pages,
			 bool write)
{
	struct iopt_pages *pages = area->pages;
	struct iopt_pages_access *access;
	int rc;

	lockdep_assert_held(&pages->mutex);

	if (READ_ONCE(area->prevent_access))
		return -EINVAL;
	if (write && !pages->writable)
		return -EPERM;
	access = access_find(pages, start, last);
	if (access) {
		access->users++;
		iopt_pages_fill_from_xarray(pages, start, last, out_pages);
	} else {
		rc = access_create(pages, start, last, out_pages);
		if (rc)
			return rc;
	}
	area->num_accesses++;
	return 0;
}

/**
 * iopt_area_remove_access() - Undo iopt_area_add_access()
 * @area: the area
 * @start: first page index, as given then
 * @last: last page index, inclusive, as given then
 *
 * Context: area->pages->mutex held, may sleep. Never needs memory.
 */
void iopt_area_remove_access(struct iopt_area *area, unsigned long start,
			     unsigned long last)
{
	struct iopt_pages *pages = area->pages;
	struct iopt_pages_access *access = access_find(pages, start, last);

	lockdep_assert_held(&pages->mutex);

	if (WARN_ON_ONCE(!access))
		return;
	area->num_accesses--;
	if (--access->users)
		return;
	interval_tree_remove(&access->node, &pages->access_itree);
	iopt_pages_unfill_xarray(pages, start, last);
	kfree(access);
}

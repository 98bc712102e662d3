// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Pinning memory for the kernel.
 *
 * It is counted how often each page is pinned, as intervals of pages with the
 * same count, which store the PFNs. Drivers undo pins in other pieces than they
 * have made them.
 */
#include "pages_access.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "access_pfns.h"
#include "iopt_types.h"
#include "lib/trace.h"
#include "pages.h"
#include "pfn_reader.h"
#include "pfn_span.h"
#include "pfn_storage.h"

/* Intervals that are taken as one range, so that others get their turn. */
#define MAX_JOINED 512

/* Unpin those pages of an interval that no tier stores. */
static void access_unpin_list(struct iopt_pages *pages,
			      const struct iopt_pages_access *access,
			      unsigned long index, unsigned long last)
{
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	pfn_batch_grow(&batch, last - index + 1);
	while (index <= last) {
		struct pfn_batch_iter iter;

		pfn_batch_restart(&batch, last - index + 1);
		access_pfns_read(access, index, last, &batch);
		WARN_ON_ONCE(IS_ENABLED(CONFIG_IOMMUFD_TEST) &&
			     !pfn_batch_valid(&batch));
		pfn_batch_iter_first(&iter, &batch, 0, 0);
		pfn_storage_unpin_unstored(pages, &iter, index, batch.npages);
		index += batch.npages;
		cond_resched();
	}
	pfn_batch_destroy(&batch);
}

/*
 * Unpin what an interval has stored that is out of its tree, but for what a
 * domain stores. Returns how many pages that are.
 */
static unsigned long access_unfill(struct iopt_pages *pages,
				   const struct iopt_pages_access *access,
				   unsigned long start, unsigned long last)
{
	struct pfn_span first;
	unsigned long missing = pfn_span_missing(&first, pages, start, last);

	if (!missing)
		return 0;
	if (access->one_run)
		pfn_storage_unpin_run(pages, access_pfn(access, start), start,
				      last - start + 1);
	else
		access_unpin_list(pages, access, start, last);
	return missing;
}

static void access_place(struct iopt_pages *pages,
			 struct iopt_pages_access *access, unsigned long start,
			 unsigned long last)
{
	access->node.start = start;
	access->node.last = last;
	interval_tree_insert(&access->node, &pages->access_itree);
}

/* A driver that pins and unpins page by page allocates only once. */
static struct iopt_pages_access *access_alloc(struct iopt_pages *pages,
					      gfp_t gfp)
{
	struct iopt_pages_access *access = pages->spare_access;

	if (!access)
		return kmalloc(sizeof(*access), gfp);
	pages->spare_access = NULL;
	return access;
}

static void access_free(struct iopt_pages *pages,
			struct iopt_pages_access *access)
{
	if (pages->spare_access)
		kfree(access);
	else
		pages->spare_access = access;
}

/* Put a border in front of @start; returns what begins there. */
static struct iopt_pages_access *access_split(struct iopt_pages *pages,
					      struct iopt_pages_access *access,
					      unsigned long start, gfp_t gfp)
{
	struct iopt_pages_access *rest = access_alloc(pages, gfp);

	if (!rest)
		return NULL;
	*rest = *access;
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

/* Store pages that are pinned. */
static int access_store(struct iopt_pages *pages, unsigned long start,
			unsigned long last, struct page **from_pages)
{
	struct iopt_pages_access *access;
	int rc;

	access = access_alloc(pages, GFP_KERNEL_ACCOUNT);
	if (!access)
		return -ENOMEM;
	access->users = 1;
	access->node.start = start;
	access->node.last = last;
	rc = access_pfns_store(access, from_pages);
	if (rc)
		access_free(pages, access);
	else
		interval_tree_insert(&access->node, &pages->access_itree);
	return rc;
}

/* Pin pages up to @last that no tier stores, or the first batch of them. */
static int access_pin_batch(struct pfn_reader *reader, unsigned long *last,
			    struct page **out_pages)
{
	int rc;

	reader->last = *last;
	rc = pfn_reader_next(reader);
	if (rc)
		return rc;
	pfn_batch_to_pages(&reader->batch, out_pages);
	*last = reader->next - 1;
	rc = access_store(reader->pages, reader->start, *last, out_pages);
	if (rc)
		pfn_reader_unpin(reader);
	else
		pfn_reader_stored(reader);
	return rc;
}

/* Pin once more what an access covers, up to its end. */
static int access_pin_again(struct iopt_pages *pages,
			    struct iopt_pages_access *access,
			    unsigned long start, unsigned long last,
			    struct page **out_pages)
{
	access = access_trim(pages, access, start, last, GFP_KERNEL_ACCOUNT);
	if (!access)
		return -ENOMEM;
	access->users++;
	access_pfns_to_pages(access, out_pages);
	return 0;
}

/* Pin a span, or as much of it as one interval takes. */
static int access_pin_span(struct pfn_reader *reader, struct page **out_pages)
{
	struct iopt_pages *pages = reader->pages;
	struct pfn_span *span = &reader->span;
	int rc = 0;

	span->last = min(span->last, span->start + ACCESS_PFNS_MAX - 1);
	switch (span->tier) {
	case PFN_TIER_ACCESS:
		rc = access_pin_again(pages, span->access, span->start,
				      span->last, out_pages);
		break;
	case PFN_TIER_DOMAIN:
		pfn_storage_to_pages(span, out_pages);
		rc = access_store(pages, span->start, span->last, out_pages);
		break;
	case PFN_TIER_ORIGIN:
		rc = access_pin_batch(reader, &span->last, out_pages);
		break;
	}
	reader->next = rc ? span->start : span->last + 1;
	return rc;
}

/* Pin the reader's range; on failure the part before the reader's next page. */
static int access_pin_range(struct pfn_reader *reader, struct iopt_area *area,
			    struct page **out_pages)
{
	unsigned long first = reader->start;
	unsigned long last = reader->last;
	/* If nothing has to be pinned the mutex is not let go of. */
	bool pins = reader->missing;
	int rc;

	if (READ_ONCE(area->prevent_access))
		return -EINVAL;
	if (pins)
		pfn_reader_init(reader);
	do {
		rc = access_pin_span(reader, out_pages + (reader->next - first));
	} while (!rc && pfn_span_next(&reader->span, reader->pages, last));
	if (!pins)
		return rc;
	pfn_reader_destroy(reader);
	/* Those who unmap look for pins when they have closed the area. */
	return rc ?: READ_ONCE(area->prevent_access) ? -EINVAL : 0;
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

/* Returns how many pages are not pinned any more. */
static unsigned long access_unpin(struct iopt_pages *pages,
				  struct iopt_pages_access *access,
				  unsigned long start, unsigned long last)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOFAIL;
	unsigned long unpinned;

	if (access->users > 1) {
		access_trim(pages, access, start, last, gfp)->users--;
		return 0;
	}
	if (access->node.start < start && access->node.last > last)
		access_split(pages, access, last + 1, gfp);
	interval_tree_remove(&access->node, &pages->access_itree);
	unpinned = access_unfill(pages, access, start, last);
	access_pfns_drop(access, last - start + 1);
	if (access->node.start < start)
		access_place(pages, access, access->node.start, start - 1);
	else if (access->node.last > last)
		access_place(pages, access, last + 1, access->node.last);
	else
		access_free(pages, access);
	return unpinned;
}

/* Unpin a run that access_find_pinned() has found. */
static void access_unpin_run(struct iopt_pages *pages,
			     struct interval_tree_node *node,
			     unsigned long start, unsigned long last)
{
	unsigned long unpinned = 0;

	while (node) {
		struct interval_tree_node *next = NULL;

		/* First, as the node may be gone afterwards. */
		if (node->last < last)
			next = interval_tree_iter_next(node, start, last);
		unpinned += access_unpin(pages, access_from_node(node),
					 max(start, node->start),
					 min(last, node->last));
		node = next;
	}
	if (unpinned)
		iopt_pages_unpinned(pages, unpinned);
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
 * @out_pages: receives the struct page of each page; undefined on failure
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
		atomic_long_add(last - start + 1, &area->num_accesses);
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
				      atomic_long_read(&area->num_accesses));
	atomic_long_sub(unpinned, &area->num_accesses);
	WARN_ON_ONCE(unpinned != last - start + 1);
	return unpinned;
}

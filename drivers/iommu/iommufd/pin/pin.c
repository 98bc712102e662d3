// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Pages on their way from where they come from into a batch, and back.
 *
 * Where that is, the operations of the origin know. What is pinned is let go of
 * in the same way wherever it was pinned from.
 */
#include "pin.h"

#include <linux/highmem.h>
#include <linux/iommufd.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "lib/pfn_batch.h"
#include "lib/test_hooks.h"
#include "lib/trace.h"

/* Folios that are released before others get their turn. */
#define RELEASE_STEP 512

/*
 * The folio of a page that is about to be unpinned. A PFN may come out of a page
 * table of an IOMMU, and if that is wrong, the page is somebody else's. Better
 * then to lose one than to have it freed under its owner.
 */
static struct folio *pinned_folio(unsigned long pfn)
{
	if (likely(pfn_valid(pfn))) {
		struct folio *folio = page_folio(pfn_to_page(pfn));

		if (likely(folio_maybe_dma_pinned(folio)))
			return folio;
		/* For this one GUP does not count. */
		if (is_zero_folio(folio))
			return folio;
	}
	WARN_ONCE(1, "iommufd: page %#lx is not pinned, another one stays so\n",
		  pfn);
	return NULL;
}

/* How many pages of a folio are left from one of them on. */
static unsigned long pages_in_folio(struct folio *folio, unsigned long pfn)
{
	return folio_pfn(folio) + folio_nr_pages(folio) - pfn;
}

/* Mostly it is dirty already. */
static noinline void release_make_dirty(struct folio *folio)
{
	folio_lock(folio);
	folio_mark_dirty(folio);
	folio_unlock(folio);
}

/* Release pages of one folio; returns how many. */
static __always_inline unsigned long
release_step(unsigned long pfn, unsigned long npages, bool dirty)
{
	struct folio *folio = pinned_folio(pfn);

	if (!folio)
		return 1;
	if (npages > 1)
		npages = folio_test_large(folio) ?
				 min(npages, pages_in_folio(folio, pfn)) : 1;
	if (dirty && !folio_test_dirty(folio))
		release_make_dirty(folio);
	unpin_user_folio(folio, npages);
	return npages;
}

static void release_run(unsigned long pfn, unsigned long npages, bool dirty)
{
	unsigned int count = 0;

	while (npages) {
		unsigned long step = release_step(pfn, npages, dirty);

		pfn += step;
		npages -= step;
		if (++count % RELEASE_STEP == 0)
			cond_resched();
	}
}

/**
 * pin_cursor_init() - Set up an empty cursor
 * @cursor: to be set up
 *
 * Context: any.
 */
void pin_cursor_init(struct pin_cursor *cursor)
{
	cursor->pages = cursor->inline_pages;
	cursor->capacity = iommufd_buffer_limit(PIN_CURSOR_INLINE_PAGES,
						sizeof(*cursor->pages));
	cursor->next = 0;
	cursor->end = 0;
	cursor->leaf.npages = 0;
	cursor->folio = 0;
	cursor->folios = 0;
	cursor->probe_from = 0;
}

static void pin_cursor_free_pages(struct pin_cursor *cursor)
{
	if (cursor->pages != cursor->inline_pages)
		kfree(cursor->pages);
}

/**
 * pin_cursor_grow() - Make an empty cursor large enough
 * @cursor: without pages
 * @capacity: pages it is to have room for
 *
 * Without memory it keeps its size, and reading takes more steps.
 *
 * Context: may sleep.
 */
void pin_cursor_grow(struct pin_cursor *cursor, size_t capacity)
{
	struct page **pages;

	capacity = iommufd_buffer_limit(capacity, sizeof(*pages));
	if (capacity <= cursor->capacity)
		return;
	pages = kmalloc_array(capacity, sizeof(*pages),
			      GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
	if (!pages)
		return;
	pin_cursor_free_pages(cursor);
	cursor->pages = pages;
	cursor->capacity = capacity;
}

static void pin_cursor_unpin(struct pin_cursor *cursor)
{
	if (cursor->next < cursor->end)
		unpin_user_pages(cursor->pages + cursor->next,
				 cursor->end - cursor->next);
	if (cursor->leaf.npages)
		release_run(cursor->leaf.pfn, cursor->leaf.npages, false);
	for (; cursor->folio < cursor->folios; cursor->folio++)
		unpin_folio(page_folio(cursor->pages[cursor->folio]));
}

/**
 * pin_cursor_destroy() - Let go of pages that no batch has taken
 * @origin: the memory that they come from
 * @cursor: any state
 *
 * Those pages have not been shown to a device, so they are not dirty.
 *
 * Context: may sleep.
 */
void pin_cursor_destroy(const struct pin_origin *origin,
			struct pin_cursor *cursor)
{
	if (origin->ops->pinned)
		pin_cursor_unpin(cursor);
	pin_cursor_free_pages(cursor);
}

/* Move pages to the batch as far as it has room; returns how many. */
static unsigned long pin_cursor_take(struct pin_cursor *cursor,
				     unsigned long npages,
				     struct pfn_batch *batch)
{
	struct pfn_run *leaf = &cursor->leaf;

	if (!leaf->npages) {
		npages = min_t(unsigned long, npages,
			       cursor->end - cursor->next);
		npages = pfn_batch_add_pages(batch,
					     cursor->pages + cursor->next,
					     npages);
		cursor->next += npages;
		return npages;
	}
	npages = min(npages, leaf->npages);
	if (!pfn_batch_add(batch, leaf->pfn, npages))
		return 0;
	leaf->pfn += npages;
	leaf->npages -= npages;
	return npages;
}

/**
 * pin_origin_read() - Pin pages and append them to a batch
 * @origin: the memory
 * @cursor: carries pages that were pinned but did not fit from one call to the
 *          next; such a next call has to go on where the last one stopped
 * @index: first page
 * @npages: at most this many; not 0
 * @batch: to append to; reading stops when it is full
 *
 * The pages that were appended stay pinned until pin_release(), also if the
 * call fails half way. How many they are shows in the batch.
 *
 * Context: as &pin_origin_ops.pin_some.
 * Return: 0, with the batch full or all pages read; else as
 * &pin_origin_ops.pin_some.
 */
int pin_origin_read(const struct pin_origin *origin, struct pin_cursor *cursor,
		    unsigned long index, unsigned long npages,
		    struct pfn_batch *batch)
{
	for (;;) {
		unsigned long taken;

		if (pin_cursor_empty(cursor)) {
			int rc = origin->ops->pin_some(origin, cursor, index,
						       npages);

			if (rc)
				return rc;
		}
		taken = pin_cursor_take(cursor, npages, batch);
		index += taken;
		npages -= taken;
		if (!npages || !taken)
			return 0;
		cond_resched();
	}
}

/**
 * pin_release_run() - Unpin physically contiguous pages
 * @origin: the memory that they were pinned from
 * @pfn: the first page
 * @npages: how many
 *
 * Marks the pages dirty if they were pinned for writing. Does nothing to memory
 * that is not pinned.
 *
 * Context: may sleep.
 */
void pin_release_run(const struct pin_origin *origin, unsigned long pfn,
		     unsigned long npages)
{
	if (origin->ops->pinned)
		release_run(pfn, npages, origin->writable);
}

/**
 * pin_release() - Unpin pages of a batch
 * @origin: the memory that they were pinned from
 * @iter: on the first one; at the end of its walk afterwards
 *
 * Marks the pages dirty if they were pinned for writing. Does nothing to memory
 * that is not pinned.
 *
 * Context: may sleep.
 */
void pin_release(const struct pin_origin *origin, struct pfn_batch_iter *iter)
{
	struct pfn_batch_iter walk = *iter;
	bool dirty = origin->writable;
	unsigned int count = 0;

	if (!origin->ops->pinned) {
		pfn_batch_iter_skip(iter, iter->left);
		return;
	}
	/* A copy, which may stay in registers. */
	for (; walk.npages; pfn_batch_iter_next(&walk)) {
		/* Scattered pages do without a call for each. */
		if (walk.npages == 1)
			release_step(walk.pfn, 1, dirty);
		else
			release_run(walk.pfn, walk.npages, dirty);
		if (++count % RELEASE_STEP == 0)
			cond_resched();
	}
	*iter = walk;
}

/**
 * pin_copy_page() - Copy what lies in one page, and step on
 * @copy: with bytes to go
 * @page: the page that the next byte is in
 *
 * Context: may sleep.
 */
void pin_copy_page(struct pin_copy *copy, struct page *page)
{
	size_t offset = offset_in_page(copy->byte);
	size_t step = min_t(unsigned long, copy->length, PAGE_SIZE - offset);

	if (pin_copy_writes(copy))
		memcpy_to_page(page, offset, copy->data, step);
	else
		memcpy_from_page(copy->data, page, offset, step);
	copy->byte += step;
	copy->data += step;
	copy->length -= step;
}

/* Who pays for memory that is pinned, with a reference. */
static struct pin_owner *origin_payer(const struct pin_origin *origin)
{
	if (origin->bill)
		return pin_bill_payer(origin->bill);
	pin_owner_get(origin->owner);
	return origin->owner;
}

/**
 * pin_origin_trace_pin() - Let tracepoints say that pages are pinned
 * @origin: the memory; nothing is said if it is not pinned
 * @npages: how many pages
 *
 * Context: may sleep. Of use only if somebody listens.
 */
void pin_origin_trace_pin(const struct pin_origin *origin,
			  unsigned long npages)
{
	struct pin_owner *payer;

	if (!origin->ops->pinned)
		return;
	payer = origin_payer(origin);
	trace_iommufd_pin(payer->pid, npages);
	pin_owner_put(payer);
}

/**
 * pin_origin_trace_unpin() - Let tracepoints say that pages are unpinned
 * @origin: the memory; nothing is said if it is not pinned
 * @npages: how many pages
 *
 * Context: may sleep. Of use only if somebody listens.
 */
void pin_origin_trace_unpin(const struct pin_origin *origin,
			    unsigned long npages)
{
	struct pin_owner *payer;

	if (!origin->ops->pinned)
		return;
	payer = origin_payer(origin);
	trace_iommufd_unpin(payer->pid, npages);
	pin_owner_put(payer);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Pinning the pages of a user address space, and letting them go.
 */
#include "pin.h"

#include <linux/jump_label.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "account.h"
#include "lib/pfn_batch.h"
#include "lib/test_hooks.h"
#include "pin_leaf.h"

/* Huge pages begin at multiples of this; reading goes from one to the next. */
#define BLOCK_PAGES (PMD_SIZE / PAGE_SIZE)

/* For fewer pages looking for a huge one costs more than it may save. */
#define PROBE_MIN_PAGES 32

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

/*
 * Folio by folio. The function that marks pages dirty is the slower one, and
 * they mostly are.
 */
static void release_run(unsigned long pfn, unsigned long npages, bool dirty)
{
	unsigned int count = 0;

	while (npages) {
		struct folio *folio = pinned_folio(pfn);
		unsigned long step = 1;

		if (folio && folio_test_large(folio))
			step = min(npages, pages_in_folio(folio, pfn));
		if (folio && dirty && !folio_test_dirty(folio))
			unpin_user_page_range_dirty_lock(pfn_to_page(pfn), step,
							 true);
		else if (folio)
			unpin_user_folio(folio, step);
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
	cursor->small_end = 0;
}

static void free_pages_array(struct pin_cursor *cursor)
{
	if (cursor->pages != cursor->inline_pages)
		kfree(cursor->pages);
}

/*
 * Make an empty cursor large enough. Without memory it keeps its size, and
 * reading takes more steps.
 */
static void pin_cursor_grow(struct pin_cursor *cursor, size_t capacity)
{
	struct page **pages;

	capacity = iommufd_buffer_limit(capacity, sizeof(*pages));
	if (capacity <= cursor->capacity)
		return;
	pages = kmalloc_array(capacity, sizeof(*pages),
			      GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
	if (!pages)
		return;
	free_pages_array(cursor);
	cursor->pages = pages;
	cursor->capacity = capacity;
}

/**
 * pin_cursor_destroy() - Let go of pages that no batch has taken
 * @cursor: any state
 *
 * Those pages have not been shown to a device, so they are not dirty.
 *
 * Context: may sleep.
 */
void pin_cursor_destroy(struct pin_cursor *cursor)
{
	if (cursor->next < cursor->end)
		unpin_user_pages(cursor->pages + cursor->next,
				 cursor->end - cursor->next);
	if (cursor->leaf.npages)
		release_run(cursor->leaf.pfn, cursor->leaf.npages, false);
	free_pages_array(cursor);
}

static long pin_remote(const struct pin_origin *origin, unsigned long address,
		       unsigned long npages, unsigned int gup_flags,
		       struct page **pages)
{
	struct mm_struct *mm = origin->owner->mm;
	int locked = 1;
	long rc;

	if (!mmget_not_zero(mm))
		return -EFAULT;
	if (mmap_read_lock_killable(mm)) {
		rc = -EINTR;
		goto out_mmput;
	}
	rc = pin_user_pages_remote(mm, address, npages, gup_flags, pages,
				   &locked);
	if (locked)
		mmap_read_unlock(mm);
out_mmput:
	/* Not here: the last reference may close files and end at our own. */
	mmput_async(mm);
	return rc;
}

/* Pin up to @npages, not 0; returns how many, or an error. */
static long pin_some(const struct pin_origin *origin, unsigned long index,
		     unsigned long npages, struct page **pages)
{
	unsigned int gup_flags = FOLL_LONGTERM;
	unsigned long address = origin->address + index * PAGE_SIZE;
	long rc;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (iommufd_should_fail())
		return -ENOMEM;
	if (origin->writable)
		gup_flags |= FOLL_WRITE;
	if (origin->owner->mm == current->mm)
		rc = pin_user_pages_fast(address, npages, gup_flags, pages);
	else
		rc = pin_remote(origin, address, npages, gup_flags, pages);
	/* What a task gets that is killed while it waits for the mmap lock. */
	if (rc == -EAGAIN && fatal_signal_pending(current))
		return -EINTR;
	return rc ?: -EFAULT;
}

/**
 * pin_origin_page() - Pin one page
 * @origin: the memory
 * @index: the page
 * @pfn: receives its PFN
 *
 * Context: may sleep, takes the mmap lock.
 * Return: as pin_origin_read().
 */
int pin_origin_page(const struct pin_origin *origin, unsigned long index,
		    unsigned long *pfn)
{
	struct page *page;
	long rc = pin_some(origin, index, 1, &page);

	if (rc < 0)
		return rc;
	*pfn = page_to_pfn(page);
	return 0;
}

static int pin_array(const struct pin_origin *origin, struct pin_cursor *cursor,
		     unsigned long index, unsigned long npages)
{
	long rc = pin_some(origin, index, npages, cursor->pages);

	if (rc < 0)
		return rc;
	cursor->next = 0;
	cursor->end = rc;
	return 0;
}

/*
 * Pin one page and, if it belongs to a huge one, what follows of that. If not,
 * there is no huge page before @small_end either.
 */
static int pin_probe(const struct pin_origin *origin, struct pin_cursor *cursor,
		     unsigned long index, unsigned long npages,
		     unsigned long small_end)
{
	struct page *page;
	int rc;

	rc = pin_array(origin, cursor, index, 1);
	if (rc)
		return rc;
	page = cursor->pages[0];
	npages = min(npages, pin_leaf_pages(page, origin->address +
						  index * PAGE_SIZE,
					    origin->writable));
	if (npages == 1) {
		cursor->small_end = small_end;
		return 0;
	}
	if (!pin_leaf_extend(page, npages))
		return -ENOMEM;
	cursor->leaf.pfn = page_to_pfn(page);
	cursor->leaf.npages = npages;
	cursor->end = 0;
	return 0;
}

static int pin_cursor_refill(const struct pin_origin *origin,
			     struct pin_cursor *cursor, unsigned long index,
			     unsigned long npages)
{
	unsigned long block = BLOCK_PAGES - (origin->address / PAGE_SIZE +
					     index) % BLOCK_PAGES;

	if (static_branch_likely(&pin_leaf_direct) &&
	    min(npages, block) >= PROBE_MIN_PAGES &&
	    index >= cursor->small_end && origin->owner->mm == current->mm)
		return pin_probe(origin, cursor, index, npages, index + block);
	npages = min(npages, block);
	if (npages > cursor->capacity)
		pin_cursor_grow(cursor, BLOCK_PAGES);
	return pin_array(origin, cursor, index,
			 min_t(unsigned long, npages, cursor->capacity));
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
 * Context: may sleep, takes the mmap lock.
 * Return: 0, with the batch full or all pages read; -EFAULT if memory is not
 * there, may not be written, may not be pinned for long, or its process is
 * gone; -EOPNOTSUPP for memory that can never be pinned for long, such as DAX
 * files; -ENOMEM, also if a huge page has too many references; -EINTR on a fatal
 * signal.
 */
int pin_origin_read(const struct pin_origin *origin, struct pin_cursor *cursor,
		    unsigned long index, unsigned long npages,
		    struct pfn_batch *batch)
{
	for (;;) {
		unsigned long taken;

		if (pin_cursor_empty(cursor)) {
			int rc = pin_cursor_refill(origin, cursor, index,
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
 * Marks the pages dirty if they were pinned for writing.
 *
 * Context: may sleep.
 */
void pin_release_run(const struct pin_origin *origin, unsigned long pfn,
		     unsigned long npages)
{
	release_run(pfn, npages, origin->writable);
}

/**
 * pin_release() - Unpin pages of a batch
 * @origin: the memory that they were pinned from
 * @iter: on the first one; at the end of its walk afterwards
 *
 * Marks the pages dirty if they were pinned for writing.
 *
 * Context: may sleep.
 */
void pin_release(const struct pin_origin *origin, struct pfn_batch_iter *iter)
{
	for (; iter->npages; pfn_batch_iter_next(iter))
		release_run(iter->pfn, iter->npages, origin->writable);
}

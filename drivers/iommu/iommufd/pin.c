// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Pinning the pages of a user address space, and letting them go.
 */
#include "pin.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "mock/test_hooks.h"
#include "pfn_batch.h"

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
}

static void free_pages_array(struct pin_cursor *cursor)
{
	if (cursor->pages != cursor->inline_pages)
		kfree(cursor->pages);
}

/**
 * pin_cursor_grow() - Make an empty cursor large enough for a long read
 * @cursor: holding no pages
 * @npages: that are going to be read
 *
 * Without memory the cursor keeps its size, and reading takes more steps.
 *
 * Context: may sleep.
 */
void pin_cursor_grow(struct pin_cursor *cursor, unsigned long npages)
{
	size_t capacity = min_t(size_t, npages,
				PIN_CURSOR_MAX_BYTES / sizeof(*cursor->pages));
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
	unpin_user_pages(cursor->pages + cursor->next,
			 cursor->end - cursor->next);
	free_pages_array(cursor);
}

static long pin_remote(const struct pin_origin *origin, unsigned long address,
		       unsigned long npages, unsigned int gup_flags,
		       struct page **pages)
{
	int locked = 1;
	long rc;

	if (!mmget_not_zero(origin->mm))
		return -EFAULT;
	if (mmap_read_lock_killable(origin->mm)) {
		rc = -EINTR;
		goto out_mmput;
	}
	rc = pin_user_pages_remote(origin->mm, address, npages, gup_flags,
				   pages, &locked);
	if (locked)
		mmap_read_unlock(origin->mm);
out_mmput:
	/* Not here: the last reference may close files and end at our own. */
	mmput_async(origin->mm);
	return rc;
}

static int pin_cursor_refill(const struct pin_origin *origin,
			     struct pin_cursor *cursor, unsigned long index,
			     unsigned long npages)
{
	unsigned int gup_flags = FOLL_LONGTERM;
	unsigned long address = origin->address + index * PAGE_SIZE;
	long rc;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (iommufd_should_fail())
		return -ENOMEM;
	cond_resched();

	npages = min_t(unsigned long, npages, cursor->capacity);
	if (origin->writable)
		gup_flags |= FOLL_WRITE;
	if (origin->mm == current->mm)
		rc = pin_user_pages_fast(address, npages, gup_flags,
					 cursor->pages);
	else
		rc = pin_remote(origin, address, npages, gup_flags,
				cursor->pages);
	/* What a task gets that is killed while it waits for the mmap lock. */
	if (rc == -EAGAIN && fatal_signal_pending(current))
		return -EINTR;
	if (rc <= 0)
		return rc ?: -EFAULT;
	cursor->next = 0;
	cursor->end = rc;
	return 0;
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
 * files; -ENOMEM; -EINTR on a fatal signal.
 */
int pin_origin_read(const struct pin_origin *origin, struct pin_cursor *cursor,
		    unsigned long index, unsigned long npages,
		    struct pfn_batch *batch)
{
	while (npages) {
		unsigned long taken, offered;

		if (cursor->next == cursor->end) {
			int rc = pin_cursor_refill(origin, cursor, index,
						   npages);

			if (rc)
				return rc;
		}
		offered = min_t(unsigned long, npages,
				cursor->end - cursor->next);
		taken = pfn_batch_add_pages(batch, cursor->pages + cursor->next,
					    offered);
		cursor->next += taken;
		index += taken;
		npages -= taken;
		if (taken < offered)
			break;
	}
	return 0;
}

/**
 * pin_release() - Unpin pages of a batch
 * @origin: the memory that they were pinned from
 * @batch: holds their PFNs
 * @first: index of the first page to unpin, counted from the start of @batch
 * @npages: how many
 *
 * Marks the pages dirty if they were pinned for writing.
 *
 * Context: may sleep.
 */
void pin_release(const struct pin_origin *origin, const struct pfn_batch *batch,
		 unsigned long first, unsigned long npages)
{
	struct pfn_batch_iter iter;

	pfn_batch_for_each_run(&iter, batch, first, npages)
		unpin_user_page_range_dirty_lock(pfn_to_page(iter.pfn),
						 iter.npages,
						 origin->writable);
}

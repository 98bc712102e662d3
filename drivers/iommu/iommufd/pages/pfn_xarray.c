// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Tier one: PFNs in the xarray of the pages.
 */
#include "pfn_xarray.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "iopt_types.h"
#include "lib/pfn_batch.h"

/* Entries that are visited before others get their turn. */
#define XARRAY_STEP 1024UL

/**
 * pfn_xarray_read() - Append PFNs out of the xarray to a batch
 * @pages: the memory
 * @index: first page index
 * @last: last page index, inclusive
 * @batch: to append to; reading stops when it is full
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
void pfn_xarray_read(struct iopt_pages *pages, unsigned long index,
		     unsigned long last, struct pfn_batch *batch)
{
	XA_STATE(xas, &pages->pinned_pfns, index);
	unsigned long count = 0;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	rcu_read_lock();
	xas_for_each(&xas, entry, last) {
		if (xas_retry(&xas, entry))
			continue;
		if (!pfn_batch_add(batch, xa_to_value(entry), 1))
			break;
		if (++count % XARRAY_STEP)
			continue;
		xas_pause(&xas);
		rcu_read_unlock();
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
}

/**
 * pfn_xarray_to_pages() - Read pages out of the xarray
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive; all of them are stored there
 * @out_pages: receives the struct page of each
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
void pfn_xarray_to_pages(struct iopt_pages *pages, unsigned long start,
			 unsigned long last, struct page **out_pages)
{
	XA_STATE(xas, &pages->pinned_pfns, start);
	unsigned long index;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	rcu_read_lock();
	entry = xas_load(&xas);
	for (index = start; index <= last; index++) {
		*out_pages++ = pfn_to_page(xa_to_value(entry));
		if (index % XARRAY_STEP == XARRAY_STEP - 1) {
			xas_pause(&xas);
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
		entry = xas_next(&xas);
	}
	rcu_read_unlock();
}

/* Returns pages that are stored, fewer if memory is needed for more. */
static unsigned long xarray_store(struct xa_state *xas,
				  struct page **from_pages,
				  unsigned long npages)
{
	unsigned long i;

	xas_lock(xas);
	for (i = 0; i < npages; i++) {
		xas_store(xas, xa_mk_value(page_to_pfn(from_pages[i])));
		if (xas_error(xas))
			break;
		xas_next(xas);
	}
	xas_unlock(xas);
	return i;
}

/**
 * pfn_xarray_write() - Store pages in the xarray
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 * @from_pages: the struct page of each
 *
 * Context: @pages->mutex held, may sleep.
 * Return: 0; -ENOMEM, with nothing stored.
 */
int pfn_xarray_write(struct iopt_pages *pages, unsigned long start,
		     unsigned long last, struct page **from_pages)
{
	XA_STATE(xas, &pages->pinned_pfns, start);
	unsigned long left = last - start + 1;

	lockdep_assert_held(&pages->mutex);

	for (;;) {
		unsigned long stored = xarray_store(&xas, from_pages,
						    min(left, XARRAY_STEP));

		from_pages += stored;
		left -= stored;
		if (xas_nomem(&xas, GFP_KERNEL_ACCOUNT))
			continue;
		if (!left || xas_error(&xas))
			break;
		cond_resched();
	}
	if (left && xas.xa_index > start)
		pfn_xarray_erase(pages, start, xas.xa_index - 1);
	return xas_error(&xas);
}

/* Give others their turn. xas_pause() skips what follows a node that went. */
static void xarray_pause(struct xa_state *xas)
{
	xas_set(xas, xas->xa_index + 1);
	xas_unlock(xas);
	cond_resched();
	xas_lock(xas);
}

/**
 * pfn_xarray_take() - Move PFNs from the xarray to a batch
 * @pages: the memory
 * @index: first page index
 * @last: last page index, inclusive
 * @batch: to append to; what does not fit stays in the xarray
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
void pfn_xarray_take(struct iopt_pages *pages, unsigned long index,
		     unsigned long last, struct pfn_batch *batch)
{
	XA_STATE(xas, &pages->pinned_pfns, index);
	unsigned long count = 0;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	xas_lock(&xas);
	xas_for_each(&xas, entry, last) {
		if (!pfn_batch_add(batch, xa_to_value(entry), 1))
			break;
		xas_store(&xas, NULL);
		if (++count % XARRAY_STEP == 0)
			xarray_pause(&xas);
	}
	xas_unlock(&xas);
}

/**
 * pfn_xarray_erase() - Drop PFNs from the xarray
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
void pfn_xarray_erase(struct iopt_pages *pages, unsigned long start,
		      unsigned long last)
{
	XA_STATE(xas, &pages->pinned_pfns, start);
	unsigned long count = 0;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	xas_lock(&xas);
	xas_for_each(&xas, entry, last) {
		xas_store(&xas, NULL);
		if (++count % XARRAY_STEP == 0)
			xarray_pause(&xas);
	}
	xas_unlock(&xas);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Tier one: PFNs in the xarray of the pages.
 */
#include "pfn_xarray.h"

#include <linux/sched.h>

#include "iopt_types.h"
#include "lib/pfn_batch.h"

/* Entries that are visited before others get their turn. */
#define XARRAY_STEP 1024

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
	unsigned int count = 0;
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
 * pfn_xarray_write() - Store PFNs of a batch in the xarray
 * @pages: the memory
 * @batch: the PFNs
 * @start: index of the first page
 *
 * Context: @pages->mutex held, may sleep.
 * Return: 0; -ENOMEM, with nothing stored.
 */
int pfn_xarray_write(struct iopt_pages *pages, const struct pfn_batch *batch,
		     unsigned long start)
{
	XA_STATE(xas, &pages->pinned_pfns, start);
	struct pfn_batch_iter iter;

	lockdep_assert_held(&pages->mutex);

	pfn_batch_for_each_run(&iter, batch, 0, batch->npages) {
		unsigned long i;

		for (i = 0; i < iter.npages; i++) {
			do {
				xas_lock(&xas);
				xas_store(&xas, xa_mk_value(iter.pfn + i));
				if (!xas_error(&xas))
					xas_next(&xas);
				xas_unlock(&xas);
			} while (xas_nomem(&xas, GFP_KERNEL_ACCOUNT));
			if (xas_error(&xas))
				goto err_erase;
			if (i % XARRAY_STEP == XARRAY_STEP - 1)
				cond_resched();
		}
	}
	return 0;

err_erase:
	if (xas.xa_index > start)
		pfn_xarray_erase(pages, start, xas.xa_index - 1);
	return xas_error(&xas);
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
	unsigned int count = 0;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	xas_lock(&xas);
	xas_for_each(&xas, entry, last) {
		xas_store(&xas, NULL);
		if (++count % XARRAY_STEP)
			continue;
		/* xas_pause() skips what comes behind a node that went. */
		xas_set(&xas, xas.xa_index + 1);
		xas_unlock(&xas);
		cond_resched();
		xas_lock(&xas);
	}
	xas_unlock(&xas);
}

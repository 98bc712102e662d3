// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Copying memory for the kernel, without storing or pinning anything.
 *
 * Whoever has the memory copies by user address, and some others have a quick way
 * that the origin knows. Anybody else finds the pages first: in the tier that stores
 * them or, page by page, where they come from. So what is pinned can be reached
 * even when its process is gone.
 */
#include "pages_rw.h"

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/iommufd.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include "iopt_types.h"
#include "lib/pfn_batch.h"
#include "pfn_span.h"
#include "pfn_storage.h"
#include "pin/account.h"
#include "pin/pin.h"
#include "pin/pin_user.h"

/**
 * struct iopt_rw - A copy by somebody who is not the owner of the memory
 * @pages: the memory
 * @origin: where it comes from, with a reference to the owner
 * @copy: what is left to copy
 */
struct iopt_rw {
	struct iopt_pages *pages;
	struct pin_origin origin;
	struct pin_copy copy;
};

/* Copy the pages of a span that a tier stores. They are pinned, so they stay. */
static void rw_stored(struct iopt_rw *rw, const struct pfn_span *span)
{
	unsigned long index = span->start;
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	while (index <= span->last) {
		struct pfn_batch_iter iter;

		pfn_batch_clear(&batch);
		pfn_storage_read(rw->pages, span, index, &batch);
		pfn_batch_for_each_run(&iter, &batch, 0, batch.npages) {
			unsigned long i;

			for (i = 0; i < iter.npages; i++) {
				struct page *page = pfn_to_page(iter.pfn + i);

				pin_copy_page(&rw->copy, page);
				cond_resched();
			}
		}
		index += batch.npages;
	}
	pfn_batch_destroy(&batch);
}

/* Copy what a tier stores, if it does; else tell up to where it does not. */
static bool rw_from_tier(struct iopt_rw *rw, unsigned long *last)
{
	unsigned long index = rw->copy.byte / PAGE_SIZE;
	struct pfn_span span;
	bool stored;

	/* What is not pinned may go at any time, wherever it is stored. */
	if (!rw->origin.ops->pinned)
		return false;
	mutex_lock(&rw->pages->mutex);
	pfn_span_find(&span, rw->pages, index, *last);
	stored = span.tier != PFN_TIER_ORIGIN;
	if (stored)
		rw_stored(rw, &span);
	mutex_unlock(&rw->pages->mutex);
	*last = span.last;
	return stored;
}

/*
 * Pages that no tier stores may be stored by the time they are copied: a page
 * fault takes as long as user space likes, so no lock is held.
 */
static int rw_pages(struct iopt_rw *rw)
{
	struct pin_copy *copy = &rw->copy;
	unsigned long end = (copy->byte + copy->length - 1) / PAGE_SIZE;
	int rc = 0;

	while (!rc && copy->length) {
		unsigned long last = end;

		if (!rw_from_tier(rw, &last))
			rc = rw->origin.ops->copy_pages(&rw->origin, copy,
							last);
		cond_resched();
	}
	return rc;
}

static int rw_by_origin(struct iopt_pages *pages, struct pin_copy *copy)
{
	struct iopt_rw rw = { .pages = pages, .copy = *copy };
	int rc = -EAGAIN;

	mutex_lock(&pages->mutex);
	rw.origin = pages->origin;
	/* Without one, the area keeps all that the origin refers to. */
	if (rw.origin.owner)
		pin_owner_get(rw.origin.owner);
	mutex_unlock(&pages->mutex);

	if (!(copy->flags & __IOMMUFD_ACCESS_RW_SLOW_PATH) &&
	    rw.origin.ops->copy_at_once)
		rc = rw.origin.ops->copy_at_once(&rw.origin, &rw.copy);
	if (rc == -EAGAIN)
		rc = rw_pages(&rw);
	if (rw.origin.owner)
		pin_owner_put(rw.origin.owner);
	return rc;
}

/* Where the calling process has the memory; NULL if it is not the owner's. */
static void __user *pages_user_address(struct iopt_pages *pages,
				       unsigned long byte)
{
	guard(mutex)(&pages->mutex);
	return pin_origin_address(&pages->origin, byte);
}

/**
 * iopt_pages_rw_access() - Copy between a kernel buffer and a piece of memory
 * @pages: the memory
 * @copy: what to copy; __IOMMUFD_ACCESS_RW_SLOW_PATH in its flags to go through
 *        pages in any case
 *
 * The copy goes on with the origin that the memory has when it begins, whatever
 * becomes of that.
 *
 * Context: may sleep, takes the mutex of the pages.
 * Return: 0; -EPERM for writing to memory that was mapped for reading; -EFAULT
 * if memory is not there, or its process is gone and it is not pinned; -EINTR
 * on a fatal signal. On failure some bytes may have been copied.
 */
int iopt_pages_rw_access(struct iopt_pages *pages, struct pin_copy *copy)
{
	lockdep_assert_not_held(&pages->mutex);

	if (pin_copy_writes(copy) && !pages->origin.writable)
		return -EPERM;
	if (!(copy->flags & __IOMMUFD_ACCESS_RW_SLOW_PATH)) {
		void __user *user = pages_user_address(pages, copy->byte);

		if (user)
			return pin_copy_user(copy, user);
	}
	return rw_by_origin(pages, copy);
}

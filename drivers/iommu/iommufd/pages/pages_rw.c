// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Copying memory for the kernel, without storing or pinning anything.
 *
 * The process that mapped the memory, and a kernel thread that may borrow its
 * address space, copy by user address. Anybody else finds the pages first: in
 * the tier that stores them or, page by page, in the address space they come
 * from. So what is pinned can be reached even when its process is gone.
 */
#include "pages_rw.h"

#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "iopt_types.h"
#include "lib/pfn_batch.h"
#include "pfn_storage.h"
#include "pin/account.h"

static bool rw_writes(const struct iopt_rw *rw)
{
	return rw->flags & IOMMUFD_ACCESS_RW_WRITE;
}

static int rw_user(const struct iopt_rw *rw)
{
	void __user *user = (void __user *)(rw->origin.address + rw->byte);
	unsigned long left;

	if (rw_writes(rw))
		left = copy_to_user(user, rw->data, rw->length);
	else
		left = copy_from_user(rw->data, user, rw->length);
	return left ? -EFAULT : 0;
}

static int rw_borrowed(const struct iopt_rw *rw)
{
	struct mm_struct *mm = rw->origin.owner->mm;
	int rc;

	kthread_use_mm(mm);
	rc = rw_user(rw);
	kthread_unuse_mm(mm);
	return rc;
}

/* Copy what lies in one page, and step on. */
static void rw_page(struct iopt_rw *rw, struct page *page)
{
	size_t offset = offset_in_page(rw->byte);
	size_t step = min_t(unsigned long, rw->length, PAGE_SIZE - offset);

	if (rw_writes(rw))
		memcpy_to_page(page, offset, rw->data, step);
	else
		memcpy_from_page(rw->data, page, offset, step);
	rw->byte += step;
	rw->data += step;
	rw->length -= step;
}

/*
 * Who writes to a page pins it, so that its file system knows: to one that is
 * only referenced it may not expect writes. Who reads need not, and pinning might
 * copy a page that several processes share.
 */
static long get_origin_page(const struct iopt_rw *rw, struct page **page,
			    int *locked)
{
	const struct pin_origin *origin = &rw->origin;
	unsigned long address = origin->address + (rw->byte & PAGE_MASK);

	if (rw_writes(rw))
		return pin_user_pages_remote(origin->owner->mm, address, 1,
					     FOLL_WRITE, page, locked);
	return get_user_pages_remote(origin->owner->mm, address, 1, 0, page,
				     locked);
}

static int rw_origin_page(struct iopt_rw *rw)
{
	struct mm_struct *mm = rw->origin.owner->mm;
	struct page *page;
	int locked = 1;
	long rc;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	rc = get_origin_page(rw, &page, &locked);
	if (locked)
		mmap_read_unlock(mm);
	if (rc != 1)
		return rc ?: -EFAULT;
	rw_page(rw, page);
	if (rw_writes(rw))
		unpin_user_pages_dirty_lock(&page, 1, true);
	else
		put_page(page);
	return 0;
}

/*
 * Copy the pages up to @last, which no tier stores; or has not, since a page
 * fault may take as long as user space likes.
 */
static int rw_origin(struct iopt_rw *rw, unsigned long last)
{
	struct mm_struct *mm = rw->origin.owner->mm;
	int rc = 0;

	if (!mmget_not_zero(mm))
		return -EFAULT;
	while (!rc && rw->length && rw->byte / PAGE_SIZE <= last)
		rc = fatal_signal_pending(current) ? -EINTR :
						     rw_origin_page(rw);
	/* Not here: the last reference may close files and end at our own. */
	mmput_async(mm);
	return rc;
}

/* Copy the pages of a span that a tier stores. They are pinned, so they stay. */
static void rw_stored(struct iopt_rw *rw, const struct pfn_span *span)
{
	unsigned long index = span->start;
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	while (index <= span->last) {
		struct pfn_batch_iter iter;

		pfn_batch_clear(&batch);
		if (span->tier == PFN_TIER_XARRAY)
			pfn_storage_read_xarray(rw->pages, index, span->last,
						&batch);
		else
			pfn_storage_read_domain(span->area,
						span->area->storage_domain,
						index, span->last, &batch);
		pfn_batch_for_each_run(&iter, &batch, 0, batch.npages) {
			unsigned long i;

			for (i = 0; i < iter.npages; i++) {
				rw_page(rw, pfn_to_page(iter.pfn + i));
				cond_resched();
			}
		}
		index += batch.npages;
	}
	pfn_batch_destroy(&batch);
}

static int rw_pages(struct iopt_rw *rw)
{
	unsigned long last = (rw->byte + rw->length - 1) / PAGE_SIZE;
	int rc = 0;

	while (!rc && rw->length) {
		struct pfn_span span;

		mutex_lock(&rw->pages->mutex);
		pfn_span_find(&span, rw->pages, rw->byte / PAGE_SIZE, last);
		if (span.tier != PFN_TIER_ORIGIN)
			rw_stored(rw, &span);
		mutex_unlock(&rw->pages->mutex);
		if (span.tier == PFN_TIER_ORIGIN)
			rc = rw_origin(rw, span.last);
		cond_resched();
	}
	return rc;
}

/* Is there an address space to copy by, and whose? */
static bool rw_may_borrow(const struct iopt_rw *rw)
{
	return (rw->flags & IOMMUFD_ACCESS_RW_KTHREAD) &&
	       (current->flags & PF_KTHREAD) && !current->mm &&
	       mmget_not_zero(rw->origin.owner->mm);
}

/**
 * iopt_rw_begin() - Get ready to copy
 * @rw: with its pages; the origin is set
 *
 * Context: @rw->pages->mutex held.
 */
void iopt_rw_begin(struct iopt_rw *rw)
{
	lockdep_assert_held(&rw->pages->mutex);

	rw->origin = rw->pages->origin;
	pin_owner_get(rw->origin.owner);
}

/**
 * iopt_rw_end() - Undo iopt_rw_begin()
 * @rw: to be ended
 *
 * Context: may sleep.
 */
void iopt_rw_end(struct iopt_rw *rw)
{
	pin_owner_put(rw->origin.owner);
}

/**
 * iopt_pages_rw_access() - Copy between a kernel buffer and a piece of memory
 * @rw: what to copy, between iopt_rw_begin() and iopt_rw_end()
 *
 * Context: may sleep, takes the mutex of the pages.
 * Return: 0; -EPERM for writing to memory that was mapped for reading; -EFAULT
 * if memory is not there, or its process is gone and it is not pinned; -EINTR
 * on a fatal signal. On failure some bytes may have been copied.
 */
int iopt_pages_rw_access(struct iopt_rw *rw)
{
	struct mm_struct *mm = rw->origin.owner->mm;

	if (rw_writes(rw) && !rw->pages->writable)
		return -EPERM;
	if (rw->flags & __IOMMUFD_ACCESS_RW_SLOW_PATH)
		return rw_pages(rw);
	if (mm == current->mm)
		return rw_user(rw);
	if (rw_may_borrow(rw)) {
		int rc = rw_borrowed(rw);

		mmput_async(mm);
		return rc;
	}
	return rw_pages(rw);
}

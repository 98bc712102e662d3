// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Memory of a process: pinning it by address, and copying it.
 */
#include "pin_user.h"

#include <linux/errno.h>
#include <linux/iommufd.h>
#include <linux/jump_label.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "account.h"
#include "lib/test_hooks.h"
#include "lib/trace.h"
#include "pin.h"
#include "pin_leaf.h"

/* Huge pages begin at multiples of this; pinning goes from one to the next. */
#define BLOCK_PAGES (PMD_SIZE / PAGE_SIZE)

/* For fewer pages looking for a huge one costs more than it may save. */
#define PROBE_MIN_PAGES 32

static long pin_user_remote(const struct pin_origin *origin,
			    unsigned long address,
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
static long pin_user_gup(const struct pin_origin *origin, unsigned long index,
			 unsigned long npages, struct page **pages)
{
	unsigned int gup_flags = FOLL_LONGTERM;
	unsigned long address = origin->start + index * PAGE_SIZE;
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
		rc = pin_user_remote(origin, address, npages, gup_flags, pages);
	/* What a task gets that is killed while it waits for the mmap lock. */
	if (rc == -EAGAIN && fatal_signal_pending(current))
		return -EINTR;
	if (rc > 0)
		return rc;
	return iommufd_refuse(rc ?: -EFAULT, IOMMUFD_REFUSE_MEMORY, address,
			      npages);
}

static int pin_user_one(const struct pin_origin *origin, unsigned long index,
			unsigned long *pfn)
{
	struct page *page;
	long rc = pin_user_gup(origin, index, 1, &page);

	if (rc < 0)
		return rc;
	*pfn = page_to_pfn(page);
	return 0;
}

static int pin_user_array(const struct pin_origin *origin,
			  struct pin_cursor *cursor,
			  unsigned long index, unsigned long npages)
{
	long rc = pin_user_gup(origin, index, npages, cursor->pages);

	if (rc < 0)
		return rc;
	cursor->next = 0;
	cursor->end = rc;
	return 0;
}

/*
 * Pin one page and, if it belongs to a huge one, what follows of that. If not,
 * there is no huge page before @next_block either.
 */
static int pin_user_probe(const struct pin_origin *origin,
			  struct pin_cursor *cursor,
			  unsigned long index, unsigned long npages,
			  unsigned long next_block)
{
	struct page *page;
	int rc;

	rc = pin_user_array(origin, cursor, index, 1);
	if (rc)
		return rc;
	page = cursor->pages[0];
	npages = min(npages, pin_leaf_pages(page, origin->start +
						  index * PAGE_SIZE,
					    origin->writable));
	if (npages == 1) {
		cursor->probe_from = next_block;
		return 0;
	}
	if (!pin_leaf_extend(page, npages))
		return -ENOMEM;
	cursor->leaf.pfn = page_to_pfn(page);
	cursor->leaf.npages = npages;
	cursor->end = 0;
	return 0;
}

static int pin_user_some(const struct pin_origin *origin,
			 struct pin_cursor *cursor, unsigned long index,
			 unsigned long npages)
{
	unsigned long block = BLOCK_PAGES - (origin->start / PAGE_SIZE +
					     index) % BLOCK_PAGES;

	if (static_branch_likely(&pin_leaf_direct) &&
	    min(npages, block) >= PROBE_MIN_PAGES &&
	    index >= cursor->probe_from && origin->owner->mm == current->mm)
		return pin_user_probe(origin, cursor, index, npages,
				      index + block);
	npages = min(npages, block);
	if (npages > cursor->capacity)
		pin_cursor_grow(cursor, BLOCK_PAGES);
	return pin_user_array(origin, cursor, index,
			      min_t(unsigned long, npages, cursor->capacity));
}

/**
 * pin_copy_user() - Copy all by user address
 * @copy: the copy
 * @user: where the calling process has the next byte
 *
 * Context: process context, may sleep, and wait for page faults.
 * Return: 0; -EFAULT, with some bytes copied.
 */
int pin_copy_user(struct pin_copy *copy, void __user *user)
{
	unsigned long left;

	if (pin_copy_writes(copy))
		left = copy_to_user(user, copy->data, copy->length);
	else
		left = copy_from_user(copy->data, user, copy->length);
	return left ? -EFAULT : 0;
}

/* May this be a kernel thread that borrows the address space? */
static bool pin_copy_may_borrow(const struct pin_copy *copy)
{
	return (copy->flags & IOMMUFD_ACCESS_RW_KTHREAD) &&
	       (current->flags & PF_KTHREAD) && !current->mm;
}

/* A kernel thread that may borrow an address space copies by user address. */
static int pin_user_copy_at_once(const struct pin_origin *origin,
				 struct pin_copy *copy)
{
	void __user *user = (void __user *)(origin->start + copy->byte);
	struct mm_struct *mm = origin->owner->mm;
	int rc;

	if (!pin_copy_may_borrow(copy) || !mmget_not_zero(mm))
		return -EAGAIN;
	kthread_use_mm(mm);
	rc = pin_copy_user(copy, user);
	kthread_unuse_mm(mm);
	mmput_async(mm);
	return rc;
}

/*
 * Whoever writes to a page pins it, so that its file system knows: to one that
 * is only referenced it may not expect writes. Whoever reads need not pin.
 * That might copy a page that several processes share.
 */
static long pin_user_get_remote(const struct pin_origin *origin,
				const struct pin_copy *copy, struct page **page,
				int *locked)
{
	unsigned long address = origin->start + (copy->byte & PAGE_MASK);
	struct mm_struct *mm = origin->owner->mm;

	if (pin_copy_writes(copy))
		return pin_user_pages_remote(mm, address, 1, FOLL_WRITE, page,
					     locked);
	return get_user_pages_remote(mm, address, 1, 0, page, locked);
}

static int pin_user_copy_remote(const struct pin_origin *origin,
				struct pin_copy *copy)
{
	struct mm_struct *mm = origin->owner->mm;
	bool write = pin_copy_writes(copy);
	struct page *page;
	int locked = 1;
	long rc;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	rc = pin_user_get_remote(origin, copy, &page, &locked);
	if (locked)
		mmap_read_unlock(mm);
	if (rc != 1)
		return rc ?: -EFAULT;
	pin_copy_page(copy, page);
	if (write)
		unpin_user_pages_dirty_lock(&page, 1, true);
	else
		put_page(page);
	return 0;
}

static int pin_user_copy_pages(const struct pin_origin *origin,
			       struct pin_copy *copy, unsigned long last)
{
	struct mm_struct *mm = origin->owner->mm;
	int rc = 0;

	if (!mmget_not_zero(mm))
		return -EFAULT;
	while (!rc && copy->length && copy->byte / PAGE_SIZE <= last) {
		if (fatal_signal_pending(current))
			rc = -EINTR;
		else
			rc = pin_user_copy_remote(origin, copy);
	}
	/* Not here: the last reference may close files and end at our own. */
	mmput_async(mm);
	return rc;
}

static const struct pin_origin_ops pin_user_ops = {
	.pin_some = pin_user_some,
	.pin_one = pin_user_one,
	.copy_at_once = pin_user_copy_at_once,
	.copy_pages = pin_user_copy_pages,
	.by_address = true,
	.pinned = true,
};

/**
 * pin_user_origin() - Describe memory of a process
 * @origin: to be set up
 * @owner: the process; the reference becomes that of @origin
 * @address: user virtual address, a multiple of PAGE_SIZE
 * @writable: pin for writing
 *
 * Pinning and copying return: -EFAULT if memory is not there, may not be
 * written, may not be pinned for long, or its process is gone; -EOPNOTSUPP for
 * memory that can never be pinned for long, such as DAX files; -ENOMEM, also if
 * a huge page has too many references; -EINTR on a fatal signal. They take the
 * mmap lock of the process.
 *
 * Context: any.
 */
void pin_user_origin(struct pin_origin *origin, struct pin_owner *owner,
		     unsigned long address, bool writable)
{
	*origin = (struct pin_origin){
		.ops = &pin_user_ops,
		.owner = owner,
		.start = address,
		.writable = writable,
	};
}

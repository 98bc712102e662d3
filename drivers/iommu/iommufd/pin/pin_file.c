// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Memory of files that live in memory: pinning it by offset, and copying it. No
 * process need have it mapped, or be there at all.
 *
 * memfd_pin_folios() finds folios in the page cache and makes those that are
 * missing. It takes what it finds as it is, which is not enough:
 *
 * * A folio may have been taken out of the file, by truncation or for swap,
 *   while it was about to be pinned. It has to be looked for again.
 * * fallocate() leaves folios that nobody has cleared yet, since whoever uses
 *   them first is going to. A device must not see what they held before.
 * * For a hole in a file of huge pages it takes a page that is reserved,
 *   without asking whether one is. So it must never find such a hole.
 */
#include "pin_file.h"

#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/signal.h>
#include <linux/spinlock.h>
#include <uapi/linux/fcntl.h>

#include "bill.h"
#include "lib/test_hooks.h"
#include "lib/trace.h"
#include "pin.h"
#include "pin_leaf.h"

/* Folios that are pinned at a time, if they are small, and if they are large. */
#define STEP_SMALL 512
#define STEP_LARGE 16

/*
 * So often folios are looked for that others take out of the file at the same
 * time. It happens once if at all, but for those who do it on purpose.
 */
#define TRIES 100

/* A page cache entry of a small folio and its only page are the same. */
static_assert(offsetof(struct folio, page) == 0);

/*
 * A file can show the pages of another inode than its own, as those of coda may.
 * That inode has the size, the seals and the lock that count, but not for
 * memfd_pin_folios(), which looks at the size of the file's own.
 */
static bool shows_itself(struct file *file)
{
	return file->f_mapping->host == file_inode(file);
}

static const unsigned int *file_where_seals(struct file *file)
{
#ifdef CONFIG_HUGETLBFS
	if (is_file_hugepages(file))
		return &HUGETLBFS_I(file_inode(file))->seals;
#endif
	return &SHMEM_I(file_inode(file))->seals;
}

static unsigned int file_seals(struct file *file)
{
	/*
	 * They are added by plain writes, under the lock of the inode. One that
	 * is added just now may be seen or not.
	 */
	return data_race(READ_ONCE(*file_where_seals(file)));
}

static bool file_allows(struct file *file, bool writable)
{
	if (!(file->f_mode & FMODE_READ))
		return false;
	if (!writable)
		return true;
	return (file->f_mode & FMODE_WRITE) &&
	       !(file_seals(file) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
}

/**
 * pin_file_check() - Tell whether a file can be mapped
 * @file: the file
 * @writable: for devices to write
 *
 * It has to be open for reading in any case, as for mmap(). Many IOMMUs let
 * devices read whatever they may write, and a copy of the mapping may be for
 * reading.
 *
 * Context: any.
 * Return: 0; -EINVAL if it is none of shmem or hugetlbfs, which memfds are made
 * of, or only shows the pages of such a file; -EPERM if it is not open for
 * reading, or for @writable not for writing or sealed against it.
 */
int pin_file_check(struct file *file, bool writable)
{
	if ((!shmem_file(file) && !is_file_hugepages(file)) ||
	    !shows_itself(file))
		return iommufd_refuse(-EINVAL, IOMMUFD_REFUSE_FILE_KIND, 0, 0);
	if (!file_allows(file, writable))
		return iommufd_refuse(-EPERM, IOMMUFD_REFUSE_FILE_RIGHTS, 0, 0);
	return 0;
}

/* Page of the file that a page of the origin is. */
static pgoff_t file_index(const struct pin_origin *origin, unsigned long index)
{
	return origin->start / PAGE_SIZE + index;
}

static long find_and_pin(struct file *file, pgoff_t first, pgoff_t last,
			 struct folio **folios, unsigned int max,
			 unsigned long *skip)
{
	pgoff_t offset;
	long rc;

	/* It compares the last byte with the size, which may end in a page. */
	rc = memfd_pin_folios(file, (loff_t)first << PAGE_SHIFT,
			      (loff_t)last << PAGE_SHIFT, folios, max,
			      &offset);
	if (rc > 0)
		*skip = offset / PAGE_SIZE;
	return rc;
}

static bool huge_page_present(struct file *file, pgoff_t head)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, head);

	if (IS_ERR(folio))
		return false;
	folio_put(folio);
	return true;
}

/* How many there are one after the other, at most @max. */
static unsigned int huge_pages_present(struct file *file, pgoff_t first,
				       pgoff_t last, unsigned int max)
{
	unsigned long size = 1UL << huge_page_order(hstate_file(file));
	pgoff_t head = round_down(first, size);
	unsigned int count;

	for (count = 0; count < max && head <= last; count++) {
		if (!huge_page_present(file, head))
			break;
		head += size;
	}
	return count;
}

/* Signals that the program handles, which none that ends it is among. */
static void handled_signals(sigset_t *handled)
{
	struct sighand_struct *sighand;
	int sig;

	/* Nobody but current gives it another one. */
	sighand = rcu_dereference_protected(current->sighand, true);
	sigemptyset(handled);
	spin_lock_irq(&sighand->siglock);
	for (sig = 1; sig <= _NSIG; sig++) {
		__sighandler_t handler = sighand->action[sig - 1].sa.sa_handler;

		if (handler != SIG_DFL && handler != SIG_IGN)
			sigaddset(handled, sig);
	}
	spin_unlock_irq(&sighand->siglock);
}

/*
 * fallocate() minds what is reserved. It gives up at any signal, and with it
 * all would be undone and begun again, perhaps without end. So signals with a
 * handler wait. Others are not blocked: a blocked SIGTERM would not be fatal.
 *
 * One byte fills the page. More could lie beyond the end of the file, where
 * seals and RLIMIT_FSIZE forbid it, with SIGXFSZ even.
 */
static int fill_huge_hole(struct file *file, pgoff_t index)
{
	sigset_t blocked, before;
	int rc;

	handled_signals(&blocked);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	rc = file->f_op->fallocate(file, FALLOC_FL_KEEP_SIZE,
				   (loff_t)index << PAGE_SHIFT, 1);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* After an attempt to fill a hole: is the answer to be found in the file? */
static bool look_again(int rc)
{
	switch (rc) {
	case 0:
		return true;
	case -EINTR:
		/* A stop or a freeze may be over. Nobody restarts the call. */
		return !signal_pending(current);
	case -EFBIG:
	case -EPERM:
		/* It has become too short. By now it may be longer again. */
		return true;
	default:
		return false;
	}
}

/*
 * Whoever makes holes has the lock of the inode for write. Returns how many huge
 * pages are pinned, 0 to come again.
 */
static long find_and_pin_huge(struct file *file, pgoff_t first, pgoff_t last,
			      struct folio **folios, unsigned int max,
			      unsigned long *skip)
{
	struct inode *inode = file_inode(file);
	long rc = 0;

	if (down_read_killable(&inode->i_rwsem))
		return -EINTR;
	if (((loff_t)first << PAGE_SHIFT) >= i_size_read(inode))
		rc = -EINVAL;
	else
		max = huge_pages_present(file, first, last, max);
	if (!rc && max)
		rc = find_and_pin(file, first, last, folios, max, skip);
	inode_unlock_shared(inode);
	if (rc)
		return rc;
	rc = fill_huge_hole(file, first);
	return look_again(rc) ? 0 : rc;
}

static void clear_folio(struct folio *folio)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		clear_highpage(folio_page(folio, i));
		cond_resched();
	}
	flush_dcache_folio(folio);
	folio_mark_uptodate(folio);
}

/*
 * Make a pinned folio fit for use. Returns -EAGAIN if it is not, or not any more,
 * what the file has from @head on.
 */
static int folio_settle(struct folio *folio, struct file *file, pgoff_t head)
{
	int rc = 0;

	if (folio_lock_killable(folio))
		return -EINTR;
	if (folio->mapping != file->f_mapping || folio->index != head)
		rc = -EAGAIN;
	else if (folio_contain_hwpoisoned_page(folio))
		rc = -EIO;
	else if (!folio_test_uptodate(folio))
		clear_folio(folio);
	folio_unlock(folio);
	return rc;
}

/* Let go of the first folio that is not fit, and of all behind it. */
static long folios_settle(struct folio **folios, long count,
			  struct file *file, pgoff_t head)
{
	int rc = 0;
	long i;

	for (i = 0; i < count; i++) {
		rc = folio_settle(folios[i], file, head);
		if (rc)
			break;
		head = folio_next_index(folios[i]);
		cond_resched();
	}
	unpin_folios(folios + i, count - i);
	/* What is stale is looked for again. */
	return i || rc == -EAGAIN ? i : rc;
}

static long pin_try(const struct pin_origin *origin, pgoff_t first,
		    pgoff_t last, struct folio **folios, unsigned int max,
		    unsigned long *skip)
{
	struct file *file = origin->file;
	long count;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (is_file_hugepages(file))
		count = find_and_pin_huge(file, first, last, folios, max, skip);
	else
		count = find_and_pin(file, first, last, folios, max, skip);
	if (count <= 0)
		return count;
	return folios_settle(folios, count, file, first - *skip);
}

/* As others say it of memory. Nobody knows what a file system may answer. */
static int pin_error(int rc, pgoff_t first, unsigned long npages)
{
	switch (rc) {
	case -ENOMEM:
	case -EIO:
	case -EBUSY:
		break;
	case -EINVAL:
		/* The file ends before. */
		rc = -EFAULT;
		break;
	case -EINTR:
		/* By work that this task has to do on its way out. */
		return fatal_signal_pending(current) ? rc : -ERESTARTNOINTR;
	default:
		/* ENOSPC, EDQUOT: it is not IOVA that there is none of. */
		rc = -ENOMEM;
	}
	return iommufd_refuse(rc, IOMMUFD_REFUSE_MEMORY, first * PAGE_SIZE,
			      npages);
}

/*
 * Pin the folios that have some pages, from the first page on; one pin for each.
 * Returns how many, not 0, or an error. @skip tells how many pages of the first
 * folio lie before the first page.
 */
static long pin_folios(const struct pin_origin *origin, unsigned long index,
		       unsigned long npages, struct folio **folios,
		       unsigned int max, unsigned long *skip)
{
	pgoff_t first = file_index(origin, index);
	unsigned int tries;
	long rc;

	if (iommufd_should_fail())
		return -ENOMEM;
	for (tries = 0; tries < TRIES; tries++) {
		rc = pin_try(origin, first, first + npages - 1, folios, max,
			     skip);
		if (rc > 0)
			return rc;
		if (rc)
			return pin_error(rc, first, npages);
		cond_resched();
	}
	return pin_error(-EBUSY, first, npages);
}

static int pin_file_one(const struct pin_origin *origin, unsigned long index,
			unsigned long *pfn)
{
	struct folio *folio;
	unsigned long skip;
	long rc = pin_folios(origin, index, 1, &folio, 1, &skip);

	if (rc < 0)
		return rc;
	*pfn = folio_pfn(folio) + skip;
	return 0;
}

static bool any_large(struct page **pages, long count)
{
	long i;

	for (i = 0; i < count; i++)
		if (folio_test_large(page_folio(pages[i])))
			return true;
	return false;
}

/*
 * Make room for folios that have some pages, and tell how many of the pages to
 * look for at once. All that are missing are made, without an end for signals.
 */
static unsigned long cursor_make_room(const struct pin_origin *origin,
				      struct pin_cursor *cursor,
				      unsigned long npages)
{
	unsigned long large = PMD_SIZE / PAGE_SIZE;

	if (is_file_hugepages(origin->file))
		large = 1UL << huge_page_order(hstate_file(origin->file));
	else if (npages > cursor->capacity)
		pin_cursor_grow(cursor, STEP_SMALL);
	return min(npages, STEP_LARGE * large);
}

/* Small folios are pages to a batch. Of others each becomes a leaf. */
static int cursor_refill(const struct pin_origin *origin,
			 struct pin_cursor *cursor, unsigned long index,
			 unsigned long npages)
{
	unsigned long max;
	long count;

	npages = cursor_make_room(origin, cursor, npages);
	max = min_t(unsigned long, npages, cursor->capacity);
	count = pin_folios(origin, index, npages,
			   (struct folio **)cursor->pages, max, &cursor->skip);
	if (count < 0)
		return count;
	if (any_large(cursor->pages, count)) {
		cursor->folio = 0;
		cursor->folios = count;
	} else {
		cursor->next = 0;
		cursor->end = count;
	}
	return 0;
}

static int cursor_next_leaf(struct pin_cursor *cursor, unsigned long npages)
{
	struct folio *folio = page_folio(cursor->pages[cursor->folio]);

	npages = min(npages, folio_nr_pages(folio) - cursor->skip);
	if (npages > 1 && !pin_leaf_extend(&folio->page, npages))
		return -ENOMEM;
	cursor->leaf.pfn = folio_pfn(folio) + cursor->skip;
	cursor->leaf.npages = npages;
	cursor->folio++;
	cursor->skip = 0;
	return 0;
}

static int pin_file_some(const struct pin_origin *origin,
			 struct pin_cursor *cursor, unsigned long index,
			 unsigned long npages)
{
	int rc = 0;

	if (cursor->folio == cursor->folios)
		rc = cursor_refill(origin, cursor, index, npages);
	if (!rc && cursor->folio < cursor->folios)
		rc = cursor_next_leaf(cursor, npages);
	return rc;
}

/* What lies in one folio, at most up to the page @last. */
static int copy_in_folio(const struct pin_origin *origin,
			 struct pin_copy *copy, unsigned long last)
{
	unsigned long first = copy->byte / PAGE_SIZE, skip;
	bool write = pin_copy_writes(copy);
	struct folio *folio;
	long rc;

	rc = pin_folios(origin, first, 1, &folio, 1, &skip);
	if (rc < 0)
		return rc;
	last = min(last, first + (folio_nr_pages(folio) - skip - 1));
	while (copy->length && copy->byte / PAGE_SIZE <= last) {
		unsigned long index = copy->byte / PAGE_SIZE - first + skip;

		pin_copy_page(copy, folio_page(folio, index));
		cond_resched();
	}
	if (write)
		unpin_user_page_range_dirty_lock(&folio->page, 1, true);
	else
		unpin_folio(folio);
	return 0;
}

static int pin_file_copy_pages(const struct pin_origin *origin,
			       struct pin_copy *copy, unsigned long last)
{
	int rc = 0;

	while (!rc && copy->length && copy->byte / PAGE_SIZE <= last)
		rc = copy_in_folio(origin, copy, last);
	return rc;
}

static void pin_file_release(const struct pin_origin *origin)
{
	if (origin->writable)
		mapping_unmap_writable(origin->file->f_mapping);
	fput(origin->file);
	pin_bill_put(origin->bill);
}

static const struct pin_origin_ops pin_file_ops = {
	.pin_some = pin_file_some,
	.pin_one = pin_file_one,
	.copy_pages = pin_file_copy_pages,
	.release = pin_file_release,
	.pinned = true,
};

/**
 * pin_file_origin() - Describe memory of a file
 * @origin: to be set up
 * @bill: who pays; on success the reference becomes that of @origin
 * @file: that pin_file_check() allows; on success so does this reference
 * @start: offset in the file, bytes, a multiple of PAGE_SIZE
 * @writable: devices are going to write. As with a shared mapping of a process
 *            the file cannot be sealed against writing then
 *
 * Pinning and copying return: -EFAULT if the file has become too short; -ENOMEM,
 * also if its file system is full, a quota is used up, or no huge page is left;
 * -EBUSY if others take the pages out of the file all the time; -EIO for a page
 * that is damaged or cannot be read from swap; -EINTR on a fatal signal;
 * -ERESTARTNOINTR, to have the system call made again, if the task has work to do
 * before a huge page can be had. They take the lock of the inode for huge pages.
 *
 * Context: any.
 * Return: 0; -EPERM if the file is sealed against writing.
 */
int pin_file_origin(struct pin_origin *origin, struct pin_bill *bill,
		    struct file *file, unsigned long start, bool writable)
{
	if (writable && mapping_map_writable(file->f_mapping))
		return iommufd_refuse(-EPERM, IOMMUFD_REFUSE_FILE_RIGHTS, 0, 0);
	*origin = (struct pin_origin){
		.ops = &pin_file_ops,
		.bill = bill,
		.file = file,
		.start = start,
		.writable = writable,
	};
	return 0;
}

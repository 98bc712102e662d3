// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * In-kernel users that come and go, and that are told when memory goes.
 *
 * They are told without a lock: a driver may take its own ones, and wait for
 * whatever it likes. So the thread that is about to call leaves a mark on the
 * access, which keeps it around. Whoever removes the access waits for such
 * marks.
 *
 * They are told of what is pinned and no more, since a driver may look each
 * page up. Which of several users has a page pinned is not known.
 */
#include "iopt_access.h"

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/sched.h>

#include "io_pagetable.h"
#include "iopt_lookup.h"
#include "pages/pages_access.h"

/* So long a user that leaves may take to unpin. */
#define EVICT_SECONDS 10

/**
 * iopt_add_access() - Let an in-kernel user take part
 * @iopt: the io_pagetable
 * @access: with @unmap and @alignment set
 *
 * Context: may sleep.
 * Return: 0; -EADDRINUSE if there are areas that are not aligned as the user
 * needs them; -EBUSY if the address of an area was invalidated.
 */
int iopt_add_access(struct io_pagetable *iopt, struct iopt_access *access)
{
	int rc;

	atomic_long_set(&access->npinned, 0);
	atomic_set(&access->callers, 0);
	access->leaving = false;
	down_write(&iopt->iova_rwsem);
	rc = iopt_check_join(iopt, access->alignment);
	if (!rc) {
		list_add_tail(&access->entry, &iopt->accesses);
		iopt_add_alignment(iopt, access->alignment);
	}
	up_write(&iopt->iova_rwsem);
	return rc;
}

/**
 * iopt_retire_access() - Ask an in-kernel user for nothing any more
 * @iopt: the io_pagetable
 * @access: may still pin something; whoever unmaps that waits for it
 *
 * Context: may sleep, never needs memory; waits until no other thread is in
 * &iopt_access.unmap. Not to be called from there.
 */
void iopt_retire_access(struct io_pagetable *iopt, struct iopt_access *access)
{
	down_write(&iopt->iova_rwsem);
	WRITE_ONCE(access->leaving, true);
	up_write(&iopt->iova_rwsem);

	wait_event(iopt->unpinned, !atomic_read_acquire(&access->callers));
}

/**
 * iopt_remove_access() - Undo iopt_add_access()
 * @iopt: the io_pagetable
 * @access: that pins nothing any more
 *
 * Context: as iopt_retire_access(), which this includes.
 */
void iopt_remove_access(struct io_pagetable *iopt, struct iopt_access *access)
{
	iopt_retire_access(iopt, access);

	down_write(&iopt->iova_rwsem);
	list_del(&access->entry);
	iopt_remove_alignment(iopt, access->alignment);
	up_write(&iopt->iova_rwsem);
}

/* The next access that has pins, marked; NULL at the end of the list. */
static struct iopt_access *iopt_caller_enter(struct io_pagetable *iopt,
					     struct iopt_access *prev)
{
	struct iopt_access *access;

	guard(rwsem_read)(&iopt->iova_rwsem);
	access = list_prepare_entry(prev, &iopt->accesses, entry);
	list_for_each_entry_continue(access, &iopt->accesses, entry) {
		if (access->leaving || !atomic_long_read(&access->npinned))
			continue;
		atomic_inc(&access->callers);
		return access;
	}
	return NULL;
}

static void iopt_caller_exit(struct io_pagetable *iopt,
			     struct iopt_access *access)
{
	/* Not one touch of the access behind this. */
	if (!atomic_dec_return_release(&access->callers))
		wake_up_all(&iopt->unpinned);
}

/* What is pinned of an area from @start on; false if that is nothing. */
static bool area_next_pinned(struct iopt_area *area, unsigned long *start,
			     unsigned long *last)
{
	lockdep_assert_not_held(&area->iopt->iova_rwsem);

	if (!atomic_long_read(&area->num_accesses))
		return false;
	guard(mutex)(&area->pages->mutex);
	return iopt_area_next_pinned(area, start, last);
}

/*
 * Between two questions the pins may change. No page is asked for twice, so
 * this ends whatever the user does.
 */
static void access_ask_for_area(struct iopt_access *access,
				struct iopt_area *area)
{
	unsigned long start = iopt_area_first(area);
	unsigned long last = iopt_area_last(area);

	while (atomic_long_read(&access->npinned) &&
	       area_next_pinned(area, &start, &last)) {
		unsigned long length;
		unsigned long iova = iopt_area_window(area, start, last,
						      &length);

		access->unmap(access, iova, length);
		if (last == iopt_area_last(area))
			return;
		start = last + 1;
		last = iopt_area_last(area);
		cond_resched();
	}
}

/**
 * iopt_notify_unmap() - Ask all in-kernel users to let go of an area
 * @iopt: the io_pagetable
 * @area: with &iopt_area.prevent_access set
 *
 * Context: may sleep, no lock held.
 */
void iopt_notify_unmap(struct io_pagetable *iopt, struct iopt_area *area)
{
	struct iopt_access *access = NULL, *prev = NULL;

	might_sleep();
	lockdep_assert_not_held(&iopt->iova_rwsem);
	lockdep_assert_not_held(&area->pages->mutex);

	while ((access = iopt_caller_enter(iopt, prev))) {
		if (prev)
			iopt_caller_exit(iopt, prev);
		access_ask_for_area(access, area);
		prev = access;
	}
	if (prev)
		iopt_caller_exit(iopt, prev);
}

static void iopt_ask_access(struct io_pagetable *iopt,
			    struct iopt_access *access)
{
	struct iopt_area *area;

	iopt_for_each_area(area, iopt) {
		access_ask_for_area(access, area);
		if (!atomic_long_read(&access->npinned)) {
			iopt_area_put(area);
			return;
		}
		cond_resched();
	}
}

/**
 * iopt_evict_access() - Make one in-kernel user let go of everything
 * @iopt: the io_pagetable
 * @access: retired; begins to pin nothing any more
 *
 * Another thread of the user may be about to unpin and is waited for, some
 * seconds at most.
 *
 * Context: may sleep, no lock held. Not interrupted by signals.
 */
void iopt_evict_access(struct io_pagetable *iopt, struct iopt_access *access)
{
	unsigned int i;

	might_sleep();
	lockdep_assert_not_held(&iopt->iova_rwsem);

	for (i = 0; i < EVICT_SECONDS; i++) {
		if (!atomic_long_read(&access->npinned))
			return;
		iopt_ask_access(iopt, access);
		wait_event_timeout(iopt->unpinned,
				   !atomic_long_read(&access->npinned), HZ);
	}
}

/**
 * iopt_note_unpinned() - Count what an in-kernel user has unpinned
 * @iopt: the io_pagetable
 * @access: kept by the caller
 * @npages: as iopt_unpin_pages() has returned
 *
 * Context: any.
 */
void iopt_note_unpinned(struct io_pagetable *iopt, struct iopt_access *access,
			unsigned long npages)
{
	/* Pairs with the wait in iopt_evict_access(). */
	if (!atomic_long_sub_return(npages, &access->npinned) &&
	    READ_ONCE(access->leaving))
		wake_up_all(&iopt->unpinned);
}

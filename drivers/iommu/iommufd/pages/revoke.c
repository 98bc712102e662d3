// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Memory that its owner takes away, and brings back: BARs.
 *
 * It is not pinned, so no tier stores its PFNs. All of it is one run, whose PFN
 * is known while the memory is present. mm notifies before it changes what the
 * process has mapped there. By the end of that notification no IOPTE for it is
 * left. A worker looks whether the memory has come back.
 *
 * &iopt_pages.mutex of such memory is taken in a notification. So memory
 * is never allocated under it in a way that could wait for reclaim, and no
 * page fault is taken. What needs either is done before, and &iopt_revoke.notifier
 * tells under the mutex whether it still holds.
 */
#include "revoke.h"

#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pfn.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "iopt_types.h"
#include "lib/trace.h"
#include "pages.h"
#include "pin/account.h"
#include "pin/pin_device.h"
#include "revoke_area.h"
#include "revoke_queue.h"

/* Attempts of whoever maps the memory. */
#define READ_TRIES 8

static struct lock_class_key revoke_mutex_key;

/* How many there are. They outlive the last context for a moment. */
static atomic_t revoke_count = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(revoke_idle);

/**
 * iopt_revoke_init() - Get ready for iopt_revoke_pages()
 *
 * Context: once, when the module is loaded.
 * Return: 0; -ENOMEM.
 */
int iopt_revoke_init(void)
{
	return revoke_queue_init();
}

/**
 * iopt_revoke_exit() - Undo iopt_revoke_init()
 *
 * Context: nobody has any areas any more. Waits for workers that may just look
 * for memory.
 */
void iopt_revoke_exit(void)
{
	wait_event(revoke_idle, !atomic_read(&revoke_count));
	revoke_queue_exit();
}

/*
 * An unmapped VMA does not come back, whatever is mapped there later. All else
 * may be the same memory again soon.
 */
static bool event_is_final(enum mmu_notifier_event event)
{
	return event == MMU_NOTIFY_UNMAP || event == MMU_NOTIFY_RELEASE;
}

/* Whatever part of the memory is meant, all of it goes. */
static bool revoke_invalidate(struct mmu_interval_notifier *notifier,
			      const struct mmu_notifier_range *range,
			      unsigned long seq)
{
	struct iopt_revoke *revoke =
		container_of(notifier, struct iopt_revoke, notifier);

	/* That the process writes is noted, not where. */
	if (range->event == MMU_NOTIFY_SOFT_DIRTY)
		return true;
	if (!mmu_notifier_range_blockable(range))
		return false;
	iopt_revoke_withdraw(revoke, seq, event_is_final(range->event));
	return true;
}

static const struct mmu_interval_notifier_ops revoke_notifier_ops = {
	.invalidate = revoke_invalidate,
};

/*
 * What was read is right if nothing has changed since @seq; unless the memory
 * was unmapped before that, and something else was read.
 */
static bool revoke_note_present(struct iopt_revoke *revoke, unsigned long seq,
				unsigned long pfn)
{
	guard(mutex)(&revoke->pages->mutex);
	if (revoke->gone || mmu_interval_read_retry(&revoke->notifier, seq))
		return false;
	WRITE_ONCE(revoke->pfn, pfn);
	revoke->present = true;
	return true;
}

/*
 * Find the PFNs, with no lock held that a notification takes. -EFAULT while the
 * memory is away, -EAGAIN if it was just taken away.
 */
static int revoke_read(struct iopt_revoke *revoke, unsigned long seq)
{
	struct iopt_pages *pages = revoke->pages;
	unsigned long pfn;
	int rc;

	lockdep_assert_not_held(&pages->mutex);

	if (READ_ONCE(revoke->gone))
		return -EFAULT;
	rc = pin_device_read(&pages->origin, pages->npages, &revoke->notifier,
			     seq, &pfn);
	if (rc)
		return rc;
	return revoke_note_present(revoke, seq, pfn) ? 0 : -EAGAIN;
}

/*
 * To begin a read waits for the end of whatever mm is just taking away from the
 * process. With many threads that unmap memory there may never be one, and the
 * wait cannot be killed. So a worker does it, with a reference.
 */
static void revoke_begin_work(struct work_struct *work)
{
	struct iopt_revoke *revoke =
		container_of(work, struct iopt_revoke, begin);

	revoke->seq = mmu_interval_read_begin(&revoke->notifier);
	complete(&revoke->begun);
	iopt_pages_put(revoke->pages);
}

static int revoke_begin_killable(struct iopt_revoke *revoke,
				 unsigned long *seq)
{
	iopt_pages_get(revoke->pages);
	queue_work(revoke->queue->workers, &revoke->begin);
	if (wait_for_completion_killable(&revoke->begun))
		return -EINTR;
	*seq = revoke->seq;
	return 0;
}

/* Whoever maps the memory wants to know whether it is there. */
static int revoke_read_first(struct iopt_revoke *revoke)
{
	unsigned long start = revoke->pages->origin.start;
	unsigned int tries;

	for (tries = 0; tries < READ_TRIES; tries++) {
		unsigned long seq;
		int rc = revoke_begin_killable(revoke, &seq);

		if (!rc)
			rc = revoke_read(revoke, seq);
		if (rc == -EFAULT)
			break;
		if (rc != -EAGAIN)
			return rc;
	}
	return iommufd_refuse(-EFAULT, IOMMUFD_REFUSE_BAR_AWAY, start,
			      start + revoke->pages->npages * PAGE_SIZE);
}

static int revoke_look(struct iopt_revoke *revoke)
{
	if (iopt_revoke_wanted(revoke))
		revoke_read(revoke, mmu_interval_read_begin(&revoke->notifier));
	return iopt_revoke_restore(revoke);
}

/* The process pays for tables, as it does when it maps. */
static void revoke_comeback(struct work_struct *work)
{
	struct iopt_revoke *revoke = container_of(to_delayed_work(work),
						  struct iopt_revoke, comeback);
	struct iopt_pages *pages = revoke->pages;
	struct mem_cgroup *memcg, *before;

	memcg = get_mem_cgroup_from_mm(pages->origin.owner->mm);
	before = set_active_memcg(memcg);
	if (revoke_look(revoke) == -ENOMEM)
		iopt_revoke_reclaim();
	set_active_memcg(before);
	mem_cgroup_put(memcg);
	iopt_pages_put(pages);
}

static void revoke_free(struct iopt_revoke *revoke)
{
	revoke_queue_put(revoke->queue);
	kfree(revoke);
}

/* Removing the notifier waits for notifications, so a worker does that. */
static void revoke_end(struct work_struct *work)
{
	struct iopt_revoke *revoke = container_of(work, struct iopt_revoke, end);

	mmu_interval_notifier_remove(&revoke->notifier);
	iopt_pages_free(revoke->pages);
	revoke_free(revoke);
	if (atomic_dec_and_test(&revoke_count))
		wake_up_all(&revoke_idle);
}

static void revoke_retire(struct iopt_pages *pages)
{
	WARN_ON_ONCE(!list_empty(&pages->revoke->shown) ||
		     !list_empty(&pages->revoke->waiting) ||
		     !list_empty(&pages->revoke->tried));
	queue_work(pages->revoke->queue->workers, &pages->revoke->end);
}

/* What a notification may hold when it comes to the mutex. */
static void revoke_teach_lock_order(struct iopt_pages *pages)
{
	struct mm_struct *mm = pages->origin.owner->mm;
	static bool taught;

	if (!IS_ENABLED(CONFIG_PROVE_LOCKING) || READ_ONCE(taught))
		return;
	WRITE_ONCE(taught, true);
	mmap_read_lock(mm);
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&pages->mutex);
	fs_reclaim_release(GFP_KERNEL);
	mmap_read_unlock(mm);
}

/*
 * The first notifier of an address space is not added while any signal is
 * pending. One that is not fatal has to be handled first, and the call is made
 * again, without the program noticing.
 */
static int revoke_watch(struct iopt_revoke *revoke, struct iopt_pages *pages)
{
	struct pin_origin *origin = &pages->origin;
	int rc;

	revoke->pages = pages;
	revoke->retire = revoke_retire;
	INIT_LIST_HEAD(&revoke->shown);
	INIT_LIST_HEAD(&revoke->waiting);
	INIT_LIST_HEAD(&revoke->tried);
	revoke->delay = IOPT_REVOKE_FIRST_MS;
	INIT_WORK(&revoke->begin, revoke_begin_work);
	init_completion(&revoke->begun);
	INIT_DELAYED_WORK(&revoke->comeback, revoke_comeback);
	INIT_WORK(&revoke->end, revoke_end);
	lockdep_set_class(&pages->mutex, &revoke_mutex_key);
	revoke_teach_lock_order(pages);
	rc = mmu_interval_notifier_insert(&revoke->notifier, origin->owner->mm,
					  origin->start,
					  pages->npages * PAGE_SIZE,
					  &revoke_notifier_ops);
	if (rc)
		return rc == -EINTR ? -ERESTARTNOINTR : rc;
	atomic_inc(&revoke_count);
	pages->revoke = revoke;
	return 0;
}

static struct iopt_revoke *revoke_alloc(const struct pin_origin *origin,
					const void *device)
{
	struct iopt_revoke *revoke;
	int rc;

	revoke = kzalloc(sizeof(*revoke), GFP_KERNEL_ACCOUNT);
	if (!revoke)
		return ERR_PTR(-ENOMEM);
	revoke->queue = revoke_queue_get(origin->owner->mm, device);
	if (IS_ERR(revoke->queue)) {
		rc = PTR_ERR(revoke->queue);
		kfree(revoke);
		return ERR_PTR(rc);
	}
	return revoke;
}

/**
 * iopt_revoke_pages() - Describe memory of a device
 * @origin: of pin_device_origin(), mapped by the calling process; on success
 *          the pages take over the reference to the owner
 * @npages: size in pages, not 0
 * @device: tells devices apart, see revoke_queue_get()
 *
 * Context: process context of the owner, may sleep, takes its mmap lock. Waits,
 * killably, for the end of whatever mm takes away from the process meanwhile.
 * Return: the pages, with one reference; ERR_PTR(-EFAULT) if the memory is away
 * or cannot be mapped, see pin_device_read(); ERR_PTR(-ENOMEM);
 * ERR_PTR(-EINTR) on a fatal signal; ERR_PTR(-ERESTARTNOINTR) if a signal has to
 * be handled before the system call is made again.
 */
struct iopt_pages *iopt_revoke_pages(const struct pin_origin *origin,
				     unsigned long npages, const void *device)
{
	struct iopt_revoke *revoke = revoke_alloc(origin, device);
	struct iopt_pages *pages;
	int rc;

	if (IS_ERR(revoke))
		return ERR_CAST(revoke);
	pages = iopt_pages_alloc(origin, npages, NULL);
	if (IS_ERR(pages)) {
		revoke_free(revoke);
		return pages;
	}
	rc = revoke_watch(revoke, pages);
	if (rc)
		revoke_free(revoke);
	else
		rc = revoke_read_first(revoke);
	if (!rc)
		return pages;
	/* The pages give up one, and the caller keeps one. */
	pin_owner_get(origin->owner);
	iopt_pages_put(pages);
	return ERR_PTR(rc);
}

/**
 * iopt_revoke_address() - Where memory of a device was last
 * @pages: of iopt_revoke_pages()
 *
 * IOVA that is congruent to it makes large IOPTEs possible. The address that the
 * process has it at need not be.
 *
 * Context: any.
 * Return: the physical address, as far as an IOVA has room for it.
 */
unsigned long iopt_revoke_address(const struct iopt_pages *pages)
{
	return PFN_PHYS(READ_ONCE(pages->revoke->pfn));
}

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
#include "revoke_area.h"

#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/mmap_lock.h>
#include <linux/pfn.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "area_domains.h"
#include "iopt_types.h"
#include "lib/pfn_batch.h"
#include "lib/trace.h"
#include "pages.h"
#include "pfn_domain.h"
#include "pin/account.h"
#include "pin/pin_device.h"
#include "revoke_queue.h"

/* How soon to look for the memory again, and how rarely at last, ms. */
#define RETURN_FIRST_MS 10
#define RETURN_LAST_MS 1000

/* Attempts of a caller; the worker goes on for as long as there are areas. */
#define REVOKE_TRIES 8

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

/* Walk the areas that are not empty. */
static struct iopt_area *revoke_next_area(struct iopt_pages *pages,
					  struct iopt_area *area)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&pages->mutex);

	if (area)
		node = interval_tree_iter_next(&area->pages_node, 0, ULONG_MAX);
	else
		node = interval_tree_iter_first(&pages->domains_itree, 0,
						ULONG_MAX);
	return node ? container_of(node, struct iopt_area, pages_node) : NULL;
}

/* Write the IOPTEs of an area, in one domain or all of its generation. */
static int revoke_map(struct iopt_area *area, struct iopt_domain *target)
{
	unsigned long first = iopt_area_first(area);
	unsigned long last = iopt_area_last(area);
	struct pfn_run run = {
		.pfn = area->pages->revoke->pfn + first,
		.npages = last - first + 1,
	};
	struct pfn_window window = {
		.offset = area->page_offset,
		.prot = area->iommu_prot,
		.huge_pages = READ_ONCE(area->domains->huge_pages),
		.nowait = true,
	};
	struct iopt_domain *member = NULL;
	int rc = 0;

	window.iova = iopt_area_window(area, first, last, &window.length);
	while (!rc && (member = iopt_area_next_member(area, target, member)))
		rc = pfn_domain_map(member->domain, &run, &window);
	if (rc)
		iopt_area_unmap(area, target, member, window.iova,
				window.length);
	return rc;
}

/* Clear them, until no device uses them any more. */
static void revoke_unmap(struct iopt_area *area, struct iopt_domain *target)
{
	unsigned long length;
	unsigned long iova = iopt_area_window(area, iopt_area_first(area),
					      iopt_area_last(area), &length);

	iopt_area_unmap(area, target, NULL, iova, length);
}

/*
 * Have the worker look for the memory in a while, unless it looks before that:
 * however often the memory is taken away, a look that is due is not put off.
 * Queued, it has a reference. If there is none left to take, there are no areas
 * either.
 */
static void revoke_schedule(struct iopt_revoke *revoke)
{
	unsigned long delay = msecs_to_jiffies(revoke->delay);
	struct iopt_pages *pages = revoke->pages;
	unsigned long due = jiffies + delay;

	lockdep_assert_held(&pages->mutex);

	if (revoke->gone)
		return;
	if (delayed_work_pending(&revoke->comeback) &&
	    !time_before(due, revoke->due))
		return;
	if (!kref_get_unless_zero(&pages->kref))
		return;
	revoke->due = due;
	if (mod_delayed_work(revoke->queue->workers, &revoke->comeback, delay))
		iopt_pages_put(pages);
}

/* Where the process has what an area shows. */
static unsigned long area_address(const struct iopt_area *area)
{
	return area->pages->origin.start + iopt_area_first(area) * PAGE_SIZE +
	       area->page_offset;
}

static void area_set_withdrawn(struct iopt_area *area)
{
	WRITE_ONCE(area->content, IOPT_AREA_WITHDRAWN);
	trace_iommufd_withdrawn(area->pages->origin.owner->pid,
				area_address(area),
				area->node.last - area->node.start + 1);
}

static void area_set_returned(struct iopt_area *area)
{
	WRITE_ONCE(area->content, IOPT_AREA_FILLED);
	trace_iommufd_returned(area->pages->origin.owner->pid,
			       area_address(area),
			       area->node.last - area->node.start + 1);
}

static void area_withdraw(struct iopt_area *area)
{
	if (area->content != IOPT_AREA_FILLED)
		return;
	revoke_unmap(area, NULL);
	area_set_withdrawn(area);
}

static void revoke_withdraw(struct iopt_revoke *revoke)
{
	struct iopt_area *area = NULL;
	bool withdrawn = false;

	while ((area = revoke_next_area(revoke->pages, area))) {
		area_withdraw(area);
		withdrawn |= area->content == IOPT_AREA_WITHDRAWN;
		cond_resched();
	}
	revoke->present = false;
	revoke->delay = RETURN_FIRST_MS;
	if (withdrawn)
		revoke_schedule(revoke);
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
	guard(mutex)(&revoke->pages->mutex);
	mmu_interval_set_seq(notifier, seq);
	if (event_is_final(range->event))
		WRITE_ONCE(revoke->gone, true);
	revoke_withdraw(revoke);
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

	for (tries = 0; tries < REVOKE_TRIES; tries++) {
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

/* Show an area again, if its memory is present. */
static int area_restore(struct iopt_area *area)
{
	int rc;

	if (area->content != IOPT_AREA_WITHDRAWN)
		return 0;
	if (!area->pages->revoke->present)
		return -EAGAIN;
	rc = revoke_map(area, NULL);
	if (!rc)
		area_set_returned(area);
	return rc;
}

/* One that cannot be shown yet does not keep others from it. */
static int revoke_restore(struct iopt_revoke *revoke)
{
	struct iopt_area *area = NULL;
	int rc = 0;

	while ((area = revoke_next_area(revoke->pages, area))) {
		rc = area_restore(area) ?: rc;
		cond_resched();
	}
	return rc;
}

/* Is there an area that waits for memory which is not known to be there? */
static bool revoke_read_wanted(struct iopt_revoke *revoke)
{
	struct iopt_area *area = NULL;

	guard(mutex)(&revoke->pages->mutex);
	if (revoke->present || revoke->gone)
		return false;
	while ((area = revoke_next_area(revoke->pages, area)))
		if (area->content == IOPT_AREA_WITHDRAWN)
			return true;
	return false;
}

/* Have memory reclaimed, as allocations under the mutex could not. */
static int revoke_reclaim(void)
{
	unsigned long page;

	if (fatal_signal_pending(current))
		return -EINTR;
	page = __get_free_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	free_page(page);
	return 0;
}

static int revoke_look(struct iopt_revoke *revoke)
{
	int rc;

	if (revoke_read_wanted(revoke))
		revoke_read(revoke, mmu_interval_read_begin(&revoke->notifier));
	guard(mutex)(&revoke->pages->mutex);
	rc = revoke_restore(revoke);
	if (rc) {
		revoke->delay = min(2 * revoke->delay, RETURN_LAST_MS);
		revoke_schedule(revoke);
	}
	return rc;
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
		revoke_reclaim();
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
	revoke->delay = RETURN_FIRST_MS;
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
	pages = iopt_pages_alloc(origin, npages);
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

/* The memory is to be visible to domains: now, or when it comes back. */
static int area_show(struct iopt_area *area)
{
	struct iopt_revoke *revoke = area->pages->revoke;
	int rc;

	if (!revoke->present) {
		area_set_withdrawn(area);
		revoke_schedule(revoke);
		return 0;
	}
	rc = revoke_map(area, NULL);
	if (!rc)
		WRITE_ONCE(area->content, IOPT_AREA_FILLED);
	return rc;
}

/* Fill an area that is empty. */
static int area_enter(struct iopt_area *area)
{
	struct iopt_domains *domains = area->domains;
	int rc;

	/* Under the lock, so that a domain that leaves knows what to expect. */
	down_read(&domains->rwsem);
	WRITE_ONCE(area->generation, domains->generation);
	area->reported = domains->generation;
	up_read(&domains->rwsem);
	rc = area_show(area);
	if (!rc)
		interval_tree_insert(&area->pages_node,
				     &area->pages->domains_itree);
	return rc;
}

/* Show an area in one more domain, unless it is withdrawn from all. */
static int area_join(struct iopt_area *area, struct iopt_domain *member)
{
	int rc = 0;

	if (area->content == IOPT_AREA_EMPTY ||
	    area->generation >= member->joined)
		return 0;
	if (area->content == IOPT_AREA_FILLED)
		rc = revoke_map(area, member);
	if (!rc)
		WRITE_ONCE(area->generation, member->joined);
	return rc;
}

/*
 * Callers hold locks of groups and of VFIO. So nothing is read here, as that
 * may wait for the process.
 */
static int revoke_fill_once(struct iopt_area *area, struct iopt_domain *member)
{
	guard(mutex)(&area->pages->mutex);
	return member ? area_join(area, member) : area_enter(area);
}

static int revoke_fill(struct iopt_area *area, struct iopt_domain *member)
{
	unsigned int tries;
	int rc;

	for (tries = 1;; tries++) {
		rc = revoke_fill_once(area, member);
		if (rc != -ENOMEM || tries == REVOKE_TRIES)
			return rc;
		rc = revoke_reclaim();
		if (rc)
			return rc;
	}
}

/**
 * iopt_revoke_fill_domains() - iopt_area_fill_domains() for memory of a device
 * @area: as there
 *
 * If the memory is away, or it is not known to be back, the area is filled when
 * it is.
 *
 * Context: may sleep, takes the mutex of area->pages. Waits for nothing that
 * user space can delay.
 * Return: 0; -ENOMEM; -EINTR on a fatal signal; what the IOMMU driver says. On
 * failure everything is as before.
 */
int iopt_revoke_fill_domains(struct iopt_area *area)
{
	return revoke_fill(area, NULL);
}

/**
 * iopt_revoke_fill_domain() - iopt_area_fill_domain() for memory of a device
 * @area: as there
 * @member: the domain, on the list
 *
 * If the memory is away, or it is not known to be back, there is a hole until
 * it is.
 *
 * Context: may sleep, takes the mutex of area->pages. Waits for nothing that
 * user space can delay. The caller keeps other domains from joining and
 * leaving.
 * Return: as iopt_revoke_fill_domains().
 */
int iopt_revoke_fill_domain(struct iopt_area *area, struct iopt_domain *member)
{
	return revoke_fill(area, member);
}

/**
 * iopt_revoke_unfill_domains() - Take an area out of all domains
 * @area: of memory of a device, in any state; the caller sets
 *        &iopt_area.content
 *
 * Context: area->pages->mutex held, may sleep. Never needs memory.
 */
void iopt_revoke_unfill_domains(struct iopt_area *area)
{
	lockdep_assert_held(&area->pages->mutex);

	if (area->content == IOPT_AREA_EMPTY)
		return;
	interval_tree_remove(&area->pages_node, &area->pages->domains_itree);
	if (area->content == IOPT_AREA_FILLED)
		revoke_unmap(area, NULL);
}

/**
 * iopt_revoke_unfill_domain() - Take an area out of a domain that has it
 * @area: of memory of a device, in any state
 * @member: the domain
 *
 * Context: area->pages->mutex held, may sleep. Never needs memory. The caller
 * keeps other domains from joining and leaving.
 */
void iopt_revoke_unfill_domain(struct iopt_area *area,
			       struct iopt_domain *member)
{
	lockdep_assert_held(&area->pages->mutex);

	if (area->content == IOPT_AREA_FILLED)
		revoke_unmap(area, member);
}

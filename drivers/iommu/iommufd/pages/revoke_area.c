// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What areas show of memory that may be taken away.
 *
 * While the memory is present, areas that are not empty have IOPTEs for it, and
 * while it is away they have none. Thousands may show the same memory. So the
 * way from one to the other is made area by area: each is on a list that says
 * what it shows, and each step begins with whatever is on the list by then. All
 * of this is under &iopt_pages.mutex, see revoke.c for its rules.
 */
#include "revoke_area.h"

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "area_domains.h"
#include "iopt_types.h"
#include "lib/pfn_batch.h"
#include "lib/trace.h"
#include "pages.h"
#include "pfn_domain.h"
#include "pin/account.h"
#include "revoke_queue.h"

/* How rarely to look for the memory at last, ms. */
#define RETURN_LAST_MS 1000

/* Attempts of a caller; the worker goes on for as long as there are areas. */
#define FILL_TRIES 8

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
	if (!refcount_inc_not_zero(&pages->refs))
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

static struct iopt_area *first_area(struct list_head *areas)
{
	return list_first_entry_or_null(areas, struct iopt_area, revoke_entry);
}

static void area_withdraw(struct iopt_area *area)
{
	revoke_unmap(area, NULL);
	list_move_tail(&area->revoke_entry, &area->pages->revoke->waiting);
	area_set_withdrawn(area);
}

/* If an area has waited for the memory, the worker looks for it soon. */
static void withdraw_end(struct iopt_revoke *revoke)
{
	revoke->withdrawals--;
	if (!list_empty(&revoke->waiting) || !list_empty(&revoke->tried))
		revoke_schedule(revoke);
}

static bool withdraw_step(struct iopt_revoke *revoke)
{
	struct iopt_area *area;

	guard(mutex)(&revoke->pages->mutex);
	area = first_area(&revoke->shown);
	if (area)
		area_withdraw(area);
	if (!list_empty(&revoke->shown))
		return true;
	withdraw_end(revoke);
	return false;
}

static void withdraw_begin(struct iopt_revoke *revoke, unsigned long seq,
			   bool gone)
{
	guard(mutex)(&revoke->pages->mutex);
	mmu_interval_set_seq(&revoke->notifier, seq);
	if (gone)
		WRITE_ONCE(revoke->gone, true);
	revoke->present = false;
	revoke->withdrawals++;
	revoke->delay = IOPT_REVOKE_FIRST_MS;
}

/**
 * iopt_revoke_withdraw() - Show the memory nowhere, as it is taken away
 * @revoke: the memory, present or away
 * @seq: of the notification
 * @gone: it does not come back
 *
 * From the first step on nothing more is shown, and what was read before is not
 * used: reading begins anew after the notification. So however many areas there
 * are, and whoever else withdraws them at the same time, none is shown after the
 * last step.
 *
 * Context: in a notification; may sleep, takes the mutex of the pages, for one
 * area at a time. Never needs memory.
 */
void iopt_revoke_withdraw(struct iopt_revoke *revoke, unsigned long seq,
			  bool gone)
{
	withdraw_begin(revoke, seq, gone);
	while (withdraw_step(revoke))
		cond_resched();
}

/* Show an area again, or leave it to the next round. */
static int area_restore(struct iopt_area *area)
{
	struct iopt_revoke *revoke = area->pages->revoke;
	int rc = revoke_map(area, NULL);

	list_move_tail(&area->revoke_entry,
		       rc ? &revoke->tried : &revoke->shown);
	if (!rc)
		area_set_returned(area);
	return rc;
}

/* Returns whether there may be another step, and what was wrong in @error. */
static bool restore_step(struct iopt_revoke *revoke, int *error)
{
	struct iopt_area *area;

	guard(mutex)(&revoke->pages->mutex);
	area = first_area(&revoke->waiting);
	if (!area)
		return false;
	if (!revoke->present) {
		*error = -EAGAIN;
		return false;
	}
	*error = area_restore(area) ?: *error;
	return true;
}

/* If areas still wait, the worker looks again, after twice the time. */
static void restore_end(struct iopt_revoke *revoke)
{
	guard(mutex)(&revoke->pages->mutex);
	list_splice_tail_init(&revoke->tried, &revoke->waiting);
	/* Whoever is just withdrawing sees to the next look, and it is soon. */
	if (list_empty(&revoke->waiting) || revoke->withdrawals)
		return;
	revoke->delay = min(2 * revoke->delay, RETURN_LAST_MS);
	revoke_schedule(revoke);
}

/**
 * iopt_revoke_restore() - Show the memory again in all areas that wait for it
 * @revoke: the memory, present or away
 *
 * One that cannot be shown yet does not keep others from it.
 *
 * Context: the worker, of which there is one; may sleep, takes the mutex of the
 * pages, for one area at a time.
 * Return: 0; -EAGAIN if the memory is away; -ENOMEM; what the IOMMU driver
 * says.
 */
int iopt_revoke_restore(struct iopt_revoke *revoke)
{
	int rc = 0;

	while (restore_step(revoke, &rc))
		cond_resched();
	restore_end(revoke);
	return rc;
}

/**
 * iopt_revoke_wanted() - Does an area wait for memory that may be there?
 * @revoke: the memory
 *
 * Context: the worker; may sleep, takes the mutex of the pages.
 * Return: whether one does, and the memory is neither known to be present nor
 * gone.
 */
bool iopt_revoke_wanted(struct iopt_revoke *revoke)
{
	guard(mutex)(&revoke->pages->mutex);
	return !revoke->present && !revoke->gone &&
	       !list_empty(&revoke->waiting);
}

/**
 * iopt_revoke_reclaim() - Have memory reclaimed, for allocations under a mutex
 *
 * Those do not wait for reclaim, so they fail more easily than others.
 *
 * Context: may sleep, no lock held that an MMU notification takes.
 * Return: 0; -ENOMEM; -EINTR on a fatal signal.
 */
int iopt_revoke_reclaim(void)
{
	unsigned long page;

	might_alloc(GFP_KERNEL_ACCOUNT);

	if (fatal_signal_pending(current))
		return -EINTR;
	page = __get_free_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	free_page(page);
	return 0;
}

/* The memory is to be visible to domains: now, or when it comes back. */
static int area_show(struct iopt_area *area)
{
	struct iopt_revoke *revoke = area->pages->revoke;
	int rc;

	lockdep_assert_held(&area->pages->mutex);

	if (!revoke->present) {
		list_add_tail(&area->revoke_entry, &revoke->waiting);
		area_set_withdrawn(area);
		revoke_schedule(revoke);
		return 0;
	}
	rc = revoke_map(area, NULL);
	if (rc)
		return rc;
	list_add_tail(&area->revoke_entry, &revoke->shown);
	WRITE_ONCE(area->content, IOPT_AREA_FILLED);
	return 0;
}

/* Fill an area that is empty. */
static int area_enter(struct iopt_area *area)
{
	struct iopt_domains *domains = area->domains;

	/* Under the lock, so that a domain that leaves knows what to expect. */
	down_read(&domains->rwsem);
	WRITE_ONCE(area->generation, domains->generation);
	area->reported = domains->generation;
	up_read(&domains->rwsem);
	return area_show(area);
}

/*
 * Show an area in one more domain, unless the memory is away. If the area is
 * still shown by then, it is withdrawn now, before its turn.
 */
static int area_join(struct iopt_area *area, struct iopt_domain *member)
{
	int rc = 0;

	if (area->content == IOPT_AREA_EMPTY ||
	    area->generation >= member->joined)
		return 0;
	if (area->content == IOPT_AREA_FILLED && !area->pages->revoke->present)
		area_withdraw(area);
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
		if (rc != -ENOMEM || tries == FILL_TRIES)
			return rc;
		rc = iopt_revoke_reclaim();
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
	list_del(&area->revoke_entry);
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

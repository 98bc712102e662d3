// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs in domains: making the memory of an area visible to them.
 *
 * Pages are pinned without &iopt_pages.mutex, so in between domains may leave,
 * and the area may be unmapped. What is stored until then is taken out by those
 * who do that, since &iopt_area.pages_node tells how far it goes; here it is
 * enough to look again after each batch.
 */
#include "iopt_fill.h"

#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/sched/signal.h>

#include "area_domains.h"
#include "iopt_types.h"
#include "iopt_unfill.h"
#include "pages.h"
#include "pfn_domain.h"
#include "pfn_reader.h"
#include "pin/pin.h"
#include "revoke_area.h"
#include "run_chunks.h"

/* The IOVA of some pages, and how to map them. */
static void area_pfn_window(struct iopt_area *area, unsigned long start,
			    unsigned long last, struct pfn_window *window)
{
	window->iova = iopt_area_window(area, start, last, &window->length);
	window->offset = start == iopt_area_first(area) ? area->page_offset : 0;
	window->prot = area->iommu_prot;
	window->huge_pages = READ_ONCE(area->domains->huge_pages);
	window->nowait = false;
}

/**
 * struct fill_target - Where an area's memory is to be visible
 * @generation: of the domains, as @area was given it
 * @storage: the domain that PFNs are read back from; NULL if all domains left
 * @member: the domain to fill, if it is just one; NULL for all of @generation
 * @joining: others have the area and store its PFNs, so @member does not
 */
struct fill_target {
	u64 generation;
	struct iopt_domain *storage;
	struct iopt_domain *member;
	bool joining;
};

/* Is there anything left to do, after others have had the mutex? */
static bool fill_wanted(struct iopt_area *area, struct fill_target *target)
{
	struct iopt_domains *domains = area->domains;

	if (area->content != IOPT_AREA_FILLING)
		return false;
	if (area->generation == target->generation)
		return true;
	down_read(&domains->rwsem);
	target->generation = area->generation;
	target->storage = iopt_area_first_member(area, &target->member);
	up_read(&domains->rwsem);
	return target->storage;
}

/* The area is visible, and stored, up to a page index, inclusive. */
static void area_store(struct iopt_area *area, const struct fill_target *target,
		       unsigned long last)
{
	struct rb_root_cached *itree = &area->pages->domains_itree;
	unsigned long end = iopt_area_first(area);

	if (target->joining)
		return;
	if (area->storage_domain) {
		interval_tree_remove(&area->pages_node, itree);
		end = area->pages_node.last + 1;
	} else {
		area->storage_domain = target->storage->domain;
	}
	atomic_long_add(last + 1 - end, &area->domains->npages);
	area->pages_node.last = last;
	interval_tree_insert(&area->pages_node, itree);
	area->sole_member = target->member;
}

static void area_store_run(struct iopt_area *area, unsigned long pfn)
{
	area->pfn = pfn;
	area->one_run = true;
}

/*
 * One page that is pinned for one domain needs no buffers. With that a small
 * map costs an eighth less.
 */
static int fill_page(struct iopt_area *area, struct fill_target *target,
		     struct pfn_reader *reader)
{
	struct pfn_run run = { .npages = 1 };
	struct pfn_window window;
	int rc;

	rc = pfn_reader_pin_one(reader, &run.pfn);
	if (rc)
		return rc;
	if (fill_wanted(area, target)) {
		area_pfn_window(area, reader->start, reader->start, &window);
		rc = pfn_domain_map(target->storage->domain, &run, &window);
		if (!rc) {
			area_store_run(area, run.pfn);
			area_store(area, target, reader->start);
			pfn_reader_stored(reader);
			return 0;
		}
	}
	pin_release_run(&reader->pages->origin, run.pfn, 1);
	return rc;
}

static int area_map_members(struct iopt_area *area,
			    const struct fill_target *target,
			    const struct pfn_reader *reader)
{
	struct iopt_domain *member = NULL;
	struct pfn_window window;
	int rc = 0;

	area_pfn_window(area, reader->start, reader->next - 1, &window);
	while (!rc && (member = iopt_area_next_member(area, target->member,
						      member)))
		rc = pfn_domain_map(member->domain, reader->batch.runs,
				    &window);
	if (rc && iopt_area_unmap(area, target->member, member, window.iova,
				  window.length) < window.length)
		pfn_domain_keep(reader->batch.runs, &window);
	return rc;
}

/* Map one batch, whose pins then are the domains'. */
static int fill_batch(struct iopt_area *area, struct fill_target *target,
		      struct pfn_reader *reader)
{
	const struct pfn_batch *batch = &reader->batch;
	int rc = area_map_members(area, target, reader);

	if (rc)
		return rc;
	if (batch->npages == iopt_area_npages(area) && batch->nruns == 1)
		area_store_run(area, batch->runs[0].pfn);
	run_chunks_note(area->pages, batch, reader->start);
	area_store(area, target, reader->next - 1);
	pfn_reader_stored(reader);
	if (pfn_reader_done(reader))
		return 0;
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int fill_batches(struct iopt_area *area, struct fill_target *target,
			struct pfn_reader *reader)
{
	int rc;

	pfn_reader_init(reader);
	do {
		bool wanted;

		rc = pfn_reader_next(reader);
		if (rc)
			break;
		wanted = fill_wanted(area, target);
		if (wanted)
			rc = fill_batch(area, target, reader);
		if (!wanted || rc) {
			pfn_reader_unpin(reader);
			break;
		}
	} while (!pfn_reader_done(reader));
	pfn_reader_destroy(reader);
	return rc;
}

static int area_fill(struct iopt_area *area, struct fill_target *target,
		     struct pfn_reader *reader)
{
	int rc;

	WRITE_ONCE(area->content, IOPT_AREA_FILLING);
	if (reader->missing == 1 && target->member &&
	    iopt_area_npages(area) == 1)
		rc = fill_page(area, target, reader);
	else
		rc = fill_batches(area, target, reader);
	if (!rc && area->content == IOPT_AREA_FILLING)
		WRITE_ONCE(area->content, IOPT_AREA_FILLED);
	return rc;
}

/* Give an area the domains that there are; returns false, and is done, without. */
static bool fill_target_init(struct fill_target *target, struct iopt_area *area)
{
	struct iopt_domains *domains = area->domains;

	/* Under the lock, so that a domain that leaves knows what to expect. */
	guard(rwsem_read)(&domains->rwsem);
	*target = (struct fill_target){ .generation = domains->generation };
	WRITE_ONCE(area->generation, target->generation);
	area->reported = target->generation;
	target->storage = iopt_area_first_member(area, &target->member);
	if (!target->storage)
		WRITE_ONCE(area->content, IOPT_AREA_FILLED);
	return target->storage;
}

/* Without a domain nothing is pinned, so nobody who pins is waited for. */
static bool fill_nothing(struct iopt_area *area)
{
	struct fill_target target;

	if (!list_empty(&area->domains->list))
		return false;
	guard(mutex)(&area->pages->mutex);
	return !fill_target_init(&target, area);
}

static int fill_domains(struct iopt_area *area, struct pfn_reader *reader)
{
	struct fill_target target;
	int rc;

	if (!fill_target_init(&target, area))
		return 0;
	rc = area_fill(area, &target, reader);
	if (rc) {
		iopt_area_unfill_domains(area);
		WRITE_ONCE(area->content, IOPT_AREA_EMPTY);
	}
	return rc;
}

/**
 * iopt_area_fill_domains() - Make an area's memory visible to all domains
 * @area: empty, in the tree so that a domain that leaves finds it, and used by
 *        nobody else
 *
 * Without a domain nothing is pinned, and the area counts as filled.
 *
 * Context: may sleep, takes the locks of area->pages.
 * Return: 0; -ENOMEM without memory or over the limit; -EFAULT as from
 * pin_origin_read(); -EINTR on a fatal signal; what the IOMMU driver says.
 * On failure everything is as before.
 */
int iopt_area_fill_domains(struct iopt_area *area)
{
	struct pfn_reader reader __uninitialized;
	int rc;

	if (area->pages->revoke)
		return iopt_revoke_fill_domains(area);
	if (fill_nothing(area))
		return 0;
	rc = pfn_reader_lock(&reader, area->pages, iopt_area_first(area),
			     iopt_area_last(area));
	if (rc)
		return rc;
	rc = fill_domains(area, &reader);
	pfn_reader_unlock(&reader);
	return rc;
}

/* Undo what a domain has got of an area that stays in the others. */
static void fill_undo(struct iopt_area *area, const struct fill_target *target,
		      const struct pfn_reader *reader)
{
	unsigned long first = iopt_area_first(area);
	unsigned long iova, length;

	if (!target->joining) {
		iopt_area_unfill_domains(area);
	} else if (reader->start > first) {
		iova = iopt_area_window(area, first, reader->start - 1,
					&length);
		iopt_area_unmap(area, target->member, NULL, iova, length);
	}
}

static int fill_domain(struct iopt_area *area, struct iopt_domain *member,
		       struct pfn_reader *reader)
{
	u64 before = area->generation;
	struct fill_target target = {
		.generation = member->joined,
		.storage = member,
		.member = member,
		.joining = area->storage_domain,
	};
	int rc;

	if (area->content == IOPT_AREA_EMPTY || before >= member->joined)
		return 0;
	WRITE_ONCE(area->generation, member->joined);
	rc = area_fill(area, &target, reader);
	/* Unmapped meanwhile: that its memory is gone, too, is no failure. */
	if (area->content == IOPT_AREA_EMPTY)
		return rc == -EINTR ? rc : 0;
	if (rc) {
		fill_undo(area, &target, reader);
		WRITE_ONCE(area->generation, before);
		WRITE_ONCE(area->content, IOPT_AREA_FILLED);
	} else if (target.joining) {
		area->sole_member = NULL;
	}
	return rc;
}

/**
 * iopt_area_fill_domain() - Make an area's memory visible to one more domain
 * @area: in the tree, in any state
 * @member: the domain, on the list
 *
 * PFNs that are stored already are read from there. Does nothing if the area
 * is empty, was filled with @member on the list, or is being unmapped.
 *
 * Context: may sleep, takes the locks of area->pages. The caller keeps other
 * domains from joining and leaving.
 * Return: as iopt_area_fill_domains().
 */
int iopt_area_fill_domain(struct iopt_area *area, struct iopt_domain *member)
{
	struct pfn_reader reader __uninitialized;
	int rc;

	if (area->pages->revoke)
		return iopt_revoke_fill_domain(area, member);
	rc = pfn_reader_lock(&reader, area->pages, iopt_area_first(area),
			     iopt_area_last(area));
	if (rc)
		return rc;
	rc = fill_domain(area, member, &reader);
	pfn_reader_unlock(&reader);
	return rc;
}

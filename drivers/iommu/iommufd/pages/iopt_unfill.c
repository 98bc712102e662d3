// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Taking areas out of domains, and unpinning what nobody stores any more.
 *
 * Many areas cost little more than one, if they are emptied together. The
 * mutexes of the pages of all these areas are held until that is over.
 *
 * An area may still be on its way to be filled, by a thread that is just
 * pinning pages without the mutex. Then what it shows so far is taken out, and
 * that thread finds out when it comes back.
 */
#include "iopt_unfill.h"

#include <linux/iommu.h>
#include <linux/sched.h>

#include "area_domains.h"
#include "iopt_types.h"
#include "pages.h"
#include "pfn_domain.h"
#include "pfn_span.h"
#include "pfn_storage.h"
#include "revoke_area.h"
#include "run_chunks.h"
#include "unfill_parts.h"

/* So many mutexes are held at once. Lockdep does not follow more than 48. */
#define UNFILL_AREAS UNFILL_PARTS

/**
 * struct unfill_crowd - Areas that are emptied together
 * @parts: of these areas
 * @locked: areas whose pages are locked
 * @missing: pages that nobody stores without each of them
 * @nlocked: number of @locked
 */
struct unfill_crowd {
	struct unfill_parts parts;
	struct iopt_area *locked[UNFILL_AREAS];
	unsigned long missing[UNFILL_AREAS];
	unsigned int nlocked;
};

/* The last page index that is stored, inclusive. */
static unsigned long area_stored_last(const struct iopt_area *area)
{
	return area->pages_node.last;
}

/* Stop being a tier. */
static struct iommu_domain *area_drop_storage(struct iopt_area *area)
{
	struct iommu_domain *source = area->storage_domain;

	interval_tree_remove(&area->pages_node, &area->pages->domains_itree);
	area->storage_domain = NULL;
	atomic_long_sub(area_stored_last(area) + 1 - iopt_area_first(area),
			&area->domains->npages);
	return source;
}

static unsigned long area_missing(struct iopt_area *area)
{
	struct pfn_span first;

	if (pfn_span_none(area->pages))
		return area_stored_last(area) - iopt_area_first(area) + 1;
	return pfn_span_missing(&first, area->pages, iopt_area_first(area),
				area_stored_last(area));
}

/* The IOPTEs are gone, and what was unpinned costs nothing any more. */
static void area_storage_dropped(struct iopt_area *area, unsigned long missing)
{
	area->sole_member = NULL;
	area->one_run = false;
	iopt_pages_unpinned(area->pages, missing);
}

/* How many entries of a batch an area may take. */
static unsigned long area_most_runs(const struct iopt_area *area)
{
	return area->one_run ? 0 : iopt_area_npages(area);
}

/* Clear all IOPTEs of an area, in one domain or all. */
static void area_unmap_stored(struct iopt_area *area,
			      struct iopt_domain *target)
{
	unsigned long length;
	unsigned long iova = iopt_area_window(area, iopt_area_first(area),
					      area_stored_last(area), &length);

	iopt_area_unmap(area, target, NULL, iova, length);
}

/* Returns how many pages nobody stores without the area. */
static unsigned long unfill_area(struct unfill_parts *unfill,
				 struct iopt_area *area,
				 struct iopt_domain *target)
{
	struct iommu_domain *source = area_drop_storage(area);
	unsigned long missing = area_missing(area);

	if (missing)
		unfill_parts_add(unfill, area, target, source,
				 iopt_area_first(area), area_stored_last(area));
	else /* Nothing is going to be unpinned, so it need not be read. */
		area_unmap_stored(area, target);
	return missing;
}

/* One run in one domain needs neither a batch nor parts. */
static unsigned long unfill_run(struct iopt_area *area)
{
	unsigned long first = iopt_area_first(area);
	unsigned long last = area_stored_last(area);
	unsigned long iova, length, unmapped, missing;

	area_drop_storage(area);
	missing = area_missing(area);
	iova = iopt_area_window(area, first, last, &length);
	unmapped = pfn_domain_unmap(area->sole_member->domain, iova, length);
	if (unmapped < length)
		run_chunks_forget(area->pages, first, last);
	pfn_storage_unpin_run(area->pages, area->pfn, first,
			      unmapped < length ? unmapped / PAGE_SIZE :
						  last - first + 1);
	return missing;
}

static unsigned long unfill_batches(struct iopt_area *area,
				    struct iopt_domain *target)
{
	struct unfill_parts unfill __uninitialized;
	unsigned long missing;

	unfill_parts_init(&unfill);
	pfn_batch_grow(&unfill.batch, area_most_runs(area));
	missing = unfill_area(&unfill, area, target);
	unfill_parts_flush(&unfill);
	unfill_parts_destroy(&unfill);
	return missing;
}

/* Take an area out of one domain, or all, that store its PFNs. */
static void unfill_domains(struct iopt_area *area, struct iopt_domain *target)
{
	unsigned long missing;

	if (target && area->one_run && area->sole_member == target)
		missing = unfill_run(area);
	else
		missing = unfill_batches(area, target);
	area_storage_dropped(area, missing);
}

/**
 * iopt_area_unfill_domains() - Take an area out of all domains
 * @area: with an IOVA, in any state; the caller sets &iopt_area.content
 *
 * Devices can no longer reach the memory through this area. Pages that nobody
 * else stores are unpinned.
 *
 * Context: area->pages->mutex held, may sleep. Never needs memory.
 */
void iopt_area_unfill_domains(struct iopt_area *area)
{
	lockdep_assert_held(&area->pages->mutex);

	if (area->pages->revoke)
		iopt_revoke_unfill_domains(area);
	else if (area->storage_domain)
		unfill_domains(area, area->sole_member);
}

/**
 * iopt_area_unfill() - iopt_area_unfill_domains() with the mutex
 * @area: as there
 *
 * Context: may sleep, takes the mutex of its pages. Never needs memory.
 */
void iopt_area_unfill(struct iopt_area *area)
{
	mutex_lock(&area->pages->mutex);
	iopt_area_unfill_domains(area);
	WRITE_ONCE(area->content, IOPT_AREA_EMPTY);
	mutex_unlock(&area->pages->mutex);
}

/* End with all areas that are locked. */
static void unfill_finish(struct unfill_crowd *unfill)
{
	unsigned int i;

	unfill_parts_flush(&unfill->parts);
	for (i = 0; i < unfill->nlocked; i++) {
		struct iopt_area *area = unfill->locked[i];

		area_storage_dropped(area, unfill->missing[i]);
		WRITE_ONCE(area->content, IOPT_AREA_EMPTY);
		mutex_unlock(&area->pages->mutex);
	}
	unfill->nlocked = 0;
}

/*
 * Lock the pages of one more area. While others are locked it does not wait for
 * the lock; and there is room in the batch, so that a large area does not keep
 * the others waiting.
 */
static void unfill_lock(struct unfill_crowd *unfill, struct iopt_area *area)
{
	struct pfn_batch *batch = &unfill->parts.batch;
	unsigned int room = batch->capacity - batch->nruns;
	bool locked = unfill->nlocked && unfill->nlocked < UNFILL_AREAS &&
		      mutex_trylock(&area->pages->mutex);

	if (locked && area_most_runs(area) > room) {
		mutex_unlock(&area->pages->mutex);
		locked = false;
	}
	if (!locked) {
		unfill_finish(unfill);
		mutex_lock(&area->pages->mutex);
	}
	if (!unfill->nlocked)
		pfn_batch_grow(batch, area_most_runs(area));
}

static void unfill_add(struct unfill_crowd *unfill, struct iopt_area *area)
{
	unsigned int i = unfill->nlocked++;

	unfill->locked[i] = area;
	unfill->missing[i] = unfill_area(&unfill->parts, area,
					 area->sole_member);
}

/* Memory of a device has a mutex under which no batch may be allocated. */
static void unfill_alone(struct unfill_crowd *unfill, struct iopt_area *area)
{
	unfill_finish(unfill);
	iopt_area_unfill(area);
}

/**
 * iopt_areas_unfill() - iopt_area_unfill() for many areas
 * @areas: linked by &iopt_area.list, of one io_pagetable, in use by nobody else
 *
 * Nobody begins to fill an area that is in use by nobody else, so those that
 * are empty are passed over without a lock.
 *
 * Context: may sleep, takes the mutexes of their pages. Never needs memory.
 */
void iopt_areas_unfill(struct list_head *areas)
{
	struct unfill_crowd unfill __uninitialized;
	struct iopt_area *area;

	unfill_parts_init(&unfill.parts);
	unfill.nlocked = 0;
	list_for_each_entry(area, areas, list) {
		cond_resched();
		if (READ_ONCE(area->content) == IOPT_AREA_EMPTY)
			continue;
		if (area->pages->revoke) {
			unfill_alone(&unfill, area);
			continue;
		}
		unfill_lock(&unfill, area);
		if (area->storage_domain) {
			unfill_add(&unfill, area);
		} else {
			WRITE_ONCE(area->content, IOPT_AREA_EMPTY);
			mutex_unlock(&area->pages->mutex);
		}
	}
	unfill_finish(&unfill);
	unfill_parts_destroy(&unfill.parts);
}

/* Another domain that holds the area and can be the storage instead. */
static struct iommu_domain *area_storage_successor(struct iopt_area *area,
						   struct iopt_domain *leaving)
{
	struct iopt_domain *member = NULL;

	while ((member = iopt_area_next_member(area, NULL, member)))
		if (member != leaving)
			return member->domain;
	return NULL;
}

/* Take an area out of one domain, and no other. */
static void area_take_out(struct iopt_area *area, struct iopt_domain *member)
{
	if (area->storage_domain == member->domain) {
		struct iommu_domain *successor;

		successor = area_storage_successor(area, member);
		if (!successor) {
			unfill_domains(area, member);
			return;
		}
		area->storage_domain = successor;
	}
	area_unmap_stored(area, member);
}

/**
 * iopt_area_unfill_domain() - Take an area out of a domain that is leaving
 * @area: in the tree, in any state
 * @member: the domain, on the list, with @left set
 *
 * If the domain stored the PFNs, another one that holds the area takes over,
 * and without one, pages that nobody else stores are unpinned.
 *
 * Context: area->pages->mutex held, may sleep. Never needs memory. The caller
 * keeps other domains from joining and leaving.
 */
void iopt_area_unfill_domain(struct iopt_area *area,
			     struct iopt_domain *member)
{
	lockdep_assert_held(&area->pages->mutex);

	if (area->content == IOPT_AREA_EMPTY ||
	    !iopt_domain_in(member, area->generation))
		return;
	if (area->pages->revoke)
		iopt_revoke_unfill_domain(area, member);
	else if (area->storage_domain)
		area_take_out(area, member);
	WRITE_ONCE(area->generation, member->left);
}

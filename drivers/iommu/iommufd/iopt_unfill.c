// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Taking areas out of domains, and unpinning what nobody stores any more.
 *
 * For each page this is: read the PFN back, clear the IOPTE, wait until no
 * device can use it any more, unpin. Most of that costs as much for many pages
 * as for one, so many pages, and many areas, go through it together. The
 * mutexes of the pages of all these areas are held until it is over.
 */
#include "iopt_unfill.h"

#include <linux/iommu.h>
#include <linux/sched.h>

#include "iopt_member.h"
#include "iopt_types.h"
#include "pages.h"
#include "pfn_batch.h"
#include "pfn_domain.h"
#include "pfn_storage.h"

/* So many mutexes are held at once. Lockdep does not follow more than 48. */
#define UNFILL_AREAS 16

/**
 * struct unfill_part - Neighbouring pages of an area whose PFNs are read
 * @area: they are mapped in
 * @only: in this domain; NULL for all of the area's generation
 * @index: of the first page
 * @npages: how many of them may be unpinned
 * @stuck: how many, behind these, have to stay pinned
 * @iova: where they are
 * @length: bytes
 */
struct unfill_part {
	struct iopt_area *area;
	struct iopt_domain *only;
	unsigned long index;
	unsigned long npages;
	unsigned long stuck;
	unsigned long iova;
	unsigned long length;
};

/**
 * struct unfill - Pages on their way from IOPTEs to being unpinned
 * @batch: the PFNs of all parts, in their order
 * @parts: what @batch holds
 * @nparts: number of @parts
 * @first: the first area whose pages are locked
 * @locked: number of areas from @first on whose pages are locked
 */
struct unfill {
	struct pfn_batch batch;
	struct unfill_part parts[UNFILL_AREAS];
	unsigned int nparts;
	struct iopt_area *first;
	unsigned int locked;
};

static void unfill_init(struct unfill *unfill)
{
	pfn_batch_init(&unfill->batch);
	unfill->nparts = 0;
	unfill->locked = 0;
}

/**
 * iopt_area_unmap() - Clear IOPTEs of an area and wait until no device uses them
 * @area: the area; with @only also those that join it
 * @only: the domain, NULL for all of the area's generation
 * @end: stop before this one, NULL for none
 * @iova: first IOVA
 * @length: bytes
 *
 * Context: area->pages->mutex held, may sleep.
 * Return: how many bytes are clear in each of the domains.
 */
unsigned long iopt_area_unmap(struct iopt_area *area, struct iopt_domain *only,
			      struct iopt_domain *end, unsigned long iova,
			      unsigned long length)
{
	struct iopt_domain *member = NULL;
	unsigned long unmapped = length;

	lockdep_assert_held(&area->pages->mutex);

	while ((member = iopt_member_next(area, only, member)) != end)
		unmapped = min(unmapped, pfn_domain_unmap(member->domain, iova,
							  length));
	return unmapped;
}

/* Parts from @first on that one step can clear, since their IOVA joins. */
static unsigned int joined_parts(const struct unfill *unfill,
				 unsigned int first, unsigned long *length)
{
	const struct unfill_part *part = &unfill->parts[first];
	unsigned int end;

	*length = part->length;
	for (end = first + 1; end < unfill->nparts; end++) {
		const struct unfill_part *next = &unfill->parts[end];

		if (!part->only || next->only != part->only ||
		    next->iova != part->iova + *length)
			break;
		*length += next->length;
	}
	return end;
}

/* Pages that a broken driver left mapped stay pinned. */
static void part_unmapped(struct unfill_part *part, unsigned long unmapped)
{
	if (unmapped >= part->length)
		return;
	pfn_storage_forget_runs(part->area->pages, part->index,
				part->index + part->npages - 1);
	part->stuck = part->npages - unmapped / PAGE_SIZE;
	part->npages -= part->stuck;
}

/* Clear the IOPTEs of all parts, and wait until no device uses them. */
static void unfill_clear(struct unfill *unfill)
{
	unsigned int i = 0;

	while (i < unfill->nparts) {
		struct unfill_part *part = &unfill->parts[i];
		unsigned long length, unmapped;
		unsigned int end = joined_parts(unfill, i, &length);

		unmapped = iopt_area_unmap(part->area, part->only, NULL,
					   part->iova, length);
		for (; i < end; i++) {
			part = &unfill->parts[i];
			length = min(unmapped, part->length);
			part_unmapped(part, length);
			unmapped -= length;
		}
	}
}

static void unfill_flush(struct unfill *unfill)
{
	struct pfn_batch_iter iter;
	unsigned int i;

	unfill_clear(unfill);
	pfn_batch_iter_first(&iter, &unfill->batch, 0, 0);
	for (i = 0; i < unfill->nparts; i++) {
		struct unfill_part *part = &unfill->parts[i];

		pfn_storage_unpin_unstored(part->area->pages, &iter,
					   part->index, part->npages);
		pfn_batch_iter_skip(&iter, part->stuck);
	}
	unfill->nparts = 0;
	pfn_batch_clear(&unfill->batch);
}

/* Make a part of all pages from @index on whose PFNs there is room for. */
static unsigned long unfill_add(struct unfill *unfill, struct iopt_area *area,
				struct iopt_domain *only,
				struct iommu_domain *source,
				unsigned long index, unsigned long last)
{
	struct unfill_part *part = &unfill->parts[unfill->nparts++];
	unsigned long before = unfill->batch.npages;

	part->area = area;
	part->only = only;
	part->index = index;
	part->stuck = 0;
	pfn_storage_read_domain(area, source, index, last, &unfill->batch);
	part->npages = unfill->batch.npages - before;
	part->iova = iopt_area_window(area, index, index + part->npages - 1,
				      &part->length);
	return part->npages;
}

static void unfill_pages(struct unfill *unfill, struct iopt_area *area,
			 struct iopt_domain *only, struct iommu_domain *source,
			 unsigned long index, unsigned long last)
{
	for (;;) {
		if (unfill->nparts == UNFILL_AREAS ||
		    unfill->batch.nruns == unfill->batch.capacity)
			unfill_flush(unfill);
		index += unfill_add(unfill, area, only, source, index, last);
		if (index > last)
			break;
		cond_resched();
	}
}

/**
 * iopt_area_empty() - Clear IOPTEs of pages, and unpin what no tier stores
 * @area: the area
 * @only: the domain, NULL for all of the area's generation
 * @source: one of them, to read the PFNs from
 * @index: first page index
 * @last: last page index, inclusive
 *
 * Context: area->pages->mutex held, may sleep. Never needs memory.
 */
void iopt_area_empty(struct iopt_area *area, struct iopt_domain *only,
		     struct iommu_domain *source, unsigned long index,
		     unsigned long last)
{
	struct unfill unfill __uninitialized;

	lockdep_assert_held(&area->pages->mutex);

	unfill_init(&unfill);
	pfn_batch_grow(&unfill.batch, last - index + 1);
	unfill_pages(&unfill, area, only, source, index, last);
	unfill_flush(&unfill);
	pfn_batch_destroy(&unfill.batch);
}

/* Stop being a tier. */
static struct iommu_domain *drop_storage(struct iopt_area *area)
{
	struct iommu_domain *source = area->storage_domain;

	interval_tree_remove(&area->pages_node, &area->pages->domains_itree);
	area->storage_domain = NULL;
	return source;
}

static unsigned long area_missing(struct iopt_area *area)
{
	return pfn_storage_missing(area->pages, iopt_area_first(area),
				   iopt_area_last(area));
}

/* The IOPTEs are gone, and what was unpinned costs nothing any more. */
static void storage_dropped(struct iopt_area *area)
{
	area->only = NULL;
	area->one_run = false;
	iopt_pages_uncharge(area->pages, area_missing(area));
}

/* How many entries of a batch an area may take. */
static unsigned long most_runs(const struct iopt_area *area)
{
	return area->one_run ? 1 : iopt_area_npages(area);
}

static unsigned long unmap_whole(struct iopt_area *area,
				 struct iopt_domain *only)
{
	return iopt_area_unmap(area, only, NULL, area->node.start,
			       area->node.last - area->node.start + 1);
}

static void unfill_area(struct unfill *unfill, struct iopt_area *area,
			struct iopt_domain *only)
{
	struct iommu_domain *source = drop_storage(area);

	if (area_missing(area))
		unfill_pages(unfill, area, only, source, iopt_area_first(area),
			     iopt_area_last(area));
	else /* Nothing is going to be unpinned, so it need not be read. */
		unmap_whole(area, only);
}

/* One run in one domain needs neither a batch nor parts. */
static void unfill_run(struct iopt_area *area)
{
	unsigned long first = iopt_area_first(area);
	unsigned long last = iopt_area_last(area);
	unsigned long iova, length, unmapped;

	drop_storage(area);
	iova = iopt_area_window(area, first, last, &length);
	unmapped = pfn_domain_unmap(area->only->domain, iova, length);
	if (unmapped < length)
		pfn_storage_forget_runs(area->pages, first, last);
	pfn_storage_unpin_run(area->pages, area->pfn, first,
			      unmapped < length ? unmapped / PAGE_SIZE :
						  last - first + 1);
}

static void unfill_parts(struct iopt_area *area, struct iopt_domain *only)
{
	struct unfill unfill __uninitialized;

	unfill_init(&unfill);
	pfn_batch_grow(&unfill.batch, most_runs(area));
	unfill_area(&unfill, area, only);
	unfill_flush(&unfill);
	pfn_batch_destroy(&unfill.batch);
}

/**
 * iopt_area_unfill_domains() - Undo iopt_area_fill_domains()
 * @area: in the tree
 *
 * Devices can no longer reach the memory through this area. Pages that nobody
 * else stores are unpinned.
 *
 * Context: area->pages->mutex held, may sleep. Never needs memory.
 */
void iopt_area_unfill_domains(struct iopt_area *area)
{
	lockdep_assert_held(&area->pages->mutex);

	if (area->storage_domain) {
		if (area->one_run && area->only)
			unfill_run(area);
		else
			unfill_parts(area, area->only);
		storage_dropped(area);
	}
	area->filled = false;
}

static void unfill_unlock(struct unfill *unfill, struct iopt_area *area)
{
	area->filled = false;
	mutex_unlock(&area->pages->mutex);
	unfill->locked--;
}

/* End with all areas that are locked. */
static void unfill_finish(struct unfill *unfill)
{
	struct iopt_area *area = unfill->first;

	unfill_flush(unfill);
	for (; unfill->locked; area = list_next_entry(area, list)) {
		if (!area->filled)
			continue;
		storage_dropped(area);
		unfill_unlock(unfill, area);
	}
}

/* Wait for the mutex of the pages of an area. */
static int area_lock(struct iopt_area *area, bool killable)
{
	cond_resched();
	if (killable)
		return mutex_lock_killable(&area->pages->mutex) ? -EINTR : 0;
	mutex_lock(&area->pages->mutex);
	return 0;
}

/*
 * Lock the pages of one more area. While others are locked it does not wait for
 * the lock; and there is room in the batch, so that a large area does not keep
 * the others waiting. On failure none is locked.
 */
static int unfill_lock(struct unfill *unfill, struct iopt_area *area,
		       bool killable)
{
	unsigned int room = unfill->batch.capacity - unfill->batch.nruns;
	bool locked = unfill->locked && unfill->locked < UNFILL_AREAS &&
		      mutex_trylock(&area->pages->mutex);

	if (!locked || most_runs(area) > room)
		unfill_finish(unfill);
	if (!locked && area_lock(area, killable))
		return -EINTR;
	if (!unfill->locked) {
		unfill->first = area;
		pfn_batch_grow(&unfill->batch, most_runs(area));
	}
	unfill->locked++;
	return 0;
}

/**
 * iopt_area_unfill_killable() - Lock an area, and iopt_area_unfill_domains()
 * @area: in the tree, in use by nobody else
 *
 * Context: may sleep, takes the mutex of its pages. Never needs memory.
 * Return: 0; -EINTR on a fatal signal, with nothing changed.
 */
int iopt_area_unfill_killable(struct iopt_area *area)
{
	if (mutex_lock_killable(&area->pages->mutex))
		return -EINTR;
	iopt_area_unfill_domains(area);
	mutex_unlock(&area->pages->mutex);
	return 0;
}

static int unfill_areas(struct list_head *areas, bool killable)
{
	struct unfill unfill __uninitialized;
	struct iopt_area *area;
	int rc = 0;

	unfill_init(&unfill);
	list_for_each_entry(area, areas, list) {
		if (!area->filled) {
			cond_resched();
			continue;
		}
		rc = unfill_lock(&unfill, area, killable);
		if (rc)
			break;
		if (area->storage_domain)
			unfill_area(&unfill, area, area->only);
		else
			unfill_unlock(&unfill, area);
	}
	unfill_finish(&unfill);
	pfn_batch_destroy(&unfill.batch);
	return rc;
}

/**
 * iopt_areas_unfill_domains() - iopt_area_unfill_domains() for many areas
 * @areas: linked by &iopt_area.list, in the tree, of one io_pagetable, in use
 *         by nobody else
 *
 * Only a map that failed has areas that are not filled, and nobody else fills
 * them. For these this does not wait for a lock that the map may just have
 * failed to get.
 *
 * Context: may sleep, takes the mutexes of their pages. Never needs memory.
 */
void iopt_areas_unfill_domains(struct list_head *areas)
{
	unfill_areas(areas, false);
}

/**
 * iopt_areas_unfill_killable() - iopt_areas_unfill_domains() until a signal
 * @areas: as there, all filled
 *
 * Context: as there.
 * Return: 0; -EINTR on a fatal signal while waiting for a mutex. Then the areas
 * from one on are still filled, and those before it are not.
 */
int iopt_areas_unfill_killable(struct list_head *areas)
{
	return unfill_areas(areas, true);
}

/* Another domain that holds the area and can be the storage instead. */
static struct iommu_domain *storage_successor(struct iopt_area *area,
					      struct iopt_domain *entry)
{
	struct iopt_domain *member = NULL;

	while ((member = iopt_member_next(area, NULL, member)))
		if (member != entry)
			return member->domain;
	return NULL;
}

static void take_out(struct iopt_area *area, struct iopt_domain *entry)
{
	struct iommu_domain *successor = storage_successor(area, entry);

	if (area->storage_domain == entry->domain && !successor) {
		unfill_parts(area, entry);
		storage_dropped(area);
	} else {
		if (area->storage_domain == entry->domain)
			area->storage_domain = successor;
		unmap_whole(area, entry);
	}
	WRITE_ONCE(area->generation, entry->left);
}

/* Of the domains that an area is in, the one that left first. */
static struct iopt_domain *first_to_leave(struct iopt_area *area,
					  u64 generation)
{
	struct iopt_domain *member = NULL, *first = NULL;

	while ((member = iopt_member_next(area, NULL, member)))
		if (member->left <= generation &&
		    (!first || member->left < first->left))
			first = member;
	return first;
}

/**
 * iopt_area_unfill_left() - Take an area out of the domains that have left
 * @area: filled
 * @generation: up to which they left, inclusive
 *
 * A domain that leaves passes over areas whose pages somebody has locked, and
 * comes again. In between the area must not step over the generation in which
 * the domain left, or nobody would know any more that it is in there.
 *
 * Context: area->pages->mutex held, may sleep. Never needs memory. The caller
 * keeps other domains from joining and leaving.
 */
void iopt_area_unfill_left(struct iopt_area *area, u64 generation)
{
	struct iopt_domain *member;

	lockdep_assert_held(&area->pages->mutex);

	while ((member = first_to_leave(area, generation)))
		take_out(area, member);
}

/**
 * iopt_area_unfill_domain() - Take an area out of a domain that is leaving
 * @area: in the tree, in any state
 * @entry: the domain, on the list, with @left set
 *
 * If the domain stored the PFNs, another one that holds the area takes over,
 * and without one, pages that nobody else stores are unpinned.
 *
 * Context: area->pages->mutex held, may sleep. Never needs memory. The caller
 * keeps other domains from joining and leaving.
 */
void iopt_area_unfill_domain(struct iopt_area *area, struct iopt_domain *entry)
{
	lockdep_assert_held(&area->pages->mutex);

	if (area->filled && iopt_domain_in(entry, area->generation))
		iopt_area_unfill_left(area, entry->left);
}

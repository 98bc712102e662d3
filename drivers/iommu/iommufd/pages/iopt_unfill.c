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
#include "lib/pfn_batch.h"
#include "pages.h"
#include "pfn_domain.h"
#include "pfn_span.h"
#include "pfn_storage.h"
#include "run_chunks.h"

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
 * @locked: areas whose pages are locked
 * @nlocked: number of @locked
 */
struct unfill {
	struct pfn_batch batch;
	struct unfill_part parts[UNFILL_AREAS];
	unsigned int nparts;
	struct iopt_area *locked[UNFILL_AREAS];
	unsigned int nlocked;
};

static void unfill_init(struct unfill *unfill)
{
	pfn_batch_init(&unfill->batch);
	unfill->nparts = 0;
	unfill->nlocked = 0;
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
	run_chunks_forget(part->area->pages, part->index,
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

/* The last page index that is stored, inclusive. */
static unsigned long stored_last(const struct iopt_area *area)
{
	return area->pages_node.last;
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
	return pfn_span_missing(area->pages, iopt_area_first(area),
				   stored_last(area));
}

/* The IOPTEs are gone, and what was unpinned costs nothing any more. */
static void storage_dropped(struct iopt_area *area)
{
	area->only = NULL;
	area->one_run = false;
	iopt_pages_unpinned(area->pages, area_missing(area));
}

/* How many entries of a batch an area may take. */
static unsigned long most_runs(const struct iopt_area *area)
{
	return area->one_run ? 1 : iopt_area_npages(area);
}

/* Clear all IOPTEs of an area, in one domain or all. */
static void unmap_stored(struct iopt_area *area, struct iopt_domain *only)
{
	unsigned long length;
	unsigned long iova = iopt_area_window(area, iopt_area_first(area),
					      stored_last(area), &length);

	iopt_area_unmap(area, only, NULL, iova, length);
}

static void unfill_area(struct unfill *unfill, struct iopt_area *area,
			struct iopt_domain *only)
{
	struct iommu_domain *source = drop_storage(area);

	if (area_missing(area))
		unfill_pages(unfill, area, only, source, iopt_area_first(area),
			     stored_last(area));
	else /* Nothing is going to be unpinned, so it need not be read. */
		unmap_stored(area, only);
}

/* One run in one domain needs neither a batch nor parts. */
static void unfill_run(struct iopt_area *area)
{
	unsigned long first = iopt_area_first(area);
	unsigned long last = stored_last(area);
	unsigned long iova, length, unmapped;

	drop_storage(area);
	iova = iopt_area_window(area, first, last, &length);
	unmapped = pfn_domain_unmap(area->only->domain, iova, length);
	if (unmapped < length)
		run_chunks_forget(area->pages, first, last);
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

/* Take an area out of one domain, or all, that store its PFNs. */
static void unfill_domains(struct iopt_area *area, struct iopt_domain *only)
{
	if (only && area->one_run && area->only == only)
		unfill_run(area);
	else
		unfill_parts(area, only);
	storage_dropped(area);
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

	if (area->storage_domain)
		unfill_domains(area, area->only);
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
static void unfill_finish(struct unfill *unfill)
{
	unsigned int i;

	unfill_flush(unfill);
	for (i = 0; i < unfill->nlocked; i++) {
		struct iopt_area *area = unfill->locked[i];

		storage_dropped(area);
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
static void unfill_lock(struct unfill *unfill, struct iopt_area *area)
{
	unsigned int room = unfill->batch.capacity - unfill->batch.nruns;
	bool locked = unfill->nlocked && unfill->nlocked < UNFILL_AREAS &&
		      mutex_trylock(&area->pages->mutex);

	if (locked && most_runs(area) > room) {
		mutex_unlock(&area->pages->mutex);
		locked = false;
	}
	if (!locked) {
		unfill_finish(unfill);
		mutex_lock(&area->pages->mutex);
	}
	if (!unfill->nlocked)
		pfn_batch_grow(&unfill->batch, most_runs(area));
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
	struct unfill unfill __uninitialized;
	struct iopt_area *area;

	unfill_init(&unfill);
	list_for_each_entry(area, areas, list) {
		cond_resched();
		if (READ_ONCE(area->content) == IOPT_AREA_EMPTY)
			continue;
		unfill_lock(&unfill, area);
		if (area->storage_domain) {
			unfill.locked[unfill.nlocked++] = area;
			unfill_area(&unfill, area, area->only);
		} else {
			WRITE_ONCE(area->content, IOPT_AREA_EMPTY);
			mutex_unlock(&area->pages->mutex);
		}
	}
	unfill_finish(&unfill);
	pfn_batch_destroy(&unfill.batch);
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

/* Take an area out of one domain, and no other. */
static void take_out(struct iopt_area *area, struct iopt_domain *entry)
{
	struct iommu_domain *successor = storage_successor(area, entry);

	if (area->storage_domain == entry->domain && !successor) {
		unfill_domains(area, entry);
		return;
	}
	if (area->storage_domain == entry->domain)
		area->storage_domain = successor;
	unmap_stored(area, entry);
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

	if (area->content == IOPT_AREA_EMPTY ||
	    !iopt_domain_in(entry, area->generation))
		return;
	if (area->storage_domain)
		take_out(area, entry);
	WRITE_ONCE(area->generation, entry->left);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs in domains: making the memory of an area visible to them.
 */
#include "iopt_fill.h"

#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/sched/signal.h>

#include "iopt_types.h"
#include "pages.h"
#include "pfn_domain.h"
#include "pfn_reader.h"
#include "pfn_storage.h"

/*
 * The domains that a step works on: just @only, or all that the area's
 * generation has. Such a domain cannot finish leaving before the step ends,
 * because that takes the mutex of the pages of every area it is in. So it can
 * be used, and the walk continued from it, without a lock in between.
 */
static struct iopt_domain *member_next(struct iopt_area *area,
				       struct iopt_domain *only,
				       struct iopt_domain *prev)
{
	struct iopt_domains *domains = area->domains;
	struct iopt_domain *member;

	if (only)
		return prev ? NULL : only;

	guard(rwsem_read)(&domains->rwsem);
	member = list_prepare_entry(prev, &domains->list, entry);
	list_for_each_entry_continue(member, &domains->list, entry)
		if (iopt_domain_in(member, area->generation))
			return member;
	return NULL;
}

static struct iommu_domain *member_first(struct iopt_area *area,
					 struct iopt_domain *only)
{
	struct iopt_domain *first = member_next(area, only, NULL);

	return first ? first->domain : NULL;
}

static unsigned long window_iova(struct iopt_area *area, unsigned long start,
				 unsigned long last, unsigned long *length)
{
	unsigned long iova = iopt_area_index_iova(area, start);

	*length = iopt_area_index_iova_last(area, last) - iova + 1;
	return iova;
}

/*
 * Clear the IOPTEs of some pages, not of all domains if @end is given but only
 * of those before it. Returns how many bytes are clear everywhere.
 */
static unsigned long unmap_members(struct iopt_area *area,
				   struct iopt_domain *only,
				   struct iopt_domain *end, unsigned long iova,
				   unsigned long length)
{
	struct iopt_domain *member = NULL;
	unsigned long unmapped = length;

	while ((member = member_next(area, only, member)) != end)
		unmapped = min(unmapped, pfn_domain_unmap(member->domain, iova,
							  length));
	return unmapped;
}

static int map_members(struct iopt_area *area, struct iopt_domain *only,
		       const struct pfn_reader *reader)
{
	struct iopt_domain *member = NULL;
	struct pfn_window window = {
		.offset = reader->start == iopt_area_first(area) ?
				  area->page_offset : 0,
		.prot = area->iommu_prot,
		.small_pages = READ_ONCE(area->domains->small_pages),
	};
	int rc = 0;

	window.iova = window_iova(area, reader->start, reader->next - 1,
				  &window.length);
	while (!rc && (member = member_next(area, only, member)))
		rc = pfn_domain_map(member->domain, &reader->batch, &window);
	if (rc)
		unmap_members(area, only, member, window.iova, window.length);
	return rc;
}

/*
 * Clear the IOPTEs of the pages from @index to @last, and unpin what no tier
 * stores. The PFNs come from @source, one of the domains that are cleared.
 */
static void area_empty(struct iopt_area *area, struct iopt_domain *only,
		       struct iommu_domain *source, unsigned long index,
		       unsigned long last)
{
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	pfn_batch_grow(&batch, last - index + 1);
	while (index <= last) {
		unsigned long iova, length, unmapped, npages;

		pfn_batch_clear(&batch);
		pfn_storage_read_domain(area, source, index, last, &batch);
		iova = window_iova(area, index, index + batch.npages - 1,
				   &length);
		unmapped = unmap_members(area, only, NULL, iova, length);
		/* Pages that a broken driver left mapped stay pinned. */
		npages = batch.npages;
		if (unmapped < length) {
			npages = unmapped / PAGE_SIZE;
			pfn_storage_forget_runs(area->pages, index,
						index + batch.npages - 1);
		}
		iopt_pages_unpin_unstored(area->pages, &batch, index, npages);
		index += batch.npages;
		cond_resched();
	}
	pfn_batch_destroy(&batch);
}

static int area_fill(struct iopt_area *area, struct iopt_domain *only)
{
	unsigned long first = iopt_area_first(area);
	unsigned long last = iopt_area_last(area);
	struct iopt_pages *pages = area->pages;
	unsigned long missing = pfn_storage_missing(pages, first, last);
	struct pfn_reader reader;
	int rc;

	rc = iopt_pages_charge(pages, missing);
	if (rc)
		return rc;
	pfn_reader_init(&reader, pages, first, last);
	do {
		rc = pfn_reader_next(&reader);
		if (!rc)
			rc = map_members(area, only, &reader);
		if (rc)
			goto err_empty;
		pfn_storage_note_runs(pages, &reader.batch, reader.start);
		cond_resched();
		if (fatal_signal_pending(current)) {
			rc = -EINTR;
			reader.start = reader.next;
			pfn_batch_clear(&reader.batch);
			goto err_empty;
		}
	} while (!pfn_reader_done(&reader));
	pfn_reader_destroy(&reader);
	return 0;

err_empty:
	pfn_reader_unpin(&reader);
	pfn_reader_destroy(&reader);
	if (reader.start > first)
		area_empty(area, only, member_first(area, only), first,
			   reader.start - 1);
	iopt_pages_uncharge(pages, missing);
	return rc;
}

static void area_set_storage(struct iopt_area *area,
			     struct iommu_domain *domain)
{
	area->storage_domain = domain;
	interval_tree_insert(&area->pages_node, &area->pages->domains_itree);
}

/* Stop being a tier, and unpin what no other tier stores. */
static void area_drop_storage(struct iopt_area *area, struct iopt_domain *only)
{
	struct iommu_domain *source = area->storage_domain;
	struct iopt_pages *pages = area->pages;
	unsigned long missing;

	interval_tree_remove(&area->pages_node, &pages->domains_itree);
	area->storage_domain = NULL;
	missing = pfn_storage_missing(pages, iopt_area_first(area),
				      iopt_area_last(area));
	area_empty(area, only, source, iopt_area_first(area),
		   iopt_area_last(area));
	iopt_pages_uncharge(pages, missing);
}

/**
 * iopt_area_fill_domains() - Make an area's memory visible to all domains
 * @area: not filled, in the tree so that a domain that leaves finds it
 *
 * Without a domain nothing is pinned, and the area counts as filled.
 *
 * Context: area->pages->mutex held, may sleep.
 * Return: 0; -ENOMEM without memory or over the limit; -EFAULT as from
 * pin_origin_read(); -EINTR on a fatal signal; what the IOMMU driver says.
 * On failure everything is as before.
 */
int iopt_area_fill_domains(struct iopt_area *area)
{
	struct iopt_domains *domains = area->domains;
	struct iommu_domain *storage;
	int rc;

	lockdep_assert_held(&area->pages->mutex);

	/* Under the lock, so that a domain that leaves knows what to expect. */
	down_read(&domains->rwsem);
	WRITE_ONCE(area->generation, domains->generation);
	up_read(&domains->rwsem);

	storage = member_first(area, NULL);
	if (storage) {
		rc = area_fill(area, NULL);
		if (rc)
			return rc;
		area_set_storage(area, storage);
	}
	area->filled = true;
	return 0;
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

	if (area->storage_domain)
		area_drop_storage(area, NULL);
	area->filled = false;
}

/**
 * iopt_area_fill_domain() - Make an area's memory visible to one more domain
 * @area: in the tree, in any state
 * @entry: the domain, on the list
 *
 * PFNs that are stored already are read from there. Does nothing if the area
 * is not filled, or was filled with @entry on the list.
 *
 * Context: area->pages->mutex held, may sleep. The caller keeps other domains
 * from joining and leaving.
 * Return: as iopt_area_fill_domains().
 */
int iopt_area_fill_domain(struct iopt_area *area, struct iopt_domain *entry)
{
	int rc;

	lockdep_assert_held(&area->pages->mutex);

	if (!area->filled || area->generation >= entry->joined)
		return 0;
	rc = area_fill(area, entry);
	if (rc)
		return rc;
	if (!area->storage_domain)
		area_set_storage(area, entry->domain);
	WRITE_ONCE(area->generation, entry->joined);
	return 0;
}

/* Another domain that holds the area and can be the storage instead. */
static struct iommu_domain *storage_successor(struct iopt_area *area,
					      struct iopt_domain *entry)
{
	struct iopt_domain *member = NULL;

	while ((member = member_next(area, NULL, member)))
		if (member != entry)
			return member->domain;
	return NULL;
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
	struct iommu_domain *successor;
	unsigned long iova, length;

	lockdep_assert_held(&area->pages->mutex);

	if (!area->filled || !iopt_domain_in(entry, area->generation))
		return;

	successor = storage_successor(area, entry);
	if (area->storage_domain == entry->domain && !successor) {
		area_drop_storage(area, entry);
	} else {
		if (area->storage_domain == entry->domain)
			area->storage_domain = successor;
		iova = window_iova(area, iopt_area_first(area),
				   iopt_area_last(area), &length);
		pfn_domain_unmap(entry->domain, iova, length);
	}
	WRITE_ONCE(area->generation, entry->left);
}

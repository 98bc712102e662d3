// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs in domains: making the memory of an area visible to them.
 */
#include "iopt_fill.h"

#include <linux/iommu.h>
#include <linux/sched/signal.h>

#include "iopt_member.h"
#include "iopt_types.h"
#include "iopt_unfill.h"
#include "pages.h"
#include "pfn_domain.h"
#include "pfn_reader.h"
#include "pfn_storage.h"
#include "pin.h"

/* The IOVA of some pages, and how to map them. */
static void area_window(struct iopt_area *area, unsigned long start,
			unsigned long last, struct pfn_window *window)
{
	window->iova = iopt_area_window(area, start, last, &window->length);
	window->offset = start == iopt_area_first(area) ? area->page_offset : 0;
	window->prot = area->iommu_prot;
	window->small_pages = READ_ONCE(area->domains->small_pages);
}

static int map_members(struct iopt_area *area, struct iopt_domain *only,
		       const struct pfn_reader *reader)
{
	struct iopt_domain *member = NULL;
	struct pfn_window window;
	int rc = 0;

	area_window(area, reader->start, reader->next - 1, &window);
	while (!rc && (member = iopt_member_next(area, only, member)))
		rc = pfn_domain_map(member->domain, reader->batch.runs,
				    &window);
	if (rc && iopt_area_unmap(area, only, member, window.iova,
				  window.length) < window.length)
		pfn_domain_keep(reader->batch.runs, &window);
	return rc;
}

/*
 * One page that is pinned for one domain needs no reader. With that a small map
 * costs an eighth less.
 */
static int fill_page(struct iopt_area *area, struct iommu_domain *domain)
{
	struct iopt_pages *pages = area->pages;
	unsigned long index = iopt_area_first(area);
	struct pfn_run run = { .npages = 1 };
	struct pfn_window window;
	int rc;

	rc = pin_origin_page(&pages->origin, index, &run.pfn);
	if (rc)
		return rc;
	area_window(area, index, index, &window);
	rc = pfn_domain_map(domain, &run, &window);
	if (rc) {
		pin_release_run(&pages->origin, run.pfn, 1);
		return rc;
	}
	area->pfn = run.pfn;
	area->one_run = true;
	return 0;
}

/* Read and map one batch, whose pins then are the domains'. */
static int fill_batch(struct iopt_area *area, struct iopt_domain *only,
		      struct pfn_reader *reader)
{
	int rc = pfn_reader_next(reader) ?: map_members(area, only, reader);

	if (rc)
		return rc;
	if (reader->batch.npages == iopt_area_npages(area) &&
	    reader->batch.nruns == 1) {
		area->pfn = reader->batch.runs[0].pfn;
		area->one_run = true;
	}
	pfn_storage_note_runs(area->pages, &reader->batch, reader->start);
	reader->start = reader->next;
	pfn_batch_clear(&reader->batch);
	if (pfn_reader_done(reader))
		return 0;
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int fill_batches(struct iopt_area *area, struct iopt_domain *only,
			struct iommu_domain *storage)
{
	unsigned long first = iopt_area_first(area);
	struct pfn_reader reader __uninitialized;
	int rc;

	pfn_reader_init(&reader, area->pages, first, iopt_area_last(area));
	do {
		rc = fill_batch(area, only, &reader);
	} while (!rc && !pfn_reader_done(&reader));
	if (rc)
		pfn_reader_unpin(&reader);
	pfn_reader_destroy(&reader);
	if (rc && reader.start > first)
		iopt_area_empty(area, only, storage, first, reader.start - 1);
	return rc;
}

/*
 * Of @only, or all domains of the area's generation, @storage is the one that
 * PFNs are read back from if this fails.
 */
static int area_fill(struct iopt_area *area, struct iopt_domain *only,
		     struct iommu_domain *storage)
{
	struct iopt_pages *pages = area->pages;
	unsigned long missing = pfn_storage_missing(pages,
						    iopt_area_first(area),
						    iopt_area_last(area));
	int rc;

	rc = iopt_pages_charge(pages, missing);
	if (rc)
		return rc;
	if (missing == 1 && only && iopt_area_npages(area) == 1)
		rc = fill_page(area, storage);
	else
		rc = fill_batches(area, only, storage);
	if (rc)
		iopt_pages_uncharge(pages, missing);
	return rc;
}

static void area_set_storage(struct iopt_area *area,
			     struct iommu_domain *domain)
{
	area->storage_domain = domain;
	interval_tree_insert(&area->pages_node, &area->pages->domains_itree);
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
	struct iopt_domain *storage, *only;
	int rc;

	lockdep_assert_held(&area->pages->mutex);

	/* Under the lock, so that a domain that leaves knows what to expect. */
	down_read(&domains->rwsem);
	WRITE_ONCE(area->generation, domains->generation);
	storage = iopt_member_first(area, &only);
	up_read(&domains->rwsem);

	if (storage) {
		rc = area_fill(area, only, storage->domain);
		if (rc)
			return rc;
		area->only = only;
		area_set_storage(area, storage->domain);
	}
	area->filled = true;
	return 0;
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
	iopt_area_unfill_left(area, entry->joined);
	rc = area_fill(area, entry, entry->domain);
	if (rc)
		return rc;
	area->only = area->storage_domain ? NULL : entry;
	if (!area->storage_domain)
		area_set_storage(area, entry->domain);
	WRITE_ONCE(area->generation, entry->joined);
	return 0;
}

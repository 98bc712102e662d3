// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Reading PFNs back from the tiers that store them, and unpinning what no tier
 * stores any more.
 */
#include "pfn_storage.h"

#include <linux/mm.h>
#include <linux/sched.h>

#include "access_pfns.h"
#include "iopt_types.h"
#include "lib/pfn_batch.h"
#include "pfn_domain.h"
#include "pfn_span.h"
#include "pin/pin.h"
#include "run_chunks.h"

/* Questions to an IOMMU driver before others get their turn. */
#define DOMAIN_STEP 512

/**
 * pfn_storage_read_domain() - Append PFNs out of IOPTEs to a batch
 * @area: that the pages belong to
 * @domain: one that @area has IOPTEs in
 * @index: first page index
 * @last: last page index, inclusive
 * @batch: to append to; reading stops when it is full
 *
 * Context: area->pages->mutex held, may sleep. Never allocates.
 */
void pfn_storage_read_domain(struct iopt_area *area,
			     struct iommu_domain *domain, unsigned long index,
			     unsigned long last, struct pfn_batch *batch)
{
	unsigned long iova = iopt_area_index_iova(area, index);
	struct iopt_pages *pages = area->pages;
	unsigned long cut = index == iopt_area_first(area) ? area->page_offset : 0;
	unsigned int count = 0;

	lockdep_assert_held(&pages->mutex);

	if (area->one_run) {
		pfn_batch_add(batch, area->pfn + index - iopt_area_first(area),
			      last - index + 1);
		return;
	}
	while (index <= last) {
		unsigned long pfn = pfn_domain_read(domain, iova);
		unsigned long npages = run_chunks_length(pages, index, last);

		if (!pfn_batch_add(batch, pfn, npages))
			return;
		index += npages;
		/* Only the first page of an area may lack its beginning. */
		iova += npages * PAGE_SIZE - cut;
		cut = 0;
		if (++count % DOMAIN_STEP == 0)
			cond_resched();
	}
}

/**
 * pfn_storage_to_pages() - Read the pages of a span out of IOPTEs
 * @span: of PFN_TIER_DOMAIN
 * @out_pages: receives the struct page of each
 *
 * Context: span->area->pages->mutex held, may sleep. Never allocates.
 */
void pfn_storage_to_pages(const struct pfn_span *span, struct page **out_pages)
{
	unsigned long index = span->start, last = span->last, npages;
	struct iopt_area *area = span->area;
	unsigned int count = 0;

	lockdep_assert_held(&area->pages->mutex);

	if (area->one_run) {
		pfn_run_to_pages(area->pfn + index - iopt_area_first(area),
				 last - index + 1, out_pages);
		return;
	}
	for (; index <= last; index += npages) {
		unsigned long iova = iopt_area_index_iova(area, index);
		unsigned long pfn = pfn_domain_read(area->storage_domain, iova);

		*out_pages = pfn_to_page(pfn);
		npages = run_chunks_length(area->pages, index, last);
		if (npages > 1)
			pfn_run_to_pages(pfn, npages, out_pages);
		out_pages += npages;
		if (++count % DOMAIN_STEP == 0)
			cond_resched();
	}
}

/**
 * pfn_storage_read() - Append PFNs of a span to a batch
 * @pages: the memory
 * @span: that a tier stores
 * @index: of the first page, in @span
 * @batch: to append to; reading stops when it is full
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
void pfn_storage_read(struct iopt_pages *pages, const struct pfn_span *span,
		      unsigned long index, struct pfn_batch *batch)
{
	lockdep_assert_held(&pages->mutex);

	if (span->tier == PFN_TIER_ACCESS)
		access_pfns_read(span->access, index, span->last, batch);
	else
		pfn_storage_read_domain(span->area, span->area->storage_domain,
					index, span->last, batch);
}

/**
 * pfn_storage_unpin_unstored() - Unpin those of some pages that no tier stores
 * @pages: the memory
 * @iter: at the end of a walk, in front of the PFN of the first page; then
 *        behind that of the last one
 * @index: of the first page
 * @npages: how many, may be 0; all are pinned
 *
 * Context: @pages->mutex held, may sleep. Never needs memory.
 */
void pfn_storage_unpin_unstored(struct iopt_pages *pages,
				struct pfn_batch_iter *iter,
				unsigned long index, unsigned long npages)
{
	unsigned long last = index + npages - 1;
	struct pfn_span span;

	lockdep_assert_held(&pages->mutex);

	if (!npages)
		return;
	pfn_span_find(&span, pages, index, last);
	do {
		npages = span.last - span.start + 1;
		if (span.tier != PFN_TIER_ORIGIN) {
			pfn_batch_iter_skip(iter, npages);
			continue;
		}
		run_chunks_forget(pages, span.start, span.last);
		pfn_batch_iter_continue(iter, npages);
		pin_release(&pages->origin, iter);
	} while (pfn_span_next(&span, pages, last));
}

/**
 * pfn_storage_unpin_run() - pfn_storage_unpin_unstored() for one physical run
 * @pages: the memory
 * @pfn: of the first page
 * @index: of the first page
 * @npages: how many, may be 0; all are pinned, and physically contiguous
 *
 * Context: @pages->mutex held, may sleep. Never needs memory.
 */
void pfn_storage_unpin_run(struct iopt_pages *pages, unsigned long pfn,
			   unsigned long index, unsigned long npages)
{
	unsigned long last = index + npages - 1;
	struct pfn_span span;

	lockdep_assert_held(&pages->mutex);

	if (!npages)
		return;
	if (pfn_span_none(pages)) {
		run_chunks_forget(pages, index, last);
		pin_release_run(&pages->origin, pfn, npages);
		return;
	}
	pfn_span_find(&span, pages, index, last);
	do {
		if (span.tier != PFN_TIER_ORIGIN)
			continue;
		run_chunks_forget(pages, span.start, span.last);
		pin_release_run(&pages->origin, pfn + span.start - index,
				span.last - span.start + 1);
	} while (pfn_span_next(&span, pages, last));
}

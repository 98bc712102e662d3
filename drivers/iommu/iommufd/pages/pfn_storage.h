/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PFN_STORAGE_H
#define __IOMMUFD_PFN_STORAGE_H

#include <linux/sched.h>
#include <linux/types.h>

struct iommu_domain;
struct iopt_area;
struct iopt_pages;
struct pfn_batch;
struct pfn_batch_iter;

/**
 * enum pfn_tier - What holds the PFN of a page
 * @PFN_TIER_XARRAY: &iopt_pages.pinned_pfns
 * @PFN_TIER_DOMAIN: IOPTEs in the storage domain of an area
 * @PFN_TIER_ORIGIN: nothing, the page is not pinned
 */
enum pfn_tier {
	PFN_TIER_XARRAY,
	PFN_TIER_DOMAIN,
	PFN_TIER_ORIGIN,
};

/**
 * struct pfn_span - Neighbouring pages whose PFNs the same tier holds
 * @tier: which one
 * @start: first page index
 * @last: last page index, inclusive
 * @area: whose storage domain it is in PFN_TIER_DOMAIN
 */
struct pfn_span {
	enum pfn_tier tier;
	unsigned long start;
	unsigned long last;
	struct iopt_area *area;
};

void pfn_span_find(struct pfn_span *span, struct iopt_pages *pages,
		   unsigned long index, unsigned long last);

/**
 * pfn_span_next() - Go to the span behind this one
 * @span: as found before
 * @pages: the memory
 * @last: end of the walk, page index, inclusive
 *
 * There may be as many spans as there are pages, so others get their turn.
 *
 * Context: @pages->mutex held, may sleep.
 * Return: false if the walk is over.
 */
static inline bool pfn_span_next(struct pfn_span *span,
				 struct iopt_pages *pages, unsigned long last)
{
	if (span->last >= last)
		return false;
	cond_resched();
	pfn_span_find(span, pages, span->last + 1, last);
	return true;
}

unsigned long pfn_storage_missing(struct iopt_pages *pages,
				  unsigned long start, unsigned long last);

void pfn_storage_read_domain(struct iopt_area *area,
			     struct iommu_domain *domain, unsigned long index,
			     unsigned long last, struct pfn_batch *batch);
void pfn_storage_note_runs(struct iopt_pages *pages,
			   const struct pfn_batch *batch, unsigned long index);
void pfn_storage_forget_runs(struct iopt_pages *pages, unsigned long start,
			     unsigned long last);
bool pfn_storage_runs_valid(struct iopt_pages *pages);

void pfn_storage_read_xarray(struct iopt_pages *pages, unsigned long index,
			     unsigned long last, struct pfn_batch *batch);
int pfn_storage_write_xarray(struct iopt_pages *pages,
			     const struct pfn_batch *batch,
			     unsigned long start);
void pfn_storage_erase_xarray(struct iopt_pages *pages, unsigned long start,
			      unsigned long last);
void pfn_storage_unpin_unstored(struct iopt_pages *pages,
				struct pfn_batch_iter *iter,
				unsigned long index, unsigned long npages);
void pfn_storage_unpin_run(struct iopt_pages *pages, unsigned long pfn,
			   unsigned long index, unsigned long npages);

#endif

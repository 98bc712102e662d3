/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PFN_SPAN_H
#define __IOMMUFD_PFN_SPAN_H

#include <linux/sched.h>
#include <linux/types.h>

#include "iopt_types.h"

/**
 * enum pfn_tier - What holds the PFN of a page
 * @PFN_TIER_ACCESS: the interval of &iopt_pages.access_itree
 * @PFN_TIER_DOMAIN: IOPTEs in the storage domain of an area
 * @PFN_TIER_ORIGIN: nothing, the page is not pinned
 */
enum pfn_tier {
	PFN_TIER_ACCESS,
	PFN_TIER_DOMAIN,
	PFN_TIER_ORIGIN,
};

/**
 * struct pfn_span - Neighbouring pages whose PFNs the same tier holds
 * @tier: which one
 * @start: first page index
 * @last: last page index, inclusive
 * @area: whose storage domain it is in PFN_TIER_DOMAIN
 * @access: the interval in PFN_TIER_ACCESS
 */
struct pfn_span {
	enum pfn_tier tier;
	unsigned long start;
	unsigned long last;
	union {
		struct iopt_area *area;
		struct iopt_pages_access *access;
	};
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

/**
 * pfn_span_none() - Tell whether nothing of some memory is stored
 * @pages: the memory
 *
 * Most memory is mapped once. So this is true before it is stored, and again
 * afterwards.
 *
 * Context: @pages->mutex held.
 * Return: true if all of it is one span, of PFN_TIER_ORIGIN.
 */
static inline bool pfn_span_none(const struct iopt_pages *pages)
{
	lockdep_assert_held(&pages->mutex);

	return RB_EMPTY_ROOT(&pages->access_itree.rb_root) &&
	       RB_EMPTY_ROOT(&pages->domains_itree.rb_root);
}

unsigned long __pfn_span_missing(struct pfn_span span, struct iopt_pages *pages,
				 unsigned long last);

/**
 * pfn_span_missing() - Find the first span of a range, and count missing pages
 * @first: receives it
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: @pages->mutex held, may sleep.
 * Return: how many pages of the range no tier stores, so that storing it would
 * newly pin them.
 */
static inline unsigned long pfn_span_missing(struct pfn_span *first,
					     struct iopt_pages *pages,
					     unsigned long start,
					     unsigned long last)
{
	pfn_span_find(first, pages, start, last);
	if (first->last < last)
		return __pfn_span_missing(*first, pages, last);
	return first->tier == PFN_TIER_ORIGIN ? last - start + 1 : 0;
}

#endif

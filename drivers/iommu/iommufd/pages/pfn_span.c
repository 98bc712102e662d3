// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Which tier holds the PFN of a page.
 */
#include "pfn_span.h"

#include <linux/minmax.h>

static struct iopt_area *area_from_pages_node(struct interval_tree_node *node)
{
	return container_of(node, struct iopt_area, pages_node);
}

/**
 * pfn_span_find() - Find the tier that holds a page, and how far it goes
 * @span: result, starts at @index
 * @pages: the memory
 * @index: page index
 * @last: where the span has to end, page index, inclusive
 *
 * The xarray goes before a domain: it is quicker to read. Neighbouring spans
 * may be of the same tier.
 *
 * Context: @pages->mutex held.
 */
void pfn_span_find(struct pfn_span *span, struct iopt_pages *pages,
		   unsigned long index, unsigned long last)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&pages->mutex);

	span->start = index;
	if (pfn_span_none(pages)) {
		span->tier = PFN_TIER_ORIGIN;
		span->last = last;
		return;
	}
	node = interval_tree_iter_first(&pages->access_itree, index, last);
	if (node && node->start <= index) {
		span->tier = PFN_TIER_XARRAY;
		span->access = container_of(node, struct iopt_pages_access,
					    node);
		span->last = min(node->last, last);
		return;
	}
	if (node)
		last = node->start - 1;

	node = interval_tree_iter_first(&pages->domains_itree, index, last);
	if (node && node->start <= index) {
		span->tier = PFN_TIER_DOMAIN;
		span->area = area_from_pages_node(node);
		span->last = min(node->last, last);
		return;
	}
	span->tier = PFN_TIER_ORIGIN;
	span->last = node ? node->start - 1 : last;
}

static unsigned long span_count_missing(struct iopt_pages *pages,
					unsigned long start, unsigned long last)
{
	unsigned long missing = 0;
	struct pfn_span span;

	pfn_span_find(&span, pages, start, last);
	do {
		if (span.tier == PFN_TIER_ORIGIN)
			missing += span.last - span.start + 1;
	} while (pfn_span_next(&span, pages, last));
	return missing;
}

/**
 * pfn_span_missing() - Count pages that no tier stores
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: @pages->mutex held, may sleep.
 * Return: how many pages storing the range would newly pin.
 */
unsigned long pfn_span_missing(struct iopt_pages *pages, unsigned long start,
			       unsigned long last)
{
	lockdep_assert_held(&pages->mutex);

	return pfn_span_none(pages) ? last - start + 1 :
				       span_count_missing(pages, start, last);
}

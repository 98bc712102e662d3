// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Which tier holds the PFN of a page.
 */
#include "pfn_span.h"

#include <linux/minmax.h>

#include "access_pfns.h"

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
 * What is pinned for the kernel goes before a domain: it is quicker to read.
 * Neighbouring spans may be of the same tier.
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
		span->tier = PFN_TIER_ACCESS;
		span->access = access_from_node(node);
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

/* Of a range with several spans. */
unsigned long __pfn_span_missing(struct pfn_span span, struct iopt_pages *pages,
				 unsigned long last)
{
	unsigned long missing = 0;

	lockdep_assert_held(&pages->mutex);

	do {
		if (span.tier == PFN_TIER_ORIGIN)
			missing += span.last - span.start + 1;
	} while (pfn_span_next(&span, pages, last));
	return missing;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The domains that an area is in.
 *
 * Such a domain cannot finish leaving while the mutex of the pages is held,
 * because that takes the mutex of the pages of every area it is in. So it can
 * be used, and the walk continued from it, without a lock in between.
 */
#include "area_domains.h"

#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "iopt_types.h"
#include "pfn_domain.h"

static struct iopt_domain *area_member_after(const struct iopt_area *area,
					     struct iopt_domain *prev)
{
	struct iopt_domains *domains = area->domains;
	struct iopt_domain *member;

	lockdep_assert_held(&domains->rwsem);

	member = list_prepare_entry(prev, &domains->list, entry);
	list_for_each_entry_continue(member, &domains->list, entry)
		if (iopt_domain_in(member, area->generation))
			return member;
	return NULL;
}

/**
 * iopt_area_first_member() - The first domain of an area's generation
 * @area: the area
 * @sole: receives the domain if there is no other, else NULL
 *
 * Context: area->pages->mutex and &iopt_domains.rwsem held.
 * Return: the domain, NULL if there is none.
 */
struct iopt_domain *iopt_area_first_member(const struct iopt_area *area,
					   struct iopt_domain **sole)
{
	struct iopt_domain *first;

	lockdep_assert_held(&area->pages->mutex);
	lockdep_assert_held(&area->domains->rwsem);

	first = area_member_after(area, NULL);
	*sole = first && !area_member_after(area, first) ? first : NULL;
	return first;
}

/**
 * iopt_area_next_member() - Walk the domains that a step works on
 * @area: the area
 * @target: the step works on just this one; NULL for all of the area's
 *          generation
 * @prev: the current domain, NULL to begin
 *
 * Context: area->pages->mutex held. With @target no lock is needed, otherwise
 * this takes &iopt_domains.rwsem.
 * Return: the next domain, NULL at the end.
 */
struct iopt_domain *iopt_area_next_member(const struct iopt_area *area,
					  struct iopt_domain *target,
					  struct iopt_domain *prev)
{
	lockdep_assert_held(&area->pages->mutex);

	if (target)
		return prev ? NULL : target;

	guard(rwsem_read)(&area->domains->rwsem);
	return area_member_after(area, prev);
}

/**
 * iopt_area_unmap() - Clear IOPTEs of an area, until no device uses them
 * @area: the area; with @target also those that join it
 * @target: the domain, NULL for all of the area's generation
 * @end: stop before this one, NULL for none
 * @iova: first IOVA
 * @length: bytes
 *
 * Context: area->pages->mutex held, may sleep.
 * Return: how many bytes are clear in each of the domains.
 */
unsigned long iopt_area_unmap(struct iopt_area *area,
			      struct iopt_domain *target,
			      struct iopt_domain *end, unsigned long iova,
			      unsigned long length)
{
	struct iopt_domain *member = NULL;
	unsigned long unmapped = length;

	lockdep_assert_held(&area->pages->mutex);

	while ((member = iopt_area_next_member(area, target, member)) != end)
		unmapped = min(unmapped, pfn_domain_unmap(member->domain, iova,
							  length));
	return unmapped;
}

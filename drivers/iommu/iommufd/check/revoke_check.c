// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Looking for damage in what areas show of memory of devices.
 */
#include "revoke_check.h"

#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/pfn.h>
#include <linux/workqueue.h>

#include "lib/invariant.h"
#include "pages/iopt_types.h"

/* Is a page of present memory in every domain, and one that is away in none? */
static bool page_valid(struct iopt_area *area, unsigned long index)
{
	const struct iopt_revoke *revoke = area->pages->revoke;
	unsigned long iova = iopt_area_index_iova(area, index);
	struct iopt_domain *member;

	list_for_each_entry(member, &area->domains->list, entry) {
		phys_addr_t phys;

		if (!iopt_domain_in(member, area->generation))
			continue;
		phys = iommu_iova_to_phys(member->domain, iova);
		if (area->content == IOPT_AREA_WITHDRAWN && !invariant(!phys))
			return false;
		if (area->content == IOPT_AREA_FILLED &&
		    !invariant(PHYS_PFN(phys) == revoke->pfn + index))
			return false;
	}
	return true;
}

static bool on_list(const struct iopt_area *area, const struct list_head *areas)
{
	const struct iopt_area *other;

	list_for_each_entry(other, areas, revoke_entry)
		if (other == area)
			return true;
	return false;
}

static bool listed(const struct iopt_area *area)
{
	const struct iopt_revoke *revoke = area->pages->revoke;

	switch (area->content) {
	case IOPT_AREA_FILLED:
		return on_list(area, &revoke->shown);
	case IOPT_AREA_WITHDRAWN:
		return on_list(area, &revoke->waiting) ||
		       on_list(area, &revoke->tried);
	default:
		return true;
	}
}

/**
 * iopt_revoke_area_valid() - Check what an area shows of memory of a device
 * @area: with a reference, in the tree or no longer
 *
 * Linear in the number of areas over this memory.
 *
 * Context: area->pages->mutex held, may sleep.
 * Return: false if it is shown while the memory is away and nobody withdraws it;
 * if its IOPTEs are not those of its content, or it is on another list; if it
 * stores PFNs.
 */
bool iopt_revoke_area_valid(struct iopt_area *area)
{
	const struct iopt_revoke *revoke = area->pages->revoke;

	lockdep_assert_held(&area->pages->mutex);

	guard(rwsem_read)(&area->domains->rwsem);
	return invariant(!area->storage_domain) && invariant(!area->one_run) &&
	       invariant(area->content != IOPT_AREA_FILLING) &&
	       invariant(area->content != IOPT_AREA_FILLED ||
			 revoke->present || revoke->withdrawals) &&
	       invariant(listed(area)) &&
	       invariant(area->generation <= area->domains->generation) &&
	       page_valid(area, iopt_area_first(area)) &&
	       page_valid(area, iopt_area_last(area));
}

static bool list_valid(const struct iopt_revoke *revoke,
		       const struct list_head *areas,
		       enum iopt_area_content content)
{
	const struct iopt_area *area;

	list_for_each_entry(area, areas, revoke_entry)
		if (!invariant(area->pages == revoke->pages) ||
		    !invariant(area->content == content))
			return false;
	return true;
}

/**
 * iopt_revoke_valid() - Check memory of a device
 * @revoke: to check
 *
 * Linear in the number of areas.
 *
 * Context: &iopt_pages.mutex held.
 * Return: false if an area on one of the lists does not belong there, or areas
 * wait and nobody is going to look for the memory; if a page is stored.
 */
bool iopt_revoke_valid(struct iopt_revoke *revoke)
{
	struct iopt_pages *pages = revoke->pages;

	lockdep_assert_held(&pages->mutex);

	return invariant(!pages->npinned) &&
	       invariant(RB_EMPTY_ROOT(&pages->access_itree.rb_root)) &&
	       invariant(!revoke->present || !revoke->withdrawals) &&
	       invariant(revoke->present || revoke->withdrawals ||
			 list_empty(&revoke->shown)) &&
	       invariant(list_empty(&revoke->tried) ||
			 work_busy(&revoke->comeback.work)) &&
	       list_valid(revoke, &revoke->shown, IOPT_AREA_FILLED) &&
	       list_valid(revoke, &revoke->waiting, IOPT_AREA_WITHDRAWN) &&
	       list_valid(revoke, &revoke->tried, IOPT_AREA_WITHDRAWN) &&
	       invariant(list_empty(&revoke->waiting) || revoke->gone ||
			 revoke->withdrawals ||
			 work_busy(&revoke->comeback.work));
}

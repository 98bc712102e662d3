// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Looking for damage in what stores PFNs: the pages, and their areas.
 *
 * The checks look at what is true whenever the lock is free that they are
 * called with, and at nothing else, so that they may run at any time. They do
 * not allocate.
 */
#include "pages_check.h"

#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/sched/user.h>

#include "lib/interval_check.h"
#include "lib/invariant.h"
#include "pages/access_pfns.h"
#include "pages/iopt_types.h"
#include "pages/pfn_span.h"
#include "pages/run_chunks.h"
#include "pin/account.h"
#include "pin/pin.h"
#include "revoke_check.h"

/**
 * iopt_domains_valid() - Check the list of domains
 * @domains: to check
 *
 * Context: &iopt_domains.rwsem held.
 * Return: false if the generations of a domain are wrong, or the order, or the
 * length of the list.
 */
bool iopt_domains_valid(const struct iopt_domains *domains)
{
	const struct iopt_domain *member;
	unsigned int leaving = 0, count = 0;
	u64 joined = 0;

	lockdep_assert_held(&domains->rwsem);

	list_for_each_entry(member, &domains->list, entry) {
		if (!invariant(member->domain) ||
		    !invariant(member->joined > joined) ||
		    !invariant(member->joined <= domains->generation))
			return false;
		joined = member->joined;
		count++;
		if (member->left == U64_MAX)
			continue;
		if (!invariant(member->left > member->joined) ||
		    !invariant(member->left <= domains->generation) ||
		    !invariant(!leaving++))
			return false;
	}
	return invariant(count == domains->count);
}

/**
 * iopt_area_shape_valid() - Check what an area says about itself
 * @area: in the tree
 *
 * Context: nobody takes the area out of the tree, which takes
 * &io_pagetable.iova_rwsem.
 * Return: false if its IOVA, its pages and its state do not go together.
 */
bool iopt_area_shape_valid(const struct iopt_area *area)
{
	unsigned long bytes = area->page_offset +
			      (area->node.last - area->node.start);
	unsigned long npages = iopt_area_last(area) - iopt_area_first(area);
	/* It may just be published. */
	enum iopt_area_state state = READ_ONCE(area->state);

	return invariant(area->page_offset < PAGE_SIZE) &&
	       /* The first of several keeps the place of the others. */
	       invariant(npages == bytes / PAGE_SIZE ||
			 (state == IOPT_AREA_SETUP && area->setup &&
			  npages < bytes / PAGE_SIZE)) &&
	       invariant(iopt_area_first(area) <= iopt_area_last(area)) &&
	       invariant(iopt_area_last(area) < area->pages->npages) &&
	       invariant(area->iommu_prot & (IOMMU_READ | IOMMU_WRITE)) &&
	       invariant(!(area->iommu_prot & IOMMU_WRITE) ||
			 area->pages->origin.writable) &&
	       invariant(refcount_read(&area->refs)) &&
	       invariant(state <= IOPT_AREA_REMOVING);
}

/* The page that pinning gives without a pin is the one with nothing in it. */
static bool pfn_pinned(unsigned long pfn)
{
	return pfn_valid(pfn) &&
	       (is_zero_pfn(pfn) ||
		folio_maybe_dma_pinned(page_folio(pfn_to_page(pfn))));
}

static bool in_domains_itree(struct iopt_area *area)
{
	struct interval_tree_node *node = &area->pages_node;
	struct interval_tree_node *found;

	for (found = interval_tree_iter_first(&area->pages->domains_itree,
					      node->start, node->last);
	     found && found->start <= node->start;
	     found = interval_tree_iter_next(found, node->start, node->last))
		if (found == node)
			return true;
	return false;
}

static struct iopt_pages_access *
access_from(struct iopt_pages *pages, unsigned long start, unsigned long last)
{
	return access_from_node(interval_tree_iter_first(&pages->access_itree,
							 start, last));
}

static struct iopt_pages_access *access_next(struct iopt_pages_access *access)
{
	return access_from_node(interval_tree_iter_next(&access->node, 0,
							ULONG_MAX));
}

#define for_each_access(access, pages)                              \
	for ((access) = access_from(pages, 0, ULONG_MAX); (access); \
	     (access) = access_next(access))

/* Is the page in every domain of the area, and in an access, the same? */
static bool stored_page_valid(struct iopt_area *area, unsigned long index)
{
	unsigned long offset = index == iopt_area_first(area) ?
				       area->page_offset : 0;
	unsigned long iova = iopt_area_index_iova(area, index);
	phys_addr_t phys = iommu_iova_to_phys(area->storage_domain, iova);
	struct iopt_pages_access *access = access_from(area->pages, index,
						       index);
	struct iopt_domain *member;

	if (!invariant(phys) || !invariant(offset_in_page(phys) == offset) ||
	    !invariant(!area->pages->origin.ops->pinned ||
		       pfn_pinned(PHYS_PFN(phys))) ||
	    !invariant(!area->one_run ||
		       PHYS_PFN(phys) == area->pfn + index -
					 iopt_area_first(area)) ||
	    !invariant(!access || access_pfn(access, index) == PHYS_PFN(phys)))
		return false;
	list_for_each_entry(member, &area->domains->list, entry)
		if (member->domain != area->storage_domain &&
		    iopt_domain_in(member, area->generation) &&
		    !invariant(iommu_iova_to_phys(member->domain, iova) ==
			       phys))
			return false;
	return true;
}

static bool storage_valid(struct iopt_area *area)
{
	struct iommu_domain *storage = area->storage_domain;
	unsigned long first = iopt_area_first(area);
	unsigned long last = area->pages_node.last;
	bool found = false, member_found = false;
	struct iopt_domain *member;

	guard(rwsem_read)(&area->domains->rwsem);
	list_for_each_entry(member, &area->domains->list, entry) {
		if (!iopt_domain_in(member, area->generation))
			continue;
		member_found = true;
		found |= member->domain == storage;
	}
	if (!invariant(area->generation <= area->domains->generation))
		return false;
	if (!storage)
		return invariant(area->content != IOPT_AREA_FILLED ||
				 !member_found) &&
		       invariant(!area->sole_member) &&
		       invariant(!area->one_run);
	return invariant(area->content != IOPT_AREA_EMPTY) &&
	       invariant(found) &&
	       invariant(last == iopt_area_last(area) ||
			 area->content == IOPT_AREA_FILLING) &&
	       invariant(!area->sole_member ||
			 area->sole_member->domain == storage) &&
	       stored_page_valid(area, first) && stored_page_valid(area, last);
}

/**
 * iopt_area_valid() - Check how an area is stored
 * @area: with a reference, in the tree or no longer
 *
 * Of the pages it looks at two; iopt_pages_valid() counts them all.
 *
 * Context: area->pages->mutex held, may sleep.
 * Return: false if the storage domain is not one that has the area, or if it
 * is not known to the pages; if domains disagree about a page, or one that is
 * stored is not pinned; if accesses are turned away from an area that is in use;
 * for memory of a device what iopt_revoke_area_valid() says.
 */
bool iopt_area_valid(struct iopt_area *area)
{
	lockdep_assert_held(&area->pages->mutex);

	/* Their lock is not held: a removal may just be given up. */
	if (READ_ONCE(area->prevent_access) &&
	    READ_ONCE(area->state) == IOPT_AREA_LIVE &&
	    !invariant(!READ_ONCE(area->prevent_access)))
		return false;
	if (area->pages->revoke)
		return iopt_revoke_area_valid(area);
	return invariant(in_domains_itree(area) == !!area->storage_domain) &&
	       storage_valid(area);
}

static bool access_valid(const struct iopt_pages_access *access,
			 const struct iopt_pages_access *prev)
{
	unsigned long start = access->node.start, last = access->node.last;
	const struct access_list *list = access->list;
	unsigned long index;

	if (!invariant(access->users) ||
	    !invariant(!prev || prev->node.last < start))
		return false;
	if (!access->one_run && (!invariant(start >= list->start) ||
				 !invariant(last - list->start < list->size)))
		return false;
	for (index = start; index <= last; index++)
		if (!invariant(pfn_pinned(access_pfn(access, index))))
			return false;
	return true;
}

/* Do the intervals have as many pages of each list as it says? */
static bool access_lists_valid(struct iopt_pages *pages)
{
	struct iopt_pages_access *access;
	bool valid = true;

	for_each_access(access, pages)
		if (!access->one_run)
			access->list->seen = 0;
	for_each_access(access, pages)
		if (!access->one_run)
			access->list->seen += access->node.last -
					      access->node.start + 1;
	for_each_access(access, pages)
		if (!access->one_run)
			valid &= access->list->seen == access->list->npages;
	return invariant(valid);
}

static bool access_itree_valid(struct iopt_pages *pages)
{
	struct iopt_pages_access *access, *prev = NULL;
	unsigned long count;

	if (!interval_tree_valid(&pages->access_itree, pages->npages - 1,
				 &count))
		return false;
	for_each_access(access, pages) {
		if (!access_valid(access, prev))
			return false;
		prev = access;
		cond_resched();
	}
	return access_lists_valid(pages);
}

static bool domains_itree_valid(struct iopt_pages *pages)
{
	struct interval_tree_node *node;
	unsigned long count;

	if (!interval_tree_valid(&pages->domains_itree, pages->npages - 1,
				 &count))
		return false;
	for (node = interval_tree_iter_first(&pages->domains_itree, 0,
					     ULONG_MAX);
	     node; node = interval_tree_iter_next(node, 0, ULONG_MAX)) {
		struct iopt_area *area = container_of(node, struct iopt_area,
						      pages_node);

		if (!invariant(area->pages == pages) ||
		    !invariant(area->storage_domain) ||
		    !invariant(area->content != IOPT_AREA_EMPTY))
			return false;
	}
	return true;
}

static bool tiers_valid(struct iopt_pages *pages)
{
	unsigned long stored = 0;
	struct pfn_span span;

	if (pages->revoke)
		return iopt_revoke_valid(pages->revoke);
	pfn_span_find(&span, pages, 0, pages->npages - 1);
	do {
		if (span.tier != PFN_TIER_ORIGIN)
			stored += span.last - span.start + 1;
	} while (pfn_span_next(&span, pages, pages->npages - 1));
	return invariant(stored == pages->npinned);
}

/* The charge is there before the pages are, and goes after them. */
static bool owner_pays(const struct pin_owner *owner, unsigned long npages)
{
	u64 in_mm = atomic64_read(&owner->mm->pinned_vm);
	bool limited = owner->mode == PIN_ACCOUNT_USER;
	unsigned long of_user = !limited ? 0 :
				atomic_long_read(&owner->user->locked_vm);

	return invariant(in_mm >= npages) &&
	       invariant(!limited || of_user >= npages);
}

static bool bill_pays(struct pin_bill *bill, unsigned long npages)
{
	guard(mutex)(&bill->account->bills_lock);
	bill = pin_bill_now(bill);
	return invariant(bill->npages >= npages) &&
	       owner_pays(bill->owner, npages);
}

static bool charge_valid(const struct iopt_pages *pages)
{
	const struct pin_origin *origin = &pages->origin;

	if (!origin->ops->pinned)
		return true;
	return origin->bill ? bill_pays(origin->bill, pages->npinned) :
			      owner_pays(origin->owner, pages->npinned);
}

/**
 * iopt_pages_valid() - Check which pages are stored where, and their number
 * @pages: to check
 *
 * Linear in the number of intervals, and of pages that the kernel has pinned.
 *
 * Context: @pages->mutex held, may sleep.
 * Return: false if an interval tree is damaged; if a list of PFNs has other pages
 * than intervals show, or has one that is not pinned; if not as many pages are
 * charged as are stored; if a chunk counts as a run that is not one.
 */
bool iopt_pages_valid(struct iopt_pages *pages)
{
	lockdep_assert_held(&pages->mutex);

	return invariant(refcount_read(&pages->refs)) &&
	       invariant(pages->npages) &&
	       access_itree_valid(pages) && domains_itree_valid(pages) &&
	       tiers_valid(pages) && charge_valid(pages) &&
	       invariant(run_chunks_valid(pages));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Looking for damage in an io_pagetable, and in what it maps.
 */
#include "iopt_check.h"

#include <linux/cleanup.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/log2.h>

#include "iopt/io_pagetable.h"
#include "iopt/iopt_lookup.h"
#include "lib/interval_check.h"
#include "lib/invariant.h"
#include "pages_check.h"

/* So many pinned pages take as long as an area does; so many runs, too. */
#define AREA_PAGES 8
#define RUN_PAGES 512

static bool owners_valid(const struct iova_ranges *ranges)
{
	const void *previous = NULL;
	unsigned long count = 0;
	struct rb_node *rb;

	for (rb = rb_first(&ranges->owners); rb; rb = rb_next(rb)) {
		const void *owner =
			rb_entry(rb, struct iova_range, by_owner)->owner;

		if (!invariant(previous <= owner))
			return false;
		previous = owner;
		count++;
	}
	return invariant(count == ranges->count);
}

static bool ranges_valid(const struct iova_ranges *ranges)
{
	unsigned long count;

	return interval_tree_valid(&ranges->root, ULONG_MAX, &count) &&
	       invariant(count == ranges->count) && owners_valid(ranges);
}

static bool allowed_valid(struct io_pagetable *iopt)
{
	struct iova_range *range, *next;

	for (range = iova_ranges_first(&iopt->allowed, 0, ULONG_MAX); range;
	     range = next) {
		next = iova_ranges_next(range, 0, ULONG_MAX);
		if (!invariant(!next || range->node.last < next->node.start))
			return false;
	}
	return invariant(!iova_ranges_overlap_set(&iopt->allowed,
						  &iopt->reserved));
}

/* Does what is counted, and the alignment, follow from the two lists? */
static bool alignment_valid(struct io_pagetable *iopt)
{
	unsigned long alignment = iopt->domains.huge_pages ? 1 : PAGE_SIZE;
	unsigned long counts[PAGE_SHIFT + 1] = {};
	struct iopt_access *access;
	struct iopt_domain *member;

	list_for_each_entry(member, &iopt->domains.list, entry) {
		alignment = max(alignment, member->alignment);
		counts[ilog2(member->alignment)]++;
	}
	list_for_each_entry(access, &iopt->accesses, entry) {
		alignment = max(alignment, access->alignment);
		counts[ilog2(access->alignment)]++;
		if (!invariant(atomic_read(&access->callers) >= 0))
			return false;
	}
	return invariant(iopt->iova_alignment == alignment) &&
	       invariant(is_power_of_2(alignment)) &&
	       invariant(alignment <= PAGE_SIZE) &&
	       invariant(!memcmp(counts, iopt->users_by_alignment,
				 sizeof(counts))) &&
	       invariant(!iopt_areas_below(iopt, alignment));
}

static bool area_in_tree_valid(struct io_pagetable *iopt,
			       const struct iopt_area *area)
{
	return iopt_area_shape_valid(area) &&
	       invariant(area->iopt == iopt) &&
	       invariant(area->domains == &iopt->domains) &&
	       invariant(area->order <= iopt_area_alignment_order(area)) &&
	       invariant(!iova_ranges_overlap(&iopt->reserved,
					      area->node.start,
					      area->node.last));
}

static bool areas_valid(struct io_pagetable *iopt)
{
	unsigned long counts[PAGE_SHIFT + 1] = {};
	unsigned long mapped = 0, invalid = 0;
	struct iova_node *node;

	for (node = iova_tree_first(&iopt->tree, 0, ULONG_MAX); node;
	     node = iova_tree_next(node, ULONG_MAX)) {
		const struct iopt_area *area = iopt_area_from_node(node);

		if (!area_in_tree_valid(iopt, area))
			return false;
		counts[area->order]++;
		invalid += area->vaddr_invalid;
		mapped += node->last - node->start + 1;
	}
	return invariant(mapped == iopt->mapped) &&
	       invariant(invalid == iopt->invalid_vaddrs) &&
	       invariant(!memcmp(counts, iopt->areas_by_alignment,
				 sizeof(counts)));
}

/**
 * iopt_valid() - Check what an io_pagetable says about IOVA
 * @iopt: the io_pagetable
 *
 * Linear in the number of areas and ranges. Stalls maps and unmaps, so no
 * longer than a test likes.
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem and &iopt_domains.rwsem
 * for read.
 * Return: false if the tree of areas or a set of ranges is damaged; if an area
 * is in a reserved range, does not know where it is, or has nonsense in it; if
 * allowed ranges overlap each other or what is reserved; if areas are counted
 * wrong or less aligned than all domains and accesses ask for; if the list of
 * domains is wrong.
 */
bool iopt_valid(struct io_pagetable *iopt)
{
	guard(rwsem_read)(&iopt->iova_rwsem);
	guard(rwsem_read)(&iopt->domains.rwsem);

	return invariant(iova_tree_valid(&iopt->tree)) &&
	       ranges_valid(&iopt->reserved) && ranges_valid(&iopt->allowed) &&
	       allowed_valid(iopt) && areas_valid(iopt) &&
	       iopt_domains_valid(&iopt->domains) && alignment_valid(iopt);
}

/*
 * Has something its turn that takes @cost, if a turn should take @budget? On
 * average, and neither in step with whoever else has turns, nor with user
 * space.
 */
static bool check_is_due(unsigned long cost, unsigned int turn,
			 unsigned int budget)
{
	return hash_32(turn, 16) % (cost / budget + 1) == 0;
}

static unsigned long areas_cost(struct io_pagetable *iopt)
{
	struct iopt_stats stats;

	iopt_get_stats(iopt, &stats);
	return stats.areas;
}

static unsigned long pages_cost(const struct iopt_pages *pages)
{
	unsigned long cost = pages->npages / RUN_PAGES / AREA_PAGES;

	return RB_EMPTY_ROOT(&pages->access_itree.rb_root) ?
		       cost : cost + pages->npinned / AREA_PAGES;
}

static bool contents_valid(struct iopt_area *area, bool with_pages,
			   unsigned int turn, unsigned int budget)
{
	struct iopt_pages *pages = area->pages;
	bool valid;

	mutex_lock(&pages->mutex);
	valid = iopt_area_valid(area);
	if (valid && with_pages &&
	    check_is_due(pages_cost(pages), turn, budget))
		valid = iopt_pages_valid(pages);
	mutex_unlock(&pages->mutex);
	return valid;
}

/**
 * iopt_checked() - Check an io_pagetable, and all that its areas have stored
 * @iopt: the io_pagetable
 * @turn: a number that is another one for each call
 * @areas: how many areas a call looks at on average, not 0
 *
 * The more there is to look at, the fewer calls look at all of it, and the
 * others at nothing. Takes one lock at a time.
 *
 * Context: as iopt_valid(), and takes &iopt_pages.mutex.
 * Return: false if iopt_valid(), iopt_area_valid() or iopt_pages_valid() is.
 */
bool iopt_checked(struct io_pagetable *iopt, unsigned int turn,
		  unsigned int areas)
{
	struct iopt_pages *pages = NULL;
	struct iopt_area *area;

	might_sleep();
	lockdep_assert_not_held(&iopt->iova_rwsem);
	lockdep_assert_not_held(&iopt->domains.rwsem);

	if (!check_is_due(areas_cost(iopt), turn, areas))
		return true;
	if (!iopt_valid(iopt))
		return false;
	iopt_for_each_area(area, iopt) {
		if (!contents_valid(area, area->pages != pages, turn, areas)) {
			iopt_area_put(area);
			return false;
		}
		/* Only compared, so it does not matter if it is gone. */
		pages = area->pages;
		cond_resched();
	}
	return true;
}

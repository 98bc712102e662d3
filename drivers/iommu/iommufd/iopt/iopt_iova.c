// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Which IOVA may be used, which is free, and taking it.
 */
#include "iopt_iova.h"

#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/pgtable.h>

#include "io_pagetable.h"
#include "lib/trace.h"
#include "pages/iopt_types.h"

/*
 * So many ranges are searched until others can have the tree. In a kernel for
 * tests they are so few that every test takes several steps.
 */
#define SEARCH_STEP (IS_ENABLED(CONFIG_IOMMUFD_TEST) ? 2 : 64)

/**
 * iopt_set_allowed() - Replace the ranges that automatic allocation may use
 * @iopt: the io_pagetable
 * @allowed: the new ranges; on success it holds the old ones
 *
 * Context: may sleep.
 * Return: 0; -EADDRINUSE if a range overlaps what is reserved, with nothing
 * changed.
 */
int iopt_set_allowed(struct io_pagetable *iopt, struct iova_ranges *allowed)
{
	int rc = 0;

	down_write(&iopt->iova_rwsem);
	if (iova_ranges_overlap_set(allowed, &iopt->reserved))
		rc = -EADDRINUSE;
	else
		swap(iopt->allowed, *allowed);
	up_write(&iopt->iova_rwsem);
	return rc;
}

static int check_reserve(struct io_pagetable *iopt, unsigned long start,
			 unsigned long last)
{
	struct iova_node *node = iova_tree_first(&iopt->tree, start, last);
	struct iova_range *range;

	if (node)
		return iommufd_refuse_node(-EADDRINUSE, IOMMUFD_REFUSE_TAKEN,
					   node);
	range = iova_ranges_first(&iopt->allowed, start, last);
	if (range)
		return iommufd_refuse(-EADDRINUSE, IOMMUFD_REFUSE_ALLOWED,
				      range->node.start, range->node.last);
	return 0;
}

/**
 * iopt_reserve() - Keep areas out of a range of IOVA
 * @iopt: the io_pagetable
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @owner: for iopt_unreserve()
 *
 * Context: may sleep.
 * Return: 0; -EADDRINUSE if an area or an allowed range is there; -EINVAL if
 * @start is above @last; -ENOMEM.
 */
int iopt_reserve(struct io_pagetable *iopt, unsigned long start,
		 unsigned long last, const void *owner)
{
	int rc;

	if (start > last)
		return -EINVAL;
	down_write(&iopt->iova_rwsem);
	rc = check_reserve(iopt, start, last);
	if (!rc)
		rc = iova_ranges_add(&iopt->reserved, start, last, owner);
	up_write(&iopt->iova_rwsem);
	return rc;
}

/**
 * iopt_unreserve() - Give back all that an owner has reserved
 * @iopt: the io_pagetable
 * @owner: as given to iopt_reserve(); may own nothing
 *
 * Context: may sleep, never needs memory.
 */
void iopt_unreserve(struct io_pagetable *iopt, const void *owner)
{
	down_write(&iopt->iova_rwsem);
	iova_ranges_remove_owner(&iopt->reserved, owner);
	up_write(&iopt->iova_rwsem);
}

/**
 * iopt_usable_ranges() - List the IOVA that areas may use
 * @iopt: the io_pagetable
 * @out: receives the ranges, ascending
 * @capacity: entries that @out has room for
 * @alignment: receives &io_pagetable.iova_alignment
 *
 * Context: may sleep.
 * Return: how many ranges there are, also if @out has room for less.
 */
size_t iopt_usable_ranges(struct io_pagetable *iopt,
			  struct iommu_iova_range *out, size_t capacity,
			  unsigned long *alignment)
{
	size_t count;

	down_read(&iopt->iova_rwsem);
	count = iova_ranges_holes(&iopt->reserved, out, capacity);
	*alignment = iopt->iova_alignment;
	up_read(&iopt->iova_rwsem);
	return count;
}

/* Page sizes that are worth aligning to: what the domains know, or may. */
static unsigned long iopt_useful_page_sizes(struct io_pagetable *iopt)
{
	unsigned long sizes = 0;
	struct iopt_domain *member;

	guard(rwsem_read)(&iopt->domains.rwsem);
	if (!iopt->domains.huge_pages)
		return PAGE_SIZE;
	list_for_each_entry(member, &iopt->domains.list, entry)
		sizes |= member->domain->pgsize_bitmap;
	return (sizes ?: PMD_SIZE | PUD_SIZE) & PAGE_MASK;
}

/**
 * iopt_page_sizes() - Page sizes that all domains have
 * @iopt: the io_pagetable
 *
 * Pages smaller than those of memory count as one of PAGE_SIZE: whoever maps
 * whole pages need not know.
 *
 * Context: may sleep, takes &iopt_domains.rwsem.
 * Return: a bit for each size, bytes; all from PAGE_SIZE on without a domain.
 */
unsigned long iopt_page_sizes(struct io_pagetable *iopt)
{
	unsigned long sizes = ULONG_MAX;
	struct iopt_domain *member;

	guard(rwsem_read)(&iopt->domains.rwsem);
	list_for_each_entry(member, &iopt->domains.list, entry) {
		unsigned long known = member->domain->pgsize_bitmap;

		sizes &= known & ~PAGE_MASK ? known | PAGE_SIZE : known;
	}
	return sizes & PAGE_MASK;
}

/* The largest page that fits into the memory, at its own alignment. */
static unsigned long iopt_largest_page(struct io_pagetable *iopt,
				       unsigned long address,
				       unsigned long length)
{
	unsigned long sizes = iopt_useful_page_sizes(iopt);

	while (sizes) {
		unsigned long size = BIT(__fls(sizes));
		unsigned long lead = -address & (size - 1);

		if (lead < length && length - lead >= size)
			return size;
		sizes ^= size;
	}
	return PAGE_SIZE;
}

/**
 * iopt_search_init() - Begin to search for free IOVA
 * @search: to be set up
 * @iopt: where to
 * @address: of the first byte, in what &pin_origin.start is in
 * @length: bytes, not 0
 *
 * Large alignment only makes DMA quicker, so do with less if space is short.
 * IOVA and memory are congruent modulo the alignment, so that large pages in
 * the middle of the memory can be used whatever its ends are. Memory that is
 * more aligned than that keeps its alignment: some IOMMUs know a page of every
 * power of two, and a domain may come later.
 *
 * Context: may sleep, takes &iopt_domains.rwsem.
 */
void iopt_search_init(struct iopt_search *search, struct io_pagetable *iopt,
		      unsigned long address, unsigned long length)
{
	unsigned long page = iopt_largest_page(iopt, address, length);
	unsigned long natural = BIT(__ffs(address | length));

	*search = (struct iopt_search){
		.address = address,
		.length = length,
		.alignments = { max(natural, page), page, PAGE_SIZE, 1 },
	};
}

/* The next range from @from on that may be used, whether it is free or not. */
static bool iopt_next_usable(struct io_pagetable *iopt, unsigned long from,
			     struct iova_request *request)
{
	struct iova_range *range;

	request->first = from;
	request->last = ULONG_MAX;
	if (!iova_ranges_empty(&iopt->allowed)) {
		range = iova_ranges_first(&iopt->allowed, from, ULONG_MAX);
		if (!range)
			return false;
		request->first = max(range->node.start, from);
		request->last = range->node.last;
		/* What is allowed is not reserved. */
		return true;
	}
	return iova_ranges_hole(&iopt->reserved, from, &request->first,
				&request->last);
}

static unsigned long iopt_search_align(struct io_pagetable *iopt,
				       const struct iopt_search *search)
{
	return max(search->alignments[search->i], iopt->iova_alignment);
}

/* Look with one alignment; -EAGAIN if that is not over. */
static int iopt_search_ranges(struct io_pagetable *iopt,
			      struct iopt_search *search,
			      unsigned long *iova)
{
	unsigned long align = iopt_search_align(iopt, search);
	struct iova_request request = {
		.length = search->length,
		.align = align,
		.offset = search->address & (align - 1),
	};
	unsigned int i;

	for (i = 0; i < SEARCH_STEP; i++) {
		int rc;

		if (!iopt_next_usable(iopt, search->from, &request))
			return -ENOSPC;
		rc = iova_tree_find_free(&iopt->tree, &request, iova);
		if (!rc)
			return 0;
		if (rc == -ENOSPC && request.last == ULONG_MAX)
			return rc;
		search->from = rc == -EAGAIN ? *iova : request.last + 1;
	}
	return -EAGAIN;
}

/**
 * iopt_search_step() - Search for free IOVA for a while
 * @iopt: the io_pagetable
 * @search: set up; knows where to go on afterwards
 * @iova: receives the first IOVA
 *
 * Context: &io_pagetable.iova_rwsem held for write, so that the IOVA is still
 * free when it is taken.
 * Return: 0; -EAGAIN to give others their turn, and go on; -ENOSPC if no free
 * range is long enough.
 */
int iopt_search_step(struct io_pagetable *iopt, struct iopt_search *search,
		     unsigned long *iova)
{
	unsigned long align;
	int rc;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	rc = iopt_search_ranges(iopt, search, iova);
	if (rc != -ENOSPC)
		return rc;
	align = iopt_search_align(iopt, search);
	do {
		if (++search->i == ARRAY_SIZE(search->alignments))
			return iommufd_refuse(-ENOSPC, IOMMUFD_REFUSE_NO_SPACE,
					      search->length, align);
	} while (iopt_search_align(iopt, search) == align);
	search->from = 0;
	return -EAGAIN;
}

/**
 * iopt_check_fixed() - Tell whether IOVA that user space chose may be taken
 * @iopt: the io_pagetable
 * @iova: first IOVA
 * @last: last IOVA, inclusive
 *
 * Context: &io_pagetable.iova_rwsem held.
 * Return: 0; -EINVAL if @iova is not aligned as @iopt demands; -EEXIST if
 * something is mapped in the range, as type1 says first; -EINVAL if part of it is
 * reserved.
 */
int iopt_check_fixed(struct io_pagetable *iopt, unsigned long iova,
		     unsigned long last)
{
	struct iova_range *range;
	struct iova_node *node;

	lockdep_assert_held(&iopt->iova_rwsem);

	if (iova & (iopt->iova_alignment - 1))
		return iommufd_refuse(-EINVAL, IOMMUFD_REFUSE_ALIGNMENT, iova,
				      iopt->iova_alignment);
	node = iova_tree_first(&iopt->tree, iova, last);
	if (node)
		return iommufd_refuse_node(-EEXIST, IOMMUFD_REFUSE_TAKEN,
					   node);
	range = iova_ranges_first(&iopt->reserved, iova, last);
	if (range)
		return iommufd_refuse(-EINVAL, IOMMUFD_REFUSE_RESERVED,
				      range->node.start, range->node.last);
	return 0;
}

/**
 * iopt_insert_area() - Put an area into the tree
 * @iopt: the io_pagetable
 * @area: with its IOVA, which is free
 * @order: log2 of the alignment that it counts for
 *
 * Context: &io_pagetable.iova_rwsem held for write.
 */
void iopt_insert_area(struct io_pagetable *iopt, struct iopt_area *area,
		      unsigned int order)
{
	lockdep_assert_held_write(&iopt->iova_rwsem);

	iova_tree_insert(&iopt->tree, &area->node);
	area->order = order;
	iopt->areas_by_alignment[order]++;
	iopt->mapped += area->node.last - area->node.start + 1;
}

/**
 * iopt_discount_area() - Stop counting an area that goes out of the tree
 * @iopt: the io_pagetable
 * @area: in the tree, and empty; the caller takes it out before it gives up the
 *        lock
 *
 * Gives back what iopt_charge_area() took.
 *
 * Context: &io_pagetable.iova_rwsem held for write.
 * Return: bytes of IOVA that are free then.
 */
unsigned long iopt_discount_area(struct io_pagetable *iopt,
				 struct iopt_area *area)
{
	unsigned long length = area->node.last - area->node.start + 1;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	iopt->areas_by_alignment[area->order]--;
	iopt->mapped -= length;
	iopt->invalid_vaddrs -= area->vaddr_invalid;
	WRITE_ONCE(area->state, IOPT_AREA_ERASED);
	if (iopt->areas_left)
		atomic_long_inc(iopt->areas_left);
	return length;
}

/**
 * iopt_charge_area() - Count an area that is going to be inserted
 * @iopt: the io_pagetable
 *
 * Context: any.
 * Return: 0; -ENOSPC if there are as many areas as may be.
 */
int iopt_charge_area(struct io_pagetable *iopt)
{
	if (iopt->areas_left &&
	    atomic_long_dec_if_positive(iopt->areas_left) < 0)
		return iommufd_refuse(-ENOSPC, IOMMUFD_REFUSE_AREAS, 0, 0);
	return 0;
}

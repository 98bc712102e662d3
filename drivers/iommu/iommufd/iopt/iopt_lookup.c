// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The life of an area.
 */
#include "iopt_lookup.h"

#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "io_pagetable.h"
#include "pages/pages.h"

/**
 * iopt_area_init() - Describe how a range of memory is going to be shown
 * @area: uninitialised, with one reference afterwards
 * @pages: the memory; the caller's reference becomes the area's
 * @start_byte: offset of the first byte in @pages, bytes
 * @length: bytes, not 0; start and end lie in @pages
 * @iommu_prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 *
 * The area has no IOVA yet, but its length in node.last. Whoever shows it in an
 * io_pagetable sets @area->iopt and @area->domains.
 *
 * Context: any.
 */
void iopt_area_init(struct iopt_area *area, struct iopt_pages *pages,
		    unsigned long start_byte, unsigned long length,
		    int iommu_prot)
{
	/* One by one, since the tree nodes and the list entry need nothing. */
	area->node.last = length - 1;
	area->pages_node.start = start_byte / PAGE_SIZE;
	area->last = (start_byte + (length - 1)) / PAGE_SIZE;
	area->pages = pages;
	area->storage_domain = NULL;
	area->only = NULL;
	area->generation = 0;
	area->page_offset = offset_in_page(start_byte);
	area->iommu_prot = iommu_prot;
	area->content = IOPT_AREA_EMPTY;
	area->one_run = false;
	area->prevent_access = false;
	area->state = IOPT_AREA_SETUP;
	area->setup = NULL;
	area->num_accesses = 0;
	refcount_set(&area->refs, 1);
}

/**
 * iopt_area_alloc() - Make an area of pages that have their first one already
 * @pages: the memory, a reference to it is taken
 * @start_byte: offset of the first byte in @pages, bytes
 * @length: bytes, not 0; start and end lie in @pages
 * @iommu_prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 *
 * Context: may sleep.
 * Return: the area, as after iopt_area_init(); NULL without memory.
 */
struct iopt_area *iopt_area_alloc(struct iopt_pages *pages,
				  unsigned long start_byte,
				  unsigned long length, int iommu_prot)
{
	struct iopt_area *area = kmalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);

	if (!area)
		return NULL;
	iopt_pages_get(pages);
	iopt_area_init(area, pages, start_byte, length, iommu_prot);
	return area;
}

/**
 * iopt_setup_put() - Give up a reference to what areas share
 * @setup: the areas' &iopt_area.setup
 *
 * Context: any.
 */
void iopt_setup_put(struct iopt_setup *setup)
{
	if (refcount_dec_and_test(&setup->refs))
		kfree(setup);
}

/**
 * iopt_area_put() - Give up a reference to an area
 * @area: not filled and not in the tree when the last reference goes
 *
 * Context: may sleep.
 */
void iopt_area_put(struct iopt_area *area)
{
	struct iopt_pages *pages = area->pages;

	if (!refcount_dec_and_test(&area->refs))
		return;
	WARN_ON_ONCE(area->storage_domain || area->num_accesses);
	if (area->setup)
		iopt_setup_put(area->setup);
	if (area != &pages->first_area)
		kfree(area);
	iopt_pages_put(pages);
}

/**
 * iopt_area_alignment_order() - Largest alignment that an area satisfies
 * @area: with its IOVA
 *
 * Context: any.
 * Return: log2 of the largest size, up to PAGE_SIZE, that IOVA, length and
 * offset in the memory are all multiples of.
 */
unsigned int iopt_area_alignment_order(const struct iopt_area *area)
{
	return __ffs(area->node.start | (area->node.last + 1) |
		     area->page_offset | PAGE_SIZE);
}

/**
 * iopt_area_part_get() - Find the area that a range of IOVA begins in
 * @iopt: the io_pagetable
 * @iova: first IOVA
 * @last: last IOVA of the range, inclusive; it may go on in other areas
 * @part: receives the part of the area that the range covers
 *
 * An area that is on its way out still shows its memory until the unmap is
 * over, so it is found as well.
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for read.
 * Return: 0, the caller gives up @part->area; -ENOENT if nothing is mapped.
 */
int iopt_area_part_get(struct io_pagetable *iopt, unsigned long iova,
		       unsigned long last, struct iopt_area_part *part)
{
	struct iopt_area *area;

	guard(rwsem_read)(&iopt->iova_rwsem);
	area = iopt_area_from_node(iova_tree_first(&iopt->tree, iova, iova));
	if (!area || iopt_area_state(area) == IOPT_AREA_SETUP)
		return -ENOENT;
	refcount_inc(&area->refs);
	part->area = area;
	part->start_byte = iopt_area_first(area) * PAGE_SIZE +
			   area->page_offset + (iova - area->node.start);
	part->length = min(last, area->node.last) - iova + 1;
	return 0;
}

static struct iopt_area *get_from(struct io_pagetable *iopt,
				  unsigned long start)
{
	struct iopt_area *area;

	lockdep_assert_held(&iopt->iova_rwsem);

	area = iopt_area_from_node(iova_tree_first(&iopt->tree, start,
						   ULONG_MAX));
	if (area)
		refcount_inc(&area->refs);
	return area;
}

/**
 * iopt_area_get_from() - Find the first area from an IOVA on
 * @iopt: the io_pagetable
 * @start: the IOVA; the area may begin below it
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for read.
 * Return: the area, with a reference; NULL if there is none.
 */
struct iopt_area *iopt_area_get_from(struct io_pagetable *iopt,
				     unsigned long start)
{
	guard(rwsem_read)(&iopt->iova_rwsem);
	return get_from(iopt, start);
}

/**
 * iopt_area_get_next() - Step for iopt_for_each_area()
 * @iopt: the io_pagetable
 * @area: the current area, whose reference is given up
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for read.
 * Return: the area at the next higher IOVA, with a reference; NULL at the end.
 */
struct iopt_area *iopt_area_get_next(struct io_pagetable *iopt,
				     struct iopt_area *area)
{
	struct iopt_area *next = NULL;

	down_read(&iopt->iova_rwsem);
	/* The last address has no successor. */
	if (area->node.last != ULONG_MAX)
		next = get_from(iopt, area->node.last + 1);
	up_read(&iopt->iova_rwsem);
	iopt_area_put(area);
	return next;
}

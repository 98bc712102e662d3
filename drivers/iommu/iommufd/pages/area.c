// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The life of an area.
 */
#include "area.h"

#include <linux/bitops.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "pages.h"

/* What is not pinned is not cached memory. */
static int area_prot(const struct iopt_pages *pages, int iommu_prot)
{
	if (pages->origin.ops->pinned)
		return iommu_prot;
	return (iommu_prot & ~IOMMU_CACHE) | IOMMU_MMIO;
}

/**
 * iopt_area_init() - Describe how a range of memory is going to be shown
 * @area: uninitialised, with one reference afterwards
 * @pages: the memory; the caller's reference becomes the area's
 * @start_byte: offset of the first byte in @pages, bytes
 * @length: bytes, not 0; start and end lie in @pages
 * @iommu_prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE; memory that is not pinned
 *              has IOMMU_MMIO in place of the last
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
	area->pages_node.last = area->last;
	area->pages = pages;
	area->storage_domain = NULL;
	area->sole_member = NULL;
	area->generation = 0;
	area->reported = 0;
	area->page_offset = offset_in_page(start_byte);
	area->iommu_prot = area_prot(pages, iommu_prot);
	area->content = IOPT_AREA_EMPTY;
	area->one_run = false;
	area->prevent_access = false;
	area->vaddr_invalid = false;
	area->state = IOPT_AREA_SETUP;
	area->setup = NULL;
	atomic_long_set(&area->num_accesses, 0);
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

/* Give up a reference; returns the pages if that was the last one, else NULL. */
static inline struct iopt_pages *area_put(struct iopt_area *area)
{
	struct iopt_pages *pages = area->pages;

	if (!refcount_dec_and_test(&area->refs))
		return NULL;
	WARN_ON_ONCE(area->storage_domain ||
		     atomic_long_read(&area->num_accesses));
	if (area->setup)
		iopt_setup_put(area->setup);
	if (area != &pages->first_area)
		kfree(area);
	return pages;
}

/**
 * iopt_area_put() - Give up a reference to an area
 * @area: not filled and not in the tree when the last reference goes
 *
 * Context: may sleep.
 */
void iopt_area_put(struct iopt_area *area)
{
	struct iopt_pages *pages = area_put(area);

	if (pages)
		iopt_pages_put(pages);
}

/**
 * iopt_area_put_later() - iopt_area_put(), with iopt_pages_put_later()
 * @area: as there
 * @unused: where the structure of the pages goes, if it is to be freed
 *
 * Context: may sleep.
 */
void iopt_area_put_later(struct iopt_area *area,
			 struct iopt_pages_unused *unused)
{
	struct iopt_pages *pages = area_put(area);

	if (pages)
		iopt_pages_put_later(pages, unused);
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Mapping and unmapping.
 *
 * Both hold the lock of the tree for short steps only. A map first takes its
 * IOVA with areas that nobody may use yet, and publishes them when they are
 * filled; an unmap first takes areas out of use, and frees their IOVA when
 * they are empty.
 */
#include "iopt_map.h"

#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "io_pagetable.h"
#include "iopt_access.h"
#include "iopt_lookup.h"
#include "pages/iopt_fill.h"
#include "pages/iopt_unfill.h"
#include "pages/pages.h"

/*
 * So many areas are put into the tree, or taken out, until others can have it;
 * and so many ranges are searched. In a kernel for tests they are so few that
 * every test takes several steps.
 */
#define AREAS_STEP (IS_ENABLED(CONFIG_IOMMUFD_TEST) ? 3 : 256)
#define SEARCH_STEP (IS_ENABLED(CONFIG_IOMMUFD_TEST) ? 2 : 64)

/**
 * iopt_mapping_init() - Begin to map
 * @mapping: to be set up
 * @iopt: where to
 * @iommu_prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @flags: IOPT_MAP_*; with IOPT_MAP_FIXED the caller sets @mapping->iova
 *
 * Context: any.
 */
void iopt_mapping_init(struct iopt_mapping *mapping, struct io_pagetable *iopt,
		       int iommu_prot, unsigned int flags)
{
	*mapping = (struct iopt_mapping){
		.iopt = iopt,
		.flags = flags,
		.iommu_prot = iommu_prot,
	};
	INIT_LIST_HEAD(&mapping->areas);
}

static void mapping_add_area(struct iopt_mapping *mapping,
			     struct iopt_area *area, unsigned long length)
{
	area->iopt = mapping->iopt;
	area->domains = &mapping->iopt->domains;
	list_add_tail(&area->list, &mapping->areas);
	mapping->length += length;
	mapping->bits |= area->page_offset | length;
}

/* From the second area on they have something to share. */
static int mapping_share_setup(struct iopt_mapping *mapping)
{
	struct iopt_setup *setup;
	struct iopt_area *first;

	if (mapping->setup || list_empty(&mapping->areas))
		return 0;
	setup = kmalloc(sizeof(*setup), GFP_KERNEL_ACCOUNT);
	if (!setup)
		return -ENOMEM;
	refcount_set(&setup->refs, 2);
	setup->published = false;
	first = list_first_entry(&mapping->areas, typeof(*first), list);
	first->setup = setup;
	mapping->setup = setup;
	return 0;
}

/**
 * iopt_mapping_add_user() - Map memory of the calling process
 * @mapping: without areas
 * @uptr: user virtual address of the first byte
 * @length: bytes
 * @mode: how to account for the memory
 *
 * Context: process context of the owner of the memory, may sleep.
 * Return: 0; -EINVAL if @length is 0; -EOVERFLOW if the pages do not fit below
 * the top of the address space; -ENOMEM.
 */
int iopt_mapping_add_user(struct iopt_mapping *mapping, unsigned long uptr,
			  unsigned long length, enum pin_account_mode mode)
{
	unsigned long offset = offset_in_page(uptr);
	struct iopt_pages *pages;
	unsigned long end;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(uptr, length, &end) ||
	    check_add_overflow(end, PAGE_SIZE - 1, &end))
		return -EOVERFLOW;
	pages = iopt_pages_alloc(uptr - offset,
				 (end - (uptr - offset)) / PAGE_SIZE,
				 mapping->iommu_prot & IOMMU_WRITE, mode);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	iopt_area_init(&pages->first_area, pages, offset, length,
		       mapping->iommu_prot);
	mapping_add_area(mapping, &pages->first_area, length);
	return 0;
}

static int mapping_add_part(struct iopt_mapping *mapping,
			    const struct iopt_area_part *part)
{
	struct iopt_pages *pages = part->area->pages;
	struct iopt_area *area;
	int rc;

	if ((mapping->iommu_prot & IOMMU_WRITE) && !pages->writable)
		return -EPERM;
	rc = mapping_share_setup(mapping);
	if (rc)
		return rc;
	area = iopt_area_alloc(pages, part->start_byte, part->length,
			       mapping->iommu_prot);
	if (!area)
		return -ENOMEM;
	if (mapping->setup) {
		refcount_inc(&mapping->setup->refs);
		area->setup = mapping->setup;
	}
	mapping_add_area(mapping, area, part->length);
	return 0;
}

/**
 * iopt_mapping_add_copy() - Map memory that is mapped already
 * @mapping: without areas
 * @source: where the memory is mapped
 * @iova: first IOVA in @source
 * @length: bytes; may begin and end inside of areas, and cover several
 *
 * Each area is looked up by itself, so that a long copy stalls nobody. If
 * others change @source meanwhile the copy may show some areas as they were
 * before and some as they are after.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL if @length is 0; -EOVERFLOW if the range wraps; -ENOENT
 * if a part of it is not mapped; -EPERM if devices are to write to memory that
 * was mapped for reading; -ENOMEM; -EINTR on a fatal signal.
 */
int iopt_mapping_add_copy(struct iopt_mapping *mapping,
			  struct io_pagetable *source, unsigned long iova,
			  unsigned long length)
{
	unsigned long last;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	for (;;) {
		struct iopt_area_part part;
		int rc;

		rc = iopt_area_part_get(source, iova, last, &part);
		if (rc)
			return rc;
		rc = mapping_add_part(mapping, &part);
		iopt_area_put(part.area);
		if (rc)
			return rc;
		if (last - iova < part.length)
			return 0;
		iova += part.length;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

/* Page sizes that are worth aligning to: what the domains know, or may. */
static unsigned long useful_page_sizes(struct io_pagetable *iopt)
{
	unsigned long sizes = 0;
	struct iopt_domain *entry;

	guard(rwsem_read)(&iopt->domains.rwsem);
	if (iopt->domains.small_pages)
		return PAGE_SIZE;
	list_for_each_entry(entry, &iopt->domains.list, entry)
		sizes |= entry->domain->pgsize_bitmap;
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
	struct iopt_domain *entry;

	guard(rwsem_read)(&iopt->domains.rwsem);
	list_for_each_entry(entry, &iopt->domains.list, entry) {
		unsigned long known = entry->domain->pgsize_bitmap;

		sizes &= known & ~PAGE_MASK ? known | PAGE_SIZE : known;
	}
	return sizes & PAGE_MASK;
}

/* The largest page that fits into the memory, at its own alignment. */
static unsigned long largest_page(struct io_pagetable *iopt,
				  unsigned long address, unsigned long length)
{
	unsigned long sizes = useful_page_sizes(iopt);

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
 * struct iova_search - A search for free IOVA, step by step
 * @address: IOVA is to be like this, modulo the alignment
 * @length: bytes
 * @alignments: to be tried one after the other
 * @i: the one that is being tried
 * @from: nothing is free below this IOVA with that
 */
struct iova_search {
	unsigned long address;
	unsigned long length;
	unsigned long alignments[4];
	unsigned int i;
	unsigned long from;
};

/*
 * Large alignment only makes DMA quicker, so do with less if space is short.
 * IOVA and memory are congruent modulo the alignment, so that large pages in
 * the middle of the memory can be used whatever its ends are. Memory that is
 * more aligned than that keeps its alignment: some IOMMUs know a page of every
 * power of two, and a domain may come later.
 */
static void search_init(struct iova_search *search,
			struct iopt_mapping *mapping)
{
	struct iopt_area *first = list_first_entry(&mapping->areas,
						   struct iopt_area, list);
	unsigned long address = first->pages->origin.address +
				iopt_area_first(first) * PAGE_SIZE +
				first->page_offset;
	unsigned long page = largest_page(mapping->iopt, address,
					  mapping->length);
	unsigned long natural = BIT(__ffs(address | mapping->length));

	*search = (struct iova_search){
		.address = address,
		.length = mapping->length,
		.alignments = { max(natural, page), page, PAGE_SIZE, 1 },
	};
}

/* The next range from @from on that may be used, whether it is free or not. */
static bool usable_range(struct io_pagetable *iopt, unsigned long from,
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

static unsigned long search_align(struct io_pagetable *iopt,
				  const struct iova_search *search)
{
	return max(search->alignments[search->i], iopt->iova_alignment);
}

/* Look with one alignment; -EAGAIN if that is not over. */
static int search_ranges(struct io_pagetable *iopt, struct iova_search *search,
			 unsigned long *iova)
{
	unsigned long align = search_align(iopt, search);
	struct iova_request request = {
		.length = search->length,
		.align = align,
		.offset = search->address & (align - 1),
	};
	unsigned int i;

	for (i = 0; i < SEARCH_STEP; i++) {
		int rc;

		if (!usable_range(iopt, search->from, &request))
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

/* Search for a while; -EAGAIN to give others their turn, and go on. */
static int search_step(struct io_pagetable *iopt, struct iova_search *search,
		       unsigned long *iova)
{
	unsigned long align;
	int rc;

	lockdep_assert_held(&iopt->iova_rwsem);

	rc = search_ranges(iopt, search, iova);
	if (rc != -ENOSPC)
		return rc;
	align = search_align(iopt, search);
	do {
		if (++search->i == ARRAY_SIZE(search->alignments))
			return -ENOSPC;
	} while (search_align(iopt, search) == align);
	search->from = 0;
	return -EAGAIN;
}

static int mapping_check_fixed(struct iopt_mapping *mapping)
{
	struct io_pagetable *iopt = mapping->iopt;
	unsigned long last;

	if (check_add_overflow(mapping->iova, mapping->length - 1, &last))
		return -EOVERFLOW;
	if (mapping->iova & (iopt->iova_alignment - 1))
		return -EINVAL;
	if (iova_ranges_overlap(&iopt->reserved, mapping->iova, last))
		return -EINVAL;
	if (iova_tree_first(&iopt->tree, mapping->iova, last))
		return -EEXIST;
	return 0;
}

static void area_insert(struct io_pagetable *iopt, struct iopt_area *area,
			unsigned int order)
{
	iova_tree_insert(&iopt->tree, &area->node);
	area->order = order;
	iopt->areas_by_alignment[order]++;
	iopt->mapped += area->node.last - area->node.start + 1;
}

static unsigned long area_erase(struct io_pagetable *iopt,
				struct iopt_area *area)
{
	unsigned long length = area->node.last - area->node.start + 1;

	iova_tree_remove(&iopt->tree, &area->node);
	iopt->areas_by_alignment[area->order]--;
	iopt->mapped -= length;
	area->state = IOPT_AREA_ERASED;
	if (iopt->areas_left)
		atomic_long_inc(iopt->areas_left);
	return length;
}

/* Take what area_erase() gives back. */
static int area_charge(struct io_pagetable *iopt)
{
	if (iopt->areas_left &&
	    atomic_long_dec_if_positive(iopt->areas_left) < 0)
		return -ENOSPC;
	return 0;
}

static struct iopt_area *mapping_first(struct iopt_mapping *mapping)
{
	return list_first_entry(&mapping->areas, struct iopt_area, list);
}

/*
 * Take the IOVA. With several areas the first keeps the place of all, also as
 * far as alignment goes.
 */
static void mapping_insert(struct iopt_mapping *mapping)
{
	struct iopt_area *first = mapping_first(mapping);

	first->node.start = mapping->iova;
	first->node.last = mapping->iova + (mapping->length - 1);
	area_insert(mapping->iopt, first,
		    __ffs(mapping->iova | mapping->bits | PAGE_SIZE));
	mapping->waiting = list_last_entry(&mapping->areas, struct iopt_area,
					   list);
}

static int mapping_take(struct iopt_mapping *mapping,
			struct iova_search *search)
{
	struct io_pagetable *iopt = mapping->iopt;
	int rc;

	guard(rwsem_write)(&iopt->iova_rwsem);
	if (mapping->bits & (iopt->iova_alignment - 1))
		return -EINVAL;
	if (mapping->flags & IOPT_MAP_FIXED)
		rc = mapping_check_fixed(mapping);
	else
		rc = search_step(iopt, search, &mapping->iova);
	if (!rc)
		rc = area_charge(iopt);
	if (!rc)
		mapping_insert(mapping);
	return rc;
}

static int mapping_reserve(struct iopt_mapping *mapping)
{
	struct iova_search search __uninitialized;
	int rc;

	if (!(mapping->flags & IOPT_MAP_FIXED))
		search_init(&search, mapping);
	while ((rc = mapping_take(mapping, &search)) == -EAGAIN) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return rc;
}

/* Put the last area of those that wait where the first keeps its place. */
static void mapping_place(struct iopt_mapping *mapping, struct iopt_area *first)
{
	struct iopt_area *area = mapping->waiting;
	struct io_pagetable *iopt = mapping->iopt;
	unsigned long length = area->node.last + 1;

	area->node.last = first->node.last;
	area->node.start = area->node.last - (length - 1);
	iova_tree_shrink(&first->node, area->node.start - 1);
	iopt->mapped -= length;
	area_insert(iopt, area, iopt_area_alignment_order(area));
	mapping->waiting = list_prev_entry(area, list);
}

static int mapping_place_some(struct iopt_mapping *mapping,
			      struct iopt_area *first)
{
	struct io_pagetable *iopt = mapping->iopt;
	unsigned int i;

	guard(rwsem_write)(&iopt->iova_rwsem);
	for (i = 0; i < AREAS_STEP && mapping->waiting != first; i++) {
		int rc = area_charge(iopt);

		if (rc)
			return rc;
		mapping_place(mapping, first);
	}
	if (mapping->waiting != first)
		return 0;
	iopt->areas_by_alignment[first->order]--;
	first->order = iopt_area_alignment_order(first);
	iopt->areas_by_alignment[first->order]++;
	return 0;
}

/* The IOVA is taken, so nobody minds how long it takes to share it out. */
static int mapping_place_all(struct iopt_mapping *mapping)
{
	struct iopt_area *first = mapping_first(mapping);

	while (mapping->waiting != first) {
		int rc = mapping_place_some(mapping, first);

		if (rc)
			return rc;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int mapping_fill(struct iopt_mapping *mapping)
{
	struct iopt_area *area;

	list_for_each_entry(area, &mapping->areas, list) {
		int rc;

		rc = iopt_area_fill_domains(area);
		if (rc)
			return rc;
		if (!list_is_last(&area->list, &mapping->areas))
			cond_resched();
	}
	return 0;
}

/**
 * iopt_mapping_prepare() - Take the IOVA, and make the memory visible there
 * @mapping: with areas; on success @mapping->iova is set
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for a moment. Holds no
 * lock that another IOVA needs while it fills.
 * Return: 0; -EINVAL if IOVA, length or memory are not aligned as the
 * io_pagetable demands, or the IOVA is reserved; -EEXIST if it is taken;
 * -EOVERFLOW if it wraps; -ENOSPC if no free range is long enough, where ranges
 * that others give up during a long search need not count, or there are as many
 * areas as may be; as iopt_area_fill_domains(); -EINTR on a fatal signal.
 */
int iopt_mapping_prepare(struct iopt_mapping *mapping)
{
	return mapping_reserve(mapping) ?:
	       mapping_place_all(mapping) ?:
	       mapping_fill(mapping);
}

/* However many areas there are, they appear by one store. */
static void mapping_publish(struct iopt_mapping *mapping)
{
	struct iopt_setup *setup = mapping->setup;

	if (!setup) {
		struct iopt_area *area = mapping_first(mapping);

		/* Whoever sees this may have the list entry. */
		smp_store_release(&area->state, IOPT_AREA_LIVE);
		return;
	}
	/* And this, the list entries. */
	smp_store_release(&setup->published, true);
	iopt_setup_put(setup);
}

/* Tell those who wait for removals; without the lock, which they may want. */
static void wake_erased(struct io_pagetable *iopt)
{
	if (wq_has_sleeper(&iopt->erased))
		wake_up_all(&iopt->erased);
}

/* Erase the first areas of a list from the tree; returns the last of them. */
static struct iopt_area *areas_erase_step(struct io_pagetable *iopt,
					  struct list_head *areas,
					  unsigned long *length)
{
	struct iopt_area *area;
	unsigned int i = 0;

	down_write(&iopt->iova_rwsem);
	list_for_each_entry(area, areas, list) {
		if (check_add_overflow(*length, area_erase(iopt, area),
				       length))
			*length = ULONG_MAX;
		if (++i == AREAS_STEP || list_is_last(&area->list, areas))
			break;
	}
	up_write(&iopt->iova_rwsem);
	wake_erased(iopt);
	return area;
}

/* Erase all areas of a list, and add their size to @length. */
static void areas_erase(struct io_pagetable *iopt, struct list_head *areas,
			unsigned long *length)
{
	struct iopt_area *area, *next;
	LIST_HEAD(erased);

	while (!list_empty(areas)) {
		area = areas_erase_step(iopt, areas, length);
		list_cut_position(&erased, areas, &area->list);
		list_for_each_entry_safe(area, next, &erased, list)
			iopt_area_put(area);
		if (!list_empty(areas))
			cond_resched();
	}
}

/* Forget the areas up to @last that are not in the tree. */
static void mapping_drop(struct iopt_mapping *mapping, struct iopt_area *last)
{
	struct iopt_area *area = last, *prev;

	while (!list_entry_is_head(area, &mapping->areas, list) &&
	       (!mapping->waiting || area != mapping_first(mapping))) {
		prev = list_prev_entry(area, list);
		list_del(&area->list);
		iopt_area_put(area);
		area = prev;
		cond_resched();
	}
}

static void mapping_abort(struct iopt_mapping *mapping)
{
	unsigned long length = 0;

	mapping_drop(mapping, mapping->waiting ?:
			      list_last_entry(&mapping->areas,
					      struct iopt_area, list));
	iopt_areas_unfill(&mapping->areas);
	areas_erase(mapping->iopt, &mapping->areas, &length);
	if (mapping->setup)
		iopt_setup_put(mapping->setup);
}

/**
 * iopt_mapping_end() - Let everybody use the areas, or undo all steps
 * @mapping: prepared, if @rc is 0; else at any step
 * @rc: 0 if all went well
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem. Never needs memory.
 */
void iopt_mapping_end(struct iopt_mapping *mapping, int rc)
{
	if (rc)
		mapping_abort(mapping);
	else
		mapping_publish(mapping);
}

/**
 * struct iopt_removal - Areas on their way out of an io_pagetable
 * @areas: struct iopt_area in the order of the IOVA
 * @rule: what becomes of areas at the ends of the range
 * @start: where the rest of the range begins, IOVA
 * @last: last IOVA of the range, inclusive
 * @begun: part of the range has been seen
 * @all: all of it has
 * @evict: in-kernel users may have areas pinned, and are asked to let go
 * @obstacle: at @start, on its way out already; with a reference
 */
struct iopt_removal {
	struct list_head areas;
	enum iopt_unmap_rule rule;
	unsigned long start;
	unsigned long last;
	bool begun;
	bool all;
	bool evict;
	struct iopt_area *obstacle;
};

static void removal_init(struct iopt_removal *removal, unsigned long start,
			 unsigned long last, enum iopt_unmap_rule rule)
{
	*removal = (struct iopt_removal){
		.areas = LIST_HEAD_INIT(removal->areas),
		.rule = rule,
		.start = start,
		.last = last,
	};
}

/* Go on behind an IOVA. */
static void removal_advance(struct iopt_removal *removal, unsigned long iova)
{
	if (iova >= removal->last)
		removal->all = true;
	else
		removal->start = iova + 1;
}

/*
 * The area at an IOVA. One that is being mapped does not count, and the place
 * that it keeps may be that of several; returns true if there is one.
 */
static bool area_at(struct io_pagetable *iopt, unsigned long iova,
		    struct iova_node **node)
{
	*node = iova_tree_first(&iopt->tree, iova, iova);
	if (!*node ||
	    iopt_area_state(iopt_area_from_node(*node)) != IOPT_AREA_SETUP)
		return false;
	*node = NULL;
	return true;
}

/*
 * Type1 v1 goes by where areas begin: one that begins in the range is unmapped
 * as a whole, and one that begins before it ends the matter. The other rules do
 * not cut areas. All that is looked at before anything is taken, even if that
 * takes many steps.
 */
static int range_check_ends(struct io_pagetable *iopt,
			    struct iopt_removal *removal)
{
	struct iova_node *first, *final;
	bool setup;

	setup = area_at(iopt, removal->start, &first);
	setup |= area_at(iopt, removal->last, &final);
	if (setup && removal->rule == IOPT_UNMAP_EXACT)
		return -EBUSY;
	if (removal->rule == IOPT_UNMAP_TYPE1_V1) {
		removal->all = first && first->start < removal->start;
		if (final)
			removal->last = final->last;
		return 0;
	}
	if (first && first->start < removal->start)
		return -ENOENT;
	return final && final->last > removal->last ? -ENOENT : 0;
}

/* What keeps an area from being unmapped? */
static int area_check(const struct iopt_area *area,
		      const struct iopt_removal *removal)
{
	bool setup = iopt_area_state(area) == IOPT_AREA_SETUP;

	if (setup && removal->rule == IOPT_UNMAP_EXACT)
		return -EBUSY;
	/* It was not there when the ends were checked. */
	if (!setup && removal->rule != IOPT_UNMAP_TYPE1_V1 &&
	    area->node.last > removal->last)
		return -ENOENT;
	return 0;
}

/* The next node of a range. One that begins before came after we were there. */
static struct iova_node *range_next(struct io_pagetable *iopt,
				    const struct iopt_removal *removal)
{
	struct iova_node *node = iova_tree_first(&iopt->tree, removal->start,
						 removal->last);

	if (node && node->start < removal->start)
		node = iova_tree_next(node, removal->last);
	return node;
}

/* Check some areas; returns the first that does not belong to this step. */
static int range_check_some(struct io_pagetable *iopt,
			    struct iopt_removal *removal,
			    struct iova_node **end)
{
	struct iova_node *node;
	unsigned int i = 0;

	for (node = range_next(iopt, removal); node && i < AREAS_STEP;
	     node = iova_tree_next(node, removal->last), i++) {
		struct iopt_area *area = iopt_area_from_node(node);
		int rc;

		if (iopt_area_state(area) == IOPT_AREA_REMOVING)
			break;
		rc = area_check(area, removal);
		if (rc)
			return rc;
	}
	*end = node;
	return 0;
}

/*
 * Take an area out of use. Nobody begins to pin it from here on. Who is just
 * doing so has an access, and with one the areas have to be looked at again.
 */
static void area_take(struct iopt_area *area, struct iopt_removal *removal)
{
	area->state = IOPT_AREA_REMOVING;
	WRITE_ONCE(area->prevent_access, true);
	list_add_tail(&area->list, &removal->areas);
}

static void range_take_some(struct io_pagetable *iopt,
			    struct iopt_removal *removal,
			    const struct iova_node *end)
{
	struct iova_node *node;

	for (node = range_next(iopt, removal); node != end;
	     node = iova_tree_next(node, removal->last)) {
		struct iopt_area *area = iopt_area_from_node(node);

		/* One that was being mapped just now was not checked. */
		if (iopt_area_state(area) == IOPT_AREA_LIVE &&
		    (removal->rule == IOPT_UNMAP_TYPE1_V1 ||
		     node->last <= removal->last))
			area_take(area, removal);
	}
	removal->evict |= !list_empty(&iopt->accesses);
}

/*
 * Take out of use what comes next in the range; -EAGAIN if that is an area that
 * another removal has taken.
 */
static int range_claim_some(struct io_pagetable *iopt,
			    struct iopt_removal *removal)
{
	struct iova_node *end;
	int rc = 0;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	if (!removal->begun)
		rc = range_check_ends(iopt, removal);
	removal->begun = true;
	if (rc || removal->all)
		return rc;
	rc = range_check_some(iopt, removal, &end);
	if (rc)
		return rc;
	range_take_some(iopt, removal, end);
	if (!end) {
		removal->all = true;
		return 0;
	}
	removal->start = end->start;
	if (iopt_area_state(iopt_area_from_node(end)) != IOPT_AREA_REMOVING)
		return 0;
	removal->obstacle = iopt_area_from_node(end);
	refcount_inc(&removal->obstacle->refs);
	return -EAGAIN;
}

/*
 * Wait until another removal is done with its area. If it gave up, the area is
 * ours to take. If not, whatever is in its place now came after we began.
 */
static int wait_obstacle(struct io_pagetable *iopt,
			 struct iopt_removal *removal)
{
	struct iopt_area *area = removal->obstacle;
	int rc;

	rc = wait_event_killable(iopt->erased, READ_ONCE(area->state) !=
						       IOPT_AREA_REMOVING);
	if (!rc && READ_ONCE(area->state) == IOPT_AREA_ERASED)
		removal_advance(removal, area->node.last);
	iopt_area_put(area);
	return rc ? -EINTR : 0;
}

/*
 * Take all areas of a range out of use. Each IOVA is looked at once, from low
 * to high, so two removals never wait for each other.
 */
static int range_claim(struct io_pagetable *iopt, struct iopt_removal *removal)
{
	int rc;

	for (;;) {
		down_write(&iopt->iova_rwsem);
		rc = range_claim_some(iopt, removal);
		up_write(&iopt->iova_rwsem);
		if (rc == -EAGAIN)
			rc = wait_obstacle(iopt, removal);
		if (rc || removal->all)
			break;
		cond_resched();
	}
	if (!rc && removal->rule == IOPT_UNMAP_EXACT &&
	    list_empty(&removal->areas))
		return -ENOENT;
	return rc;
}

/*
 * Does an in-kernel user have a part of an area that nobody begins to use any
 * more? Those who just did are seen under the lock, or find out themselves.
 */
static bool area_in_use(struct iopt_area *area)
{
	guard(mutex)(&area->pages->mutex);
	return area->num_accesses;
}

/*
 * Make in-kernel users let go of an area. One that takes its time is waited
 * for, without a lock that it, or anybody else, could need. It is asked again,
 * since it may have been about to make a note of what it has just pinned.
 */
static int area_evict(struct io_pagetable *iopt, struct iopt_area *area)
{
	bool in_use = area_in_use(area);

	while (in_use) {
		iopt_notify_unmap(iopt, area);
		if (wait_event_killable_timeout(iopt->unpinned,
						!READ_ONCE(area->num_accesses),
						HZ) < 0)
			return -EINTR;
		in_use = READ_ONCE(area->num_accesses);
	}
	return 0;
}

static int areas_evict(struct io_pagetable *iopt, struct list_head *areas)
{
	struct iopt_area *area;

	list_for_each_entry(area, areas, list) {
		int rc = area_evict(iopt, area);

		if (rc)
			return rc;
		cond_resched();
	}
	return 0;
}

/* Let the first areas of a list be as they were. */
static void areas_restore_some(struct io_pagetable *iopt,
			       struct list_head *areas)
{
	struct iopt_area *area, *next;
	unsigned int i = 0;

	down_write(&iopt->iova_rwsem);
	list_for_each_entry_safe(area, next, areas, list) {
		if (i++ == AREAS_STEP)
			break;
		list_del(&area->list);
		WRITE_ONCE(area->prevent_access, false);
		area->state = IOPT_AREA_LIVE;
	}
	up_write(&iopt->iova_rwsem);
	wake_erased(iopt);
}

/* Undo range_claim(): the areas are as they were before. */
static void areas_restore(struct io_pagetable *iopt, struct list_head *areas)
{
	while (!list_empty(areas)) {
		areas_restore_some(iopt, areas);
		cond_resched();
	}
}

/* Unmap areas that were taken, and add their size to @unmapped. */
static void areas_remove(struct io_pagetable *iopt, struct list_head *areas,
			 unsigned long *unmapped)
{
	if (list_is_singular(areas))
		iopt_area_unfill(list_first_entry(areas, struct iopt_area,
						  list));
	else
		iopt_areas_unfill(areas);
	areas_erase(iopt, areas, unmapped);
}

/**
 * iopt_unmap_by() - Unmap the areas that a rule finds in a range
 * @iopt: the io_pagetable
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @rule: what becomes of areas at the ends of the range
 * @unmapped: receives the number of bytes that were unmapped
 *
 * When this returns no device can reach the memory through the range any more,
 * also if another thread is unmapping it, and no in-kernel user has it pinned.
 * The users are asked to let go, see &iopt_access.unmap, and waited for. What
 * others map meanwhile may stay.
 *
 * Context: may sleep, never needs memory. Takes &io_pagetable.iova_rwsem, for
 * short steps.
 * Return: 0; what @rule says; -EINTR on a fatal signal while waiting for another
 * thread or an in-kernel user. On failure nothing is changed.
 */
int iopt_unmap_by(struct io_pagetable *iopt, unsigned long start,
		  unsigned long last, enum iopt_unmap_rule rule,
		  unsigned long *unmapped)
{
	struct iopt_removal removal;
	int rc;

	*unmapped = 0;
	removal_init(&removal, start, last, rule);
	rc = range_claim(iopt, &removal);
	if (!rc && removal.evict)
		rc = areas_evict(iopt, &removal.areas);
	if (rc)
		areas_restore(iopt, &removal.areas);
	else
		areas_remove(iopt, &removal.areas, unmapped);
	return rc;
}

/**
 * iopt_unmap() - Unmap all areas in a range
 * @iopt: the io_pagetable
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @unmapped: receives the number of bytes that were unmapped
 *
 * Context: as iopt_unmap_by().
 * Return: as iopt_unmap_by() with IOPT_UNMAP_EXACT.
 */
int iopt_unmap(struct io_pagetable *iopt, unsigned long start,
	       unsigned long last, unsigned long *unmapped)
{
	return iopt_unmap_by(iopt, start, last, IOPT_UNMAP_EXACT, unmapped);
}

/**
 * iopt_unmap_all() - Unmap every area
 * @iopt: the io_pagetable
 * @unmapped: receives the number of bytes that this call has unmapped
 *
 * An area that another thread is mapping at the same time counts as mapped
 * afterwards. Waits for removals by other threads that began before, and does
 * their work if they are killed.
 *
 * Context: as iopt_unmap_by().
 * Return: 0, also if nothing is mapped; -EINTR as from iopt_unmap_by().
 */
int iopt_unmap_all(struct io_pagetable *iopt, unsigned long *unmapped)
{
	return iopt_unmap_by(iopt, 0, ULONG_MAX, IOPT_UNMAP_TYPE1_V2, unmapped);
}

/* Erase the first areas of the tree; true if that is not all. */
static bool erase_first(struct io_pagetable *iopt)
{
	struct iopt_removal removal;
	unsigned long length = 0;

	removal_init(&removal, 0, ULONG_MAX, IOPT_UNMAP_TYPE1_V2);
	down_write(&iopt->iova_rwsem);
	WARN_ON_ONCE(range_claim_some(iopt, &removal));
	up_write(&iopt->iova_rwsem);
	areas_erase(iopt, &removal.areas, &length);
	return !removal.all && length;
}

/**
 * iopt_empty() - Unmap every area of an io_pagetable that is going away
 * @iopt: without domains and accesses, and used by nobody else
 *
 * Without a domain there are no IOPTEs, and no area stores anything, so this does
 * without the mutexes of the pages.
 *
 * Context: may sleep, never needs memory. Not interrupted by signals.
 */
void iopt_empty(struct io_pagetable *iopt)
{
	while (erase_first(iopt))
		cond_resched();
}

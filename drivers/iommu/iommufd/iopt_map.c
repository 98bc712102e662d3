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
#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>

#include "io_pagetable.h"
#include "iopt_area.h"
#include "iopt_fill.h"
#include "pages.h"

/* Areas that are taken out of the tree before others get their turn. */
#define REMOVE_STEP 256

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

static int mapping_add_area(struct iopt_mapping *mapping,
			    struct iopt_pages *pages, unsigned long start_byte,
			    unsigned long length)
{
	struct iopt_area *area = iopt_area_alloc(mapping->iopt, pages,
						 start_byte, length,
						 mapping->iommu_prot);

	if (!area)
		return -ENOMEM;
	list_add_tail(&area->list, &mapping->areas);
	mapping->length += length;
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
	int rc;

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
	rc = mapping_add_area(mapping, pages, offset, length);
	iopt_pages_put(pages);
	return rc;
}

static int mapping_add_part(struct iopt_mapping *mapping,
			    const struct iopt_area_part *part)
{
	struct iopt_pages *pages = part->area->pages;

	if ((mapping->iommu_prot & IOMMU_WRITE) && !pages->writable)
		return -EPERM;
	return mapping_add_area(mapping, pages, part->start_byte, part->length);
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

static int find_free_in(struct io_pagetable *iopt, struct iova_request request,
			unsigned long *iova)
{
	unsigned long limit = request.last;
	unsigned long from = request.first;
	unsigned long start, last;

	while (iova_ranges_hole(&iopt->reserved, from, &start, &last) &&
	       start <= limit) {
		request.first = max(start, from);
		request.last = min(last, limit);
		if (!iova_tree_find_free(&iopt->tree, &request, iova))
			return 0;
		if (last >= limit)
			break;
		from = last + 1;
	}
	return -ENOSPC;
}

static int find_free(struct io_pagetable *iopt, struct iova_request request,
		     unsigned long *iova)
{
	struct iova_range *range;

	if (iova_ranges_empty(&iopt->allowed)) {
		request.first = 0;
		request.last = ULONG_MAX;
		return find_free_in(iopt, request, iova);
	}
	for (range = iova_ranges_first(&iopt->allowed, 0, ULONG_MAX); range;
	     range = iova_ranges_next(range, 0, ULONG_MAX)) {
		request.first = range->node.start;
		request.last = range->node.last;
		if (!find_free_in(iopt, request, iova))
			return 0;
		/* User space may allow any number of ranges. */
		cond_resched();
	}
	return -ENOSPC;
}

/*
 * Large alignment only makes DMA quicker, so do with less if space is short.
 * IOVA and memory are congruent modulo the alignment, so that large pages in
 * the middle of the memory can be used whatever its ends are. Memory that is
 * more aligned than that keeps its alignment: some IOMMUs know a page of every
 * power of two, and a domain may come later.
 */
static int mapping_find_iova(struct iopt_mapping *mapping)
{
	struct iopt_area *first = list_first_entry(&mapping->areas,
						   struct iopt_area, list);
	unsigned long address = first->pages->origin.address +
				iopt_area_first(first) * PAGE_SIZE +
				first->page_offset;
	struct io_pagetable *iopt = mapping->iopt;
	unsigned long page = largest_page(iopt, address, mapping->length);
	unsigned long natural = BIT(__ffs(address | mapping->length));
	unsigned long alignments[] = {
		max(natural, page), page, PAGE_SIZE, iopt->iova_alignment,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(alignments); i++) {
		struct iova_request request = {
			.length = mapping->length,
			.align = alignments[i],
			.offset = address & (alignments[i] - 1),
		};

		if (i && alignments[i] == alignments[i - 1])
			continue;
		if (!find_free(iopt, request, &mapping->iova))
			return 0;
	}
	return -ENOSPC;
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

static bool mapping_aligned(struct iopt_mapping *mapping)
{
	unsigned long mask = mapping->iopt->iova_alignment - 1;
	struct iopt_area *area;

	list_for_each_entry(area, &mapping->areas, list)
		if ((area->page_offset | (area->node.last + 1)) & mask)
			return false;
	return true;
}

static void area_insert(struct io_pagetable *iopt, struct iopt_area *area)
{
	iova_tree_insert(&iopt->tree, &area->node);
	iopt->areas_by_alignment[iopt_area_alignment_order(area)]++;
	iopt->mapped += area->node.last - area->node.start + 1;
}

static void area_erase(struct io_pagetable *iopt, struct iopt_area *area)
{
	iova_tree_remove(&iopt->tree, &area->node);
	iopt->areas_by_alignment[iopt_area_alignment_order(area)]--;
	iopt->mapped -= area->node.last - area->node.start + 1;
}

static void mapping_insert(struct iopt_mapping *mapping)
{
	unsigned long iova = mapping->iova;
	struct iopt_area *area;

	list_for_each_entry(area, &mapping->areas, list) {
		area->node.start = iova;
		area->node.last += iova;
		area_insert(mapping->iopt, area);
		iova = area->node.last + 1;
	}
	mapping->reserved = true;
}

/**
 * iopt_mapping_reserve() - Take the IOVA
 * @mapping: with areas; on success @mapping->iova is set
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem.
 * Return: 0; -EINVAL if IOVA, length or memory are not aligned as the
 * io_pagetable demands, or the IOVA is reserved; -EEXIST if it is taken;
 * -EOVERFLOW if it wraps; -ENOSPC if no free range is long enough.
 */
int iopt_mapping_reserve(struct iopt_mapping *mapping)
{
	int rc;

	down_write(&mapping->iopt->iova_rwsem);
	if (!mapping_aligned(mapping))
		rc = -EINVAL;
	else if (mapping->flags & IOPT_MAP_FIXED)
		rc = mapping_check_fixed(mapping);
	else
		rc = mapping_find_iova(mapping);
	if (!rc)
		mapping_insert(mapping);
	up_write(&mapping->iopt->iova_rwsem);
	return rc;
}

/**
 * iopt_mapping_fill() - Make the memory visible to the domains
 * @mapping: reserved
 *
 * Context: may sleep. Holds no lock that another IOVA needs.
 * Return: 0; as iopt_area_fill_domains(); -EINTR on a fatal signal. After a
 * failure the mapping can only be aborted.
 */
int iopt_mapping_fill(struct iopt_mapping *mapping)
{
	struct iopt_area *area;

	list_for_each_entry(area, &mapping->areas, list) {
		int rc;

		if (mutex_lock_killable(&area->pages->mutex))
			return -EINTR;
		rc = iopt_area_fill_domains(area);
		mutex_unlock(&area->pages->mutex);
		if (rc)
			return rc;
		cond_resched();
	}
	return 0;
}

/**
 * iopt_mapping_publish() - Let everybody use the areas
 * @mapping: filled
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem.
 */
void iopt_mapping_publish(struct iopt_mapping *mapping)
{
	struct iopt_area *area, *next;

	down_write(&mapping->iopt->iova_rwsem);
	list_for_each_entry_safe(area, next, &mapping->areas, list) {
		list_del(&area->list);
		area->state = IOPT_AREA_LIVE;
	}
	up_write(&mapping->iopt->iova_rwsem);
}

static void areas_unfill(struct list_head *areas)
{
	struct iopt_area *area;

	list_for_each_entry(area, areas, list) {
		/*
		 * Only a map that failed has such areas, and nobody else fills
		 * them. Do not wait for a lock that it may just have failed to
		 * get.
		 */
		if (!area->filled)
			continue;
		mutex_lock(&area->pages->mutex);
		area->prevent_access = true;
		iopt_area_unfill_domains(area);
		mutex_unlock(&area->pages->mutex);
		cond_resched();
	}
}

static void areas_erase(struct io_pagetable *iopt, struct list_head *areas)
{
	while (!list_empty(areas)) {
		unsigned int i = 0;
		struct iopt_area *area, *next;
		LIST_HEAD(erased);

		down_write(&iopt->iova_rwsem);
		list_for_each_entry_safe(area, next, areas, list) {
			area_erase(iopt, area);
			list_move(&area->list, &erased);
			if (++i == REMOVE_STEP)
				break;
		}
		WRITE_ONCE(iopt->erasures, iopt->erasures + 1);
		up_write(&iopt->iova_rwsem);
		wake_up_all(&iopt->erased);

		list_for_each_entry_safe(area, next, &erased, list)
			iopt_area_put(area);
		cond_resched();
	}
}

/**
 * iopt_mapping_abort() - Undo all steps that were done
 * @mapping: at any step before publishing
 *
 * Context: may sleep, never needs memory.
 */
void iopt_mapping_abort(struct iopt_mapping *mapping)
{
	struct iopt_area *area, *next;

	if (mapping->reserved) {
		areas_unfill(&mapping->areas);
		areas_erase(mapping->iopt, &mapping->areas);
		return;
	}
	list_for_each_entry_safe(area, next, &mapping->areas, list) {
		iopt_area_put(area);
		cond_resched();
	}
}

/* Does a range that is to be unmapped begin or end inside of an area? */
static bool range_cuts_area(struct io_pagetable *iopt, unsigned long start,
			    unsigned long last)
{
	struct iova_node *first = iova_tree_first(&iopt->tree, start, start);
	struct iova_node *final = iova_tree_first(&iopt->tree, last, last);

	return (first && first->start < start) || (final && final->last > last);
}

/*
 * What keeps the areas of a range from being unmapped: -EBUSY if one is locked
 * or, unless @skip_setup, not published yet; else -EAGAIN if one is on its way
 * out.
 */
static int range_blocked(struct io_pagetable *iopt, unsigned long start,
			 unsigned long last, bool skip_setup)
{
	struct iova_node *node;
	int rc = 0;

	for (node = iova_tree_first(&iopt->tree, start, last); node;
	     node = iova_tree_next(node, last)) {
		struct iopt_area *area = iopt_area_from_node(node);

		if (area->num_locks)
			return -EBUSY;
		if (area->state == IOPT_AREA_SETUP && !skip_setup)
			return -EBUSY;
		if (area->state == IOPT_AREA_REMOVING)
			rc = -EAGAIN;
	}
	return rc;
}

/*
 * Take areas out of use. With @restored only those that a removal up to this
 * number had taken before, and had to give back.
 */
static void range_take(struct io_pagetable *iopt, unsigned long start,
		       unsigned long last, u64 restored,
		       struct list_head *areas)
{
	struct iova_node *node;

	iopt->removals++;
	for (node = iova_tree_first(&iopt->tree, start, last); node;
	     node = iova_tree_next(node, last)) {
		struct iopt_area *area = iopt_area_from_node(node);

		if (area->state != IOPT_AREA_LIVE)
			continue;
		if (restored && (!area->removal || area->removal > restored))
			continue;
		area->state = IOPT_AREA_REMOVING;
		area->removal = iopt->removals;
		list_add_tail(&area->list, areas);
	}
}

/* Are the areas gone whose removal began no later than number @removal? */
static bool range_removed(struct io_pagetable *iopt, unsigned long start,
			  unsigned long last, u64 removal)
{
	struct iova_node *node;

	guard(rwsem_read)(&iopt->iova_rwsem);
	for (node = iova_tree_first(&iopt->tree, start, last); node;
	     node = iova_tree_next(node, last)) {
		struct iopt_area *area = iopt_area_from_node(node);

		if (area->state == IOPT_AREA_REMOVING &&
		    area->removal <= removal)
			return false;
	}
	return true;
}

static int wait_removed(struct io_pagetable *iopt, unsigned long start,
			unsigned long last, u64 removal)
{
	for (;;) {
		/* Read first: an erase behind the look ends the wait. */
		u64 erasures = READ_ONCE(iopt->erasures);

		if (range_removed(iopt, start, last, removal))
			return 0;
		if (wait_event_killable(iopt->erased,
					READ_ONCE(iopt->erasures) != erasures))
			return -EINTR;
	}
}

/*
 * Let no in-kernel user begin with an area, and tell whether there are some.
 * One of them may keep the lock as long as user space likes, in a page fault.
 */
static int area_close(struct iopt_area *area, bool *in_use)
{
	if (mutex_lock_killable(&area->pages->mutex))
		return -EINTR;
	area->prevent_access = true;
	*in_use = area->num_accesses;
	mutex_unlock(&area->pages->mutex);
	return 0;
}

/*
 * Make in-kernel users let go of an area. One that takes its time is waited
 * for, without a lock that it, or anybody else, could need. It is asked again,
 * since it may have been about to make a note of what it has just pinned.
 */
static int area_evict(struct io_pagetable *iopt, struct iopt_area *area)
{
	bool in_use;

	if (area_close(area, &in_use))
		return -EINTR;
	while (in_use) {
		iopt_notify_unmap(iopt, area->node.start,
				  area->node.last - area->node.start + 1);
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

/*
 * Undo range_take() and area_close(): the areas are as they were before. The
 * lock of the pages may be what we were killed waiting for, so do without it.
 */
static void areas_restore(struct io_pagetable *iopt, struct list_head *areas)
{
	struct iopt_area *area, *next;

	down_write(&iopt->iova_rwsem);
	list_for_each_entry_safe(area, next, areas, list) {
		list_del(&area->list);
		WRITE_ONCE(area->prevent_access, false);
		area->state = IOPT_AREA_LIVE;
	}
	WRITE_ONCE(iopt->erasures, iopt->erasures + 1);
	up_write(&iopt->iova_rwsem);
	wake_up_all(&iopt->erased);
}

/* Unmap areas that were taken, and add their size to @unmapped. */
static int areas_remove(struct io_pagetable *iopt, struct list_head *areas,
			unsigned long *unmapped)
{
	unsigned long length = *unmapped;
	struct iopt_area *area;

	if (areas_evict(iopt, areas)) {
		areas_restore(iopt, areas);
		return -EINTR;
	}
	list_for_each_entry(area, areas, list)
		if (check_add_overflow(length, area->node.last -
				       area->node.start + 1, &length))
			length = ULONG_MAX;
	areas_unfill(areas);
	areas_erase(iopt, areas);
	*unmapped = length;
	return 0;
}

/*
 * Type1 v1 goes by where areas begin: one that begins in the range is unmapped
 * as a whole, and one that begins before it ends the matter. Returns false if
 * that leaves nothing to unmap.
 */
static bool range_widen(struct io_pagetable *iopt, unsigned long start,
			unsigned long *last)
{
	struct iova_node *first = iova_tree_first(&iopt->tree, start, start);
	struct iova_node *final = iova_tree_first(&iopt->tree, *last, *last);

	if (first && first->start < start)
		return false;
	if (final)
		*last = final->last;
	return true;
}

/* Take the areas of a range out of use; -EAGAIN to wait and try again. */
static int range_claim(struct io_pagetable *iopt, unsigned long start,
		       unsigned long *last, enum iopt_unmap_rule rule,
		       struct list_head *areas)
{
	bool exact = rule == IOPT_UNMAP_EXACT;
	int rc;

	if (rule == IOPT_UNMAP_TYPE1_V1 && !range_widen(iopt, start, last))
		return 0;
	rc = range_blocked(iopt, start, *last, !exact);
	if (rc)
		return rc;
	if (range_cuts_area(iopt, start, *last))
		return -ENOENT;
	range_take(iopt, start, *last, 0, areas);
	return exact && list_empty(areas) ? -ENOENT : 0;
}

/**
 * iopt_unmap_by() - Unmap the areas that a rule finds in a range
 * @iopt: the io_pagetable
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @rule: what becomes of areas at the ends of the range
 * @unmapped: receives the number of bytes that were mapped, 0 on failure
 *
 * When this returns no device can reach the memory through the range any more,
 * also if another thread is unmapping it, and no in-kernel user has it pinned.
 * The users are asked to let go, see &iopt_access.unmap, and waited for.
 *
 * Context: may sleep, never needs memory. Takes &io_pagetable.iova_rwsem.
 * Return: 0; what @rule says; -EBUSY if an area is locked; -EINTR on a fatal
 * signal while waiting for another thread or an in-kernel user. Nothing is
 * changed on failure.
 */
int iopt_unmap_by(struct io_pagetable *iopt, unsigned long start,
		  unsigned long last, enum iopt_unmap_rule rule,
		  unsigned long *unmapped)
{
	LIST_HEAD(areas);
	unsigned long end;
	u64 removal;
	int rc;

	*unmapped = 0;
	do {
		end = last;
		down_write(&iopt->iova_rwsem);
		removal = iopt->removals;
		rc = range_claim(iopt, start, &end, rule, &areas);
		up_write(&iopt->iova_rwsem);
	} while (rc == -EAGAIN && !wait_removed(iopt, start, end, removal));
	if (rc)
		return rc == -EAGAIN ? -EINTR : rc;
	return areas_remove(iopt, &areas, unmapped);
}

/**
 * iopt_unmap() - Unmap all areas in a range
 * @iopt: the io_pagetable
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @unmapped: receives the number of bytes that were mapped, 0 on failure
 *
 * Context: as iopt_unmap_by().
 * Return: as iopt_unmap_by() with IOPT_UNMAP_EXACT.
 */
int iopt_unmap(struct io_pagetable *iopt, unsigned long start,
	       unsigned long last, unsigned long *unmapped)
{
	return iopt_unmap_by(iopt, start, last, IOPT_UNMAP_EXACT, unmapped);
}

/* Take all areas but those that others have taken, up to @restored if not 0. */
static int claim_all(struct io_pagetable *iopt, u64 restored,
		     struct list_head *areas)
{
	int rc;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	rc = range_blocked(iopt, 0, ULONG_MAX, true);
	if (rc != -EBUSY)
		range_take(iopt, 0, ULONG_MAX, restored, areas);
	return rc;
}

/**
 * iopt_unmap_all() - Unmap every area
 * @iopt: the io_pagetable
 * @unmapped: receives the number of bytes that this call has unmapped, also
 *            when it fails
 *
 * An area that another thread is mapping at the same time counts as mapped
 * afterwards. Waits for removals by other threads that began before, and does
 * their work if they are killed.
 *
 * Context: as iopt_unmap_by().
 * Return: 0, also if nothing is mapped; -EBUSY if an area is locked; -EINTR on
 * a fatal signal while waiting for another thread or an in-kernel user.
 */
int iopt_unmap_all(struct io_pagetable *iopt, unsigned long *unmapped)
{
	u64 removal, restored = 0;
	LIST_HEAD(areas);
	int rc;

	*unmapped = 0;
	for (;;) {
		down_write(&iopt->iova_rwsem);
		removal = restored ?: iopt->removals;
		rc = claim_all(iopt, restored, &areas);
		up_write(&iopt->iova_rwsem);
		if (rc == -EBUSY || (restored && list_empty(&areas)))
			return rc == -EBUSY ? rc : 0;
		if (areas_remove(iopt, &areas, unmapped))
			return -EINTR;
		if (!restored && rc != -EAGAIN)
			return 0;
		if (wait_removed(iopt, 0, ULONG_MAX, removal))
			return -EINTR;
		restored = removal;
	}
}

/**
 * iopt_empty() - Unmap every area of an io_pagetable that is going away
 * @iopt: without accesses, and used by nobody else
 *
 * Context: may sleep, never needs memory. Not interrupted by signals.
 */
void iopt_empty(struct io_pagetable *iopt)
{
	LIST_HEAD(areas);

	down_write(&iopt->iova_rwsem);
	range_take(iopt, 0, ULONG_MAX, 0, &areas);
	up_write(&iopt->iova_rwsem);
	areas_unfill(&areas);
	areas_erase(iopt, &areas);
}

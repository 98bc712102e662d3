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
#include "iopt_unfill.h"
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

static void mapping_add_area(struct iopt_mapping *mapping,
			     struct iopt_area *area, unsigned long length)
{
	list_add_tail(&area->list, &mapping->areas);
	mapping->length += length;
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
	iopt_area_init(&pages->first_area, mapping->iopt, pages, offset, length,
		       mapping->iommu_prot);
	mapping_add_area(mapping, &pages->first_area, length);
	return 0;
}

static int mapping_add_part(struct iopt_mapping *mapping,
			    const struct iopt_area_part *part)
{
	struct iopt_pages *pages = part->area->pages;
	struct iopt_area *area;

	if ((mapping->iommu_prot & IOMMU_WRITE) && !pages->writable)
		return -EPERM;
	area = iopt_area_alloc(mapping->iopt, pages, part->start_byte,
			       part->length, mapping->iommu_prot);
	if (!area)
		return -ENOMEM;
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
	if (iopt->areas_left)
		atomic_long_inc(iopt->areas_left);
}

/* Take what area_erase() gives back for each area. */
static int mapping_charge(struct iopt_mapping *mapping)
{
	atomic_long_t *counter = mapping->iopt->areas_left;
	long left, count;

	if (!counter)
		return 0;
	count = list_count_nodes(&mapping->areas);
	left = atomic_long_read(counter);
	do {
		if (left < count)
			return -ENOSPC;
	} while (!atomic_long_try_cmpxchg(counter, &left, left - count));
	return 0;
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

static int mapping_reserve(struct iopt_mapping *mapping)
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
		rc = mapping_charge(mapping);
	if (!rc)
		mapping_insert(mapping);
	up_write(&mapping->iopt->iova_rwsem);
	return rc;
}

static int mapping_fill(struct iopt_mapping *mapping)
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
 * -EOVERFLOW if it wraps; -ENOSPC if no free range is long enough, or there
 * are as many areas as may be; as iopt_area_fill_domains(); -EINTR on a fatal
 * signal.
 */
int iopt_mapping_prepare(struct iopt_mapping *mapping)
{
	return mapping_reserve(mapping) ?: mapping_fill(mapping);
}

/*
 * Several areas appear at one moment; with one there is nothing to keep
 * together, and no need for the lock.
 */
static void mapping_publish(struct iopt_mapping *mapping)
{
	struct iopt_area *area;

	if (list_is_singular(&mapping->areas)) {
		area = list_first_entry(&mapping->areas, typeof(*area), list);
		/* Whoever sees this may have the list entry. */
		smp_store_release(&area->state, IOPT_AREA_LIVE);
		return;
	}
	down_write(&mapping->iopt->iova_rwsem);
	list_for_each_entry(area, &mapping->areas, list)
		area->state = IOPT_AREA_LIVE;
	up_write(&mapping->iopt->iova_rwsem);
}

/* Tell those who wait for removals; without the lock, which they may want. */
static void wake_erased(struct io_pagetable *iopt)
{
	if (wq_has_sleeper(&iopt->erased))
		wake_up_all(&iopt->erased);
}

/* Erase the first areas of a list from the tree; returns the last of them. */
static struct iopt_area *areas_erase_step(struct io_pagetable *iopt,
					  struct list_head *areas)
{
	struct iopt_area *area;
	unsigned int i = 0;

	down_write(&iopt->iova_rwsem);
	list_for_each_entry(area, areas, list) {
		area_erase(iopt, area);
		if (++i == REMOVE_STEP || list_is_last(&area->list, areas))
			break;
	}
	WRITE_ONCE(iopt->erasures, iopt->erasures + 1);
	up_write(&iopt->iova_rwsem);
	wake_erased(iopt);
	return area;
}

static void areas_erase(struct io_pagetable *iopt, struct list_head *areas)
{
	struct iopt_area *area, *next;
	LIST_HEAD(erased);

	while (!list_empty(areas)) {
		area = areas_erase_step(iopt, areas);
		list_cut_position(&erased, areas, &area->list);
		list_for_each_entry_safe(area, next, &erased, list)
			iopt_area_put(area);
		if (!list_empty(areas))
			cond_resched();
	}
}

static void mapping_abort(struct iopt_mapping *mapping)
{
	struct iopt_area *area, *next;

	if (mapping->reserved) {
		iopt_areas_unfill_domains(&mapping->areas);
		areas_erase(mapping->iopt, &mapping->areas);
		return;
	}
	list_for_each_entry_safe(area, next, &mapping->areas, list) {
		iopt_area_put(area);
		cond_resched();
	}
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
 * @length: bytes that they cover, ULONG_MAX if that is all there is
 * @evict: in-kernel users may have them pinned, or it takes several locks to
 *         empty them; then a look at each comes first
 * @cut: the range ends inside of one
 */
struct iopt_removal {
	struct list_head areas;
	unsigned long length;
	bool evict;
	bool cut;
};

/*
 * Find the areas of a range that are in use, and what keeps them from being
 * unmapped: -EBUSY if one is locked or, unless @skip_setup, not published yet;
 * else -EAGAIN if one is on its way out already.
 */
static int range_find(struct io_pagetable *iopt, unsigned long start,
		      unsigned long last, bool skip_setup,
		      struct iopt_removal *removal)
{
	struct iova_node *node;
	int rc = 0;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	INIT_LIST_HEAD(&removal->areas);
	removal->cut = false;
	for (node = iova_tree_first(&iopt->tree, start, last); node;
	     node = iova_tree_next(node, last)) {
		struct iopt_area *area = iopt_area_from_node(node);
		enum iopt_area_state state = iopt_area_state(area);

		removal->cut |= node->start < start || node->last > last;
		if (area->num_locks ||
		    (state == IOPT_AREA_SETUP && !skip_setup))
			return -EBUSY;
		if (state == IOPT_AREA_REMOVING)
			rc = -EAGAIN;
		if (state == IOPT_AREA_LIVE)
			list_add_tail(&area->list, &removal->areas);
	}
	return rc;
}

/*
 * Take the areas that were found out of use. Nobody begins to pin one from here
 * on. Who is just doing so has an access, and with one the areas have to be
 * looked at again.
 */
static void range_take(struct io_pagetable *iopt, struct iopt_removal *removal)
{
	struct iopt_area *area;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	iopt->removals++;
	removal->evict = !list_empty(&iopt->accesses) ||
			 !list_is_singular(&removal->areas);
	removal->length = 0;
	list_for_each_entry(area, &removal->areas, list) {
		area->state = IOPT_AREA_REMOVING;
		WRITE_ONCE(area->prevent_access, true);
		if (!area->removal)
			area->removal = iopt->removals;
		if (check_add_overflow(removal->length, area->node.last -
				       area->node.start + 1, &removal->length))
			removal->length = ULONG_MAX;
	}
}

/* Are the areas gone whose removal began no later than number @removal? */
static bool range_removed(struct io_pagetable *iopt, unsigned long start,
			  unsigned long last, u64 removal)
{
	struct iova_node *node;

	lockdep_assert_held(&iopt->iova_rwsem);

	for (node = iova_tree_first(&iopt->tree, start, last); node;
	     node = iova_tree_next(node, last)) {
		struct iopt_area *area = iopt_area_from_node(node);

		if (iopt_area_state(area) == IOPT_AREA_REMOVING &&
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
		bool removed;

		down_read(&iopt->iova_rwsem);
		removed = range_removed(iopt, start, last, removal);
		up_read(&iopt->iova_rwsem);
		if (removed)
			return 0;
		if (wait_event_killable(iopt->erased,
					READ_ONCE(iopt->erasures) != erasures))
			return -EINTR;
	}
}

/*
 * Does an in-kernel user have a part of an area that nobody begins to use any
 * more? One of them may keep the lock as long as user space likes, in a page
 * fault.
 */
static int area_in_use(struct iopt_area *area, bool *in_use)
{
	if (mutex_lock_killable(&area->pages->mutex))
		return -EINTR;
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

	if (area_in_use(area, &in_use))
		return -EINTR;
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

/*
 * Undo range_take(): the areas are as they were before. The lock of the pages
 * may be what we were killed waiting for, so do without it.
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
	wake_erased(iopt);
}

/*
 * Empty areas, or fail while none is. With several that is as long as in-kernel
 * users are asked; behind that the locks are hardly ever waited for, as nobody
 * begins with an area that is on its way out.
 */
static int areas_empty(struct io_pagetable *iopt, struct iopt_removal *removal)
{
	struct iopt_area *area;

	if (!removal->evict) {
		area = list_first_entry(&removal->areas, typeof(*area), list);
		return iopt_area_unfill_killable(area);
	}
	if (areas_evict(iopt, &removal->areas))
		return -EINTR;
	iopt_areas_unfill_domains(&removal->areas);
	return 0;
}

/* Unmap areas that were taken, and add their size to @unmapped. */
static int areas_remove(struct io_pagetable *iopt, struct iopt_removal *removal,
			unsigned long *unmapped)
{
	if (areas_empty(iopt, removal)) {
		areas_restore(iopt, &removal->areas);
		return -EINTR;
	}
	areas_erase(iopt, &removal->areas);
	if (check_add_overflow(*unmapped, removal->length, unmapped))
		*unmapped = ULONG_MAX;
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
		       struct iopt_removal *removal)
{
	bool exact = rule == IOPT_UNMAP_EXACT;
	int rc;

	if (rule == IOPT_UNMAP_TYPE1_V1 && !range_widen(iopt, start, last)) {
		*removal = (struct iopt_removal){
			.areas = LIST_HEAD_INIT(removal->areas),
			.evict = true,
		};
		return 0;
	}
	rc = range_find(iopt, start, *last, !exact, removal);
	if (rc)
		return rc;
	if (removal->cut)
		return -ENOENT;
	range_take(iopt, removal);
	return exact && list_empty(&removal->areas) ? -ENOENT : 0;
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
	struct iopt_removal removal;
	unsigned long end;
	u64 before;
	int rc;

	*unmapped = 0;
	do {
		end = last;
		down_write(&iopt->iova_rwsem);
		before = iopt->removals;
		rc = range_claim(iopt, start, &end, rule, &removal);
		up_write(&iopt->iova_rwsem);
	} while (rc == -EAGAIN && !wait_removed(iopt, start, end, before));
	if (rc)
		return rc == -EAGAIN ? -EINTR : rc;
	return areas_remove(iopt, &removal, unmapped);
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

/* Keep of what was found only what removals up to a number gave back. */
static void keep_restored(struct iopt_removal *removal, u64 restored)
{
	struct iopt_area *area, *next;

	list_for_each_entry_safe(area, next, &removal->areas, list)
		if (!area->removal || area->removal > restored)
			list_del(&area->list);
}

/*
 * Unmap all areas but those that others are unmapping, and tell which removals
 * began @before. With @again only what those had to give back. -EAGAIN if there
 * may be more of that.
 */
static int unmap_pass(struct io_pagetable *iopt, bool again, u64 *before,
		      unsigned long *unmapped)
{
	struct iopt_removal removal;
	int rc;

	down_write(&iopt->iova_rwsem);
	if (!again)
		*before = iopt->removals;
	rc = range_find(iopt, 0, ULONG_MAX, true, &removal);
	if (rc == -EBUSY) {
		up_write(&iopt->iova_rwsem);
		return rc;
	}
	if (again) {
		keep_restored(&removal, *before);
		rc = list_empty(&removal.areas) &&
		     range_removed(iopt, 0, ULONG_MAX, *before) ? 0 : -EAGAIN;
	}
	range_take(iopt, &removal);
	up_write(&iopt->iova_rwsem);
	return areas_remove(iopt, &removal, unmapped) ?: rc;
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
	u64 before;
	int rc;

	*unmapped = 0;
	rc = unmap_pass(iopt, false, &before, unmapped);
	while (rc == -EAGAIN) {
		if (wait_removed(iopt, 0, ULONG_MAX, before))
			return -EINTR;
		rc = unmap_pass(iopt, true, &before, unmapped);
	}
	return rc;
}

/**
 * iopt_empty() - Unmap every area of an io_pagetable that is going away
 * @iopt: without accesses, and used by nobody else
 *
 * Context: may sleep, never needs memory. Not interrupted by signals.
 */
void iopt_empty(struct io_pagetable *iopt)
{
	struct iopt_removal removal;

	down_write(&iopt->iova_rwsem);
	range_find(iopt, 0, ULONG_MAX, true, &removal);
	range_take(iopt, &removal);
	up_write(&iopt->iova_rwsem);
	iopt_areas_unfill_domains(&removal.areas);
	areas_erase(iopt, &removal.areas);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Which IOPTEs of a domain have devices written through?
 */
#include "iopte_dirty.h"

#include <linux/bitops.h>
#include <linux/iommu.h>
#include <linux/iova_bitmap.h>
#include <linux/kconfig.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "pfn_domain.h"

/**
 * DOC: Blocks of IOVA
 *
 * A driver is asked for a range of IOVA. It looks up the IOPTE at its start,
 * notes as many bytes as that IOPTE has, goes on behind so many bytes, and so
 * on. All that is right if the range begins and ends between two IOPTEs, and
 * not otherwise. When it begins inside of a large IOPTE, what is behind is
 * noted in the wrong place, or is left out. When it ends inside of one,
 * clearing that one forgets writes to what is outside of the range.
 *
 * Nobody tells where IOPTEs begin. But each has a size that is a power of two,
 * begins at a multiple of it, and lies in one area. So a range is read in
 * *blocks*, which have such sizes and places too, each as large as fits. For a
 * block and an IOPTE there are only three possibilities: the IOPTE is outside,
 * or inside, or has all of the block in it. The last one needs a look at the
 * block of twice the size around it. If that does not lie in the area, neither
 * does a larger IOPTE. That is the case for all blocks of an area that is read
 * as a whole, so only the ends of a range that cuts an area make a difference.
 *
 * A block that may be inside of a larger IOPTE is read without clearing first.
 * If it is, the driver notes more than the block, and just as much as the IOPTE
 * has, so its place is known then. The part that was asked for is noted, and
 * nothing is cleared.
 *
 * An IOMMU that has the IOPTE in its IOTLB need not look at it again to know
 * that it is dirty. So after clearing, the IOTLB is flushed, all of it: what
 * drivers gather while they clear has no page size, and without one SMMUv3
 * flushes nothing. It is done before user space gets its answer, and looks at
 * the memory.
 */

/**
 * DOC: Drivers that have no bitmap
 *
 * Without CONFIG_IOMMUFD_DRIVER, as distributions build it, iova_bitmap_set()
 * is an empty function in the IOMMU drivers. They would read, clear, and note
 * nothing, and a migration would lose what was written. But they add what they
 * find to a &struct iommu_iotlb_gather, which remembers the lowest and the
 * highest byte. That is enough to search:
 *
 * - A block is read without clearing. With nothing gathered all of it is clean.
 *   Otherwise the first dirty IOPTE begins where the gather does.
 * - That one alone is read and cleared. Now the gather has its size.
 * - Behind it the search goes on in small blocks, each twice the size of the
 *   one before as long as there is nothing.
 *
 * So each dirty IOPTE costs a call of its own. Each one that is clean is looked
 * at once where all of the block is clean, and about three times otherwise.
 * What is cleared is one IOPTE at a time, by the call that tells which, so no
 * write is forgotten.
 */

#if IS_BUILTIN(CONFIG_IOMMUFD_DRIVER)
bool iopte_dirty_direct __read_mostly = true;
module_param_named(direct_dirty, iopte_dirty_direct, bool, 0644);
MODULE_PARM_DESC(direct_dirty,
		 "Let IOMMU drivers note in a bitmap what is dirty, which is faster than searching for it (Y)");
#else
/* Of the option no kernel has "m"; our own build says so in place of "n". */
bool iopte_dirty_direct;
#endif

/* One call to the driver; @found receives the bounds of what is dirty. */
static int dirty_ask(struct iopte_dirty *dirty, unsigned long iova,
		     size_t length, unsigned long flags,
		     struct iova_bitmap *bitmap, struct iopte_range *found)
{
	struct iommu_domain *domain = dirty->domain;
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap notes = {
		.bitmap = bitmap,
		.gather = &gather,
	};
	int rc;

	iommu_iotlb_gather_init(&gather);
	rc = domain->dirty_ops->read_and_clear_dirty(domain, iova, length,
						     flags, &notes);
	*found = (struct iopte_range){ gather.start, gather.end };
	return rc;
}

static bool range_is_empty(const struct iopte_range *range)
{
	return range->start > range->last;
}

/* The IOPTE that was found by looking at a part of it. */
static void range_extend_to_iopte(struct iopte_range *found)
{
	unsigned long size = found->last - found->start + 1;

	found->start &= -size;
	found->last = found->start + (size - 1);
}

static void dirty_note(const struct iopte_dirty *dirty,
		       const struct iopte_range *range)
{
	if (dirty->bitmap)
		iova_bitmap_set(dirty->bitmap, range->start,
				range->last - range->start + 1);
}

/* The largest block that begins a range. */
static unsigned long range_block_size(const struct iopte_range *range)
{
	unsigned long size = PFN_DOMAIN_STEP;

	if (range->start)
		size = min(size, BIT(__ffs(range->start)));
	while (size - 1 > range->last - range->start)
		size >>= 1;
	return size;
}

/* May there be an IOPTE in an area that has all of a block in it, and more? */
static bool iopte_may_reach_out(const struct iommu_domain *domain,
				const struct iopte_range *area,
				unsigned long iova, unsigned long size)
{
	unsigned long largest = BIT(__fls(domain->pgsize_bitmap));
	unsigned long start = iova & -(size << 1);

	return size < PFN_DOMAIN_STEP && size < largest &&
	       start >= area->start && area->last - start >= (size << 1) - 1;
}

/**
 * struct dirty_search - How far the search in a block is
 * @rest: what is left of the block
 * @step: how much of that to look at next, at most; bytes
 */
struct dirty_search {
	struct iopte_range rest;
	unsigned long step;
};

/* Nothing, or no more, is up to an IOVA; returns whether that is all. */
static bool dirty_search_done(struct dirty_search *search, unsigned long last,
			      unsigned long step)
{
	if (last >= search->rest.last)
		return true;
	search->rest.start = last + 1;
	search->step = step;
	return false;
}

/* Read, and clear, the IOPTE at which the rest begins. */
static int dirty_search_one(struct iopte_dirty *dirty,
			    struct dirty_search *search, unsigned long length,
			    bool *done)
{
	unsigned long last = search->rest.start + (length - 1);
	struct iopte_range found;
	int rc;

	rc = dirty_ask(dirty, search->rest.start, length, dirty->flags, NULL,
		       &found);
	if (range_is_empty(&found)) {
		*done = dirty_search_done(search, last, length << 1);
		return rc;
	}
	range_extend_to_iopte(&found);
	dirty_note(dirty, &found);
	dirty->cleared = true;
	*done = dirty_search_done(search, max(last, found.last), length);
	return rc;
}

/* Look for the first dirty IOPTE in the beginning of the rest. */
static int dirty_search_next(struct iopte_dirty *dirty,
			     struct dirty_search *search, unsigned long length,
			     bool *done)
{
	unsigned long last = search->rest.start + (length - 1);
	struct iopte_range found;
	int rc;

	rc = dirty_ask(dirty, search->rest.start, length, IOMMU_DIRTY_NO_CLEAR,
		       NULL, &found);
	if (range_is_empty(&found)) {
		*done = dirty_search_done(search, last, length << 1);
	} else {
		search->rest.start = found.start;
		search->step = 1;
	}
	return rc;
}

/*
 * Without a bitmap. A look that begins inside of an IOPTE, since a clean one is
 * larger than was thought, does no harm: it is at a block again.
 */
static int dirty_search_block(struct iopte_dirty *dirty,
			      const struct iopte_range *block)
{
	unsigned long smallest = BIT(__ffs(dirty->domain->pgsize_bitmap));
	struct dirty_search search = {
		.rest = *block,
		.step = PFN_DOMAIN_STEP,
	};
	bool done = false;
	int rc;

	do {
		unsigned long length = max(search.step, smallest);

		length = min(length, range_block_size(&search.rest));
		if (length <= smallest)
			rc = dirty_search_one(dirty, &search, length, &done);
		else
			rc = dirty_search_next(dirty, &search, length, &done);
		cond_resched();
	} while (!rc && !done);
	return rc;
}

/* A block that no IOPTE reaches out of. */
static int dirty_read_closed(struct iopte_dirty *dirty,
			     const struct iopte_range *block)
{
	struct iopte_range found;
	int rc;

	if (!READ_ONCE(iopte_dirty_direct) && dirty->bitmap)
		return dirty_search_block(dirty, block);
	rc = dirty_ask(dirty, block->start, block->last - block->start + 1,
		       dirty->flags, dirty->bitmap, &found);
	if (!range_is_empty(&found))
		dirty->cleared = true;
	return rc;
}

/* A block, or the smallest IOPTE that has it in it; drivers want no less. */
static struct iopte_range block_widen(const struct iommu_domain *domain,
				      const struct iopte_range *block)
{
	unsigned long inside = BIT(__ffs(domain->pgsize_bitmap)) - 1;

	return (struct iopte_range){
		block->start & ~inside, block->last | inside
	};
}

/*
 * A block that may be a part of an IOPTE. If it is, all of the IOPTE is done,
 * as far as it is in the rest of the range; @last says how far that is.
 */
static int dirty_read_open(struct iopte_dirty *dirty,
			   const struct iopte_range *block,
			   const struct iopte_range *rest, unsigned long *last)
{
	struct iopte_range look = block_widen(dirty->domain, block);
	struct iopte_range found;
	int rc;

	rc = dirty_ask(dirty, look.start, look.last - look.start + 1,
		       IOMMU_DIRTY_NO_CLEAR, NULL, &found);
	if (rc || range_is_empty(&found))
		return rc;
	if (found.start >= block->start && found.last <= block->last)
		return dirty_read_closed(dirty, block);
	range_extend_to_iopte(&found);
	found.start = rest->start;
	found.last = min(found.last, rest->last);
	dirty_note(dirty, &found);
	*last = found.last;
	return 0;
}

/**
 * iopte_dirty_read() - Note, and clear, what is dirty in a part of an area
 * @dirty: the reading
 * @area: the area, all of which has IOPTEs
 * @range: the part of it that is read
 *
 * The bitmap has to have room for all of @range, and nothing is noted outside.
 * An IOPTE that reaches out of @range is noted as far as it is inside, and not
 * cleared.
 *
 * Context: may sleep. Nobody takes IOPTEs out of the area meanwhile. Takes
 * about as long as one call to the driver for each block, none of which is
 * larger than PFN_DOMAIN_STEP.
 * Return: 0, or the error of the IOMMU driver. What was cleared has been noted
 * in any case.
 */
int iopte_dirty_read(struct iopte_dirty *dirty, const struct iopte_range *area,
		     const struct iopte_range *range)
{
	struct iopte_range rest = *range;

	for (;;) {
		unsigned long size = range_block_size(&rest);
		struct iopte_range block = {
			rest.start, rest.start + (size - 1)
		};
		unsigned long last = block.last;
		int rc;

		if (iopte_may_reach_out(dirty->domain, area, block.start, size))
			rc = dirty_read_open(dirty, &block, &rest, &last);
		else
			rc = dirty_read_closed(dirty, &block);
		if (rc || last >= rest.last)
			return rc;
		rest.start = last + 1;
		cond_resched();
	}
}

/**
 * iopte_dirty_flush() - Let the IOMMU see that IOPTEs were cleared
 * @dirty: the reading
 *
 * Only from here on a write to the same memory is tracked again.
 *
 * Context: may sleep.
 */
void iopte_dirty_flush(struct iopte_dirty *dirty)
{
	if (!dirty->cleared || dirty->flags & IOMMU_DIRTY_NO_CLEAR)
		return;
	iommu_flush_iotlb_all(dirty->domain);
	dirty->cleared = false;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Moving the runs of a batch into the IOPTEs of a domain, and clearing them.
 */
#include "pfn_domain.h"

#include <linux/bitops.h>
#include <linux/iommu.h>
#include <linux/jump_label.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <trace/events/iommu.h>

#include "lib/pfn_batch.h"
#include "lib/way_switch.h"

/*
 * A call to a driver that fails may have written IOPTEs, and what it reports
 * need not be all of them. VT-d reports a whole call or nothing: it writes
 * table by table, and what it has written stays when it cannot get the next
 * table. Once left behind, such an IOPTE would go on showing a page that is
 * unpinned, and be kept when something else is mapped there. Therefore:
 *
 * - No call crosses the border of what one table of VT-d covers. A driver that
 *   gets all tables on the way down before it writes to the last one then fails
 *   only before it has written.
 * - After a failure the domain is asked, IOVA by IOVA, what it maps where the
 *   call was to map, and that is cleared. So it does not matter what a driver
 *   reports, how large its tables are and which page sizes it has used.
 *   Only what is there is cleared. Drivers that are asked to clear a hole do
 *   different things. io-pgtable-arm, DART and the ARM short format warn. VT-d
 *   clears as much as the missing table would cover, which may be somebody
 *   else's. virtio-iommu forgets mappings without telling the hypervisor. AMD,
 *   Rockchip and others stop.
 * - Then the whole IOTLB is flushed. A driver that has taken its IOPTEs out by
 *   itself, as s390 does, need not have flushed them.
 *
 * Of the other drivers, AMD, the io-pgtable formats, DART and MediaTek report
 * each IOPTE they have written. Exynos, OMAP, Rockchip, sun50i, Tegra and
 * virtio-iommu write no more than one page or one mapping per call. Spreadtrum
 * cannot fail half way.
 */

/*
 * The two ways write the same IOPTEs. Each undoes what the other has done, so
 * this may change between two calls.
 */
DEFINE_STATIC_KEY_TRUE(pfn_domain_direct);
module_param_cb(direct_iommu, &iommufd_way_switch_ops, &pfn_domain_direct,
		0644);
MODULE_PARM_DESC(direct_iommu,
		 "Call IOMMU drivers directly, which is faster than through the IOMMU core (Y)");

/*
 * Work is cut at multiples of this IOVA, where it does not cost an IOPTE of the
 * usual sizes, to let others run and to notice a fatal signal. Hence no IOPTE
 * crosses one, which others rely on.
 */
#define STEP_LENGTH PFN_DOMAIN_STEP

/* The same for runs that are too short for that. */
#define STEP_RUNS 128

/*
 * Pieces of at most this length are flushed together, with the gaps between them
 * if these are not longer either. Larger ones are worth a flush of their own. Some
 * drivers flush page by page: an estimate of how many cost no more than to wait.
 */
#define GATHER_LENGTH SZ_64K

/*
 * What one table of PAGE_SIZE covers, with entries of eight bytes for pages of
 * PAGE_SIZE. The table for larger pages covers STEP_LENGTH at least.
 */
#define TABLE_LENGTH (PAGE_SIZE / 8 * PAGE_SIZE)

/**
 * struct map_cursor - How far a batch is mapped
 * @domain: the page table
 * @window: where and how
 * @pgsizes: the page sizes to use, a bit each
 * @next_pgsize: the next larger page size than PAGE_SIZE, bytes. Whole pages
 *               that are shorter can only become IOPTEs of PAGE_SIZE. 0 if
 *               pages of PAGE_SIZE do not fit
 * @done: bytes that have IOPTEs
 * @unsure: bytes behind these that a call which failed may have mapped
 */
struct map_cursor {
	struct iommu_domain *domain;
	const struct pfn_window *window;
	unsigned long pgsizes;
	unsigned long next_pgsize;
	unsigned long done;
	unsigned long unsure;
};

static unsigned long step_length(unsigned long iova, unsigned long length)
{
	return min_t(unsigned long, length, STEP_LENGTH - iova % STEP_LENGTH);
}

/* See &map_cursor.next_pgsize; @start has the bits of IOVA and offset. */
static unsigned long next_pgsize(const struct iommu_domain *domain,
				 unsigned long start)
{
	unsigned long larger = domain->pgsize_bitmap & (PAGE_MASK << 1);

	if (!(domain->pgsize_bitmap & PAGE_SIZE) || offset_in_page(start))
		return 0;
	return BIT(__ffs(larger | STEP_LENGTH));
}

/* The largest page for the beginning of a piece, 0 if there is none. */
static unsigned long largest_pgsize(unsigned long pgsizes,
				    unsigned long address,
				    unsigned long length)
{
	pgsizes &= GENMASK(__fls(length), 0);
	if (address)
		pgsizes &= GENMASK(__ffs(address), 0);
	return pgsizes ? BIT(__fls(pgsizes)) : 0;
}

/*
 * How much of a piece gets pages of the same size: as much as lies before the
 * next larger page that fits. @skew tells how IOVA and memory are not congruent.
 */
static unsigned long same_length(unsigned long pgsizes, unsigned long pgsize,
				 unsigned long iova, unsigned long skew,
				 unsigned long length)
{
	unsigned long larger = pgsizes & -(pgsize << 1);

	if (larger) {
		unsigned long next = BIT(__ffs(larger));
		unsigned long before = next - (iova & (next - 1));

		if (!(skew & (next - 1)) && length >= next &&
		    before <= length - next)
			return before;
	}
	return length & -pgsize;
}

static gfp_t map_gfp(const struct map_cursor *cursor)
{
	return cursor->window->nowait ?
		       GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT :
		       GFP_KERNEL_ACCOUNT;
}

/* One call to the driver, as iommu_map() makes it. */
static __always_inline int map_by_driver(struct map_cursor *cursor,
					 unsigned long iova, phys_addr_t phys,
					 size_t pgsize, size_t length,
					 size_t *mapped)
{
	struct iommu_domain *domain = cursor->domain;
	int rc;

	rc = domain->ops->map_pages(domain, iova, phys, pgsize,
				    length >> __ffs(pgsize),
				    cursor->window->prot, map_gfp(cursor), mapped);
	if (likely(!rc && *mapped))
		trace_map(iova, phys, *mapped);
	return rc;
}

/*
 * How much the IOMMU core may map at once. When the driver fails half way, the
 * core takes out what has been reported, with one gather for pages of all
 * sizes. unmap_same() says why that must be a single size.
 */
static unsigned long map_core_step(const struct iommu_domain *domain,
				   unsigned long iova, unsigned long pgsize,
				   unsigned long length)
{
	unsigned long larger = domain->pgsize_bitmap & -(pgsize << 1);
	unsigned long next = larger ? BIT(__ffs(larger)) : 0;

	return next ? min(length, next - (iova & (next - 1))) : length;
}

/* The same through the IOMMU core, which undoes what the driver reports. */
static int map_by_core(struct map_cursor *cursor, unsigned long iova,
		       phys_addr_t phys, size_t length, size_t *mapped)
{
	int rc = iommu_map(cursor->domain, iova, phys, length,
			   cursor->window->prot, map_gfp(cursor));

	*mapped = rc ? 0 : length;
	return rc;
}

/* Map pages of one size, as many as there are in @length. */
static __always_inline int map_same(struct map_cursor *cursor, phys_addr_t phys,
				    unsigned long length, unsigned long pgsize)
{
	while (length) {
		unsigned long iova = cursor->window->iova + cursor->done;
		unsigned long step = length;
		size_t mapped = 0;
		int rc;

		if (pgsize < TABLE_LENGTH)
			step = min(step, TABLE_LENGTH - iova % TABLE_LENGTH);
		if (static_branch_likely(&pfn_domain_direct)) {
			rc = map_by_driver(cursor, iova, phys, pgsize, step,
					   &mapped);
		} else {
			step = map_core_step(cursor->domain, iova, pgsize,
					     step);
			rc = map_by_core(cursor, iova, phys, step, &mapped);
		}
		cursor->done += mapped;
		if (unlikely(rc || !mapped)) {
			cursor->unsure = step - mapped;
			return rc ?: -EIO;
		}
		phys += mapped;
		length -= mapped;
	}
	return 0;
}

/*
 * Scattered memory spends more on the choice of a page size than on writing
 * the IOPTE, so where there is no choice none is made.
 */
static int map_small(struct map_cursor *cursor, phys_addr_t phys,
		     unsigned long length)
{
	return map_same(cursor, phys, length, PAGE_SIZE);
}

static int map_pause(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/*
 * Without huge pages: a page at a time, or so many that they are fewer than
 * those that some drivers would join.
 */
static unsigned long small_length(const struct map_cursor *cursor,
				  phys_addr_t phys, unsigned long length)
{
	return min(length, cursor->next_pgsize ?
				   cursor->next_pgsize - PAGE_SIZE :
				   PAGE_SIZE - offset_in_page(phys));
}

/* Map the beginning of a run; returns its length, or an error. */
static ssize_t map_piece(struct map_cursor *cursor, phys_addr_t phys,
			 unsigned long length)
{
	unsigned long iova = cursor->window->iova + cursor->done;
	unsigned long pgsize;
	int rc;

	length = step_length(iova, length);
	if (!cursor->window->huge_pages)
		length = small_length(cursor, phys, length);
	pgsize = largest_pgsize(cursor->pgsizes, iova | phys, length);
	if (!pgsize)
		return -EINVAL;
	if (length > pgsize)
		length = same_length(cursor->pgsizes, pgsize, iova, iova ^ phys,
				     length);
	rc = map_same(cursor, phys, length, pgsize);
	return rc ?: length;
}

static int map_pieces(struct map_cursor *cursor, phys_addr_t phys,
		      unsigned long length)
{
	for (;;) {
		ssize_t step = map_piece(cursor, phys, length);
		int rc;

		if (step < 0)
			return step;
		phys += step;
		length -= step;
		if (!length)
			return 0;
		rc = map_pause();
		if (rc)
			return rc;
	}
}

static int map_runs(struct map_cursor *cursor, const struct pfn_run *runs)
{
	unsigned long left = cursor->window->length;
	unsigned long skip = cursor->window->offset;
	unsigned int i;
	int rc;

	for (i = 0;; i++) {
		phys_addr_t phys = PFN_PHYS(runs[i].pfn) + skip;
		unsigned long length = min(runs[i].npages * PAGE_SIZE - skip,
					   left);

		/* The last page may be a part of one. */
		if (length < cursor->next_pgsize && !offset_in_page(length))
			rc = map_small(cursor, phys, length);
		else
			rc = map_pieces(cursor, phys, length);
		left -= length;
		if (!rc && left && i % STEP_RUNS == STEP_RUNS - 1)
			rc = map_pause();
		if (rc || !left)
			return rc;
		skip = 0;
	}
}

static int map_sync(const struct map_cursor *cursor)
{
	struct iommu_domain *domain = cursor->domain;

	if (!domain->ops->iotlb_sync_map)
		return 0;
	return domain->ops->iotlb_sync_map(domain, cursor->window->iova,
					   cursor->window->length);
}

/* How far from @iova on there are IOPTEs, of whatever size. */
static unsigned long domain_mapped_length(struct iommu_domain *domain,
					  unsigned long iova,
					  unsigned long length)
{
	unsigned long step = BIT(__ffs(domain->pgsize_bitmap));
	unsigned long done = 0;

	while (done < length && iommu_iova_to_phys(domain, iova + done)) {
		done += step;
		cond_resched();
	}
	return done;
}

/* Clear the IOPTEs that there are in a range; returns false if some stay. */
static bool domain_clear_unsure(struct iommu_domain *domain, unsigned long iova,
				unsigned long length)
{
	unsigned long step = BIT(__ffs(domain->pgsize_bitmap));
	unsigned long done = 0;
	bool clear = true;

	while (done < length) {
		unsigned long mapped = domain_mapped_length(domain, iova + done,
							    length - done);

		if (mapped && pfn_domain_unmap(domain, iova + done, mapped) <
			      mapped)
			clear = false;
		done += mapped + step;
		cond_resched();
	}
	iommu_flush_iotlb_all(domain);
	return clear;
}

static bool map_undo(const struct map_cursor *cursor)
{
	unsigned long iova = cursor->window->iova;
	bool clear = true;

	if (cursor->unsure)
		clear = domain_clear_unsure(cursor->domain, iova + cursor->done,
					    cursor->unsure);
	if (cursor->done && pfn_domain_unmap(cursor->domain, iova,
					     cursor->done) < cursor->done)
		clear = false;
	return clear;
}

/**
 * pfn_domain_keep() - Never free pages, since IOPTEs for them could not be cleared
 * @runs: hold at least the pages that @window covers
 * @window: where they are
 *
 * Whoever has pinned them may unpin them nevertheless. Memory of a device is not
 * freed, and has no pages.
 *
 * Context: may sleep; the pages are pinned.
 */
void pfn_domain_keep(const struct pfn_run *runs,
		     const struct pfn_window *window)
{
	unsigned long left = PFN_UP(window->offset + window->length);
	unsigned long i;

	if (window->prot & IOMMU_MMIO)
		return;
	for (; left; runs++) {
		unsigned long npages = min(left, runs->npages);

		for (i = 0; i < npages; i++) {
			get_page(pfn_to_page(runs->pfn + i));
			cond_resched();
		}
		left -= npages;
	}
}

/**
 * pfn_domain_map() - Write the IOPTEs for the runs of a batch
 * @domain: the page table
 * @runs: hold at least the pages that @window covers, which are pinned
 * @window: where and how
 *
 * Context: may sleep. The IOVA range is the caller's and holds no IOPTEs.
 * Return: 0; -EINTR on a fatal signal; else what the IOMMU driver says, -ENOMEM
 * in the first place. On failure no IOPTE is left behind, and no device can use
 * one any more; or the driver is broken, and the pages are never freed.
 */
int pfn_domain_map(struct iommu_domain *domain, const struct pfn_run *runs,
		   const struct pfn_window *window)
{
	struct map_cursor cursor = {
		.domain = domain,
		.window = window,
		.pgsizes = domain->pgsize_bitmap,
		.next_pgsize = next_pgsize(domain,
					   window->iova | window->offset),
	};
	int rc;

	if (!window->huge_pages)
		cursor.pgsizes &= (PAGE_SIZE << 1) - 1;
	rc = map_runs(&cursor, runs);
	if (!rc)
		rc = map_sync(&cursor);
	if (rc && !map_undo(&cursor))
		pfn_domain_keep(runs, window);
	return rc;
}

/*
 * Clear pages of one size. Only a driver that stops at the end of its table, or
 * after each page, is called again. None of these puts tables on the list.
 */
static size_t unmap_gathered(struct iommu_domain *domain, unsigned long iova,
			     unsigned long length, unsigned long pgsize,
			     struct iommu_iotlb_gather *gather)
{
	size_t done = 0, unmapped;

	do {
		unmapped = domain->ops->unmap_pages(domain, iova + done, pgsize,
						    (length - done) >>
							    __ffs(pgsize),
						    gather);
		done += unmapped;
	} while (unmapped && done < length && list_empty(&gather->freelist));
	trace_unmap(iova, length, done);
	return done;
}

/*
 * Clear pages of one size, and wait until no device can use them.
 *
 * VT-d puts tables that are free now on the list of the gather first, and adds
 * the range that they covered after that. The gather may hold a range that does
 * not join it, or pages of another size. Then that is flushed, and all tables of
 * the list are freed, while the IOMMU may still walk the new ones. So each call
 * has a gather of its own; iommu_unmap() has one for all sizes.
 */
static size_t unmap_same(struct iommu_domain *domain, unsigned long iova,
			 unsigned long length, unsigned long pgsize)
{
	struct iommu_iotlb_gather gather;
	size_t done;

	iommu_iotlb_gather_init(&gather);
	if (static_branch_likely(&pfn_domain_direct))
		done = unmap_gathered(domain, iova, length, pgsize, &gather);
	else
		done = iommu_unmap_fast(domain, iova, length, &gather);
	iommu_iotlb_sync(domain, &gather);
	return done;
}

/* As map_small(): where there is no choice of a page size none is made. */
static size_t unmap_piece(struct iommu_domain *domain, unsigned long iova,
			  unsigned long length)
{
	unsigned long pgsizes = domain->pgsize_bitmap;
	unsigned long pgsize;

	if (length < next_pgsize(domain, iova | length))
		return unmap_same(domain, iova, length, PAGE_SIZE);
	length = step_length(iova, length);
	pgsize = largest_pgsize(pgsizes, iova, length);
	if (!pgsize)
		return 0;
	if (length > pgsize)
		length = same_length(pgsizes, pgsize, iova, 0, length);
	return unmap_same(domain, iova, length, pgsize);
}

/**
 * pfn_domain_unmap() - Clear IOPTEs and wait until no device can use them
 * @domain: the page table
 * @iova: first IOVA, bytes
 * @length: bytes, all mapped, and beginning and ending between IOPTEs
 *
 * Context: may sleep. Never allocates.
 * Return: the number of bytes that are unmapped; less than @length only if
 * the IOMMU driver is broken, which is said once in the log. What is behind
 * may then still be reached by a device, so its pages must stay pinned.
 */
unsigned long pfn_domain_unmap(struct iommu_domain *domain, unsigned long iova,
			       unsigned long length)
{
	unsigned long done = 0;

	for (;;) {
		/* An IOPTE may be larger than the piece, and goes as a whole. */
		size_t unmapped = unmap_piece(domain, iova + done,
					      length - done);

		done += unmapped;
		if (!unmapped || done >= length)
			break;
		cond_resched();
	}
	WARN_ONCE(done < length,
		  "iommufd: IOMMU driver left IOPTEs at %#lx, their pages stay pinned\n",
		  iova + done);
	return min(done, length);
}

/*
 * Let the gather reach up to a piece, so that both join. A driver that does not
 * tell what is to be flushed has no ranges that could fail to join.
 */
static bool unmapping_reach(struct pfn_unmapping *unmapping,
			    const struct iommu_domain *domain,
			    unsigned long iova)
{
	struct iommu_iotlb_gather *gather = &unmapping->gather;
	unsigned long gap;

	if (unmapping->domain != domain || iova <= unmapping->last)
		return false;
	if (gather->start > gather->end)
		return true;
	gap = iova - unmapping->last - 1;
	if (gap > GATHER_LENGTH)
		return false;
	if (gap)
		iommu_iotlb_gather_add_range(gather, unmapping->last + 1, gap);
	return true;
}

/*
 * Of the danger that unmap_same() avoids, the range is one half: it joins. The
 * size is the other, and VT-d takes the length of a call for it. So the driver
 * does not see what the pieces before had. Whoever asks for the size when it
 * flushes gets one.
 */
static size_t unmap_joining(struct iommu_domain *domain, unsigned long iova,
			    unsigned long length,
			    struct iommu_iotlb_gather *gather)
{
	size_t done, pgsize = gather->pgsize;

	gather->pgsize = 0;
	done = unmap_gathered(domain, iova, length, PAGE_SIZE, gather);
	if (!gather->pgsize)
		gather->pgsize = pgsize;
	return done;
}

/**
 * pfn_unmapping_add() - Clear IOPTEs that are flushed later
 * @unmapping: what has been cleared so far
 * @domain: the page table; must stay until pfn_unmapping_end()
 * @iova: first IOVA, bytes
 * @length: bytes, as for pfn_domain_unmap()
 *
 * Short pieces of the smallest pages are flushed in one go, if they come in the
 * order of their IOVA with short gaps or none between them. Others are flushed
 * before this returns.
 *
 * Context: may sleep. Never allocates.
 * Return: as pfn_domain_unmap(). Devices may use the IOPTEs until
 * pfn_unmapping_end().
 */
unsigned long pfn_unmapping_add(struct pfn_unmapping *unmapping,
				struct iommu_domain *domain, unsigned long iova,
				unsigned long length)
{
	unsigned long done;

	if (!static_branch_likely(&pfn_domain_direct) ||
	    length > GATHER_LENGTH ||
	    length >= next_pgsize(domain, iova | length))
		return pfn_domain_unmap(domain, iova, length);
	if (!unmapping_reach(unmapping, domain, iova)) {
		pfn_unmapping_end(unmapping);
		unmapping->domain = domain;
		iommu_iotlb_gather_init(&unmapping->gather);
	}
	unmapping->last = iova + length - 1;
	done = unmap_joining(domain, iova, length, &unmapping->gather);
	if (done >= length)
		return length;
	pfn_unmapping_end(unmapping);
	return done + pfn_domain_unmap(domain, iova + done, length - done);
}

/**
 * pfn_unmapping_end() - Wait until no device can use what was cleared
 * @unmapping: afterwards as pfn_unmapping_init() leaves it
 *
 * Context: may sleep. Never allocates.
 */
void pfn_unmapping_end(struct pfn_unmapping *unmapping)
{
	if (unmapping->domain)
		iommu_iotlb_sync(unmapping->domain, &unmapping->gather);
	unmapping->domain = NULL;
}

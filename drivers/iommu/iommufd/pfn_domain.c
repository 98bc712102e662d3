// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Moving the runs of a batch into the IOPTEs of a domain, and clearing them.
 */
#include "pfn_domain.h"

#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "pfn_batch.h"

/*
 * Work is cut at multiples of this IOVA, where it does not cost an IOPTE of the
 * usual sizes, to let others run and to notice a fatal signal.
 */
#define STEP_LENGTH SZ_1G

/* The same for runs that are too short for that. */
#define STEP_RUNS 128

/*
 * What one table of an IOMMU with entries of eight bytes covers. VT-d reports
 * success for a whole call or for nothing, whatever it has written, and fails
 * when it needs another table. So no call may need two.
 */
#define TABLE_LENGTH (PAGE_SIZE / 8 * PAGE_SIZE)

/**
 * struct map_cursor - How far a batch is mapped
 * @domain: the page table
 * @window: where and how
 * @small_end: pieces of whole pages that are shorter than this, in bytes, can
 *             only become IOPTEs of PAGE_SIZE
 * @done: bytes that have IOPTEs
 * @unsynced: some were not written by way of the IOMMU core
 */
struct map_cursor {
	struct iommu_domain *domain;
	const struct pfn_window *window;
	unsigned long small_end;
	unsigned long done;
	bool unsynced;
};

static unsigned long step_length(unsigned long iova, unsigned long length)
{
	return min_t(unsigned long, length, STEP_LENGTH - iova % STEP_LENGTH);
}

/* The next larger page, or 0 if pages of PAGE_SIZE do not fit @start. */
static unsigned long small_end(const struct iommu_domain *domain,
			       unsigned long start)
{
	unsigned long larger = domain->pgsize_bitmap & (PAGE_MASK << 1);

	if (!(domain->pgsize_bitmap & PAGE_SIZE) || offset_in_page(start))
		return 0;
	return BIT(__ffs(larger | STEP_LENGTH));
}

/*
 * Scattered memory spends more on the choice of a page size than on writing
 * the IOPTE, so where there is no choice the driver is asked directly.
 */
static __always_inline int map_small(struct map_cursor *cursor,
				     phys_addr_t phys, unsigned long length)
{
	const struct iommu_domain_ops *ops = cursor->domain->ops;

	cursor->unsynced = true;
	while (length) {
		unsigned long iova = cursor->window->iova + cursor->done;
		unsigned long step = min(length, TABLE_LENGTH -
						 iova % TABLE_LENGTH);
		size_t mapped = 0;
		int rc = ops->map_pages(cursor->domain, iova, phys, PAGE_SIZE,
					step / PAGE_SIZE, cursor->window->prot,
					GFP_KERNEL_ACCOUNT, &mapped);

		cursor->done += mapped;
		if (rc)
			return rc;
		phys += mapped;
		length -= mapped;
	}
	return 0;
}

static int map_one(struct map_cursor *cursor, phys_addr_t phys,
		   unsigned long size)
{
	struct iommu_domain *domain = cursor->domain;
	size_t mapped = 0;
	int rc;

	rc = domain->ops->map_pages(domain, cursor->window->iova + cursor->done,
				    phys, size, 1, cursor->window->prot,
				    GFP_KERNEL_ACCOUNT, &mapped);
	cursor->unsynced = true;
	cursor->done += mapped;
	return rc;
}

/* The IOMMU core chooses, and leaves nothing behind if that fails. */
static int map_large(struct map_cursor *cursor, phys_addr_t phys,
		     unsigned long length)
{
	int rc = iommu_map(cursor->domain, cursor->window->iova + cursor->done,
			   phys, length, cursor->window->prot,
			   GFP_KERNEL_ACCOUNT);

	if (!rc)
		cursor->done += length;
	return rc;
}

static int map_pause(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/*
 * Can a piece of whole pages only become IOPTEs of PAGE_SIZE? Larger ones need
 * IOVA and memory that are congruent, and have to be wanted.
 */
static bool small_only(const struct map_cursor *cursor, unsigned long iova,
		       phys_addr_t phys, unsigned long length)
{
	return cursor->small_end && length >= PAGE_SIZE &&
	       (cursor->window->small_pages ||
		(iova ^ phys) & (cursor->small_end - 1));
}

/* Is a piece just one IOPTE, as a huge page by itself is? */
static bool one_large(const struct map_cursor *cursor, unsigned long iova,
		      phys_addr_t phys, unsigned long length)
{
	return is_power_of_2(length) &&
	       cursor->domain->pgsize_bitmap & length &&
	       IS_ALIGNED(iova | phys, length);
}

/* Map the beginning of a run; returns its length, or an error. */
static ssize_t map_piece(struct map_cursor *cursor, phys_addr_t phys,
			 unsigned long length)
{
	bool small_pages = cursor->window->small_pages;
	unsigned long iova = cursor->window->iova + cursor->done;
	int rc;

	length = step_length(iova, length);
	if (small_only(cursor, iova, phys, length)) {
		length &= PAGE_MASK;
		/* Some drivers join pages if there are enough of them. */
		if (small_pages)
			length = min(length, cursor->small_end - PAGE_SIZE);
		rc = map_small(cursor, phys, length);
	} else if (!small_pages && one_large(cursor, iova, phys, length)) {
		rc = map_one(cursor, phys, length);
	} else {
		if (small_pages)
			length = min(length, PAGE_SIZE - offset_in_page(phys));
		rc = map_large(cursor, phys, length);
	}
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
		if (length < cursor->small_end && !offset_in_page(length))
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

/* For what was mapped without the IOMMU core, which does this by itself. */
static int sync_map(const struct map_cursor *cursor)
{
	struct iommu_domain *domain = cursor->domain;

	if (!cursor->unsynced || !domain->ops->iotlb_sync_map)
		return 0;
	return domain->ops->iotlb_sync_map(domain, cursor->window->iova,
					   cursor->window->length);
}

/**
 * pfn_domain_map() - Write the IOPTEs for the runs of a batch
 * @domain: the page table
 * @runs: hold at least the pages that @window covers
 * @window: where and how
 *
 * Context: may sleep. The IOVA range is the caller's and holds no IOPTEs.
 * Return: 0; -EINTR on a fatal signal; else what the IOMMU driver says, -ENOMEM
 * in the first place. On failure no IOPTE is left behind.
 */
int pfn_domain_map(struct iommu_domain *domain, const struct pfn_run *runs,
		   const struct pfn_window *window)
{
	struct map_cursor cursor = {
		.domain = domain,
		.window = window,
		.small_end = small_end(domain, window->iova | window->offset),
	};
	int rc = map_runs(&cursor, runs);

	if (!rc)
		rc = sync_map(&cursor);
	if (rc && cursor.done)
		pfn_domain_unmap(domain, window->iova, cursor.done);
	return rc;
}

/* As map_small(): the driver is asked directly where there is no choice. */
static unsigned long unmap_step(struct iommu_domain *domain, unsigned long iova,
				unsigned long length,
				struct iommu_iotlb_gather *gather)
{
	if (length >= small_end(domain, iova | length))
		return iommu_unmap_fast(domain, iova, length, gather);
	return domain->ops->unmap_pages(domain, iova, PAGE_SIZE,
					length / PAGE_SIZE, gather);
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
	struct iommu_iotlb_gather gather;
	unsigned long done = 0;

	iommu_iotlb_gather_init(&gather);
	for (;;) {
		unsigned long start = iova + done;
		unsigned long step = step_length(start, length - done);
		/* An IOPTE may be larger than the step, and goes as a whole. */
		size_t unmapped = unmap_step(domain, start, step, &gather);

		done += unmapped;
		if (!unmapped || done >= length)
			break;
		cond_resched();
	}
	iommu_iotlb_sync(domain, &gather);
	WARN_ONCE(done < length,
		  "iommufd: IOMMU driver left IOPTEs at %#lx, their pages stay pinned\n",
		  iova + done);
	return min(done, length);
}

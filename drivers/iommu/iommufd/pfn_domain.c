// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Moving the runs of a batch into the IOPTEs of a domain, and clearing them.
 */
#include "pfn_domain.h"

#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "pfn_batch.h"

/* Entries that are handed to the IOMMU driver with one synchronisation. */
#define SG_ENTRIES 32

/*
 * Work is cut at multiples of this IOVA, where it does not cost an IOPTE of the
 * usual sizes, to let others run and to notice a fatal signal.
 */
#define STEP_LENGTH SZ_1G

/* The same for IOPTEs that are written one by one. */
#define SMALL_PAGES_STEP 512

struct map_cursor {
	struct iommu_domain *domain;
	const struct pfn_window *window;
	unsigned long done;
	unsigned int nents;
	unsigned long pending;
	struct scatterlist sg[SG_ENTRIES];
};

static unsigned long step_length(unsigned long iova, unsigned long length)
{
	return min_t(unsigned long, length, STEP_LENGTH - iova % STEP_LENGTH);
}

static int map_pause(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int map_flush(struct map_cursor *cursor)
{
	const struct pfn_window *window = cursor->window;
	ssize_t rc;

	if (!cursor->nents)
		return 0;
	rc = iommu_map_sg(cursor->domain, window->iova + cursor->done,
			  cursor->sg, cursor->nents, window->prot,
			  GFP_KERNEL_ACCOUNT);
	if (rc < 0)
		return rc;
	cursor->done += cursor->pending;
	cursor->pending = 0;
	cursor->nents = 0;
	return map_pause();
}

static int map_add(struct map_cursor *cursor, phys_addr_t phys,
		   unsigned long length)
{
	while (length) {
		unsigned long iova = cursor->window->iova + cursor->done +
				     cursor->pending;
		unsigned long step = step_length(iova, length);

		sg_set_page(&cursor->sg[cursor->nents++],
			    pfn_to_page(PHYS_PFN(phys)), step,
			    offset_in_page(phys));
		cursor->pending += step;
		phys += step;
		length -= step;
		if (cursor->nents == SG_ENTRIES || length) {
			int rc = map_flush(cursor);

			if (rc)
				return rc;
		}
	}
	return 0;
}

/* One call per page is what keeps the IOMMU driver from joining them. */
static int map_small(struct map_cursor *cursor, phys_addr_t phys,
		     unsigned long length)
{
	const struct pfn_window *window = cursor->window;
	unsigned int count = 0;

	while (length) {
		unsigned long step = min(length,
					 PAGE_SIZE - offset_in_page(phys));
		int rc = iommu_map(cursor->domain, window->iova + cursor->done,
				   phys, step, window->prot,
				   GFP_KERNEL_ACCOUNT);

		if (rc)
			return rc;
		cursor->done += step;
		phys += step;
		length -= step;
		if (++count % SMALL_PAGES_STEP == 0 && map_pause())
			return -EINTR;
	}
	return 0;
}

static int map_runs(struct map_cursor *cursor, const struct pfn_batch *batch)
{
	const struct pfn_window *window = cursor->window;
	unsigned long left = window->length;
	unsigned long skip = window->offset;
	unsigned int i;
	int rc;

	for (i = 0; left; i++) {
		phys_addr_t phys = PFN_PHYS(batch->runs[i].pfn) + skip;
		unsigned long length = min(batch->runs[i].npages * PAGE_SIZE -
						   skip, left);

		if (window->small_pages)
			rc = map_small(cursor, phys, length);
		else
			rc = map_add(cursor, phys, length);
		if (rc)
			return rc;
		skip = 0;
		left -= length;
	}
	return map_flush(cursor);
}

/**
 * pfn_domain_map() - Write the IOPTEs for a batch
 * @domain: the page table
 * @batch: holds at least the pages that @window covers
 * @window: where and how
 *
 * Context: may sleep. The IOVA range is the caller's and holds no IOPTEs.
 * Return: 0; -EINTR on a fatal signal; else what the IOMMU driver says, -ENOMEM
 * in the first place. On failure no IOPTE is left behind.
 */
int pfn_domain_map(struct iommu_domain *domain, const struct pfn_batch *batch,
		   const struct pfn_window *window)
{
	struct map_cursor cursor = {
		.domain = domain,
		.window = window,
	};
	int rc;

	if (batch->nruns == 1 && !window->small_pages &&
	    step_length(window->iova, window->length) == window->length)
		return iommu_map(domain, window->iova,
				 PFN_PHYS(batch->runs[0].pfn) + window->offset,
				 window->length, window->prot,
				 GFP_KERNEL_ACCOUNT);

	sg_init_table(cursor.sg, SG_ENTRIES);
	rc = map_runs(&cursor, batch);
	if (rc && cursor.done)
		pfn_domain_unmap(domain, window->iova, cursor.done);
	return rc;
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
	while (done < length) {
		unsigned long start = iova + done;
		unsigned long step = step_length(start, length - done);
		/* An IOPTE may be larger than the step, and goes as a whole. */
		size_t unmapped = iommu_unmap_fast(domain, start, step,
						   &gather);

		done += unmapped;
		if (unmapped < step)
			break;
		cond_resched();
	}
	iommu_iotlb_sync(domain, &gather);
	WARN_ONCE(done < length,
		  "iommufd: IOMMU driver left IOPTEs at %#lx, their pages stay pinned\n",
		  iova + done);
	return min(done, length);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A bounded list of runs of PFNs, the unit in which PFNs move between tiers.
 */
#include "pfn_batch.h"

#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "mock/test_hooks.h"

/**
 * pfn_batch_init() - Make an empty batch
 * @batch: uninitialised memory, which may not be moved afterwards
 *
 * Allocates nothing; a batch that did not grow needs no pfn_batch_destroy().
 *
 * Context: any.
 */
void pfn_batch_init(struct pfn_batch *batch)
{
	batch->runs = batch->inline_runs;
	batch->capacity = iommufd_buffer_limit(ARRAY_SIZE(batch->inline_runs),
					       sizeof(*batch->runs));
	pfn_batch_clear(batch);
}

static void pfn_batch_free_runs(struct pfn_batch *batch)
{
	if (batch->runs != batch->inline_runs)
		kfree(batch->runs);
}

/**
 * pfn_batch_grow() - Make room for the worst case if memory is to be had
 * @batch: empty
 * @npages: how many pages are going to be added, if they are known to be few
 *
 * Takes what it can get. A batch that stays small costs more rounds, nothing
 * else, so there is no error.
 *
 * Context: process context, may sleep.
 */
void pfn_batch_grow(struct pfn_batch *batch, unsigned long npages)
{
	struct pfn_run *runs;
	size_t capacity;

	if (WARN_ON_ONCE(batch->nruns))
		return;

	capacity = min(npages, PFN_BATCH_MAX_BYTES / sizeof(*runs));
	capacity = iommufd_buffer_limit(capacity, sizeof(*runs));
	for (; capacity > batch->capacity; capacity /= 2) {
		runs = kmalloc_array(capacity, sizeof(*runs),
				     GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
		if (!runs)
			continue;
		pfn_batch_free_runs(batch);
		batch->runs = runs;
		batch->capacity = capacity;
		return;
	}
}

/**
 * pfn_batch_destroy() - Free the memory of a batch
 * @batch: afterwards empty and as small as pfn_batch_init() makes it
 *
 * The pages that the runs name are none of its business.
 *
 * Context: any context in which kfree() is possible.
 */
void pfn_batch_destroy(struct pfn_batch *batch)
{
	pfn_batch_free_runs(batch);
	pfn_batch_init(batch);
}

/* A run that ends with the highest PFN there is has nothing to follow it */
static inline bool pfn_run_continues(const struct pfn_run *run,
				     unsigned long pfn)
{
	return run->pfn + run->npages == pfn && pfn;
}

static inline bool add_run(struct pfn_batch *batch, unsigned long pfn,
			   unsigned long npages)
{
	struct pfn_run *run = batch->runs + batch->nruns;

	if (batch->nruns && pfn_run_continues(run - 1, pfn)) {
		run[-1].npages += npages;
	} else {
		if (batch->nruns == batch->capacity)
			return false;
		run->pfn = pfn;
		run->npages = npages;
		batch->nruns++;
	}
	batch->npages += npages;
	return true;
}

/**
 * pfn_batch_add() - Append physically contiguous pages
 * @batch: to append to
 * @pfn: the first page
 * @npages: how many, not 0
 *
 * Context: any.
 * Return: false if there is no room; then @batch is unchanged.
 */
bool pfn_batch_add(struct pfn_batch *batch, unsigned long pfn,
		   unsigned long npages)
{
	return add_run(batch, pfn, npages);
}

/**
 * pfn_batch_add_pages() - Append an array of pages
 * @batch: to append to
 * @pages: the pages, in order
 * @npages: length of @pages
 *
 * Context: any.
 * Return: how many entries of @pages were taken, fewer than @npages only if
 * there is no room for the next one.
 */
unsigned long pfn_batch_add_pages(struct pfn_batch *batch, struct page **pages,
				  unsigned long npages)
{
	unsigned long first, next, pfn;

	for (first = 0; first < npages; first = next) {
		pfn = page_to_pfn(pages[first]);
		for (next = first + 1; next < npages; next++)
			if (page_to_pfn(pages[next]) != pfn + next - first)
				break;
		if (!add_run(batch, pfn, next - first))
			break;
	}
	return first;
}

static void pfn_batch_iter_set(struct pfn_batch_iter *iter)
{
	const struct pfn_run *run = iter->batch->runs + iter->run;

	if (!iter->left) {
		iter->npages = 0;
		return;
	}
	iter->pfn = run->pfn + iter->skip;
	iter->npages = min(run->npages - iter->skip, iter->left);
}

/**
 * pfn_batch_iter_first() - Begin to walk a part of a batch
 * @iter: to initialise; names the first piece
 * @batch: to walk; may not change during the walk
 * @first: index of the first page, counted from the start of the batch
 * @npages: number of pages, may be 0; the batch has to hold them
 *
 * Context: any.
 */
void pfn_batch_iter_first(struct pfn_batch_iter *iter,
			  const struct pfn_batch *batch, unsigned long first,
			  unsigned long npages)
{
	*iter = (struct pfn_batch_iter){
		.batch = batch,
		.skip = first,
		.left = npages,
	};
	while (npages && iter->skip >= batch->runs[iter->run].npages)
		iter->skip -= batch->runs[iter->run++].npages;
	pfn_batch_iter_set(iter);
}

/**
 * pfn_batch_iter_next() - Go to the next piece
 * @iter: on a piece; npages is 0 afterwards if this was the last one
 *
 * Context: any.
 */
void pfn_batch_iter_next(struct pfn_batch_iter *iter)
{
	iter->left -= iter->npages;
	iter->skip = 0;
	iter->run++;
	pfn_batch_iter_set(iter);
}

#ifdef CONFIG_IOMMUFD_CHECK
/**
 * pfn_batch_valid() - Check all that has to be true of a batch
 * @batch: to check
 *
 * Context: any.
 * Return: false if a run is empty, could be one with the run before it, or wraps;
 * if the runs do not add up to the number of pages, or are more than fit.
 */
bool pfn_batch_valid(const struct pfn_batch *batch)
{
	unsigned long npages = 0;
	unsigned int i;

	if (batch->nruns > batch->capacity ||
	    (batch->capacity > PFN_BATCH_INLINE_RUNS &&
	     batch->runs == batch->inline_runs))
		return false;
	for (i = 0; i < batch->nruns; i++) {
		const struct pfn_run *run = batch->runs + i;

		if (!run->npages || run->pfn + (run->npages - 1) < run->pfn)
			return false;
		if (i && pfn_run_continues(run - 1, run->pfn))
			return false;
		npages += run->npages;
	}
	return npages == batch->npages;
}
#endif

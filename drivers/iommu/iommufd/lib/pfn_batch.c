// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A bounded list of runs of PFNs, the unit in which PFNs move between tiers.
 */
#include "pfn_batch.h"

#include <linux/bug.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "test_hooks.h"

/* Pages that are handed out before others get their turn. */
#define PAGES_STEP 4096

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

/**
 * __pfn_batch_grow() - Make room for a number of runs, or at least for more
 * @batch: empty
 * @npages: more than there is room for
 *
 * Context: process context, may sleep.
 */
void __pfn_batch_grow(struct pfn_batch *batch, unsigned long npages)
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
		pfn_batch_destroy(batch);
		batch->runs = runs;
		batch->capacity = capacity;
		return;
	}
}

/**
 * __pfn_batch_shrink() - Give back what pfn_batch_grow() has got
 * @batch: afterwards empty and as small as pfn_batch_init() makes it
 *
 * Context: any context in which kfree() is possible.
 */
void __pfn_batch_shrink(struct pfn_batch *batch)
{
	kfree(batch->runs);
	pfn_batch_init(batch);
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
	unsigned long first, next;

	for (first = 0; first < npages; first = next) {
		struct page *page = pages[first];

		next = first + 1;
		while (next < npages &&
		       pages[next] == nth_page(page, next - first))
			next++;
		if (!pfn_batch_add(batch, page_to_pfn(page), next - first))
			break;
	}
	return first;
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
	const struct pfn_run *end = batch->runs + batch->nruns;

	iter->run = batch->runs;
	iter->skip = first;
	while (iter->run < end && iter->skip >= iter->run->npages)
		iter->skip -= iter->run++->npages;
	pfn_batch_iter_continue(iter, npages);
}

/**
 * pfn_run_to_pages() - Get the struct page of each page of a run
 * @pfn: of the first page
 * @npages: how many
 * @out_pages: receives the struct page of each
 *
 * Context: may sleep.
 */
void pfn_run_to_pages(unsigned long pfn, unsigned long npages,
		      struct page **out_pages)
{
	unsigned long i;

	for (i = 0; i < npages; i++) {
		out_pages[i] = pfn_to_page(pfn + i);
		if (i % PAGES_STEP == PAGES_STEP - 1)
			cond_resched();
	}
}

/**
 * pfn_batch_to_pages() - Get the struct page of each page of a batch
 * @batch: the batch
 * @out_pages: receives the struct page of each
 *
 * Context: may sleep.
 */
void pfn_batch_to_pages(const struct pfn_batch *batch, struct page **out_pages)
{
	unsigned int i;

	for (i = 0; i < batch->nruns; i++) {
		const struct pfn_run *run = batch->runs + i;

		pfn_run_to_pages(run->pfn, run->npages, out_pages);
		out_pages += run->npages;
	}
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

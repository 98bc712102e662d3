/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PFN_BATCH_H
#define __IOMMUFD_PFN_BATCH_H

#include <linux/minmax.h>
#include <linux/types.h>

struct page;

#define PFN_BATCH_INLINE_RUNS 24
#define PFN_BATCH_FIRST_RUNS 512UL
#define PFN_BATCH_MAX_BYTES 65536

/**
 * struct pfn_run - Physically contiguous pages
 * @pfn: the first one
 * @npages: how many, not 0
 */
struct pfn_run {
	unsigned long pfn;
	unsigned long npages;
};

/**
 * pfn_run_continues() - Could a page be the next one of a run?
 * @run: the run
 * @pfn: the page
 *
 * Context: any.
 * Return: true if it follows. A run that ends with the highest PFN there is has
 * nothing to follow it.
 */
static inline bool pfn_run_continues(const struct pfn_run *run,
				     unsigned long pfn)
{
	return run->pfn + run->npages == pfn && pfn;
}

/**
 * struct pfn_batch - A bounded list of PFN runs
 * @runs: the list, in the order of the pages object
 * @nruns: used entries of @runs
 * @capacity: entries that @runs has room for
 * @npages: sum of the lengths of all runs
 * @inline_runs: what @runs points to until pfn_batch_grow()
 *
 * Two neighbouring runs are never contiguous: what could be one run is one
 * run. It follows that a full batch always ends where physical contiguity
 * ends, and cutting work into batches never costs a large IOPTE.
 *
 * Lives on the stack of one thread; no locking.
 */
struct pfn_batch {
	struct pfn_run *runs;
	unsigned int nruns;
	unsigned int capacity;
	unsigned long npages;
	struct pfn_run inline_runs[PFN_BATCH_INLINE_RUNS];
};

/**
 * pfn_batch_clear() - Forget all runs, keep the memory
 * @batch: to empty
 *
 * Context: any.
 */
static inline void pfn_batch_clear(struct pfn_batch *batch)
{
	batch->nruns = 0;
	batch->npages = 0;
}

/**
 * pfn_batch_full() - Tell whether a batch has room only for what joins it
 * @batch: the batch
 *
 * Context: any.
 * Return: true if all entries are used.
 */
static inline bool pfn_batch_full(const struct pfn_batch *batch)
{
	return batch->nruns == batch->capacity;
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
static inline bool pfn_batch_add(struct pfn_batch *batch, unsigned long pfn,
				 unsigned long npages)
{
	struct pfn_run *run = batch->runs + batch->nruns;

	if (batch->nruns && pfn_run_continues(run - 1, pfn)) {
		run[-1].npages += npages;
	} else {
		if (pfn_batch_full(batch))
			return false;
		run->pfn = pfn;
		run->npages = npages;
		batch->nruns++;
	}
	batch->npages += npages;
	return true;
}

void pfn_batch_init(struct pfn_batch *batch);
void __pfn_batch_grow(struct pfn_batch *batch, unsigned long npages);
void __pfn_batch_shrink(struct pfn_batch *batch);

/**
 * pfn_batch_grow() - Make room if memory is to be had
 * @batch: empty
 * @npages: how many pages are going to be added, if they are known to be few
 *
 * There is room for PFN_BATCH_FIRST_RUNS at most then, and for the worst case
 * only after they turned out to be too few. Huge pages need no more, and many
 * kernels clear whatever is allocated. Takes what it can get. A batch that stays
 * small costs more rounds, nothing else, so there is no error.
 *
 * Context: process context, may sleep.
 */
static inline void pfn_batch_grow(struct pfn_batch *batch, unsigned long npages)
{
	npages = min(npages, PFN_BATCH_FIRST_RUNS);
	if (npages > batch->capacity)
		__pfn_batch_grow(batch, npages);
}

/**
 * pfn_batch_grow_more() - Make more room for what did not fit
 * @batch: empty; has been full
 * @npages: how many more pages are going to be added at most
 *
 * Context: as pfn_batch_grow().
 */
static inline void pfn_batch_grow_more(struct pfn_batch *batch,
				       unsigned long npages)
{
	if (batch->capacity < PFN_BATCH_FIRST_RUNS)
		pfn_batch_grow(batch, npages);
	else if (npages > batch->capacity)
		__pfn_batch_grow(batch, npages);
}

/**
 * pfn_batch_restart() - Forget all runs, and make more room if there was too little
 * @batch: to empty
 * @npages: how many more pages are going to be added at most
 *
 * Context: process context, may sleep.
 */
static inline void pfn_batch_restart(struct pfn_batch *batch,
				     unsigned long npages)
{
	bool full = pfn_batch_full(batch);

	pfn_batch_clear(batch);
	if (full)
		pfn_batch_grow_more(batch, npages);
}

/**
 * pfn_batch_destroy() - Free the memory of a batch
 * @batch: afterwards empty and as small as pfn_batch_init() makes it
 *
 * The pages that the runs name are none of its business.
 *
 * Context: any context in which kfree() is possible.
 */
static inline void pfn_batch_destroy(struct pfn_batch *batch)
{
	if (batch->runs != batch->inline_runs)
		__pfn_batch_shrink(batch);
	pfn_batch_clear(batch);
}

void pfn_run_to_pages(unsigned long pfn, unsigned long npages,
		      struct page **out_pages);
void pfn_batch_to_pages(const struct pfn_batch *batch, struct page **out_pages);
unsigned long pfn_batch_add_pages(struct pfn_batch *batch, struct page **pages,
				  unsigned long npages);
bool pfn_batch_valid(const struct pfn_batch *batch);

/**
 * struct pfn_batch_iter - Walks a part of a batch run by run
 * @run: the current run; at the end of a batch, behind its last one
 * @skip: pages of the current run that lie before the current piece
 * @left: pages still to be walked, the current piece included
 * @pfn: first PFN of the current piece
 * @npages: pages in the current piece, 0 at the end
 */
struct pfn_batch_iter {
	const struct pfn_run *run;
	unsigned long skip;
	unsigned long left;
	unsigned long pfn;
	unsigned long npages;
};

void pfn_batch_iter_first(struct pfn_batch_iter *iter,
			  const struct pfn_batch *batch, unsigned long first,
			  unsigned long npages);

/**
 * pfn_batch_iter_continue() - Walk on behind where a walk has ended
 * @iter: at the end of a walk; names the next piece
 * @npages: number of pages, may be 0; the batch has to hold them
 *
 * Context: any.
 */
static inline void pfn_batch_iter_continue(struct pfn_batch_iter *iter,
					   unsigned long npages)
{
	iter->left = npages;
	iter->npages = 0;
	if (!npages)
		return;
	iter->pfn = iter->run->pfn + iter->skip;
	iter->npages = min(iter->run->npages - iter->skip, npages);
}

/**
 * pfn_batch_iter_next() - Go to the next piece
 * @iter: on a piece; npages is 0 afterwards if this was the last one
 *
 * Context: any.
 */
static inline void pfn_batch_iter_next(struct pfn_batch_iter *iter)
{
	iter->skip += iter->npages;
	if (iter->skip == iter->run->npages) {
		iter->run++;
		iter->skip = 0;
	}
	pfn_batch_iter_continue(iter, iter->left - iter->npages);
}

/**
 * pfn_batch_iter_skip() - Pass over pages behind where a walk has ended
 * @iter: at the end of a walk, and so afterwards
 * @npages: number of pages, may be 0; the batch has to hold them
 *
 * Context: any.
 */
static inline void pfn_batch_iter_skip(struct pfn_batch_iter *iter,
				       unsigned long npages)
{
	pfn_batch_iter_continue(iter, npages);
	while (iter->npages)
		pfn_batch_iter_next(iter);
}

/**
 * pfn_batch_for_each_run() - Walk pages @first to @first + @count - 1
 * @iter: struct pfn_batch_iter, names the current piece
 * @batch: to walk
 * @first: index of the first page, counted from the start of the batch
 * @count: number of pages; the batch has to hold them
 */
#define pfn_batch_for_each_run(iter, batch, first, count)                  \
	for (pfn_batch_iter_first(iter, batch, first, count);              \
	     (iter)->npages; pfn_batch_iter_next(iter))

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PFN_BATCH_H
#define __IOMMUFD_PFN_BATCH_H

#include <linux/types.h>

struct page;

#define PFN_BATCH_INLINE_RUNS 24
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

void pfn_batch_init(struct pfn_batch *batch);
void pfn_batch_grow(struct pfn_batch *batch, unsigned long npages);
void pfn_batch_destroy(struct pfn_batch *batch);
bool pfn_batch_add(struct pfn_batch *batch, unsigned long pfn,
		   unsigned long npages);
unsigned long pfn_batch_add_pages(struct pfn_batch *batch, struct page **pages,
				  unsigned long npages);
bool pfn_batch_valid(const struct pfn_batch *batch);

/**
 * struct pfn_batch_iter - Walks a part of a batch run by run
 * @batch: the batch
 * @run: index of the current run
 * @skip: pages of the current run that lie before the current piece
 * @left: pages still to be walked, the current piece included
 * @pfn: first PFN of the current piece
 * @npages: pages in the current piece, 0 at the end
 */
struct pfn_batch_iter {
	const struct pfn_batch *batch;
	unsigned int run;
	unsigned long skip;
	unsigned long left;
	unsigned long pfn;
	unsigned long npages;
};

void pfn_batch_iter_first(struct pfn_batch_iter *iter,
			  const struct pfn_batch *batch, unsigned long first,
			  unsigned long npages);
void pfn_batch_iter_next(struct pfn_batch_iter *iter);

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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_RUN_CHUNKS_H
#define __IOMMUFD_RUN_CHUNKS_H

#include <linux/sizes.h>
#include <linux/types.h>

#include "iopt_types.h"

struct pfn_batch;

/* What a bit of &iopt_pages.run_chunks stands for, bytes. */
#define RUN_CHUNK_SIZE SZ_2M

void run_chunks_note(struct iopt_pages *pages, const struct pfn_batch *batch,
		     unsigned long index);
void __run_chunks_forget(struct iopt_pages *pages, unsigned long start,
			 unsigned long last);
unsigned long run_chunks_count(struct iopt_pages *pages);
bool run_chunks_valid(struct iopt_pages *pages);

unsigned long __run_chunks_length(struct iopt_pages *pages, unsigned long index,
				  unsigned long last);

/**
 * run_chunks_length() - How far the run of a page is known to go
 * @pages: the memory
 * @index: page index, stored in a domain
 * @last: where the answer has to end, page index, inclusive
 *
 * Context: @pages->mutex held.
 * Return: number of pages, @index included, that are physically contiguous; 1
 * if nothing is known.
 */
static inline unsigned long run_chunks_length(struct iopt_pages *pages,
					      unsigned long index,
					      unsigned long last)
{
	lockdep_assert_held(&pages->mutex);

	/* Small pages are asked about one by one. */
	if (xa_empty(&pages->run_chunks))
		return 1;
	return __run_chunks_length(pages, index, last);
}

/**
 * run_chunks_forget() - Forget chunks whose pages are to be unpinned
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
static inline void run_chunks_forget(struct iopt_pages *pages,
				     unsigned long start, unsigned long last)
{
	lockdep_assert_held(&pages->mutex);

	if (!xa_empty(&pages->run_chunks))
		__run_chunks_forget(pages, start, last);
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Remembering where memory was found in long runs.
 *
 * An IOMMU driver tells one PFN at a time. To read large pages back more
 * quickly, &iopt_pages.run_chunks has a bit for each chunk of 2 MiB of memory.
 * It says that all pages of the chunk were one physical run when they were
 * stored. Then one question answers for the whole chunk. A bit is set only by
 * whoever saw the whole chunk, and cleared before any of its pages is unpinned.
 * Chunks are cut at multiples of 2 MiB of &pin_origin.start, where huge pages
 * begin. Losing a bit, for want of memory, costs time and nothing else.
 */
#include "run_chunks.h"

#include <linux/bitops.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "access_pfns.h"
#include "lib/pfn_batch.h"
#include "pfn_span.h"

#define CHUNK_PAGES (RUN_CHUNK_SIZE / PAGE_SIZE)

/* Runs that are shorter are not worth the memory. */
#define MIN_RUN_PAGES (CHUNK_PAGES / 8)

/* An xarray value has one bit less than a long. */
#define CHUNKS_PER_ENTRY (BITS_PER_LONG / 2)

/* Page index to position, in pages, behind where some chunk begins. */
static unsigned long chunk_position(struct iopt_pages *pages,
				    unsigned long index)
{
	return pages->origin.start / PAGE_SIZE % CHUNK_PAGES + index;
}

static unsigned long chunk_of(struct iopt_pages *pages, unsigned long index)
{
	return chunk_position(pages, index) / CHUNK_PAGES;
}

/* Last page index of the chunk that holds @index, also behind the memory. */
static unsigned long chunk_last(struct iopt_pages *pages, unsigned long index)
{
	return index + (CHUNK_PAGES - 1) -
	       chunk_position(pages, index) % CHUNK_PAGES;
}

static unsigned long chunk_bits(struct iopt_pages *pages, unsigned long chunk)
{
	void *entry = xa_load(&pages->run_chunks, chunk / CHUNKS_PER_ENTRY);

	return entry ? xa_to_value(entry) : 0;
}

/* Bits of the chunks from @first to @last that are in the entry of @first. */
static unsigned long chunk_mask(unsigned long first, unsigned long last)
{
	unsigned int low = first % CHUNKS_PER_ENTRY;
	unsigned int high = min(last - first + low, CHUNKS_PER_ENTRY - 1UL);

	return GENMASK(high, low);
}

static void chunks_set(struct iopt_pages *pages, unsigned long first,
		       unsigned long last)
{
	for (; first <= last; first = round_down(first, CHUNKS_PER_ENTRY) +
				      CHUNKS_PER_ENTRY) {
		unsigned long bits = chunk_bits(pages, first) |
				     chunk_mask(first, last);

		xa_store(&pages->run_chunks, first / CHUNKS_PER_ENTRY,
			 xa_mk_value(bits), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		cond_resched();
	}
}

/**
 * struct chunk_range - Neighbouring chunks, each of which is one run
 * @first: number of the first one
 * @end: number behind the last one
 */
struct chunk_range {
	unsigned long first;
	unsigned long end;
};

static void chunks_store(struct iopt_pages *pages,
			 const struct chunk_range *range)
{
	if (range->first < range->end)
		chunks_set(pages, range->first, range->end - 1);
}

/* The chunks that a run fills. Huge pages are runs of one, so join them. */
static void chunks_note_run(struct iopt_pages *pages, unsigned long start,
			    unsigned long last, struct chunk_range *range)
{
	unsigned long first_chunk = chunk_of(pages, start);
	unsigned long end_chunk = chunk_of(pages, last) + 1;

	/* Chunks at the ends of the memory are whole without being full. */
	if (start && chunk_position(pages, start) % CHUNK_PAGES)
		first_chunk++;
	if (last != pages->npages - 1 && last != chunk_last(pages, last))
		end_chunk--;
	if (first_chunk >= end_chunk)
		return;
	if (first_chunk != range->end) {
		chunks_store(pages, range);
		range->first = first_chunk;
	}
	range->end = end_chunk;
}

/**
 * run_chunks_note() - Remember which chunks a batch holds in one run
 * @pages: the memory
 * @batch: PFNs that are being stored in a domain
 * @index: of the first page in @batch
 *
 * Context: @pages->mutex held, may sleep.
 */
void run_chunks_note(struct iopt_pages *pages, const struct pfn_batch *batch,
		     unsigned long index)
{
	struct chunk_range range = {};
	unsigned int i;

	lockdep_assert_held(&pages->mutex);

	/* Each run makes up for one page at most. */
	if (batch->npages - batch->nruns < MIN_RUN_PAGES - 1)
		return;
	for (i = 0; i < batch->nruns; i++) {
		unsigned long npages = batch->runs[i].npages;

		if (npages >= MIN_RUN_PAGES)
			chunks_note_run(pages, index, index + npages - 1,
					&range);
		index += npages;
	}
	chunks_store(pages, &range);
}

/**
 * run_chunks_count() - Tell how many chunks are known to be one run
 * @pages: the memory
 *
 * Context: @pages->mutex held. Looks at one word for each 64 MiB of the memory.
 * Return: number of chunks of 2 MiB.
 */
unsigned long run_chunks_count(struct iopt_pages *pages)
{
	unsigned long index, count = 0;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	xa_for_each(&pages->run_chunks, index, entry)
		count += hweight_long(xa_to_value(entry));
	return count;
}

/**
 * __run_chunks_forget() - See run_chunks_forget()
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
void __run_chunks_forget(struct iopt_pages *pages, unsigned long start,
			 unsigned long last)
{
	unsigned long first = chunk_of(pages, start);
	unsigned long final = chunk_of(pages, last);
	unsigned long index, bits;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	xa_for_each_range(&pages->run_chunks, index, entry,
			  first / CHUNKS_PER_ENTRY,
			  final / CHUNKS_PER_ENTRY) {
		unsigned long from = max(first, index * CHUNKS_PER_ENTRY);

		bits = xa_to_value(entry) & ~chunk_mask(from, final);
		if (bits)
			xa_store(&pages->run_chunks, index, xa_mk_value(bits),
				 GFP_KERNEL);
		else
			xa_erase(&pages->run_chunks, index);
		cond_resched();
	}
}

/**
 * __run_chunks_length() - run_chunks_length() if anything is remembered
 * @pages: as there
 * @index: as there
 * @last: as there
 *
 * Context: as there.
 * Return: as there.
 */
unsigned long __run_chunks_length(struct iopt_pages *pages, unsigned long index,
				  unsigned long last)
{
	unsigned long chunk = chunk_of(pages, index);

	lockdep_assert_held(&pages->mutex);

	if (!(chunk_bits(pages, chunk) & BIT(chunk % CHUNKS_PER_ENTRY)))
		return 1;
	return min(chunk_last(pages, index), last) - index + 1;
}

#ifdef CONFIG_IOMMUFD_CHECK
/* The PFN of a page that some tier stores. */
static unsigned long stored_pfn(struct iopt_pages *pages, unsigned long index)
{
	struct pfn_span span;

	pfn_span_find(&span, pages, index, index);
	if (span.tier == PFN_TIER_ACCESS)
		return access_pfn(span.access, index);
	return PHYS_PFN(iommu_iova_to_phys(span.area->storage_domain,
					   iopt_area_index_iova(span.area,
								index)));
}

static bool chunk_valid(struct iopt_pages *pages, unsigned long chunk)
{
	unsigned long position = chunk_position(pages, 0);
	unsigned long first = max(chunk * CHUNK_PAGES, position) - position;
	unsigned long last = min(chunk_last(pages, first), pages->npages - 1);
	struct pfn_span span;

	return first < pages->npages &&
	       !pfn_span_missing(&span, pages, first, last) &&
	       stored_pfn(pages, last) - stored_pfn(pages, first) ==
		       last - first;
}

/**
 * run_chunks_valid() - Check what is remembered about runs
 * @pages: the memory
 *
 * Context: @pages->mutex held.
 * Return: false if a chunk counts as one run and is not stored, or if its ends
 * are not as far apart as the ends of a run.
 */
bool run_chunks_valid(struct iopt_pages *pages)
{
	unsigned long index, bits;
	unsigned int i;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	xa_for_each(&pages->run_chunks, index, entry) {
		bits = xa_to_value(entry);
		for_each_set_bit(i, &bits, CHUNKS_PER_ENTRY)
			if (!chunk_valid(pages, index * CHUNKS_PER_ENTRY + i))
				return false;
	}
	return true;
}
#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Where the PFNs of pages are stored: looking up the tier, and reading and
 * writing the tiers that store.
 *
 * An IOMMU driver tells one PFN at a time. To read large pages back quicker
 * than that, &iopt_pages.run_chunks remembers for each chunk of 2 MiB of
 * memory whether all of its pages were found in one physical run when they
 * were stored; then one question answers for the whole chunk. A bit is set only
 * by who saw the whole chunk, and cleared before any of its pages is unpinned.
 * Chunks are cut at multiples of 2 MiB of &pin_origin.start, where huge pages
 * begin. Losing a bit, for want of memory, costs time and nothing else.
 */
#include "pfn_storage.h"

#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include "iopt_types.h"
#include "lib/pfn_batch.h"
#include "pin/pin.h"

#define CHUNK_PAGES (SZ_2M / PAGE_SIZE)

/* Runs that are shorter are not worth the memory. */
#define MIN_RUN_PAGES (CHUNK_PAGES / 8)

/* Entries of the xarray that are visited before others get their turn. */
#define XARRAY_STEP 1024

/* An xarray value has one bit less than a long. */
#define CHUNKS_PER_ENTRY (BITS_PER_LONG / 2)

static struct iopt_area *area_from_pages_node(struct interval_tree_node *node)
{
	return container_of(node, struct iopt_area, pages_node);
}

/* Most memory is mapped once: before it is stored, and afterwards again. */
static bool nothing_stored(const struct iopt_pages *pages)
{
	return RB_EMPTY_ROOT(&pages->access_itree.rb_root) &&
	       RB_EMPTY_ROOT(&pages->domains_itree.rb_root);
}

/**
 * pfn_span_find() - Find the tier that holds a page, and how far it goes
 * @span: result, starts at @index
 * @pages: the memory
 * @index: page index
 * @last: where the span has to end, page index, inclusive
 *
 * The xarray goes before a domain: it is quicker to read. Neighbouring spans
 * may be of the same tier.
 *
 * Context: @pages->mutex held.
 */
void pfn_span_find(struct pfn_span *span, struct iopt_pages *pages,
		   unsigned long index, unsigned long last)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&pages->mutex);

	span->start = index;
	if (nothing_stored(pages)) {
		span->tier = PFN_TIER_ORIGIN;
		span->last = last;
		return;
	}
	node = interval_tree_iter_first(&pages->access_itree, index, last);
	if (node && node->start <= index) {
		span->tier = PFN_TIER_XARRAY;
		span->last = min(node->last, last);
		return;
	}
	if (node)
		last = node->start - 1;

	node = interval_tree_iter_first(&pages->domains_itree, index, last);
	if (node && node->start <= index) {
		span->tier = PFN_TIER_DOMAIN;
		span->area = area_from_pages_node(node);
		span->last = min(node->last, last);
		return;
	}
	span->tier = PFN_TIER_ORIGIN;
	span->last = node ? node->start - 1 : last;
}

static unsigned long count_missing(struct iopt_pages *pages,
				   unsigned long start, unsigned long last)
{
	unsigned long missing = 0;
	struct pfn_span span;

	pfn_span_find(&span, pages, start, last);
	do {
		if (span.tier == PFN_TIER_ORIGIN)
			missing += span.last - span.start + 1;
	} while (pfn_span_next(&span, pages, last));
	return missing;
}

/**
 * pfn_storage_missing() - Count pages that no tier stores
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: @pages->mutex held, may sleep.
 * Return: how many pages storing the range would newly pin.
 */
unsigned long pfn_storage_missing(struct iopt_pages *pages,
				  unsigned long start, unsigned long last)
{
	lockdep_assert_held(&pages->mutex);

	return nothing_stored(pages) ? last - start + 1 :
				       count_missing(pages, start, last);
}

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
	void *entry;

	if (xa_empty(&pages->run_chunks))
		return 0;
	entry = xa_load(&pages->run_chunks, chunk / CHUNKS_PER_ENTRY);
	return entry ? xa_to_value(entry) : 0;
}

static bool chunk_is_run(struct iopt_pages *pages, unsigned long chunk)
{
	return chunk_bits(pages, chunk) & BIT(chunk % CHUNKS_PER_ENTRY);
}

/* Bits of the chunks from @first to @last that are in the entry of @first. */
static unsigned long chunk_mask(unsigned long first, unsigned long last)
{
	unsigned int low = first % CHUNKS_PER_ENTRY;
	unsigned int high = min(last - first + low, CHUNKS_PER_ENTRY - 1UL);

	return GENMASK(high, low);
}

static void set_chunks(struct iopt_pages *pages, unsigned long first,
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

static void store_chunks(struct iopt_pages *pages,
			 const struct chunk_range *range)
{
	if (range->first < range->end)
		set_chunks(pages, range->first, range->end - 1);
}

/* The chunks that a run fills. Huge pages are runs of one, so join them. */
static void note_run(struct iopt_pages *pages, unsigned long start,
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
		store_chunks(pages, range);
		range->first = first_chunk;
	}
	range->end = end_chunk;
}

/**
 * pfn_storage_note_runs() - Remember which chunks a batch holds in one run
 * @pages: the memory
 * @batch: PFNs that are being stored in a domain
 * @index: of the first page in @batch
 *
 * Context: @pages->mutex held, may sleep.
 */
void pfn_storage_note_runs(struct iopt_pages *pages,
			   const struct pfn_batch *batch, unsigned long index)
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
			note_run(pages, index, index + npages - 1, &range);
		index += npages;
	}
	store_chunks(pages, &range);
}

/**
 * pfn_storage_forget_runs() - Forget chunks whose pages are to be unpinned
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
void pfn_storage_forget_runs(struct iopt_pages *pages, unsigned long start,
			     unsigned long last)
{
	unsigned long first = chunk_of(pages, start);
	unsigned long final = chunk_of(pages, last);
	unsigned long index, bits;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	if (xa_empty(&pages->run_chunks))
		return;
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

#ifdef CONFIG_IOMMUFD_CHECK
/* The PFN of a page that some tier stores. */
static unsigned long stored_pfn(struct iopt_pages *pages, unsigned long index)
{
	struct pfn_span span;

	pfn_span_find(&span, pages, index, index);
	if (span.tier == PFN_TIER_XARRAY)
		return xa_to_value(xa_load(&pages->pinned_pfns, index));
	return PHYS_PFN(iommu_iova_to_phys(span.area->storage_domain,
					   iopt_area_index_iova(span.area,
								index)));
}

static bool chunk_valid(struct iopt_pages *pages, unsigned long chunk)
{
	unsigned long position = chunk_position(pages, 0);
	unsigned long first = max(chunk * CHUNK_PAGES, position) - position;
	unsigned long last = min(chunk_last(pages, first), pages->npages - 1);

	return first < pages->npages &&
	       !pfn_storage_missing(pages, first, last) &&
	       stored_pfn(pages, last) - stored_pfn(pages, first) ==
		       last - first;
}

/**
 * pfn_storage_runs_valid() - Check what is remembered about runs
 * @pages: the memory
 *
 * Context: @pages->mutex held.
 * Return: false if a chunk counts as one run and is not stored, or if its ends
 * are not as far apart as the ends of a run.
 */
bool pfn_storage_runs_valid(struct iopt_pages *pages)
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

/**
 * pfn_storage_read_domain() - Append PFNs out of IOPTEs to a batch
 * @area: that the pages belong to
 * @domain: one that @area has IOPTEs in
 * @index: first page index
 * @last: last page index, inclusive
 * @batch: to append to; reading stops when it is full
 *
 * Context: area->pages->mutex held, may sleep. Never allocates.
 */
void pfn_storage_read_domain(struct iopt_area *area,
			     struct iommu_domain *domain, unsigned long index,
			     unsigned long last, struct pfn_batch *batch)
{
	struct iopt_pages *pages = area->pages;
	unsigned int count = 0;

	lockdep_assert_held(&pages->mutex);

	if (area->one_run) {
		pfn_batch_add(batch, area->pfn + index - iopt_area_first(area),
			      last - index + 1);
		return;
	}
	while (index <= last) {
		unsigned long iova = iopt_area_index_iova(area, index);
		phys_addr_t phys = iommu_iova_to_phys(domain, iova);
		unsigned long npages = 1;

		if (chunk_is_run(pages, chunk_of(pages, index)))
			npages = min(chunk_last(pages, index), last) - index +
				 1;
		if (!pfn_batch_add(batch, PHYS_PFN(phys), npages))
			return;
		index += npages;
		if (++count % CHUNK_PAGES == 0)
			cond_resched();
	}
}

/**
 * pfn_storage_read_xarray() - Append PFNs out of the xarray to a batch
 * @pages: the memory
 * @index: first page index
 * @last: last page index, inclusive
 * @batch: to append to; reading stops when it is full
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
void pfn_storage_read_xarray(struct iopt_pages *pages, unsigned long index,
			     unsigned long last, struct pfn_batch *batch)
{
	XA_STATE(xas, &pages->pinned_pfns, index);
	unsigned int count = 0;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	rcu_read_lock();
	xas_for_each(&xas, entry, last) {
		if (xas_retry(&xas, entry))
			continue;
		if (!pfn_batch_add(batch, xa_to_value(entry), 1))
			break;
		if (++count % XARRAY_STEP)
			continue;
		xas_pause(&xas);
		rcu_read_unlock();
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
}

/**
 * pfn_storage_write_xarray() - Store PFNs of a batch in the xarray
 * @pages: the memory
 * @batch: the PFNs
 * @start: index of the first page
 *
 * Context: @pages->mutex held, may sleep.
 * Return: 0; -ENOMEM, with nothing stored.
 */
int pfn_storage_write_xarray(struct iopt_pages *pages,
			     const struct pfn_batch *batch, unsigned long start)
{
	XA_STATE(xas, &pages->pinned_pfns, start);
	struct pfn_batch_iter iter;

	lockdep_assert_held(&pages->mutex);

	pfn_batch_for_each_run(&iter, batch, 0, batch->npages) {
		unsigned long i;

		for (i = 0; i < iter.npages; i++) {
			do {
				xas_lock(&xas);
				xas_store(&xas, xa_mk_value(iter.pfn + i));
				if (!xas_error(&xas))
					xas_next(&xas);
				xas_unlock(&xas);
			} while (xas_nomem(&xas, GFP_KERNEL_ACCOUNT));
			if (xas_error(&xas))
				goto err_erase;
			if (i % XARRAY_STEP == XARRAY_STEP - 1)
				cond_resched();
		}
	}
	return 0;

err_erase:
	if (xas.xa_index > start)
		pfn_storage_erase_xarray(pages, start, xas.xa_index - 1);
	return xas_error(&xas);
}

/**
 * pfn_storage_erase_xarray() - Drop PFNs from the xarray
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: @pages->mutex held, may sleep. Never allocates.
 */
void pfn_storage_erase_xarray(struct iopt_pages *pages, unsigned long start,
			      unsigned long last)
{
	XA_STATE(xas, &pages->pinned_pfns, start);
	unsigned int count = 0;
	void *entry;

	lockdep_assert_held(&pages->mutex);

	xas_lock(&xas);
	xas_for_each(&xas, entry, last) {
		xas_store(&xas, NULL);
		if (++count % XARRAY_STEP)
			continue;
		xas_pause(&xas);
		xas_unlock(&xas);
		cond_resched();
		xas_lock(&xas);
	}
	xas_unlock(&xas);
}

/**
 * pfn_storage_unpin_unstored() - Unpin those of some pages that no tier stores
 * @pages: the memory
 * @iter: at the end of a walk, in front of the PFN of the first page; then
 *        behind that of the last one
 * @index: of the first page
 * @npages: how many, may be 0; all are pinned
 *
 * Context: @pages->mutex held, may sleep. Never needs memory.
 */
void pfn_storage_unpin_unstored(struct iopt_pages *pages,
				struct pfn_batch_iter *iter,
				unsigned long index, unsigned long npages)
{
	unsigned long last = index + npages - 1;
	struct pfn_span span;

	if (!npages)
		return;
	WARN_ON_ONCE(IS_ENABLED(CONFIG_IOMMUFD_TEST) &&
		     !pfn_batch_valid(iter->batch));
	pfn_span_find(&span, pages, index, last);
	do {
		npages = span.last - span.start + 1;
		if (span.tier != PFN_TIER_ORIGIN) {
			pfn_batch_iter_skip(iter, npages);
			continue;
		}
		pfn_storage_forget_runs(pages, span.start, span.last);
		pfn_batch_iter_continue(iter, npages);
		pin_release(&pages->origin, iter);
	} while (pfn_span_next(&span, pages, last));
}

/**
 * pfn_storage_unpin_run() - pfn_storage_unpin_unstored() for one physical run
 * @pages: the memory
 * @pfn: of the first page
 * @index: of the first page
 * @npages: how many, may be 0; all are pinned, and physically contiguous
 *
 * Context: @pages->mutex held, may sleep. Never needs memory.
 */
void pfn_storage_unpin_run(struct iopt_pages *pages, unsigned long pfn,
			   unsigned long index, unsigned long npages)
{
	unsigned long last = index + npages - 1;
	struct pfn_span span;

	if (!npages)
		return;
	if (nothing_stored(pages)) {
		pfn_storage_forget_runs(pages, index, last);
		pin_release_run(&pages->origin, pfn, npages);
		return;
	}
	pfn_span_find(&span, pages, index, last);
	do {
		if (span.tier != PFN_TIER_ORIGIN)
			continue;
		pfn_storage_forget_runs(pages, span.start, span.last);
		pin_release_run(&pages->origin, pfn + span.start - index,
				span.last - span.start + 1);
	} while (pfn_span_next(&span, pages, last));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Reading the PFNs of a range of pages out of the tiers that hold them.
 */
#include "pfn_reader.h"

#include "iopt_types.h"
#include "pfn_storage.h"

/**
 * pfn_reader_init() - Prepare to read a range
 * @reader: to be set up
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Buffers are as large as the range can use. Without memory for them the
 * reader makes do with what is on the stack.
 */
void pfn_reader_init(struct pfn_reader *reader, struct iopt_pages *pages,
		     unsigned long start, unsigned long last)
{
	lockdep_assert_held(&pages->mutex);

	reader->pages = pages;
	reader->start = start;
	reader->next = start;
	reader->last = last;
	pfn_batch_init(&reader->batch);
	pfn_batch_grow(&reader->batch, last - start + 1);
	pin_cursor_init(&reader->cursor);
}

static int read_span(struct pfn_reader *reader, const struct pfn_span *span)
{
	switch (span->tier) {
	case PFN_TIER_XARRAY:
		pfn_storage_read_xarray(reader->pages, reader->next, span->last,
					&reader->batch);
		return 0;
	case PFN_TIER_DOMAIN:
		pfn_storage_read_domain(span->area, span->area->storage_domain,
					reader->next, span->last,
					&reader->batch);
		return 0;
	case PFN_TIER_ORIGIN:
		break;
	}
	return pin_origin_read(&reader->pages->origin, &reader->cursor,
			       reader->next, span->last - reader->next + 1,
			       &reader->batch);
}

/**
 * pfn_reader_next() - Read the next batch
 * @reader: not done
 *
 * The batch ends where it is full, and thereby where physical contiguity
 * ends, or with the range.
 *
 * Return: 0; what pin_origin_read() returns, with the pages of this batch
 * unpinned again.
 */
int pfn_reader_next(struct pfn_reader *reader)
{
	pfn_batch_clear(&reader->batch);
	reader->start = reader->next;
	do {
		struct pfn_span span;
		int rc;

		pfn_span_find(&span, reader->pages, reader->next, reader->last);
		rc = read_span(reader, &span);
		reader->next = reader->start + reader->batch.npages;
		if (rc) {
			pfn_reader_unpin(reader);
			return rc;
		}
		/* Less than offered was taken: the batch is full. */
		if (reader->next <= span.last)
			break;
	} while (!pfn_reader_done(reader));
	WARN_ON_ONCE(IS_ENABLED(CONFIG_IOMMUFD_TEST) &&
		     !pfn_batch_valid(&reader->batch));
	return 0;
}

/**
 * pfn_reader_unpin() - Give up the current batch
 * @reader: whose batch has not been stored
 *
 * Pages that a tier stores stay pinned.
 */
void pfn_reader_unpin(struct pfn_reader *reader)
{
	struct pfn_batch_iter iter;

	pfn_batch_iter_first(&iter, &reader->batch, 0, 0);
	pfn_storage_unpin_unstored(reader->pages, &iter, reader->start,
				   reader->batch.npages);
	pfn_batch_clear(&reader->batch);
}

/**
 * pfn_reader_destroy() - End reading
 * @reader: at any point of the range; the current batch is not touched
 */
void pfn_reader_destroy(struct pfn_reader *reader)
{
	pin_cursor_destroy(&reader->cursor);
	pfn_batch_destroy(&reader->batch);
}

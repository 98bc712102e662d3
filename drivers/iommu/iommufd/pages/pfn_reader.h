/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PFN_READER_H
#define __IOMMUFD_PFN_READER_H

#include "lib/pfn_batch.h"
#include "pfn_span.h"
#include "pin/pin.h"

struct iopt_pages;

/**
 * struct pfn_reader - Reads the PFNs of a range of pages, batch by batch
 * @pages: the memory
 * @batch: the current PFNs, of the pages from @start to @next - 1
 * @start: page index
 * @next: page index that the next batch begins with
 * @last: last page index of the range, inclusive
 * @span: the first of the range, after pfn_reader_lock(); for the caller, until
 *        &iopt_pages.mutex is let go of
 * @missing: pages that are going to be charged with the first that is pinned
 * @charged: pages that are charged and not stored yet
 * @filling: &iopt_pages.fill_mutex is held
 * @pinned: @batch has been pinned by the reader, and no tier stores it yet
 * @cursor: pages that are pinned and did not fit into @batch
 *
 * The reader takes PFNs from whichever tier holds them, and pins what none
 * holds. A batch is either one or the other. Pages are pinned without
 * &iopt_pages.mutex, see pfn_reader_next().
 */
struct pfn_reader {
	struct iopt_pages *pages;
	struct pfn_batch batch;
	unsigned long start;
	unsigned long next;
	unsigned long last;
	struct pfn_span span;
	unsigned long missing;
	unsigned long charged;
	bool filling;
	bool pinned;
	struct pin_cursor cursor;
};

int pfn_reader_lock(struct pfn_reader *reader, struct iopt_pages *pages,
		    unsigned long start, unsigned long last);
void pfn_reader_unlock(struct pfn_reader *reader);
int pfn_reader_pin_one(struct pfn_reader *reader, unsigned long *pfn);
void pfn_reader_init(struct pfn_reader *reader);
int pfn_reader_next(struct pfn_reader *reader);
void pfn_reader_stored(struct pfn_reader *reader);
void pfn_reader_unpin(struct pfn_reader *reader);
void pfn_reader_destroy(struct pfn_reader *reader);

/**
 * pfn_reader_done() - Tell whether the range has been read
 * @reader: the reader
 *
 * Context: any.
 * Return: true if no batch follows.
 */
static inline bool pfn_reader_done(const struct pfn_reader *reader)
{
	return reader->next > reader->last;
}

#endif

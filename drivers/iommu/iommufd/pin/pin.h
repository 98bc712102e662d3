/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PIN_H
#define __IOMMUFD_PIN_H

#include <linux/types.h>

#include "lib/pfn_batch.h"

struct page;
struct pin_owner;

#define PIN_CURSOR_INLINE_PAGES 16

/**
 * struct pin_origin - Memory that PFNs can be pinned from
 * @owner: whose address space it is in; whoever embeds this holds a reference
 * @address: user virtual address of page 0, a multiple of PAGE_SIZE
 * @writable: pin for writing
 */
struct pin_origin {
	struct pin_owner *owner;
	unsigned long address;
	bool writable;
};

/**
 * struct pin_cursor - Pinned pages on their way into a batch
 * @pages: what the last pin call returned
 * @capacity: entries that @pages has room for
 * @next: first entry that no batch has taken yet
 * @end: end of the valid entries, exclusive
 * @leaf: what no batch has taken yet of a huge page; then there are no entries
 * @small_end: page index before which there is no huge page to be found
 * @inline_pages: what @pages points to until that is too few
 *
 * The cursor owns the pins of @leaf and of the entries from @next to @end; the
 * others belong to who has the batch.
 */
struct pin_cursor {
	struct page **pages;
	unsigned int capacity;
	unsigned int next;
	unsigned int end;
	struct pfn_run leaf;
	unsigned long small_end;
	struct page *inline_pages[PIN_CURSOR_INLINE_PAGES];
};

/**
 * pin_cursor_empty() - Tell whether a cursor holds any pages
 * @cursor: to look at
 *
 * Context: any.
 * Return: true if the next read has to pin.
 */
static inline bool pin_cursor_empty(const struct pin_cursor *cursor)
{
	return cursor->next == cursor->end && !cursor->leaf.npages;
}

void pin_cursor_init(struct pin_cursor *cursor);
void pin_cursor_destroy(struct pin_cursor *cursor);
int pin_origin_page(const struct pin_origin *origin, unsigned long index,
		    unsigned long *pfn);
int pin_origin_read(const struct pin_origin *origin, struct pin_cursor *cursor,
		    unsigned long index, unsigned long npages,
		    struct pfn_batch *batch);
void pin_release_run(const struct pin_origin *origin, unsigned long pfn,
		     unsigned long npages);
void pin_release(const struct pin_origin *origin, struct pfn_batch_iter *iter);

#endif

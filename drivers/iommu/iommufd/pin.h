/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PIN_H
#define __IOMMUFD_PIN_H

#include <linux/types.h>

struct mm_struct;
struct page;
struct pfn_batch;

#define PIN_CURSOR_INLINE_PAGES 16
#define PIN_CURSOR_MAX_BYTES 65536

/**
 * struct pin_origin - Memory that PFNs can be pinned from
 * @mm: address space; whoever embeds this holds a reference to the structure
 * @address: user virtual address of page 0, a multiple of PAGE_SIZE
 * @writable: pin for writing
 */
struct pin_origin {
	struct mm_struct *mm;
	unsigned long address;
	bool writable;
};

/**
 * struct pin_cursor - Pinned pages on their way into a batch
 * @pages: what the last pin call returned
 * @capacity: entries that @pages has room for
 * @next: first entry that no batch has taken yet
 * @end: end of the valid entries, exclusive
 * @inline_pages: what @pages points to until pin_cursor_grow()
 *
 * The cursor owns the pins of the entries from @next to @end; the others
 * belong to who has the batch.
 */
struct pin_cursor {
	struct page **pages;
	unsigned int capacity;
	unsigned int next;
	unsigned int end;
	struct page *inline_pages[PIN_CURSOR_INLINE_PAGES];
};

void pin_cursor_init(struct pin_cursor *cursor);
void pin_cursor_grow(struct pin_cursor *cursor, unsigned long npages);
void pin_cursor_destroy(struct pin_cursor *cursor);
int pin_origin_read(const struct pin_origin *origin, struct pin_cursor *cursor,
		    unsigned long index, unsigned long npages,
		    struct pfn_batch *batch);
void pin_release(const struct pin_origin *origin, const struct pfn_batch *batch,
		 unsigned long first, unsigned long npages);

#endif

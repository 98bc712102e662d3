/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PIN_H
#define __IOMMUFD_PIN_H

#include <linux/iommufd.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "account.h"
#include "bill.h"
#include "lib/pfn_batch.h"

struct file;
struct page;
struct pin_cursor;
struct pin_origin_ops;

#define PIN_CURSOR_INLINE_PAGES 16

/**
 * struct pin_copy - A copy between a kernel buffer and a piece of memory
 * @byte: offset of the next byte in the memory, bytes
 * @data: the next byte in the kernel buffer
 * @length: bytes to go, not 0 at first; they end in the memory
 * @flags: IOMMUFD_ACCESS_RW_WRITE to write the memory,
 *         IOMMUFD_ACCESS_RW_KTHREAD if a kernel thread may borrow an address
 *         space
 */
struct pin_copy {
	unsigned long byte;
	void *data;
	unsigned long length;
	unsigned int flags;
};

/**
 * struct pin_origin - Memory that PFNs can be had from
 * @ops: the kind of memory; constant
 * @owner: the process that has it and pays for what is pinned; whoever embeds
 *         this holds a reference, and says when it may change. NULL for a file,
 *         which has a @bill
 * @file: the file, with a reference, for one; constant
 * @bill: who pays for what is pinned of @file, with a reference; constant
 * @start: where page 0 is in what the memory is a part of, bytes, a multiple of
 *         PAGE_SIZE; whoever embeds this says when it may change. Where this is
 *         a multiple of the size of a huge page, one may begin. For memory of a
 *         process, the user virtual address; for a file the offset in it
 * @writable: devices are going to write; constant
 */
struct pin_origin {
	const struct pin_origin_ops *ops;
	struct pin_owner *owner;
	struct file *file;
	struct pin_bill *bill;
	unsigned long start;
	bool writable;
};

/**
 * struct pin_origin_ops - What kinds of memory do in their own ways
 * @pin_some: put the PFNs of some pages into an empty cursor, at least one and at
 *            most npages, which is not 0; pinned, if this memory is pinned.
 *            Returns 0 or an error. May sleep, and wait for page faults
 * @pin_one: the same for one page, without a cursor
 * @copy_at_once: copy all, for callers who have a quicker way to the memory than
 *                through its pages, though it is not theirs. Returns 0, -EAGAIN
 *                to say that this one has none, or an error. NULL if nobody has
 * @copy_pages: copy and step on until the end or behind the page @last, for
 *              pages that need not be stored anywhere. Returns 0 or an error
 * @release: give up the references of the origin; NULL if that of @owner is the
 *           only one. May sleep
 * @by_address: the process of the owner has it at its user address
 * @pinned: what is read is pinned, so that it stays until pin_release(): it has a
 *          struct page, in-kernel users may have that, and the owner is charged
 *
 * Memory that is read as a whole, see pin_device_read(), has neither of the first
 * two. What the errors are, says the function that sets up an origin of the kind.
 */
struct pin_origin_ops {
	int (*pin_some)(const struct pin_origin *origin,
			struct pin_cursor *cursor, unsigned long index,
			unsigned long npages);
	int (*pin_one)(const struct pin_origin *origin, unsigned long index,
		       unsigned long *pfn);
	int (*copy_at_once)(const struct pin_origin *origin,
			    struct pin_copy *copy);
	int (*copy_pages)(const struct pin_origin *origin,
			  struct pin_copy *copy, unsigned long last);
	void (*release)(const struct pin_origin *origin);
	bool by_address;
	bool pinned;
};

/**
 * struct pin_cursor - Pinned pages on their way into a batch
 * @pages: what has been pinned last
 * @capacity: entries that @pages has room for
 * @next: first entry that no batch has taken yet
 * @end: end of the valid entries, exclusive
 * @leaf: what no batch has taken yet of a huge page; then there are no entries
 * @folio: first entry of @pages that is a folio still to become a leaf. Each of
 *         these folios has one pin
 * @folios: end of such entries, exclusive; with some of them, there are no
 *          others
 * @skip: pages of the first such folio that lie before what is wanted
 * @probe_from: page index before which it is of no use to look for a huge page
 * @inline_pages: what @pages points to until that is too few
 *
 * The cursor owns the pins of @leaf, of the folios, and of the entries from @next
 * to @end; the others belong to whoever has the batch.
 */
struct pin_cursor {
	struct page **pages;
	unsigned int capacity;
	unsigned int next;
	unsigned int end;
	struct pfn_run leaf;
	unsigned int folio;
	unsigned int folios;
	unsigned long skip;
	unsigned long probe_from;
	struct page *inline_pages[PIN_CURSOR_INLINE_PAGES];
};

/**
 * pin_cursor_empty() - Tell whether a cursor has pages for a batch at hand
 * @cursor: to look at
 *
 * Context: any.
 * Return: true if the next read has to ask the origin, which may have folios
 * in the cursor.
 */
static inline bool pin_cursor_empty(const struct pin_cursor *cursor)
{
	return cursor->next == cursor->end && !cursor->leaf.npages;
}

void pin_cursor_init(struct pin_cursor *cursor);
void pin_cursor_grow(struct pin_cursor *cursor, size_t capacity);
void pin_cursor_destroy(const struct pin_origin *origin,
			struct pin_cursor *cursor);
int pin_origin_read(const struct pin_origin *origin, struct pin_cursor *cursor,
		    unsigned long index, unsigned long npages,
		    struct pfn_batch *batch);
void pin_release_run(const struct pin_origin *origin, unsigned long pfn,
		     unsigned long npages);
void pin_release(const struct pin_origin *origin, struct pfn_batch_iter *iter);
void pin_copy_page(struct pin_copy *copy, struct page *page);
void pin_origin_trace_pin(const struct pin_origin *origin,
			  unsigned long npages);
void pin_origin_trace_unpin(const struct pin_origin *origin,
			    unsigned long npages);

/**
 * pin_copy_writes() - Tell the direction of a copy
 * @copy: the copy
 *
 * Context: any.
 * Return: true if the memory is written.
 */
static inline bool pin_copy_writes(const struct pin_copy *copy)
{
	return copy->flags & IOMMUFD_ACCESS_RW_WRITE;
}

/**
 * pin_origin_address() - Where the calling process has memory
 * @origin: the memory
 * @byte: offset in it, bytes
 *
 * Context: process context; @origin does not change meanwhile.
 * Return: the user address; NULL if it is not memory that this process has given.
 */
static inline void __user *pin_origin_address(const struct pin_origin *origin,
					      unsigned long byte)
{
	if (!origin->ops->by_address || origin->owner->mm != current->mm)
		return NULL;
	return (void __user *)(origin->start + byte);
}

/**
 * pin_origin_page() - Pin one page
 * @origin: the memory
 * @index: the page
 * @pfn: receives its PFN
 *
 * Context: as &pin_origin_ops.pin_some.
 * Return: as pin_origin_read().
 */
static inline int pin_origin_page(const struct pin_origin *origin,
				  unsigned long index, unsigned long *pfn)
{
	return origin->ops->pin_one(origin, index, pfn);
}

/**
 * pin_origin_charge() - Charge pages before they are pinned, if they are
 * @origin: the memory
 * @npages: how many
 *
 * Context: as pin_owner_charge().
 * Return: as pin_owner_charge().
 */
static inline int pin_origin_charge(const struct pin_origin *origin,
				    unsigned long npages)
{
	if (!origin->ops->pinned)
		return 0;
	return origin->bill ? pin_bill_charge(origin->bill, npages) :
			      pin_owner_charge(origin->owner, npages);
}

/**
 * pin_origin_uncharge() - Undo pin_origin_charge()
 * @origin: the memory
 * @npages: how many are not pinned any more
 *
 * Context: as pin_owner_uncharge().
 */
static inline void pin_origin_uncharge(const struct pin_origin *origin,
				       unsigned long npages)
{
	if (!origin->ops->pinned)
		return;
	if (origin->bill)
		pin_bill_uncharge(origin->bill, npages);
	else
		pin_owner_uncharge(origin->owner, npages);
}

/**
 * pin_origin_release() - Give up what an origin refers to
 * @origin: nothing is pinned of it
 *
 * Context: may sleep.
 */
static inline void pin_origin_release(const struct pin_origin *origin)
{
	if (origin->ops->release)
		origin->ops->release(origin);
	else
		pin_owner_put(origin->owner);
}

#endif

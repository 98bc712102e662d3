// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Reading the PFNs of a range of pages out of the tiers that hold them.
 *
 * Pinning may take as long as user space likes, since it may have to wait for
 * a page fault. So &iopt_pages.mutex is let go of meanwhile, and only
 * &iopt_pages.fill_mutex is held: nobody else pins pages of this memory, so
 * what no tier stores stays that way. What a tier does store may go.
 */
#include "pfn_reader.h"

#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "iopt_types.h"
#include "lib/trace.h"
#include "pages.h"
#include "pfn_span.h"
#include "pfn_storage.h"
#include "pin/account.h"
#include "pin/pin.h"

/**
 * pfn_reader_lock() - Begin to read a range
 * @reader: to be set up, but for its buffers
 * @pages: the memory
 * @start: first page index
 * @last: last page index, inclusive
 *
 * If all of the range is stored, this does not wait for those who pin pages.
 *
 * Context: may sleep. On success &iopt_pages.mutex is held, and with pages to
 * be pinned also &iopt_pages.fill_mutex, until pfn_reader_unlock().
 * Return: 0; -EINTR on a fatal signal while waiting for others to pin.
 */
int pfn_reader_lock(struct pfn_reader *reader, struct iopt_pages *pages,
		    unsigned long start, unsigned long last)
{
	lockdep_assert_not_held(&pages->mutex);
	lockdep_assert_not_held(&pages->fill_mutex);

	reader->pages = pages;
	reader->start = start;
	reader->next = start;
	reader->last = last;
	reader->charged = 0;
	reader->filling = false;
	for (;;) {
		mutex_lock(&pages->mutex);
		reader->missing = pfn_span_missing(&reader->span, pages, start,
						   last);
		if (!reader->missing || reader->filling)
			return 0;
		reader->filling = mutex_trylock(&pages->fill_mutex);
		if (reader->filling)
			return 0;
		mutex_unlock(&pages->mutex);
		if (mutex_lock_killable(&pages->fill_mutex))
			return -EINTR;
		reader->filling = true;
	}
}

/**
 * pfn_reader_unlock() - End reading
 * @reader: without a batch, and without buffers
 *
 * Context: as pfn_reader_lock() has left it; may sleep.
 */
void pfn_reader_unlock(struct pfn_reader *reader)
{
	struct iopt_pages *pages = reader->pages;

	lockdep_assert_held(&pages->mutex);

	pin_origin_uncharge(&pages->origin, reader->charged);
	mutex_unlock(&pages->mutex);
	if (reader->filling)
		mutex_unlock(&pages->fill_mutex);
}

/* Pay for all that is missing, or if more has come to be missing, for that. */
static int reader_charge(struct pfn_reader *reader, unsigned long npages)
{
	int rc;

	npages = max(reader->missing, npages);
	if (npages <= reader->charged)
		return 0;
	npages -= reader->charged;
	rc = pin_origin_charge(&reader->pages->origin, npages);
	if (rc)
		return rc;
	reader->missing = 0;
	reader->charged += npages;
	return 0;
}

static void reader_pinning_begin(struct pfn_reader *reader)
{
	lockdep_assert_held(&reader->pages->fill_mutex);

	mutex_unlock(&reader->pages->mutex);
}

static void reader_pinning_end(struct pfn_reader *reader)
{
	mutex_lock(&reader->pages->mutex);
}

/**
 * pfn_reader_pin_one() - Read a range of one page that no tier holds
 * @reader: of such a range, without buffers
 * @pfn: receives the PFN
 *
 * The pin belongs to the caller, who stores the PFN and calls
 * pfn_reader_stored(), or releases it.
 *
 * Context: as pfn_reader_next().
 * Return: as pfn_reader_next().
 */
int pfn_reader_pin_one(struct pfn_reader *reader, unsigned long *pfn)
{
	int rc;

	lockdep_assert_held(&reader->pages->mutex);

	reader_pinning_begin(reader);
	rc = reader_charge(reader, 1) ?:
	     pin_origin_page(&reader->pages->origin, reader->start, pfn);
	reader_pinning_end(reader);
	if (rc)
		return rc;
	reader->next++;
	reader->pinned = true;
	return 0;
}

/**
 * pfn_reader_init() - Make buffers for a reader
 * @reader: after pfn_reader_lock()
 *
 * They grow if the range needs larger ones. Without memory for them the reader
 * makes do with what is on the stack.
 *
 * Context: may sleep.
 */
void pfn_reader_init(struct pfn_reader *reader)
{
	pfn_batch_init(&reader->batch);
	pfn_batch_grow(&reader->batch, reader->last - reader->start + 1);
	pin_cursor_init(&reader->cursor);
}

static int reader_read_origin(struct pfn_reader *reader,
			      const struct pfn_span *span)
{
	unsigned long npages = span->last - reader->next + 1;
	int rc;

	reader_pinning_begin(reader);
	rc = reader_charge(reader, npages) ?:
	     pin_origin_read(&reader->pages->origin, &reader->cursor,
			     reader->next, npages, &reader->batch);
	reader_pinning_end(reader);
	reader->pinned = true;
	reader->next = reader->start + reader->batch.npages;
	if (rc)
		pfn_reader_unpin(reader);
	return rc;
}

/**
 * pfn_reader_next() - Read the next batch
 * @reader: not done, with buffers
 *
 * The batch ends where it is full, and thereby where physical contiguity
 * ends; where pages begin or end that have to be pinned; or with the range.
 * The caller stores its PFNs and calls pfn_reader_stored(), or gives them up
 * with pfn_reader_unpin().
 *
 * Context: as pfn_reader_lock() has left it, may sleep. Lets go of
 * &iopt_pages.mutex while pages are pinned, which shows in @reader->pinned:
 * anything but the missing pages may have changed then.
 * Return: 0; -ENOMEM if RLIMIT_MEMLOCK does not allow for the whole range; or
 * what pin_origin_read() returns, with the pages of this batch unpinned again.
 */
int pfn_reader_next(struct pfn_reader *reader)
{
	struct pfn_span span;

	lockdep_assert_held(&reader->pages->mutex);

	pfn_batch_restart(&reader->batch, reader->last - reader->next + 1);
	reader->start = reader->next;
	reader->pinned = false;
	do {
		pfn_span_find(&span, reader->pages, reader->next, reader->last);
		if (span.tier == PFN_TIER_ORIGIN)
			break;
		pfn_storage_read(reader->pages, &span, reader->next,
				 &reader->batch);
		reader->next = reader->start + reader->batch.npages;
		/* If less than offered was taken, the batch is full. */
	} while (reader->next > span.last && !pfn_reader_done(reader));
	if (!reader->batch.npages)
		return reader_read_origin(reader, &span);
	WARN_ON_ONCE(IS_ENABLED(CONFIG_IOMMUFD_TEST) &&
		     !pfn_batch_valid(&reader->batch));
	return 0;
}

/**
 * pfn_reader_stored() - Tell that a tier stores the current batch now
 * @reader: the reader
 *
 * Context: as pfn_reader_lock() has left it.
 */
void pfn_reader_stored(struct pfn_reader *reader)
{
	unsigned long npages = reader->next - reader->start;

	lockdep_assert_held(&reader->pages->mutex);

	if (reader->pinned) {
		if (trace_iommufd_pin_enabled())
			pin_origin_trace_pin(&reader->pages->origin, npages);
		reader->pages->npinned += npages;
		reader->charged -= npages;
		reader->pinned = false;
	}
	reader->start = reader->next;
}

/**
 * pfn_reader_unpin() - Give up the current batch
 * @reader: does nothing if the batch has been stored
 *
 * Context: as pfn_reader_lock() has left it, may sleep.
 */
void pfn_reader_unpin(struct pfn_reader *reader)
{
	struct pfn_batch_iter iter;

	lockdep_assert_held(&reader->pages->mutex);

	if (!reader->pinned)
		return;
	pfn_batch_iter_first(&iter, &reader->batch, 0, reader->batch.npages);
	pin_release(&reader->pages->origin, &iter);
	reader->pinned = false;
}

/**
 * pfn_reader_destroy() - Undo pfn_reader_init()
 * @reader: at any point of the range; the current batch is not touched
 *
 * Context: may sleep.
 */
void pfn_reader_destroy(struct pfn_reader *reader)
{
	pin_cursor_destroy(&reader->pages->origin, &reader->cursor);
	pfn_batch_destroy(&reader->batch);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Which parts of the IOVA have devices written?
 *
 * Whoever reads it also clears it. So the order is: pin a piece of the bitmap,
 * read what belongs there, flush the IOTLB, unpin. A bitmap that cannot be
 * written is found before anything is cleared. A piece is what lies between two
 * multiples of PFN_DOMAIN_STEP, which no IOPTE crosses; a bit of it that is
 * found has its place in the piece. So memory and time for it are bounded, and
 * all locks are dropped in between.
 *
 * Maps and unmaps of other threads go on meanwhile. What an area shows is
 * decided by &iopt_area.content, under the mutex of its pages, and not by its
 * state: an area that is on its way out is read as long as devices reach it,
 * and one that is being set up not before they do.
 */
#include "iopt_dirty.h"

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iova_bitmap.h>
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>

#include "io_pagetable.h"
#include "iopt_lookup.h"
#include "pages/iopte_dirty.h"
#include "pages/pages.h"
#include "pages/pfn_domain.h"

#define BITS_PER_U64 BITS_PER_TYPE(u64)

/**
 * struct dirty_walk - A reading of several areas
 * @iopt: whose areas
 * @member: the domain, which is, or was, a member
 * @dirty: the reading
 * @piece: the range that the bitmap of @dirty has room for
 */
struct dirty_walk {
	struct io_pagetable *iopt;
	const struct iopt_domain *member;
	struct iopte_dirty dirty;
	struct iopte_range piece;
};

/* The first area in a range, which becomes what the area has of it. */
static struct iopt_area *range_first_area(struct io_pagetable *iopt,
					  struct iopte_range *range)
{
	struct iopt_area *area;

	guard(rwsem_read)(&iopt->iova_rwsem);
	area = iopt_area_from_node(iova_tree_first(&iopt->tree, range->start,
						   range->last));
	if (!area)
		return NULL;
	refcount_inc(&area->refs);
	range->start = max(range->start, area->node.start);
	range->last = min(range->last, area->node.last);
	return area;
}

/* Does the domain have IOPTEs for all of an area? */
static bool member_shows_area(const struct iopt_domain *member,
			      const struct iopt_area *area)
{
	lockdep_assert_held(&area->pages->mutex);
	guard(rwsem_read)(&area->domains->rwsem);

	return area->content == IOPT_AREA_FILLED &&
	       iopt_domain_in(member, area->generation);
}

static int walk_read_area(struct dirty_walk *walk, struct iopt_area *area,
			  const struct iopte_range *part)
{
	int rc = 0;

	lockdep_assert_not_held(&area->iopt->iova_rwsem);

	if (mutex_lock_killable(&area->pages->mutex))
		return -EINTR;
	if (member_shows_area(walk->member, area)) {
		/* No longer moved by whoever sets it up. */
		const struct iopte_range whole = {
			area->node.start, area->node.last
		};

		rc = iopte_dirty_read(&walk->dirty, &whole, part);
	}
	mutex_unlock(&area->pages->mutex);
	return rc;
}

/* All areas in a piece, and the flush. */
static int walk_read_piece(struct dirty_walk *walk)
{
	struct iopte_range rest = walk->piece;
	int rc;

	for (;;) {
		struct iopte_range part = rest;
		struct iopt_area *area = range_first_area(walk->iopt, &part);

		rc = 0;
		if (!area)
			break;
		rc = walk_read_area(walk, area, &part);
		iopt_area_put(area);
		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		if (rc || part.last == rest.last)
			break;
		rest.start = part.last + 1;
		cond_resched();
	}
	iopte_dirty_flush(&walk->dirty);
	return rc;
}

static int walk_read_pinned(struct iova_bitmap *bitmap, unsigned long iova,
			    size_t length, void *opaque)
{
	return walk_read_piece(opaque);
}

/* The part of the bitmap that a piece needs, from the next u64 below on. */
static struct iova_bitmap *
request_piece_bitmap(const struct iopt_dirty_request *request,
		     const struct iopte_range *piece)
{
	unsigned long bit = (piece->start - request->iova) / request->page_size;
	unsigned long word = bit / BITS_PER_U64;
	unsigned long iova = request->iova +
			     word * BITS_PER_U64 * request->page_size;

	return iova_bitmap_alloc(iova, piece->last - iova + 1,
				 request->page_size, request->bitmap + word);
}

static int walk_note_piece(struct dirty_walk *walk,
			   const struct iopt_dirty_request *request)
{
	struct iova_bitmap *bitmap =
		request_piece_bitmap(request, &walk->piece);
	int rc;

	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);
	walk->dirty.bitmap = bitmap;
	/* It fits into one window, so all of it is pinned meanwhile. */
	rc = iova_bitmap_for_each(bitmap, walk, walk_read_pinned);
	iova_bitmap_free(bitmap);
	return rc;
}

/* The first piece of a range that has areas; false if there is none. */
static bool walk_first_piece(struct dirty_walk *walk,
			     const struct iopte_range *range)
{
	struct iopte_range part = *range;
	struct iopt_area *area = range_first_area(walk->iopt, &part);

	if (!area)
		return false;
	iopt_area_put(area);
	walk->piece.start = part.start;
	walk->piece.last = min(range->last,
			       part.start | (PFN_DOMAIN_STEP - 1));
	return true;
}

/* Piece by piece, with nothing held in between. */
static int walk_pieces(struct dirty_walk *walk, unsigned long iova,
		       unsigned long last,
		       const struct iopt_dirty_request *request)
{
	struct iopte_range rest = { iova, last };

	while (walk_first_piece(walk, &rest)) {
		int rc = request ? walk_note_piece(walk, request) :
				   walk_read_piece(walk);

		if (rc || walk->piece.last == last)
			return rc;
		rest.start = walk->piece.last + 1;
		cond_resched();
	}
	return 0;
}

/**
 * iopt_read_dirty() - Note in a bitmap what devices have written, and forget it
 * @iopt: the io_pagetable
 * @member: a domain that is a member, or was or may become one; tracks writes
 * @request: what, and where to
 *
 * IOVA that nothing is mapped at is clean, and the bitmap there is not touched.
 *
 * Context: process context with the mm of the bitmap; may sleep, for long.
 * Return: 0; -EFAULT if the bitmap cannot be written; -EINTR on a fatal signal;
 * -ENOMEM; or an error of the IOMMU driver. On failure what was cleared has
 * been noted, and all else is as before.
 */
int iopt_read_dirty(struct io_pagetable *iopt, const struct iopt_domain *member,
		    const struct iopt_dirty_request *request)
{
	struct dirty_walk walk = {
		.iopt = iopt,
		.member = member,
		.dirty.domain = member->domain,
		.dirty.flags = request->flags,
	};

	return walk_pieces(&walk, request->iova, request->last, request);
}

/**
 * iopt_clear_dirty() - Forget what devices have written
 * @iopt: the io_pagetable
 * @member: a domain that is a member, or was or may become one
 *
 * Context: may sleep, for long.
 * Return: 0; -EINTR on a fatal signal; or an error of the IOMMU driver. Some is
 * forgotten in any case.
 */
int iopt_clear_dirty(struct io_pagetable *iopt,
		     const struct iopt_domain *member)
{
	struct dirty_walk walk = {
		.iopt = iopt,
		.member = member,
		.dirty.domain = member->domain,
	};

	return walk_pieces(&walk, 0, ULONG_MAX, NULL);
}

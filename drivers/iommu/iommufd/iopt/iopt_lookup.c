// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Finding areas by IOVA, and walking them without a lock in between.
 */
#include "iopt_lookup.h"

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/wait.h>

#include "io_pagetable.h"
#include "lib/trace.h"

/* Inline for those who pin and copy little at a time. */
static inline int area_part_find(struct io_pagetable *iopt, unsigned long iova,
				 unsigned long last,
				 struct iopt_area_part *part)
{
	struct iopt_area *area;

	lockdep_assert_held(&iopt->iova_rwsem);

	area = iopt_area_from_node(iova_tree_first(&iopt->tree, iova, iova));
	if (!area || iopt_area_state(area) == IOPT_AREA_SETUP)
		return iommufd_refuse(-ENOENT, IOMMUFD_REFUSE_UNMAPPED, iova,
				      last);
	part->area = area;
	part->start_byte = iopt_area_first(area) * PAGE_SIZE +
			   area->page_offset + (iova - area->node.start);
	part->length = min(last, area->node.last) - iova + 1;
	return 0;
}

/**
 * iopt_area_part_get() - Find the area that a range of IOVA begins in
 * @iopt: the io_pagetable
 * @iova: first IOVA
 * @last: last IOVA of the range, inclusive; it may go on in other areas
 * @part: receives the part of the area that the range covers
 *
 * An area that is on its way out still shows its memory until the unmap is
 * over, so it is found as well.
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for read.
 * Return: 0, the caller gives up @part->area; -ENOENT if nothing is mapped.
 */
int iopt_area_part_get(struct io_pagetable *iopt, unsigned long iova,
		       unsigned long last, struct iopt_area_part *part)
{
	int rc;

	guard(rwsem_read)(&iopt->iova_rwsem);
	rc = area_part_find(iopt, iova, last, part);
	if (!rc)
		refcount_inc(&part->area->refs);
	return rc;
}

/**
 * iopt_area_part_enter() - Find an area, and keep it from being unmapped
 * @iopt: the io_pagetable
 * @iova: first IOVA
 * @last: last IOVA of the range, inclusive; it may go on in other areas
 * @part: receives the part of the area that the range covers
 *
 * Context: as iopt_area_part_get(). An iopt_access has to be there, or an unmap
 * does not wait.
 * Return: 0, followed by iopt_area_exit(); -ENOENT if nothing is mapped; -EINVAL
 * if the area is being unmapped.
 */
int iopt_area_part_enter(struct io_pagetable *iopt, unsigned long iova,
			 unsigned long last, struct iopt_area_part *part)
{
	int rc;

	guard(rwsem_read)(&iopt->iova_rwsem);
	rc = area_part_find(iopt, iova, last, part);
	if (rc)
		return rc;
	if (part->area->prevent_access)
		return -EINVAL;
	atomic_long_inc(&part->area->num_accesses);
	return 0;
}

/**
 * iopt_area_exit() - Undo iopt_area_part_enter()
 * @iopt: the io_pagetable
 * @area: may be gone when this returns
 *
 * Context: may sleep.
 */
void iopt_area_exit(struct io_pagetable *iopt, struct iopt_area *area)
{
	/* Not one touch of the area behind this, and none before comes later. */
	smp_mb__before_atomic();
	atomic_long_dec(&area->num_accesses);
	if (wq_has_sleeper(&iopt->unpinned))
		wake_up_all(&iopt->unpinned);
}

static struct iova_node *node_from(struct io_pagetable *iopt,
				   unsigned long start)
{
	return iova_tree_first(&iopt->tree, start, ULONG_MAX);
}

/* The successor in the tree, or of the place of an area that is not there. */
static struct iova_node *node_after(struct io_pagetable *iopt,
				    const struct iopt_area *area)
{
	lockdep_assert_held(&iopt->iova_rwsem);

	/* In all other states it is in the tree, published or not. */
	if (READ_ONCE(area->state) != IOPT_AREA_ERASED)
		return iova_tree_next(&area->node, ULONG_MAX);
	/* The last address has no successor. */
	if (area->node.last == ULONG_MAX)
		return NULL;
	return node_from(iopt, area->node.last + 1);
}

static struct iopt_area *area_get(struct iova_node *node)
{
	struct iopt_area *area = iopt_area_from_node(node);

	if (area)
		refcount_inc(&area->refs);
	return area;
}

/**
 * iopt_area_get_from() - Find the first area from an IOVA on
 * @iopt: the io_pagetable
 * @start: the IOVA; the area may begin below it
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for read.
 * Return: the area, with a reference; NULL if there is none.
 */
struct iopt_area *iopt_area_get_from(struct io_pagetable *iopt,
				     unsigned long start)
{
	guard(rwsem_read)(&iopt->iova_rwsem);
	return area_get(node_from(iopt, start));
}

/**
 * iopt_area_get_next() - Step for iopt_for_each_area()
 * @iopt: the io_pagetable
 * @area: the current area, whose reference is given up
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for read.
 * Return: the area at the next higher IOVA, with a reference; NULL at the end.
 */
struct iopt_area *iopt_area_get_next(struct io_pagetable *iopt,
				     struct iopt_area *area)
{
	struct iopt_area *next;

	down_read(&iopt->iova_rwsem);
	next = area_get(node_after(iopt, area));
	up_read(&iopt->iova_rwsem);
	iopt_area_put(area);
	return next;
}

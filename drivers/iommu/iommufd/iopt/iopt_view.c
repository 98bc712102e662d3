// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Looking at areas, one by one.
 */
#include "iopt_view.h"

#include <linux/cleanup.h>

#include "io_pagetable.h"
#include "iopt_lookup.h"
#include "pages/run_chunks.h"

/* What the lock of the tree protects; returns the area, with a reference. */
static struct iopt_area *view_place(struct io_pagetable *iopt,
				    unsigned long iova,
				    struct iopt_area_view *view)
{
	struct iopt_area *area;

	guard(rwsem_read)(&iopt->iova_rwsem);
	area = iopt_area_from_node(iova_tree_first(&iopt->tree, iova,
						   ULONG_MAX));
	if (!area)
		return NULL;
	refcount_inc(&area->refs);
	view->start = area->node.start;
	view->last = area->node.last;
	view->state = iopt_area_state(area);
	return area;
}

/* What the lock of its pages protects. */
static void view_pages(struct iopt_area *area, struct iopt_area_view *view)
{
	struct iopt_pages *pages = area->pages;

	lockdep_assert_not_held(&area->iopt->iova_rwsem);

	guard(mutex)(&pages->mutex);
	view->content = area->content;
	view->naccesses = atomic_long_read(&area->num_accesses);
	view->one_run = area->one_run;
	view->memory = pages->npages;
	view->pinned = pages->npinned;
	view->chunks = run_chunks_count(pages);
}

/**
 * iopt_area_view_from() - Look at the first area from an IOVA on
 * @iopt: the io_pagetable
 * @iova: the IOVA; the area may begin below it
 * @view: receives what there is to see
 *
 * The locks are held one after the other, each for a short step.
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for read, and
 * &iopt_pages.mutex, for which pinning is not waited.
 * Return: false if there is no area.
 */
bool iopt_area_view_from(struct io_pagetable *iopt, unsigned long iova,
			 struct iopt_area_view *view)
{
	struct iopt_area *area = view_place(iopt, iova, view);

	if (!area)
		return false;
	view->iommu_prot = area->iommu_prot;
	view->npages = iopt_area_npages(area);
	view_pages(area, view);
	iopt_area_put(area);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_LOOKUP_H
#define __IOMMUFD_IOPT_LOOKUP_H

#include <linux/container_of.h>
#include <linux/lockdep.h>
#include <asm/barrier.h>

#include "io_pagetable.h"
#include "pages/area.h"

/**
 * iopt_area_from_node() - The area that a node of the IOVA tree is
 * @node: in &io_pagetable.tree, or NULL
 *
 * Context: any.
 * Return: the area, NULL for NULL.
 */
static inline struct iopt_area *iopt_area_from_node(struct iova_node *node)
{
	return node ? container_of(node, struct iopt_area, node) : NULL;
}

/**
 * iopt_area_state() - Where in its life an area is
 * @area: in the tree
 *
 * Areas are published without the lock. What their owner did before, such as
 * giving up &iopt_area.list, is then over.
 *
 * Context: &io_pagetable.iova_rwsem held.
 * Return: the state.
 */
static inline enum iopt_area_state iopt_area_state(const struct iopt_area *area)
{
	enum iopt_area_state state;

	lockdep_assert_held(&area->iopt->iova_rwsem);

	/* Pairs with mapping_publish(). */
	state = smp_load_acquire(&area->state);
	if (state != IOPT_AREA_SETUP || !area->setup)
		return state;
	/* So does this. */
	return smp_load_acquire(&area->setup->published) ? IOPT_AREA_LIVE :
							   state;
}

/**
 * struct iopt_area_part - A part of an area, as a step along a range of IOVA
 * @area: with a reference, or entered
 * @start_byte: offset of the first byte in @area->pages, bytes
 * @length: bytes
 */
struct iopt_area_part {
	struct iopt_area *area;
	unsigned long start_byte;
	unsigned long length;
};

/**
 * struct iopt_visitor - Something to do with areas, one after the other
 * @visit: called with an area that has its IOVA for good, and a reference to it;
 *         may sleep, no lock is held. Returns 0, or an error that ends the walk
 */
struct iopt_visitor {
	int (*visit)(struct iopt_visitor *visitor, struct iopt_area *area);
};

int iopt_area_part_get(struct io_pagetable *iopt, unsigned long iova,
		       unsigned long last, struct iopt_area_part *part);
int iopt_area_part_enter(struct io_pagetable *iopt, unsigned long iova,
			 unsigned long last, struct iopt_area_part *part);
void iopt_area_exit(struct io_pagetable *iopt, struct iopt_area *area);
struct iopt_area *iopt_area_get_from(struct io_pagetable *iopt,
				     unsigned long start);
struct iopt_area *iopt_area_get_next(struct io_pagetable *iopt,
				     struct iopt_area *area);

/**
 * iopt_for_each_area() - Visit all areas without holding the lock
 * @area: struct iopt_area, with a reference in the body of the loop
 * @iopt: the io_pagetable; its lock is taken for each step only
 *
 * Sees every area that is in the tree from begin to end, in whatever state.
 * After leaving the body early the reference is the caller's.
 */
#define iopt_for_each_area(area, iopt)                        \
	for ((area) = iopt_area_get_from(iopt, 0); (area); \
	     (area) = iopt_area_get_next(iopt, area))

#endif

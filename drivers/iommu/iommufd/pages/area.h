/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_AREA_H
#define __IOMMUFD_AREA_H

#include <asm/barrier.h>

#include "iopt_types.h"

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
	/* Pairs with mapping_publish(). */
	enum iopt_area_state state = smp_load_acquire(&area->state);

	if (state != IOPT_AREA_SETUP || !area->setup)
		return state;
	/* So does this. */
	return smp_load_acquire(&area->setup->published) ? IOPT_AREA_LIVE :
							   state;
}

void iopt_area_init(struct iopt_area *area, struct iopt_pages *pages,
		    unsigned long start_byte, unsigned long length,
		    int iommu_prot);
struct iopt_area *iopt_area_alloc(struct iopt_pages *pages,
				  unsigned long start_byte,
				  unsigned long length, int iommu_prot);
void iopt_setup_put(struct iopt_setup *setup);
void iopt_area_put(struct iopt_area *area);
unsigned int iopt_area_alignment_order(const struct iopt_area *area);

#endif

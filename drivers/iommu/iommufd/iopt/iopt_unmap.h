/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_UNMAP_H
#define __IOMMUFD_IOPT_UNMAP_H

struct io_pagetable;
struct iopt_visitor;
struct list_head;

/**
 * enum iopt_unmap_rule - What becomes of areas at the ends of a range
 * @IOPT_UNMAP_EXACT: -ENOENT if nothing is mapped or the range cuts an area,
 *                    -EBUSY if an area is still being mapped
 * @IOPT_UNMAP_TYPE1_V2: -ENOENT if the range cuts an area; what is still being
 *                       mapped counts as mapped afterwards
 * @IOPT_UNMAP_TYPE1_V1: an area that begins in the range is unmapped as a
 *                       whole. Nothing is unmapped if the range begins inside
 *                       of one. What is still being mapped counts as mapped
 *                       afterwards
 */
enum iopt_unmap_rule {
	IOPT_UNMAP_EXACT,
	IOPT_UNMAP_TYPE1_V2,
	IOPT_UNMAP_TYPE1_V1,
};

int iopt_unmap_by(struct io_pagetable *iopt, unsigned long start,
		  unsigned long last, enum iopt_unmap_rule rule,
		  unsigned long *unmapped);
int iopt_unmap_visited(struct io_pagetable *iopt, unsigned long start,
		       unsigned long last, enum iopt_unmap_rule rule,
		       struct iopt_visitor *visitor, unsigned long *unmapped);
int iopt_unmap(struct io_pagetable *iopt, unsigned long start,
	       unsigned long last, unsigned long *unmapped);
int iopt_unmap_all(struct io_pagetable *iopt, unsigned long *unmapped);
void iopt_erase_areas(struct io_pagetable *iopt, struct list_head *areas,
		      unsigned long *length);

#endif

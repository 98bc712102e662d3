/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_IOVA_H
#define __IOMMUFD_IOPT_IOVA_H

#include <linux/kconfig.h>
#include <linux/types.h>

struct io_pagetable;
struct iommu_iova_range;
struct iopt_area;
struct iova_ranges;

/*
 * So many areas are put into the tree, or taken out, until others can have it.
 * In a kernel for tests they are so few that every test takes several steps.
 */
#define IOPT_AREAS_STEP (IS_ENABLED(CONFIG_IOMMUFD_TEST) ? 3 : 256)

/**
 * struct iopt_search - A search for free IOVA, step by step
 * @address: IOVA is to be like this, modulo the alignment
 * @length: bytes
 * @alignments: to be tried one after the other
 * @i: the one that is being tried
 * @from: nothing is free below this IOVA with that
 */
struct iopt_search {
	unsigned long address;
	unsigned long length;
	unsigned long alignments[4];
	unsigned int i;
	unsigned long from;
};

int iopt_set_allowed(struct io_pagetable *iopt, struct iova_ranges *allowed);
int iopt_reserve(struct io_pagetable *iopt, unsigned long start,
		 unsigned long last, const void *owner);
void iopt_unreserve(struct io_pagetable *iopt, const void *owner);
size_t iopt_usable_ranges(struct io_pagetable *iopt,
			  struct iommu_iova_range *out, size_t capacity,
			  unsigned long *alignment);

unsigned long iopt_page_sizes(struct io_pagetable *iopt);
void iopt_search_init(struct iopt_search *search, struct io_pagetable *iopt,
		      unsigned long address, unsigned long length);
int iopt_search_step(struct io_pagetable *iopt, struct iopt_search *search,
		     unsigned long *iova);
int iopt_check_fixed(struct io_pagetable *iopt, unsigned long iova,
		     unsigned long last);

void iopt_insert_area(struct io_pagetable *iopt, struct iopt_area *area,
		      unsigned int order);
unsigned long iopt_discount_area(struct io_pagetable *iopt,
				 struct iopt_area *area);
int iopt_charge_area(struct io_pagetable *iopt);

#endif

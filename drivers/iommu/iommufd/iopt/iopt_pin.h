/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_PIN_H
#define __IOMMUFD_IOPT_PIN_H

#include <linux/bits.h>

struct io_pagetable;
struct page;

/* flags of iopt_pin_pages() */
#define IOPT_PIN_WRITE BIT(0)

int iopt_pin_pages(struct io_pagetable *iopt, unsigned long iova,
		   unsigned long length, struct page **out_pages,
		   unsigned int flags);
unsigned long iopt_unpin_pages(struct io_pagetable *iopt, unsigned long iova,
			       unsigned long length);
int iopt_rw(struct io_pagetable *iopt, unsigned long iova, void *data,
	    unsigned long length, unsigned int flags);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PAGES_ACCESS_H
#define __IOMMUFD_PAGES_ACCESS_H

#include <linux/types.h>

struct iopt_area;
struct page;

int iopt_area_add_access(struct iopt_area *area, unsigned long start,
			 unsigned long last, struct page **out_pages,
			 bool write);
unsigned long iopt_area_remove_access(struct iopt_area *area,
				      unsigned long start, unsigned long last);
bool iopt_area_next_pinned(struct iopt_area *area, unsigned long *start,
			   unsigned long *last);

#endif

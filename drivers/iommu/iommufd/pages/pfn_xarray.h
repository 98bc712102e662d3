/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PFN_XARRAY_H
#define __IOMMUFD_PFN_XARRAY_H

struct iopt_pages;
struct page;
struct pfn_batch;

void pfn_xarray_read(struct iopt_pages *pages, unsigned long index,
		     unsigned long last, struct pfn_batch *batch);
void pfn_xarray_to_pages(struct iopt_pages *pages, unsigned long start,
			 unsigned long last, struct page **out_pages);
int pfn_xarray_write(struct iopt_pages *pages, unsigned long start,
		     unsigned long last, struct page **from_pages);
void pfn_xarray_take(struct iopt_pages *pages, unsigned long index,
		     unsigned long last, struct pfn_batch *batch);
void pfn_xarray_erase(struct iopt_pages *pages, unsigned long start,
		      unsigned long last);

#endif

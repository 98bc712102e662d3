/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PFN_STORAGE_H
#define __IOMMUFD_PFN_STORAGE_H

struct iommu_domain;
struct iopt_area;
struct iopt_pages;
struct page;
struct pfn_batch;
struct pfn_batch_iter;
struct pfn_span;

void pfn_storage_read_domain(struct iopt_area *area,
			     struct iommu_domain *domain, unsigned long index,
			     unsigned long last, struct pfn_batch *batch);
void pfn_storage_to_pages(const struct pfn_span *span,
			  struct page **out_pages);
void pfn_storage_read(struct iopt_pages *pages, const struct pfn_span *span,
		      unsigned long index, struct pfn_batch *batch);
void pfn_storage_unpin_unstored(struct iopt_pages *pages,
				struct pfn_batch_iter *iter,
				unsigned long index, unsigned long npages);
void pfn_storage_unpin_run(struct iopt_pages *pages, unsigned long pfn,
			   unsigned long index, unsigned long npages);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_UNFILL_PARTS_H
#define __IOMMUFD_UNFILL_PARTS_H

#include "lib/pfn_batch.h"

struct iommu_domain;
struct iopt_area;
struct iopt_domain;

/* So many parts go through together. */
#define UNFILL_PARTS 16

/**
 * struct unfill_part - Neighbouring pages of an area that are to be unpinned
 * @area: they are mapped in
 * @target: in this domain; NULL for all of the area's generation
 * @index: of the first page
 * @npages: how many of them may be unpinned
 * @stuck: how many, behind these, have to stay pinned
 * @iova: where they are
 * @length: bytes
 */
struct unfill_part {
	struct iopt_area *area;
	struct iopt_domain *target;
	unsigned long index;
	unsigned long npages;
	unsigned long stuck;
	unsigned long iova;
	unsigned long length;
};

/**
 * struct unfill_parts - Pages on their way from IOPTEs to being unpinned
 * @batch: the PFNs of all parts, in their order, but for areas that are one run
 * @parts: what goes through together
 * @nparts: number of @parts
 */
struct unfill_parts {
	struct pfn_batch batch;
	struct unfill_part parts[UNFILL_PARTS];
	unsigned int nparts;
};

/**
 * unfill_parts_init() - Begin without parts
 * @unfill: to be set up
 *
 * Context: any.
 */
static inline void unfill_parts_init(struct unfill_parts *unfill)
{
	pfn_batch_init(&unfill->batch);
	unfill->nparts = 0;
}

void unfill_parts_add(struct unfill_parts *unfill, struct iopt_area *area,
		      struct iopt_domain *target, struct iommu_domain *source,
		      unsigned long index, unsigned long last);
void unfill_parts_flush(struct unfill_parts *unfill);

/**
 * unfill_parts_destroy() - Undo unfill_parts_init()
 * @unfill: flushed
 *
 * Context: any.
 */
static inline void unfill_parts_destroy(struct unfill_parts *unfill)
{
	pfn_batch_destroy(&unfill->batch);
}

#endif

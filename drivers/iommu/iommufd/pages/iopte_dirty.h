/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPTE_DIRTY_H
#define __IOMMUFD_IOPTE_DIRTY_H

#include <linux/types.h>

struct iommu_domain;
struct iova_bitmap;

/**
 * struct iopte_dirty - A reading of which IOPTEs devices have written through
 * @domain: the page table; it has &iommu_domain.dirty_ops, and tracks writes
 * @bitmap: where they are noted; NULL to forget them
 * @flags: IOMMU_DIRTY_NO_CLEAR to leave them as they are, or 0
 * @cleared: some have been cleared, and the IOTLB has not been flushed since
 */
struct iopte_dirty {
	struct iommu_domain *domain;
	struct iova_bitmap *bitmap;
	unsigned long flags;
	bool cleared;
};

/**
 * struct iopte_range - A range of IOVA
 * @start: first IOVA, bytes
 * @last: last IOVA, inclusive
 */
struct iopte_range {
	unsigned long start;
	unsigned long last;
};

/*
 * IOMMU drivers note in a bitmap: the parameter direct_dirty. Tests change it.
 */
extern bool iopte_dirty_direct;

int iopte_dirty_read(struct iopte_dirty *dirty, const struct iopte_range *area,
		     const struct iopte_range *range);
void iopte_dirty_flush(struct iopte_dirty *dirty);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The page tables of the benchmark's IOMMU.
 */
#ifndef SELFTEST_IOMMU_BENCH_TABLE_H
#define SELFTEST_IOMMU_BENCH_TABLE_H

#include <linux/iommu.h>

extern const struct iommu_dirty_ops bench_dirty_ops;

struct iommu_domain *bench_table_alloc(bool huge,
				       const struct iommu_domain_ops *ops);
void bench_table_free(struct iommu_domain *domain);
int bench_table_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t phys, size_t size, size_t count, int prot,
		    gfp_t gfp, size_t *mapped);
size_t bench_table_unmap(struct iommu_domain *domain, unsigned long iova,
			 size_t size, size_t count,
			 struct iommu_iotlb_gather *gather);
phys_addr_t bench_table_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova);
void bench_table_write(struct iommu_domain *domain, unsigned int every);

#endif

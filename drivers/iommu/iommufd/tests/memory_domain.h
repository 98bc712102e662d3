/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A page table without a device. It is a tree of tables, as that of an IOMMU is,
 * and knows what its IOTLB may still hold. How it behaves when it gets no memory
 * for a table can be chosen: like most drivers, or like VT-d.
 */
#ifndef __IOMMUFD_TESTS_MEMORY_DOMAIN_H
#define __IOMMUFD_TESTS_MEMORY_DOMAIN_H

#include <linux/iommu.h>
#include <linux/limits.h>
#include <linux/maple_tree.h>
#include <linux/types.h>

#define MEMORY_DOMAIN_NEVER ULONG_MAX

struct memory_table;

/**
 * struct memory_domain - A page table without a device
 * @domain: for the IOMMU core
 * @root: the topmost table, NULL if nothing was mapped yet
 * @unflushed: IOVA that were unmapped and not flushed
 * @shift: log2 of the smallest page size
 * @table_bits: log2 of the number of entries of a table; before anything is
 *	mapped it can be changed
 * @vtd: a call to map reports all or nothing, what it has written stays; joins
 *	pages to larger ones; keeps what is there already, and reports success
 * @nentries: what is mapped, in pages of the smallest size
 * @fail_after: pages, of whatever size, that can be mapped until one fails;
 *	MEMORY_DOMAIN_NEVER for no failure
 * @tables_left: tables that can be allocated until one fails, without @root;
 *	MEMORY_DOMAIN_NEVER for no failure
 * @most_bytes: the largest page that was used
 * @wrong: what it says when asked for a physical address; PHYS_ADDR_MAX for the
 *	truth
 * @lookups: how often it was asked for a physical address
 * @flushes: how often it was asked to flush
 * @errors: what no driver has to put up with: mapping over something,
 *	unmapping nothing, or a part of a page. Also a table that is freed
 *	before all that it covers has been flushed
 */
struct memory_domain {
	struct iommu_domain domain;
	struct memory_table *root;
	struct maple_tree unflushed;
	unsigned int shift;
	unsigned int table_bits;
	bool vtd;
	unsigned long nentries;
	unsigned long fail_after;
	unsigned long tables_left;
	unsigned long most_bytes;
	phys_addr_t wrong;
	unsigned long lookups;
	unsigned long flushes;
	unsigned int errors;
};

void memory_domain_init(struct memory_domain *memory,
			unsigned long pgsize_bitmap);
void memory_domain_destroy(struct memory_domain *memory);
phys_addr_t memory_domain_lookup(struct memory_domain *memory,
				 unsigned long iova);
unsigned long memory_domain_page_size(struct memory_domain *memory,
				      unsigned long iova);
bool memory_domain_flushed(struct memory_domain *memory);

int memory_domain_map(struct iommu_domain *domain, unsigned long iova,
		      phys_addr_t phys, size_t pgsize, size_t count, int prot,
		      gfp_t gfp, size_t *mapped);
size_t memory_domain_unmap(struct iommu_domain *domain, unsigned long iova,
			   size_t pgsize, size_t count,
			   struct iommu_iotlb_gather *gather);
void memory_domain_sync(struct iommu_domain *domain,
			struct iommu_iotlb_gather *gather);
void memory_domain_flush_all(struct iommu_domain *domain);
phys_addr_t memory_domain_iova_to_phys(struct iommu_domain *domain,
				       dma_addr_t iova);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_TESTS_MEMORY_DOMAIN_H
#define __IOMMUFD_TESTS_MEMORY_DOMAIN_H

#include <linux/iommu.h>
#include <linux/limits.h>
#include <linux/types.h>
#include <linux/xarray.h>

#define MEMORY_DOMAIN_NEVER ULONG_MAX

/**
 * struct memory_domain - A page table without a device
 * @domain: for the IOMMU core
 * @entries: what is mapped, one entry for each piece of the smallest page size,
 *	by IOVA >> @shift
 * @shift: log2 of the smallest page size
 * @nentries: number of @entries
 * @fail_after: pages, of whatever size, that can be mapped until one fails;
 *	MEMORY_DOMAIN_NEVER for no failure
 * @most_bytes: the largest page that was used
 * @lookups: how often it was asked for a physical address
 * @errors: what no driver has to put up with: mapping over something, unmapping
 *	nothing, or a part of a page
 */
struct memory_domain {
	struct iommu_domain domain;
	struct xarray entries;
	unsigned int shift;
	unsigned long nentries;
	unsigned long fail_after;
	unsigned long most_bytes;
	unsigned long lookups;
	unsigned int errors;
};

void memory_domain_init(struct memory_domain *memory,
			unsigned long pgsize_bitmap);
void memory_domain_destroy(struct memory_domain *memory);
phys_addr_t memory_domain_lookup(struct memory_domain *memory,
				 unsigned long iova);

#endif

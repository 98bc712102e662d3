/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PFN_DOMAIN_H
#define __IOMMUFD_PFN_DOMAIN_H

#include <linux/iommu.h>
#include <linux/jump_label.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct pfn_run;

/**
 * struct pfn_window - Where in a domain a batch shows
 * @iova: first IOVA, bytes
 * @length: bytes
 * @offset: of @iova in the first page of the batch, below PAGE_SIZE
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE, IOMMU_MMIO
 * @huge_pages: contiguous memory may be one IOPTE; else one for each page
 * @nowait: allocate tables without waiting for memory
 */
struct pfn_window {
	unsigned long iova;
	unsigned long length;
	unsigned int offset;
	int prot;
	bool huge_pages;
	bool nowait;
};

/**
 * struct pfn_unmapping - IOPTEs that are cleared, and may still be in an IOTLB
 * @domain: the page table; NULL if there are none
 * @last: IOVA where the last piece ends, inclusive
 * @gather: what is to be flushed
 *
 * Lives on the stack of one thread; no locking.
 */
struct pfn_unmapping {
	struct iommu_domain *domain;
	unsigned long last;
	struct iommu_iotlb_gather gather;
};

/* No IOPTE crosses an IOVA that is a multiple of this, bytes. */
#define PFN_DOMAIN_STEP SZ_1G

/* Call IOMMU drivers directly: the parameter direct_iommu. Tests change it. */
DECLARE_STATIC_KEY_TRUE(pfn_domain_direct);

int pfn_domain_map(struct iommu_domain *domain, const struct pfn_run *runs,
		   const struct pfn_window *window);
void pfn_domain_keep(const struct pfn_run *runs,
		     const struct pfn_window *window);
unsigned long pfn_domain_unmap(struct iommu_domain *domain, unsigned long iova,
			       unsigned long length);
unsigned long pfn_unmapping_add(struct pfn_unmapping *unmapping,
				struct iommu_domain *domain, unsigned long iova,
				unsigned long length);
void pfn_unmapping_end(struct pfn_unmapping *unmapping);

/**
 * pfn_domain_read() - Read a PFN back from an IOPTE
 * @domain: the page table, of a kind that can be mapped to
 * @iova: where something is mapped
 *
 * Context: any. The IOPTE does not change meanwhile.
 * Return: the PFN.
 */
static inline unsigned long pfn_domain_read(struct iommu_domain *domain,
					    unsigned long iova)
{
	/* As iommu_iova_to_phys(), which looks what kind of domain it is. */
	if (static_branch_likely(&pfn_domain_direct))
		return PHYS_PFN(domain->ops->iova_to_phys(domain, iova));
	return PHYS_PFN(iommu_iova_to_phys(domain, iova));
}

/**
 * pfn_unmapping_init() - Begin without anything to flush
 * @unmapping: to be set up
 *
 * Context: any.
 */
static inline void pfn_unmapping_init(struct pfn_unmapping *unmapping)
{
	unmapping->domain = NULL;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_DOMAIN_H
#define __IOMMUFD_MOCK_DOMAIN_H

#include <linux/container_of.h>
#include <linux/iommu.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <asm/page.h>

#include "mock_entry.h"
#include "mock_fault.h"

struct platform_device;

/* The smallest IOPTE: what is right by pages only is wrong somewhere. */
#define MOCK_IOPTE_SIZE (PAGE_SIZE / 2)
#define MOCK_HUGE_IOPTE_SIZE (512 * MOCK_IOPTE_SIZE)

/* Marks of entries: the IOPTE is dirty; the IOTLB has it, and knows that. */
#define MOCK_DIRTY XA_MARK_0
#define MOCK_CACHED_DIRTY XA_MARK_1

/**
 * struct mock_unit - A device behind the mock IOMMU
 * @pdev: the device
 * @flags: MOCK_FLAGS_DEVICE_*, constant
 * @present: the domain it is attached to; the lock of its IOMMU group, and
 *           &mock_faults.reports
 * @entry: what the hardware knows of it
 * @faults: its page requests
 */
struct mock_unit {
	struct platform_device *pdev;
	u32 flags;
	struct iommu_domain *present;
	struct mock_entry entry;
	struct mock_faults faults;
};

/**
 * struct mock_domain - A page table
 * @domain: for the core
 * @entries: by IOVA, in units of MOCK_IOPTE_SIZE; a huge one is where it
 *           begins. Its lock makes marks atomic
 * @huge: has huge IOPTEs and the whole of IOVA; constant
 * @nest_parent: others may be nested in it; constant
 * @users: devices that use it, or what is nested in it. If they are tracked,
 *         IOPTEs become dirty
 */
struct mock_domain {
	struct iommu_domain domain;
	struct xarray entries;
	bool huge;
	bool nest_parent;
	struct mock_entries users;
};

/**
 * struct mock_iopte - An IOPTE that was found
 * @index: of its entry
 * @size: bytes, 0 if there is none
 */
struct mock_iopte {
	unsigned long index;
	size_t size;
};

/**
 * mock_domain_from() - The page table that a domain is
 * @domain: one that mock_domain_is() tells to be one
 *
 * Context: any.
 * Return: the page table.
 */
static inline struct mock_domain *mock_domain_from(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_domain, domain);
}

extern const struct iommu_domain_ops mock_domain_ops;

struct iommu_domain *mock_domain_alloc(struct device *dev);
bool mock_domain_is(const struct iommu_domain *domain);
struct mock_iopte mock_domain_find(struct mock_domain *mock,
				   unsigned long iova);
struct mock_unit *mock_unit_from(struct device *dev);
bool mock_unit_is_huge(const struct mock_unit *unit);
void mock_unit_set_present(struct mock_unit *unit, struct iommu_domain *domain,
			   struct mock_entries *users);
int mock_unit_attach(struct mock_unit *unit, struct iommu_domain *domain,
		     struct mock_domain *table);

#endif

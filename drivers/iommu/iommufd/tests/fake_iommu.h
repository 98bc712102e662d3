/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * An IOMMU without hardware, registered with the IOMMU core.
 */
#ifndef __IOMMUFD_TESTS_FAKE_IOMMU_H
#define __IOMMUFD_TESTS_FAKE_IOMMU_H

#include <linux/iommu.h>
#include <linux/platform_device.h>
#include <linux/types.h>

#include "memory_domain.h"

#define FAKE_MAX_REGIONS 4
#define FAKE_UNITS 2
#define FAKE_APERTURE_LAST ((1UL << 40) - 1)

struct fake_device;
struct kunit_suite;

/**
 * enum fake_oddity - How a driver may break its word
 * @FAKE_SANE: not at all
 * @FAKE_NO_INVALIDATE: nested domains cannot be invalidated
 * @FAKE_NOT_NESTED: makes another one when asked for a nested domain
 * @FAKE_NO_DIRTY_OPS: has the capability to track writes, and nothing else
 * @FAKE_COUNTS_TOO_MANY: says it has invalidated more than there was
 * @FAKE_DOES_NOTHING: invalidates nothing, and says that is fine
 */
enum fake_oddity {
	FAKE_SANE,
	FAKE_NO_INVALIDATE,
	FAKE_NOT_NESTED,
	FAKE_NO_DIRTY_OPS,
	FAKE_COUNTS_TOO_MANY,
	FAKE_DOES_NOTHING,
};

/**
 * struct fake_domain - A page table, and what the fake knows of it
 * @memory: the page table
 * @maker: the device it was allocated for
 * @parent: what it is nested in; NULL for one that maps pages itself
 * @unit: which fake unit it is for, -1 if none has claimed it
 * @enforced: cache coherency is
 * @enforced_late: was asked for after the first page
 */
struct fake_domain {
	struct memory_domain memory;
	struct fake_device *maker;
	struct fake_domain *parent;
	int unit;
	bool enforced;
	bool enforced_late;
};

/**
 * struct fake_device - A device behind the fake IOMMU, and how it behaves
 * @pdev: the device
 * @unit: the IOMMU it is behind, 0 or 1; domains that belong to the other one
 *        cannot be attached
 * @group_of: a device whose group this one is in, or NULL
 * @incoherent: no IOMMU_CAP_CACHE_COHERENCY
 * @can_enforce: IOMMU_CAP_ENFORCE_CACHE_COHERENCY
 * @learns_late: domains have no aperture before they are attached
 * @oddity: what is wrong with the driver
 * @attach_error: errno of attaching to a domain other than the present one
 * @alloc_error: errno of allocating a domain
 * @map_error: errno of mapping in domains that were allocated for it
 * @enable_error: errno of enabling page requests
 * @prepares_nothing: enabling succeeds and does nothing
 * @asks_in_use: like VT-d, knows page requests only while DMA is not blocked
 * @nregions: entries of @regions
 * @regions: start, length and type of what the device reserves
 * @present: the domain it is attached to, NULL if DMA is blocked
 * @npages_at_attach: entries that @present, or its parent, had when it was
 *                    attached
 * @window_at_attach: it had a place for interrupts
 * @attaches: how often a paging domain was attached
 * @attempts: how often that was tried
 * @enabled: page requests are
 * @enables: how often they were enabled
 * @answered: how many groups of them, and
 * @last_answer: the last answer
 */
struct fake_device {
	struct platform_device *pdev;
	int unit;
	struct fake_device *group_of;
	bool incoherent;
	bool can_enforce;
	bool learns_late;
	enum fake_oddity oddity;
	int attach_error;
	int alloc_error;
	int map_error;
	int enable_error;
	bool prepares_nothing;
	bool asks_in_use;
	unsigned int nregions;
	struct iommu_resv_region regions[FAKE_MAX_REGIONS];

	struct fake_domain *present;
	unsigned long npages_at_attach;
	bool window_at_attach;
	unsigned int attaches;
	unsigned int attempts;
	bool enabled;
	unsigned int enables;
	unsigned int answered;
	enum iommu_page_response_code last_answer;
};

struct fake_domain *fake_domain_from(struct iommu_domain *domain);
unsigned int fake_iommu_domains(void);
int fake_iommu_begin(struct kunit_suite *suite);
void fake_iommu_end(struct kunit_suite *suite);
int fake_device_add(struct fake_device *fake);
void fake_device_remove(struct fake_device *fake);
void fake_device_reserve(struct fake_device *fake, phys_addr_t start,
			 size_t length, enum iommu_resv_type type);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * IOVA that a device cannot use for memory.
 */
#include "iopt_resv.h"

#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/overflow.h>

#include "io_pagetable.h"
#include "iopt_iova.h"

/*
 * Where the hardware has a window of its own, interrupts pass by the page table
 * and nothing has to be mapped. Some IOMMU drivers report the window that they
 * usually need all the same.
 */
static int resv_find_msi_window(const struct list_head *regions,
				phys_addr_t *start)
{
	const struct iommu_resv_region *region;
	unsigned int windows = 0;

	*start = PHYS_ADDR_MAX;
	list_for_each_entry(region, regions, list) {
		if (region->type == IOMMU_RESV_MSI) {
			*start = PHYS_ADDR_MAX;
			return 0;
		}
		if (region->type == IOMMU_RESV_SW_MSI) {
			*start = region->start;
			windows++;
		}
	}
	return windows > 1 ? -EINVAL : 0;
}

static int iopt_reserve_region(struct io_pagetable *iopt,
			       const struct iommu_resv_region *region,
			       const void *owner)
{
	unsigned long start = region->start;
	unsigned long last;

	/* An address may be wider than an IOVA; what is up there is no use. */
	if (!region->length || start != region->start)
		return 0;
	if (check_add_overflow(start, region->length - 1, &last))
		last = ULONG_MAX;
	return iopt_reserve(iopt, start, last, owner);
}

static int iopt_reserve_regions(struct io_pagetable *iopt,
				const struct list_head *regions,
				const void *owner)
{
	const struct iommu_resv_region *region;

	list_for_each_entry(region, regions, list) {
		int rc;

		/* For the firmware, which is over when a user has the device */
		if (region->type == IOMMU_RESV_DIRECT_RELAXABLE)
			continue;
		rc = iopt_reserve_region(iopt, region, owner);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * iopt_reserve_device() - Keep areas out of the IOVA that a device reserves
 * @iopt: the io_pagetable
 * @dev: a device with an IOMMU
 * @owner: for iopt_unreserve(), owns nothing yet in @iopt
 * @sw_msi_start: set to the first IOVA of the window in which software maps
 *                the doorbells of interrupts, PHYS_ADDR_MAX if it need not,
 *                since there is none or one of hardware
 *
 * Context: may sleep.
 * Return: 0; -EADDRINUSE if an area or an allowed range is there; -EINVAL if
 * @dev has several windows of software for interrupts; -ENOMEM. On failure
 * nothing is reserved.
 */
int iopt_reserve_device(struct io_pagetable *iopt, struct device *dev,
			const void *owner, phys_addr_t *sw_msi_start)
{
	LIST_HEAD(regions);
	int rc;

	iommu_get_resv_regions(dev, &regions);
	rc = resv_find_msi_window(&regions, sw_msi_start);
	if (!rc)
		rc = iopt_reserve_regions(iopt, &regions, owner);
	if (rc)
		iopt_unreserve(iopt, owner);
	iommu_put_resv_regions(dev, &regions);
	return rc;
}

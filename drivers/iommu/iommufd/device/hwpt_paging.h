/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_HWPT_PAGING_H
#define __IOMMUFD_HWPT_PAGING_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "hw_pagetable.h"
#include "pages/domains.h"

struct device;
struct iommu_device;
struct iommufd_ioas;

/**
 * struct iommufd_hwpt_paging - A page table that mirrors an IOAS
 * @hwpt: what all page tables have
 * @ioas: what it mirrors; constant, and in use
 * @member: its domain as a member of the io_pagetable of @ioas
 * @iommu: the IOMMU that it was made for; constant. Only to compare with, it
 *         may be gone.
 * @enforce_cache_coherency: no device can bypass the CPU's caches, whatever
 *                           its transactions say; constant. Every IOPTE depends
 *                           on it, so it is decided before the first one.
 * @nest_parent: page tables of user space can be nested in it; constant
 * @sw_msi_start: first IOVA of the window where the kernel maps interrupt
 *                doorbells, PHYS_ADDR_MAX without one; set once, protected by
 *                the mutex of @ioas
 * @entry: in &iommufd_ioas.hwpt_list exactly while @member is a member;
 *         protected by the mutex of @ioas
 * @dirty_mutex: one thread at a time turns tracking of writes on or off, which
 *               takes long. The locks of pages come inside
 * @dirty_tracking: it is on; set under @dirty_mutex. May be read without it
 */
struct iommufd_hwpt_paging {
	struct iommufd_hw_pagetable hwpt;
	struct iommufd_ioas *ioas;
	struct iopt_domain member;
	const struct iommu_device *iommu;
	bool enforce_cache_coherency;
	bool nest_parent;
	phys_addr_t sw_msi_start;
	struct list_head entry;
	struct mutex dirty_mutex; /* see above */
	bool dirty_tracking;
};

/**
 * iommufd_hwpt_paging_from() - The page table over an IOAS that an object is
 * @object: of type IOMMUFD_OBJ_HWPT_PAGING
 *
 * Context: any.
 * Return: the page table.
 */
static inline struct iommufd_hwpt_paging *
iommufd_hwpt_paging_from(struct iommufd_object *object)
{
	return container_of(object, struct iommufd_hwpt_paging, hwpt.object);
}

struct iommufd_hwpt_paging *
iommufd_hwpt_paging_alloc(struct iommufd_ioas *ioas, struct device *dev,
			  u32 flags, const struct iommu_user_data *data);
bool iommufd_hwpt_paging_ready(const struct iommufd_hwpt_paging *paging);
bool iommufd_hwpt_paging_filled(const struct iommufd_hwpt_paging *paging);
int iommufd_hwpt_paging_fill(struct iommufd_hwpt_paging *paging);
void iommufd_hwpt_paging_unfill(struct iommufd_hwpt_paging *paging);
int iommufd_hwpt_paging_set_msi_window(struct iommufd_hwpt_paging *paging,
				       phys_addr_t start);

#endif

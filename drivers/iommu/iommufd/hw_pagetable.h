/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_HW_PAGETABLE_H
#define __IOMMUFD_HW_PAGETABLE_H

#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/types.h>

#include "domain_list.h"
#include "object.h"

struct device;
struct iommufd_ioas;

/**
 * struct iommufd_hw_pagetable - An IOMMU page table that mirrors an IOAS
 * @object: its id; a user for each group that is attached
 * @ioas: what it mirrors; constant, and held in use
 * @member: its domain as a member of the io_pagetable of @ioas; the pointer to
 *          the domain is constant
 * @auto_domain: made by attaching to @ioas, and goes away with its last group;
 *               constant
 * @enforce_cache_coherency: no device can bypass the CPU's caches, whatever
 *                           its transactions say; constant. Every IOPTE depends
 *                           on it, so it is decided before the first one.
 * @sw_msi_start: first IOVA of the window where the kernel maps interrupt
 *                doorbells, PHYS_ADDR_MAX without one; set once, protected by
 *                the mutex of @ioas
 * @entry: in &iommufd_ioas.hwpt_list, from publication to destruction
 */
struct iommufd_hw_pagetable {
	struct iommufd_object object;
	struct iommufd_ioas *ioas;
	struct iopt_domain member;
	bool auto_domain;
	bool enforce_cache_coherency;
	phys_addr_t sw_msi_start;
	struct list_head entry;
};

/**
 * iommufd_hwpt_from() - The page table that an object is
 * @object: of type IOMMUFD_OBJ_HWPT_PAGING
 *
 * Context: any.
 * Return: the page table.
 */
static inline struct iommufd_hw_pagetable *
iommufd_hwpt_from(struct iommufd_object *object)
{
	return container_of(object, struct iommufd_hw_pagetable, object);
}

struct iommufd_hw_pagetable *iommufd_hwpt_alloc_auto(struct iommufd_ioas *ioas,
						     struct device *dev);
void iommufd_hwpt_abort(struct iommufd_hw_pagetable *hwpt);
bool iommufd_hwpt_ready(const struct iommufd_hw_pagetable *hwpt);
int iommufd_hwpt_fill(struct iommufd_hw_pagetable *hwpt);
void iommufd_hwpt_unfill(struct iommufd_hw_pagetable *hwpt);
void iommufd_hwpt_publish(struct iommufd_hw_pagetable *hwpt);
int iommufd_hwpt_check_device(const struct iommufd_hw_pagetable *hwpt,
			      struct device *dev);
int iommufd_hwpt_set_msi_window(struct iommufd_hw_pagetable *hwpt,
				phys_addr_t start);
void iommufd_hwpt_unuse(struct iommufd_hw_pagetable *hwpt);

#endif

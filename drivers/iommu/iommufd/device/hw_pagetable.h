/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What page tables of all kinds have in common.
 */
#ifndef __IOMMUFD_HW_PAGETABLE_H
#define __IOMMUFD_HW_PAGETABLE_H

#include <linux/container_of.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "object/object.h"
#include "object/object_destroy.h"

struct device;
struct iommu_domain;
struct iommu_user_data;
struct iommufd_fault_queue;
struct iommufd_hw_pagetable;
struct iommufd_hwpt_paging;

/**
 * struct iommufd_hwpt_kind - What page tables of one kind do in their own way
 * @object: operations of their objects
 * @paging: the page table over an IOAS that an address passes last on its way
 *          to memory: the page table itself, or the parent of one that is
 *          nested and has no IOAS. What devices reserve, where their
 *          interrupts go and whether their DMA is coherent is settled there.
 */
struct iommufd_hwpt_kind {
	struct iommufd_object_ops object;
	struct iommufd_hwpt_paging *
		(*paging)(struct iommufd_hw_pagetable *hwpt);
};

/**
 * struct iommufd_hw_pagetable - A page table of an IOMMU
 * @object: its id; &iommufd_object.ops is that of a &struct iommufd_hwpt_kind.
 *          A user for each &struct iommufd_attach, and for each page table that
 *          is nested in this one
 * @domain: for the IOMMU core; constant
 * @auto_domain: made by attaching a device to an IOAS, and goes away with the
 *               last group that uses it; constant
 * @fault_queue: where page faults go, in use, or NULL; constant
 */
struct iommufd_hw_pagetable {
	struct iommufd_object object;
	struct iommu_domain *domain;
	bool auto_domain;
	struct iommufd_fault_queue *fault_queue;
};

/**
 * iommufd_hwpt_from() - The page table that an object is
 * @object: of a type of page tables
 *
 * Context: any.
 * Return: the page table.
 */
static inline struct iommufd_hw_pagetable *
iommufd_hwpt_from(struct iommufd_object *object)
{
	return container_of(object, struct iommufd_hw_pagetable, object);
}

/**
 * iommufd_hwpt_paging() - The page table that has an IOAS
 * @hwpt: of any kind
 *
 * Context: any.
 * Return: see &iommufd_hwpt_kind.paging.
 */
static inline struct iommufd_hwpt_paging *
iommufd_hwpt_paging(struct iommufd_hw_pagetable *hwpt)
{
	const struct iommufd_hwpt_kind *kind =
		container_of(hwpt->object.ops, struct iommufd_hwpt_kind,
			     object);

	return kind->paging(hwpt);
}

/**
 * iommufd_hwpt_abort() - Free a page table that nobody else has seen
 * @hwpt: not published, not used
 *
 * One that cannot be emptied at once goes later.
 *
 * Context: may sleep, never needs memory; the mutex of the IOAS may be held.
 */
static inline void iommufd_hwpt_abort(struct iommufd_hw_pagetable *hwpt)
{
	iommufd_object_abort_complete(&hwpt->object);
}

/**
 * iommufd_hwpt_unuse() - Give up a use, and an automatic page table with it
 * @hwpt: in use by the caller; may be freed by this
 *
 * Context: may sleep, waits for calls that look at @hwpt; no lock of a group or
 * an IOAS held. Never needs memory.
 */
static inline void iommufd_hwpt_unuse(struct iommufd_hw_pagetable *hwpt)
{
	if (hwpt->auto_domain)
		iommufd_object_unuse_destroy(&hwpt->object);
	else
		iommufd_object_unuse(&hwpt->object);
}

/*
 * Which devices a domain has. Held for read to attach or detach some, for write
 * while all of them are set up. Only calls to IOMMU drivers are inside.
 *
 * There is one for all domains. A replace takes a device from one to another,
 * and with nested page tables it is the parents that count; locks of two would
 * need an order. All that attach and detach go on side by side, and tracking is
 * switched a few times in the life of a VMM, by short calls.
 */
extern struct rw_semaphore iommufd_domain_devices_rwsem;

bool iommufd_tracks_dirty(struct device *dev);
struct iommu_domain *
iommufd_hwpt_alloc_domain(struct device *dev, u32 flags,
			  struct iommu_domain *parent,
			  const struct iommu_user_data *data);

#endif

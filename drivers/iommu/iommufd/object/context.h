/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_CONTEXT_H
#define __IOMMUFD_CONTEXT_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "object_type.h"
#include "pin/account.h"

struct file;
struct iommufd_ioas;

/**
 * struct iommufd_ctx - What an open /dev/iommu stands for
 * @file: the file; holding the context is holding the file
 * @number: by which people know the context; constant, and 0 for one that is not
 *          listed
 * @objects: id to object. An id whose object is under construction, or is sure
 *           to go, is reserved: it is taken but cannot be looked up. The lock
 *           of the xarray orders lookups against removal.
 * @counts: how many objects of each type can be looked up; the lock of @objects
 * @groups: struct iommufd_group by the id of the IOMMU group, with
 *          references taken under the lock of the xarray
 * @destroy_wait: woken when a short-term reference goes away. Lives here and
 *                not in the object, because the waker touches it after it gave
 *                up the reference that kept the object alive.
 * @account: who pays for memory that is mapped from now on; its mode is constant
 *           once an object exists
 * @as_container: opened as /dev/vfio/vfio, by a program that knows nothing
 *                else; constant
 * @areas_left: with @as_container, how many more areas all IOASes together may
 *              have
 * @drivers: references that drivers have: one for each VFIO group that has the
 *           context as its container, and for each device that is bound to it;
 *           the lock of @objects. May be read without it
 * @vfio_ioas: what the ioctls of VFIO containers act on, NULL without one; the
 *             lock of @objects protects it, and destroying the IOAS clears it
 * @vfio_ioas_automatic: @vfio_ioas was made for the first driver and goes with
 *                       the last; the lock of @objects
 * @no_iommu_mode: serves VFIO groups that have no IOMMU, and gets no IOAS for
 *                 containers until the last of them has left; the lock of
 *                 @objects. May be read without it
 */
struct iommufd_ctx {
	struct file *file;
	u32 number;
	struct xarray objects;
	unsigned long counts[IOMMUFD_OBJ_TYPES];
	struct xarray groups;
	struct wait_queue_head destroy_wait;
	struct pin_account account;
	bool as_container;
	atomic_long_t areas_left;
	unsigned long drivers;
	struct iommufd_ioas *vfio_ioas;
	bool vfio_ioas_automatic;
	bool no_iommu_mode;
};

#endif

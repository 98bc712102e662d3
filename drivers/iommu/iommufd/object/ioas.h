/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOAS_H
#define __IOMMUFD_IOAS_H

#include <linux/container_of.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include "iopt/io_pagetable.h"
#include "object.h"

struct iommu_ioas_alloc;
struct iommu_ioas_allow_iovas;
struct iommu_ioas_copy;
struct iommu_ioas_iova_ranges;
struct iommu_ioas_map;
struct iommu_ioas_map_file;
struct iommu_ioas_unmap;
struct iommu_iova_range;
struct iommufd_call;

/**
 * struct iommufd_ioas - An I/O address space
 * @object: its id
 * @iopt: what is mapped
 * @mutex: serialises everything that adds or removes domains of @iopt, and
 *         protects @hwpt_list
 * @hwpt_list: struct iommufd_hwpt_paging that have mappings of this IOAS
 * @vfio_type: what VFIO_SET_IOMMU asked for when it acted on this IOAS, 0
 *             before that; READ_ONCE() and WRITE_ONCE()
 */
struct iommufd_ioas {
	struct iommufd_object object;
	struct io_pagetable iopt;
	struct mutex mutex;
	struct list_head hwpt_list;
	unsigned int vfio_type;
};

/**
 * iommufd_ioas_from() - The IOAS that an object is
 * @object: of type IOMMUFD_OBJ_IOAS
 *
 * Context: any.
 * Return: the IOAS.
 */
static inline struct iommufd_ioas *
iommufd_ioas_from(struct iommufd_object *object)
{
	return container_of(object, struct iommufd_ioas, object);
}

struct iommufd_ioas *iommufd_ioas_create(struct iommufd_ctx *ictx);
struct iommu_iova_range *iommufd_ioas_snapshot(struct iommufd_ioas *ioas,
					       size_t *count,
					       unsigned long *alignment);
int iommufd_ioas_alloc(struct iommufd_call *call, struct iommu_ioas_alloc *cmd);
int iommufd_ioas_iova_ranges(struct iommufd_call *call,
			     struct iommu_ioas_iova_ranges *cmd);
int iommufd_ioas_allow_iovas(struct iommufd_call *call,
			     struct iommu_ioas_allow_iovas *cmd);
int iommufd_ioas_map(struct iommufd_call *call, struct iommu_ioas_map *cmd);
int iommufd_ioas_map_file(struct iommufd_call *call,
			  struct iommu_ioas_map_file *cmd);
int iommufd_ioas_unmap(struct iommufd_call *call, struct iommu_ioas_unmap *cmd);
int iommufd_ioas_copy(struct iommufd_call *call, struct iommu_ioas_copy *cmd);

#endif

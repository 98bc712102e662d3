/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What container_test asks of both implementations of a container.
 */
#ifndef SELFTEST_IOMMU_COMPARE_ASK_H
#define SELFTEST_IOMMU_COMPARE_ASK_H

#include "comparison.h"
#include "lib/container.h"

#define KIB_PER_PAGE	(PAGE_SIZE / 1024)

#define V1		VFIO_TYPE1_IOMMU
#define V2		VFIO_TYPE1v2_IOMMU

/* None of any driver's ioctls. */
#define NO_SUCH_IOCTL	_IO(VFIO_TYPE, 250)

/* Answers that differ and are meant to. */
extern const struct difference intended[];

/* Versions and extensions, the way to a device, and the end of it. */
void ask_version(struct container *c, struct answers *a);
void ask_extensions(struct container *c, struct answers *a);
void ask_too_early(struct container *c, struct answers *a);
void ask_types(struct container *c, struct answers *a);
void ask_other_ioctls(struct container *c, struct answers *a);
void ask_groups(struct container *c, struct answers *a);
void ask_end_by_unset(struct container *c, struct answers *a);
void ask_end_by_close(struct container *c, struct answers *a);
void ask_device_again(struct container *c, struct answers *a);
void ask_two_groups(struct container *c, struct answers *a);

/* VFIO_IOMMU_MAP_DMA */
void ask_map_argsz(struct container *c, struct answers *a);
void ask_map_flags(struct container *c, struct answers *a);
void ask_map_alignment(struct container *c, struct answers *a);
void ask_map_overlap(struct container *c, struct answers *a);
void ask_map_range(struct container *c, struct answers *a);
void ask_wide(struct container *c, struct answers *a);
void ask_map_memory(struct container *c, struct answers *a);

/* VFIO_IOMMU_UNMAP_DMA */
void ask_unmap_argsz(struct container *c, struct answers *a);
void ask_unmap_flags(struct container *c, struct answers *a);
void ask_unmap_dirty(struct container *c, struct answers *a);
void ask_unmap_all(struct container *c, struct answers *a);
void ask_unmap_range(struct container *c, struct answers *a);
void ask_unmap_cuts(struct container *c, struct answers *a);
void ask_unmap_wrong(struct container *c, struct answers *a);

/* VFIO_IOMMU_DIRTY_PAGES, and unmapping with a bitmap */
void ask_dirty_argsz(struct container *c, struct answers *a);
void ask_dirty_get(struct container *c, struct answers *a);
void ask_dirty_cuts(struct container *c, struct answers *a);
void ask_dirty_bits(struct container *c, struct answers *a);
void ask_dirty_again(struct container *c, struct answers *a);
void ask_dirty_device(struct container *c, struct answers *a);
void ask_dirty_unmap(struct container *c, struct answers *a);

/* VFIO_UPDATE_VADDR */
void ask_vaddr_order(struct container *c, struct answers *a);
void ask_vaddr_range(struct container *c, struct answers *a);
void ask_vaddr_dma(struct container *c, struct answers *a);
void ask_vaddr_process(struct container *c, struct answers *a);
void ask_vaddr_group(struct container *c, struct answers *a);
void ask_vaddr_device(struct container *c, struct answers *a);

/* VFIO_IOMMU_GET_INFO, who pays, and what a device finds. */
void ask_info(struct container *c, struct answers *a);
void ask_accounting(struct container *c, struct answers *a);
void ask_limit(struct container *c, struct answers *a);
void ask_dma(struct container *c, struct answers *a);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The layout of what user space passes, which never changes: members are added
 * at the end, and then a size here is raised.
 *
 * A hole would be memory of the kernel that nobody has written, or of user space
 * that nobody looks at, so that it could not become a member later. The compiler
 * looks for holes in every structure of the header; "make check" sees that every
 * one has its size here.
 */
#include <linux/build_bug.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include <uapi/linux/iommufd.h>
#pragma GCC diagnostic pop

/* On all architectures. */
static_assert(sizeof(struct iommu_destroy) == 8);
static_assert(sizeof(struct iommu_ioas_alloc) == 12);
static_assert(sizeof(struct iommu_iova_range) == 16);
static_assert(sizeof(struct iommu_ioas_iova_ranges) == 32);
static_assert(sizeof(struct iommu_ioas_allow_iovas) == 24);
static_assert(sizeof(struct iommu_ioas_map) == 40);
static_assert(sizeof(struct iommu_ioas_map_file) == 40);
static_assert(sizeof(struct iommu_ioas_copy) == 40);
static_assert(sizeof(struct iommu_ioas_unmap) == 24);
static_assert(sizeof(struct iommu_ioas_change_process) == 8);
static_assert(sizeof(struct iommu_option) == 24);
static_assert(sizeof(struct iommu_vfio_ioas) == 12);
static_assert(sizeof(struct iommu_hwpt_vtd_s1) == 24);
static_assert(sizeof(struct iommu_hwpt_alloc) == 48);
static_assert(sizeof(struct iommu_hw_info_vtd) == 24);
static_assert(sizeof(struct iommu_hw_info) == 40);
static_assert(sizeof(struct iommu_hwpt_set_dirty_tracking) == 16);
static_assert(sizeof(struct iommu_hwpt_get_dirty_bitmap) == 48);
static_assert(sizeof(struct iommu_hwpt_vtd_s1_invalidate) == 24);
static_assert(sizeof(struct iommu_hwpt_invalidate) == 32);
static_assert(sizeof(struct iommu_hwpt_pgfault) == 40);
static_assert(sizeof(struct iommu_hwpt_page_response) == 8);
static_assert(sizeof(struct iommu_fault_alloc) == 16);

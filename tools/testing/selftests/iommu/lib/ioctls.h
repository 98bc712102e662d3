/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The ioctls of /dev/iommu as functions that return 0 or a negative errno.
 */
#ifndef SELFTEST_IOMMU_IOCTLS_H
#define SELFTEST_IOMMU_IOCTLS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <linux/iommufd.h>

#define PAGE_SIZE	((__u64)sysconf(_SC_PAGESIZE))

#define MAP_READ	IOMMU_IOAS_MAP_READABLE
#define MAP_WRITE	IOMMU_IOAS_MAP_WRITEABLE
#define MAP_RW		(IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)
#define MAP_FIXED_RW	(IOMMU_IOAS_MAP_FIXED_IOVA | MAP_RW)

#define IOVA_RANGES_MAX	64

/**
 * struct iova_ranges - answer of IOMMU_IOAS_IOVA_RANGES
 * @range: the ranges, the first @count are valid
 * @count: number of ranges that the IOAS has
 * @alignment: alignment in bytes that each IOVA and length must have
 */
struct iova_ranges {
	struct iommu_iova_range range[IOVA_RANGES_MAX];
	__u32 count;
	__u64 alignment;
};

int iommufd_open(void);
int iommufd_ioctl(int fd, unsigned long request, void *command);
int iommufd_destroy(int fd, __u32 id);

int ioas_alloc(int fd, __u32 *ioas_id);
int ioas_iova_ranges(int fd, __u32 ioas_id, struct iova_ranges *ranges);
int ioas_allow_iovas(int fd, __u32 ioas_id, const void *ranges, __u32 count);
int ioas_allow_one(int fd, __u32 ioas_id, __u64 start, __u64 last);
bool ioas_exists(int fd, __u32 ioas_id);

int ioas_map(int fd, struct iommu_ioas_map *map);
struct iommu_ioas_map ioas_map_of(__u32 ioas_id, const void *va, __u64 length,
				  __u32 flags);
int ioas_map_fixed(int fd, __u32 ioas_id, const void *va, __u64 length,
		   __u64 iova);
int ioas_map_auto(int fd, __u32 ioas_id, const void *va, __u64 length,
		  __u64 *iova);
int ioas_map_file(int fd, struct iommu_ioas_map_file *map);
int ioas_map_file_fixed(int fd, __u32 ioas_id, int file, __u64 start,
			__u64 length, __u64 iova);
int ioas_change_process(int fd);
int ioas_copy(int fd, struct iommu_ioas_copy *copy);
int ioas_unmap(int fd, __u32 ioas_id, __u64 iova, __u64 length,
	       __u64 *unmapped);
int ioas_unmap_all(int fd, __u32 ioas_id, __u64 *unmapped);

/*
 * A page table for the IOMMU of a device over an IOAS; and what that IOMMU is,
 * as far as there is room for it in the @info->data_len bytes at
 * @info->data_uptr.
 */
int hwpt_alloc(int fd, __u32 dev_id, __u32 ioas_id, __u32 *hwpt_id);
int hwpt_alloc_flags(int fd, __u32 dev_id, __u32 ioas_id, __u32 flags,
		     __u32 *hwpt_id);
int hwpt_alloc_faults(int fd, __u32 dev_id, __u32 ioas_id, __u32 fault_id,
		      __u32 *hwpt_id);
int hw_info(int fd, __u32 dev_id, struct iommu_hw_info *info);

/* A queue of page faults, for hwpt_alloc_faults(). */
int fault_alloc(int fd, __u32 *fault_id, int *fault_fd);

/*
 * A page table of the program's own, nested in another one; and a change of it.
 * @invalidate->entry_num is written in any case.
 */
int hwpt_alloc_nested(int fd, __u32 dev_id, __u32 parent_id, __u32 type,
		      const void *data, __u32 length, __u32 *hwpt_id);
int hwpt_invalidate(int fd, struct iommu_hwpt_invalidate *invalidate);

/* Tracking of what devices write through a page table. */
int dirty_track(int fd, __u32 hwpt_id, bool enable);
int dirty_read(int fd, struct iommu_hwpt_get_dirty_bitmap *get);

int option_get(int fd, __u32 option_id, __u32 object_id, __u64 *val);
int option_set(int fd, __u32 option_id, __u32 object_id, __u64 val);

static inline __u64 va_to_u64(const void *va)
{
	return (__u64)(uintptr_t)va;
}

#endif

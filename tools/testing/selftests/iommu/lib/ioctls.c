// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ioctls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

int iommufd_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int iommufd_ioctl(int fd, unsigned long request, void *command)
{
	return ioctl(fd, request, command) < 0 ? -errno : 0;
}

int iommufd_destroy(int fd, __u32 id)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

	return iommufd_ioctl(fd, IOMMU_DESTROY, &destroy);
}

int ioas_alloc(int fd, __u32 *ioas_id)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int ret = iommufd_ioctl(fd, IOMMU_IOAS_ALLOC, &alloc);

	if (!ret)
		*ioas_id = alloc.out_ioas_id;
	return ret;
}

/* On -EMSGSIZE @ranges->count is the number that would have been needed. */
int ioas_iova_ranges(int fd, __u32 ioas_id, struct iova_ranges *ranges)
{
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = ioas_id,
		.num_iovas = IOVA_RANGES_MAX,
		.allowed_iovas = va_to_u64(ranges->range),
	};
	int ret = iommufd_ioctl(fd, IOMMU_IOAS_IOVA_RANGES, &query);

	ranges->count = query.num_iovas;
	ranges->alignment = query.out_iova_alignment;
	return ret;
}

int ioas_allow_iovas(int fd, __u32 ioas_id, const void *ranges, __u32 count)
{
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow),
		.num_iovas = count,
		.ioas_id = ioas_id,
		.allowed_iovas = va_to_u64(ranges),
	};

	return iommufd_ioctl(fd, IOMMU_IOAS_ALLOW_IOVAS, &allow);
}

int ioas_allow_one(int fd, __u32 ioas_id, __u64 start, __u64 last)
{
	struct iommu_iova_range range = { .start = start, .last = last };

	return ioas_allow_iovas(fd, ioas_id, &range, 1);
}

bool ioas_exists(int fd, __u32 ioas_id)
{
	struct iova_ranges ranges;

	return ioas_iova_ranges(fd, ioas_id, &ranges) != -ENOENT;
}

int ioas_map(int fd, struct iommu_ioas_map *map)
{
	map->size = sizeof(*map);
	return iommufd_ioctl(fd, IOMMU_IOAS_MAP, map);
}

struct iommu_ioas_map ioas_map_of(__u32 ioas_id, const void *va, __u64 length,
				  __u32 flags)
{
	return (struct iommu_ioas_map){
		.flags = flags,
		.ioas_id = ioas_id,
		.user_va = va_to_u64(va),
		.length = length,
	};
}

int ioas_map_fixed(int fd, __u32 ioas_id, const void *va, __u64 length,
		   __u64 iova)
{
	struct iommu_ioas_map map = {
		.flags = MAP_FIXED_RW,
		.user_va = va_to_u64(va),
		.ioas_id = ioas_id,
		.iova = iova,
		.length = length,
	};

	return ioas_map(fd, &map);
}

int ioas_map_auto(int fd, __u32 ioas_id, const void *va, __u64 length,
		  __u64 *iova)
{
	struct iommu_ioas_map map = {
		.flags = MAP_RW,
		.user_va = va_to_u64(va),
		.ioas_id = ioas_id,
		.length = length,
	};
	int ret = ioas_map(fd, &map);

	if (!ret)
		*iova = map.iova;
	return ret;
}

int ioas_map_file(int fd, struct iommu_ioas_map_file *map)
{
	map->size = sizeof(*map);
	return iommufd_ioctl(fd, IOMMU_IOAS_MAP_FILE, map);
}

int ioas_map_file_fixed(int fd, __u32 ioas_id, int file, __u64 start,
			__u64 length, __u64 iova)
{
	struct iommu_ioas_map_file map = {
		.flags = MAP_FIXED_RW,
		.ioas_id = ioas_id,
		.fd = file,
		.start = start,
		.length = length,
		.iova = iova,
	};

	return ioas_map_file(fd, &map);
}

int ioas_change_process(int fd)
{
	struct iommu_ioas_change_process change = { .size = sizeof(change) };

	return iommufd_ioctl(fd, IOMMU_IOAS_CHANGE_PROCESS, &change);
}

int ioas_copy(int fd, struct iommu_ioas_copy *copy)
{
	copy->size = sizeof(*copy);
	return iommufd_ioctl(fd, IOMMU_IOAS_COPY, copy);
}

int ioas_unmap(int fd, __u32 ioas_id, __u64 iova, __u64 length,
	       __u64 *unmapped)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.length = length,
		.iova = iova,
		.ioas_id = ioas_id,
	};
	int ret = iommufd_ioctl(fd, IOMMU_IOAS_UNMAP, &unmap);

	if (unmapped)
		*unmapped = unmap.length;
	return ret;
}

int ioas_unmap_all(int fd, __u32 ioas_id, __u64 *unmapped)
{
	return ioas_unmap(fd, ioas_id, 0, UINT64_MAX, unmapped);
}

int hwpt_alloc(int fd, __u32 dev_id, __u32 ioas_id, __u32 *hwpt_id)
{
	return hwpt_alloc_flags(fd, dev_id, ioas_id, 0, hwpt_id);
}

int hwpt_alloc_flags(int fd, __u32 dev_id, __u32 ioas_id, __u32 flags,
		     __u32 *hwpt_id)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = flags,
		.dev_id = dev_id,
		.pt_id = ioas_id,
	};
	int ret = iommufd_ioctl(fd, IOMMU_HWPT_ALLOC, &alloc);

	if (!ret)
		*hwpt_id = alloc.out_hwpt_id;
	return ret;
}

int hwpt_alloc_faults(int fd, __u32 dev_id, __u32 ioas_id, __u32 fault_id,
		      __u32 *hwpt_id)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = dev_id,
		.pt_id = ioas_id,
		.fault_id = fault_id,
	};
	int ret = iommufd_ioctl(fd, IOMMU_HWPT_ALLOC, &alloc);

	if (!ret)
		*hwpt_id = alloc.out_hwpt_id;
	return ret;
}

int fault_alloc(int fd, __u32 *fault_id, int *fault_fd)
{
	struct iommu_fault_alloc alloc = { .size = sizeof(alloc) };
	int ret = iommufd_ioctl(fd, IOMMU_FAULT_QUEUE_ALLOC, &alloc);

	if (!ret) {
		*fault_id = alloc.out_fault_id;
		*fault_fd = alloc.out_fault_fd;
	}
	return ret;
}

int hwpt_alloc_nested(int fd, __u32 dev_id, __u32 parent_id, __u32 type,
		      const void *data, __u32 length, __u32 *hwpt_id)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.dev_id = dev_id,
		.pt_id = parent_id,
		.data_type = type,
		.data_len = length,
		.data_uptr = va_to_u64(data),
	};
	int ret = iommufd_ioctl(fd, IOMMU_HWPT_ALLOC, &alloc);

	if (!ret)
		*hwpt_id = alloc.out_hwpt_id;
	return ret;
}

int hwpt_invalidate(int fd, struct iommu_hwpt_invalidate *invalidate)
{
	invalidate->size = sizeof(*invalidate);
	return iommufd_ioctl(fd, IOMMU_HWPT_INVALIDATE, invalidate);
}

int dirty_track(int fd, __u32 hwpt_id, bool enable)
{
	struct iommu_hwpt_set_dirty_tracking set = {
		.size = sizeof(set),
		.flags = enable ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
		.hwpt_id = hwpt_id,
	};

	return iommufd_ioctl(fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &set);
}

int dirty_read(int fd, struct iommu_hwpt_get_dirty_bitmap *get)
{
	get->size = sizeof(*get);
	return iommufd_ioctl(fd, IOMMU_HWPT_GET_DIRTY_BITMAP, get);
}

int hw_info(int fd, __u32 dev_id, struct iommu_hw_info *info)
{
	info->size = sizeof(*info);
	info->dev_id = dev_id;
	return iommufd_ioctl(fd, IOMMU_GET_HW_INFO, info);
}

int option_get(int fd, __u32 option_id, __u32 object_id, __u64 *val)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.op = IOMMU_OPTION_OP_GET,
		.option_id = option_id,
		.object_id = object_id,
	};
	int ret = iommufd_ioctl(fd, IOMMU_OPTION, &option);

	if (!ret)
		*val = option.val64;
	return ret;
}

int option_set(int fd, __u32 option_id, __u32 object_id, __u64 val)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.op = IOMMU_OPTION_OP_SET,
		.option_id = option_id,
		.object_id = object_id,
		.val64 = val,
	};

	return iommufd_ioctl(fd, IOMMU_OPTION, &option);
}

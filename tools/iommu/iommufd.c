// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "iommufd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static int call(int iommufd, unsigned long request, void *argument)
{
	return ioctl(iommufd, request, argument) ? -errno : 0;
}

int iommufd_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int iommufd_ioas_alloc(int iommufd, __u32 *ioas_id)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int error = call(iommufd, IOMMU_IOAS_ALLOC, &alloc);

	if (!error)
		*ioas_id = alloc.out_ioas_id;
	return error;
}

int iommufd_destroy(int iommufd, __u32 id)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

	return call(iommufd, IOMMU_DESTROY, &destroy);
}

int iommufd_iova_ranges(int iommufd, __u32 ioas_id,
			struct iommu_iova_range **ranges, __u32 *nranges,
			__u64 *alignment)
{
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = ioas_id,
	};
	struct iommu_iova_range *array = NULL;
	int error = call(iommufd, IOMMU_IOAS_IOVA_RANGES, &query);

	/*
	 * EMSGSIZE comes with the number of entries that are needed. It may
	 * have grown by the time of the next call, hence a loop.
	 */
	while (error == -EMSGSIZE) {
		free(array);
		array = calloc(query.num_iovas, sizeof(*array));
		if (!array)
			return -ENOMEM;
		query.allowed_iovas = (uintptr_t)array;
		error = call(iommufd, IOMMU_IOAS_IOVA_RANGES, &query);
	}
	if (error) {
		free(array);
		return error;
	}

	*ranges = array;
	*nranges = query.num_iovas;
	*alignment = query.out_iova_alignment;
	return 0;
}

int iommufd_allow_iovas(int iommufd, __u32 ioas_id,
			const struct iommu_iova_range *ranges, __u32 nranges)
{
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow),
		.ioas_id = ioas_id,
		.num_iovas = nranges,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return call(iommufd, IOMMU_IOAS_ALLOW_IOVAS, &allow);
}

int iommufd_map(int iommufd, __u32 ioas_id, struct iommufd_mapping *mapping)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = mapping->flags,
		.ioas_id = ioas_id,
		.user_va = (uintptr_t)mapping->va,
		.length = mapping->length,
		.iova = mapping->iova,
	};
	int error = call(iommufd, IOMMU_IOAS_MAP, &map);

	if (!error)
		mapping->iova = map.iova;
	return error;
}

int iommufd_copy(int iommufd, __u32 src_ioas_id, __u64 src_iova,
		 __u32 dst_ioas_id, struct iommufd_mapping *copy)
{
	struct iommu_ioas_copy request = {
		.size = sizeof(request),
		.flags = copy->flags,
		.dst_ioas_id = dst_ioas_id,
		.src_ioas_id = src_ioas_id,
		.length = copy->length,
		.dst_iova = copy->iova,
		.src_iova = src_iova,
	};
	int error = call(iommufd, IOMMU_IOAS_COPY, &request);

	if (!error)
		copy->iova = request.dst_iova;
	return error;
}

int iommufd_unmap(int iommufd, __u32 ioas_id, __u64 iova, __u64 *length)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas_id,
		.iova = iova,
		.length = *length,
	};
	int error = call(iommufd, IOMMU_IOAS_UNMAP, &unmap);

	*length = error ? 0 : unmap.length;
	return error;
}

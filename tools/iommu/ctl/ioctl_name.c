// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ioctl_name.h"

#include <stdio.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#define NAME(command) { command, #command }

static const struct {
	unsigned int command;
	const char *name;
} names[] = {
	NAME(IOMMU_DESTROY),
	NAME(IOMMU_IOAS_ALLOC),
	NAME(IOMMU_IOAS_ALLOW_IOVAS),
	NAME(IOMMU_IOAS_COPY),
	NAME(IOMMU_IOAS_IOVA_RANGES),
	NAME(IOMMU_IOAS_MAP),
	NAME(IOMMU_IOAS_UNMAP),
	NAME(IOMMU_OPTION),
	NAME(IOMMU_VFIO_IOAS),
	NAME(IOMMU_HWPT_ALLOC),
	NAME(IOMMU_GET_HW_INFO),
	NAME(IOMMU_HWPT_SET_DIRTY_TRACKING),
	NAME(IOMMU_HWPT_GET_DIRTY_BITMAP),
	NAME(IOMMU_HWPT_INVALIDATE),
	NAME(IOMMU_FAULT_QUEUE_ALLOC),
	NAME(IOMMU_IOAS_MAP_FILE),
	NAME(IOMMU_IOAS_CHANGE_PROCESS),
	NAME(VFIO_GET_API_VERSION),
	NAME(VFIO_CHECK_EXTENSION),
	NAME(VFIO_SET_IOMMU),
	NAME(VFIO_IOMMU_GET_INFO),
	NAME(VFIO_IOMMU_MAP_DMA),
	NAME(VFIO_IOMMU_UNMAP_DMA),
	NAME(VFIO_IOMMU_DIRTY_PAGES),
};

const char *ioctl_name(unsigned int command)
{
	static char unknown[24];
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].command == command)
			return names[i].name;
	snprintf(unknown, sizeof(unknown), "ioctl %#x", command);
	return unknown;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ask.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/files.h"
#include "lib/ioctls.h"
#include "lib/memory.h"

/* Version and extensions */

void ask_version(struct container *c, struct answers *a)
{
	answer(a, container_ioctl(c, VFIO_GET_API_VERSION, 0), "version");
	answer(a, container_ioctl(c, VFIO_GET_API_VERSION, 7),
	       "version, with an argument");
}

static void ask_extensions_at(struct container *c, struct answers *a,
			      const char *stage)
{
	unsigned int i;

	for (i = 0; i <= 12; i++)
		answer(a, container_ioctl(c, VFIO_CHECK_EXTENSION, i), "%s %u",
		       stage, i);
	answer(a, container_ioctl(c, VFIO_CHECK_EXTENSION, ~0UL), "%s highest",
	       stage);
	answer(a, container_ioctl(c, VFIO_CHECK_EXTENSION, V1 | 1UL << 32),
	       "%s high half", stage);
}

void ask_extensions(struct container *c, struct answers *a)
{
	ask_extensions_at(c, a, "open");
	answer(a, container_set_group(c, 0), "set group");
	ask_extensions_at(c, a, "group");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, c->type), "set iommu");
	ask_extensions_at(c, a, "iommu");
	answer(a, container_open_device(c, 0), "open device");
	ask_extensions_at(c, a, "device");
}

/* The way to a device */

static void ask_too_early_at(struct container *c, struct answers *a,
			     const char *stage)
{
	union container_info info;

	answer(a, container_map_pages(c, 0, 1), "%s map", stage);
	answer(a, container_unmap(c, container_iova(0), PAGE_SIZE, NULL),
	       "%s unmap", stage);
	answer(a, container_unmap_all(c, NULL), "%s unmap all", stage);
	answer(a, container_get_info(c, &info, sizeof(info), 0), "%s info",
	       stage);
	answer(a, container_ioctl(c, VFIO_IOMMU_MAP_DMA, 0), "%s map nothing",
	       stage);
	answer(a, container_ioctl(c, VFIO_IOMMU_DIRTY_PAGES, 0),
	       "%s dirty pages", stage);
	answer(a, container_ioctl(c, NO_SUCH_IOCTL, 0), "%s no such ioctl",
	       stage);
}

void ask_too_early(struct container *c, struct answers *a)
{
	unsigned int i;

	ask_too_early_at(c, a, "open");
	for (i = 0; i <= 12; i++)
		answer(a, container_ioctl(c, VFIO_SET_IOMMU, i),
		       "open type %u", i);
	answer(a, container_open_device(c, 0), "open device");
	answer(a, container_set_group(c, 0), "set group");
	ask_too_early_at(c, a, "group");
	answer(a, container_open_device(c, 0), "group device");
}

void ask_types(struct container *c, struct answers *a)
{
	unsigned int i;

	for (i = 0; i <= 12; i++)
		if (i != V1 && i != V2)
			answer(a, container_ioctl(c, VFIO_SET_IOMMU, i),
			       "type %u", i);
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, V1 | 1UL << 32),
	       "high half");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, c->type), "right");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, c->type), "again");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, V1 + V2 - c->type),
	       "again, the other type");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, 1000), "again, wrong");
	answer(a, container_open_device(c, 0), "open device");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, V1), "device, v1");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, V2), "device, v2");
}

void ask_other_ioctls(struct container *c, struct answers *a)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty),
	};

	answer(a, container_ioctl(c, NO_SUCH_IOCTL, 0), "no such ioctl");
	answer(a, container_ioctl(c, VFIO_IOMMU_ENABLE, 0), "enable");
	answer(a, container_ioctl(c, VFIO_IOMMU_DISABLE, 0), "disable");
	answer(a, container_ioctl(c, VFIO_IOMMU_SPAPR_TCE_GET_INFO, 0),
	       "other architecture");
	answer(a, container_ioctl(c, VFIO_DEVICE_GET_INFO, 0), "of a device");
	answer(a, container_ioctl(c, VFIO_GROUP_GET_STATUS, 0), "of a group");
	answer(a, container_ioctl(c, _IO('!', 100), 0), "other type");
	answer(a, container_ioctl(c, _IOR(VFIO_TYPE, VFIO_BASE, int), 0),
	       "other direction");
	dirty.flags = 1U << 8;
	answer(a, container_ioctl(c, VFIO_IOMMU_DIRTY_PAGES,
				  (unsigned long)&dirty), "dirty pages");
	dirty.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START;
	answer(a, container_ioctl(c, VFIO_IOMMU_DIRTY_PAGES,
				  (unsigned long)&dirty), "dirty pages start");
	dirty.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP;
	answer(a, container_ioctl(c, VFIO_IOMMU_DIRTY_PAGES,
				  (unsigned long)&dirty), "dirty pages stop");
}

static void ask_status(struct container *c, struct answers *a,
		       const char *stage)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	answer(a, ioctl(c->group[0], VFIO_GROUP_GET_STATUS, &status) ? -errno :
		  (int)status.flags, "status %s", stage);
}

void ask_groups(struct container *c, struct answers *a)
{
	ask_status(c, a, "open");
	answer(a, container_unset_group(c, 0), "unset too early");
	answer(a, container_set_group(c, 0), "set");
	answer(a, container_set_group(c, 0), "set twice");
	ask_status(c, a, "set");
	answer(a, container_set_group(c, 1), "set the second");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, c->type), "set iommu");
	answer(a, container_open_device(c, 0), "open device");
	answer(a, container_open_device(c, 1), "open the second");
	answer(a, container_map_pages(c, 0, 4), "map for both");
	container_close_device(c, 1);
	answer(a, container_unset_group(c, 1), "unset the second");
	answer(a, container_unset_group(c, 1), "unset it twice");
	answer(a, container_map_pages(c, 0, 4),
	       "mapped before second group left");
	answer(a, container_set_group(c, 1), "set it again");
	answer(a, container_open_device(c, 1), "open it again");
	answer(a, container_unset_group(c, 1) == -EBUSY ? -EBUSY : 0,
	       "unset with the device open");
	container_close_device(c, 1);
	container_close_device(c, 0);
	container_unset_group(c, 1);
	answer(a, container_unset_group(c, 0), "unset");
	ask_status(c, a, "unset");
	answer(a, container_set_group(c, 0), "set once more");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, c->type),
	       "set iommu once more");
	answer(a, container_open_device(c, 0), "open once more");
	answer(a, container_map_pages(c, 0, 4), "mapped before group left");
}

/* The end: the last group takes the mappings along */

static void ask_left(struct container *c, struct answers *a)
{
	union container_info info;

	answer(a, container_map_pages(c, 8, 1), "left, map");
	answer(a, container_unmap(c, container_iova(0), 4 * PAGE_SIZE, NULL),
	       "left, unmap");
	answer(a, container_unmap_all(c, NULL), "left, unmap all");
	answer(a, container_get_info(c, &info, sizeof(info), 0), "left, info");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, c->type),
	       "left, set iommu");
	answer(a, container_ioctl(c, VFIO_CHECK_EXTENSION, V2),
	       "left, extension");
	answer(a, status_kib("VmLck:"), "left, charged");
}

/* Another type than before, and memory that is not what it was. */
static void ask_new_start(struct container *c, struct answers *a)
{
	__u64 size;
	int ret;

	answer(a, container_set_group(c, 0), "set again");
	answer(a, container_map_pages(c, 8, 1), "again, too early");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, V1 + V2 - c->type),
	       "set the other type");
	ret = container_open_device(c, 0);
	answer(a, ret, "open again");
	if (ret)
		return;
	answer(a, container_unmap_all(c, &size), "unmap what is mapped");
	answer(a, size, "mapped before");
	memory_fill(container_page(c, 1), PAGE_SIZE, 2);
	answer(a, edu_start(&c->edu[0]), "start the device");
	edu_dma_copy(&c->edu[0], container_iova(0), container_iova(1),
		     EDU_DMA_MAX);
	answer(a, memory_compare(container_page(c, 1), PAGE_SIZE, 2),
	       "not reached");
	answer(a, container_map_pages(c, 1, 8), "map more than before");
	answer(a, edu_dma_copy(&c->edu[0], container_iova(1), container_iova(2),
			       EDU_DMA_MAX), "copy");
	answer(a, memory_compare(container_page(c, 2), EDU_DMA_MAX, 2),
	       "copied");
}

static void begin_the_end(struct container *c, struct answers *a)
{
	answer(a, container_map_pages(c, 0, 4), "map");
	container_close_device(c, 0);
	munmap(container_page(c, 0), PAGE_SIZE);
}

void ask_end_by_unset(struct container *c, struct answers *a)
{
	begin_the_end(c, a);
	answer(a, container_unset_group(c, 0), "unset");
	ask_left(c, a);
	ask_new_start(c, a);
}

void ask_end_by_close(struct container *c, struct answers *a)
{
	begin_the_end(c, a);
	answer(a, container_reopen_group(c, 0), "close the group, open it");
	ask_new_start(c, a);
}

/* Whoever opens a device again and keeps the group keeps the mappings. */
void ask_device_again(struct container *c, struct answers *a)
{
	unsigned int i;

	memory_fill(container_page(c, 0), PAGE_SIZE, 1);
	answer(a, container_map_pages(c, 0, 2), "map");
	for (i = 0; i < 3; i++) {
		container_close_device(c, 0);
		answer(a, container_open_device(c, 0), "open again %u", i);
		answer(a, container_map_pages(c, 0, 2), "still mapped %u", i);
		answer(a, edu_start(&c->edu[0]), "start %u", i);
		memory_fill(container_page(c, 1), PAGE_SIZE, 2);
		answer(a, edu_dma_copy(&c->edu[0], container_iova(0),
				       container_iova(1), EDU_DMA_MAX),
		       "copy %u", i);
		answer(a, memory_compare(container_page(c, 1), EDU_DMA_MAX, 1),
		       "copied %u", i);
	}
}

/* It is the last group that counts, not the first. */
void ask_two_groups(struct container *c, struct answers *a)
{
	answer(a, container_map_pages(c, 0, 2), "map");
	answer(a, container_set_group(c, 1), "set the second");
	container_close_device(c, 0);
	answer(a, container_unset_group(c, 0), "unset the first");
	answer(a, container_map_pages(c, 0, 2), "still mapped");
	answer(a, container_open_device(c, 1), "open the second");
	answer(a, container_map_pages(c, 1, 1), "mapped for it");
	container_close_device(c, 1);
	answer(a, container_unset_group(c, 1), "unset the second");
	answer(a, container_set_group(c, 1), "set it again");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, c->type), "set iommu");
	answer(a, container_open_device(c, 1), "open it again");
	answer(a, container_map_pages(c, 0, 3), "map over it");
}

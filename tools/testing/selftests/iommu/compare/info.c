// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ask.h"

#include <stddef.h>
#include <stdio.h>

#include <linux/capability.h>

#include "lib/files.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/process.h"

/* Info */

static void ask_info_iova(const union container_info *info, struct answers *a)
{
	const struct vfio_iommu_type1_info_cap_iova_range *cap;
	unsigned int i;

	cap = (const void *)container_capability(info,
				VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	answer(a, !!cap, "iova ranges");
	if (!cap)
		return;
	answer(a, cap->header.version, "iova version");
	answer(a, cap->nr_iovas, "iova number");
	answer(a, cap->reserved, "iova padding");
	for (i = 0; i < cap->nr_iovas; i++) {
		answer(a, cap->iova_ranges[i].start, "iova start %u", i);
		answer(a, cap->iova_ranges[i].end, "iova end %u", i);
	}
}

static void ask_info_migration(const union container_info *info,
			       struct answers *a)
{
	const struct vfio_iommu_type1_info_cap_migration *cap;

	cap = (const void *)container_capability(info,
				VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
	answer(a, !!cap, "migration");
	if (!cap)
		return;
	answer(a, cap->header.version, "migration version");
	answer(a, cap->flags, "migration flags");
	answer(a, cap->pgsize_bitmap, "migration page sizes");
	answer(a, cap->max_dirty_bitmap_size, "migration largest bitmap");
}

static long long mappings_available(const union container_info *info)
{
	const struct vfio_iommu_type1_info_dma_avail *cap;

	cap = (const void *)container_capability(info,
				VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	return cap ? (long long)cap->avail : -1;
}

static bool untouched(const union container_info *info, __u32 from,
		      unsigned char filler)
{
	for (; from < sizeof(*info); from++)
		if (info->bytes[from] != filler)
			return false;
	return true;
}

static void ask_info_argsz(struct container *c, struct answers *a, __u32 argsz,
			   const char *name)
{
	union container_info info;
	__u32 need;

	answer(a, container_get_info(c, &info, argsz, 0xa5), "ret, %s", name);
	need = info.head.argsz;
	answer(a, need > argsz, "argsz has grown, %s", name);
	if (argsz >= 8)
		answer(a, info.head.flags, "flags, %s", name);
	if (argsz >= 24)
		answer(a, !!info.head.cap_offset, "capabilities, %s", name);
	/* What there was no room for is not written. */
	if (argsz >= need)
		argsz = need;
	else if (argsz > sizeof(info.head))
		argsz = sizeof(info.head);
	answer(a, untouched(&info, argsz < 4 ? 4 : argsz, 0xa5), "rest, %s",
	       name);
}

void ask_info(struct container *c, struct answers *a)
{
	static const __u32 argsz[] = {
		0, 4, 15, 16, 17, 20, 23, 24, 25, 32, 40,
	};
	union container_info info;
	__u32 need;
	unsigned int i;

	answer(a, container_get_info(c, &info, sizeof(info.head), 0), "ask");
	answer(a, info.head.flags, "flags");
	answer(a, info.head.cap_offset, "no room for capabilities");
	answer(a, info.head.iova_pgsizes, "page sizes");
	need = info.head.argsz;
	answer(a, container_get_info(c, &info, need, 0), "ask for all");
	answer(a, info.head.argsz == need, "argsz was right");
	answer(a, need, "need for all");
	ask_info_iova(&info, a);
	ask_info_migration(&info, a);
	answer(a, mappings_available(&info), "mappings available");
	answer(a, container_map_pages(c, 0, 4), "map");
	container_get_info(c, &info, need, 0);
	answer(a, mappings_available(&info), "mappings available, with one");
	for (i = 0; i < sizeof(argsz) / sizeof(*argsz); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", argsz[i]);
		ask_info_argsz(c, a, argsz[i], name);
	}
	ask_info_argsz(c, a, need - 1, "one less");
	ask_info_argsz(c, a, need, "exact");
	ask_info_argsz(c, a, need + 1, "one more");
	answer(a, container_ioctl(c, VFIO_IOMMU_GET_INFO, 0), "NULL");
}

/* Accounting */

static void ask_charged(struct answers *a, const char *name)
{
	answer(a, status_kib("VmLck:") / KIB_PER_PAGE, "VmLck%s", name);
	answer(a, status_kib("VmPin:") / KIB_PER_PAGE, "VmPin%s", name);
}

void ask_accounting(struct container *c, struct answers *a)
{
	ask_charged(a, "");
	answer(a, container_map_pages(c, 0, 3), "map 3 pages");
	ask_charged(a, " of 3 pages");
	answer(a, container_map(c, container_page(c, 1), container_iova(20),
				2 * PAGE_SIZE), "map 2 of them twice");
	ask_charged(a, ", 2 pages twice");
	answer(a, container_unmap_all(c, NULL), "unmap all");
	ask_charged(a, " of nothing");
}

void ask_limit(struct container *c, struct answers *a)
{
	answer(a, memlock_limit(16 * PAGE_SIZE), "limit");
	answer(a, capability_drop(CAP_IPC_LOCK), "drop the capability");
	answer(a, container_map_pages(c, 0, 17), "above the limit");
	answer(a, status_kib("VmLck:"), "charged for nothing");
	answer(a, container_map_pages(c, 0, 16), "the limit");
	answer(a, container_map_pages(c, 20, 1), "one page more");
	answer(a, status_kib("VmLck:") / KIB_PER_PAGE, "charged at the limit");
	answer(a, container_unmap(c, container_iova(0), 16 * PAGE_SIZE, NULL),
	       "unmap");
	answer(a, status_kib("VmLck:"), "charged after it");
	answer(a, container_map_pages(c, 20, 16), "the limit again");
	answer(a, capability_raise(CAP_IPC_LOCK), "raise the capability");
	answer(a, container_map_pages(c, 40, 4), "without a limit");
	answer(a, status_kib("VmLck:") / KIB_PER_PAGE,
	       "charged above the limit");
}

/* DMA */

void ask_dma(struct container *c, struct answers *a)
{
	answer(a, edu_start(&c->edu[0]), "start the device");
	memory_fill(container_page(c, 0), PAGE_SIZE, 1);
	memory_fill(container_page(c, 1), PAGE_SIZE, 2);
	answer(a, container_map_pages(c, 0, 1), "map the source");
	answer(a, container_map_pages(c, 1, 1), "map the destination");
	answer(a, edu_dma_copy(&c->edu[0], container_iova(0), container_iova(1),
			       EDU_DMA_MAX), "copy");
	answer(a, memory_compare(container_page(c, 1), EDU_DMA_MAX, 1),
	       "copied");
	answer(a, container_unmap(c, container_iova(1), PAGE_SIZE, NULL),
	       "unmap");
	answer(a, container_map(c, container_page(c, 2), container_iova(1),
				PAGE_SIZE), "map other memory there");
	memory_fill(container_page(c, 1), PAGE_SIZE, 2);
	answer(a, edu_dma_copy(&c->edu[0], container_iova(0), container_iova(1),
			       EDU_DMA_MAX), "copy again");
	answer(a, memory_compare(container_page(c, 2), EDU_DMA_MAX, 1),
	       "copied there");
	answer(a, memory_compare(container_page(c, 1), EDU_DMA_MAX, 2),
	       "not here");
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ask.h"

#include <stddef.h>

#include "lib/ioctls.h"

/* Unmap */

static int unmap_raw(struct container *c, __u32 argsz, __u32 flags, __u64 at,
		     __u64 *size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = argsz,
		.flags = flags,
		.iova = at,
		.size = *size,
	};
	int ret = container_ioctl(c, VFIO_IOMMU_UNMAP_DMA,
				  (unsigned long)&unmap);

	*size = unmap.size;
	return ret;
}

void ask_unmap_argsz(struct container *c, struct answers *a)
{
	static const __u32 argsz[] = {
		0, 1, 8, 16, 23, 24, 25, 32, 4096, ~0U,
	};
	unsigned int i;

	for (i = 0; i < sizeof(argsz) / sizeof(*argsz); i++) {
		__u64 size = PAGE_SIZE;

		answer(a, container_map_pages(c, i, 1), "map for argsz %u",
		       argsz[i]);
		answer(a, unmap_raw(c, argsz[i], 0, container_iova(i), &size),
		       "argsz %u", argsz[i]);
		answer(a, size, "size with argsz %u", argsz[i]);
	}
	answer(a, container_ioctl(c, VFIO_IOMMU_UNMAP_DMA, 0),
	       "argument NULL");
}

void ask_unmap_flags(struct container *c, struct answers *a)
{
	const __u32 argsz = sizeof(struct vfio_iommu_type1_dma_unmap);
	static const struct {
		const char *name;
		__u32 flags;
	} flags[] = {
		{ "dirty", VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP },
		{ "dirty, all", VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
				VFIO_DMA_UNMAP_FLAG_ALL },
		{ "unknown", 1U << 3 },
		{ "highest", 1U << 31 },
		{ "unknown, all", 1U << 3 | VFIO_DMA_UNMAP_FLAG_ALL },
		{ "vaddr", VFIO_DMA_UNMAP_FLAG_VADDR },
	};
	unsigned int i;
	__u64 size;

	answer(a, container_map_pages(c, 0, 2), "map");
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		size = 2 * PAGE_SIZE;
		answer(a, unmap_raw(c, argsz, flags[i].flags, container_iova(0),
				    &size), "%s", flags[i].name);
		answer(a, size, "size, %s", flags[i].name);
	}
	answer(a, container_unmap(c, container_iova(0), 2 * PAGE_SIZE, &size),
	       "without flags");
	answer(a, size, "size, without flags");
	answer(a, container_map_pages(c, 0, 2), "map again");
	size = 0;
	answer(a, unmap_raw(c, argsz, VFIO_DMA_UNMAP_FLAG_VADDR |
			    VFIO_DMA_UNMAP_FLAG_ALL, 0, &size), "vaddr, all");
}

/* The dirty flag with all that belongs to it, and no tracking. */
void ask_unmap_dirty(struct container *c, struct answers *a)
{
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} request = {
		.unmap = {
			.argsz = sizeof(request),
			.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			.iova = container_iova(0),
			.size = PAGE_SIZE,
		},
		.bitmap = {
			.pgsize = PAGE_SIZE,
			.size = sizeof(__u64),
			.data = (void *)container_page(c, 8),
		},
	};
	__u64 unmapped;

	answer(a, container_map_pages(c, 0, 1), "map");
	answer(a, container_ioctl(c, VFIO_IOMMU_UNMAP_DMA,
				  (unsigned long)&request), "unmap");
	answer(a, container_unmap_all(c, &unmapped), "still there");
	answer(a, unmapped, "its size");
}

void ask_unmap_all(struct container *c, struct answers *a)
{
	const __u32 argsz = sizeof(struct vfio_iommu_type1_dma_unmap);
	__u64 size;

	answer(a, container_unmap_all(c, &size), "nothing");
	answer(a, size, "size of nothing");
	answer(a, container_map_pages(c, 0, 2), "map");
	answer(a, container_map_pages(c, 8, 5), "map more");
	size = PAGE_SIZE;
	answer(a, unmap_raw(c, argsz, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size),
	       "with a size");
	answer(a, size, "the size");
	size = 0;
	answer(a, unmap_raw(c, argsz, VFIO_DMA_UNMAP_FLAG_ALL,
			    container_iova(0), &size), "with an iova");
	size = ~0ULL;
	answer(a, unmap_raw(c, argsz, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size),
	       "with all sizes");
	answer(a, container_unmap_all(c, &size), "right");
	answer(a, size, "size of all");
	answer(a, container_unmap_all(c, &size), "again");
	answer(a, size, "size of nothing again");
}

static void ask_unmap(struct container *c, struct answers *a, const char *name,
		      __u64 at, __u64 length)
{
	__u64 size;

	answer(a, container_unmap(c, at, length, &size), "%s", name);
	answer(a, size, "size, %s", name);
}

void ask_unmap_range(struct container *c, struct answers *a)
{
	const __u64 top = -PAGE_SIZE;
	__u64 size;

	answer(a, container_map_pages(c, 0, 1), "map");
	ask_unmap(c, a, "size 0", container_iova(0), 0);
	ask_unmap(c, a, "size 1", container_iova(0), 1);
	ask_unmap(c, a, "half a page", container_iova(0), PAGE_SIZE / 2);
	ask_unmap(c, a, "page and a half", container_iova(0),
		  PAGE_SIZE * 3 / 2);
	ask_unmap(c, a, "iova off by one", container_iova(0) + 1, PAGE_SIZE);
	ask_unmap(c, a, "iova off by half", container_iova(0) - PAGE_SIZE / 2,
		  PAGE_SIZE);
	ask_unmap(c, a, "wraps", top, 2 * PAGE_SIZE);
	ask_unmap(c, a, "wraps by a page", 2 * PAGE_SIZE, top);
	ask_unmap(c, a, "largest size", 0, ~0ULL);
	ask_unmap(c, a, "at the top", top, PAGE_SIZE);
	ask_unmap(c, a, "elsewhere", container_iova(4), PAGE_SIZE);
	ask_unmap(c, a, "upper half", 1ULL << 63, 1ULL << 62);
	container_unmap(c, PAGE_SIZE, top, &size);
	answer(a, size, "to the top");
	container_unmap(c, 0, 1ULL << 63, &size);
	answer(a, size, "left below the top");
	answer(a, container_map_pages(c, 0, 1), "map again");
	ask_unmap(c, a, "lower half", 0, 1ULL << 63);
	ask_unmap(c, a, "nothing", 0, 1ULL << 63);
}

/* Areas of 4 pages at 0, 4 and 12, with a hole at 8. */
static void ask_unmap_of_three(struct container *c, struct answers *a,
			       unsigned int first, unsigned int count)
{
	__u64 size;

	answer(a, container_map_pages(c, 0, 4) | container_map_pages(c, 4, 4) |
	       container_map_pages(c, 12, 4), "map %u+%u", first, count);
	answer(a, container_unmap(c, container_iova(first), count * PAGE_SIZE,
				  &size), "unmap %u+%u", first, count);
	answer(a, size, "size %u+%u", first, count);
	container_unmap_all(c, &size);
	answer(a, size, "left %u+%u", first, count);
}

void ask_unmap_cuts(struct container *c, struct answers *a)
{
	static const unsigned char ranges[][2] = {
		{ 0, 4 },  { 0, 8 },  { 0, 16 }, { 4, 4 },  { 4, 12 },
		{ 8, 4 },  { 8, 8 },  { 20, 4 }, { 0, 2 },  { 2, 2 },
		{ 1, 2 },  { 2, 6 },  { 0, 6 },  { 2, 4 },  { 0, 14 },
		{ 6, 10 }, { 9, 2 },  { 9, 4 },  { 14, 2 }, { 14, 8 },
		{ 2, 12 }, { 7, 1 },  { 7, 2 },  { 11, 2 }, { 0, 1 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		ask_unmap_of_three(c, a, ranges[i][0], ranges[i][1]);
}

/* A call that is wrong in itself leaves the layout as it is. */
void ask_unmap_wrong(struct container *c, struct answers *a)
{
	__u64 size;

	answer(a, container_map_pages(c, 0, 8), "map");
	ask_unmap(c, a, "inside, size 0", container_iova(2), 0);
	ask_unmap(c, a, "inside, wraps", container_iova(2), -PAGE_SIZE);
	ask_unmap(c, a, "inside, not aligned", container_iova(2),
		  PAGE_SIZE + 1);
	answer(a, container_unmap(c, container_iova(0), 8 * PAGE_SIZE, &size),
	       "whole");
	answer(a, size, "size of it");
	answer(a, container_map_pages(c, 0, 8), "map again");
	ask_unmap(c, a, "inside", container_iova(2), 2 * PAGE_SIZE);
	answer(a, container_map_pages(c, 2, 2), "map over that");
	answer(a, container_unmap(c, container_iova(0), 8 * PAGE_SIZE, &size),
	       "whole again");
	answer(a, size, "size of it again");
}

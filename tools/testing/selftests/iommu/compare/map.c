// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ask.h"

#include <stddef.h>
#include <sys/mman.h>

#include "lib/ioctls.h"

/* Map */

static int map_raw(struct container *c, __u32 argsz, __u32 flags,
		   const void *va, __u64 at, __u64 size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = argsz,
		.flags = flags,
		.vaddr = va_to_u64(va),
		.iova = at,
		.size = size,
	};

	return container_ioctl(c, VFIO_IOMMU_MAP_DMA, (unsigned long)&map);
}

void ask_map_argsz(struct container *c, struct answers *a)
{
	static const __u32 argsz[] = {
		0, 1, 8, 24, 31, 32, 33, 40, 4096, ~0U,
	};
	unsigned int i;

	for (i = 0; i < sizeof(argsz) / sizeof(*argsz); i++) {
		answer(a, map_raw(c, argsz[i], VFIO_DMA_MAP_FLAG_READ,
				  container_page(c, i), container_iova(i),
				  PAGE_SIZE), "argsz %u", argsz[i]);
	}
	answer(a, container_ioctl(c, VFIO_IOMMU_MAP_DMA, 0), "argument NULL");
	answer(a, container_ioctl(c, VFIO_IOMMU_MAP_DMA,
				  va_to_u64(c->buffer +
					    CONTAINER_PAGES * PAGE_SIZE - 16)),
	       "argument half there");
}

void ask_map_flags(struct container *c, struct answers *a)
{
	static const struct {
		const char *name;
		__u32 flags;
	} flags[] = {
		{ "none", 0 },
		{ "read", VFIO_DMA_MAP_FLAG_READ },
		{ "write", VFIO_DMA_MAP_FLAG_WRITE },
		{ "both", VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE },
		{ "vaddr", VFIO_DMA_MAP_FLAG_VADDR },
		{ "vaddr, read",
		  VFIO_DMA_MAP_FLAG_VADDR | VFIO_DMA_MAP_FLAG_READ },
		{ "unknown", 1U << 3 | VFIO_DMA_MAP_FLAG_READ },
		{ "highest", 1U << 31 | VFIO_DMA_MAP_FLAG_READ },
		{ "highest alone", 1U << 31 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		answer(a, map_raw(c, sizeof(struct vfio_iommu_type1_dma_map),
				  flags[i].flags, container_page(c, i),
				  container_iova(i), PAGE_SIZE), "%s",
		       flags[i].name);
}

void ask_map_alignment(struct container *c, struct answers *a)
{
	answer(a, container_map(c, c->buffer, container_iova(0), 0), "size 0");
	answer(a, container_map(c, c->buffer, container_iova(0), 1), "size 1");
	answer(a, container_map(c, c->buffer, container_iova(0), PAGE_SIZE / 2),
	       "size of half a page");
	answer(a, container_map(c, c->buffer, container_iova(0), PAGE_SIZE + 1),
	       "size of more than a page");
	answer(a, container_map(c, c->buffer, container_iova(0) + 1, PAGE_SIZE),
	       "iova off by one");
	answer(a, container_map(c, c->buffer, container_iova(0) + PAGE_SIZE / 2,
				PAGE_SIZE), "iova off by half a page");
	answer(a, container_map(c, c->buffer + 1, container_iova(0), PAGE_SIZE),
	       "memory off by one");
	answer(a, container_map(c, c->buffer + PAGE_SIZE / 2, container_iova(0),
				PAGE_SIZE), "memory off by half a page");
	answer(a, container_map_pages(c, 0, 1), "right");
}

void ask_map_overlap(struct container *c, struct answers *a)
{
	answer(a, container_map_pages(c, 4, 4), "first");
	answer(a, container_map_pages(c, 4, 4), "the same");
	answer(a, container_map_pages(c, 4, 1), "its front");
	answer(a, container_map_pages(c, 7, 1), "its end");
	answer(a, container_map_pages(c, 5, 2), "its middle");
	answer(a, container_map_pages(c, 3, 2), "over its front");
	answer(a, container_map_pages(c, 7, 2), "over its end");
	answer(a, container_map_pages(c, 3, 6), "over all of it");
	answer(a, container_map_pages(c, 2, 2), "before it");
	answer(a, container_map_pages(c, 8, 2), "behind it");
	answer(a, container_map(c, container_page(c, 4), container_iova(20),
				4 * PAGE_SIZE), "the same memory elsewhere");
}

void ask_map_range(struct container *c, struct answers *a)
{
	const __u64 top = -PAGE_SIZE;
	const __u64 msi = 0xfee00000;

	answer(a, container_map(c, c->buffer, 0, PAGE_SIZE), "at 0");
	answer(a, container_map(c, c->buffer, top, PAGE_SIZE), "at the top");
	answer(a, container_map(c, c->buffer, top, 2 * PAGE_SIZE), "wraps");
	answer(a, container_map(c, c->buffer, PAGE_SIZE, top), "up to the top");
	answer(a, container_map(c, c->buffer, PAGE_SIZE * 2, top),
	       "wraps by a page");
	answer(a, container_map(c, c->buffer, 0, top), "all but a page");
	answer(a, container_map(c, c->buffer, 1ULL << 63, 1ULL << 63),
	       "upper half");
	answer(a, container_map(c, c->buffer, 1ULL << 60, PAGE_SIZE),
	       "beyond the aperture");
	answer(a, container_map(c, c->buffer, msi, PAGE_SIZE), "reserved");
	answer(a, container_map(c, c->buffer, msi - PAGE_SIZE, 2 * PAGE_SIZE),
	       "into reserved");
	answer(a, container_map(c, c->buffer, msi - PAGE_SIZE, PAGE_SIZE),
	       "before reserved");
	answer(a, container_map(c, c->buffer, msi - PAGE_SIZE, 2 * PAGE_SIZE),
	       "mapped and reserved");
	answer(a, container_map(c, (void *)top, container_iova(0), PAGE_SIZE),
	       "memory at the top");
	answer(a, container_map(c, (void *)top, container_iova(0),
				2 * PAGE_SIZE), "memory wraps");
	answer(a, container_map(c, (void *)(1ULL << 63), container_iova(0),
				PAGE_SIZE), "memory of the kernel");
	answer(a, container_map(c, NULL, container_iova(0), PAGE_SIZE),
	       "memory at NULL");
	answer(a, container_map_pages(c, 0, 1), "after all that");
}

/* Values above 32 bits are not cut to their lower half. */
void ask_wide(struct container *c, struct answers *a)
{
	__u64 unmapped;

	answer(a, container_map(c, c->buffer, container_iova(0) + (1ULL << 32),
				PAGE_SIZE), "map above 4 GiB");
	answer(a, container_map_pages(c, 0, 1), "map below it");
	answer(a, container_map(c, c->buffer, container_iova(2) + (1ULL << 32),
				(1ULL << 32) + PAGE_SIZE),
	       "map more than 4 GiB");
	answer(a, container_unmap(c, container_iova(0) + (1ULL << 33),
				  PAGE_SIZE, &unmapped), "unmap above 8 GiB");
	answer(a, unmapped, "unmapped there");
	answer(a, container_unmap(c, container_iova(0),
				  (1ULL << 32) + PAGE_SIZE, &unmapped),
	       "unmap across 4 GiB");
	answer(a, unmapped, "unmapped across it");
}

static void *readable_page(void)
{
	return mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
}

void ask_map_memory(struct container *c, struct answers *a)
{
	const __u32 argsz = sizeof(struct vfio_iommu_type1_dma_map);
	void *readable = readable_page();
	__u64 unmapped;

	answer(a, map_raw(c, argsz, VFIO_DMA_MAP_FLAG_WRITE, readable,
			  container_iova(0), PAGE_SIZE),
	       "write to what is for reading");
	answer(a, map_raw(c, argsz, VFIO_DMA_MAP_FLAG_READ, readable,
			  container_iova(0), PAGE_SIZE), "read it");
	answer(a, mprotect(container_page(c, 4), PAGE_SIZE, PROT_NONE),
	       "take a page");
	answer(a, container_map_pages(c, 2, 4), "memory with a hole");
	answer(a, container_unmap(c, container_iova(2), 4 * PAGE_SIZE,
				  &unmapped), "unmap it");
	answer(a, unmapped, "nothing was mapped");
	answer(a, mprotect(container_page(c, 4), PAGE_SIZE,
			   PROT_READ | PROT_WRITE), "give it back");
	answer(a, container_map_pages(c, 2, 4), "memory without a hole");
	answer(a, edu_start(&c->edu[0]), "start the device");
	answer(a, container_map(c, c->edu[0].registers.va, container_iova(20),
				PAGE_SIZE), "BAR of a device");
	munmap(readable, PAGE_SIZE);
}

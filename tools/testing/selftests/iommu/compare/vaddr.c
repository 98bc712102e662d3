// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ask.h"

#include <stddef.h>
#include <sys/mman.h>

#include <linux/capability.h>

#include "lib/files.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/process.h"

#define CHILD_MS	10000

static int give(const struct container *c, __u32 more_flags, const void *va,
		__u64 at, __u64 size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_VADDR | more_flags,
		.vaddr = va_to_u64(va),
		.iova = at,
		.size = size,
	};

	return container_ioctl(c, VFIO_IOMMU_MAP_DMA, (unsigned long)&map);
}

static int give_pages(const struct container *c, unsigned int index,
		      unsigned int count)
{
	return give(c, 0, container_page(c, index), container_iova(index),
		    count * PAGE_SIZE);
}

static void ask_invalidate(struct container *c, struct answers *a,
			   const char *name, __u32 more_flags, __u64 at,
			   __u64 size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_VADDR | more_flags,
		.iova = at,
		.size = size,
	};

	answer(a, container_ioctl(c, VFIO_IOMMU_UNMAP_DMA,
				  (unsigned long)&unmap), "%s", name);
	answer(a, unmap.size, "%s, size", name);
}

static void ask_invalidate_pages(struct container *c, struct answers *a,
				 const char *name, unsigned int index,
				 unsigned int count)
{
	ask_invalidate(c, a, name, 0, container_iova(index), count * PAGE_SIZE);
}

/* Areas of 4 pages at 0 and 8. */
void ask_vaddr_order(struct container *c, struct answers *a)
{
	__u64 unmapped;

	ask_invalidate_pages(c, a, "invalidate nothing", 0, 16);
	answer(a, give_pages(c, 0, 4), "give to nothing");
	answer(a, container_map_pages(c, 0, 4) | container_map_pages(c, 8, 4),
	       "map");
	answer(a, give_pages(c, 0, 4), "give too early");
	ask_invalidate_pages(c, a, "invalidate", 0, 4);
	ask_invalidate_pages(c, a, "invalidate twice", 0, 4);
	ask_invalidate_pages(c, a, "invalidate more", 0, 16);
	answer(a, give_pages(c, 8, 4), "not invalidated");
	answer(a, give_pages(c, 0, 4), "give");
	answer(a, give_pages(c, 0, 4), "give twice");
	/* The conflict comes behind what could have been invalidated. */
	ask_invalidate_pages(c, a, "invalidate the second", 8, 4);
	ask_invalidate_pages(c, a, "invalidate both", 0, 16);
	answer(a, give_pages(c, 0, 4), "it was undone");
	answer(a, give_pages(c, 8, 4), "that was not");
	ask_invalidate(c, a, "invalidate all", VFIO_DMA_UNMAP_FLAG_ALL, 0, 0);
	ask_invalidate(c, a, "all twice", VFIO_DMA_UNMAP_FLAG_ALL, 0, 0);
	ask_invalidate(c, a, "all with a size", VFIO_DMA_UNMAP_FLAG_ALL, 0,
		       PAGE_SIZE);
	answer(a, container_map_pages(c, 20, 2), "map meanwhile");
	answer(a, container_map_pages(c, 0, 2), "map over it");
	answer(a, container_unmap(c, container_iova(0), 4 * PAGE_SIZE,
				  &unmapped), "unmap");
	answer(a, unmapped, "unmapped");
	answer(a, container_map_pages(c, 0, 4), "map again");
	ask_invalidate_pages(c, a, "invalidate again", 0, 4);
	answer(a, container_unmap_all(c, &unmapped), "unmap all");
	answer(a, unmapped, "unmapped all");
	answer(a, container_map_pages(c, 0, 4), "map in the end");
}

void ask_vaddr_range(struct container *c, struct answers *a)
{
	const __u64 at = container_iova(4), size = 4 * PAGE_SIZE;
	const char *va = container_page(c, 4);

	answer(a, container_map_pages(c, 4, 4), "map");
	ask_invalidate(c, a, "invalidate size 0", 0, at, 0);
	ask_invalidate(c, a, "invalidate half a page", 0, at, PAGE_SIZE / 2);
	ask_invalidate(c, a, "invalidate off by one", 0, at + 1, size);
	ask_invalidate(c, a, "invalidate what wraps", 0, -PAGE_SIZE, size);
	ask_invalidate_pages(c, a, "invalidate the end", 6, 2);
	ask_invalidate_pages(c, a, "invalidate the front", 4, 2);
	ask_invalidate_pages(c, a, "invalidate elsewhere", 12, 4);
	ask_invalidate(c, a, "invalidate", VFIO_DMA_UNMAP_FLAG_ALL, 0, 0);
	answer(a, give(c, VFIO_DMA_MAP_FLAG_READ, va, at, size), "give rights");
	answer(a, give(c, 1U << 3, va, at, size), "give with a flag");
	answer(a, give(c, 0, va, at, 0), "give size 0");
	answer(a, give(c, 0, va, at, size - PAGE_SIZE), "give less");
	answer(a, give(c, 0, va, at, size + PAGE_SIZE), "give more");
	answer(a, give(c, 0, va, at - PAGE_SIZE, size), "give before it");
	answer(a, give(c, 0, va, at + PAGE_SIZE, PAGE_SIZE), "give inside");
	answer(a, give(c, 0, va, container_iova(20), size), "give elsewhere");
	answer(a, give(c, 0, va + 1, at, size), "give off by one");
	answer(a, give(c, 0, (void *)-PAGE_SIZE, at, size), "give what wraps");
	answer(a, give(c, 0, va, at + 1, size), "iova off by one");
	answer(a, give(c, 0, NULL, at, size), "give NULL");
	answer(a, give(c, 0, va, at, size), "give again");
}

/* The memory moves while the device goes on with it. */
void ask_vaddr_dma(struct container *c, struct answers *a)
{
	char *moved;

	answer(a, edu_start(&c->edu[0]), "start the device");
	answer(a, container_map_pages(c, 0, 1) | container_map_pages(c, 1, 1),
	       "map");
	memory_fill(container_page(c, 0), PAGE_SIZE, 1);
	memory_fill(container_page(c, 1), PAGE_SIZE, 2);
	ask_invalidate_pages(c, a, "invalidate", 0, 2);
	moved = mremap(container_page(c, 1), PAGE_SIZE, PAGE_SIZE,
		       MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	answer(a, moved == MAP_FAILED, "move");
	answer(a, edu_dma_copy(&c->edu[0], container_iova(0), container_iova(1),
			       EDU_DMA_MAX), "copy meanwhile");
	answer(a, memory_compare(moved, EDU_DMA_MAX, 1), "copied meanwhile");
	answer(a, give_pages(c, 0, 1), "give the old one");
	answer(a, give(c, 0, moved, container_iova(1), PAGE_SIZE),
	       "give the new one");
	memory_fill(moved, PAGE_SIZE, 3);
	answer(a, edu_dma_copy(&c->edu[0], container_iova(1), container_iova(0),
			       EDU_DMA_MAX), "copy back");
	answer(a, memory_compare(container_page(c, 0), EDU_DMA_MAX, 3),
	       "copied back");
	answer(a, status_kib("VmLck:") / KIB_PER_PAGE, "charged");
	answer(a, container_unmap_all(c, NULL), "unmap");
	answer(a, status_kib("VmLck:"), "charged for nothing");
	munmap(moved, PAGE_SIZE);
}

/* Returns what the child is charged for, or 100 and more after a failure. */
static int take_over(void *arg)
{
	const struct container *c = arg;
	int ret = give_pages(c, 0, 4);

	if (ret)
		return 100 - ret;
	return status_kib("VmLck:") / KIB_PER_PAGE;
}

/* Limited to less than there is. */
static int take_over_limited(void *arg)
{
	memlock_limit(3 * PAGE_SIZE);
	if (capability_drop(CAP_IPC_LOCK))
		return 99;
	return take_over(arg);
}

/* Another process gives the address, pays, and goes. */
void ask_vaddr_process(struct container *c, struct answers *a)
{
	answer(a, container_map_pages(c, 0, 4), "map");
	ask_invalidate_pages(c, a, "invalidate", 0, 4);
	answer(a, child_run(take_over_limited, c, CHILD_MS), "beyond limit");
	answer(a, status_kib("VmLck:") / KIB_PER_PAGE, "still charged");
	answer(a, child_run(take_over, c, CHILD_MS), "child is charged");
	answer(a, status_kib("VmLck:"), "parent is not");
	ask_invalidate_pages(c, a, "invalidate again", 0, 4);
	answer(a, give_pages(c, 0, 4), "take it back");
	answer(a, status_kib("VmLck:") / KIB_PER_PAGE, "charged again");
	answer(a, container_unmap_all(c, NULL), "unmap");
	answer(a, status_kib("VmLck:"), "charged for nothing");
}

/* Nobody comes in who could need an address. */
void ask_vaddr_group(struct container *c, struct answers *a)
{
	answer(a, container_map_pages(c, 0, 4), "map");
	ask_invalidate_pages(c, a, "invalidate", 0, 4);
	answer(a, container_set_group(c, 1), "second group");
	container_unset_group(c, 1);
	answer(a, give_pages(c, 0, 4), "give");
	answer(a, container_set_group(c, 1), "second group again");
}

/* Before a device is open nothing need be pinned at all. */
void ask_vaddr_device(struct container *c, struct answers *a)
{
	answer(a, container_map_pages(c, 0, 4), "map");
	ask_invalidate_pages(c, a, "invalidate", 0, 4);
	answer(a, container_open_device(c, 0), "open");
	answer(a, give_pages(c, 0, 4), "give");
	if (c->edu[0].vfio.fd < 0)
		answer(a, container_open_device(c, 0), "open again");
	else
		answer(a, 0, "open again");
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * An iommufd as a VFIO container, against VFIO's own with the type1 IOMMU
 * driver: the same calls on both with a real group, and every return value,
 * errno and output field compared. What differs on purpose is on a list, with
 * the reason; anything else that differs is a failure, and so is a difference
 * of the list that is not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/capability.h>

#include "lib/comparison.h"
#include "lib/container.h"
#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/process.h"
#include "lib/trap.h"
#include "lib/usage.h"

#define KIB_PER_PAGE	(PAGE_SIZE / 1024)
#define V1		VFIO_TYPE1_IOMMU
#define V2		VFIO_TYPE1v2_IOMMU

/* None of any driver's ioctls. */
#define NO_SUCH_IOCTL	_IO(VFIO_TYPE, 250)

#define NOT_TOLD	"VFIO tells an iommufd of devices, not of groups"
#define NEVER_ENOTTY	"ENOTTY for unknown numbers, as an iommufd always"
#define MIGRATION	VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION

#define NO_NESTING	"nested page tables are not made this way"
#define NO_VADDR	"vaddr cannot be changed under a mapping"
#define NO_DIRTY	"dirty pages are not tracked this way"
#define NO_LIMIT	"no limit to the number of mappings"
#define NO_BAR		"BARs cannot be mapped"
#define TOP_OF_SPACE	"type1 computes the end of the range as 0"
#define TWO_REASONS	"two reasons to refuse, the other one told"
#define VM_PIN		"type1 does not count pinned pages"
#define CUT_ENOENT	"/dev/iommu's error; /dev/vfio/vfio says EINVAL"

#define NO_GROUP	"/dev/iommu's error; /dev/vfio/vfio says EINVAL"

#define TOO_EARLY(what)	{ "too early: open " what, 0, -EINVAL, -ENODEV, \
			  NO_GROUP }
#define LEFT(what)	{ "end by unset: left, " what, 0, -EINVAL, -ENODEV, \
			  NO_GROUP }
#define CUT(range)	{ "unmap cuts: unmap " range, V2, -EINVAL, -ENOENT, \
			  CUT_ENOENT }

static const struct difference intended[] = {
	{ "extensions: open 6", 0, 1, 0, NO_NESTING },
	{ "extensions: group 6", 0, 1, 0, NO_NESTING },
	{ "extensions: iommu 6", 0, 1, 0, NO_NESTING },
	{ "extensions: device 6", 0, 1, 0, NO_NESTING },
	{ "extensions: iommu 10", 0, 1, 0, NO_VADDR },
	{ "extensions: device 10", 0, 1, 0, NO_VADDR },
	{ "too early: open map nothing", 0, -EINVAL, -EFAULT, NO_GROUP },
	TOO_EARLY("map"), TOO_EARLY("unmap"),
	TOO_EARLY("unmap all"), TOO_EARLY("info"), TOO_EARLY("type 0"),
	TOO_EARLY("type 1"), TOO_EARLY("type 2"), TOO_EARLY("type 3"),
	TOO_EARLY("type 4"), TOO_EARLY("type 5"), TOO_EARLY("type 6"),
	TOO_EARLY("type 7"), TOO_EARLY("type 8"), TOO_EARLY("type 9"),
	TOO_EARLY("type 10"), TOO_EARLY("type 11"), TOO_EARLY("type 12"),
	{ "too early: open dirty pages", 0, -EINVAL, -ENOTTY, NEVER_ENOTTY },
	{ "too early: open no such ioctl", 0, -EINVAL, -ENOTTY, NEVER_ENOTTY },
	{ "too early: group dirty pages", 0, -EINVAL, -ENOTTY, NEVER_ENOTTY },
	{ "too early: group no such ioctl", 0, -EINVAL, -ENOTTY, NEVER_ENOTTY },
	{ "too early: group device", 0, -EINVAL, 0, NOT_TOLD },
	{ "other ioctls: dirty pages", V1, -EACCES, -ENOTTY, NO_DIRTY },
	{ "other ioctls: dirty pages start", V1, -EACCES, -ENOTTY, NO_DIRTY },
	{ "other ioctls: dirty pages stop", V1, -EACCES, -ENOTTY, NO_DIRTY },
	{ "other ioctls: dirty pages", V2, -EINVAL, -ENOTTY, NO_DIRTY },
	{ "other ioctls: dirty pages start", V2, 0, -ENOTTY, NO_DIRTY },
	{ "other ioctls: dirty pages stop", V2, 0, -ENOTTY, NO_DIRTY },
	{ "groups: unset with the device open", 0, -EBUSY, 0, NOT_TOLD },
	LEFT("map"), LEFT("unmap"), LEFT("unmap all"), LEFT("info"),
	LEFT("set iommu"),
	{ "map flags: vaddr", 0, -ENOENT, -EINVAL, NO_VADDR },
	{ "map range: mapped and reserved", 0, -EEXIST, -EINVAL, TWO_REASONS },
	{ "map memory: BAR of a device", 0, 0, -EFAULT, NO_BAR },
	{ "unmap flags: vaddr", 0, 0, -EINVAL, NO_VADDR },
	{ "unmap flags: vaddr, all", 0, 0, -EINVAL, NO_VADDR },
	CUT("0+2"), CUT("2+2"), CUT("1+2"), CUT("2+6"), CUT("0+6"), CUT("2+4"),
	CUT("0+14"), CUT("6+10"), CUT("9+4"), CUT("14+2"), CUT("14+8"),
	CUT("2+12"), CUT("7+1"), CUT("7+2"), CUT("11+2"), CUT("0+1"),
	{ "unmap wrong: inside", V2, -EINVAL, -ENOENT, CUT_ENOENT },
	{ "unmap range: to the top", 0, 0, 0x1000, TOP_OF_SPACE },
	{ "unmap range: left below the top", 0, 0x1000, 0, TOP_OF_SPACE },
	{ "info: migration", 0, 1, 0, NO_DIRTY },
	{ "info: mappings available", 0, 65535, 0xffffffff, NO_LIMIT },
	{ "info: mappings available, with one", 0, 65534, 0xffffffff,
	  NO_LIMIT },
	{ "accounting: VmPin of 3 pages", 0, 0, 3, VM_PIN },
	{ "accounting: VmPin, 2 pages twice", 0, 0, 5, VM_PIN },
	{ }
};

/**
 * struct comparable - something to do on both
 * @title: unique
 * @stage: what the container is brought to before
 * @ask: does it; the container is closed afterwards
 */
struct comparable {
	const char *title;
	enum container_stage stage;
	void (*ask)(struct container *container, struct answers *answers);
};

static int ask_one(const struct comparable *comparable,
		   enum container_kind kind, unsigned long type, struct answers *answers)
{
	struct container container;
	int ret;

	answers->count = 0;
	ret = container_open(&container, kind, type, comparable->stage);
	if (!ret)
		comparable->ask(&container, answers);
	container_close(&container);
	return ret;
}

/* Number of answers that are wrong, or what went wrong before. */
static int ask_both(const struct comparable *comparable, unsigned long type)
{
	static struct answers theirs, ours;
	int ret;

	ret = ask_one(comparable, CONTAINER_TYPE1, type, &theirs);
	if (!ret)
		ret = ask_one(comparable, CONTAINER_IOMMUFD, type, &ours);
	if (ret)
		return ret;
	return comparison(comparable->title, type, &theirs, &ours, intended);
}

static char *page(const struct container *c, unsigned int index)
{
	return c->buffer + index * PAGE_SIZE;
}

static __u64 iova(unsigned int index)
{
	return CONTAINER_IOVA + index * PAGE_SIZE;
}

static int map_pages(const struct container *c, unsigned int index,
		     unsigned int count)
{
	return container_map(c, page(c, index), iova(index), count * PAGE_SIZE);
}

/* Version and extensions */

static void ask_version(struct container *c, struct answers *a)
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

static void ask_extensions(struct container *c, struct answers *a)
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

	answer(a, map_pages(c, 0, 1), "%s map", stage);
	answer(a, container_unmap(c, iova(0), PAGE_SIZE, NULL), "%s unmap",
	       stage);
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

static void ask_too_early(struct container *c, struct answers *a)
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

static void ask_types(struct container *c, struct answers *a)
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

static void ask_other_ioctls(struct container *c, struct answers *a)
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

static void ask_groups(struct container *c, struct answers *a)
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
	answer(a, map_pages(c, 0, 4), "map for both");
	container_close_device(c, 1);
	answer(a, container_unset_group(c, 1), "unset the second");
	answer(a, container_unset_group(c, 1), "unset it twice");
	answer(a, map_pages(c, 0, 4), "mapped before second group left");
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
	answer(a, map_pages(c, 0, 4), "mapped before group left");
}

/* The end: the last group takes the mappings along */

static void ask_left(struct container *c, struct answers *a)
{
	union container_info info;

	answer(a, map_pages(c, 8, 1), "left, map");
	answer(a, container_unmap(c, iova(0), 4 * PAGE_SIZE, NULL),
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
	answer(a, map_pages(c, 8, 1), "again, too early");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, V1 + V2 - c->type),
	       "set the other type");
	ret = container_open_device(c, 0);
	answer(a, ret, "open again");
	if (ret)
		return;
	answer(a, container_unmap_all(c, &size), "unmap what is mapped");
	answer(a, size, "mapped before");
	memory_fill(page(c, 1), PAGE_SIZE, 2);
	answer(a, edu_start(&c->edu[0]), "start the device");
	edu_dma_copy(&c->edu[0], iova(0), iova(1), EDU_DMA_MAX);
	answer(a, memory_compare(page(c, 1), PAGE_SIZE, 2), "not reached");
	answer(a, map_pages(c, 1, 8), "map more than before");
	answer(a, edu_dma_copy(&c->edu[0], iova(1), iova(2), EDU_DMA_MAX),
	       "copy");
	answer(a, memory_compare(page(c, 2), EDU_DMA_MAX, 2), "copied");
}

static void begin_the_end(struct container *c, struct answers *a)
{
	answer(a, map_pages(c, 0, 4), "map");
	container_close_device(c, 0);
	munmap(page(c, 0), PAGE_SIZE);
}

static void ask_end_by_unset(struct container *c, struct answers *a)
{
	begin_the_end(c, a);
	answer(a, container_unset_group(c, 0), "unset");
	ask_left(c, a);
	ask_new_start(c, a);
}

static void ask_end_by_close(struct container *c, struct answers *a)
{
	begin_the_end(c, a);
	answer(a, container_reopen_group(c, 0), "close the group, open it");
	ask_new_start(c, a);
}

/* Whoever opens a device again and keeps the group keeps the mappings. */
static void ask_device_again(struct container *c, struct answers *a)
{
	unsigned int i;

	memory_fill(page(c, 0), PAGE_SIZE, 1);
	answer(a, map_pages(c, 0, 2), "map");
	for (i = 0; i < 3; i++) {
		container_close_device(c, 0);
		answer(a, container_open_device(c, 0), "open again %u", i);
		answer(a, map_pages(c, 0, 2), "still mapped %u", i);
		answer(a, edu_start(&c->edu[0]), "start %u", i);
		memory_fill(page(c, 1), PAGE_SIZE, 2);
		answer(a, edu_dma_copy(&c->edu[0], iova(0), iova(1),
				       EDU_DMA_MAX),
		       "copy %u", i);
		answer(a, memory_compare(page(c, 1), EDU_DMA_MAX, 1),
		       "copied %u", i);
	}
}

/* It is the last group that counts, not the first. */
static void ask_two_groups(struct container *c, struct answers *a)
{
	answer(a, map_pages(c, 0, 2), "map");
	answer(a, container_set_group(c, 1), "set the second");
	container_close_device(c, 0);
	answer(a, container_unset_group(c, 0), "unset the first");
	answer(a, map_pages(c, 0, 2), "still mapped");
	answer(a, container_open_device(c, 1), "open the second");
	answer(a, map_pages(c, 1, 1), "mapped for it");
	container_close_device(c, 1);
	answer(a, container_unset_group(c, 1), "unset the second");
	answer(a, container_set_group(c, 1), "set it again");
	answer(a, container_ioctl(c, VFIO_SET_IOMMU, c->type), "set iommu");
	answer(a, container_open_device(c, 1), "open it again");
	answer(a, map_pages(c, 0, 3), "map over it");
}

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

static void ask_map_argsz(struct container *c, struct answers *a)
{
	static const __u32 argsz[] = {
		0, 1, 8, 24, 31, 32, 33, 40, 4096, ~0U,
	};
	unsigned int i;

	for (i = 0; i < sizeof(argsz) / sizeof(*argsz); i++) {
		answer(a, map_raw(c, argsz[i], VFIO_DMA_MAP_FLAG_READ,
				  page(c, i), iova(i), PAGE_SIZE), "argsz %u",
		       argsz[i]);
	}
	answer(a, container_ioctl(c, VFIO_IOMMU_MAP_DMA, 0), "argument NULL");
	answer(a, container_ioctl(c, VFIO_IOMMU_MAP_DMA,
				  va_to_u64(c->buffer +
					    CONTAINER_PAGES * PAGE_SIZE - 16)),
	       "argument half there");
}

static void ask_map_flags(struct container *c, struct answers *a)
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
				  flags[i].flags, page(c, i), iova(i),
				  PAGE_SIZE), "%s", flags[i].name);
}

static void ask_map_alignment(struct container *c, struct answers *a)
{
	answer(a, container_map(c, c->buffer, iova(0), 0), "size 0");
	answer(a, container_map(c, c->buffer, iova(0), 1), "size 1");
	answer(a, container_map(c, c->buffer, iova(0), PAGE_SIZE / 2),
	       "size of half a page");
	answer(a, container_map(c, c->buffer, iova(0), PAGE_SIZE + 1),
	       "size of more than a page");
	answer(a, container_map(c, c->buffer, iova(0) + 1, PAGE_SIZE),
	       "iova off by one");
	answer(a, container_map(c, c->buffer, iova(0) + PAGE_SIZE / 2,
				PAGE_SIZE), "iova off by half a page");
	answer(a, container_map(c, c->buffer + 1, iova(0), PAGE_SIZE),
	       "memory off by one");
	answer(a, container_map(c, c->buffer + PAGE_SIZE / 2, iova(0),
				PAGE_SIZE), "memory off by half a page");
	answer(a, map_pages(c, 0, 1), "right");
}

static void ask_map_overlap(struct container *c, struct answers *a)
{
	answer(a, map_pages(c, 4, 4), "first");
	answer(a, map_pages(c, 4, 4), "the same");
	answer(a, map_pages(c, 4, 1), "its front");
	answer(a, map_pages(c, 7, 1), "its end");
	answer(a, map_pages(c, 5, 2), "its middle");
	answer(a, map_pages(c, 3, 2), "over its front");
	answer(a, map_pages(c, 7, 2), "over its end");
	answer(a, map_pages(c, 3, 6), "over all of it");
	answer(a, map_pages(c, 2, 2), "before it");
	answer(a, map_pages(c, 8, 2), "behind it");
	answer(a, container_map(c, page(c, 4), iova(20), 4 * PAGE_SIZE),
	       "the same memory elsewhere");
}

static void ask_map_range(struct container *c, struct answers *a)
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
	answer(a, container_map(c, (void *)top, iova(0), PAGE_SIZE),
	       "memory at the top");
	answer(a, container_map(c, (void *)top, iova(0), 2 * PAGE_SIZE),
	       "memory wraps");
	answer(a, container_map(c, (void *)(1ULL << 63), iova(0), PAGE_SIZE),
	       "memory of the kernel");
	answer(a, container_map(c, NULL, iova(0), PAGE_SIZE), "memory at NULL");
	answer(a, map_pages(c, 0, 1), "after all that");
}

/* Values above 32 bits are not cut to their lower half. */
static void ask_wide(struct container *c, struct answers *a)
{
	__u64 unmapped;

	answer(a, container_map(c, c->buffer, iova(0) + (1ULL << 32),
				PAGE_SIZE), "map above 4 GiB");
	answer(a, map_pages(c, 0, 1), "map below it");
	answer(a, container_map(c, c->buffer, iova(2) + (1ULL << 32),
				(1ULL << 32) + PAGE_SIZE),
	       "map more than 4 GiB");
	answer(a, container_unmap(c, iova(0) + (1ULL << 33), PAGE_SIZE,
				  &unmapped), "unmap above 8 GiB");
	answer(a, unmapped, "unmapped there");
	answer(a, container_unmap(c, iova(0), (1ULL << 32) + PAGE_SIZE,
				  &unmapped), "unmap across 4 GiB");
	answer(a, unmapped, "unmapped across it");
}

static void *readable_page(void)
{
	return mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
}

static void ask_map_memory(struct container *c, struct answers *a)
{
	const __u32 argsz = sizeof(struct vfio_iommu_type1_dma_map);
	void *readable = readable_page();
	__u64 unmapped;

	answer(a, map_raw(c, argsz, VFIO_DMA_MAP_FLAG_WRITE, readable, iova(0),
			  PAGE_SIZE), "write to what is for reading");
	answer(a, map_raw(c, argsz, VFIO_DMA_MAP_FLAG_READ, readable, iova(0),
			  PAGE_SIZE), "read it");
	answer(a, mprotect(page(c, 4), PAGE_SIZE, PROT_NONE), "take a page");
	answer(a, map_pages(c, 2, 4), "memory with a hole");
	answer(a, container_unmap(c, iova(2), 4 * PAGE_SIZE, &unmapped),
	       "unmap it");
	answer(a, unmapped, "nothing was mapped");
	answer(a, mprotect(page(c, 4), PAGE_SIZE, PROT_READ | PROT_WRITE),
	       "give it back");
	answer(a, map_pages(c, 2, 4), "memory without a hole");
	answer(a, edu_start(&c->edu[0]), "start the device");
	answer(a, container_map(c, c->edu[0].registers.va, iova(20), PAGE_SIZE),
	       "BAR of a device");
	munmap(readable, PAGE_SIZE);
}

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

static void ask_unmap_argsz(struct container *c, struct answers *a)
{
	static const __u32 argsz[] = {
		0, 1, 8, 16, 23, 24, 25, 32, 4096, ~0U,
	};
	unsigned int i;

	for (i = 0; i < sizeof(argsz) / sizeof(*argsz); i++) {
		__u64 size = PAGE_SIZE;

		answer(a, map_pages(c, i, 1), "map for argsz %u", argsz[i]);
		answer(a, unmap_raw(c, argsz[i], 0, iova(i), &size), "argsz %u",
		       argsz[i]);
		answer(a, size, "size with argsz %u", argsz[i]);
	}
	answer(a, container_ioctl(c, VFIO_IOMMU_UNMAP_DMA, 0),
	       "argument NULL");
}

static void ask_unmap_flags(struct container *c, struct answers *a)
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

	answer(a, map_pages(c, 0, 2), "map");
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		size = 2 * PAGE_SIZE;
		answer(a, unmap_raw(c, argsz, flags[i].flags, iova(0), &size),
		       "%s", flags[i].name);
		answer(a, size, "size, %s", flags[i].name);
	}
	answer(a, container_unmap(c, iova(0), 2 * PAGE_SIZE, &size),
	       "without flags");
	answer(a, size, "size, without flags");
	answer(a, map_pages(c, 0, 2), "map again");
	size = 0;
	answer(a, unmap_raw(c, argsz, VFIO_DMA_UNMAP_FLAG_VADDR |
			    VFIO_DMA_UNMAP_FLAG_ALL, 0, &size), "vaddr, all");
}

/* The dirty flag with all that belongs to it, and no tracking. */
static void ask_unmap_dirty(struct container *c, struct answers *a)
{
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} request = {
		.unmap = {
			.argsz = sizeof(request),
			.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			.iova = iova(0),
			.size = PAGE_SIZE,
		},
		.bitmap = {
			.pgsize = PAGE_SIZE,
			.size = sizeof(__u64),
			.data = (void *)page(c, 8),
		},
	};
	__u64 unmapped;

	answer(a, map_pages(c, 0, 1), "map");
	answer(a, container_ioctl(c, VFIO_IOMMU_UNMAP_DMA,
				  (unsigned long)&request), "unmap");
	answer(a, container_unmap_all(c, &unmapped), "still there");
	answer(a, unmapped, "its size");
}

static void ask_unmap_all(struct container *c, struct answers *a)
{
	const __u32 argsz = sizeof(struct vfio_iommu_type1_dma_unmap);
	__u64 size;

	answer(a, container_unmap_all(c, &size), "nothing");
	answer(a, size, "size of nothing");
	answer(a, map_pages(c, 0, 2), "map");
	answer(a, map_pages(c, 8, 5), "map more");
	size = PAGE_SIZE;
	answer(a, unmap_raw(c, argsz, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size),
	       "with a size");
	answer(a, size, "the size");
	size = 0;
	answer(a, unmap_raw(c, argsz, VFIO_DMA_UNMAP_FLAG_ALL, iova(0), &size),
	       "with an iova");
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

static void ask_unmap_range(struct container *c, struct answers *a)
{
	const __u64 top = -PAGE_SIZE;
	__u64 size;

	answer(a, map_pages(c, 0, 1), "map");
	ask_unmap(c, a, "size 0", iova(0), 0);
	ask_unmap(c, a, "size 1", iova(0), 1);
	ask_unmap(c, a, "half a page", iova(0), PAGE_SIZE / 2);
	ask_unmap(c, a, "page and a half", iova(0), PAGE_SIZE * 3 / 2);
	ask_unmap(c, a, "iova off by one", iova(0) + 1, PAGE_SIZE);
	ask_unmap(c, a, "iova off by half", iova(0) - PAGE_SIZE / 2, PAGE_SIZE);
	ask_unmap(c, a, "wraps", top, 2 * PAGE_SIZE);
	ask_unmap(c, a, "wraps by a page", 2 * PAGE_SIZE, top);
	ask_unmap(c, a, "largest size", 0, ~0ULL);
	ask_unmap(c, a, "at the top", top, PAGE_SIZE);
	ask_unmap(c, a, "elsewhere", iova(4), PAGE_SIZE);
	ask_unmap(c, a, "upper half", 1ULL << 63, 1ULL << 62);
	container_unmap(c, PAGE_SIZE, top, &size);
	answer(a, size, "to the top");
	container_unmap(c, 0, 1ULL << 63, &size);
	answer(a, size, "left below the top");
	answer(a, map_pages(c, 0, 1), "map again");
	ask_unmap(c, a, "lower half", 0, 1ULL << 63);
	ask_unmap(c, a, "nothing", 0, 1ULL << 63);
}

/* Areas of 4 pages at 0, 4 and 12, with a hole at 8. */
static void ask_unmap_of_three(struct container *c, struct answers *a,
			       unsigned int first, unsigned int count)
{
	__u64 size;

	answer(a, map_pages(c, 0, 4) | map_pages(c, 4, 4) |
	       map_pages(c, 12, 4), "map %u+%u", first, count);
	answer(a, container_unmap(c, iova(first), count * PAGE_SIZE, &size),
	       "unmap %u+%u", first, count);
	answer(a, size, "size %u+%u", first, count);
	container_unmap_all(c, &size);
	answer(a, size, "left %u+%u", first, count);
}

static void ask_unmap_cuts(struct container *c, struct answers *a)
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
static void ask_unmap_wrong(struct container *c, struct answers *a)
{
	__u64 size;

	answer(a, map_pages(c, 0, 8), "map");
	ask_unmap(c, a, "inside, size 0", iova(2), 0);
	ask_unmap(c, a, "inside, wraps", iova(2), -PAGE_SIZE);
	ask_unmap(c, a, "inside, not aligned", iova(2), PAGE_SIZE + 1);
	answer(a, container_unmap(c, iova(0), 8 * PAGE_SIZE, &size), "whole");
	answer(a, size, "size of it");
	answer(a, map_pages(c, 0, 8), "map again");
	ask_unmap(c, a, "inside", iova(2), 2 * PAGE_SIZE);
	answer(a, map_pages(c, 2, 2), "map over that");
	answer(a, container_unmap(c, iova(0), 8 * PAGE_SIZE, &size),
	       "whole again");
	answer(a, size, "size of it again");
}

/* Info */

static __u32 info_need(const union container_info *info)
{
	/* Only one side has it, which is on the list of differences. */
	return info->head.argsz -
	       (container_capability(info, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION) ?
			sizeof(struct vfio_iommu_type1_info_cap_migration) :
			0);
}

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

static void ask_info(struct container *c, struct answers *a)
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
	answer(a, info_need(&info), "need for what both have");
	ask_info_iova(&info, a);
	answer(a, container_capability(&info, MIGRATION) ? 1 : 0, "migration");
	answer(a, mappings_available(&info), "mappings available");
	answer(a, map_pages(c, 0, 4), "map");
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

static void ask_accounting(struct container *c, struct answers *a)
{
	ask_charged(a, "");
	answer(a, map_pages(c, 0, 3), "map 3 pages");
	ask_charged(a, " of 3 pages");
	answer(a, container_map(c, page(c, 1), iova(20), 2 * PAGE_SIZE),
	       "map 2 of them twice");
	ask_charged(a, ", 2 pages twice");
	answer(a, container_unmap_all(c, NULL), "unmap all");
	ask_charged(a, " of nothing");
}

static void ask_limit(struct container *c, struct answers *a)
{
	answer(a, memlock_limit(16 * PAGE_SIZE), "limit");
	answer(a, capability_drop(CAP_IPC_LOCK), "drop the capability");
	answer(a, map_pages(c, 0, 17), "above the limit");
	answer(a, status_kib("VmLck:"), "charged for nothing");
	answer(a, map_pages(c, 0, 16), "the limit");
	answer(a, map_pages(c, 20, 1), "one page more");
	answer(a, status_kib("VmLck:") / KIB_PER_PAGE, "charged at the limit");
	answer(a, container_unmap(c, iova(0), 16 * PAGE_SIZE, NULL), "unmap");
	answer(a, status_kib("VmLck:"), "charged after it");
	answer(a, map_pages(c, 20, 16), "the limit again");
	answer(a, capability_raise(CAP_IPC_LOCK), "raise the capability");
	answer(a, map_pages(c, 40, 4), "without a limit");
	answer(a, status_kib("VmLck:") / KIB_PER_PAGE,
	       "charged above the limit");
}

/* DMA */

static void ask_dma(struct container *c, struct answers *a)
{
	answer(a, edu_start(&c->edu[0]), "start the device");
	memory_fill(page(c, 0), PAGE_SIZE, 1);
	memory_fill(page(c, 1), PAGE_SIZE, 2);
	answer(a, map_pages(c, 0, 1), "map the source");
	answer(a, map_pages(c, 1, 1), "map the destination");
	answer(a, edu_dma_copy(&c->edu[0], iova(0), iova(1), EDU_DMA_MAX),
	       "copy");
	answer(a, memory_compare(page(c, 1), EDU_DMA_MAX, 1), "copied");
	answer(a, container_unmap(c, iova(1), PAGE_SIZE, NULL), "unmap");
	answer(a, container_map(c, page(c, 2), iova(1), PAGE_SIZE),
	       "map other memory there");
	memory_fill(page(c, 1), PAGE_SIZE, 2);
	answer(a, edu_dma_copy(&c->edu[0], iova(0), iova(1), EDU_DMA_MAX),
	       "copy again");
	answer(a, memory_compare(page(c, 2), EDU_DMA_MAX, 1), "copied there");
	answer(a, memory_compare(page(c, 1), EDU_DMA_MAX, 2), "not here");
}

static const struct comparable version = {
	"version", STAGE_OPEN, ask_version };
static const struct comparable extensions = {
	"extensions", STAGE_OPEN, ask_extensions };
static const struct comparable too_early = {
	"too early", STAGE_OPEN, ask_too_early };
static const struct comparable types = { "set iommu", STAGE_GROUP, ask_types };
static const struct comparable other_ioctls = {
	"other ioctls", STAGE_IOMMU, ask_other_ioctls };
static const struct comparable groups = { "groups", STAGE_OPEN, ask_groups };
static const struct comparable end_by_unset = {
	"end by unset", STAGE_DEVICE, ask_end_by_unset };
static const struct comparable end_by_close = {
	"end by close", STAGE_DEVICE, ask_end_by_close };
static const struct comparable device_again = {
	"device again", STAGE_DEVICE, ask_device_again };
static const struct comparable two_groups = {
	"two groups", STAGE_DEVICE, ask_two_groups };
static const struct comparable map_argsz = {
	"map argsz", STAGE_DEVICE, ask_map_argsz };
static const struct comparable map_flags = {
	"map flags", STAGE_DEVICE, ask_map_flags };
static const struct comparable map_alignment = {
	"map alignment", STAGE_DEVICE, ask_map_alignment };
static const struct comparable map_overlap = {
	"map overlap", STAGE_DEVICE, ask_map_overlap };
static const struct comparable map_range = {
	"map range", STAGE_DEVICE, ask_map_range };
static const struct comparable map_memory = {
	"map memory", STAGE_DEVICE, ask_map_memory };
static const struct comparable wide = { "wide", STAGE_DEVICE, ask_wide };
static const struct comparable unmap_argsz = {
	"unmap argsz", STAGE_DEVICE, ask_unmap_argsz };
static const struct comparable unmap_flags = {
	"unmap flags", STAGE_DEVICE, ask_unmap_flags };
static const struct comparable unmap_dirty = {
	"unmap dirty", STAGE_DEVICE, ask_unmap_dirty };
static const struct comparable unmap_all = {
	"unmap all", STAGE_DEVICE, ask_unmap_all };
static const struct comparable unmap_range = {
	"unmap range", STAGE_DEVICE, ask_unmap_range };
static const struct comparable unmap_cuts = {
	"unmap cuts", STAGE_DEVICE, ask_unmap_cuts };
static const struct comparable unmap_wrong = {
	"unmap wrong", STAGE_DEVICE, ask_unmap_wrong };
static const struct comparable info = { "info", STAGE_DEVICE, ask_info };
static const struct comparable accounting = {
	"accounting", STAGE_DEVICE, ask_accounting };
static const struct comparable limit = { "limit", STAGE_DEVICE, ask_limit };
static const struct comparable dma = { "dma", STAGE_DEVICE, ask_dma };

FIXTURE(compare)
{
	struct baseline baseline;
};

FIXTURE_VARIANT(compare)
{
	unsigned long type;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(compare, v1) {
	/* clang-format on */
	.type = V1,
};

/* clang-format off */
FIXTURE_VARIANT_ADD(compare, v2) {
	/* clang-format on */
	.type = V2,
};

FIXTURE_SETUP(compare)
{
	struct container container;
	int ret;

	baseline_take(&self->baseline);
	ret = container_open(&container, CONTAINER_TYPE1, variant->type,
			     STAGE_OPEN);
	container_close(&container);
	if (ret == -ENODEV)
		SKIP(return, "no edu devices, or no type1 to compare with");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(compare)
{
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

#define EXPECT_ALIKE(type, comparable) \
	EXPECT_EQ(0, ask_both(&(comparable), type))

TEST_F(compare, version_and_extensions)
{
	EXPECT_ALIKE(variant->type, version);
	EXPECT_ALIKE(variant->type, extensions);
	EXPECT_ALIKE(variant->type, other_ioctls);
}

TEST_F(compare, order)
{
	EXPECT_ALIKE(variant->type, too_early);
	EXPECT_ALIKE(variant->type, types);
	EXPECT_ALIKE(variant->type, groups);
}

TEST_F(compare, h72_last_group_takes_mappings_along)
{
	EXPECT_ALIKE(variant->type, end_by_unset);
	EXPECT_ALIKE(variant->type, end_by_close);
	EXPECT_ALIKE(variant->type, two_groups);
}

TEST_F(compare, h72_mappings_stay_with_the_group)
{
	EXPECT_ALIKE(variant->type, device_again);
}

TEST_F(compare, h55_unmap)
{
	EXPECT_ALIKE(variant->type, unmap_argsz);
	EXPECT_ALIKE(variant->type, unmap_all);
	EXPECT_ALIKE(variant->type, unmap_range);
	EXPECT_ALIKE(variant->type, unmap_cuts);
}

TEST_F(compare, h56_wrong_unmap_changes_nothing)
{
	EXPECT_ALIKE(variant->type, unmap_wrong);
}

TEST_F(compare, h57_flags_and_info)
{
	EXPECT_ALIKE(variant->type, map_argsz);
	EXPECT_ALIKE(variant->type, map_flags);
	EXPECT_ALIKE(variant->type, unmap_flags);
	EXPECT_ALIKE(variant->type, unmap_dirty);
	EXPECT_ALIKE(variant->type, info);
}

TEST_F(compare, map)
{
	EXPECT_ALIKE(variant->type, map_alignment);
	EXPECT_ALIKE(variant->type, map_overlap);
	EXPECT_ALIKE(variant->type, map_range);
	EXPECT_ALIKE(variant->type, map_memory);
}

TEST_F(compare, h17_wide_values)
{
	EXPECT_ALIKE(variant->type, wide);
}

TEST_F(compare, h36_charged_to_the_process)
{
	EXPECT_ALIKE(variant->type, accounting);
	EXPECT_ALIKE(variant->type, limit);
}

TEST_F(compare, dma)
{
	EXPECT_ALIKE(variant->type, dma);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ask.h"

#include <stddef.h>
#include <string.h>

#include "lib/ioctls.h"

#define START	VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP	VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET	VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

#define WORDS	4

/* Larger bitmaps than this are refused. */
#define BITMAP_MAX	0x10000000ULL

/* struct vfio_iommu_type1_dirty_bitmap, and what comes behind it */
struct get_request {
	__u32 argsz;
	__u32 flags;
	struct vfio_iommu_type1_dirty_bitmap_get get;
};

/* struct vfio_iommu_type1_dma_unmap, and what comes behind it */
struct unmap_request {
	__u32 argsz;
	__u32 flags;
	__u64 iova;
	__u64 size;
	struct vfio_bitmap bitmap;
};

static int dirty(struct container *c, __u32 argsz, __u32 flags)
{
	struct vfio_iommu_type1_dirty_bitmap request = {
		.argsz = argsz,
		.flags = flags,
	};

	return container_ioctl(c, VFIO_IOMMU_DIRTY_PAGES,
			       (unsigned long)&request);
}

static int track(struct container *c, __u32 flags)
{
	return dirty(c, sizeof(struct vfio_iommu_type1_dirty_bitmap), flags);
}

/* Begin anew, so that nothing is left of what was read before. */
static void track_again(struct container *c)
{
	track(c, STOP);
	track(c, START);
}

static struct get_request get_pages(unsigned int first, unsigned int count,
				    __u64 *words)
{
	return (struct get_request){
		.argsz = sizeof(struct get_request),
		.flags = GET,
		.get.iova = container_iova(first),
		.get.size = count * PAGE_SIZE,
		.get.bitmap.pgsize = PAGE_SIZE,
		.get.bitmap.size = WORDS * sizeof(*words),
		.get.bitmap.data = words,
	};
}

static int get(struct container *c, struct get_request *request)
{
	return container_ioctl(c, VFIO_IOMMU_DIRTY_PAGES,
			       (unsigned long)request);
}

static void ask_words(struct container *c, struct answers *a, const char *name,
		      unsigned int first, unsigned int count, int filler)
{
	__u64 words[WORDS];
	struct get_request request = get_pages(first, count, words);
	unsigned int i;

	memset(words, filler, sizeof(words));
	answer(a, get(c, &request), "%s", name);
	for (i = 0; i < WORDS; i++)
		answer(a, words[i], "%s, word %u", name, i);
}

void ask_dirty_argsz(struct container *c, struct answers *a)
{
	static const __u32 argsz[] = { 0, 1, 4, 7, 8, 9, 4096, ~0U };
	static const __u32 flags[] = {
		0, START | STOP, START | GET, STOP | GET, START | STOP | GET,
		1U << 3, 1U << 3 | START, 1U << 31,
	};
	static const __u32 get_argsz[] = { 0, 8, 9, 24, 47, 48, 49, ~0U };
	__u64 words[WORDS] = {};
	unsigned int i;

	for (i = 0; i < sizeof(argsz) / sizeof(*argsz); i++)
		answer(a, dirty(c, argsz[i], START), "argsz %u", argsz[i]);
	answer(a, track(c, START), "start again");
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		answer(a, track(c, flags[i]), "flags %x", flags[i]);
	for (i = 0; i < sizeof(get_argsz) / sizeof(*get_argsz); i++) {
		struct get_request request = get_pages(0, 1, words);

		request.argsz = get_argsz[i];
		answer(a, get(c, &request), "get with argsz %u", get_argsz[i]);
	}
	answer(a, container_ioctl(c, VFIO_IOMMU_DIRTY_PAGES, 0), "NULL");
	answer(a, track(c, STOP), "stop");
	answer(a, track(c, STOP), "stop again");
}

static void ask_get(struct container *c, struct answers *a, const char *name,
		    struct get_request request)
{
	answer(a, get(c, &request), "%s", name);
}

/* What is wrong with a request, and what just is not. */
void ask_dirty_get(struct container *c, struct answers *a)
{
	__u64 words[WORDS] = {};
	struct get_request request = get_pages(0, 64, words);

#define ASK_WITH(name, member, value) do { \
	struct get_request changed = request; \
	changed.get.member = value; \
	ask_get(c, a, name, changed); \
} while (0)

	answer(a, container_map_pages(c, 0, 4), "map");
	ask_get(c, a, "before the start", request);
	answer(a, track(c, START), "start");
	ask_get(c, a, "right", request);
	ASK_WITH("size 0", size, 0);
	ASK_WITH("size of half a page", size, PAGE_SIZE / 2);
	ASK_WITH("size off by one", size, 64 * PAGE_SIZE - 1);
	ASK_WITH("iova off by one", iova, container_iova(0) + 1);
	ASK_WITH("iova off by half", iova, container_iova(0) + PAGE_SIZE / 2);
	ASK_WITH("wraps", iova, -32 * PAGE_SIZE);
	ASK_WITH("at the top", iova, -64 * PAGE_SIZE);
	ASK_WITH("below the top", iova, -65 * PAGE_SIZE);
	ASK_WITH("large pages", bitmap.pgsize, 2 * PAGE_SIZE);
	ASK_WITH("small pages", bitmap.pgsize, PAGE_SIZE / 2);
	ASK_WITH("no page", bitmap.pgsize, PAGE_SIZE + 512);
	ASK_WITH("highest page", bitmap.pgsize, 1ULL << 63);
	ASK_WITH("no bitmap", bitmap.size, 0);
	ASK_WITH("bitmap of 7 bytes", bitmap.size, 7);
	ASK_WITH("bitmap of 8 bytes", bitmap.size, 8);
	ASK_WITH("bitmap of 12 bytes", bitmap.size, 12);
	ASK_WITH("largest bitmap", bitmap.size, BITMAP_MAX);
	ASK_WITH("larger bitmap", bitmap.size, BITMAP_MAX + 8);
	ASK_WITH("bitmap at NULL", bitmap.data, NULL);
	ASK_WITH("bitmap of the kernel", bitmap.data, (void *)(1ULL << 63));
	request.get.size = 65 * PAGE_SIZE;
	ASK_WITH("a bit too few", bitmap.size, 8);
	ASK_WITH("a bit more", bitmap.size, 16);
#undef ASK_WITH
	answer(a, track(c, STOP), "stop");
	ask_get(c, a, "after the stop", request);
}

/* Areas of 4 pages at 0 and 8. */
void ask_dirty_cuts(struct container *c, struct answers *a)
{
	static const unsigned char ranges[][2] = {
		{ 0, 4 },  { 0, 8 },  { 0, 12 }, { 4, 4 }, { 4, 8 }, { 8, 4 },
		{ 12, 4 }, { 0, 2 },  { 2, 2 },	 { 1, 2 }, { 2, 4 }, { 2, 10 },
		{ 0, 10 }, { 4, 6 },  { 9, 2 },	 { 10, 4 },
	};
	__u64 words[WORDS] = {};
	unsigned int i;

	answer(a, container_map_pages(c, 0, 4) | container_map_pages(c, 8, 4),
	       "map");
	answer(a, track(c, START), "start");
	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct get_request request = get_pages(ranges[i][0],
						       ranges[i][1], words);

		answer(a, get(c, &request), "get %u+%u", ranges[i][0],
		       ranges[i][1]);
	}
}

/* Bits, and what becomes of the rest of a word. */
void ask_dirty_bits(struct container *c, struct answers *a)
{
	char bytes[1 + WORDS * sizeof(__u64)] = {};
	struct get_request request;
	unsigned int i;

	answer(a, track(c, START), "start");
	ask_words(c, a, "nothing", 0, 256, 0xff);
	answer(a, container_map_pages(c, 0, 4) | container_map_pages(c, 8, 4),
	       "map while tracking");
	ask_words(c, a, "two areas", 0, 16, 0);
	track_again(c);
	ask_words(c, a, "two areas over ones", 0, 16, 0xff);
	track_again(c);
	ask_words(c, a, "the second at bit 4", 4, 12, 0);
	track_again(c);
	ask_words(c, a, "the second over ones", 4, 12, 0xff);
	track_again(c);
	ask_words(c, a, "a hole", 4, 4, 0xff);
	answer(a, container_map(c, c->buffer, container_iova(70),
				64 * PAGE_SIZE), "map across words");
	track_again(c);
	ask_words(c, a, "across words", 0, 256, 0);
	track_again(c);
	ask_words(c, a, "across words over ones", 0, 256, 0xff);
	track_again(c);
	request = get_pages(0, 16, (void *)(bytes + 1));
	answer(a, get(c, &request), "odd address");
	for (i = 0; i < 4; i++)
		answer(a, bytes[i], "odd address, byte %u", i);
}

/* What a device can reach is dirty each time. */
void ask_dirty_again(struct container *c, struct answers *a)
{
	__u64 unmapped;

	answer(a, container_map_pages(c, 0, 4) | container_map_pages(c, 8, 4),
	       "map");
	answer(a, track(c, START), "start");
	ask_words(c, a, "once", 0, 4, 0);
	ask_words(c, a, "twice", 0, 4, 0);
	ask_words(c, a, "inside of a word", 4, 8, 0);
	ask_words(c, a, "inside of a word again", 4, 8, 0);
	answer(a, container_unmap(c, container_iova(0), 4 * PAGE_SIZE,
				  &unmapped), "unmap");
	ask_words(c, a, "unmapped", 0, 4, 0);
	answer(a, container_map_pages(c, 0, 2), "map again");
	ask_words(c, a, "mapped again", 0, 4, 0);
	answer(a, track(c, STOP), "stop");
	answer(a, track(c, START), "start again");
	ask_words(c, a, "started again", 0, 4, 0);
}

/* Before a device is open, and after it is closed. */
void ask_dirty_device(struct container *c, struct answers *a)
{
	answer(a, container_map_pages(c, 0, 4), "map");
	answer(a, track(c, START), "start");
	ask_words(c, a, "before", 0, 4, 0);
	answer(a, container_open_device(c, 0), "open");
	ask_words(c, a, "open", 0, 4, 0);
	container_close_device(c, 0);
	ask_words(c, a, "closed", 0, 4, 0);
	ask_words(c, a, "closed for long", 0, 4, 0);
}

/* Unmapping with a bitmap */

static struct unmap_request unmap_pages(unsigned int first, unsigned int count,
					__u64 *words)
{
	return (struct unmap_request){
		.argsz = sizeof(struct unmap_request),
		.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.iova = container_iova(first),
		.size = count * PAGE_SIZE,
		.bitmap.pgsize = PAGE_SIZE,
		.bitmap.size = WORDS * sizeof(*words),
		.bitmap.data = words,
	};
}

static void ask_unmap(struct container *c, struct answers *a, const char *name,
		      struct unmap_request request)
{
	answer(a, container_ioctl(c, VFIO_IOMMU_UNMAP_DMA,
				  (unsigned long)&request), "%s", name);
	answer(a, request.size, "%s, size", name);
}

void ask_dirty_unmap(struct container *c, struct answers *a)
{
	__u64 words[WORDS], unmapped;
	struct unmap_request request = unmap_pages(0, 16, words);
	unsigned int i;

#define ASK_WITH(name, member, value) do { \
	struct unmap_request changed = request; \
	changed.member = value; \
	ask_unmap(c, a, name, changed); \
} while (0)

	memset(words, 0xff, sizeof(words));
	answer(a, container_map_pages(c, 0, 4) | container_map_pages(c, 8, 4),
	       "map");
	ask_unmap(c, a, "before the start", request);
	answer(a, track(c, START), "start");
	ASK_WITH("argsz 24", argsz, 24);
	ASK_WITH("argsz 47", argsz, 47);
	ASK_WITH("with all", flags,
		 VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
		 VFIO_DMA_UNMAP_FLAG_ALL);
	ASK_WITH("with vaddr", flags,
		 VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
		 VFIO_DMA_UNMAP_FLAG_VADDR);
	ASK_WITH("size 0", size, 0);
	ASK_WITH("size off by one", size, 16 * PAGE_SIZE - 1);
	ASK_WITH("iova off by one", iova, container_iova(0) + 1);
	ASK_WITH("wraps", iova, -PAGE_SIZE);
	ASK_WITH("large pages", bitmap.pgsize, 2 * PAGE_SIZE);
	ASK_WITH("no bitmap", bitmap.size, 0);
	ASK_WITH("bitmap of 7 bytes", bitmap.size, 7);
	ASK_WITH("larger bitmap", bitmap.size, BITMAP_MAX + 8);
	ASK_WITH("bitmap of the kernel", bitmap.data, (void *)(1ULL << 63));
	ASK_WITH("bitmap at NULL", bitmap.data, NULL);
	ASK_WITH("cut", size, 2 * PAGE_SIZE);
#undef ASK_WITH
	for (i = 0; i < WORDS; i++)
		answer(a, words[i], "word %u before", i);
	track_again(c);
	memset(words, 0, sizeof(words));
	ask_unmap(c, a, "right", request);
	for (i = 0; i < WORDS; i++)
		answer(a, words[i], "word %u", i);
	ask_unmap(c, a, "nothing", request);
	answer(a, container_unmap_all(c, &unmapped), "unmap all");
	answer(a, unmapped, "left");
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "huge.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kselftest.h"

/* What a transfer moves; it takes the device 100 ms, however little it is. */
#define CHUNK		64

static __u64 pins_now(void)
{
	struct usage usage;

	usage_read(&usage);
	return usage.pins;
}

static int plug_in(struct huge *huge)
{
	int ret = 0;

	if (huge->has_mock)
		ret = mock_exists(huge->fd) ?
		      mock_plug(huge->fd, huge->ioas_id, &huge->mock) : -ENODEV;
	if (ret || !huge->has_edu)
		return ret;
	ret = edu_open(&huge->edu, 0);
	if (!ret)
		ret = edu_bind(&huge->edu, huge->fd);
	if (!ret)
		ret = edu_start(&huge->edu);
	return ret ? ret : edu_attach_ioas(&huge->edu, huge->ioas_id);
}

/* -ENOTSUP without huge pages of both kinds */
static int try_memory(void)
{
	void *va;
	int ret;

	ret = memory_alloc(MEMORY_THP, SZ_2M, &va);
	if (!ret)
		ret = memory_alloc(MEMORY_HUGETLB, SZ_2M, &va);
	memory_free_all();
	return ret;
}

int huge_create(struct huge *huge, bool with_mock, bool with_edu)
{
	int ret = try_memory();

	if (ret)
		return ret;

	memset(huge, 0, sizeof(*huge));
	huge->edu.vfio.fd = -1;
	baseline_take(&huge->baseline);
	huge->has_mock = with_mock;
	huge->has_edu = with_edu;
	huge->fd = iommufd_open();
	if (huge->fd < 0)
		return huge->fd;
	huge->scratch = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (huge->scratch == MAP_FAILED)
		return -ENOMEM;
	ret = ioas_alloc(huge->fd, &huge->ioas_id);
	if (!ret)
		ret = plug_in(huge);
	if (!ret)
		ret = ioas_map_fixed(huge->fd, huge->ioas_id, huge->scratch,
				     PAGE_SIZE, SCRATCH_IOVA);
	huge->pins = pins_now();
	return ret;
}

const char *huge_destroy(struct huge *huge)
{
	edu_close(&huge->edu);
	close(huge->fd);
	memory_free_all();
	return baseline_check(&huge->baseline);
}

__u64 *huge_mark_at(char *va, __u64 page)
{
	return (__u64 *)(va + page * PAGE_SIZE);
}

void huge_mark(struct huge *huge, char *va, __u64 page)
{
	*huge_mark_at(va, page) = 0x6d61726b00000000ULL + ++huge->marks;
}

void huge_mark_all(struct huge *huge, char *va, __u64 count)
{
	__u64 page;

	for (page = 0; page < count; page++)
		huge_mark(huge, va, page);
}

int huge_alloc_marked(struct huge *huge, enum memory_kind kind, __u64 blocks,
		      char **va)
{
	int ret = memory_alloc(kind, blocks * SZ_2M, (void **)va);

	if (!ret)
		huge_mark_all(huge, *va, blocks * HUGE_PAGES);
	return ret;
}

int huge_alloc_fresh(enum memory_kind kind, __u64 blocks, char **va)
{
	int ret = memory_alloc(kind, blocks * SZ_2M, (void **)va);

	if (!ret && madvise(*va, blocks * SZ_2M, MADV_DONTNEED))
		return -errno;
	return ret;
}

const char *huge_say(struct huge *huge, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(huge->report, sizeof(huge->report), format, args);
	va_end(args);
	return huge->report;
}

/* Add where that was to what huge_say() has said. */
const char *huge_say_where(struct huge *huge, const char *format, ...)
{
	size_t used = strlen(huge->report);
	va_list args;

	used += snprintf(huge->report + used, sizeof(huge->report) - used,
			 "; ");
	va_start(args, format);
	vsnprintf(huge->report + used, sizeof(huge->report) - used, format,
		  args);
	va_end(args);
	return huge->report;
}

__u64 huge_mark_by_dma(struct huge *huge, __u64 iova)
{
	memset(huge->scratch, 0, CHUNK);
	if (edu_dma_copy(&huge->edu, iova, SCRATCH_IOVA, CHUNK))
		return 0;
	return *huge_mark_at(huge->scratch, 0);
}

static bool shows_by_dma(struct huge *huge, char *va, __u64 iova, __u64 page)
{
	__u64 found = huge_mark_by_dma(huge, iova + page * PAGE_SIZE);

	return found == *huge_mark_at(va, page);
}

static bool shows_by_table(struct huge *huge, char *va, __u64 iova, __u64 page,
			   __u64 count)
{
	return !mock_check_map(huge->fd, huge->mock.hwpt_id,
			       iova + page * PAGE_SIZE, count * PAGE_SIZE,
			       va + page * PAGE_SIZE);
}

/*
 * Does the device reach what the process has? Asked by DMA for page @odd and, if
 * that is all there is, for the end, in the page table for all. Returns the first
 * page where it does not, or -1.
 */
static long wrong_page(struct huge *huge, char *va, __u64 iova, __u64 count,
		       __u64 odd)
{
	const __u64 places[] = { odd, count - 1 };
	size_t nplaces = huge->has_mock ? 1 : ARRAY_SIZE(places);
	__u64 page;
	size_t i;

	if (huge->has_mock && !shows_by_table(huge, va, iova, 0, count))
		for (page = 0; page < count; page++)
			if (!shows_by_table(huge, va, iova, page, 1))
				return page;
	for (i = 0; huge->has_edu && i < nplaces; i++)
		if (places[i] < count &&
		    !shows_by_dma(huge, va, iova, places[i]))
			return places[i];
	return -1;
}

int huge_map(struct huge *huge, char *va, __u64 count, __u64 iova, __u32 flags)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | flags,
		.ioas_id = huge->ioas_id,
		.user_va = va_to_u64(va),
		.length = count * PAGE_SIZE,
		.iova = iova,
	};

	return ioas_map(huge->fd, &map);
}

int huge_unmap(struct huge *huge, __u64 iova, __u64 count)
{
	return ioas_unmap(huge->fd, huge->ioas_id, iova, count * PAGE_SIZE,
			  NULL);
}

const char *huge_check_pins(struct huge *huge, __u64 count)
{
	__u64 kib = (count + 1) * PAGE_SIZE / 1024;
	__u64 pins = pins_now() - huge->pins;

	if (pins != count)
		return huge_say(huge, "%lld pins for %lld pages", pins, count);
	if (status_kib("VmPin:") != kib)
		return huge_say(huge, "VmPin %lld KiB, not %lld",
				status_kib("VmPin:"), kib);
	return "";
}

const char *huge_check_shown(struct huge *huge, char *va, __u64 iova,
			     __u64 count, __u64 odd)
{
	long page = wrong_page(huge, va, iova, count, odd);

	if (page >= 0)
		return huge_say(huge, "page %ld is another one", page);
	return huge_check_pins(huge, count);
}

const char *huge_check_unmap(struct huge *huge, __u64 iova, __u64 count)
{
	int ret = huge_unmap(huge, iova, count);

	if (ret)
		return huge_say(huge, "unmap: %d", ret);
	return huge_check_pins(huge, 0);
}

const char *huge_check_map(struct huge *huge, char *va, __u64 count, __u64 iova,
			   __u32 flags, __u64 odd)
{
	const char *wrong;
	int ret = huge_map(huge, va, count, iova, flags);

	if (ret)
		return huge_say(huge, "map: %d", ret);
	wrong = huge_check_shown(huge, va, iova, count, odd);
	return *wrong ? wrong : huge_check_unmap(huge, iova, count);
}

const char *huge_check_refused(struct huge *huge, char *va, __u64 count,
			       int error)
{
	int ret = huge_map(huge, va, count, EVEN_IOVA, MAP_RW);

	if (ret != error)
		return huge_say(huge, "map: %d", ret);
	return huge_check_pins(huge, 0);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What a VMM does again and again while a guest moves to another host: ask which
 * pages of all its memory devices have written to. The memory is huge pages, the
 * size of the IOPTEs is up to the IOMMU.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "tracked.h"
#include "lib/ioctls.h"

#define SZ_64G		BENCH_IOMMU_LENGTH
#define GIB		(SZ_64G / SZ_1G)

static __u64 bitmap_bytes(const struct tracked *tracked)
{
	return tracked->length / SZ_4K / 8;
}

void tracked_open(struct tracked *tracked, __u64 length, bool huge)
{
	struct bench_device *device = &tracked->device;

	tracked->length = length;
	tracked->iopte = huge ? SZ_2M : SZ_4K;
	tracked->va = bench_window(length);
	tracked->bitmap = mmap(NULL, bitmap_bytes(tracked),
			       PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(tracked->bitmap == MAP_FAILED ? -errno : 0);
	/* Touched, or the kernel would have to find pages for it. */
	memset(tracked->bitmap, 0, bitmap_bytes(tracked));
	bench_device_open(device, huge);
	MUST(ioas_map_fixed(device->iommufd, device->ioas_id, tracked->va,
			    length, BENCH_IOMMU_IOVA));
	MUST(hwpt_alloc_flags(device->iommufd, device->dev_id, device->ioas_id,
			      IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
			      &tracked->hwpt_id));
	bench_device_attach(device, tracked->hwpt_id);
}

void tracked_close(struct tracked *tracked)
{
	bench_device_close(&tracked->device);
	munmap(tracked->bitmap, bitmap_bytes(tracked));
	munmap(tracked->va, tracked->length);
}

void tracked_enable(struct tracked *tracked, bool enable)
{
	MUST(dirty_track(tracked->device.iommufd, tracked->hwpt_id, enable));
}

void tracked_read(struct tracked *tracked)
{
	struct iommu_hwpt_get_dirty_bitmap get = {
		.hwpt_id = tracked->hwpt_id,
		.iova = BENCH_IOMMU_IOVA,
		.length = tracked->length,
		.page_size = SZ_4K,
		.data = va_to_u64(tracked->bitmap),
	};

	MUST(dirty_read(tracked->device.iommufd, &get));
}

static __u64 count_bits(const struct tracked *tracked)
{
	__u64 i, count = 0;

	for (i = 0; i < bitmap_bytes(tracked) / sizeof(*tracked->bitmap); i++)
		count += __builtin_popcountll(tracked->bitmap[i]);
	return count;
}

/* How fast a wrong answer comes says nothing. */
static __u64 time_read(struct tracked *tracked, __u64 expected)
{
	__u64 start, elapsed;

	memset(tracked->bitmap, 0, bitmap_bytes(tracked));
	start = start_ns();
	tracked_read(tracked);
	elapsed = now_ns() - start;
	MUST(count_bits(tracked) == expected ? 0 : -EIO);
	return elapsed;
}

static __u64 time_read_after(struct tracked *tracked, __u32 every)
{
	const __u64 number = tracked->length / tracked->iopte;

	bench_device_write(&tracked->device, every);
	return time_read(tracked, (number + every - 1) / every *
				  (tracked->iopte / SZ_4K));
}

static __u64 time_start(struct tracked *tracked)
{
	__u64 start = start_ns();

	tracked_enable(tracked, true);
	return now_ns() - start;
}

static void measure(struct tracked *tracked, const char *size)
{
	/* Whatever is done for the first time is done here. */
	tracked_enable(tracked, true);
	time_read_after(tracked, 1);
	tracked_enable(tracked, false);

	report(time_start(tracked), GIB, "per GiB",
	       "start tracking 64 GiB, IOPTEs of %s", size);
	report(time_read(tracked, 0), GIB, "per GiB",
	       "read dirty bits of 64 GiB, clean, IOPTEs of %s", size);
	report(time_read_after(tracked, 100), GIB, "per GiB",
	       "read dirty bits of 64 GiB, 1 %% dirty, IOPTEs of %s", size);
	report(time_read_after(tracked, 1), GIB, "per GiB",
	       "read dirty bits of 64 GiB, all dirty, IOPTEs of %s", size);
}

void bench_dirty(const struct backend *backend)
{
	struct tracked tracked;

	(void)backend;
	tracked_open(&tracked, SZ_64G, true);
	measure(&tracked, "2 MiB");
	tracked_close(&tracked);
	tracked_open(&tracked, SZ_64G, false);
	measure(&tracked, "4 KiB");
	tracked_close(&tracked);
}

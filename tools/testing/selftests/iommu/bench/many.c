// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * An I/O address space with as many areas as a vIOMMU may have when its guest
 * stops or a device is taken away: all of them are filled or emptied in one call.
 * They are at every second page, as such areas do not join.
 */
#include <unistd.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "lib/ioctls.h"

#define MANY		100000
#define PER_AREA	MANY, "per area"

/* The first one who unpins a page marks it dirty; this has its own price. */
static void warm_up(struct space *space, char *pages)
{
	unsigned int i;

	for (i = 0; i < BENCH_NR_PAGES; i++)
		space_map(space, bench_page(pages, i), SZ_4K,
			  BENCH_IOVA + i * SZ_4K);
	space_unmap(space, BENCH_IOVA, BENCH_NR_PAGES * SZ_4K);
}

static void map_many(struct space *space, char *pages)
{
	unsigned int i;

	for (i = 0; i < MANY; i++)
		space_map(space, bench_page(pages, i), SZ_4K,
			  BENCH_IOVA + i * 2 * SZ_4K);
}

static void devices_come_and_go(struct space *space)
{
	__u64 start, detached, attach, attached;

	start = start_ns();
	MUST(edu_detach(&space->edu));
	detached = now_ns();
	attach = start_ns();
	MUST(edu_attach_ioas(&space->edu, space->ioas_id));
	attached = now_ns();
	report(detached - start, PER_AREA,
	       "detach last device from 100000 areas of 4 KiB");
	report(attached - attach, PER_AREA,
	       "attach first device to 100000 areas of 4 KiB");
}

static void second_table(struct space *space)
{
	__u64 start, allocated, destroy, destroyed;
	__u32 hwpt_id;

	start = start_ns();
	MUST(hwpt_alloc(space->fd, space->edu.vfio.dev_id, space->ioas_id,
			&hwpt_id));
	allocated = now_ns();
	destroy = start_ns();
	MUST(iommufd_destroy(space->fd, hwpt_id));
	destroyed = now_ns();
	report(allocated - start, PER_AREA,
	       "HWPT_ALLOC for 100000 areas of 4 KiB and a device");
	report(destroyed - destroy, PER_AREA,
	       "destroy a second page table with 100000 areas of 4 KiB");
}

/* Closing a device waits for its hardware: that is no work of this thread. */
static __u64 time_close(struct space *space)
{
	__u64 start;

	settle();
	start = thread_ns();
	space_close(space);
	return thread_ns() - start;
}

static __u64 time_close_empty(const struct backend *backend)
{
	struct space space;

	space_open(&space, backend);
	return time_close(&space);
}

/* Without a device areas are nothing but bookkeeping. */
static void destroy_without_device(struct space *space, char *pages)
{
	__u64 start;

	MUST(edu_detach(&space->edu));
	map_many(space, pages);
	start = start_ns();
	MUST(iommufd_destroy(space->fd, space->ioas_id));
	report(now_ns() - start, PER_AREA,
	       "destroy an IOAS with 100000 areas of 4 KiB, no device");
	space_close(space);
}

void bench_many_areas(const struct backend *backend)
{
	__u64 empty = time_close_empty(backend);
	char *pages = bench_pages();
	struct space space;

	space_open(&space, backend);
	warm_up(&space, pages);
	map_many(&space, pages);
	if (backend == &iommufd_backend) {
		devices_come_and_go(&space);
		second_table(&space);
	}
	report(time_close(&space) - empty, PER_AREA,
	       "close all with 100000 areas of 4 KiB");
	if (backend == &iommufd_backend) {
		space_open(&space, backend);
		destroy_without_device(&space, pages);
	}
	memory_free_all();
}

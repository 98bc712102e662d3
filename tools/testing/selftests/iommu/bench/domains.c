// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Page tables that are filled and emptied when devices come and go, and copies
 * of mappings. Two devices that may share a page table do, so a second page
 * table for the same memory takes a second IOAS that the areas were copied to.
 */
#include <unistd.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "lib/ioctls.h"

#define PER_PAGE	(BENCH_BYTES / SZ_4K), "per 4 KiB"
#define PER_CALL	1, "per call"

/**
 * struct two - two devices and two IOAS in one iommufd
 * @fd: the iommufd
 * @edu: the devices, attached to nothing
 * @ioas_id: the IOAS
 */
struct two {
	int fd;
	struct edu edu[2];
	__u32 ioas_id[2];
};

static void two_open(struct two *two)
{
	int i;

	two->fd = iommufd_open();
	MUST(two->fd);
	for (i = 0; i < 2; i++) {
		MUST(edu_open(&two->edu[i], i));
		MUST(edu_bind(&two->edu[i], two->fd));
		MUST(ioas_alloc(two->fd, &two->ioas_id[i]));
	}
}

static void two_close(struct two *two)
{
	edu_close(&two->edu[0]);
	edu_close(&two->edu[1]);
	close(two->fd);
}

static __u64 time_attach(struct two *two, int i)
{
	__u64 start = start_ns();

	MUST(edu_attach_ioas(&two->edu[i], two->ioas_id[i]));
	return now_ns() - start;
}

static __u64 time_detach(struct two *two, int i)
{
	__u64 start = start_ns();

	MUST(edu_detach(&two->edu[i]));
	return now_ns() - start;
}

/* Everything in the first IOAS, to the same IOVA of the second. */
static __u64 time_copy(struct two *two)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = two->ioas_id[0],
		.dst_ioas_id = two->ioas_id[1],
		.src_iova = BENCH_IOVA,
		.dst_iova = BENCH_IOVA,
		.length = BENCH_BYTES,
	};
	__u64 start = start_ns();

	MUST(ioas_copy(two->fd, &copy));
	return now_ns() - start;
}

static __u64 time_unmap(struct two *two, int i)
{
	__u64 start = start_ns();

	MUST(ioas_unmap(two->fd, two->ioas_id[i], BENCH_IOVA, BENCH_BYTES,
			NULL));
	return now_ns() - start;
}

/* No device: mapping is bookkeeping. */
static void without_device(struct two *two, const char *name, const void *va)
{
	__u64 start = start_ns();

	MUST(ioas_map_fixed(two->fd, two->ioas_id[0], va, BENCH_BYTES,
			    BENCH_IOVA));
	report(now_ns() - start, PER_CALL, "map 256 MiB without a device, %s",
	       name);
	report(time_copy(two), PER_CALL, "COPY 256 MiB without a device, %s",
	       name);
	report(time_unmap(two, 1), PER_CALL,
	       "unmap 256 MiB without a device, %s", name);
}

/* The same memory in a page table, and then in two. */
static void with_devices(struct two *two, const char *name)
{
	/* The first one who unpins a page marks it dirty. */
	time_attach(two, 0);
	time_detach(two, 0);
	report(time_attach(two, 0), PER_PAGE,
	       "attach first device to 256 MiB, %s", name);
	report(time_detach(two, 0), PER_PAGE,
	       "detach last device from 256 MiB, %s", name);
	time_attach(two, 0);
	report(time_copy(two), PER_CALL,
	       "COPY 256 MiB, a device at the source, %s", name);
	report(time_attach(two, 1), PER_PAGE,
	       "attach device to an IOAS of copies, second page table, %s",
	       name);
	report(time_detach(two, 1), PER_PAGE,
	       "detach device from an IOAS of copies, %s", name);
	time_unmap(two, 1);
	time_attach(two, 1);
	report(time_copy(two), PER_PAGE,
	       "COPY 256 MiB, devices at both ends, %s", name);
	report(time_unmap(two, 1), PER_PAGE,
	       "unmap a copy of 256 MiB, devices at both ends, %s", name);
}

static __u64 time_replace(struct two *two, __u32 pt_id)
{
	__u64 start = start_ns();

	MUST(edu_attach(&two->edu[0], &pt_id));
	return now_ns() - start;
}

/* A second page table for one IOAS, and a device that is moved to it. */
static void second_table(struct two *two, const char *name)
{
	__u64 start = start_ns();
	__u32 hwpt_id;

	MUST(hwpt_alloc(two->fd, two->edu[0].vfio.dev_id, two->ioas_id[0],
			&hwpt_id));
	report(now_ns() - start, PER_PAGE,
	       "HWPT_ALLOC for an IOAS with 256 MiB and a device, %s", name);
	report(time_replace(two, hwpt_id), PER_PAGE,
	       "replace by a full page table, the old one goes, 256 MiB, %s", name);
	report(time_replace(two, two->ioas_id[0]), PER_PAGE,
	       "replace by one that is made and filled, 256 MiB, %s", name);
	start = start_ns();
	MUST(iommufd_destroy(two->fd, hwpt_id));
	report(now_ns() - start, PER_PAGE,
	       "destroy a second page table with 256 MiB, %s", name);
}

/* Between two full ones nothing is filled and nothing is emptied. */
static void replace_by_id(struct two *two, const char *name)
{
	__u32 hwpt_id[2];
	int i;

	for (i = 0; i < 2; i++)
		MUST(hwpt_alloc(two->fd, two->edu[0].vfio.dev_id,
				two->ioas_id[0], &hwpt_id[i]));
	time_replace(two, hwpt_id[0]);
	time_replace(two, hwpt_id[1]);
	report(time_replace(two, hwpt_id[0]), PER_CALL,
	       "replace a full page table by another one, 256 MiB, %s", name);
	time_replace(two, two->ioas_id[0]);
	for (i = 0; i < 2; i++)
		MUST(iommufd_destroy(two->fd, hwpt_id[i]));
}

static void empty_ioas(void)
{
	struct two two;

	two_open(&two);
	report(time_attach(&two, 0), PER_CALL, "attach to an empty IOAS");
	report(time_detach(&two, 0), PER_CALL, "detach from an empty IOAS");
	two_close(&two);
}

void bench_domains(const struct backend *backend)
{
	struct two two;
	unsigned int i;

	(void)backend;
	empty_ioas();
	for (i = 0; i < NR_BENCH_KINDS; i++) {
		const char *name = bench_kinds[i].name;

		if (bench_kinds[i].kind == MEMORY_MEMFD_HUGETLB)
			continue;
		two_open(&two);
		without_device(&two, name, bench_memory(bench_kinds[i].kind,
							BENCH_BYTES));
		with_devices(&two, name);
		second_table(&two, name);
		replace_by_id(&two, name);
		two_close(&two);
		memory_free_all();
	}
}

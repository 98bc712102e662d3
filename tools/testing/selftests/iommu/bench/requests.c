// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What a guest with an IOMMU of its own makes a VMM do: tell the real one what
 * is not valid any more, and find pages that a device asks for.
 */
#include "requests.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "lib/ioctls.h"

#define REPEAT		1000

/* A nested page table over a parent, with a fault queue unless that is 0. */
static void requests_attach_nested(struct requests *requests, __u32 fault_id)
{
	const struct bench_iommu_nested data = { .base = SZ_4K };
	struct bench_device *device = &requests->device;
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = fault_id ? IOMMU_HWPT_FAULT_ID_VALID : 0,
		.dev_id = device->dev_id,
		.data_type = BENCH_IOMMU_DATA,
		.data_len = sizeof(data),
		.data_uptr = va_to_u64(&data),
		.fault_id = fault_id,
	};

	MUST(hwpt_alloc_flags(device->iommufd, device->dev_id, device->ioas_id,
			      IOMMU_HWPT_ALLOC_NEST_PARENT, &alloc.pt_id));
	MUST(iommufd_ioctl(device->iommufd, IOMMU_HWPT_ALLOC, &alloc));
	requests->hwpt_id = alloc.out_hwpt_id;
	bench_device_attach(device, requests->hwpt_id);
}

void requests_open_nested(struct requests *requests)
{
	bench_device_open(&requests->device, true);
	requests_attach_nested(requests, 0);
	requests->fault_fd = -1;
}

/* Nested, as the base's iommufd has faults with such page tables only. */
void requests_open_faulting(struct requests *requests)
{
	__u32 fault_id;

	bench_device_open(&requests->device, true);
	MUST(fault_alloc(requests->device.iommufd, &fault_id,
			 &requests->fault_fd));
	requests_attach_nested(requests, fault_id);
}

void requests_close(struct requests *requests)
{
	bench_device_close(&requests->device);
	if (requests->fault_fd >= 0)
		close(requests->fault_fd);
}

void requests_invalidate(struct requests *requests, __u32 count)
{
	static const struct bench_iommu_invalidate entries[ENTRIES_MAX];
	struct iommu_hwpt_invalidate invalidate = {
		.hwpt_id = requests->hwpt_id,
		.data_uptr = va_to_u64(entries),
		.data_type = BENCH_IOMMU_DATA,
		.entry_len = sizeof(entries[0]),
		.entry_num = count,
	};

	MUST(hwpt_invalidate(requests->device.iommufd, &invalidate));
	MUST(invalidate.entry_num == count ? 0 : -EIO);
}

void requests_round_trip(struct requests *requests)
{
	struct iommu_hwpt_page_response response = {
		.code = IOMMUFD_PAGE_RESP_SUCCESS,
	};
	struct iommu_hwpt_pgfault fault;

	MUST(ioctl(requests->device.driver, BENCH_IOMMU_REQUEST) ? -errno : 0);
	MUST(read(requests->fault_fd, &fault, sizeof(fault)) == sizeof(fault) ?
	     0 : -EIO);
	response.cookie = fault.cookie;
	MUST(write(requests->fault_fd, &response, sizeof(response)) ==
	     sizeof(response) ? 0 : -EIO);
}

static __u64 time_invalidate(struct requests *requests, __u32 count)
{
	__u64 start = start_ns();
	int i;

	for (i = 0; i < REPEAT; i++)
		requests_invalidate(requests, count);
	return now_ns() - start;
}

void bench_invalidate(const struct backend *backend)
{
	struct requests requests;

	(void)backend;
	requests_open_nested(&requests);
	report(time_invalidate(&requests, 1), REPEAT, "per call",
	       "HWPT_INVALIDATE, one entry");
	report(time_invalidate(&requests, ENTRIES_MAX), REPEAT * ENTRIES_MAX,
	       "per entry", "HWPT_INVALIDATE, %d entries", ENTRIES_MAX);
	requests_close(&requests);
}

static __u64 time_round_trips(struct requests *requests)
{
	__u64 start = start_ns();
	int i;

	for (i = 0; i < REPEAT; i++)
		requests_round_trip(requests);
	return now_ns() - start;
}

void bench_fault(const struct backend *backend)
{
	struct requests requests;
	__u32 answers;

	(void)backend;
	requests_open_faulting(&requests);
	report(time_round_trips(&requests), REPEAT, "per fault",
	       "page fault: request, read, answer");
	MUST(ioctl(requests.device.driver, BENCH_IOMMU_ANSWERS, &answers) ?
	     -errno : 0);
	MUST(answers == REPEAT ? 0 : -EIO);
	requests_close(&requests);
}

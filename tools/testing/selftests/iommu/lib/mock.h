/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The test ioctl of /dev/iommu as functions that return 0 or a negative errno.
 */
#ifndef SELFTEST_IOMMU_MOCK_H
#define SELFTEST_IOMMU_MOCK_H

#include <stdbool.h>

#include <linux/types.h>

#include "../../../../../drivers/iommu/iommufd/iommufd_test.h"

/**
 * struct mock_device - a device of the mock IOMMU
 * @id: destroying it unplugs the device
 * @hwpt_id: the page table it was attached to at first
 * @idev_id: its binding
 */
struct mock_device {
	__u32 id;
	__u32 hwpt_id;
	__u32 idev_id;
};

/* Is there a mock IOMMU? */
bool mock_exists(int fd);

/* Plug a device in and attach it to an IOAS or page table. */
int mock_plug(int fd, __u32 pt_id, struct mock_device *device);
int mock_plug_flags(int fd, __u32 pt_id, __u32 flags,
		    struct mock_device *device);
int mock_replace(int fd, __u32 device_id, __u32 pt_id);

/*
 * Let a device, by its binding, request the page at @addr. @perm: of enum
 * iommu_hwpt_pgfault_perm, and MOCK_FLAGS_IOPF_MORE if its group @grpid goes
 * on.
 */
int mock_fault(int fd, __u32 idev_id, __u32 grpid, __u32 perm, __u64 addr);

/**
 * struct mock_answers - what devices have asked for, and were told
 * @groups: groups of page requests
 * @success: "try again"
 * @invalid: "give up"
 * @failure: of the IOMMU core, when it has no memory
 */
struct mock_answers {
	__u32 groups;
	__u32 success;
	__u32 invalid;
	__u32 failure;
};

/* Of all devices, since the kernel was started. */
int mock_answers(int fd, struct mock_answers *answers);

int mock_reserve(int fd, __u32 ioas_id, __u64 start, __u64 length);

/* 0 if the page table maps the range to what is at @va now. */
int mock_check_map(int fd, __u32 hwpt_id, __u64 iova, __u64 length,
		   const void *va);

/* 0 if each page is pinned @refs times, -EIO if not. */
int mock_check_refs(int fd, const void *va, __u64 length, __u32 refs);

/*
 * Sizes of IOPTEs; the huge ones if the device has MOCK_FLAGS_DEVICE_HUGE_IOVA.
 */
#define MOCK_IOPTE_SIZE		(PAGE_SIZE / 2)
#define MOCK_HUGE_IOPTE_SIZE	(512 * MOCK_IOPTE_SIZE)

/* 0 if an entry of the IOTLB of a nested page table holds the value. */
int mock_check_iotlb(int fd, __u32 hwpt_id, __u32 entry, __u32 value);

/*
 * Let a device write to the pages that have a bit in @bitmap. @written, which
 * may be NULL, counts those that something is mapped at. Or write to one IOVA;
 * -ENXIO if nothing is there.
 */
int mock_write(int fd, __u32 hwpt_id, __u64 iova, __u64 length,
	       __u64 page_size, const void *bitmap, __u64 *written);
int mock_write_one(int fd, __u32 hwpt_id, __u64 iova);

/*
 * BARs without a device. Creating one returns a file descriptor, which may be
 * mapped. @action: MOCK_BAR_OFF, MOCK_BAR_ON, or MOCK_BAR_RESET, of so long.
 */
int bar_create(int fd, __u64 length);
int bar_set(int fd, int bar_fd, __u32 action, __u32 reset_ms);

/*
 * 0 if a page table maps the range to the BAR from @offset on, -ENOENT if it
 * maps none of it, -EIO else.
 */
int bar_check(int fd, __u32 hwpt_id, __u64 iova, __u64 length, int bar_fd,
	      __u64 offset);

/* Bytes that buffers for PFNs may take, 0 for as many as they like. */
int mock_memory_limit(int fd, __u32 bytes);

/*
 * Make an in-kernel user of an IOAS. Returns a file descriptor by which the
 * functions below know it, and with which it goes.
 */
int access_create(int fd, __u32 ioas_id, __u32 flags);
int access_replace(int fd, int access_fd, __u32 ioas_id);

/* Copy between the IOVA and @data. */
int access_rw(int fd, int access_fd, __u64 iova, __u64 length, void *data,
	      __u32 flags);

/* Pin a range of IOVA that shows what is at @va; NULL does not compare. */
int access_pin(int fd, int access_fd, __u64 iova, __u64 length, const void *va,
	       __u32 flags, __u32 *pages_id);
int access_unpin(int fd, int access_fd, __u32 pages_id);

#endif

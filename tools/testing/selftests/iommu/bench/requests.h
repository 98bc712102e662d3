/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What a guest with an IOMMU of its own makes a VMM ask the kernel for.
 */
#ifndef SELFTEST_IOMMU_BENCH_REQUESTS_H
#define SELFTEST_IOMMU_BENCH_REQUESTS_H

#include <linux/types.h>

#include "device.h"

/* The most entries in one invalidation. */
#define ENTRIES_MAX	256

/**
 * struct requests - a page table and the device that uses it
 * @device: the device
 * @hwpt_id: the page table, nested or with a queue for page faults
 * @fault_fd: the queue, -1 if there is none
 */
struct requests {
	struct bench_device device;
	__u32 hwpt_id;
	int fault_fd;
};

/* All of these end the program when they fail. */
void requests_open_nested(struct requests *requests);
void requests_open_faulting(struct requests *requests);
void requests_close(struct requests *requests);

void requests_invalidate(struct requests *requests, __u32 count);

/* The device requests a page, the program reads that and answers "try again". */
void requests_round_trip(struct requests *requests);

#endif

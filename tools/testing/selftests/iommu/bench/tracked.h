/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Memory that a device writes to while somebody wants to know where.
 */
#ifndef SELFTEST_IOMMU_BENCH_TRACKED_H
#define SELFTEST_IOMMU_BENCH_TRACKED_H

#include <stdbool.h>

#include <linux/types.h>

#include "device.h"

/**
 * struct tracked - memory whose dirty pages are tracked
 * @device: attached to the page table
 * @hwpt_id: the page table
 * @va: the memory, huge pages
 * @length: bytes of it
 * @bitmap: a bit for each 4 KiB
 * @iopte: bytes in an IOPTE
 */
struct tracked {
	struct bench_device device;
	__u32 hwpt_id;
	void *va;
	__u64 length;
	__u64 *bitmap;
	__u64 iopte;
};

/*
 * All of these end the program when they fail. Tracking is off at first. @length
 * is a multiple of BENCH_BYTES. @huge: IOPTEs of 2 MiB.
 */
void tracked_open(struct tracked *tracked, __u64 length, bool huge);
void tracked_close(struct tracked *tracked);

void tracked_enable(struct tracked *tracked, bool enable);

/* Read and clear all dirty bits. */
void tracked_read(struct tracked *tracked);

#endif

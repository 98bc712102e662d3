/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Between the benchmark and its IOMMU. An open file is a device behind it.
 */
#ifndef SELFTEST_IOMMU_BENCH_IOMMU_H
#define SELFTEST_IOMMU_BENCH_IOMMU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BENCH_IOMMU_NAME	"iommufd-bench-iommu"

/* What it translates: so many bytes from this IOVA on. */
#define BENCH_IOMMU_IOVA	0x100000000ULL
#define BENCH_IOMMU_LENGTH	0x1000000000ULL

/**
 * struct bench_iommu_plug - Argument of BENCH_IOMMU_PLUG
 * @iommufd: the iommufd that gets the device
 * @huge: 1 for IOPTEs of 2 MiB where memory allows it, 0 for 4 KiB only
 * @out_dev_id: output, object ID of the device
 */
struct bench_iommu_plug {
	__s32 iommufd;
	__u32 huge;
	__u32 out_dev_id;
};

/* Plug the device in and bind it; once for each open file. */
#define BENCH_IOMMU_PLUG	_IOWR('B', 0x90, struct bench_iommu_plug)
/* Attach it to an IOAS or a page table, or move it there. */
#define BENCH_IOMMU_ATTACH	_IOW('B', 0x91, __u32)
/* The device writes to each n-th IOPTE, the argument being n. */
#define BENCH_IOMMU_WRITE	_IOW('B', 0x92, __u32)
/* The device requests a page. */
#define BENCH_IOMMU_REQUEST	_IO('B', 0x93)
/* How often it was told to try again. */
#define BENCH_IOMMU_ANSWERS	_IOR('B', 0x94, __u32)

/* Type of the data of page tables that are nested, and of invalidations. */
#define BENCH_IOMMU_DATA	0xbe

/**
 * struct bench_iommu_nested - Data of a page table that is nested
 * @base: where it would be
 */
struct bench_iommu_nested {
	__u64 base;
};

/**
 * struct bench_iommu_invalidate - One invalidation
 * @iova: first byte
 * @length: bytes
 */
struct bench_iommu_invalidate {
	__u64 iova;
	__u64 length;
};

#endif

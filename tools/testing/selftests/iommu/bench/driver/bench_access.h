/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Between the benchmark and its driver.
 */
#ifndef SELFTEST_IOMMU_BENCH_ACCESS_H
#define SELFTEST_IOMMU_BENCH_ACCESS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BENCH_ACCESS_NAME	"iommufd-bench"

#define BENCH_ACCESS_COPY_MAX	0x200000

/**
 * struct bench_access_attach - Argument of BENCH_ACCESS_ATTACH
 * @iommufd: the iommufd
 * @ioas_id: one of its IOAS
 */
struct bench_access_attach {
	__s32 iommufd;
	__u32 ioas_id;
};

/**
 * struct bench_access_call - Argument of what is measured
 * @iova: first byte
 * @length: bytes, to copy at most BENCH_ACCESS_COPY_MAX
 * @repeat: how often
 * @write: 1 to write, 0 to read
 * @kernel_thread: 1 to copy in a thread that has no memory of a process
 * @reserved: 0
 * @out_ns: output, nanoseconds of all pins or copies together
 * @out_unpin_ns: output, nanoseconds of all unpins together
 */
struct bench_access_call {
	__u64 iova;
	__u64 length;
	__u32 repeat;
	__u32 write;
	__u32 kernel_thread;
	__u32 reserved;
	__u64 out_ns;
	__u64 out_unpin_ns;
};

/* Attach; once for each open file. */
#define BENCH_ACCESS_ATTACH	_IOW('B', 0x80, struct bench_access_attach)
/* Pin a range and unpin it. */
#define BENCH_ACCESS_PIN	_IOWR('B', 0x81, struct bench_access_call)
/* Copy to or from a range. */
#define BENCH_ACCESS_RW		_IOWR('B', 0x82, struct bench_access_call)
/* Pin a range once and leave it pinned. */
#define BENCH_ACCESS_HOLD	_IOWR('B', 0x83, struct bench_access_call)
/* Unpin that. */
#define BENCH_ACCESS_RELEASE	_IO('B', 0x84)

#endif

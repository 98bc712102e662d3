/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A device behind the IOMMU in driver/, which can do what no emulated one can.
 */
#ifndef SELFTEST_IOMMU_BENCH_DEVICE_H
#define SELFTEST_IOMMU_BENCH_DEVICE_H

#include <stdbool.h>

#include <linux/types.h>

#include "driver/bench_iommu.h"

/**
 * struct bench_device - a device and an IOAS in one iommufd
 * @iommufd: the iommufd
 * @driver: the device
 * @dev_id: its object ID
 * @ioas_id: the IOAS, empty
 */
struct bench_device {
	int iommufd;
	int driver;
	__u32 dev_id;
	__u32 ioas_id;
};

/*
 * These end the program when they fail. The device is attached to nothing at
 * first. @huge: the IOMMU may use IOPTEs of 2 MiB.
 */
void bench_device_open(struct bench_device *device, bool huge);
void bench_device_close(struct bench_device *device);

/* To an IOAS or a page table; from there to another one it is moved. */
void bench_device_attach(struct bench_device *device, __u32 pt_id);

/* It writes to each so many'th IOPTE. */
void bench_device_write(struct bench_device *device, __u32 every);

#endif

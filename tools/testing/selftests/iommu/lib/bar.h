/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * BARs of the mock IOMMU, and a test environment with one.
 */
#ifndef SELFTEST_IOMMU_BAR_H
#define SELFTEST_IOMMU_BAR_H

#include "mock_rig.h"

/* Pages of a BAR in these tests. */
#define BAR_PAGES	8

/* A worker looks for a BAR that was taken away at least so often, ms. */
#define BAR_LOOK_MS	1000

/**
 * struct bar_rig - a mock_rig with a BAR and a device that is to reach it
 * @rig: the rest
 * @bar_fd: the BAR
 * @va: where it is mapped
 * @length: of it, bytes
 * @device: attached to the first IOAS
 */
struct bar_rig {
	struct mock_rig rig;
	int bar_fd;
	char *va;
	__u64 length;
	struct mock_device device;
};

/* @flags: of the device. Returns 0, -ENODEV, or what failed. */
int bar_rig_create(struct bar_rig *bar, __u64 length, __u32 flags);
const char *bar_rig_destroy(struct bar_rig *bar);

/* Map all of the BAR at this IOVA. */
#define BAR_IOVA	(MOCK_APERTURE_START + 16 * SZ_1M)
int bar_rig_map(struct bar_rig *bar);

int bar_rig_off(struct bar_rig *bar);
int bar_rig_on(struct bar_rig *bar);

/* bar_check() of all of the BAR, in the page table of the device or another. */
int bar_rig_check(struct bar_rig *bar);
int bar_rig_check_in(struct bar_rig *bar, __u32 hwpt_id);

/* Wait until that is @expected, for a while; returns what it is at last. */
int bar_rig_await(struct bar_rig *bar, __u32 hwpt_id, int expected);

#endif

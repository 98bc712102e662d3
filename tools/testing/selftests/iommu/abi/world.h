/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What the commands of abi_test act on.
 */
#ifndef SELFTEST_IOMMU_ABI_WORLD_H
#define SELFTEST_IOMMU_ABI_WORLD_H

#include "lib/ioctls.h"

/* Ids looked at when the objects of a file are counted. */
#define IDS_MAX		64

#define MAPPED_IOVA	0x100000ULL
#define MAPPED_PAGES	4

/**
 * struct world - one file with two IOASes, memory mapped in the first
 * @fd: the file
 * @ioas_id: the IOAS that commands are about
 * @other_id: another one
 * @device_id: a device in an IOAS of its own, as soon as one is needed
 * @buffer: MAPPED_PAGES pages, mapped at MAPPED_IOVA
 * @file: of as many pages, not mapped
 * @range: an argument for the ioctls that take ranges
 */
struct world {
	int fd;
	__u32 ioas_id;
	__u32 other_id;
	__u32 device_id;
	void *buffer;
	int file;
	struct iommu_iova_range range;
};

/* Returns 0 or a negative errno. */
int world_create(struct world *world);

int world_objects(const struct world *world);

/* Bytes that both IOASes map, which this takes away. */
__u64 world_take_mapped(const struct world *world);

/* The ID of a device on the mock IOMMU. */
__u32 world_device(struct world *world);

/* The ID of a new page table for it. */
__u32 world_hwpt(struct world *world, __u32 flags);

#endif

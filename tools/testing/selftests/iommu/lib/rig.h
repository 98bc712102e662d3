/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A device bound to an iommufd with one IOAS, ready for a test.
 */
#ifndef SELFTEST_IOMMU_RIG_H
#define SELFTEST_IOMMU_RIG_H

#include "edu.h"
#include "ioctls.h"
#include "memory.h"
#include "usage.h"

#define RIG_PAGES	64

/* Room for tests that the device reaches, clear of both ends. */
#define RIG_IOVA	0x1000000ULL

/**
 * struct rig - what most tests with a device begin with
 * @baseline: taken before anything else
 * @fd: the iommufd
 * @edu: a device bound to it, attached to nothing
 * @ioas_id: an IOAS without areas
 * @buffer: RIG_PAGES pages of memory, scattered
 */
struct rig {
	struct baseline baseline;
	int fd;
	struct edu edu;
	__u32 ioas_id;
	char *buffer;
};

/*
 * @rlimit_mode: value for IOMMU_OPTION_RLIMIT_MODE
 * Returns 0, -ENODEV when there is no device for the test, or what failed.
 */
int rig_create(struct rig *rig, __u64 rlimit_mode);

/* Take all apart; returns what baseline_check() finds. */
const char *rig_destroy(struct rig *rig);

/* Address of page @page of the buffer, and its IOVA in these tests. */
static inline char *rig_va(const struct rig *rig, __u64 page)
{
	return rig->buffer + page * PAGE_SIZE;
}

static inline __u64 rig_iova(__u64 page)
{
	return RIG_IOVA + page * PAGE_SIZE;
}

/* Attach the device to the IOAS. */
int rig_attach(struct rig *rig);

/* Map @count pages of the buffer from page @page on at their IOVA. */
int rig_map(struct rig *rig, __u64 page, __u64 count);
int rig_unmap(struct rig *rig, __u64 page, __u64 count);

/* Copy @count pages at @iova of the IOAS to @dst_iova of @dst_id. */
int rig_copy(struct rig *rig, __u64 iova, __u64 count, __u32 dst_id,
	     __u64 dst_iova);

/*
 * Do a little of all that can be done with an IOAS, and undo it. For somebody
 * else, while the IOAS is being worked on. Returns 0, or a number that says how
 * far it came.
 */
int rig_use(struct rig *rig);

#endif

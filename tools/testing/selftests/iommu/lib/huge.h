/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Huge pages in an IOAS, with marks in them, and what a device finds there.
 */
#ifndef SELFTEST_IOMMU_HUGE_H
#define SELFTEST_IOMMU_HUGE_H

#include <stdbool.h>

#include <linux/types.h>

#include "edu.h"
#include "ioctls.h"
#include "memory.h"
#include "mock.h"
#include "rig.h"
#include "usage.h"

#define HUGE_PAGES	512ULL		/* small pages in a huge one */

/* Where large IOPTEs fit. */
#define EVEN_IOVA	(2 * RIG_IOVA)
#define SCRATCH_IOVA	RIG_IOVA

/**
 * struct huge - an IOAS with one device or two
 * @baseline: taken before anything else
 * @fd: the iommufd
 * @ioas_id: what the devices are attached to
 * @mock: a device of the mock IOMMU, if @has_mock
 * @edu: a device that does DMA, if @has_edu
 * @has_mock: see @mock
 * @has_edu: see @edu
 * @scratch: a page at SCRATCH_IOVA
 * @marks: how many marks were set so far
 * @pins: page pins when none of the tested memory is mapped
 * @report: what huge_check_map() and others have to say
 */
struct huge {
	struct baseline baseline;
	int fd;
	__u32 ioas_id;
	struct mock_device mock;
	struct edu edu;
	bool has_mock;
	bool has_edu;
	char *scratch;
	__u64 marks;
	__u64 pins;
	char report[256];
};

/*
 * Returns 0, -ENODEV without such a device, -ENOTSUP without huge pages of both
 * kinds, or what failed.
 */
int huge_create(struct huge *huge, bool with_mock, bool with_edu);

/* Take all apart; returns what baseline_check() finds. */
const char *huge_destroy(struct huge *huge);

/* The beginning of each page says which one it is. */
__u64 *huge_mark_at(char *va, __u64 page);
void huge_mark(struct huge *huge, char *va, __u64 page);
void huge_mark_all(struct huge *huge, char *va, __u64 count);

/* Memory of @blocks huge pages, with marks or never touched by anybody. */
int huge_alloc_marked(struct huge *huge, enum memory_kind kind, __u64 blocks,
		      char **va);
int huge_alloc_fresh(enum memory_kind kind, __u64 blocks, char **va);

/* What is wrong, to return; and where that was, in addition. */
const char *huge_say(struct huge *huge, const char *format, ...);
const char *huge_say_where(struct huge *huge, const char *format, ...);

/* What the device finds at an IOVA; 0 if it cannot be asked. */
__u64 huge_mark_by_dma(struct huge *huge, __u64 iova);

/* Map and unmap @count small pages. */
int huge_map(struct huge *huge, char *va, __u64 count, __u64 iova, __u32 flags);
int huge_unmap(struct huge *huge, __u64 iova, __u64 count);

/*
 * The empty string, or what is wrong. Each page is pinned once, and paid for;
 * and the device finds there what the process has, page @odd being something
 * special; and nothing is left after unmapping.
 */
const char *huge_check_pins(struct huge *huge, __u64 count);
const char *huge_check_shown(struct huge *huge, char *va, __u64 iova,
			     __u64 count, __u64 odd);
const char *huge_check_unmap(struct huge *huge, __u64 iova, __u64 count);

/* Map, look, and unmap. */
const char *huge_check_map(struct huge *huge, char *va, __u64 count, __u64 iova,
			   __u32 flags, __u64 odd);

/* A map that has to fail with @error leaves nothing. */
const char *huge_check_refused(struct huge *huge, char *va, __u64 count,
			       int error);

#endif

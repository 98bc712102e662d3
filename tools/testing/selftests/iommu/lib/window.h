/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * More address space than there is memory: the same huge pages again and again,
 * without gaps.
 */
#ifndef SELFTEST_IOMMU_WINDOW_H
#define SELFTEST_IOMMU_WINDOW_H

#include <linux/types.h>

/*
 * Bytes of memory in a window, and what its length is a multiple of. From this
 * size on mappings of one file share page tables, so that a window of 1 TiB is
 * made in seconds.
 */
#define WINDOW_STEP	0x40000000ULL

/**
 * struct window - address space full of huge pages
 * @va: where it is, on a boundary of WINDOW_STEP
 * @length: bytes
 */
struct window {
	char *va;
	__u64 length;
};

/*
 * Get the memory for all windows of this process and of those it starts. Returns
 * 0, or -ENOTSUP when the system has not that many huge pages.
 */
int window_memory(void);

/* Needs window_memory(), whose error it returns otherwise. */
int window_open(struct window *window, __u64 length);
void window_close(struct window *window);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Files in which the kernel tells a number or takes a line.
 */
#ifndef SELFTEST_IOMMU_FILES_H
#define SELFTEST_IOMMU_FILES_H

#include <linux/types.h>

/* First number behind @field at the start of a line of @path, 0 if none. */
__u64 file_number(const char *path, const char *field);

/* Write @text to @path. 0 or a negative errno. */
int file_write(const char *path, const char *text);

/* A number in KiB that the kernel tells of this process: "VmPin:", "VmLck:". */
__u64 status_kib(const char *field);

#define KIB_PER_PAGE	(PAGE_SIZE / 1024)

/* For tests: so many pages are pinned on the account of this process. */
#define EXPECT_PINNED(pages) \
	EXPECT_EQ((pages) * KIB_PER_PAGE, status_kib("VmPin:"))

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A file for IOMMU_IOAS_MAP_FILE, and who looks at it.
 */
#ifndef SELFTEST_IOMMU_FILE_SUBJECT_H
#define SELFTEST_IOMMU_FILE_SUBJECT_H

#include <stdbool.h>

#include "lib/mock_rig.h"

/* Where the file is mapped. */
#define IOVA	MOCK_APERTURE_START

enum file_kind {
	FILE_MEMFD,
	FILE_MEMFD_THP,
	FILE_MEMFD_HUGETLB,
	FILE_TMPFS,
};

/**
 * struct subject - a file, and a way to look into it
 * @rig: an iommufd
 * @file: nothing of it is there at first
 * @length: of the file, bytes
 * @va: where this process has it mapped
 * @pages: small pages in it
 * @shmem_huge: what has to be set again when the file is gone, if not empty
 */
struct subject {
	struct mock_rig rig;
	int file;
	__u64 length;
	char *va;
	__u64 pages;
	char shmem_huge[32];
};

/* Returns 0, -ENODEV without a mock IOMMU, -ENOTSUP without such files. */
int subject_create(struct subject *subject, enum file_kind kind,
		   __u64 rlimit_mode);
void subject_destroy(struct subject *subject);

/* At the same distance from IOVA as from the start of the file. */
int map_part(struct subject *subject, __u64 start, __u64 length);
int map_all(struct subject *subject);
int unmap_all(struct subject *subject);
int plug(struct subject *subject, struct mock_device *device);
int unplug(struct subject *subject, struct mock_device *device);

/* Does the device reach what this process has mapped? */
int check(struct subject *subject, struct mock_device *device);

/* Copy all of the file, as much at a time as one call may. */
int copy(struct subject *subject, int access_fd, char *buffer,
	 __u32 flags);
int copy_out(struct subject *subject, int access_fd, char *buffer);

/* Is each byte of the file as in-kernel users see it the same? */
bool shows(struct subject *subject, int access_fd, char byte);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * From an operation to the system call.
 */
#ifndef SELFTEST_IOMMU_FUZZ_OPS_H
#define SELFTEST_IOMMU_FUZZ_OPS_H

#include <stdbool.h>

#include <linux/iommufd.h>
#include <linux/types.h>
#include <linux/vfio.h>

#include "../../../../../drivers/iommu/iommufd/iommufd_test.h"
#include "op.h"

/* Most bytes that one ACCESS_RW copies in vain or not. */
#define FUZZ_RW_BYTES	(64 * 1024)

/* Lets an operation of the fuzzer go on in the whole array of ranges. */
#define FUZZ_ARRAY_MAX	8

union fuzz_cmd {
	__u32 size;
	struct iommu_destroy destroy;
	struct iommu_ioas_alloc ioas_alloc;
	struct iommu_ioas_allow_iovas allow_iovas;
	struct iommu_ioas_iova_ranges iova_ranges;
	struct iommu_ioas_map map;
	struct iommu_ioas_map_file map_file;
	struct iommu_ioas_change_process change_process;
	struct iommu_ioas_copy copy;
	struct iommu_ioas_unmap unmap;
	struct iommu_option option;
	struct iommu_vfio_ioas vfio_ioas;
	struct iommu_hw_info hw_info;
	struct iommu_hwpt_alloc hwpt_alloc;
	struct iommu_hwpt_set_dirty_tracking set_dirty_tracking;
	struct iommu_hwpt_get_dirty_bitmap get_dirty_bitmap;
	struct iommu_hwpt_invalidate invalidate;
	struct iommu_fault_alloc fault_alloc;
	struct iommu_test_cmd test;
	struct vfio_iommu_type1_info vfio_info;
	struct vfio_iommu_type1_dma_map vfio_map;
	struct vfio_iommu_type1_dma_unmap vfio_unmap;
	struct vfio_iommu_type1_dirty_bitmap vfio_dirty;
};

/**
 * struct fuzz_numbers - what the selectors of an operation stand for
 * @fd: the context
 * @id: of the object
 * @id2: of the second object
 * @id3: of the third object
 * @access: file descriptor of the access
 * @pin: ID of what the access has pinned
 * @queue: file descriptor of the queue of page faults
 * @file: of the file to map, or the BAR to look at
 * @cookies: of the groups of page faults to answer
 */
struct fuzz_numbers {
	int fd;
	__u32 id;
	__u32 id2;
	__u32 id3;
	int access;
	__u32 pin;
	int queue;
	int file;
	__u32 cookies[FUZZ_ANSWERS];
};

/**
 * struct fuzz_stage - where one thread puts what the kernel reads and writes
 * @writable: two pages, of which the second one is PROT_NONE
 * @read_only: the first page once more, without the right to write
 * @data: FUZZ_RW_BYTES bytes
 */
struct fuzz_stage {
	char *writable;
	char *read_only;
	unsigned char *data;
};

/**
 * struct fuzz_answer - what the kernel answered
 * @ret: 0 or a negative errno; for some ioctls of VFIO, a number
 * @cmd: the structure afterwards
 * @ranges: the array that IOVA_RANGES filled
 * @info: what VFIO_IOMMU_GET_INFO wrote
 * @data: bytes that ACCESS_RW read, or was to write; what others filled
 */
struct fuzz_answer {
	int ret;
	union fuzz_cmd cmd;
	struct iommu_iova_range ranges[FUZZ_RANGES];
	unsigned char info[1024];
	unsigned char *data;
};

/* 0 or -errno */
int fuzz_stage_init(struct fuzz_stage *stage);

const char *fuzz_kind_name(unsigned int kind);
const char *fuzz_form_name(unsigned int form);

/* Is the operation an ioctl with a structure whose size comes first? */
bool fuzz_has_structure(unsigned int kind);

/* Does the kernel write to the structure when it succeeds? */
bool fuzz_has_reply(const struct fuzz_op *op);

/* The address of the memory that an operation names. */
__u64 fuzz_op_va(const struct fuzz_op *op);

/* Of the file that an operation names, and of the BAR; @other is one more. */
int fuzz_op_file(const struct fuzz_op *op, int other);

/* Do it. Not for operations that are no ioctls. */
void fuzz_issue(const struct fuzz_op *op, const struct fuzz_numbers *numbers,
		struct fuzz_stage *stage, struct fuzz_answer *answer);

/* What other runs may have limited. */
void fuzz_reset_memory_limit(int fd);

/* The operation in words, in a static buffer. */
const char *fuzz_describe(const struct fuzz_op *op);

#endif

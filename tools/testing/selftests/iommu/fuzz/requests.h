/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What operations on page tables and page faults give to the kernel. Whoever
 * predicts the answer asks here for the same.
 */
#ifndef SELFTEST_IOMMU_FUZZ_REQUESTS_H
#define SELFTEST_IOMMU_FUZZ_REQUESTS_H

#include <stddef.h>

#include "ops.h"

/* What GET_HW_INFO has at most, and what is there before. */
#define FUZZ_INFO_BYTES		128
#define FUZZ_UNTOUCHED		0xa5

/* Where GET_DIRTY_BITMAP writes, and the bits that have a place in it. */
#define FUZZ_BITMAP_BYTES	8192
#define FUZZ_BITMAP_EDGE	64
#define FUZZ_BITMAP_BITS	32768

/* Bits that DIRTY has. */
#define FUZZ_WRITE_BITS		2048

/* Most entries of an invalidation that are there. */
#define FUZZ_ENTRIES		140

/* In @flags of INVALIDATE. */
#define FUZZ_INVALIDATE_TYPE	1	/* a type that nobody knows */
#define FUZZ_INVALIDATE_NULL	2	/* no array */

/* In @flags of a read from a queue: only @value bytes can be written. */
#define FUZZ_READ_CUT		1

/**
 * struct fuzz_request - an ioctl that is about to be made
 * @number: of the ioctl
 * @size: of the structure
 * @first_size: of its first version
 */
struct fuzz_request {
	unsigned long number;
	__u32 size;
	__u32 first_size;
};

#define FUZZ_REQUEST(_number, _member, _last)				\
	((struct fuzz_request){						\
		.number = _number,					\
		.size = sizeof(((union fuzz_cmd *)0)->_member),		\
		.first_size = offsetof(union fuzz_cmd, _member._last) +	\
			sizeof(((union fuzz_cmd *)0)->_member._last),	\
	})

/**
 * struct fuzz_hwpt_data - what HWPT_ALLOC says about its data
 * @type: their format
 * @length: bytes
 * @present: there is an address
 */
struct fuzz_hwpt_data {
	__u32 type;
	__u32 length;
	bool present;
};

/* Of an operation HWPT_ALLOC, by its value. */
#define FUZZ_DATA_NONE		0
#define FUZZ_DATA_GOOD		1
#define FUZZ_DATA_KINDS		8
struct fuzz_hwpt_data fuzz_hwpt_data(const struct fuzz_op *op);

/* One of the entries of an operation INVALIDATE. */
struct iommu_hwpt_invalidate_selftest
fuzz_invalidate_entry(const struct fuzz_op *op, unsigned int index);

/* What is in the bitmap before, and where its first bit is, bytes. */
void fuzz_bitmap_fill(unsigned char *data, const struct fuzz_op *op);
unsigned int fuzz_bitmap_start(const struct fuzz_op *op);

/* The pages that an operation DIRTY writes to. */
void fuzz_write_bits(unsigned char *data, const struct fuzz_op *op);

/* Build the structure of one of these ioctls. */
struct fuzz_request fuzz_build_hwpt(const struct fuzz_op *op,
				    const struct fuzz_numbers *numbers,
				    struct fuzz_stage *stage,
				    union fuzz_cmd *cmd);

/* Read from a queue, or write to it. */
void fuzz_issue_file(const struct fuzz_op *op,
		     const struct fuzz_numbers *numbers,
		     struct fuzz_stage *stage, struct fuzz_answer *answer);

#endif

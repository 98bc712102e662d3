/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What devices have written, by page table and IOPTE.
 */
#ifndef SELFTEST_IOMMU_FUZZ_MARKS_H
#define SELFTEST_IOMMU_FUZZ_MARKS_H

#include "model.h"

/**
 * struct fuzz_bits - what a bitmap has to show
 * @iova: of bit 0
 * @last: last byte of IOVA that has a bit
 * @page_size: bytes that one bit stands for
 * @set: bits that have to be set
 * @maybe: bits that may be set
 */
struct fuzz_bits {
	__u64 iova;
	__u64 last;
	__u64 page_size;
	unsigned char *set;
	unsigned char *maybe;
};

/* A device writes; false if nothing is there to write to. */
bool fuzz_marks_write(const struct fuzz_object *hwpt, __u64 iova);

/* Find out what a reading shows, and forget it if it does. */
void fuzz_marks_read(const struct fuzz_object *hwpt,
		     const struct fuzz_bits *bits, bool clear);

void fuzz_marks_forget_table(const struct fuzz_object *hwpt);
void fuzz_marks_forget_area(struct fuzz_area *area);

#endif

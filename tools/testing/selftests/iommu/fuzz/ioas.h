/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What is mapped in an IOAS.
 */
#ifndef SELFTEST_IOMMU_FUZZ_IOAS_H
#define SELFTEST_IOMMU_FUZZ_IOAS_H

#include "model.h"

/* What a page table of a kind can translate. */
struct iommu_iova_range fuzz_table_window(bool huge, bool trackable);
__u64 fuzz_ioas_alignment(const struct fuzz_context *context,
			  const struct fuzz_object *ioas);
unsigned int fuzz_ioas_first(const struct fuzz_object *ioas, __u64 iova);
bool fuzz_ioas_reserved(const struct fuzz_object *ioas, __u64 iova, __u64 last);
bool fuzz_ioas_misaligned(const struct fuzz_object *ioas, __u64 alignment);
unsigned int fuzz_ioas_holes(const struct fuzz_object *ioas,
			     struct iommu_iova_range *out, unsigned int room);
bool fuzz_ioas_has_room(const struct fuzz_context *context,
			const struct fuzz_object *ioas, __u64 length);
int fuzz_ioas_parts(const struct fuzz_object *ioas, __u64 iova, __u64 last,
		    struct fuzz_part *parts, bool *whole);
struct fuzz_area *fuzz_ioas_insert(struct fuzz_object *ioas, __u64 iova,
				   const struct fuzz_part *part, __u32 prot);
bool fuzz_overlap(const struct iommu_iova_range *ranges, unsigned int count,
		  __u64 start, __u64 last);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_DIRTY_H
#define __IOMMUFD_IOPT_DIRTY_H

#include <linux/types.h>

struct io_pagetable;
struct iopt_domain;

/* Finer bitmaps are refused, so that the pages of a piece of one are few. */
#define IOPT_DIRTY_PAGE_SIZE_MIN 512

/**
 * struct iopt_dirty_request - What user space wants to know
 * @iova: first IOVA, a multiple of @page_size; bit 0 of the bitmap
 * @last: last IOVA, inclusive
 * @page_size: bytes that one bit stands for; a power of two, at least
 *             IOPT_DIRTY_PAGE_SIZE_MIN
 * @bitmap: receives the bits, in addition to those that it has
 * @flags: IOMMU_DIRTY_NO_CLEAR, or 0
 */
struct iopt_dirty_request {
	unsigned long iova;
	unsigned long last;
	unsigned long page_size;
	u64 __user *bitmap;
	unsigned long flags;
};

int iopt_read_dirty(struct io_pagetable *iopt, const struct iopt_domain *member,
		    const struct iopt_dirty_request *request);
int iopt_clear_dirty(struct io_pagetable *iopt,
		     const struct iopt_domain *member);

#endif

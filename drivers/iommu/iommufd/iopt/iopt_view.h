/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_VIEW_H
#define __IOMMUFD_IOPT_VIEW_H

#include <linux/types.h>

#include "pages/iopt_types.h"

struct io_pagetable;

/**
 * struct iopt_area_view - An area as it was at some moment
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @iommu_prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @state: where in its life it is
 * @content: what it shows in the domains
 * @npages: pages that it shows
 * @naccesses: pages that in-kernel users have pinned through it
 * @one_run: the domains hold it in one physical run
 * @memory: pages of the memory that it shows a part of
 * @pinned: how many of these are stored
 * @chunks: how often 2 MiB of that memory are known to be one run
 */
struct iopt_area_view {
	unsigned long start;
	unsigned long last;
	int iommu_prot;
	enum iopt_area_state state;
	enum iopt_area_content content;
	unsigned long npages;
	unsigned long naccesses;
	bool one_run;
	unsigned long memory;
	unsigned long pinned;
	unsigned long chunks;
};

bool iopt_area_view_from(struct io_pagetable *iopt, unsigned long iova,
			 struct iopt_area_view *view);

#endif

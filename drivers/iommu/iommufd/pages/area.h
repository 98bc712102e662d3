/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_AREA_H
#define __IOMMUFD_AREA_H

#include "iopt_types.h"

struct iopt_pages_unused;

void iopt_area_init(struct iopt_area *area, struct iopt_pages *pages,
		    unsigned long start_byte, unsigned long length,
		    int iommu_prot);
struct iopt_area *iopt_area_alloc(struct iopt_pages *pages,
				  unsigned long start_byte,
				  unsigned long length, int iommu_prot);
void iopt_setup_put(struct iopt_setup *setup);
void iopt_area_put(struct iopt_area *area);
void iopt_area_put_later(struct iopt_area *area,
			 struct iopt_pages_unused *unused);
unsigned int iopt_area_alignment_order(const struct iopt_area *area);

#endif

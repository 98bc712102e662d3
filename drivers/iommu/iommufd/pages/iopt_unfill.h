/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_UNFILL_H
#define __IOMMUFD_IOPT_UNFILL_H

struct iopt_area;
struct iopt_domain;
struct list_head;

void iopt_area_unfill_domains(struct iopt_area *area);
void iopt_area_unfill_domain(struct iopt_area *area,
			     struct iopt_domain *member);
void iopt_area_unfill(struct iopt_area *area);
void iopt_areas_unfill(struct list_head *areas);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_FILL_H
#define __IOMMUFD_IOPT_FILL_H

struct iopt_area;
struct iopt_domain;

int iopt_area_fill_domains(struct iopt_area *area);
int iopt_area_fill_domain(struct iopt_area *area, struct iopt_domain *member);

#endif

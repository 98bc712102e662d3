/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_AREA_DOMAINS_H
#define __IOMMUFD_AREA_DOMAINS_H

struct iopt_area;
struct iopt_domain;

struct iopt_domain *iopt_area_first_member(const struct iopt_area *area,
					   struct iopt_domain **sole);
struct iopt_domain *iopt_area_next_member(const struct iopt_area *area,
					  struct iopt_domain *target,
					  struct iopt_domain *prev);
unsigned long iopt_area_unmap(struct iopt_area *area,
			      struct iopt_domain *target,
			      struct iopt_domain *end, unsigned long iova,
			      unsigned long length);

#endif

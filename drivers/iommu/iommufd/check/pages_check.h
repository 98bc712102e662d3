/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PAGES_CHECK_H
#define __IOMMUFD_PAGES_CHECK_H

#include <linux/types.h>

struct iopt_area;
struct iopt_domains;
struct iopt_pages;

bool iopt_area_shape_valid(const struct iopt_area *area);
bool iopt_area_valid(struct iopt_area *area);
bool iopt_domains_valid(const struct iopt_domains *domains);
bool iopt_pages_valid(struct iopt_pages *pages);

#endif

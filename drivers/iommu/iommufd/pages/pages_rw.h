/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PAGES_RW_H
#define __IOMMUFD_PAGES_RW_H

struct iopt_pages;
struct pin_copy;

int iopt_pages_rw_access(struct iopt_pages *pages, struct pin_copy *copy);

#endif

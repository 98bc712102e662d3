/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PAGES_MOVE_H
#define __IOMMUFD_PAGES_MOVE_H

struct iopt_pages;
struct pin_owner;

int iopt_pages_move(struct iopt_pages *pages, unsigned long address,
		    struct pin_owner *owner);

#endif

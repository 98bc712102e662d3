/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_CHECK_H
#define __IOMMUFD_IOPT_CHECK_H

#include <linux/types.h>

struct io_pagetable;

bool iopt_valid(struct io_pagetable *iopt);
bool iopt_checked(struct io_pagetable *iopt, unsigned int turn,
		  unsigned int areas);

#endif

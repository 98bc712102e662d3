/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_INTERVAL_CHECK_H
#define __IOMMUFD_INTERVAL_CHECK_H

#include <linux/types.h>

struct rb_root_cached;

bool interval_tree_valid(const struct rb_root_cached *root, unsigned long last,
			 unsigned long *count);

#endif

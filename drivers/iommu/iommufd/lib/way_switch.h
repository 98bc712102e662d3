/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_WAY_SWITCH_H
#define __IOMMUFD_WAY_SWITCH_H

#include <linux/moduleparam.h>

/*
 * A module parameter that is a struct static_key_true, to be used with
 * module_param_cb(). For what leads to the same result whichever way it is
 * done, so that it may be changed at any time.
 */
extern const struct kernel_param_ops iommufd_way_switch_ops;

#endif

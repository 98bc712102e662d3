/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __TEST_LINUX_LIMITS_H
#define __TEST_LINUX_LIMITS_H

#include <limits.h>

#endif

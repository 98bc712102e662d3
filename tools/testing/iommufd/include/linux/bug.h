/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __TEST_LINUX_BUG_H
#define __TEST_LINUX_BUG_H

#include <linux/stringify.h>

#include <stdbool.h>

bool test_warn(bool condition, const char *where, const char *what);

#define WARN_ON(condition) \
	test_warn(condition, __FILE__ ":" __stringify(__LINE__), #condition)
#define WARN_ON_ONCE(condition) WARN_ON(condition)

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_INVARIANT_H
#define __IOMMUFD_INVARIANT_H

#include <linux/printk.h>

/**
 * invariant() - Look at something that has to be true
 * @condition: evaluated once
 *
 * For the functions that check a whole structure. What to do about it is up to
 * their callers, so this is no warning, but the kernel log says what it was.
 *
 * Context: any.
 * Return: @condition.
 */
#define invariant(condition)                                              \
	({                                                                \
		bool __holds = (condition);                               \
									  \
		if (!__holds)                                             \
			pr_err("iommufd: %s() found that this is not true: %s\n", \
			       __func__, #condition);                     \
		__holds;                                                  \
	})

#endif

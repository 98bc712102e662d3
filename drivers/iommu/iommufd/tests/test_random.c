// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 */
#include "test_random.h"

#include <linux/module.h>
#include <linux/moduleparam.h>

static unsigned long kunit_seed = 1;
module_param(kunit_seed, ulong, 0444);
MODULE_PARM_DESC(kunit_seed, "Seed of the unit tests (default 1)");

unsigned long test_seed(void)
{
	return kunit_seed;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 */
#include "plain_ways.h"

#include <kunit/test.h>
#include <linux/jump_label.h>

#include "pages/pfn_domain.h"
#include "pin/pin_leaf.h"

/* What the parameters said before the suite */
static bool direct_iommu, direct_pin;

/**
 * plain_ways_set() - Choose a way, as the module parameter does
 * @key: pfn_domain_direct or pin_leaf_direct
 * @on: call the driver, or pin, directly
 *
 * Context: may sleep.
 */
void plain_ways_set(struct static_key_true *key, bool on)
{
	if (on)
		static_branch_enable(key);
	else
		static_branch_disable(key);
}

/**
 * plain_ways_begin() - Do all in the plain way, for the time of a suite
 * @suite: whose suite_init this is
 *
 * Context: may sleep. One suite at a time, as KUnit runs them.
 * Return: 0.
 */
int plain_ways_begin(struct kunit_suite *suite)
{
	direct_iommu = static_key_enabled(&pfn_domain_direct);
	direct_pin = static_key_enabled(&pin_leaf_direct);
	plain_ways_set(&pfn_domain_direct, false);
	plain_ways_set(&pin_leaf_direct, false);
	return 0;
}

/**
 * plain_ways_end() - Undo plain_ways_begin()
 * @suite: whose suite_exit this is
 *
 * Context: may sleep.
 */
void plain_ways_end(struct kunit_suite *suite)
{
	plain_ways_set(&pfn_domain_direct, direct_iommu);
	plain_ways_set(&pin_leaf_direct, direct_pin);
}

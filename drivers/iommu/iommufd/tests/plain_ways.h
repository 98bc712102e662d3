/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Turning off what iommufd does by itself because it is faster. Suites that run
 * both ways show that the result is the same.
 */
#ifndef __IOMMUFD_TESTS_PLAIN_WAYS_H
#define __IOMMUFD_TESTS_PLAIN_WAYS_H

#include <linux/types.h>

struct kunit_suite;
struct static_key_true;

void plain_ways_set(struct static_key_true *key, bool on);
int plain_ways_begin(struct kunit_suite *suite);
void plain_ways_end(struct kunit_suite *suite);

#endif

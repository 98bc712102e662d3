/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Turning off what iommufd does by itself because it is faster. Suites that run
 * both ways show that the result is the same.
 */
#ifndef __IOMMUFD_TESTS_PLAIN_WAYS_H
#define __IOMMUFD_TESTS_PLAIN_WAYS_H

#include <kunit/test.h>
#include <linux/types.h>

struct static_key_true;

void plain_ways_set(struct static_key_true *key, bool on);
int plain_ways_begin(struct kunit_suite *suite);
void plain_ways_end(struct kunit_suite *suite);

/**
 * TEST_BOTH_WAYS() - Define a suite, and one that does the same in the plain way
 * @subject: what the names of the suites are made of
 *
 * The cases follow. KUnit notes in each what came out, so each suite has its own.
 */
#define TEST_BOTH_WAYS(subject, ...)					\
	static struct kunit_case subject##_cases[] = {			\
		__VA_ARGS__, {}						\
	};								\
	static struct kunit_case subject##_plain_cases[] = {		\
		__VA_ARGS__, {}						\
	};								\
	static struct kunit_suite subject##_suite = {			\
		.name = "iommufd_" #subject,				\
		.test_cases = subject##_cases,				\
	};								\
	static struct kunit_suite subject##_plain_suite = {		\
		.name = "iommufd_" #subject "_plain",			\
		.suite_init = plain_ways_begin,				\
		.suite_exit = plain_ways_end,				\
		.test_cases = subject##_plain_cases,			\
	};								\
	kunit_test_suites(&subject##_suite, &subject##_plain_suite)

#endif

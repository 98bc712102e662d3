/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * As much of KUnit as the tests of the pure parts use. What is here means the
 * same as in the kernel.
 */
#ifndef __TEST_KUNIT_TEST_H
#define __TEST_KUNIT_TEST_H

#include <linux/gfp.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/stringify.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define KUNIT_PARAM_DESC_SIZE 128

struct kunit {
	const void *param_value;
	bool failed;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);
};

struct kunit_suite {
	const char *name;
	struct kunit_case *test_cases;
	struct kunit_suite *next;
};

#define KUNIT_CASE(test_name) { .run_case = test_name, .name = #test_name }
#define KUNIT_CASE_PARAM(test_name, gen_params)                               \
	{ .run_case = test_name, .name = #test_name,                          \
	  .generate_params = gen_params }

/* What the case gets as parameters: one element of an array after the other */
#define KUNIT_ARRAY_PARAM_DESC(name, array, member)                           \
	static const void *name##_gen_params(const void *prev, char *desc)    \
	{                                                                     \
		return test_next_param(prev, desc, array, ARRAY_SIZE(array),  \
				       sizeof(*(array)),                      \
				       offsetof(typeof(*(array)), member));   \
	}

const void *test_next_param(const void *prev, char *desc, const void *array,
			    size_t n, size_t size, size_t name_offset);
void test_register_suite(struct kunit_suite *suite);

#define kunit_test_suite(suite)                                               \
	static void __attribute__((constructor)) register_##suite(void)       \
	{                                                                     \
		test_register_suite(&(suite));                                \
	}

void *kunit_kcalloc(struct kunit *test, size_t n, size_t size, gfp_t gfp);

static inline void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	return kunit_kcalloc(test, 1, size, gfp);
}

void __printf(1, 2) test_comment(const char *format, ...);
void test_fail(struct kunit *test, bool stop, const char *where,
	       const char *what, unsigned long long left,
	       unsigned long long right);

#define kunit_info(test, ...)                                                 \
	((void)(test), test_comment(__VA_ARGS__))

#define TEST_WHERE __FILE__ ":" __stringify(__LINE__)

#define TEST_COMPARE(test, stop, left, op, right)                             \
	do {                                                                  \
		typeof(left) __left = (left);                                 \
		typeof(right) __right = (right);                              \
									      \
		if (__left op __right)                                        \
			break;                                                \
		test_fail(test, stop, TEST_WHERE, #left " " #op " " #right,   \
			  (unsigned long long)__left,                         \
			  (unsigned long long)__right);                       \
	} while (0)

#define TEST_POINTER(pointer) ((unsigned long)(pointer))

#define KUNIT_EXPECT_EQ(test, left, right)                                    \
	TEST_COMPARE(test, false, left, ==, right)
#define KUNIT_EXPECT_LE(test, left, right)                                    \
	TEST_COMPARE(test, false, left, <=, right)
#define KUNIT_EXPECT_TRUE(test, condition)                                    \
	TEST_COMPARE(test, false, !!(condition), ==, true)
#define KUNIT_EXPECT_FALSE(test, condition)                                   \
	TEST_COMPARE(test, false, !!(condition), ==, false)
#define KUNIT_EXPECT_PTR_EQ(test, left, right)                                \
	TEST_COMPARE(test, false, TEST_POINTER(left), ==, TEST_POINTER(right))

#define KUNIT_ASSERT_EQ(test, left, right)                                    \
	TEST_COMPARE(test, true, left, ==, right)
#define KUNIT_ASSERT_LE(test, left, right)                                    \
	TEST_COMPARE(test, true, left, <=, right)
#define KUNIT_ASSERT_TRUE(test, condition)                                    \
	TEST_COMPARE(test, true, !!(condition), ==, true)
#define KUNIT_ASSERT_FALSE(test, condition)                                   \
	TEST_COMPARE(test, true, !!(condition), ==, false)
#define KUNIT_ASSERT_PTR_EQ(test, left, right)                                \
	TEST_COMPARE(test, true, TEST_POINTER(left), ==, TEST_POINTER(right))
#define KUNIT_ASSERT_NOT_NULL(test, pointer)                                  \
	TEST_COMPARE(test, true, TEST_POINTER(pointer), !=, 0UL)
#define KUNIT_ASSERT_NULL(test, pointer)                                      \
	TEST_COMPARE(test, true, TEST_POINTER(pointer), ==, 0UL)

#endif

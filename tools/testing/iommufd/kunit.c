// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Runs KUnit suites in user space and reports in TAP.
 *
 * usage: pure [seed]
 */
#include <kunit/test.h>
#include <linux/bug.h>
#include <linux/slab.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "tests/test_random.h"

/* More is never needed; keeps an endless list of the same failure off the log */
#define FAILURES_SHOWN 20

struct test_memory {
	struct test_memory *next;
	unsigned long long data[];
};

static struct kunit_suite *suites;
static struct test_memory *memory;
static struct kunit *current_test;
static jmp_buf stopped;
static unsigned long seed;
static unsigned int nfailures, ntests, nfailed;

unsigned long test_seed(void)
{
	return seed;
}

void test_register_suite(struct kunit_suite *suite)
{
	suite->next = suites;
	suites = suite;
}

void test_comment(const char *format, ...)
{
	va_list args;

	printf("    # ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

void test_fail(struct kunit *test, bool stop, const char *where,
	       const char *what, unsigned long long left,
	       unsigned long long right)
{
	test->failed = true;
	if (nfailures++ < FAILURES_SHOWN)
		test_comment("%s: %s: %#llx, %#llx", where, what, left, right);
	if (stop)
		longjmp(stopped, 1);
}

bool test_warn(bool condition, const char *where, const char *what)
{
	if (condition)
		test_fail(current_test, false, where, what, 1, 0);
	return condition;
}

const void *test_next_param(const void *prev, char *desc, const void *array,
			    size_t n, size_t size, size_t name_offset)
{
	const char *next = prev ? prev + size : array;

	if (next == (const char *)array + n * size)
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s",
		 *(const char *const *)(next + name_offset));
	return next;
}

void *kunit_kcalloc(struct kunit *test, size_t n, size_t size, gfp_t gfp)
{
	struct test_memory *piece = calloc(1, sizeof(*piece) + n * size);

	if (!piece)
		abort();
	piece->next = memory;
	memory = piece;
	return piece->data;
}

static void free_memory(void)
{
	struct test_memory *piece;

	while ((piece = memory)) {
		memory = piece->next;
		free(piece);
	}
}

static void run(const struct kunit_suite *suite, const struct kunit_case *one,
		const void *param, const char *desc)
{
	struct kunit test = { .param_value = param };

	current_test = &test;
	if (!setjmp(stopped))
		one->run_case(&test);
	test_slab_fail_from(SIZE_MAX);
	free_memory();
	if (!test.failed && test_slab_in_use())
		test_fail(&test, false, suite->name, "memory in use",
			  test_slab_in_use(), 0);

	nfailed += test.failed;
	printf("%s %u - %s.%s%s%s\n", test.failed ? "not ok" : "ok", ++ntests,
	       suite->name, one->name, *desc ? " " : "", desc);
}

static void run_case(const struct kunit_suite *suite,
		     const struct kunit_case *one)
{
	char desc[KUNIT_PARAM_DESC_SIZE] = "";
	const void *param = NULL;

	if (!one->generate_params) {
		run(suite, one, NULL, desc);
		return;
	}
	while ((param = one->generate_params(param, desc)))
		run(suite, one, param, desc);
}

int main(int argc, char **argv)
{
	const struct kunit_suite *suite;
	const struct kunit_case *one;
	char *end = NULL;

	errno = 0;
	seed = strtoul(argc > 1 ? argv[1] : "1", &end, 0);
	if (argc > 2 || errno || *end) {
		fprintf(stderr, "usage: %s [seed]\n", argv[0]);
		return 2;
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n# seed %lu\n", seed);
	for (suite = suites; suite; suite = suite->next)
		for (one = suite->test_cases; one->run_case; one++)
			run_case(suite, one);
	printf("1..%u\n# %u passed, %u failed\n", ntests, ntests - nfailed,
	       nfailed);
	return nfailed != 0;
}

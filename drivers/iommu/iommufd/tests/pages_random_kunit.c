// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs and reading them back, step by step at random.
 */
#include <kunit/test.h>
#include <linux/mm.h>

#include "pages/iopt_types.h"
#include "pages_subject.h"
#include "plain_ways.h"
#include "test_random.h"

struct random_config {
	const char *name;
	struct subject_config subject;
	unsigned int steps;
};

static const struct random_config random_configs[] = {
	{ "anonymous", { .npages = 12, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE }, 600 },
	{ "process", { .npages = 5, .mode = PIN_ACCOUNT_MM,
	  .pgsize_bitmap = PAGE_SIZE / 2 | PAGE_SIZE }, 400 },
	{ "contiguous", { .npages = 40, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | PAGE_SIZE * 4 | PAGE_SIZE * 16,
	  .layout = USER_MEMORY_BLOCKS }, 300 },
	{ "scattered", { .npages = 80, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE, .layout = USER_MEMORY_REVERSED }, 200 },
	{ "large", { .npages = 1300, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | USER_MEMORY_BLOCK_PAGES * PAGE_SIZE,
	  .layout = USER_MEMORY_BLOCKS }, 80 },
	{ "large, shifted", { .npages = 1300, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | USER_MEMORY_BLOCK_PAGES * PAGE_SIZE,
	  .layout = USER_MEMORY_SHIFTED }, 80 },
};

KUNIT_ARRAY_PARAM_DESC(random_configs, random_configs, name);

static bool area_accessed(const struct subject *subject, unsigned int area)
{
	unsigned int i;

	for (i = 0; i < SUBJECT_ACCESSES; i++)
		if (subject->accesses[i].area &&
		    subject->accesses[i].area == subject->areas[area])
			return true;
	return false;
}

static void random_range(struct test_random *random, unsigned long *start,
			 unsigned long *last)
{
	unsigned long first = *start, n = *last - first + 1;

	*start = first + test_random_below(random, n);
	*last = first + test_random_below(random, n);
	if (*start > *last)
		swap(*start, *last);
}

static int random_area(struct subject *subject, struct test_random *random)
{
	unsigned int area = test_random_below(random, SUBJECT_AREAS);
	unsigned long start = 0, last = subject->config.npages - 1;

	if (subject->areas[area]) {
		if (!area_accessed(subject, area))
			subject_remove_area(subject, area);
		return 0;
	}
	random_range(random, &start, &last);
	return subject_add_area(subject, area,
				test_random_below(random, SUBJECT_IOPTS), start,
				last);
}

static int random_access(struct subject *subject, struct test_random *random)
{
	unsigned int access = test_random_below(random, SUBJECT_ACCESSES);
	unsigned int area = test_random_below(random, SUBJECT_AREAS);
	unsigned long start, last;

	if (subject->accesses[access].area) {
		subject_unaccess(subject, access);
		return 0;
	}
	if (!subject->areas[area])
		return 0;
	start = iopt_area_first(subject->areas[area]);
	last = iopt_area_last(subject->areas[area]);
	random_range(random, &start, &last);
	return subject_access(subject, access, area, start, last);
}

static int random_domain(struct subject *subject, struct test_random *random)
{
	unsigned int domain = test_random_below(random, SUBJECT_DOMAINS);

	if (!subject->domains[domain].joined)
		return subject_join(subject, domain);
	subject_leave(subject, domain);
	return 0;
}

static int random_step(struct subject *subject, struct test_random *random)
{
	unsigned long start = 0, last = subject->config.npages - 1;

	switch (test_random_below(random, 8)) {
	case 0 ... 2:
		return random_area(subject, random);
	case 3 ... 4:
		return random_access(subject, random);
	case 5 ... 6:
		return random_domain(subject, random);
	default:
		random_range(random, &start, &last);
		subject_read(subject, start, last);
		return 0;
	}
}

static void random_operations(struct kunit *test)
{
	const struct random_config *config = test->param_value;
	struct subject *subject = subject_new(test, &config->subject);
	struct test_random random = { .state = test_seed() };
	unsigned int step, failures = 0;
	int rc;

	kunit_info(test, "seed %lu", test_seed());
	for (step = 0; step < config->steps; step++) {
		if (test_random_chance(&random, 2))
			subject_fail_map(subject,
					 test_random_below(&random, 8));
		rc = random_step(subject, &random);
		if (rc)
			KUNIT_ASSERT_EQ(test, rc, -ENOMEM);
		failures += !!rc;
		subject_fail_map(subject, MEMORY_DOMAIN_NEVER);
		subject_check(subject);
	}
	kunit_info(test, "%u steps failed as they should", failures);
	KUNIT_EXPECT_GT(test, failures, 0);
	subject_end(subject);
}

TEST_BOTH_WAYS(pages_random,
	       KUNIT_CASE_PARAM(random_operations, random_configs_gen_params));

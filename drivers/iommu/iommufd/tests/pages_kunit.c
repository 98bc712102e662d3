// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs in domains and in accesses, and reading them back, with real
 * user memory. After each step everything is compared with a model.
 */
#include <kunit/test.h>
#include <linux/kconfig.h>
#include <linux/mm.h>
#include <linux/refcount.h>

#include "pages/iopt_fill.h"
#include "pages/iopt_types.h"
#include "pages/pages.h"
#include "pages/pages_access.h"
#include "pages_subject.h"
#include "pin/pin.h"
#include "pin/pin_user.h"
#include "plain_ways.h"
#include "user_memory.h"

/* Enough for two ranges to lie in each of the 13 ways to each other */
#define POSITIONS 3

/* The domains of the first io_pagetable */
static const unsigned int members[] = { 0, 2, 4 };

static const struct subject_config configs[] = {
	{ .name = "user", .npages = 8, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE },
	{ .name = "process", .npages = 8, .mode = PIN_ACCOUNT_MM,
	  .pgsize_bitmap = PAGE_SIZE },
	{ .name = "no account, half pages", .npages = 8,
	  .mode = PIN_ACCOUNT_NONE, .pgsize_bitmap = PAGE_SIZE / 2 },
	{ .name = "contiguous", .npages = 8, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | PAGE_SIZE * 2 | PAGE_SIZE * 4,
	  .layout = USER_MEMORY_BLOCKS },
	{ .name = "scattered", .npages = 8, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | PAGE_SIZE * 2,
	  .layout = USER_MEMORY_REVERSED },
};

KUNIT_ARRAY_PARAM_DESC(configs, configs, name);

/* For what tries many combinations: the accounts make no difference there. */
static const struct subject_config position_configs[] = {
	{ .name = "half pages", .npages = POSITIONS, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE / 2 },
	{ .name = "contiguous", .npages = POSITIONS, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | PAGE_SIZE * 2,
	  .layout = USER_MEMORY_BLOCKS },
};

KUNIT_ARRAY_PARAM_DESC(position_configs, position_configs, name);

/* Number @code of the ranges within @n pages; false if there is none */
static bool nth_range(unsigned int code, unsigned int n, unsigned long *start,
		      unsigned long *last)
{
	*start = code / n;
	*last = code % n;
	return *start <= *last;
}

/*
 * One storage begins before or after the other, and ends before or after it.
 * The access goes through another area that has no domain.
 */
static void domain_and_access(struct subject *subject, unsigned int order,
			      const unsigned long *range)
{
	if (order & 1) {
		KUNIT_ASSERT_EQ(subject->test, 0,
				subject_access(subject, 0, 5, range[2],
					       range[3]));
		subject_check(subject);
	}
	KUNIT_ASSERT_EQ(subject->test, 0,
			subject_add_area(subject, 0, 0, range[0], range[1]));
	subject_check(subject);
	if (!(order & 1)) {
		KUNIT_ASSERT_EQ(subject->test, 0,
				subject_access(subject, 0, 5, range[2],
					       range[3]));
		subject_check(subject);
	}
	subject_read(subject, 0, POSITIONS - 1);
	subject_check(subject);
	if (order & 2)
		subject_unaccess(subject, 0);
	else
		subject_remove_area(subject, 0);
	subject_check(subject);
	subject_unaccess(subject, 0);
	subject_remove_area(subject, 0);
	subject_check(subject);
}

static void domain_and_access_positions(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	unsigned int code, other, order;
	unsigned long range[4];

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0,
			subject_add_area(subject, 5, 1, 0, POSITIONS - 1));
	for (code = 0; code < POSITIONS * POSITIONS; code++) {
		if (!nth_range(code, POSITIONS, &range[0], &range[1]))
			continue;
		for (other = 0; other < POSITIONS * POSITIONS; other++) {
			if (!nth_range(other, POSITIONS, &range[2], &range[3]))
				continue;
			for (order = 0; order < 4; order++)
				domain_and_access(subject, order, range);
		}
	}
	subject_end(subject);
}

/* Two areas of one io_pagetable or of two, over pages that may be the same. */
static void two_areas(struct subject *subject, unsigned int order,
		      const unsigned long *range)
{
	unsigned int iopt = order & 1;
	unsigned int first = order >> 1 & 1;

	KUNIT_ASSERT_EQ(subject->test, 0,
			subject_add_area(subject, 0, 0, range[0], range[1]));
	KUNIT_ASSERT_EQ(subject->test, 0,
			subject_add_area(subject, 1, iopt, range[2],
					 range[3]));
	subject_check(subject);
	subject_read(subject, 0, POSITIONS - 1);
	subject_remove_area(subject, first);
	subject_check(subject);
	subject_remove_area(subject, !first);
	subject_check(subject);
}

static void two_areas_positions(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	unsigned int code, other, order;
	unsigned long range[4];

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 1));
	for (code = 0; code < POSITIONS * POSITIONS; code++) {
		if (!nth_range(code, POSITIONS, &range[0], &range[1]))
			continue;
		for (other = 0; other < POSITIONS * POSITIONS; other++) {
			if (!nth_range(other, POSITIONS, &range[2], &range[3]))
				continue;
			for (order = 0; order < 4; order++)
				two_areas(subject, order, range);
		}
	}
	subject_end(subject);
}

/* Hazard: the domain that stores the PFNs leaves before the others. */
static void domains_leave_in_order(struct subject *subject, unsigned int order)
{
	unsigned int first = order % 3;
	unsigned int second = (first + 1 + order / 3) % 3;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		KUNIT_ASSERT_EQ(subject->test, 0,
				subject_join(subject, members[i]));
		subject_check(subject);
	}
	subject_leave(subject, members[first]);
	subject_check(subject);
	subject_leave(subject, members[second]);
	subject_check(subject);
	subject_leave(subject, members[3 - first - second]);
	subject_check(subject);
}

static void storage_moves_on(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	unsigned int order;

	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, 5));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 1, 0, 3, 7));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 2, 1, 2, 4));
	for (order = 0; order < 6; order++)
		domains_leave_in_order(subject, order);

	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 1, 3));
	for (order = 0; order < 6; order++)
		domains_leave_in_order(subject, order);

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 1));
	for (order = 0; order < 6; order++)
		domains_leave_in_order(subject, order);
	subject_end(subject);
}

/* Hazard: of several areas, one cannot be filled. Nothing may stay behind. */
static void join_fails_anywhere(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	struct memory_domain *memory = &subject->domains[2].memory;
	unsigned long n = 0;
	int rc, rc_stored;

	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, 4));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 1, 0, 3, 7));
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 1, 2));
	do {
		memory->fail_after = n;
		rc = subject_join(subject, 2);
		if (rc)
			KUNIT_ASSERT_EQ(test, rc, -ENOMEM);
		subject_check(subject);
		subject_leave(subject, 2);

		/* The same with another domain that stores the PFNs. */
		KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
		memory->fail_after = n++;
		rc_stored = subject_join(subject, 2);
		if (rc_stored)
			KUNIT_ASSERT_EQ(test, rc_stored, -ENOMEM);
		subject_check(subject);
		subject_leave(subject, 0);
		subject_check(subject);
		subject_leave(subject, 2);
	} while (rc || rc_stored);
	KUNIT_EXPECT_GT(test, n, 3);
	subject_end(subject);
}

static void map_fails_anywhere(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	unsigned int i;
	int rc;

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 1));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 5, 1, 5, 6));
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 5, 5, 5));
	for (i = 0; i < ARRAY_SIZE(members); i++)
		KUNIT_ASSERT_EQ(test, 0, subject_join(subject, members[i]));

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		struct memory_domain *memory =
			&subject->domains[members[i]].memory;
		unsigned long n = 0;

		do {
			memory->fail_after = n++;
			rc = subject_add_area(subject, 0, 0, 0, 7);
			if (rc)
				KUNIT_ASSERT_EQ(test, rc, -ENOMEM);
			subject_check(subject);
			subject_remove_area(subject, 0);
			subject_check(subject);
		} while (rc);
		memory->fail_after = MEMORY_DOMAIN_NEVER;
		KUNIT_EXPECT_GT(test, n, 2);
	}
	subject_end(subject);
}

/*
 * Hazard 73: pages are unpinned that an IOPTE still shows. A driver like VT-d has
 * written before it fails, and does not say so.
 */
static void h73_no_table_anywhere(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	struct memory_domain *memory = &subject->domains[2].memory;
	unsigned long n = 0;
	int joined, added;

	memory->vtd = true;
	memory->table_bits = 2;
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 1, 0, 3, 7));
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 1, 4, 4));
	do {
		memory->tables_left = n;
		joined = subject_join(subject, 2);
		subject_check(subject);
		memory->tables_left = MEMORY_DOMAIN_NEVER;
		if (joined)
			KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 2));
		memory->tables_left = n++;
		added = subject_add_area(subject, 0, 0, 1, 6);
		subject_check(subject);
		subject_remove_area(subject, 0);
		subject_leave(subject, 2);
		subject_check(subject);
		memory_domain_destroy(memory);
	} while (joined || added);
	KUNIT_EXPECT_GT(test, n, 2);
	subject_end(subject);
}

/* Memory that is only partly there */
static void hole_in_the_memory(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);

	KUNIT_ASSERT_EQ(test, 0,
			vm_munmap(subject->address + 4 * PAGE_SIZE, PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_EXPECT_EQ(test, -EFAULT, subject_add_area(subject, 0, 0, 0, 7));
	subject_check(subject);
	KUNIT_EXPECT_EQ(test, -EFAULT, subject_add_area(subject, 0, 0, 4, 4));
	subject_check(subject);

	/* Without a domain nobody looks at the memory. */
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 1, 0, 7));
	KUNIT_EXPECT_EQ(test, -EFAULT, subject_join(subject, 1));
	subject_check(subject);
	KUNIT_EXPECT_EQ(test, -EFAULT, subject_access(subject, 0, 0, 2, 5));
	subject_check(subject);

	/* Also not half of it, where the other half is stored already. */
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 1, 0, 0, 3));
	KUNIT_EXPECT_EQ(test, -EFAULT, subject_access(subject, 0, 0, 2, 5));
	subject_check(subject);
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 2, 3));
	KUNIT_EXPECT_EQ(test, -EFAULT, subject_join(subject, 1));
	subject_check(subject);
	subject_end(subject);
}

static void write_intent(struct kunit *test)
{
	struct subject_config config = configs[0];
	struct subject *subject;

	config.protected = true;
	subject = subject_new(test, &config);
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_EXPECT_EQ(test, -EFAULT, subject_add_area(subject, 0, 0, 0, 7));
	subject_check(subject);
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 1, 0, 7));
	KUNIT_EXPECT_EQ(test, -EFAULT, subject_access(subject, 0, 0, 0, 7));
	subject_check(subject);
	subject_end(subject);

	config.read_only = true;
	subject = subject_new(test, &config);
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, 7));
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 2, 5));
	subject_check(subject);
	KUNIT_EXPECT_EQ(test, -EPERM,
			iopt_area_add_access(subject->areas[0], 2, 5,
					     subject->out_pages, true));
	subject_check(subject);
	subject_end(subject);
}

static void no_access_to_what_goes_away(struct kunit *test)
{
	struct subject *subject = subject_new(test, &configs[0]);

	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, 7));
	subject->areas[0]->prevent_access = true;
	KUNIT_EXPECT_EQ(test, -EINVAL, subject_access(subject, 0, 0, 2, 5));
	subject_check(subject);
	subject->areas[0]->prevent_access = false;
	KUNIT_EXPECT_EQ(test, 0, subject_access(subject, 0, 0, 2, 5));
	subject_end(subject);
}

/* A page is charged once, and the limit is kept to the page. */
static void limit_is_exact(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	unsigned long used = subject->config.mode == PIN_ACCOUNT_USER ?
			     subject->user_locked_vm : subject->locked_vm;
	int over = subject->config.mode == PIN_ACCOUNT_NONE ? 0 : -ENOMEM;
	unsigned long old = user_memory_limit((used + 3) * PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_EXPECT_EQ(test, over, subject_add_area(subject, 0, 0, 0, 3));
	subject_check(subject);
	subject_remove_area(subject, 0);

	KUNIT_EXPECT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, 2));
	KUNIT_EXPECT_EQ(test, 0, subject_add_area(subject, 1, 0, 1, 2));
	KUNIT_EXPECT_EQ(test, 0, subject_add_area(subject, 2, 1, 0, 7));
	KUNIT_EXPECT_EQ(test, 0, subject_access(subject, 0, 2, 0, 2));
	subject_check(subject);
	KUNIT_EXPECT_EQ(test, over, subject_access(subject, 1, 2, 2, 3));
	KUNIT_EXPECT_EQ(test, over, subject_join(subject, 1));
	subject_check(subject);
	subject_end(subject);
	user_memory_limit(old);
}

struct bytes {
	const char *name;
	unsigned long iova;
	unsigned long start;
	unsigned long length;
};

#define HALF (PAGE_SIZE / 2)

/* With IOMMU pages of half a page an area begins and ends within a page. */
static const struct bytes bytes[] = {
	{ "second half of a page", HALF, HALF, HALF },
	{ "first half of a page", PAGE_SIZE, 0, HALF },
	{ "half of a page at another offset", PAGE_SIZE, HALF, HALF },
	{ "across a page border", HALF, HALF, PAGE_SIZE },
	{ "across a page border at another offset", PAGE_SIZE, HALF,
	  PAGE_SIZE },
	{ "whole pages at another offset", HALF, PAGE_SIZE, 3 * PAGE_SIZE },
	{ "from half to half", HALF, HALF, 6 * PAGE_SIZE },
	{ "bottom of the IOVA space", 0, HALF, 5 * PAGE_SIZE + HALF },
	{ "top of the IOVA space", -(5 * PAGE_SIZE + HALF), HALF,
	  5 * PAGE_SIZE + HALF },
	{ "last half page", -HALF, HALF, HALF },
};

KUNIT_ARRAY_PARAM_DESC(bytes, bytes, name);

static void parts_of_pages(struct kunit *test)
{
	const struct bytes *part = test->param_value;
	struct subject_config config = {
		.npages = 8,
		.mode = PIN_ACCOUNT_USER,
		.pgsize_bitmap = HALF | PAGE_SIZE,
	};
	unsigned long first = part->start / PAGE_SIZE;
	unsigned long last = (part->start + part->length - 1) / PAGE_SIZE;
	struct subject *subject = subject_new(test, &config);

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0,
			subject_add_bytes(subject, 0, 0, part->iova,
					  part->start, part->length));
	subject_check(subject);
	subject_read(subject, 0, 7);
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, first, last));
	subject_check(subject);
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 2));
	subject_check(subject);
	subject_leave(subject, 0);
	subject_check(subject);
	subject_unaccess(subject, 0);
	subject_check(subject);
	subject_leave(subject, 2);
	subject_check(subject);
	subject_end(subject);
}

/* Store some of it both ways, and let go. */
static void use_once(struct subject *subject)
{
	KUNIT_ASSERT_EQ(subject->test, 0, subject_add_area(subject, 0, 0, 1, 6));
	KUNIT_ASSERT_EQ(subject->test, 0, subject_access(subject, 0, 0, 2, 3));
	subject_check(subject);
	subject_unaccess(subject, 0);
	subject_remove_area(subject, 0);
	subject_check(subject);
}

/* What described memory once can describe other memory, as if it were new. */
static void structure_is_used_again(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	struct iopt_pages *first = subject->pages, *spare;
	struct iopt_pages_unused unused = {};
	struct pin_origin origin;

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	use_once(subject);
	iopt_pages_put_later(first, &unused);
	KUNIT_ASSERT_EQ(test, 1U, unused.count);
	spare = unused.pages[0];
	KUNIT_EXPECT_PTR_EQ(test, first, spare);

	pin_user_origin(&origin, subject_owner(subject, &subject->account),
			subject->address, true);
	subject->pages = iopt_pages_alloc(&origin, subject->config.npages,
					  &spare);
	KUNIT_ASSERT_PTR_EQ(test, first, subject->pages);
	KUNIT_EXPECT_NULL(test, spare);
	use_once(subject);
	subject_end(subject);
}

/* More than are freed at once, and one that is kept if there is none yet. */
static void structures_are_freed_together(struct kunit *test)
{
	struct subject *subject = subject_new(test, &configs[0]);
	refcount_t *refs = &subject->pages->origin.owner->refs;
	unsigned int before = refcount_read(refs), i;
	struct iopt_pages_unused unused = {};
	struct iopt_pages *spare = NULL, *kept;

	for (i = 0; i < PAGES_UNUSED + 3; i++) {
		struct iopt_pages *pages = subject_alloc_pages(subject, 0, 1);

		iopt_pages_get(pages);
		iopt_pages_put_later(pages, &unused);
		KUNIT_ASSERT_EQ(test, before + 1, refcount_read(refs));
		iopt_pages_put_later(pages, &unused);
		KUNIT_ASSERT_EQ(test, before, refcount_read(refs));
	}
	KUNIT_EXPECT_EQ(test, 3U, unused.count);
	iopt_pages_keep_spare(&unused, &spare);
	kept = spare;
	iopt_pages_keep_spare(&unused, &spare);
	KUNIT_EXPECT_PTR_EQ(test, kept, spare);
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_KASAN), !kept);
	KUNIT_EXPECT_EQ(test, kept ? 2U : 3U, unused.count);
	iopt_pages_free_unused(&unused);
	iopt_pages_free_unused(&unused);
	KUNIT_EXPECT_EQ(test, 0U, unused.count);
	iopt_pages_keep_spare(&unused, &spare);
	iopt_pages_free_spare(&spare);
	iopt_pages_free_spare(&spare);
	KUNIT_EXPECT_NULL(test, spare);
	subject_end(subject);
}

TEST_BOTH_WAYS(pages,
	       KUNIT_CASE_PARAM(storage_moves_on, configs_gen_params),
	       KUNIT_CASE_PARAM(join_fails_anywhere, configs_gen_params),
	       KUNIT_CASE_PARAM(map_fails_anywhere, configs_gen_params),
	       KUNIT_CASE_PARAM(h73_no_table_anywhere, configs_gen_params),
	       KUNIT_CASE_PARAM(hole_in_the_memory, configs_gen_params),
	       KUNIT_CASE_PARAM(limit_is_exact, configs_gen_params),
	       KUNIT_CASE(write_intent),
	       KUNIT_CASE(no_access_to_what_goes_away),
	       KUNIT_CASE_PARAM(structure_is_used_again, configs_gen_params),
	       KUNIT_CASE(structures_are_freed_together),
	       KUNIT_CASE_PARAM(parts_of_pages, bytes_gen_params));

/* These take long, and are all the same to those who map and pin. */
static struct kunit_case positions_cases[] = {
	KUNIT_CASE_PARAM(domain_and_access_positions,
			 position_configs_gen_params),
	KUNIT_CASE_PARAM(two_areas_positions,
			 position_configs_gen_params),
	{}
};

static struct kunit_suite positions_suite = {
	.name = "iommufd_pages_positions",
	.test_cases = positions_cases,
};

kunit_test_suite(positions_suite);

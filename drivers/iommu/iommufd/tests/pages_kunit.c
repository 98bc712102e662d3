// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs in domains and in the xarray, and reading them back, with real
 * user memory. After each step everything is compared with a model.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "lib/pfn_batch.h"
#include "pages/iopt_fill.h"
#include "pages/iopt_types.h"
#include "pages/pages.h"
#include "pages/pages_access.h"
#include "pages/pfn_domain.h"
#include "pages_subject.h"

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

static unsigned long set_memlock(unsigned long npages)
{
	struct rlimit *limit = current->signal->rlim + RLIMIT_MEMLOCK;
	unsigned long old;

	task_lock(current->group_leader);
	old = limit->rlim_cur;
	limit->rlim_cur = npages << PAGE_SHIFT;
	task_unlock(current->group_leader);
	return old >> PAGE_SHIFT;
}

/* A page is charged once, and the limit is kept to the page. */
static void limit_is_exact(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	unsigned long used = subject->config.mode == PIN_ACCOUNT_USER ?
			     subject->user_locked_vm : subject->locked_vm;
	int over = subject->config.mode == PIN_ACCOUNT_NONE ? 0 : -ENOMEM;
	unsigned long old = set_memlock(used + 3);

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
	set_memlock(old);
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

static const struct subject_config large_configs[] = {
	{ .name = "aligned", .npages = 3 * USER_MEMORY_BLOCK_PAGES,
	  .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | USER_MEMORY_BLOCK_PAGES * PAGE_SIZE,
	  .layout = USER_MEMORY_BLOCKS },
	{ .name = "shifted", .npages = 3 * USER_MEMORY_BLOCK_PAGES,
	  .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | USER_MEMORY_BLOCK_PAGES * PAGE_SIZE,
	  .layout = USER_MEMORY_SHIFTED },
};

KUNIT_ARRAY_PARAM_DESC(large_configs, large_configs, name);

/* Physical runs stay whole: the IOMMU can use the pages that it has. */
static void large_iommu_pages(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	struct memory_domain *memory = &subject->domains[0].memory;
	unsigned long last = subject->config.npages - 1;

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, last));
	memory->lookups = 0;
	subject_read(subject, 0, last);
	/* Where a run is known nobody asks page by page. */
	if (subject->config.layout == USER_MEMORY_BLOCKS)
		KUNIT_EXPECT_EQ(test, memory->lookups, 3);
	KUNIT_EXPECT_EQ(test, memory->most_bytes,
			USER_MEMORY_BLOCK_PAGES * PAGE_SIZE);
	subject_check(subject);
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 1, 1, 100, 1000));
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 1, 300, 700));
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 2));
	subject_check(subject);
	subject_leave(subject, 0);
	subject_check(subject);
	subject_remove_area(subject, 0);
	subject_check(subject);
	subject_unaccess(subject, 0);
	subject_check(subject);
	subject_end(subject);
}

/*
 * Pinned pages outlive their mapping, and what was known about the physical
 * memory does not outlive the pin.
 */
static void memory_is_replaced(struct kunit *test)
{
	struct subject_config config = {
		.npages = 2 * USER_MEMORY_BLOCK_PAGES,
		.mode = PIN_ACCOUNT_MM,
		.pgsize_bitmap = PAGE_SIZE,
		.layout = USER_MEMORY_BLOCKS,
	};
	struct subject *subject = subject_new(test, &config);
	unsigned long last = config.npages - 1;

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, last));
	subject_replace_memory(subject, USER_MEMORY_REVERSED);
	subject_check(subject);
	subject_read(subject, 0, last);
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 700, 800));
	subject_leave(subject, 0);
	subject_check(subject);

	/* Only the access keeps old pages. */
	subject_replace_memory(subject, USER_MEMORY_REVERSED);
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	subject_check(subject);
	subject_unaccess(subject, 0);
	subject_read(subject, 0, last);
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 0, last));
	subject_check(subject);
	subject_unaccess(subject, 0);
	subject_leave(subject, 0);
	subject_check(subject);
	subject_end(subject);
}

/* More runs than the largest batch has room for */
static void more_runs_than_a_batch(struct kunit *test)
{
	struct subject_config config = {
		.npages = 9 * USER_MEMORY_BLOCK_PAGES,
		.mode = PIN_ACCOUNT_NONE,
		.pgsize_bitmap = PAGE_SIZE,
		.layout = USER_MEMORY_REVERSED,
	};
	struct subject *subject = subject_new(test, &config);
	unsigned long top = config.npages - 1;

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, top));
	subject_check(subject);
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 50, top - 50));
	subject_check(subject);
	subject_leave(subject, 0);
	subject_check(subject);
	subject_read(subject, 0, top);
	subject_fail_map(subject, 4500);
	KUNIT_EXPECT_EQ(test, -ENOMEM, subject_join(subject, 0));
	subject_check(subject);
	subject_end(subject);
}

/*
 * Runs without memory behind them, in page tables of every kind, by drivers that
 * are slow or fail
 */

#define MAX_RUNS 48
#define BLOCK USER_MEMORY_BLOCK_PAGES

struct run_case {
	const char *name;
	unsigned int nruns;
	unsigned long npages[MAX_RUNS];
};

/* Where no lengths are given each run is one page. */
static const struct run_case run_cases[] = {
	{ "one page", 1 },
	{ "single pages", 40 },
	{ "one short of a block", 1, { BLOCK - 1 } },
	{ "a block", 1, { BLOCK } },
	{ "one more than a block", 1, { BLOCK + 1 } },
	{ "two blocks", 2, { BLOCK, BLOCK } },
	{ "mixed", 8, { 1, 7, BLOCK - 1, 2, 1, 1, BLOCK + 1, 3 } },
};

KUNIT_ARRAY_PARAM_DESC(run_cases, run_cases, name);

static const unsigned long page_tables[] = {
	PAGE_SIZE,
	PAGE_SIZE | BLOCK * PAGE_SIZE,
	PAGE_SIZE / 2 | PAGE_SIZE,
	PAGE_SIZE / 2,
	PAGE_SIZE | PAGE_SIZE * 2 | PAGE_SIZE * 4,
	PAGE_SIZE / 2 | PAGE_SIZE | BLOCK * PAGE_SIZE,
};

/**
 * struct odd_driver - What a driver may do, and must not
 * @ops: of its page table
 * @real: what does the work
 * @calls: how often it was asked to map
 * @fail_call: the call that fails, 0 for none
 * @syncs: how often it was asked to make IOPTEs known
 * @fail_sync: the one that fails, 0 for none
 * @some: that call first does half of what it is asked
 * @most: IOPTEs that any call writes
 * @asked: the most bytes in pages of PAGE_SIZE that a call was to map
 */
struct odd_driver {
	struct iommu_domain_ops ops;
	const struct iommu_domain_ops *real;
	unsigned long calls;
	unsigned long fail_call;
	unsigned long syncs;
	unsigned long fail_sync;
	bool some;
	size_t most;
	unsigned long asked;
};

static struct odd_driver *to_odd(struct iommu_domain *domain)
{
	return container_of(domain->ops, struct odd_driver, ops);
}

static int odd_map(struct iommu_domain *domain, unsigned long iova,
		   phys_addr_t phys, size_t pgsize, size_t count, int prot,
		   gfp_t gfp, size_t *mapped)
{
	struct odd_driver *driver = to_odd(domain);
	bool fail = ++driver->calls == driver->fail_call;
	int rc = 0;

	if (pgsize == PAGE_SIZE)
		driver->asked = max(driver->asked, count * PAGE_SIZE);
	count = min(count, driver->most);
	if (fail)
		count = driver->some ? count / 2 : 0;
	if (count)
		rc = driver->real->map_pages(domain, iova, phys, pgsize, count,
					     prot, gfp, mapped);
	return fail ? -ENOMEM : rc;
}

static int odd_sync_map(struct iommu_domain *domain, unsigned long iova,
			size_t size)
{
	struct odd_driver *driver = to_odd(domain);

	return ++driver->syncs == driver->fail_sync ? -EIO : 0;
}

/**
 * struct mapping - Runs on their way into a page table
 * @test: whom to tell
 * @memory: the page table
 * @driver: of @memory
 * @runs: what to map
 * @window: where
 * @round: number of windows so far
 */
struct mapping {
	struct kunit *test;
	struct memory_domain memory;
	struct odd_driver driver;
	struct pfn_run runs[MAX_RUNS];
	struct pfn_window window;
	unsigned int round;
};

static void mapping_init(struct mapping *mapping, unsigned long pgsize_bitmap)
{
	struct memory_domain *memory = &mapping->memory;

	memory_domain_init(memory, pgsize_bitmap);
	mapping->driver = (struct odd_driver){
		.ops = *memory->domain.ops,
		.real = memory->domain.ops,
		.most = SIZE_MAX,
	};
	mapping->driver.ops.map_pages = odd_map;
	mapping->driver.ops.iotlb_sync_map = odd_sync_map;
	memory->domain.ops = &mapping->driver.ops;
}

/* Large IOPTEs fit if @skew is 0. */
static void mapping_fill(struct mapping *mapping, const struct run_case *runs,
			 unsigned long skew)
{
	unsigned long index = mapping->window.iova / PAGE_SIZE;
	unsigned long first = index;
	unsigned int i;

	for (i = 0; i < runs->nruns; i++) {
		mapping->runs[i] = (struct pfn_run){
			.pfn = (i + 16) * 0x10000UL + index + skew,
			.npages = runs->npages[i] ?: 1,
		};
		index += mapping->runs[i].npages;
	}
	mapping->window.length = (index - first) * PAGE_SIZE;
}

/* The physical address of a byte of the window, and how long its run goes on. */
static phys_addr_t mapping_phys(const struct mapping *mapping,
				unsigned long byte, unsigned long *left)
{
	const struct pfn_window *window = &mapping->window;
	const struct pfn_run *run = mapping->runs;
	unsigned long at = byte + window->offset;

	for (; at >= run->npages * PAGE_SIZE; run++)
		at -= run->npages * PAGE_SIZE;
	*left = min(run->npages * PAGE_SIZE - at, window->length - byte);
	return PFN_PHYS(run->pfn) + at;
}

/* The largest page that the driver has and that fits at some place. */
static unsigned long largest_page(const struct mapping *mapping)
{
	unsigned long step = 1UL << mapping->memory.shift;
	unsigned long best = 0, byte, left, bits;
	unsigned int bit;

	for (byte = 0; byte < mapping->window.length; byte += step) {
		unsigned long address = mapping_phys(mapping, byte, &left) |
					(mapping->window.iova + byte);

		bits = mapping->memory.domain.pgsize_bitmap;
		for_each_set_bit(bit, &bits, BITS_PER_LONG)
			if (IS_ALIGNED(address, BIT(bit)) && BIT(bit) <= left)
				best = max(best, BIT(bit));
	}
	return best;
}

static void check_empty(struct mapping *mapping)
{
	KUNIT_ASSERT_EQ(mapping->test, mapping->memory.nentries, 0);
	KUNIT_ASSERT_EQ(mapping->test, mapping->memory.errors, 0);
}

static void check_mapped(struct mapping *mapping)
{
	const struct pfn_window *window = &mapping->window;
	unsigned long step = 1UL << mapping->memory.shift;
	unsigned long byte, left;

	for (byte = 0; byte < window->length; byte += step)
		if (mapping_phys(mapping, byte, &left) !=
		    memory_domain_lookup(&mapping->memory, window->iova + byte))
			break;
	KUNIT_ASSERT_EQ(mapping->test, byte, window->length);
	KUNIT_ASSERT_EQ(mapping->test, mapping->memory.nentries,
			window->length / step);
	KUNIT_ASSERT_EQ(mapping->test, mapping->memory.errors, 0);
}

static int map_window(struct mapping *mapping)
{
	mapping->driver.calls = 0;
	mapping->driver.syncs = 0;
	return pfn_domain_map(&mapping->memory.domain, mapping->runs,
			      &mapping->window);
}

static void unmap_window(struct mapping *mapping)
{
	const struct pfn_window *window = &mapping->window;

	KUNIT_ASSERT_EQ(mapping->test, window->length,
			pfn_domain_unmap(&mapping->memory.domain, window->iova,
					 window->length));
	check_empty(mapping);
}

static void map_succeeds(struct mapping *mapping)
{
	unsigned long bitmap = mapping->memory.domain.pgsize_bitmap;
	unsigned long larger = bitmap & (PAGE_MASK << 1);

	mapping->memory.most_bytes = 0;
	mapping->driver.asked = 0;
	KUNIT_ASSERT_EQ(mapping->test, 0, map_window(mapping));
	KUNIT_ASSERT_GT(mapping->test, mapping->driver.syncs, 0);
	check_mapped(mapping);
	if (!mapping->window.small_pages) {
		KUNIT_ASSERT_EQ(mapping->test, mapping->memory.most_bytes,
				largest_page(mapping));
	} else {
		KUNIT_ASSERT_LE(mapping->test, mapping->memory.most_bytes,
				PAGE_SIZE);
		/* Not so many at once that a driver could make one of them. */
		if (larger)
			KUNIT_ASSERT_LT(mapping->test, mapping->driver.asked,
					BIT(__ffs(larger)));
	}
	unmap_window(mapping);
}

/* Whichever call it is that fails, nothing is left. */
static void map_fails(struct mapping *mapping, unsigned long *fail, int error)
{
	unsigned long n;
	int rc;

	for (n = 1;; n *= 2) {
		*fail = n;
		rc = map_window(mapping);
		if (!rc)
			break;
		KUNIT_ASSERT_EQ(mapping->test, rc, error);
		check_empty(mapping);
	}
	*fail = 0;
	KUNIT_ASSERT_GT(mapping->test, n, 1);
	check_mapped(mapping);
	unmap_window(mapping);
}

static void map_at_window(struct mapping *mapping)
{
	struct odd_driver *driver = &mapping->driver;

	map_succeeds(mapping);
	/* It takes long for many pages, so few windows do one of these. */
	mapping->round++;
	if (mapping->window.length > 100 * PAGE_SIZE && mapping->round % 5)
		return;
	driver->some = mapping->round & 1;
	/* Few at a time is slow, and not wrong. */
	driver->most = mapping->round & 2 ? 100 : SIZE_MAX;
	if (mapping->round & 4)
		map_fails(mapping, &driver->fail_sync, -EIO);
	else
		map_fails(mapping, &driver->fail_call, -ENOMEM);
	driver->most = SIZE_MAX;
}

/* Begin and end within a page, where the driver has IOPTEs for that. */
static void map_parts(struct mapping *mapping)
{
	struct pfn_window whole = mapping->window;
	unsigned long half = PAGE_SIZE / 2;
	/* It takes long for many pages. */
	unsigned int step = whole.length > 100 * PAGE_SIZE ? 7 : 1;
	unsigned int ends;

	for (ends = 0; ends < 8; ends += step) {
		unsigned long cut = (ends & 1 ? half : 0) +
				    (ends & 2 ? half : 0);

		if (ends && mapping->memory.shift >= PAGE_SHIFT)
			break;
		if (cut >= whole.length)
			continue;
		mapping->window = whole;
		mapping->window.offset = ends & 1 ? half : 0;
		mapping->window.iova += ends & 4 ? half : 0;
		mapping->window.length -= cut;
		map_at_window(mapping);
	}
	mapping->window = whole;
}

static void runs_in_page_tables(struct kunit *test)
{
	struct mapping *mapping = kunit_kzalloc(test, sizeof(*mapping),
						GFP_KERNEL);
	unsigned int i, k;

	KUNIT_ASSERT_NOT_NULL(test, mapping);
	mapping->test = test;
	for (i = 0; i < ARRAY_SIZE(page_tables); i++) {
		mapping_init(mapping, page_tables[i]);
		for (k = 0; k < 4; k++) {
			mapping->window = (struct pfn_window){
				.iova = SZ_1G - (k & 1 ? 5 * PAGE_SIZE :
							 BLOCK * PAGE_SIZE),
				.small_pages = k & 2,
			};
			mapping_fill(mapping, test->param_value, k % 3);
			map_parts(mapping);
		}
		memory_domain_destroy(&mapping->memory);
	}
}

static struct kunit_case pages_cases[] = {
	KUNIT_CASE_PARAM(domain_and_access_positions,
			 position_configs_gen_params),
	KUNIT_CASE_PARAM(two_areas_positions,
			 position_configs_gen_params),
	KUNIT_CASE_PARAM(storage_moves_on, configs_gen_params),
	KUNIT_CASE_PARAM(join_fails_anywhere, configs_gen_params),
	KUNIT_CASE_PARAM(map_fails_anywhere, configs_gen_params),
	KUNIT_CASE_PARAM(h73_no_table_anywhere, configs_gen_params),
	KUNIT_CASE_PARAM(hole_in_the_memory, configs_gen_params),
	KUNIT_CASE_PARAM(limit_is_exact, configs_gen_params),
	KUNIT_CASE(write_intent),
	KUNIT_CASE(no_access_to_what_goes_away),
	KUNIT_CASE_PARAM(parts_of_pages, bytes_gen_params),
	KUNIT_CASE_PARAM(large_iommu_pages, large_configs_gen_params),
	KUNIT_CASE(memory_is_replaced),
	KUNIT_CASE(more_runs_than_a_batch),
	KUNIT_CASE_PARAM(runs_in_page_tables, run_cases_gen_params),
	{}
};

static struct kunit_suite pages_suite = {
	.name = "iommufd_pages",
	.test_cases = pages_cases,
};

kunit_test_suite(pages_suite);

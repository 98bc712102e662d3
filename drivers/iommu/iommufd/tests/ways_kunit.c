// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The same work with direct_iommu and direct_pin on and off: IOPTEs, pins and
 * accounts have to be the same.
 */
#include <kunit/test.h>
#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>

#include "lib/way_switch.h"
#include "pages/iopt_types.h"
#include "pages/pages.h"
#include "pages/pfn_domain.h"
#include "pages_subject.h"
#include "pin/pin_leaf.h"
#include "plain_ways.h"

/* One domain of the first io_pagetable for each way */
#define DIRECT 0
#define PLAIN 2

#define BLOCK USER_MEMORY_BLOCK_PAGES
#define LARGE (BLOCK * PAGE_SIZE)

static const struct subject_config way_configs[] = {
	{ .name = "small pages", .npages = 100, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE },
	{ .name = "scattered, half pages", .npages = 40,
	  .mode = PIN_ACCOUNT_MM, .pgsize_bitmap = PAGE_SIZE / 2 | PAGE_SIZE,
	  .layout = USER_MEMORY_REVERSED },
	{ .name = "blocks, many page sizes", .npages = BLOCK + 100,
	  .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | PAGE_SIZE * 2 | PAGE_SIZE * 16 | LARGE,
	  .layout = USER_MEMORY_BLOCKS },
	{ .name = "blocks, shifted", .npages = 2 * BLOCK,
	  .mode = PIN_ACCOUNT_MM, .pgsize_bitmap = PAGE_SIZE | LARGE,
	  .layout = USER_MEMORY_SHIFTED },
	{ .name = "huge pages, by user", .npages = 2 * BLOCK,
	  .mode = PIN_ACCOUNT_USER, .pgsize_bitmap = PAGE_SIZE | LARGE,
	  .layout = USER_MEMORY_HUGE },
	{ .name = "huge pages, by process", .npages = 2 * BLOCK,
	  .mode = PIN_ACCOUNT_MM, .pgsize_bitmap = PAGE_SIZE,
	  .layout = USER_MEMORY_HUGE },
};

KUNIT_ARRAY_PARAM_DESC(way_configs, way_configs, name);

static void go_directly(bool on)
{
	plain_ways_set(&pfn_domain_direct, on);
	plain_ways_set(&pin_leaf_direct, on);
}

static bool same_iopte(struct memory_domain *one, struct memory_domain *other,
		       unsigned long iova)
{
	return memory_domain_lookup(one, iova) ==
	       memory_domain_lookup(other, iova) &&
	       memory_domain_page_size(one, iova) ==
	       memory_domain_page_size(other, iova);
}

/* Where the tables have IOPTEs, what these show, and how large they are */
static void same_ioptes(struct subject *subject, unsigned int area)
{
	struct memory_domain *direct = &subject->domains[DIRECT].memory;
	struct memory_domain *plain = &subject->domains[PLAIN].memory;
	const struct iopt_area *of = subject->areas[area];
	unsigned long length = of->node.last - of->node.start + 1;
	unsigned long done;

	for (done = 0; done < length; done += 1UL << direct->shift)
		if (!same_iopte(direct, plain, of->node.start + done))
			break;
	KUNIT_ASSERT_EQ(subject->test, done, length);
	KUNIT_ASSERT_EQ(subject->test, direct->nentries, plain->nentries);
}

/*
 * An area is pinned and mapped in one way, and gets a second page table in the
 * other. Then it goes in the way that @out_directly says.
 */
static void map_both_ways(struct subject *subject, bool pin_directly,
			  bool out_directly, unsigned long start,
			  unsigned long last)
{
	unsigned int first = pin_directly ? DIRECT : PLAIN;
	unsigned int second = pin_directly ? PLAIN : DIRECT;

	go_directly(pin_directly);
	KUNIT_ASSERT_EQ(subject->test, 0, subject_join(subject, first));
	KUNIT_ASSERT_EQ(subject->test, 0,
			subject_add_area(subject, 0, 0, start, last));
	subject_check(subject);
	go_directly(!pin_directly);
	KUNIT_ASSERT_EQ(subject->test, 0, subject_join(subject, second));
	subject_check(subject);
	same_ioptes(subject, 0);
	go_directly(out_directly);
	subject_remove_area(subject, 0);
	subject_check(subject);
	subject_leave(subject, first);
	subject_leave(subject, second);
}

static void ioptes_pins_accounts_are_the_same(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	unsigned long top = subject->config.npages - 1;
	unsigned int ways;

	for (ways = 0; ways < 4; ways++) {
		map_both_ways(subject, ways & 1, ways & 2, 0, top);
		map_both_ways(subject, ways & 1, ways & 2, 1, top - 3);
	}
	subject_end(subject);
}

/* The same without a page table to be filled */
static void pins_of_accesses_are_the_same(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	unsigned long top = subject->config.npages - 1;
	unsigned int ways;

	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, top));
	for (ways = 0; ways < 4; ways++) {
		go_directly(ways & 1);
		KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 2, top));
		subject_check(subject);
		go_directly(ways & 2);
		KUNIT_ASSERT_EQ(test, 0,
				subject_access(subject, 1, 0, 0, top - 1));
		subject_check(subject);
		subject_unaccess(subject, 0);
		subject_unaccess(subject, 1);
		subject_check(subject);
	}
	subject_end(subject);
}

/* Whichever page cannot be mapped, nothing is left in either way. */
static void failures_are_the_same(struct kunit *test)
{
	struct subject *subject = subject_new(test, test->param_value);
	unsigned long top = subject->config.npages - 1;
	int rc[2] = {};
	unsigned long n;
	unsigned int way;

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, DIRECT));
	for (n = 0; n < 8 || rc[0]; n += 1 + n / 2) {
		for (way = 0; way < 2; way++) {
			go_directly(way);
			subject_fail_map(subject, n);
			rc[way] = subject_add_area(subject, 0, 0, 0, top);
			subject_check(subject);
			subject_fail_map(subject, MEMORY_DOMAIN_NEVER);
			subject_remove_area(subject, 0);
			subject_check(subject);
		}
		KUNIT_ASSERT_EQ(test, rc[0], rc[1]);
	}
	subject_end(subject);
}

static int set_parameter(const char *value, struct static_key_true *key)
{
	const struct kernel_param param = { .arg = key };

	return iommufd_way_switch_ops.set(value, &param);
}

static void parameter_is_the_switch(struct kunit *test)
{
	const struct kernel_param param = { .arg = &pin_leaf_direct };
	char *buffer = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	KUNIT_EXPECT_EQ(test, 0, set_parameter("1", &pin_leaf_direct));
	KUNIT_EXPECT_TRUE(test, static_branch_likely(&pin_leaf_direct));
	KUNIT_EXPECT_EQ(test, 0, set_parameter("0", &pin_leaf_direct));
	KUNIT_EXPECT_FALSE(test, static_branch_likely(&pin_leaf_direct));
	KUNIT_EXPECT_EQ(test, -EINVAL, set_parameter("x", &pin_leaf_direct));
	KUNIT_EXPECT_EQ(test, 2, iommufd_way_switch_ops.get(buffer, &param));
	KUNIT_EXPECT_STREQ(test, buffer, "N\n");
	KUNIT_EXPECT_EQ(test, 0, set_parameter("y", &pin_leaf_direct));
	KUNIT_EXPECT_EQ(test, 2, iommufd_way_switch_ops.get(buffer, &param));
	KUNIT_EXPECT_STREQ(test, buffer, "Y\n");
}

static struct kunit_case ways_cases[] = {
	KUNIT_CASE_PARAM(ioptes_pins_accounts_are_the_same,
			 way_configs_gen_params),
	KUNIT_CASE_PARAM(pins_of_accesses_are_the_same,
			 way_configs_gen_params),
	KUNIT_CASE_PARAM(failures_are_the_same, way_configs_gen_params),
	KUNIT_CASE(parameter_is_the_switch),
	{}
};

static struct kunit_suite ways_suite = {
	.name = "iommufd_ways",
	.suite_init = plain_ways_begin,
	.suite_exit = plain_ways_end,
	.test_cases = ways_cases,
};

kunit_test_suite(ways_suite);

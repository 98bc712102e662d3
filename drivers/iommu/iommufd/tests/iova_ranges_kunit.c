// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Sets of IOVA ranges against an array of cells. Runs in the kernel and in user
 * space, see tools/testing/iommufd.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "lib/iova_ranges.h"
#include "test_random.h"

#define UNTOUCHED 0x5eedUL

#define CELL_BITS 6
#define CELLS 64U
#define NOWNERS 4
#define MAX_RANGES 40
#define STEPS 1500

struct place {
	const char *name;
	unsigned long base;
	unsigned int shift;
};

static const struct place places[] = {
	{ "bytes at the bottom", 0, 0 },
	{ "bytes at the top", ULONG_MAX - CELLS + 1, 0 },
	{ "pages somewhere", 16 * PAGE_SIZE, PAGE_SHIFT },
	{ "the whole space", 0, BITS_PER_LONG - CELL_BITS },
};

KUNIT_ARRAY_PARAM_DESC(places, places, name);

/* Two sets, and the model: how often which owner has a cell */
struct sets {
	const struct place *place;
	struct test_random random;
	struct iova_ranges ranges[2];
	unsigned int count[2][NOWNERS];
	unsigned int cells[2][NOWNERS][CELLS];
	struct iommu_iova_range holes[CELLS + 2];
	struct iommu_iova_range expected[CELLS + 2];
};

static const char owners[NOWNERS];

static unsigned long cell_start(const struct sets *sets, unsigned int cell)
{
	return sets->place->base + ((unsigned long)cell << sets->place->shift);
}

static unsigned long cell_last(const struct sets *sets, unsigned int cell)
{
	return cell_start(sets, cell) + (1UL << sets->place->shift) - 1;
}

static void random_window(struct sets *sets, unsigned int *first,
			  unsigned int *last, unsigned int longest)
{
	*first = test_random_below(&sets->random, CELLS);
	*last = *first + test_random_below(&sets->random, longest);
	*last = min(*last, CELLS - 1);
}

static bool covered(const struct sets *sets, unsigned int set,
		    unsigned int cell)
{
	unsigned int owner;

	for (owner = 0; owner < NOWNERS; owner++)
		if (sets->cells[set][owner][cell])
			return true;
	return false;
}

static bool any_covered(const struct sets *sets, unsigned int set,
			unsigned int first, unsigned int last)
{
	for (; first <= last; first++)
		if (covered(sets, set, first))
			return true;
	return false;
}

static unsigned int count_ranges(const struct sets *sets, unsigned int set)
{
	unsigned int owner, count = 0;

	for (owner = 0; owner < NOWNERS; owner++)
		count += sets->count[set][owner];
	return count;
}

static void add(struct kunit *test, struct sets *sets, unsigned int set)
{
	unsigned int owner = test_random_below(&sets->random, NOWNERS);
	unsigned int first, last;

	if (sets->ranges[set].count == MAX_RANGES)
		return;
	random_window(sets, &first, &last,
		      test_random_chance(&sets->random, 10) ? CELLS : 4);
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&sets->ranges[set],
						 cell_start(sets, first),
						 cell_last(sets, last),
						 &owners[owner]));
	sets->count[set][owner]++;
	for (; first <= last; first++)
		sets->cells[set][owner][first]++;
}

static void remove_owner(struct sets *sets, unsigned int set)
{
	unsigned int owner = test_random_below(&sets->random, NOWNERS);

	iova_ranges_remove_owner(&sets->ranges[set], &owners[owner]);
	sets->count[set][owner] = 0;
	memset(sets->cells[set][owner], 0, sizeof(sets->cells[set][owner]));
}

static void destroy(struct sets *sets, unsigned int set)
{
	iova_ranges_destroy(&sets->ranges[set]);
	memset(sets->count[set], 0, sizeof(sets->count[set]));
	memset(sets->cells[set], 0, sizeof(sets->cells[set]));
}

/* Take the ranges of a window out of a copy of the model, nothing may remain */
static void check_walk(struct kunit *test, struct sets *sets, unsigned int set)
{
	struct iova_ranges *ranges = &sets->ranges[set];
	unsigned long start, last, previous = 0;
	unsigned int first_cell, last_cell, count = 0;
	struct iova_range *range;

	random_window(sets, &first_cell, &last_cell, CELLS);
	start = cell_start(sets, first_cell);
	last = cell_last(sets, last_cell);
	range = iova_ranges_first(ranges, start, last);
	KUNIT_ASSERT_EQ(test, !!range,
			any_covered(sets, set, first_cell, last_cell));
	KUNIT_ASSERT_EQ(test, iova_ranges_overlap(ranges, start, last),
			!!range);
	for (; range; range = iova_ranges_next(range, start, last)) {
		KUNIT_ASSERT_TRUE(test, range->node.start >= previous);
		KUNIT_ASSERT_TRUE(test, range->node.start <= last);
		KUNIT_ASSERT_TRUE(test, range->node.last >= start);
		previous = range->node.start;
	}

	for (range = iova_ranges_first(ranges, 0, ULONG_MAX); range;
	     range = iova_ranges_next(range, 0, ULONG_MAX))
		count++;
	KUNIT_ASSERT_EQ(test, count, count_ranges(sets, set));
	KUNIT_ASSERT_EQ(test, count, ranges->count);
	KUNIT_ASSERT_EQ(test, iova_ranges_empty(ranges), !count);
}

static void check_overlap_set(struct kunit *test, struct sets *sets)
{
	bool overlap = false;
	unsigned int cell;

	for (cell = 0; cell < CELLS; cell++)
		overlap |= covered(sets, 0, cell) && covered(sets, 1, cell);
	KUNIT_ASSERT_EQ(test, overlap,
			iova_ranges_overlap_set(&sets->ranges[0],
						&sets->ranges[1]));
	KUNIT_ASSERT_EQ(test, overlap,
			iova_ranges_overlap_set(&sets->ranges[1],
						&sets->ranges[0]));
}

static size_t append_hole(struct iommu_iova_range *holes, size_t count,
			  unsigned long start, unsigned long last)
{
	if (count && holes[count - 1].last + 1 == start) {
		holes[count - 1].last = last;
		return count;
	}
	holes[count].start = start;
	holes[count].last = last;
	return count + 1;
}

/* All holes, those below and above the cells included */
static size_t model_holes(struct sets *sets, unsigned int set)
{
	unsigned long top = cell_last(sets, CELLS - 1);
	size_t count = 0;
	unsigned int cell;

	if (sets->place->base)
		count = append_hole(sets->expected, count, 0,
				    sets->place->base - 1);
	for (cell = 0; cell < CELLS; cell++)
		if (!covered(sets, set, cell))
			count = append_hole(sets->expected, count,
					    cell_start(sets, cell),
					    cell_last(sets, cell));
	if (top != ULONG_MAX)
		count = append_hole(sets->expected, count, top + 1, ULONG_MAX);
	return count;
}

static void check_holes(struct kunit *test, struct sets *sets, unsigned int set)
{
	struct iova_ranges *ranges = &sets->ranges[set];
	size_t count = model_holes(sets, set);
	size_t capacity = test_random_below(&sets->random, count + 2);
	size_t i;

	KUNIT_ASSERT_EQ(test, count, iova_ranges_holes(ranges, NULL, 0));

	memset(sets->holes, 0xa5, sizeof(sets->holes));
	KUNIT_ASSERT_EQ(test, count,
			iova_ranges_holes(ranges, sets->holes, capacity));
	for (i = 0; i < min(count, capacity); i++) {
		KUNIT_ASSERT_EQ(test, sets->holes[i].start,
				sets->expected[i].start);
		KUNIT_ASSERT_EQ(test, sets->holes[i].last,
				sets->expected[i].last);
	}
	KUNIT_ASSERT_EQ(test, sets->holes[i].start, 0xa5a5a5a5a5a5a5a5ULL);
}

static void check_hole(struct kunit *test, struct sets *sets, unsigned int set)
{
	unsigned int cell = test_random_below(&sets->random, CELLS);
	unsigned long start = UNTOUCHED, last = UNTOUCHED;
	unsigned long from = cell_start(sets, cell);
	size_t count = model_holes(sets, set);
	size_t i = 0;
	bool found;

	found = iova_ranges_hole(&sets->ranges[set], from, &start, &last);
	while (i < count && sets->expected[i].last < from)
		i++;
	KUNIT_ASSERT_EQ(test, found, i < count);
	if (!found) {
		KUNIT_ASSERT_EQ(test, start, UNTOUCHED);
		KUNIT_ASSERT_EQ(test, last, UNTOUCHED);
		return;
	}
	KUNIT_ASSERT_EQ(test, start,
			max(from, (unsigned long)sets->expected[i].start));
	KUNIT_ASSERT_EQ(test, last, (unsigned long)sets->expected[i].last);
}

static void random_operations(struct kunit *test)
{
	struct sets *sets = kunit_kzalloc(test, sizeof(*sets), GFP_KERNEL);
	unsigned int step, set;

	KUNIT_ASSERT_NOT_NULL(test, sets);
	sets->place = test->param_value;
	sets->random.state = test_seed();
	iova_ranges_init(&sets->ranges[0]);
	iova_ranges_init(&sets->ranges[1]);
	kunit_info(test, "seed %lu", test_seed());

	for (step = 0; step < STEPS; step++) {
		set = test_random_below(&sets->random, 2);
		if (test_random_chance(&sets->random, 100))
			destroy(sets, set);
		else if (test_random_chance(&sets->random, 5))
			remove_owner(sets, set);
		else
			add(test, sets, set);
		check_walk(test, sets, set);
		check_hole(test, sets, set);
		check_holes(test, sets, set);
		check_overlap_set(test, sets);
	}
	destroy(sets, 0);
	destroy(sets, 1);
}

static void add_checks_order(struct kunit *test)
{
	struct iova_ranges ranges;

	iova_ranges_init(&ranges);
	KUNIT_EXPECT_EQ(test, -EINVAL, iova_ranges_add(&ranges, 1, 0, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iova_ranges_add(&ranges, ULONG_MAX, 0, NULL));
	KUNIT_EXPECT_TRUE(test, iova_ranges_empty(&ranges));
	KUNIT_EXPECT_EQ(test, 0, iova_ranges_add(&ranges, 0, 0, NULL));
	KUNIT_EXPECT_EQ(test, 0, iova_ranges_add(&ranges, ULONG_MAX, ULONG_MAX,
						 NULL));
	KUNIT_EXPECT_EQ(test, ranges.count, 2);
	iova_ranges_destroy(&ranges);
	KUNIT_EXPECT_TRUE(test, iova_ranges_empty(&ranges));
}

static void expect_hole(struct kunit *test, struct iova_ranges *ranges,
			unsigned long from, unsigned long hole_start,
			unsigned long hole_last)
{
	unsigned long start = UNTOUCHED, last = UNTOUCHED;

	KUNIT_EXPECT_TRUE(test, iova_ranges_hole(ranges, from, &start, &last));
	KUNIT_EXPECT_EQ(test, start, hole_start);
	KUNIT_EXPECT_EQ(test, last, hole_last);
}

static void holes_at_the_ends(struct kunit *test)
{
	struct iova_ranges ranges;
	unsigned long start, last;

	iova_ranges_init(&ranges);
	expect_hole(test, &ranges, 0, 0, ULONG_MAX);
	expect_hole(test, &ranges, ULONG_MAX, ULONG_MAX, ULONG_MAX);

	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 0, 0, NULL));
	expect_hole(test, &ranges, 0, 1, ULONG_MAX);
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, ULONG_MAX, ULONG_MAX,
						 NULL));
	expect_hole(test, &ranges, 0, 1, ULONG_MAX - 1);
	KUNIT_EXPECT_FALSE(test, iova_ranges_hole(&ranges, ULONG_MAX, &start,
						  &last));
	KUNIT_EXPECT_EQ(test, iova_ranges_holes(&ranges, NULL, 0), (size_t)1);

	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 1, ULONG_MAX - 1,
						 NULL));
	KUNIT_EXPECT_FALSE(test, iova_ranges_hole(&ranges, 0, &start, &last));
	KUNIT_EXPECT_EQ(test, iova_ranges_holes(&ranges, NULL, 0), (size_t)0);
	iova_ranges_destroy(&ranges);
}

/* What touches is no hole, and what one range hides in another is none either. */
static void holes_between_neighbours(struct kunit *test)
{
	struct iova_ranges ranges;

	iova_ranges_init(&ranges);
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 10, 19, NULL));
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 20, 29, NULL));
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 12, 13, NULL));
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 31, 39, NULL));
	expect_hole(test, &ranges, 0, 0, 9);
	expect_hole(test, &ranges, 5, 5, 9);
	expect_hole(test, &ranges, 10, 30, 30);
	expect_hole(test, &ranges, 31, 40, ULONG_MAX);
	KUNIT_EXPECT_EQ(test, iova_ranges_holes(&ranges, NULL, 0), (size_t)3);
	iova_ranges_destroy(&ranges);
}

static void remove_owner_is_exact(struct kunit *test)
{
	struct iova_ranges ranges;

	iova_ranges_init(&ranges);
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 0, 9, &owners[0]));
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 0, 9, &owners[1]));
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 5, 14, &owners[0]));
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 20, 29, NULL));

	iova_ranges_remove_owner(&ranges, &owners[2]);
	KUNIT_EXPECT_EQ(test, ranges.count, 4);
	iova_ranges_remove_owner(&ranges, &owners[0]);
	KUNIT_EXPECT_EQ(test, ranges.count, 2);
	KUNIT_EXPECT_TRUE(test, iova_ranges_overlap(&ranges, 9, 9));
	KUNIT_EXPECT_FALSE(test, iova_ranges_overlap(&ranges, 10, 19));
	iova_ranges_remove_owner(&ranges, NULL);
	KUNIT_EXPECT_EQ(test, ranges.count, 1);
	iova_ranges_remove_owner(&ranges, &owners[1]);
	KUNIT_EXPECT_TRUE(test, iova_ranges_empty(&ranges));
}

/* Each page table reserves the same, and a program may make many of them. */
static void overlap_behind_many_that_are_the_same(struct kunit *test)
{
	struct iova_ranges ranges, allowed;
	unsigned int owner;

	iova_ranges_init(&ranges);
	iova_ranges_init(&allowed);
	for (owner = 0; owner < NOWNERS; owner++) {
		KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 10, 29,
							 &owners[owner]));
		/* One that lies in it, and one that goes on behind it. */
		KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 15, 19,
							 &owners[owner]));
	}
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&ranges, 20, 39, &owners[0]));
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&allowed, 0, 9, NULL));
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&allowed, 40, 49, NULL));
	KUNIT_EXPECT_FALSE(test, iova_ranges_overlap_set(&allowed, &ranges));
	KUNIT_ASSERT_EQ(test, 0, iova_ranges_add(&allowed, 39, 39, NULL));
	KUNIT_EXPECT_TRUE(test, iova_ranges_overlap_set(&allowed, &ranges));

	iova_ranges_remove_owner(&ranges, &owners[0]);
	KUNIT_EXPECT_EQ(test, ranges.count, 2 * (NOWNERS - 1));
	KUNIT_EXPECT_FALSE(test, iova_ranges_overlap_set(&allowed, &ranges));
	iova_ranges_destroy(&ranges);
	iova_ranges_destroy(&allowed);
}

#ifndef __KERNEL__
static void add_without_memory(struct kunit *test)
{
	struct iova_ranges ranges;

	iova_ranges_init(&ranges);
	test_slab_fail_from(0);
	KUNIT_EXPECT_EQ(test, -ENOMEM, iova_ranges_add(&ranges, 0, 9, NULL));
	KUNIT_EXPECT_TRUE(test, iova_ranges_empty(&ranges));
	KUNIT_EXPECT_FALSE(test, iova_ranges_overlap(&ranges, 0, ULONG_MAX));
	test_slab_fail_from(SIZE_MAX);
	KUNIT_EXPECT_EQ(test, 0, iova_ranges_add(&ranges, 0, 9, NULL));
	KUNIT_EXPECT_EQ(test, test_slab_in_use(), 1UL);
	iova_ranges_destroy(&ranges);
}
#endif

static struct kunit_case iova_ranges_cases[] = {
	KUNIT_CASE(add_checks_order),
	KUNIT_CASE(holes_at_the_ends),
	KUNIT_CASE(holes_between_neighbours),
	KUNIT_CASE(remove_owner_is_exact),
	KUNIT_CASE(overlap_behind_many_that_are_the_same),
#ifndef __KERNEL__
	KUNIT_CASE(add_without_memory),
#endif
	KUNIT_CASE_PARAM(random_operations, places_gen_params),
	{}
};

static struct kunit_suite iova_ranges_suite = {
	.name = "iommufd_iova_ranges",
	.test_cases = iova_ranges_cases,
};

kunit_test_suite(iova_ranges_suite);

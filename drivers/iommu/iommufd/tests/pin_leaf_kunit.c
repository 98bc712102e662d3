// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * How far an entry of the page table of a process reaches, and pinning all of it.
 */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/vmstat.h>

#include "pin/pin_leaf.h"
#include "user_memory.h"

#define BLOCK USER_MEMORY_BLOCK_PAGES

/* Pages from where an entry is looked at: its ends, and in between */
static const unsigned long places[] = { 0, 1, 31, 255, 256, 510, 511 };

static void describe_place(const unsigned long *place, char *text)
{
	snprintf(text, KUNIT_PARAM_DESC_SIZE, "page %lu", *place);
}

KUNIT_ARRAY_PARAM(places, places, describe_place);

static struct page *pin_at(struct kunit *test, unsigned long address)
{
	struct page *page;

	KUNIT_ASSERT_EQ(test, 1,
			pin_user_pages_fast(address, 1,
					    FOLL_LONGTERM | FOLL_WRITE, &page));
	return page;
}

static void huge_page_reaches_to_its_end(struct kunit *test)
{
	const unsigned long *place = test->param_value;
	unsigned long base = user_memory_map(test, 0, USER_MEMORY_HUGE,
					     2 * BLOCK, false);
	unsigned long address = base + *place * PAGE_SIZE;
	struct page *page = pin_at(test, address);

	KUNIT_EXPECT_EQ(test, BLOCK - *place,
			pin_leaf_pages(page, address, true));
	KUNIT_EXPECT_EQ(test, BLOCK - *place,
			pin_leaf_pages(page, address, false));
	unpin_user_page(page);
}

/* The folio may be large: what counts is the entry. */
static void entry_that_was_cut_is_small(struct kunit *test)
{
	const unsigned long *place = test->param_value;
	unsigned long base = user_memory_map(test, 0, USER_MEMORY_HUGE, BLOCK,
					     false);
	unsigned long address = base + *place * PAGE_SIZE;
	unsigned long hole = base + (*place ? 0 : 1) * PAGE_SIZE;
	struct page *page = pin_at(test, address);

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(hole, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, folio_test_large(page_folio(page)));
	KUNIT_EXPECT_EQ(test, 1, pin_leaf_pages(page, address, true));
	unpin_user_page(page);
}

static void small_page_is_alone(struct kunit *test)
{
	unsigned long address = user_memory_map(test, 0, USER_MEMORY_BLOCKS,
						BLOCK, false);
	struct page *page = pin_at(test, address);

	KUNIT_EXPECT_EQ(test, 1, pin_leaf_pages(page, address, true));
	unpin_user_page(page);
}

/* As if the memory had been exchanged after the pin */
static void entry_of_another_page_is_not_taken(struct kunit *test)
{
	unsigned long base = user_memory_map(test, 0, USER_MEMORY_HUGE,
					     2 * BLOCK, false);
	unsigned long next = base + BLOCK * PAGE_SIZE;
	struct page *page = pin_at(test, base + 5 * PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, 1,
			pin_leaf_pages(page, next + 5 * PAGE_SIZE, true));
	KUNIT_EXPECT_EQ(test, 1,
			pin_leaf_pages(page, base + 6 * PAGE_SIZE, true));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(base, BLOCK * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 1,
			pin_leaf_pages(page, base + 5 * PAGE_SIZE, true));
	unpin_user_page(page);
}

static void each_page_gets_a_pin(struct kunit *test)
{
	const unsigned long *place = test->param_value;
	unsigned long base = user_memory_map(test, 0, USER_MEMORY_HUGE, BLOCK,
					     false);
	unsigned long address = base + *place * PAGE_SIZE;
	struct page *page = pin_at(test, address);
	struct folio *folio = page_folio(page);
	int refs = folio_ref_count(folio);
	unsigned long npages = BLOCK - *place;

	KUNIT_EXPECT_EQ(test, 1, user_memory_pins(folio));
	KUNIT_ASSERT_TRUE(test, pin_leaf_extend(page, npages));
	KUNIT_EXPECT_EQ(test, npages, user_memory_pins(folio));
	KUNIT_EXPECT_EQ(test, refs + (int)npages - 1, folio_ref_count(folio));
	/* They go in any order and any parts. */
	unpin_user_folio(folio, npages - 1);
	KUNIT_EXPECT_EQ(test, 1, user_memory_pins(folio));
	KUNIT_EXPECT_EQ(test, refs, folio_ref_count(folio));
	unpin_user_page(page);
}

/* The counter may not overflow, and the last pin that fits does fit. */
static void too_many_references_are_refused(struct kunit *test)
{
	unsigned long base = user_memory_map(test, 0, USER_MEMORY_HUGE, BLOCK,
					     false);
	struct page *page = pin_at(test, base);
	struct folio *folio = page_folio(page);
	int room = INT_MAX / 2 - folio_ref_count(folio);
	int more = room - (int)BLOCK + 2;

	folio_ref_add(folio, more);
	KUNIT_EXPECT_FALSE(test, pin_leaf_extend(page, BLOCK));
	KUNIT_EXPECT_EQ(test, 1, user_memory_pins(folio));
	KUNIT_EXPECT_EQ(test, room - more,
			INT_MAX / 2 - folio_ref_count(folio));
	folio_ref_sub(folio, 1);
	KUNIT_EXPECT_TRUE(test, pin_leaf_extend(page, BLOCK));
	KUNIT_EXPECT_EQ(test, BLOCK, user_memory_pins(folio));
	folio_ref_sub(folio, more - 1);
	unpin_user_folio(folio, BLOCK);
}

static struct kunit_case pin_leaf_cases[] = {
	KUNIT_CASE_PARAM(huge_page_reaches_to_its_end, places_gen_params),
	KUNIT_CASE_PARAM(entry_that_was_cut_is_small, places_gen_params),
	KUNIT_CASE(small_page_is_alone),
	KUNIT_CASE(entry_of_another_page_is_not_taken),
	KUNIT_CASE_PARAM(each_page_gets_a_pin, places_gen_params),
	KUNIT_CASE(too_many_references_are_refused),
	{}
};

static struct kunit_suite pin_leaf_suite = {
	.name = "iommufd_pin_leaf",
	.test_cases = pin_leaf_cases,
};

kunit_test_suite(pin_leaf_suite);

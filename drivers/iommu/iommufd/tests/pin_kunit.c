// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Pinning user memory into batches, and letting it go.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "lib/pfn_batch.h"
#include "pin/pin.h"
#include "pin/pin_user.h"
#include "plain_ways.h"
#include "user_memory.h"

#define BLOCK USER_MEMORY_BLOCK_PAGES
#define MOST_PAGES (3 * BLOCK)

/**
 * struct memory - Memory of a process, and what its pages are
 * @test: whom to tell
 * @origin: under test
 * @owner: of it; not counted
 * @npages: size of the memory
 * @pages: its pages; the test has one pin of each
 */
struct memory {
	struct kunit *test;
	struct pin_origin origin;
	struct pin_owner owner;
	unsigned long npages;
	struct page *pages[MOST_PAGES];
};

/**
 * struct page_range - A part of memory
 * @start: first page
 * @npages: how many
 */
struct page_range {
	unsigned long start;
	unsigned long npages;
};

/* Around the length for which huge pages are looked for, and around their ends */
static const struct page_range ranges[] = {
	{ 0, 1 }, { 0, 31 }, { 0, 32 }, { 7, 100 },
	{ 0, BLOCK }, { 1, BLOCK - 1 }, { 0, BLOCK - 1 }, { 0, BLOCK + 1 },
	{ BLOCK - 1, 2 }, { BLOCK - 31, 62 }, { BLOCK - 32, 64 },
	{ BLOCK / 2, BLOCK }, { 1, MOST_PAGES - 2 }, { 0, MOST_PAGES },
};

static const enum user_memory_layout layouts[] = {
	USER_MEMORY_ANONYMOUS, USER_MEMORY_BLOCKS, USER_MEMORY_REVERSED,
	USER_MEMORY_HUGE,
};

static void describe_layout(const enum user_memory_layout *layout, char *text)
{
	static const char * const names[] = {
		[USER_MEMORY_ANONYMOUS] = "anonymous",
		[USER_MEMORY_BLOCKS] = "blocks",
		[USER_MEMORY_REVERSED] = "reversed",
		[USER_MEMORY_HUGE] = "huge",
	};

	strscpy(text, names[*layout], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(layouts, layouts, describe_layout);

static struct memory *memory_new(struct kunit *test,
				 enum user_memory_layout layout,
				 unsigned long npages, bool writable)
{
	struct memory *memory = kunit_kzalloc(test, sizeof(*memory),
					      GFP_KERNEL);
	unsigned long address;
	int got;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	memory->test = test;
	memory->npages = npages;
	address = user_memory_map(test, 0, layout, npages, false);
	memory->owner.mm = current->mm;
	pin_user_origin(&memory->origin, &memory->owner, address, writable);
	got = pin_user_pages_fast(address, npages,
				  FOLL_LONGTERM | FOLL_WRITE, memory->pages);
	KUNIT_ASSERT_EQ(test, (int)npages, got);
	return memory;
}

/* Each page is pinned once by the test, and once if it is in the range. */
static void check_pins(struct memory *memory, unsigned long start,
		       unsigned long npages)
{
	unsigned long i, pins = 0;

	for (i = 0; i < memory->npages; i++) {
		struct folio *folio = page_folio(memory->pages[i]);

		pins += 1 + (i - start < npages);
		if (i + 1 < memory->npages &&
		    page_folio(memory->pages[i + 1]) == folio)
			continue;
		if (pins != user_memory_pins(folio))
			break;
		pins = 0;
	}
	/* Up to where they are right */
	KUNIT_ASSERT_EQ(memory->test, i, memory->npages);
}

static void memory_end(struct memory *memory)
{
	check_pins(memory, 0, 0);
	unpin_user_pages(memory->pages, memory->npages);
}

/* How many pages of a run are those from @start on */
static unsigned long same_pages(const struct memory *memory,
				const struct pfn_batch_iter *run,
				unsigned long start)
{
	unsigned long i;

	for (i = 0; i < run->npages; i++)
		if (run->pfn + i != page_to_pfn(memory->pages[start + i]))
			break;
	return i;
}

/* A batch has the pages from @start on. */
static void check_batch(struct memory *memory, const struct pfn_batch *batch,
			unsigned long start)
{
	struct pfn_batch_iter iter;

	KUNIT_ASSERT_TRUE(memory->test, pfn_batch_valid(batch));
	pfn_batch_for_each_run(&iter, batch, 0, batch->npages) {
		KUNIT_ASSERT_EQ(memory->test, iter.npages,
				same_pages(memory, &iter, start));
		start += iter.npages;
	}
}

static void release_batch(struct memory *memory, struct pfn_batch *batch)
{
	struct pfn_batch_iter iter;

	pfn_batch_iter_first(&iter, batch, 0, batch->npages);
	pin_release(&memory->origin, &iter);
	pfn_batch_clear(batch);
}

/* Read a range in batches of at most @capacity runs. */
static void read_range(struct memory *memory, unsigned long start,
		       unsigned long npages, unsigned int capacity)
{
	unsigned long next = start, end = start + npages;
	struct pin_cursor cursor;
	struct pfn_batch batch;

	pin_cursor_init(&cursor);
	pfn_batch_init(&batch);
	batch.capacity = min(batch.capacity, capacity);
	while (next < end) {
		KUNIT_ASSERT_EQ(memory->test, 0,
				pin_origin_read(&memory->origin, &cursor, next,
						end - next, &batch));
		KUNIT_ASSERT_GT(memory->test, batch.npages, 0);
		check_batch(memory, &batch, next);
		next += batch.npages;
		release_batch(memory, &batch);
	}
	KUNIT_ASSERT_EQ(memory->test, next, end);
	KUNIT_EXPECT_TRUE(memory->test, pin_cursor_empty(&cursor));
	pin_cursor_destroy(&memory->origin, &cursor);
	pfn_batch_destroy(&batch);
	check_pins(memory, 0, 0);
}

/* Wherever a range begins and ends, in a huge page too */
static void ranges_cut_anywhere(struct kunit *test)
{
	const enum user_memory_layout *layout = test->param_value;
	struct memory *memory = memory_new(test, *layout, MOST_PAGES, true);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		read_range(memory, ranges[i].start, ranges[i].npages,
			   PFN_BATCH_INLINE_RUNS);
		read_range(memory, ranges[i].start, ranges[i].npages, 1);
	}
	memory_end(memory);
}

/* What is read stays pinned, once a page, until it is let go. */
static void pages_stay_pinned(struct kunit *test)
{
	const enum user_memory_layout *layout = test->param_value;
	struct memory *memory = memory_new(test, *layout, BLOCK, true);
	unsigned long start = 3, npages = BLOCK - 5;
	struct pin_cursor cursor;
	struct pfn_batch batch;

	pin_cursor_init(&cursor);
	pfn_batch_init(&batch);
	pfn_batch_grow(&batch, npages);
	KUNIT_ASSERT_EQ(test, 0,
			pin_origin_read(&memory->origin, &cursor, start,
					npages, &batch));
	KUNIT_ASSERT_EQ(test, npages, batch.npages);
	check_pins(memory, start, npages);
	release_batch(memory, &batch);
	pin_cursor_destroy(&memory->origin, &cursor);
	pfn_batch_destroy(&batch);
	memory_end(memory);
}

/* The cursor has pinned more than fits, and has to let it go. */
static void what_no_batch_took_is_let_go(struct kunit *test)
{
	const enum user_memory_layout *layout = test->param_value;
	struct memory *memory = memory_new(test, *layout, BLOCK, true);
	struct pin_cursor cursor;
	struct pfn_batch batch;

	pin_cursor_init(&cursor);
	pfn_batch_init(&batch);
	/* One run, and no room for another one */
	KUNIT_ASSERT_TRUE(test, pfn_batch_add(&batch, 1, 1));
	batch.capacity = 1;
	KUNIT_ASSERT_EQ(test, 0, pin_origin_read(&memory->origin, &cursor, 0,
						 BLOCK, &batch));
	KUNIT_EXPECT_EQ(test, 1, batch.npages);
	KUNIT_EXPECT_FALSE(test, pin_cursor_empty(&cursor));
	pin_cursor_destroy(&memory->origin, &cursor);
	pfn_batch_destroy(&batch);
	memory_end(memory);
}

static void hole_ends_the_read(struct kunit *test)
{
	const enum user_memory_layout *layout = test->param_value;
	struct memory *memory = memory_new(test, *layout, BLOCK, true);
	unsigned long hole = 300;
	struct pin_cursor cursor;
	struct pfn_batch batch;

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(memory->origin.start +
					   hole * PAGE_SIZE, PAGE_SIZE));
	pin_cursor_init(&cursor);
	pfn_batch_init(&batch);
	pfn_batch_grow(&batch, BLOCK);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			pin_origin_read(&memory->origin, &cursor, hole, 1,
					&batch));
	KUNIT_EXPECT_EQ(test, 0, batch.npages);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			pin_origin_read(&memory->origin, &cursor, 1, BLOCK - 1,
					&batch));
	/* What is before the hole belongs to the batch. */
	KUNIT_EXPECT_EQ(test, hole - 1, batch.npages);
	check_pins(memory, 1, hole - 1);
	check_batch(memory, &batch, 1);
	release_batch(memory, &batch);
	pin_cursor_destroy(&memory->origin, &cursor);
	pfn_batch_destroy(&batch);
	memory_end(memory);
}

static void one_page(struct kunit *test)
{
	const enum user_memory_layout *layout = test->param_value;
	struct memory *memory = memory_new(test, *layout, BLOCK, true);
	unsigned long pfn = 0;

	KUNIT_ASSERT_EQ(test, 0,
			pin_origin_page(&memory->origin, BLOCK - 1, &pfn));
	KUNIT_EXPECT_EQ(test, pfn, page_to_pfn(memory->pages[BLOCK - 1]));
	check_pins(memory, BLOCK - 1, 1);
	pin_release_run(&memory->origin, pfn, 1);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			pin_origin_page(&memory->origin, BLOCK, &pfn));
	memory_end(memory);
}

/* Pins of a huge page go page by page, from any end. */
static void runs_are_let_go_in_parts(struct kunit *test)
{
	const enum user_memory_layout *layout = test->param_value;
	struct memory *memory = memory_new(test, *layout, BLOCK, true);
	struct pin_cursor cursor;
	struct pfn_batch batch;
	unsigned long i;

	pin_cursor_init(&cursor);
	pfn_batch_init(&batch);
	pfn_batch_grow(&batch, BLOCK);
	KUNIT_ASSERT_EQ(test, 0, pin_origin_read(&memory->origin, &cursor, 0,
						 BLOCK, &batch));
	for (i = BLOCK; i-- > 100;)
		pin_release_run(&memory->origin, page_to_pfn(memory->pages[i]),
				1);
	check_pins(memory, 0, 100);
	for (i = 0; i < 100; i++)
		pin_release_run(&memory->origin, page_to_pfn(memory->pages[i]),
				1);
	pin_cursor_destroy(&memory->origin, &cursor);
	pfn_batch_destroy(&batch);
	memory_end(memory);
}

static void expect_dirty(struct memory *memory, bool dirty)
{
	struct folio *folio = page_folio(memory->pages[0]);
	unsigned long pfn;

	folio_clear_dirty(folio);
	KUNIT_ASSERT_EQ(memory->test, 0,
			pin_origin_page(&memory->origin, 0, &pfn));
	pin_release_run(&memory->origin, pfn, 1);
	KUNIT_EXPECT_EQ(memory->test, folio_test_dirty(folio), dirty);
	folio_mark_dirty(folio);
}

/* A device may have written exactly if the memory was pinned for that. */
static void pages_get_dirty_if_writable(struct kunit *test)
{
	struct memory *memory = memory_new(test, USER_MEMORY_ANONYMOUS, 1,
					   true);

	expect_dirty(memory, true);
	memory->origin.writable = false;
	expect_dirty(memory, false);
	memory_end(memory);
}

static void what_may_not_be_written(struct kunit *test)
{
	unsigned long address = user_memory_map(test, 0, USER_MEMORY_ANONYMOUS,
						1, true);
	struct pin_owner owner = { .mm = current->mm };
	struct pin_origin origin;
	unsigned long pfn;

	pin_user_origin(&origin, &owner, address, true);
	KUNIT_EXPECT_EQ(test, -EFAULT, pin_origin_page(&origin, 0, &pfn));
	origin.writable = false;
	KUNIT_ASSERT_EQ(test, 0, pin_origin_page(&origin, 0, &pfn));
	pin_release_run(&origin, pfn, 1);
}

/* As a worker pins, or somebody who attaches another's device */
static void others_pin_the_same(struct kunit *test)
{
	const enum user_memory_layout *layout = test->param_value;
	struct memory *memory = memory_new(test, *layout, MOST_PAGES, true);
	struct mm_struct *mm = memory->owner.mm;

	kthread_unuse_mm(mm);
	read_range(memory, 0, MOST_PAGES, PFN_BATCH_INLINE_RUNS);
	read_range(memory, 5, BLOCK, 1);
	kthread_use_mm(mm);
	memory_end(memory);
}

static void process_is_gone(struct kunit *test)
{
	/* All that is left of a process is its structure. */
	struct mm_struct *mm = kunit_kzalloc(test, sizeof(*mm), GFP_KERNEL);
	struct pin_owner owner = { .mm = mm };
	struct pin_origin origin;
	struct pin_cursor cursor;
	struct pfn_batch batch;
	unsigned long pfn;

	KUNIT_ASSERT_NOT_NULL(test, mm);
	pin_user_origin(&origin, &owner, PAGE_SIZE, false);
	pin_cursor_init(&cursor);
	pfn_batch_init(&batch);
	KUNIT_EXPECT_EQ(test, -EFAULT, pin_origin_page(&origin, 0, &pfn));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			pin_origin_read(&origin, &cursor, 0, 100, &batch));
	KUNIT_EXPECT_TRUE(test, pin_cursor_empty(&cursor));
	KUNIT_EXPECT_EQ(test, 0, batch.npages);
	pin_cursor_destroy(&origin, &cursor);
	pfn_batch_destroy(&batch);
}

TEST_BOTH_WAYS(pin,
	       KUNIT_CASE_PARAM(ranges_cut_anywhere, layouts_gen_params),
	       KUNIT_CASE_PARAM(pages_stay_pinned, layouts_gen_params),
	       KUNIT_CASE_PARAM(what_no_batch_took_is_let_go,
				layouts_gen_params),
	       KUNIT_CASE_PARAM(hole_ends_the_read, layouts_gen_params),
	       KUNIT_CASE_PARAM(one_page, layouts_gen_params),
	       KUNIT_CASE_PARAM(runs_are_let_go_in_parts, layouts_gen_params),
	       KUNIT_CASE(pages_get_dirty_if_writable),
	       KUNIT_CASE(what_may_not_be_written),
	       KUNIT_CASE_PARAM(others_pin_the_same, layouts_gen_params),
	       KUNIT_CASE(process_is_gone));

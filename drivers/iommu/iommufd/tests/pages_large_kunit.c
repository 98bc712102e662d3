// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Storing PFNs of much memory, contiguous or not, and of huge pages.
 */
#include <kunit/test.h>
#include <linux/mm.h>

#include "pages/access_pfns.h"
#include "pages/iopt_types.h"
#include "pages/pages_access.h"
#include "pages/pfn_span.h"
#include "pages_subject.h"
#include "plain_ways.h"

/* What an IOMMU with such small pages can begin with */
#define HALF (PAGE_SIZE / 2)

static const struct subject_config large_configs[] = {
	{ .name = "aligned", .npages = 3 * USER_MEMORY_BLOCK_PAGES,
	  .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | USER_MEMORY_BLOCK_PAGES * PAGE_SIZE,
	  .layout = USER_MEMORY_BLOCKS },
	{ .name = "shifted", .npages = 3 * USER_MEMORY_BLOCK_PAGES,
	  .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | USER_MEMORY_BLOCK_PAGES * PAGE_SIZE,
	  .layout = USER_MEMORY_SHIFTED },
	{ .name = "huge", .npages = 3 * USER_MEMORY_BLOCK_PAGES,
	  .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE | USER_MEMORY_BLOCK_PAGES * PAGE_SIZE,
	  .layout = USER_MEMORY_HUGE },
};

KUNIT_ARRAY_PARAM_DESC(large_configs, large_configs, name);

/* So many blocks in an IOMMU that has small pages only */
static struct subject *blocks_new(struct kunit *test, unsigned long nblocks,
				  enum pin_account_mode mode,
				  enum user_memory_layout layout)
{
	struct subject_config config = {
		.npages = nblocks * USER_MEMORY_BLOCK_PAGES,
		.mode = mode,
		.pgsize_bitmap = PAGE_SIZE,
		.layout = layout,
	};

	return subject_new(test, &config);
}

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
 * Known runs are passed over in one step, also behind a page that an area has
 * only the end of, and where IOVA and memory are not congruent.
 */
static void runs_behind_half_a_page(struct kunit *test)
{
	struct subject_config config = {
		.npages = 4 * USER_MEMORY_BLOCK_PAGES,
		.mode = PIN_ACCOUNT_USER,
		.pgsize_bitmap = HALF | PAGE_SIZE,
		.layout = USER_MEMORY_BLOCKS,
	};
	struct subject *subject = subject_new(test, &config);
	struct memory_domain *memory = &subject->domains[0].memory;
	unsigned long npages = 3 * USER_MEMORY_BLOCK_PAGES;

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0,
			subject_add_bytes(subject, 0, 0, SZ_1G,
					  100 * PAGE_SIZE + HALF,
					  npages * PAGE_SIZE));
	subject_check(subject);
	/* Two whole blocks, and the pages of the parts of two others. */
	memory->lookups = 0;
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 2));
	KUNIT_EXPECT_EQ(test, memory->lookups,
			2 + USER_MEMORY_BLOCK_PAGES + 1);
	subject_check(subject);
	subject_leave(subject, 0);
	subject_check(subject);
	subject_end(subject);
}

/*
 * Pinned pages outlive their mapping, and what was known about the physical
 * memory does not outlive the pin.
 */
static void memory_is_replaced(struct kunit *test)
{
	struct subject *subject = blocks_new(test, 2, PIN_ACCOUNT_MM,
					     USER_MEMORY_BLOCKS);
	unsigned long last = subject->config.npages - 1;

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
	struct subject *subject = blocks_new(test, 9, PIN_ACCOUNT_NONE,
					     USER_MEMORY_REVERSED);
	unsigned long top = subject->config.npages - 1;

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

static bool nothing_pinned(struct subject *subject)
{
	return RB_EMPTY_ROOT(&subject->pages->access_itree.rb_root);
}

/* Pins of all lengths and from all places leave nothing behind. */
static void many_pins_are_undone(struct kunit *test)
{
	struct subject *subject = blocks_new(test, 9, PIN_ACCOUNT_NONE,
					     USER_MEMORY_BLOCKS);
	unsigned long top = subject->config.npages - 1;
	unsigned long start;

	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, top));
	for (start = 0; start <= 512; start += 64) {
		KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, start,
							top - start / 2));
		subject_unaccess(subject, 0);
		subject_check(subject);
		KUNIT_EXPECT_TRUE(test, nothing_pinned(subject));
	}
	subject_end(subject);
}

static void unpin_part(struct subject *subject, unsigned long start,
		       unsigned long last)
{
	mutex_lock(&subject->pages->mutex);
	iopt_area_remove_access(subject->areas[0], start, last);
	mutex_unlock(&subject->pages->mutex);
}

static bool is_one_run(struct subject *subject, unsigned long index)
{
	struct pfn_span span;

	mutex_lock(&subject->pages->mutex);
	pfn_span_find(&span, subject->pages, index, index);
	mutex_unlock(&subject->pages->mutex);
	KUNIT_ASSERT_EQ(subject->test, span.tier, PFN_TIER_ACCESS);
	return span.access->one_run;
}

/*
 * A pin loses its middle, which is pinned again together with a part that is
 * left. Then it loses its front, and its back.
 */
static void undo_in_parts(struct kunit *test, enum user_memory_layout layout,
			  unsigned long start, unsigned long last)
{
	struct subject *subject = blocks_new(test, 3, PIN_ACCOUNT_NONE,
					     layout);
	unsigned long middle = start + (last - start) / 2;

	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0,
						  subject->config.npages - 1));
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, start, last));
	KUNIT_EXPECT_EQ(test, layout == USER_MEMORY_BLOCKS,
			is_one_run(subject, middle));
	unpin_part(subject, middle - 100, middle + 99);
	subject->accesses[0].last = middle - 101;
	subject->accesses[1] = (struct subject_access){
		.area = subject->areas[0], .start = middle + 100, .last = last,
	};
	subject_check(subject);
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 2, 0, middle - 150,
						middle + 49));
	subject_check(subject);
	unpin_part(subject, start, start + 9);
	subject->accesses[0].start = start + 10;
	subject_check(subject);
	subject_unaccess(subject, 0);
	subject_check(subject);
	unpin_part(subject, last, last);
	subject->accesses[1].last = last - 1;
	subject_check(subject);
	subject_unaccess(subject, 2);
	subject_unaccess(subject, 1);
	subject_check(subject);
	KUNIT_EXPECT_TRUE(test, nothing_pinned(subject));
	subject_end(subject);
}

static void lists_are_undone_in_parts(struct kunit *test)
{
	/* Of several intervals, in the middle and at its ends. */
	undo_in_parts(test, USER_MEMORY_REVERSED, 0, 2 * ACCESS_PFNS_MAX);
	/* Of one. */
	undo_in_parts(test, USER_MEMORY_REVERSED, 3, ACCESS_PFNS_MAX + 2);
}

static void runs_are_undone_in_parts(struct kunit *test)
{
	undo_in_parts(test, USER_MEMORY_BLOCKS, USER_MEMORY_BLOCK_PAGES,
		      USER_MEMORY_BLOCK_PAGES + ACCESS_PFNS_MAX - 1);
}

TEST_BOTH_WAYS(pages_large,
	       KUNIT_CASE_PARAM(large_iommu_pages, large_configs_gen_params),
	       KUNIT_CASE(runs_behind_half_a_page),
	       KUNIT_CASE(memory_is_replaced),
	       KUNIT_CASE(more_runs_than_a_batch),
	       KUNIT_CASE(lists_are_undone_in_parts),
	       KUNIT_CASE(runs_are_undone_in_parts),
	       KUNIT_CASE(many_pins_are_undone));

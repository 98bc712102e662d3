// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Batches of PFN runs against an array of PFNs. Runs in the kernel and in user
 * space, see tools/testing/iommufd.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "lib/pfn_batch.h"
#include "test_random.h"

#define MAX_PAGES 20000
#define MAX_ARRAY 96
#define FIRST_RUNS PFN_BATCH_FIRST_RUNS
#define MAX_RUNS (PFN_BATCH_MAX_BYTES / sizeof(struct pfn_run))
#define PAGES_ORDER 6
#define STEPS 4000

/* A batch, and the model: one PFN after the other */
struct subject {
	struct pfn_batch batch;
	struct test_random random;
	struct page *first_page;
	struct page *array[MAX_ARRAY];
	unsigned long npages;
	unsigned long pfns[MAX_PAGES];
};

static unsigned long count_runs(const struct subject *subject)
{
	unsigned long i, count = 0;

	for (i = 0; i < subject->npages; i++)
		if (!i || !subject->pfns[i] ||
		    subject->pfns[i] != subject->pfns[i - 1] + 1)
			count++;
	return count;
}

static bool continues(const struct subject *subject, unsigned long pfn)
{
	return subject->npages && pfn &&
	       subject->pfns[subject->npages - 1] + 1 == pfn;
}

static void append(struct subject *subject, unsigned long pfn,
		   unsigned long npages)
{
	while (npages--)
		subject->pfns[subject->npages++] = pfn++;
}

static unsigned long random_pfn(struct subject *subject)
{
	unsigned int distance = 1 + test_random_below(&subject->random, 50);

	if (subject->npages && test_random_chance(&subject->random, 3))
		return subject->pfns[subject->npages - 1] + 1;
	if (test_random_chance(&subject->random, 10))
		return -(unsigned long)distance;
	if (test_random_chance(&subject->random, 10))
		return distance - 1;
	return test_random_u64(&subject->random) >> 24;
}

static void random_add(struct kunit *test, struct subject *subject)
{
	unsigned long npages = 1 + test_random_below(&subject->random, 20);
	struct pfn_batch *batch = &subject->batch;
	unsigned long pfn = random_pfn(subject);
	unsigned int nruns = batch->nruns;
	bool fits;

	/* No run goes beyond the highest PFN. */
	npages = min(npages, -pfn - 1);
	npages = npages ?: 1;
	if (subject->npages + npages > MAX_PAGES)
		return;

	fits = nruns < batch->capacity || continues(subject, pfn);
	KUNIT_ASSERT_EQ(test, fits, pfn_batch_add(batch, pfn, npages));
	if (fits)
		append(subject, pfn, npages);
	else
		KUNIT_ASSERT_EQ(test, nruns, batch->nruns);
}

static unsigned long fill_array(struct subject *subject)
{
	unsigned long npages = test_random_below(&subject->random, MAX_ARRAY);
	unsigned long i, index = 0;

	for (i = 0; i < npages; i++, index++) {
		if (test_random_chance(&subject->random, 3))
			index = test_random_u64(&subject->random);
		index %= 1UL << PAGES_ORDER;
		subject->array[i] = subject->first_page + index;
	}
	return npages;
}

static void random_add_pages(struct kunit *test, struct subject *subject)
{
	unsigned long npages = fill_array(subject);
	struct pfn_batch *batch = &subject->batch;
	unsigned long i, taken;

	if (subject->npages + npages > MAX_PAGES)
		return;
	taken = pfn_batch_add_pages(batch, subject->array, npages);
	KUNIT_ASSERT_LE(test, taken, npages);
	for (i = 0; i < taken; i++)
		append(subject, page_to_pfn(subject->array[i]), 1);
	if (taken == npages)
		return;
	KUNIT_ASSERT_EQ(test, batch->nruns, batch->capacity);
	KUNIT_ASSERT_FALSE(test, continues(subject,
					   page_to_pfn(subject->array[taken])));
}

static void clear(struct subject *subject)
{
	pfn_batch_clear(&subject->batch);
	subject->npages = 0;
}

static void random_grow(struct kunit *test, struct subject *subject)
{
	unsigned long npages = test_random_below(&subject->random,
						 2 * MAX_RUNS);
	struct pfn_batch *batch = &subject->batch;
	unsigned int before = batch->capacity;

	clear(subject);
	if (test_random_chance(&subject->random, 2))
		pfn_batch_grow(batch, npages);
	else
		pfn_batch_grow_more(batch, npages);
	KUNIT_ASSERT_TRUE(test, batch->capacity >= before);
	KUNIT_ASSERT_TRUE(test, batch->capacity <= MAX_RUNS);
	if (batch->capacity != before)
		KUNIT_ASSERT_TRUE(test, batch->capacity <= npages);
}

static void destroy(struct kunit *test, struct subject *subject)
{
	struct pfn_batch *batch = &subject->batch;

	pfn_batch_destroy(batch);
	subject->npages = 0;
	KUNIT_ASSERT_PTR_EQ(test, batch->runs, &batch->inline_runs[0]);
	KUNIT_ASSERT_EQ(test, batch->capacity, PFN_BATCH_INLINE_RUNS);
}

static void check_walk(struct kunit *test, struct subject *subject,
		       unsigned long first, unsigned long npages)
{
	unsigned long i = first, k, pieces = 0;
	struct pfn_batch_iter iter;

	pfn_batch_for_each_run(&iter, &subject->batch, first, npages) {
		KUNIT_ASSERT_LE(test, iter.npages, first + npages - i);
		for (k = 0; k < iter.npages; k++)
			if (subject->pfns[i++] != iter.pfn + k)
				break;
		KUNIT_ASSERT_EQ(test, k, iter.npages);
		pieces++;
	}
	KUNIT_ASSERT_EQ(test, i, first + npages);
	if (!first && npages == subject->npages)
		KUNIT_ASSERT_EQ(test, pieces,
				(unsigned long)subject->batch.nruns);
}

/* Compare what a walk is on with the model; returns how many pages that is. */
static unsigned long check_piece(struct kunit *test, struct subject *subject,
				 const struct pfn_batch_iter *iter,
				 unsigned long at, unsigned long left)
{
	unsigned long i;

	KUNIT_ASSERT_EQ(test, iter->left, left);
	KUNIT_ASSERT_LE(test, iter->npages, left);
	for (i = 0; i < iter->npages; i++)
		if (subject->pfns[at + i] != iter->pfn + i)
			break;
	KUNIT_ASSERT_EQ(test, i, iter->npages);
	return iter->npages;
}

/* One walk in steps of any length, over some of which it goes without a look. */
static void check_steps(struct kunit *test, struct subject *subject)
{
	unsigned long at = test_random_below(&subject->random,
					     subject->npages + 1);
	struct pfn_batch_iter iter;

	pfn_batch_iter_first(&iter, &subject->batch, at, 0);
	KUNIT_ASSERT_EQ(test, iter.npages, 0UL);
	while (at < subject->npages) {
		unsigned long left = subject->npages - at;
		unsigned long piece, step;

		if (test_random_chance(&subject->random, 2))
			left = min(left, 30UL);
		step = test_random_below(&subject->random, left + 1);
		if (test_random_chance(&subject->random, 3)) {
			pfn_batch_iter_skip(&iter, step);
			at += step;
		} else {
			pfn_batch_iter_continue(&iter, step);
			for (; iter.npages; pfn_batch_iter_next(&iter)) {
				piece = check_piece(test, subject, &iter, at,
						    step);
				at += piece;
				step -= piece;
			}
			KUNIT_ASSERT_EQ(test, step, 0UL);
		}
		KUNIT_ASSERT_EQ(test, iter.npages, 0UL);
	}
	pfn_batch_iter_continue(&iter, 0);
	pfn_batch_iter_skip(&iter, 0);
	KUNIT_ASSERT_EQ(test, iter.npages, 0UL);
	KUNIT_ASSERT_PTR_EQ(test, iter.run,
			    subject->batch.runs + subject->batch.nruns);
}

static void check(struct kunit *test, struct subject *subject)
{
	unsigned long first, npages;

	KUNIT_ASSERT_EQ(test, subject->batch.npages, subject->npages);
	KUNIT_ASSERT_LE(test, subject->batch.nruns, subject->batch.capacity);
	KUNIT_ASSERT_EQ(test, (unsigned long)subject->batch.nruns,
			count_runs(subject));
	KUNIT_ASSERT_TRUE(test, pfn_batch_valid(&subject->batch));

	first = test_random_below(&subject->random, subject->npages + 1);
	npages = test_random_below(&subject->random,
				   subject->npages - first + 1);
	check_walk(test, subject, first, npages);
	check_walk(test, subject, 0, subject->npages);
	check_steps(test, subject);
}

static void random_step(struct kunit *test, struct subject *subject)
{
	switch (test_random_below(&subject->random, 64)) {
	case 0:
		clear(subject);
		break;
	case 1:
		random_grow(test, subject);
		break;
	case 2:
		destroy(test, subject);
		break;
	case 3 ... 15:
		random_add_pages(test, subject);
		break;
	default:
		random_add(test, subject);
	}
}

static struct subject *new_subject(struct kunit *test)
{
	struct subject *subject;

	subject = kunit_kzalloc(test, sizeof(*subject), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, subject);
	subject->random.state = test_seed();
	pfn_batch_init(&subject->batch);
	return subject;
}

static void random_operations(struct kunit *test)
{
	struct subject *subject = new_subject(test);
	unsigned int step;

	subject->first_page = alloc_pages(GFP_KERNEL, PAGES_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, subject->first_page);
	kunit_info(test, "seed %lu", test_seed());
	for (step = 0; step < STEPS; step++) {
		random_step(test, subject);
		check(test, subject);
	}
	pfn_batch_destroy(&subject->batch);
	__free_pages(subject->first_page, PAGES_ORDER);
}

static void merges_what_is_contiguous(struct kunit *test)
{
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, 100, 10));
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, 110, 1));
	KUNIT_EXPECT_EQ(test, batch.nruns, 1);
	KUNIT_EXPECT_EQ(test, batch.runs[0].npages, 11UL);
	/* Neither a gap, nor a repetition, nor the other direction. */
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, 112, 1));
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, 112, 1));
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, 111, 1));
	KUNIT_EXPECT_EQ(test, batch.nruns, 4);
	KUNIT_EXPECT_EQ(test, batch.npages, 14UL);
}

static void does_not_merge_around_the_top(struct kunit *test)
{
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, ULONG_MAX - 1, 2));
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, 0, 1));
	KUNIT_EXPECT_EQ(test, batch.nruns, 2);
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, 1, 1));
	KUNIT_EXPECT_EQ(test, batch.nruns, 2);
	KUNIT_EXPECT_EQ(test, batch.npages, 4UL);
}

static void h30_full_batch_still_merges(struct kunit *test)
{
	struct pfn_batch batch;
	unsigned long i;

	pfn_batch_init(&batch);
	for (i = 0; i < PFN_BATCH_INLINE_RUNS; i++)
		KUNIT_ASSERT_TRUE(test, pfn_batch_add(&batch, i * 2, 1));
	KUNIT_EXPECT_FALSE(test, pfn_batch_add(&batch, i * 2, 1));
	KUNIT_EXPECT_EQ(test, batch.npages, i);
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, i * 2 - 1, 5));
	KUNIT_EXPECT_EQ(test, batch.npages, i + 5);
	KUNIT_EXPECT_EQ(test, batch.nruns, PFN_BATCH_INLINE_RUNS);

	pfn_batch_clear(&batch);
	KUNIT_EXPECT_EQ(test, batch.npages, 0UL);
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, 7, 1));
	KUNIT_EXPECT_EQ(test, batch.nruns, 1);
}

struct grow_case {
	const char *name;
	unsigned long npages;
	unsigned int first;
	unsigned int second;
};

static const struct grow_case grow_cases[] = {
	{ "no page", 0, PFN_BATCH_INLINE_RUNS, PFN_BATCH_INLINE_RUNS },
	{ "as many as inline", PFN_BATCH_INLINE_RUNS, PFN_BATCH_INLINE_RUNS,
	  PFN_BATCH_INLINE_RUNS },
	{ "one more", PFN_BATCH_INLINE_RUNS + 1, PFN_BATCH_INLINE_RUNS + 1,
	  PFN_BATCH_INLINE_RUNS + 1 },
	{ "the first limit", FIRST_RUNS, FIRST_RUNS, FIRST_RUNS },
	{ "above the first limit", FIRST_RUNS + 1, FIRST_RUNS, FIRST_RUNS + 1 },
	{ "the limit", MAX_RUNS, FIRST_RUNS, MAX_RUNS },
	{ "above the limit", MAX_RUNS + 1, FIRST_RUNS, MAX_RUNS },
	{ "everything", ULONG_MAX, FIRST_RUNS, MAX_RUNS },
};

KUNIT_ARRAY_PARAM_DESC(grow_cases, grow_cases, name);

static void fill_with_short_runs(struct kunit *test, struct pfn_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->capacity; i++) {
		KUNIT_ASSERT_FALSE(test, pfn_batch_full(batch));
		KUNIT_ASSERT_TRUE(test, pfn_batch_add(batch, i * 2, 1));
	}
	KUNIT_EXPECT_TRUE(test, pfn_batch_full(batch));
	KUNIT_EXPECT_FALSE(test, pfn_batch_add(batch, i * 2, 1));
}

static void grow_takes_what_is_needed(struct kunit *test)
{
	const struct grow_case *param = test->param_value;
	struct subject *subject = new_subject(test);
	struct pfn_batch *batch = &subject->batch;

	pfn_batch_grow(batch, param->npages);
	KUNIT_EXPECT_EQ(test, batch->capacity, param->first);
	fill_with_short_runs(test, batch);
	pfn_batch_restart(batch, param->npages);
	KUNIT_EXPECT_EQ(test, batch->nruns, 0U);
	KUNIT_EXPECT_EQ(test, batch->capacity, param->second);
	fill_with_short_runs(test, batch);
	pfn_batch_destroy(batch);
	KUNIT_EXPECT_EQ(test, batch->capacity, PFN_BATCH_INLINE_RUNS);
	KUNIT_EXPECT_EQ(test, batch->npages, 0UL);
}

/* However many pages there are in it: huge ones do not need a larger one. */
static void with_room_left_it_does_not_grow(struct kunit *test)
{
	struct subject *subject = new_subject(test);
	struct pfn_batch *batch = &subject->batch;
	unsigned int i;

	/* For several areas, one after the other. */
	pfn_batch_grow(batch, PFN_BATCH_INLINE_RUNS + 1);
	pfn_batch_grow(batch, 400);
	KUNIT_EXPECT_EQ(test, batch->capacity, 400U);
	pfn_batch_grow(batch, ULONG_MAX);
	for (i = 0; i < FIRST_RUNS - 1; i++)
		KUNIT_ASSERT_TRUE(test, pfn_batch_add(batch, i * 1024, 512));
	pfn_batch_restart(batch, ULONG_MAX);
	KUNIT_EXPECT_EQ(test, batch->npages, 0UL);
	KUNIT_EXPECT_EQ(test, batch->capacity, FIRST_RUNS);
	pfn_batch_grow(batch, ULONG_MAX);
	KUNIT_EXPECT_EQ(test, batch->capacity, FIRST_RUNS);
	pfn_batch_destroy(batch);
}

#ifndef __KERNEL__
static void grow_without_memory(struct kunit *test)
{
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	test_slab_fail_from(0);
	pfn_batch_grow(&batch, MAX_RUNS);
	KUNIT_EXPECT_EQ(test, batch.capacity, PFN_BATCH_INLINE_RUNS);
	KUNIT_EXPECT_PTR_EQ(test, batch.runs, &batch.inline_runs[0]);

	/* An eighth of what is wanted is more than nothing. */
	test_slab_fail_from(FIRST_RUNS * sizeof(struct pfn_run) / 8 + 1);
	pfn_batch_grow(&batch, MAX_RUNS);
	KUNIT_EXPECT_EQ(test, batch.capacity, FIRST_RUNS / 8);
	KUNIT_EXPECT_EQ(test, test_slab_in_use(), 1UL);

	/* What it has it keeps. */
	pfn_batch_grow_more(&batch, MAX_RUNS);
	KUNIT_EXPECT_EQ(test, batch.capacity, FIRST_RUNS / 8);
	test_slab_fail_from(SIZE_MAX);
	pfn_batch_grow_more(&batch, MAX_RUNS);
	KUNIT_EXPECT_EQ(test, batch.capacity, FIRST_RUNS);
	pfn_batch_grow_more(&batch, MAX_RUNS);
	KUNIT_EXPECT_EQ(test, batch.capacity, MAX_RUNS);
	KUNIT_EXPECT_EQ(test, test_slab_in_use(), 1UL);
	pfn_batch_destroy(&batch);
}

static void random_operations_short_of_memory(struct kunit *test)
{
	struct subject *subject = new_subject(test);
	unsigned int step;

	subject->first_page = alloc_pages(GFP_KERNEL, PAGES_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, subject->first_page);
	for (step = 0; step < STEPS; step++) {
		test_slab_fail_from(16ULL << test_random_below(&subject->random,
							       14));
		random_step(test, subject);
		check(test, subject);
	}
	pfn_batch_destroy(&subject->batch);
	__free_pages(subject->first_page, PAGES_ORDER);
}
#endif

static void walk_of_nothing(struct kunit *test)
{
	struct pfn_batch_iter iter;
	struct pfn_batch batch;
	unsigned int pieces = 0;

	pfn_batch_init(&batch);
	pfn_batch_for_each_run(&iter, &batch, 0, 0)
		pieces++;
	KUNIT_EXPECT_TRUE(test, pfn_batch_add(&batch, 5, 5));
	pfn_batch_for_each_run(&iter, &batch, 5, 0)
		pieces++;
	KUNIT_EXPECT_EQ(test, pieces, 0);
}

/* The end of a step in the middle of a run, at its end, and at that of all. */
static void walk_goes_on(struct kunit *test)
{
	struct pfn_batch_iter iter;
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	KUNIT_ASSERT_TRUE(test, pfn_batch_add(&batch, 100, 10));
	KUNIT_ASSERT_TRUE(test, pfn_batch_add(&batch, 200, 10));
	pfn_batch_iter_first(&iter, &batch, 0, 3);
	KUNIT_EXPECT_EQ(test, iter.npages, 3UL);
	pfn_batch_iter_next(&iter);
	KUNIT_EXPECT_EQ(test, iter.npages, 0UL);
	pfn_batch_iter_continue(&iter, 7);
	KUNIT_EXPECT_EQ(test, iter.pfn, 103UL);
	KUNIT_EXPECT_EQ(test, iter.npages, 7UL);
	pfn_batch_iter_next(&iter);
	pfn_batch_iter_skip(&iter, 9);
	pfn_batch_iter_skip(&iter, 0);
	pfn_batch_iter_continue(&iter, 1);
	KUNIT_EXPECT_EQ(test, iter.pfn, 209UL);
	KUNIT_EXPECT_EQ(test, iter.npages, 1UL);
	pfn_batch_iter_next(&iter);
	KUNIT_EXPECT_EQ(test, iter.npages, 0UL);
	KUNIT_EXPECT_PTR_EQ(test, iter.run, batch.runs + 2);
}

static void hands_out_what_was_added(struct kunit *test)
{
	static const unsigned int indexes[] = { 0, 1, 2, 9, 4, 5, 5, 63 };
	struct page *in[ARRAY_SIZE(indexes)], *out[ARRAY_SIZE(indexes) + 1];
	struct page *first = alloc_pages(GFP_KERNEL, PAGES_ORDER);
	struct pfn_batch batch;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, first);
	for (i = 0; i < ARRAY_SIZE(indexes); i++)
		in[i] = first + indexes[i];
	pfn_batch_init(&batch);
	KUNIT_EXPECT_EQ(test, (unsigned long)ARRAY_SIZE(indexes),
			pfn_batch_add_pages(&batch, in, ARRAY_SIZE(indexes)));
	out[ARRAY_SIZE(indexes)] = NULL;
	pfn_batch_to_pages(&batch, out);
	for (i = 0; i < ARRAY_SIZE(indexes); i++)
		KUNIT_EXPECT_PTR_EQ(test, in[i], out[i]);
	KUNIT_EXPECT_PTR_EQ(test, (struct page *)NULL,
			    out[ARRAY_SIZE(indexes)]);
	__free_pages(first, PAGES_ORDER);
}

static struct kunit_case pfn_batch_cases[] = {
	KUNIT_CASE(merges_what_is_contiguous),
	KUNIT_CASE(does_not_merge_around_the_top),
	KUNIT_CASE(h30_full_batch_still_merges),
	KUNIT_CASE_PARAM(grow_takes_what_is_needed, grow_cases_gen_params),
	KUNIT_CASE(with_room_left_it_does_not_grow),
	KUNIT_CASE(walk_of_nothing),
	KUNIT_CASE(walk_goes_on),
	KUNIT_CASE(hands_out_what_was_added),
#ifndef __KERNEL__
	KUNIT_CASE(grow_without_memory),
	KUNIT_CASE(random_operations_short_of_memory),
#endif
	KUNIT_CASE(random_operations),
	{}
};

static struct kunit_suite pfn_batch_suite = {
	.name = "iommufd_pfn_batch",
	.test_cases = pfn_batch_cases,
};

kunit_test_suite(pfn_batch_suite);

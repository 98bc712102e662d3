// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Sparse bits against an array.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "lib/sparse_bits.h"
#include "test_random.h"

#define CELLS 512UL
#define STEPS 4000

/* Where the bits begin; the last place ends with the last bit there is. */
static const unsigned long places[] = {
	0, SPARSE_WORD_BITS - 3, 1UL << 20, ULONG_MAX - CELLS + 1,
};

/* The bits, and the model: what is set, and where memory is kept */
struct subject {
	struct kunit *test;
	struct test_random random;
	struct sparse_bits bits;
	unsigned long base;
	DECLARE_BITMAP(set, CELLS);
	DECLARE_BITMAP(kept, CELLS);
};

/* First and last cell of the word that a cell is in, as far as there are any. */
static unsigned long word_start(const struct subject *subject,
				unsigned long cell)
{
	unsigned long inside = (subject->base + cell) % SPARSE_WORD_BITS;

	return cell > inside ? cell - inside : 0;
}

static unsigned long word_end(const struct subject *subject, unsigned long cell)
{
	unsigned long inside = (subject->base + cell) % SPARSE_WORD_BITS;

	return min(cell + (SPARSE_WORD_BITS - 1 - inside), CELLS - 1);
}

static void random_range(struct subject *subject, unsigned long *first,
			 unsigned long *last)
{
	*first = test_random_below(&subject->random, CELLS);
	*last = min(*first + test_random_below(&subject->random, 100),
		    CELLS - 1);
}

static void model_keep(struct subject *subject, unsigned long first,
		       unsigned long last)
{
	first = word_start(subject, first);
	bitmap_set(subject->kept, first, word_end(subject, last) - first + 1);
}

static void do_set(struct subject *subject, unsigned long first,
		   unsigned long last)
{
	KUNIT_EXPECT_EQ(subject->test, 0,
			sparse_bits_set(&subject->bits, subject->base + first,
					subject->base + last, GFP_KERNEL));
	bitmap_set(subject->set, first, last - first + 1);
	model_keep(subject, first, last);
}

static void do_set_again(struct subject *subject, unsigned long first,
			 unsigned long last)
{
	sparse_bits_set_again(&subject->bits, subject->base + first,
			      subject->base + last);
	for (; first <= last; first++)
		if (test_bit(first, subject->kept))
			__set_bit(first, subject->set);
}

static void do_forget(struct subject *subject, unsigned long first,
		      unsigned long last)
{
	unsigned long cell, end;

	sparse_bits_forget(&subject->bits, subject->base + first,
			   subject->base + last);
	bitmap_clear(subject->set, first, last - first + 1);
	for (cell = word_start(subject, first); cell <= last; cell = end + 1) {
		end = word_end(subject, cell);
		if (find_next_bit(subject->set, end + 1, cell) > end)
			bitmap_clear(subject->kept, cell, end - cell + 1);
	}
}

/* Read a range, word by word, and compare. */
static void do_read(struct subject *subject, unsigned long first,
		    unsigned long last, bool clear)
{
	DECLARE_BITMAP(found, CELLS) = {};
	DECLARE_BITMAP(expected, CELLS) = {};
	unsigned long from = subject->base + first, bit;
	struct sparse_word word;

	for_each_set_bit(bit, subject->set, CELLS)
		if (bit >= first && bit <= last)
			__set_bit(bit, expected);
	while (sparse_bits_find(&subject->bits, from, subject->base + last,
				clear, &word)) {
		for_each_set_bit(bit, &word.bits, SPARSE_WORD_BITS)
			__set_bit(word.first + bit - subject->base, found);
		from = word.first + SPARSE_WORD_BITS;
		/* The last bit there is has no successor. */
		if (!from || from > subject->base + last)
			break;
	}
	KUNIT_EXPECT_TRUE(subject->test, bitmap_equal(found, expected, CELLS));
	if (clear)
		bitmap_clear(subject->set, first, last - first + 1);
}

static void do_something(struct subject *subject)
{
	unsigned long first, last;

	random_range(subject, &first, &last);
	switch (test_random_below(&subject->random, 5)) {
	case 0:
		return do_set(subject, first, last);
	case 1:
		return do_set_again(subject, first, last);
	case 2:
		return do_forget(subject, first, last);
	case 3:
		return do_read(subject, first, last, false);
	}
	do_read(subject, first, last, true);
}

static void bits_are_as_in_an_array(struct kunit *test)
{
	struct subject *subject = kunit_kzalloc(test, sizeof(*subject),
						GFP_KERNEL);
	unsigned int place, i;

	KUNIT_ASSERT_NOT_NULL(test, subject);
	subject->test = test;
	subject->random.state = test_seed();
	sparse_bits_init(&subject->bits);
	for (place = 0; place < ARRAY_SIZE(places); place++) {
		subject->base = places[place];
		for (i = 0; i < STEPS; i++)
			do_something(subject);
		do_read(subject, 0, CELLS - 1, false);
		do_forget(subject, 0, CELLS - 1);
		KUNIT_EXPECT_TRUE(test, bitmap_empty(subject->kept, CELLS));
		KUNIT_EXPECT_TRUE(test, sparse_bits_empty(&subject->bits));
	}
}

static void clearing_keeps_the_memory(struct kunit *test)
{
	struct sparse_bits bits;
	struct sparse_word word;

	sparse_bits_init(&bits);
	sparse_bits_set_again(&bits, 5, 6);
	KUNIT_EXPECT_TRUE(test, sparse_bits_empty(&bits));
	KUNIT_ASSERT_EQ(test, 0, sparse_bits_set(&bits, 5, 6, GFP_KERNEL));
	KUNIT_EXPECT_TRUE(test, sparse_bits_find(&bits, 6, 9, true, &word));
	KUNIT_EXPECT_EQ(test, 0UL, word.first);
	KUNIT_EXPECT_EQ(test, BIT(6), word.bits);
	KUNIT_EXPECT_FALSE(test, sparse_bits_find(&bits, 6, 9, true, &word));
	sparse_bits_set_again(&bits, 6, 7);
	KUNIT_EXPECT_TRUE(test, sparse_bits_find(&bits, 0, 9, true, &word));
	KUNIT_EXPECT_EQ(test, BIT(5) | BIT(6) | BIT(7), word.bits);
	KUNIT_EXPECT_FALSE(test, sparse_bits_empty(&bits));
	sparse_bits_forget(&bits, 0, ULONG_MAX);
	KUNIT_EXPECT_TRUE(test, sparse_bits_empty(&bits));
}

/* Many words, so that others get their turn in between. */
static void everything_is_forgotten(struct kunit *test)
{
	const unsigned long far = 1UL << (BITS_PER_LONG - 4);
	struct sparse_bits bits;
	struct sparse_word word;

	sparse_bits_init(&bits);
	KUNIT_EXPECT_EQ(test, 0, sparse_bits_set(&bits, 1, 100000, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, sparse_bits_set(&bits, far, far, GFP_KERNEL));
	sparse_bits_forget(&bits, 2, far - 1);
	KUNIT_EXPECT_TRUE(test, sparse_bits_find(&bits, 0, far, true, &word));
	KUNIT_EXPECT_EQ(test, BIT(1), word.bits);
	KUNIT_EXPECT_TRUE(test, sparse_bits_find(&bits, 0, far, true, &word));
	KUNIT_EXPECT_EQ(test, far, word.first + __ffs(word.bits));
	KUNIT_EXPECT_FALSE(test, sparse_bits_find(&bits, 0, far, true, &word));
	sparse_bits_forget(&bits, 0, ULONG_MAX);
	KUNIT_EXPECT_TRUE(test, sparse_bits_empty(&bits));
}

static struct kunit_case sparse_bits_cases[] = {
	KUNIT_CASE(bits_are_as_in_an_array),
	KUNIT_CASE(clearing_keeps_the_memory),
	KUNIT_CASE(everything_is_forgotten),
	{}
};

static struct kunit_suite sparse_bits_suite = {
	.name = "iommufd_sparse_bits",
	.test_cases = sparse_bits_cases,
};

kunit_test_suite(sparse_bits_suite);

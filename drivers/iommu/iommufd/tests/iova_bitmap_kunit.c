// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Bitmaps in real user memory, compared byte for byte with a plain model: what
 * surrounds the bitmap included, so that a stray write shows.
 */
#include <linux/iova_bitmap.h>

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

/* Bits are added to what is there, so every other fill is not just zeros */
#define FILL 0x42

/* More than two windows, if one has up to 1 MiB of the bitmap */
#define LARGE_NPAGES (SZ_2M / PAGE_SIZE + 3)

#define MAX_RECORDS 64

/**
 * struct record - One call of iova_bitmap_set()
 * @iova: its first byte
 * @length: its bytes
 */
struct record {
	unsigned long iova;
	size_t length;
};

/**
 * struct arena - User memory, and what should be in it
 * @user: its address
 * @size: bytes
 * @nfills: how often it was filled
 * @expected: what the model makes of it
 * @actual: room for a copy of it
 */
struct arena {
	unsigned long user;
	size_t size;
	unsigned int nfills;
	u8 *expected;
	u8 *actual;
};

/**
 * struct bitmap_case - A bitmap, what is recorded in it, and what was seen
 * @iova: first byte of the range
 * @length: bytes of the range
 * @page_size: bytes per bit
 * @offset: where in the arena the bitmap begins
 * @records: to be set while the first window is visited
 * @nrecords: number of @records
 * @seed: what the case was made from, for the message about its failure
 * @stop_at: the visit that returns @stop_with, counted from 1
 * @stop_with: not 0 ends it
 * @visits: output, how often the function was called
 * @next: output, first byte not visited yet
 * @gaps: output, how many visits did not begin at @next, or were empty
 */
struct bitmap_case {
	unsigned long iova;
	size_t length;
	unsigned long page_size;
	size_t offset;
	struct record records[MAX_RECORDS];
	unsigned int nrecords;
	unsigned int seed;
	unsigned int stop_at;
	int stop_with;
	unsigned int visits;
	unsigned long next;
	unsigned int gaps;
};

KUNIT_DEFINE_ACTION_WRAPPER(kvfree_wrapper, kvfree, const void *);

static u8 *test_buffer(struct kunit *test, size_t size)
{
	u8 *buffer = kvzalloc(size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, kvfree_wrapper,
						  buffer));
	return buffer;
}

static unsigned long test_mmap(struct kunit *test, unsigned long address,
			       size_t size, unsigned long prot)
{
	unsigned long flags = MAP_PRIVATE | MAP_ANONYMOUS;

	if (address)
		flags |= MAP_FIXED;
	address = kunit_vm_mmap(test, NULL, address, size, prot, flags, 0);
	KUNIT_ASSERT_NE(test, 0, address);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	return address;
}

static void arena_fill(struct kunit *test, struct arena *arena)
{
	memset(arena->expected, arena->nfills++ % 2 ? FILL : 0, arena->size);
	KUNIT_ASSERT_EQ(test, 0,
			copy_to_user((void __user *)arena->user,
				     arena->expected, arena->size));
}

static struct arena *arena_alloc(struct kunit *test, size_t npages)
{
	struct arena *arena = kunit_kzalloc(test, sizeof(*arena), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, arena);
	arena->size = npages * PAGE_SIZE;
	/* The model works in units of u64 that may reach out of the arena */
	arena->expected = test_buffer(test, arena->size + sizeof(u64));
	arena->actual = test_buffer(test, arena->size);
	arena->user = test_mmap(test, 0, arena->size, PROT_READ | PROT_WRITE);
	arena_fill(test, arena);
	return arena;
}

/* The first byte that is not as expected, or the size of the arena */
static size_t arena_compare(struct kunit *test, struct arena *arena)
{
	size_t i = 0;

	KUNIT_ASSERT_EQ(test, 0,
			copy_from_user(arena->actual,
				       (void __user *)arena->user,
				       arena->size));
	if (!memcmp(arena->expected, arena->actual, arena->size))
		return arena->size;
	while (arena->expected[i] == arena->actual[i])
		i++;
	return i;
}

static bool page_pinned(struct kunit *test, unsigned long address)
{
	struct page *page;
	bool pinned;

	KUNIT_ASSERT_EQ(test, 1, get_user_pages_fast(address, 1, 0, &page));
	pinned = folio_maybe_dma_pinned(page_folio(page));
	put_page(page);
	return pinned;
}

static void arena_expect_unpinned(struct kunit *test, struct arena *arena,
				  size_t npages)
{
	size_t i;

	for (i = 0; i < npages; i++)
		KUNIT_EXPECT_FALSE_MSG(test,
				       page_pinned(test, arena->user +
							 i * PAGE_SIZE),
				       "page %zu", i);
}

static unsigned long case_last(const struct bitmap_case *c)
{
	return c->iova + (c->length - 1);
}

static u64 __user *case_data(const struct arena *arena,
			     const struct bitmap_case *c)
{
	return (u64 __user *)(arena->user + c->offset);
}

static struct iova_bitmap *case_alloc(struct kunit *test, struct arena *arena,
				      const struct bitmap_case *c)
{
	struct iova_bitmap *bitmap;

	bitmap = iova_bitmap_alloc(c->iova, c->length, c->page_size,
				   case_data(arena, c));
	KUNIT_ASSERT_FALSE(test, IS_ERR(bitmap));
	return bitmap;
}

static void model_set_bit(struct arena *arena, const struct bitmap_case *c,
			  unsigned long bit)
{
	u64 *word = (u64 *)(arena->expected + c->offset) + bit / 64;

	put_unaligned(get_unaligned(word) | 1ULL << (bit % 64), word);
}

static void model_set(struct arena *arena, const struct bitmap_case *c,
		      const struct record *record)
{
	unsigned long last = record->iova + (record->length - 1);
	unsigned long start = record->iova;
	unsigned long bit;

	if (!record->length)
		return;
	if (last < start)
		last = ULONG_MAX;
	if (last < c->iova || start > case_last(c))
		return;
	if (start < c->iova)
		start = c->iova;
	if (last > case_last(c))
		last = case_last(c);
	for (bit = (start - c->iova) / c->page_size;
	     bit <= (last - c->iova) / c->page_size; bit++)
		model_set_bit(arena, c, bit);
}

static void model_run(struct arena *arena, const struct bitmap_case *c)
{
	unsigned int i;

	for (i = 0; i < c->nrecords; i++)
		model_set(arena, c, &c->records[i]);
}

static int visit(struct iova_bitmap *bitmap, unsigned long iova, size_t length,
		 void *opaque)
{
	struct bitmap_case *c = opaque;
	unsigned int i;

	if (iova != c->next || !length)
		c->gaps++;
	c->next = iova + length;
	if (!c->visits)
		for (i = 0; i < c->nrecords; i++)
			iova_bitmap_set(bitmap, c->records[i].iova,
					c->records[i].length);
	c->visits++;
	return c->visits == c->stop_at ? c->stop_with : 0;
}

static int case_visit(struct kunit *test, struct arena *arena,
		      struct bitmap_case *c)
{
	struct iova_bitmap *bitmap = case_alloc(test, arena, c);
	int ret;

	c->visits = 0;
	c->gaps = 0;
	c->next = c->iova;
	ret = iova_bitmap_for_each(bitmap, c, visit);
	iova_bitmap_free(bitmap);
	return ret;
}

/* Visits the whole range and compares windows and memory with the model */
static void case_check(struct kunit *test, struct arena *arena,
		       struct bitmap_case *c)
{
	model_run(arena, c);
	KUNIT_ASSERT_EQ(test, 0, case_visit(test, arena, c));
	KUNIT_ASSERT_EQ(test, 0, c->gaps);
	KUNIT_ASSERT_EQ(test, c->iova + c->length, c->next);
	KUNIT_ASSERT_EQ_MSG(test, arena->size, arena_compare(test, arena),
			    "seed %u iova %lx length %zx page_size %lx offset %zx first record %lx %zx",
			    c->seed, c->iova, c->length, c->page_size,
			    c->offset, c->records[0].iova,
			    c->records[0].length);
}

static void add_record(struct bitmap_case *c, unsigned long iova,
		       size_t length)
{
	c->records[c->nrecords].iova = iova;
	c->records[c->nrecords].length = length;
	c->nrecords++;
}

static void alloc_refuses_bad_arguments(struct kunit *test)
{
	const struct {
		unsigned long iova;
		size_t length;
		unsigned long page_size;
		unsigned long data;
		long error;
	} cases[] = {
		{ 0, 0, 4096, 0, -EINVAL },
		{ ULONG_MAX, 0, 4096, 0, -EINVAL },
		{ 0, 4096, 0, 0, -EINVAL },
		{ 0, 4096, 3, 0, -EINVAL },
		{ 0, 4096, 0x3000, 0, -EINVAL },
		{ 0, 4096, ULONG_MAX, 0, -EINVAL },
		{ 2, SIZE_MAX, 4096, 0, -EOVERFLOW },
		{ ULONG_MAX, 2, 4096, 0, -EOVERFLOW },
		{ ULONG_MAX - 4095, 4097, 4096, 0, -EOVERFLOW },
		{ 0, 65 * 4096, 4096, TASK_SIZE_MAX - 8, -EFAULT },
		{ 0, 4096, 4096, ALIGN_DOWN(ULONG_MAX, 8), -EFAULT },
	};
	struct iova_bitmap *bitmap;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bitmap = iova_bitmap_alloc(cases[i].iova, cases[i].length,
					   cases[i].page_size,
					   (u64 __user *)cases[i].data);
		KUNIT_EXPECT_EQ_MSG(test, cases[i].error, PTR_ERR(bitmap),
				    "case %u", i);
		if (!IS_ERR(bitmap))
			iova_bitmap_free(bitmap);
	}
}

static void alloc_takes_extreme_arguments(struct kunit *test)
{
	static const struct {
		unsigned long iova;
		size_t length;
		unsigned long page_size;
	} cases[] = {
		{ 0, 1, 1 },
		{ 0, SIZE_MAX, 1UL << (BITS_PER_LONG - 1) },
		{ 1, SIZE_MAX - 1, 1UL << (BITS_PER_LONG - 2) },
		{ ULONG_MAX, 1, 4096 },
		{ ULONG_MAX - 4095, 4096, 4096 },
	};
	struct arena *arena = arena_alloc(test, 1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bitmap_case c = {
			.iova = cases[i].iova,
			.length = cases[i].length,
			.page_size = cases[i].page_size,
			.offset = 8,
		};

		arena_fill(test, arena);
		add_record(&c, case_last(&c), 1);
		case_check(test, arena, &c);
	}
}

/* Every start and end of a record, around every kind of border of the bitmap */
static void records_around_borders(struct kunit *test)
{
	static const size_t offsets[] = {
		0, 1, 7, 8, 9, 64, PAGE_SIZE - 16, PAGE_SIZE - 9, PAGE_SIZE - 8,
		PAGE_SIZE - 7, PAGE_SIZE - 1, PAGE_SIZE,
	};
	static const unsigned int sizes[] = { 1, 7, 8, 9, 64, 71 };
	struct arena *arena = arena_alloc(test, 2);
	struct bitmap_case c = { .iova = SZ_1M, .page_size = SZ_4K };
	unsigned int i, j, start, end;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN) && offsets[i] % 8)
			continue;
		c.offset = offsets[i];
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			c.length = sizes[j] * c.page_size;
			for (start = 0; start < sizes[j]; start++) {
				end = start + 1 + (start * 5 + i) % (sizes[j] - start);
				arena_fill(test, arena);
				c.nrecords = 0;
				add_record(&c, c.iova + start * c.page_size,
					   (end - start) * c.page_size);
				case_check(test, arena, &c);
			}
		}
	}
	arena_expect_unpinned(test, arena, 2);
}

static void records_of_every_length(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, 2);
	struct bitmap_case c = {
		.iova = SZ_1M,
		.page_size = SZ_4K,
		.length = 140 * SZ_4K,
		.offset = PAGE_SIZE - 8,
	};
	unsigned int start, npages;

	for (start = 0; start < 140; start++) {
		for (npages = 1; npages <= 140 - start; npages += 1 + start % 7) {
			arena_fill(test, arena);
			c.nrecords = 0;
			add_record(&c, c.iova + start * c.page_size,
				   npages * c.page_size);
			case_check(test, arena, &c);
		}
	}
}

/* One byte is enough to make a page dirty, and each page it touches is */
static void records_inside_pages(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, 1);
	struct bitmap_case c = {
		.iova = 0x12345,
		.page_size = SZ_4K,
		.length = 20 * SZ_4K + 1,
		.offset = 16,
	};

	add_record(&c, c.iova, 1);
	add_record(&c, c.iova + 3 * SZ_4K - 1, 2);
	add_record(&c, c.iova + 7 * SZ_4K - 1, SZ_4K + 2);
	add_record(&c, c.iova + 12 * SZ_4K + 5, 0);
	add_record(&c, case_last(&c), 1);
	case_check(test, arena, &c);
}

static void records_outside_are_left_out(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, 1);
	struct bitmap_case c = {
		.iova = SZ_1G,
		.page_size = SZ_4K,
		.length = 64 * SZ_4K - 100,
		.offset = 64,
	};

	add_record(&c, 0, SZ_1G);
	add_record(&c, c.iova + c.length, SZ_1G);
	add_record(&c, c.iova - 1, 1);
	add_record(&c, ULONG_MAX, 1);
	add_record(&c, ULONG_MAX, SIZE_MAX);
	case_check(test, arena, &c);

	add_record(&c, c.iova - SZ_4K, SZ_4K + 1);
	add_record(&c, case_last(&c), SZ_1G);
	case_check(test, arena, &c);

	add_record(&c, 1, SIZE_MAX);
	case_check(test, arena, &c);
}

static void records_at_the_top_of_the_address_space(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, 2);
	struct bitmap_case c = {
		.iova = -200UL * SZ_4K,
		.page_size = SZ_4K,
		.length = 200 * SZ_4K,
		.offset = PAGE_SIZE - 8,
	};

	add_record(&c, ULONG_MAX, 1);
	add_record(&c, -100UL * SZ_4K, 5 * SZ_4K);
	case_check(test, arena, &c);

	add_record(&c, -3UL * SZ_4K, SIZE_MAX);
	case_check(test, arena, &c);
}

static void add_random_record(struct rnd_state *rnd, struct bitmap_case *c)
{
	unsigned long reach = c->length + 16 * c->page_size;
	unsigned long iova = c->iova - 8 * c->page_size;
	size_t length;

	iova += prandom_u32_state(rnd) % reach;
	length = prandom_u32_state(rnd) % (prandom_u32_state(rnd) % 4 ?
					   4 * c->page_size : reach);
	add_record(c, iova, length);
}

static void random_bitmap(struct kunit *test, struct arena *arena,
			  unsigned int seed)
{
	struct bitmap_case c = { .seed = seed };
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, seed);
	c.page_size = 1UL << prandom_u32_state(&rnd) % 17;
	c.offset = prandom_u32_state(&rnd) % (PAGE_SIZE + 64);
	c.iova = prandom_u32_state(&rnd) % SZ_1G;
	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		c.offset = ALIGN_DOWN(c.offset, 8);
	/* At most one page of bitmap, 3 pages are there */
	c.length = 1 + prandom_u32_state(&rnd) %
		       min(PAGE_SIZE * 8 * c.page_size, SZ_256M);
	for (i = 0; i < MAX_RECORDS; i++)
		add_random_record(&rnd, &c);
	arena_fill(test, arena);
	case_check(test, arena, &c);
}

static void random_bitmaps(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, 3);
	unsigned int seed;

	for (seed = 0; seed < 200; seed++)
		random_bitmap(test, arena, seed);
}

static void large_case(struct bitmap_case *c, size_t offset)
{
	*c = (struct bitmap_case) {
		.iova = SZ_16M,
		.page_size = 64,
		.offset = offset,
		.length = ((LARGE_NPAGES - 1) * PAGE_SIZE * 8 - 77) * 64,
	};
}

/* Records that begin before a border of the bitmap's memory and end behind it */
static void records_across_windows(struct kunit *test)
{
	static const size_t borders[] = {
		SZ_4K, SZ_1M - SZ_4K, SZ_1M, SZ_1M + SZ_4K, SZ_2M,
	};
	static const unsigned int before[] = { 0, 1, 8, 63, 64, 65, 32768 };
	static const unsigned int npages[] = { 1, 2, 65, 129, 32768, 100000 };
	struct arena *arena = arena_alloc(test, LARGE_NPAGES);
	struct bitmap_case c;
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(before); i++) {
		for (j = 0; j < ARRAY_SIZE(npages); j++) {
			large_case(&c, j % 2 * 8);
			for (k = 0; k < ARRAY_SIZE(borders); k++)
				add_record(&c, c.iova + ((borders[k] - c.offset) * 8 -
							 before[i]) * 64,
					   npages[j] * 64);
			arena_fill(test, arena);
			case_check(test, arena, &c);
			KUNIT_EXPECT_GE(test, c.visits, 2);
		}
	}
	arena_expect_unpinned(test, arena, LARGE_NPAGES);
}

static void one_record_for_all_windows(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, LARGE_NPAGES);
	struct bitmap_case c;

	large_case(&c, 24);
	add_record(&c, c.iova, c.length);
	case_check(test, arena, &c);
	arena_expect_unpinned(test, arena, LARGE_NPAGES);
}

static void set_works_without_a_window(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, 2);
	struct bitmap_case c = {
		.iova = SZ_1M,
		.page_size = SZ_4K,
		.length = 140 * SZ_4K,
		.offset = PAGE_SIZE - 8,
	};
	struct iova_bitmap *bitmap = case_alloc(test, arena, &c);

	add_record(&c, c.iova + 60 * SZ_4K, 70 * SZ_4K);
	model_run(arena, &c);
	iova_bitmap_set(bitmap, c.records[0].iova, c.records[0].length);
	iova_bitmap_free(bitmap);
	KUNIT_EXPECT_EQ(test, arena->size, arena_compare(test, arena));
	arena_expect_unpinned(test, arena, 2);
}

/* What is not writable is found out before anything is read and cleared */
static void not_writable_is_an_error_before_the_visit(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, 3);
	struct bitmap_case c = {
		.iova = SZ_1M,
		.page_size = SZ_4K,
		.length = 2 * PAGE_SIZE * 8 * SZ_4K,
		.offset = 8,
	};

	test_mmap(test, arena->user + 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ);
	KUNIT_EXPECT_EQ(test, -EFAULT, case_visit(test, arena, &c));
	KUNIT_EXPECT_EQ(test, 0, c.visits);

	test_mmap(test, arena->user, PAGE_SIZE, PROT_READ);
	KUNIT_EXPECT_EQ(test, -EFAULT, case_visit(test, arena, &c));
	KUNIT_EXPECT_EQ(test, 0, c.visits);
	arena_expect_unpinned(test, arena, 3);
}

static void not_mapped_is_an_error_before_the_visit(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, 2);
	struct bitmap_case c = {
		.iova = SZ_1M,
		.page_size = SZ_4K,
		.length = 128 * SZ_4K,
		.offset = PAGE_SIZE - 8,
	};

	test_mmap(test, arena->user + PAGE_SIZE, PAGE_SIZE, PROT_NONE);
	KUNIT_EXPECT_EQ(test, -EFAULT, case_visit(test, arena, &c));
	KUNIT_EXPECT_EQ(test, 0, c.visits);
	arena_expect_unpinned(test, arena, 1);
}

static void later_window_not_writable(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, LARGE_NPAGES);
	struct bitmap_case c;

	large_case(&c, 0);
	test_mmap(test, arena->user + (LARGE_NPAGES - 2) * PAGE_SIZE,
		  2 * PAGE_SIZE, PROT_NONE);
	arena->size -= 2 * PAGE_SIZE;
	add_record(&c, c.iova, 100 * c.page_size);
	model_run(arena, &c);

	KUNIT_EXPECT_EQ(test, -EFAULT, case_visit(test, arena, &c));
	KUNIT_EXPECT_GE(test, c.visits, 1);
	KUNIT_EXPECT_EQ(test, 0, c.gaps);
	KUNIT_EXPECT_EQ(test, arena->size, arena_compare(test, arena));
	arena_expect_unpinned(test, arena, LARGE_NPAGES - 2);
}

/* The failure of a call without a return value must not get lost */
static void record_that_cannot_be_stored_is_an_error(struct kunit *test)
{
	struct arena *arena = arena_alloc(test, LARGE_NPAGES);
	struct bitmap_case c;

	large_case(&c, 0);
	test_mmap(test, arena->user + (LARGE_NPAGES - 2) * PAGE_SIZE,
		  2 * PAGE_SIZE, PROT_NONE);
	arena->size -= 2 * PAGE_SIZE;
	add_record(&c, c.iova + (arena->size * 8 - 9) * c.page_size,
		   10 * c.page_size);
	add_record(&c, c.iova, c.page_size);
	model_run(arena, &c);

	KUNIT_EXPECT_EQ(test, -EFAULT, case_visit(test, arena, &c));
	KUNIT_EXPECT_EQ(test, 1, c.visits);
	KUNIT_EXPECT_EQ(test, arena->size, arena_compare(test, arena));
	arena_expect_unpinned(test, arena, LARGE_NPAGES - 2);
}

static void visitor_ends_the_visit(struct kunit *test)
{
	static const int results[] = { -EIO, 1 };
	struct arena *arena = arena_alloc(test, LARGE_NPAGES);
	struct bitmap_case c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(results); i++) {
		large_case(&c, 0);
		c.stop_at = 2;
		c.stop_with = results[i];
		KUNIT_EXPECT_EQ(test, results[i], case_visit(test, arena, &c));
		KUNIT_EXPECT_EQ(test, 2, c.visits);
	}
	KUNIT_EXPECT_EQ(test, arena->size, arena_compare(test, arena));
	arena_expect_unpinned(test, arena, LARGE_NPAGES);
}

static struct kunit_case iova_bitmap_cases[] = {
	KUNIT_CASE(alloc_refuses_bad_arguments),
	KUNIT_CASE(alloc_takes_extreme_arguments),
	KUNIT_CASE(records_around_borders),
	KUNIT_CASE(records_of_every_length),
	KUNIT_CASE(records_inside_pages),
	KUNIT_CASE(records_outside_are_left_out),
	KUNIT_CASE(records_at_the_top_of_the_address_space),
	KUNIT_CASE(random_bitmaps),
	KUNIT_CASE(records_across_windows),
	KUNIT_CASE(one_record_for_all_windows),
	KUNIT_CASE(set_works_without_a_window),
	KUNIT_CASE(not_writable_is_an_error_before_the_visit),
	KUNIT_CASE(not_mapped_is_an_error_before_the_visit),
	KUNIT_CASE(later_window_not_writable),
	KUNIT_CASE(record_that_cannot_be_stored_is_an_error),
	KUNIT_CASE(visitor_ends_the_visit),
	{}
};

static struct kunit_suite iova_bitmap_suite = {
	.name = "iommufd_iova_bitmap",
	.test_cases = iova_bitmap_cases,
};

kunit_test_suite(iova_bitmap_suite);

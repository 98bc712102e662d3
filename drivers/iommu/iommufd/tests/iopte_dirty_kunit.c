// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Reading dirty IOPTEs of any layout, any part of an area, through a driver
 * that has a bitmap and one that has none. What is noted and what stays dirty
 * is compared with a plain model, also while a device goes on writing.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/iova_bitmap.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "pages/iopte_dirty.h"
#include "pages/pfn_domain.h"
#include "test_random.h"

/* The smallest IOPTE; the window of IOVA is counted in these. */
#define CELL 4096UL
#define CELLS 128
#define LARGEST_ORDER 5

/* Bits per cell, so that ranges may begin and end inside of one. */
#define FINE 4
#define GRAIN (CELL / FINE)
#define GRAINS (CELLS * FINE)

/* No IOPTE crosses what the window has in its middle. */
#define BASE (4UL * PFN_DOMAIN_STEP - CELLS / 2 * CELL)

#define ROUNDS 4000

/**
 * struct table - A page table of one area, and how its driver behaves
 * @domain: for the IOMMU core
 * @order: by cell, 1 + log2 of the cells of the IOPTE that begins there, or 0
 * @dirty: by cell, the IOPTE that begins there is dirty
 * @written: by cell, it was so at some time
 * @no_bitmap: notes in the gather only
 * @busy: a device writes while the driver reads
 * @error_at: the call that fails half way, counted from 1; 0 for none
 * @calls: how often the driver was called
 * @flushes: how often the IOTLB was flushed
 * @odd: calls that no driver has to put up with
 * @random: for @busy
 */
struct table {
	struct iommu_domain domain;
	u8 order[CELLS];
	bool dirty[CELLS];
	bool written[CELLS];
	bool no_bitmap;
	bool busy;
	unsigned long error_at;
	unsigned long calls;
	unsigned long flushes;
	unsigned int odd;
	struct test_random *random;
};

/**
 * struct suite_state - What a test works on
 * @table: the page table
 * @random: numbers
 * @user: a bitmap in user memory, of GRAINS bits
 * @bits: a copy of it
 * @direct: what the module parameter said before
 */
struct suite_state {
	struct table table;
	struct test_random random;
	u64 __user *user;
	u64 bits[GRAINS / 64];
	bool direct;
};

static struct table *table_from(struct iommu_domain *domain)
{
	return container_of(domain, struct table, domain);
}

static unsigned long cell_iova(unsigned int cell)
{
	return BASE + cell * CELL;
}

/* The cell where the IOPTE begins that has a cell in it. */
static unsigned int iopte_of(const struct table *table, unsigned int cell)
{
	while (!table->order[cell])
		cell--;
	return cell;
}

static unsigned int iopte_cells(const struct table *table, unsigned int iopte)
{
	return 1U << (table->order[iopte] - 1);
}

static void write_iopte(struct table *table, unsigned int iopte)
{
	table->dirty[iopte] = true;
	table->written[iopte] = true;
}

/* As VT-d and AMD-Vi do it: on by the size of the IOPTE, from wherever. */
static int table_read(struct iommu_domain *domain, unsigned long iova,
		      size_t size, unsigned long flags,
		      struct iommu_dirty_bitmap *dirty)
{
	struct table *table = table_from(domain);
	struct iommu_dirty_bitmap notes = *dirty;
	unsigned long end = iova + size - 1;

	table->odd += !IS_ALIGNED(iova, CELL) || !IS_ALIGNED(size, CELL);
	if (table->no_bitmap)
		notes.bitmap = NULL;
	table->calls++;
	do {
		unsigned int iopte = iopte_of(table, (iova - BASE) / CELL);
		size_t length = iopte_cells(table, iopte) * CELL;

		if (table->busy && test_random_chance(table->random, 8))
			write_iopte(table, iopte);
		if (table->dirty[iopte]) {
			if (!(flags & IOMMU_DIRTY_NO_CLEAR))
				table->dirty[iopte] = false;
			iommu_dirty_bitmap_record(&notes, iova, length);
		}
		if (table->calls == table->error_at)
			return -EIO;
		iova += length;
	} while (iova < end);
	return 0;
}

static const struct iommu_dirty_ops table_dirty_ops = {
	.read_and_clear_dirty = table_read,
};

static void table_flush(struct iommu_domain *domain)
{
	table_from(domain)->flushes++;
}

static const struct iommu_domain_ops table_ops = {
	.flush_iotlb_all = table_flush,
};

static int dirty_suite_begin(struct kunit *test)
{
	struct suite_state *state = kunit_kzalloc(test, sizeof(*state),
						  GFP_KERNEL);
	unsigned long address;

	KUNIT_ASSERT_NOT_NULL(test, state);
	test->priv = state;
	state->direct = iopte_dirty_direct;
	state->random.state = test_seed();
	state->table.random = &state->random;
	state->table.domain.ops = &table_ops;
	state->table.domain.dirty_ops = &table_dirty_ops;
	state->table.domain.pgsize_bitmap =
		GENMASK(LARGEST_ORDER, 0) * CELL;
	address = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE,
				PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	state->user = (u64 __user *)address;
	return 0;
}

static void dirty_suite_end(struct kunit *test)
{
	struct suite_state *state = test->priv;

	if (state)
		iopte_dirty_direct = state->direct;
}

/* IOPTEs of random sizes, each as large as its place allows at most. */
static void lay_out(struct suite_state *state, unsigned int first,
		    unsigned int last)
{
	unsigned int most = 1 + test_random_below(&state->random,
						  LARGEST_ORDER + 1);
	unsigned int cell, order;

	memset(state->table.order, 0, sizeof(state->table.order));
	for (cell = first; cell <= last; cell += 1U << order) {
		order = test_random_below(&state->random, most);
		while (order && (!IS_ALIGNED(cell, 1U << order) ||
				 cell + (1U << order) - 1 > last))
			order--;
		state->table.order[cell] = order + 1;
	}
}

static void write_some(struct suite_state *state)
{
	struct table *table = &state->table;
	unsigned int share = 1 + test_random_below(&state->random, 12);
	unsigned int cell;

	memset(table->dirty, 0, sizeof(table->dirty));
	memset(table->written, 0, sizeof(table->written));
	for (cell = 0; cell < CELLS; cell++)
		if (table->order[cell] &&
		    test_random_chance(&state->random, share))
			write_iopte(table, cell);
}

/* A part of an area; whole cells or not, all of it now and then. */
static struct iopte_range draw_part(struct suite_state *state,
				    const struct iopte_range *area)
{
	unsigned long grains = (area->last - area->start + 1) / GRAIN;
	unsigned long first = test_random_below(&state->random, grains);
	unsigned long length = 1 + test_random_below(&state->random,
						     grains - first);
	struct iopte_range part = {
		area->start + first * GRAIN,
		area->start + (first + length) * GRAIN - 1
	};

	if (test_random_chance(&state->random, 3))
		part.start = area->start;
	if (test_random_chance(&state->random, 3))
		part.last = area->last;
	if (test_random_chance(&state->random, 3)) {
		part.start &= -CELL;
		part.last |= CELL - 1;
	}
	return part;
}

/* Read a part of an area; what was noted is in state->bits. */
static int read_part(struct kunit *test, unsigned long flags,
		     const struct iopte_range *area,
		     const struct iopte_range *part)
{
	struct suite_state *state = test->priv;
	struct iopte_dirty dirty = {
		.domain = &state->table.domain,
		.flags = flags,
	};
	int rc;

	KUNIT_ASSERT_EQ(test, 0, clear_user(state->user, GRAINS / 8));
	dirty.bitmap = iova_bitmap_alloc(BASE, CELLS * CELL, GRAIN,
					 state->user);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dirty.bitmap));
	rc = iopte_dirty_read(&dirty, area, part);
	iopte_dirty_flush(&dirty);
	KUNIT_EXPECT_FALSE(test, dirty.cleared && !flags);
	iova_bitmap_free(dirty.bitmap);
	KUNIT_ASSERT_EQ(test, 0, copy_from_user(state->bits, state->user,
						GRAINS / 8));
	return rc;
}

static bool noted(const struct suite_state *state, unsigned long grain)
{
	return state->bits[grain / 64] >> (grain % 64) & 1;
}

/* How many grains of an IOPTE are noted, inside of a part and outside */
static void count_noted(const struct suite_state *state, unsigned int iopte,
			const struct iopte_range *part, unsigned int counts[2])
{
	unsigned int n = iopte_cells(&state->table, iopte) * FINE;
	unsigned int i;

	counts[0] = 0;
	counts[1] = 0;
	for (i = 0; i < n; i++) {
		unsigned long iova = cell_iova(iopte) + i * GRAIN;
		bool inside = iova >= part->start && iova <= part->last;

		counts[inside] += noted(state, iopte * FINE + i);
	}
}

/* How many grains of an IOPTE are in a part */
static unsigned int grains_inside(const struct table *table, unsigned int iopte,
				  const struct iopte_range *part)
{
	unsigned long start = max(cell_iova(iopte), part->start);
	unsigned long last = min(cell_iova(iopte) +
				 iopte_cells(table, iopte) * CELL - 1,
				 part->last);

	return last < start ? 0 : (last - start + 1) / GRAIN;
}

/* Nobody wrote meanwhile, so all is known. */
static void check_still(struct kunit *test, unsigned long flags,
			const bool *before, const struct iopte_range *part)
{
	struct suite_state *state = test->priv;
	struct table *table = &state->table;
	unsigned int cell, counts[2];

	for (cell = 0; cell < CELLS; cell++) {
		unsigned int inside, all;

		if (!table->order[cell])
			continue;
		inside = grains_inside(table, cell, part);
		all = iopte_cells(table, cell) * FINE;
		count_noted(state, cell, part, counts);
		KUNIT_ASSERT_EQ(test, counts[0], 0);
		KUNIT_ASSERT_EQ(test, counts[1], before[cell] ? inside : 0);
		KUNIT_ASSERT_EQ(test, table->dirty[cell],
				before[cell] && (flags || inside < all));
	}
}

/* Somebody did, or the driver failed. What was written is noted or is dirty. */
static void check_busy(struct kunit *test, const struct iopte_range *part)
{
	struct suite_state *state = test->priv;
	struct table *table = &state->table;
	unsigned int cell, counts[2];

	for (cell = 0; cell < CELLS; cell++) {
		unsigned int inside;

		if (!table->order[cell])
			continue;
		inside = grains_inside(table, cell, part);
		count_noted(state, cell, part, counts);
		KUNIT_ASSERT_EQ(test, counts[0], 0);
		if (counts[1])
			KUNIT_ASSERT_TRUE(test, table->written[cell]);
		if (table->written[cell] && !table->dirty[cell]) {
			KUNIT_ASSERT_GT(test, inside, 0);
			KUNIT_ASSERT_EQ(test, counts[1], inside);
		}
	}
}

static void one_round(struct kunit *test, bool busy, bool fails)
{
	struct suite_state *state = test->priv;
	struct test_random *random = &state->random;
	struct table *table = &state->table;
	unsigned int first = test_random_below(random, CELLS);
	unsigned int last = first + test_random_below(random, CELLS - first);
	const struct iopte_range area = {
		cell_iova(first), cell_iova(last) + CELL - 1
	};
	unsigned long flags = test_random_chance(random, 4) ?
				      IOMMU_DIRTY_NO_CLEAR : 0;
	struct iopte_range part;
	bool before[CELLS];
	int rc;

	lay_out(state, first, last);
	write_some(state);
	part = draw_part(state, &area);
	memcpy(before, table->dirty, sizeof(before));
	table->calls = 0;
	table->busy = busy;
	table->error_at = fails ? 1 + test_random_below(random, 6) : 0;
	rc = read_part(test, flags, &area, &part);
	if (fails && table->calls >= table->error_at)
		KUNIT_ASSERT_EQ(test, rc, -EIO);
	else
		KUNIT_ASSERT_EQ(test, rc, 0);
	if (busy || fails)
		check_busy(test, &part);
	else
		check_still(test, flags, before, &part);
}

static void rounds(struct kunit *test, bool busy, bool fails)
{
	struct suite_state *state = test->priv;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		state->table.no_bitmap = i % 2;
		iopte_dirty_direct = !state->table.no_bitmap;
		one_round(test, busy, fails);
	}
	KUNIT_EXPECT_EQ(test, state->table.odd, 0);
}

static void like_a_model(struct kunit *test)
{
	rounds(test, false, false);
}

static void h68_no_write_is_forgotten(struct kunit *test)
{
	rounds(test, true, false);
}

static void what_is_cleared_is_noted_on_failure(struct kunit *test)
{
	rounds(test, true, true);
}

static const struct iopte_range window = {
	BASE, BASE + CELLS * CELL - 1
};

static void fill_with(struct suite_state *state, unsigned int order)
{
	unsigned int cell;

	memset(state->table.order, 0, sizeof(state->table.order));
	memset(state->table.dirty, 0, sizeof(state->table.dirty));
	for (cell = 0; cell < CELLS; cell += 1U << order)
		state->table.order[cell] = order + 1;
	state->table.calls = 0;
	state->table.flushes = 0;
}

/* What the document says about the price */
static void calls_are_few(struct kunit *test)
{
	struct suite_state *state = test->priv;
	struct table *table = &state->table;
	unsigned int cell;

	/* The border in the middle makes two blocks. */
	fill_with(state, 0);
	iopte_dirty_direct = true;
	KUNIT_EXPECT_EQ(test, read_part(test, 0, &window, &window), 0);
	KUNIT_EXPECT_EQ(test, table->calls, 2);
	KUNIT_EXPECT_EQ(test, table->flushes, 0);

	fill_with(state, 0);
	table->no_bitmap = true;
	iopte_dirty_direct = false;
	KUNIT_EXPECT_EQ(test, read_part(test, 0, &window, &window), 0);
	KUNIT_EXPECT_EQ(test, table->calls, 2);
	KUNIT_EXPECT_EQ(test, table->flushes, 0);

	/* All dirty: one each, and one for each block */
	fill_with(state, 0);
	for (cell = 0; cell < CELLS; cell++)
		write_iopte(table, cell);
	KUNIT_EXPECT_EQ(test, read_part(test, 0, &window, &window), 0);
	KUNIT_EXPECT_EQ(test, table->calls, 2 + CELLS);
	KUNIT_EXPECT_EQ(test, table->flushes, 1);

	/* Large ones count as one. */
	fill_with(state, LARGEST_ORDER);
	for (cell = 0; cell < CELLS; cell += 1U << LARGEST_ORDER)
		write_iopte(table, cell);
	KUNIT_EXPECT_EQ(test, read_part(test, 0, &window, &window), 0);
	KUNIT_EXPECT_EQ(test, table->calls, 2 + (CELLS >> LARGEST_ORDER));
	KUNIT_EXPECT_EQ(test, table->flushes, 1);
}

static void no_flush_without_clearing(struct kunit *test)
{
	struct suite_state *state = test->priv;

	fill_with(state, 0);
	write_iopte(&state->table, 5);
	iopte_dirty_direct = true;
	KUNIT_EXPECT_EQ(test, read_part(test, IOMMU_DIRTY_NO_CLEAR, &window,
					&window), 0);
	KUNIT_EXPECT_TRUE(test, noted(state, 5 * FINE));
	KUNIT_EXPECT_EQ(test, state->table.flushes, 0);
	KUNIT_EXPECT_TRUE(test, state->table.dirty[5]);
}

static void without_a_bitmap_all_is_forgotten(struct kunit *test)
{
	struct suite_state *state = test->priv;
	struct iopte_dirty dirty = { .domain = &state->table.domain };
	unsigned int way;

	for (way = 0; way < 2; way++) {
		iopte_dirty_direct = way;
		fill_with(state, 2);
		write_iopte(&state->table, 8);
		KUNIT_EXPECT_EQ(test, iopte_dirty_read(&dirty, &window,
						       &window), 0);
		KUNIT_EXPECT_FALSE(test, state->table.dirty[8]);
		KUNIT_EXPECT_EQ(test, state->table.calls, 2);
		KUNIT_EXPECT_TRUE(test, dirty.cleared);
		iopte_dirty_flush(&dirty);
		KUNIT_EXPECT_EQ(test, state->table.flushes, 1);
		KUNIT_EXPECT_FALSE(test, dirty.cleared);
	}
}

static struct kunit_case iopte_dirty_cases[] = {
	KUNIT_CASE(like_a_model),
	KUNIT_CASE(h68_no_write_is_forgotten),
	KUNIT_CASE(what_is_cleared_is_noted_on_failure),
	KUNIT_CASE(calls_are_few),
	KUNIT_CASE(no_flush_without_clearing),
	KUNIT_CASE(without_a_bitmap_all_is_forgotten),
	{}
};

static struct kunit_suite iopte_dirty_suite = {
	.name = "iommufd_iopte_dirty",
	.init = dirty_suite_begin,
	.exit = dirty_suite_end,
	.test_cases = iopte_dirty_cases,
};

kunit_test_suite(iopte_dirty_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Writing and clearing IOPTEs, by drivers that get no memory for some table.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <trace/events/iommu.h>

#include "lib/pfn_batch.h"
#include "memory_domain.h"
#include "pages/pfn_domain.h"
#include "plain_ways.h"
#include "test_random.h"

#define MAX_RUNS 5

/**
 * struct table_config - A kind of page table
 * @name: of the configuration
 * @bits: log2 of the entries of a table; a table of pages is one large page, a
 *	table of these one huge page
 * @vtd: behaves like VT-d
 * @rounds: how much to try
 */
struct table_config {
	const char *name;
	unsigned int bits;
	bool vtd;
	unsigned int rounds;
};

static const struct table_config table_configs[] = {
	{ "VT-d", 9, true, 10 },
	{ "VT-d with 16 entries", 4, true, 25 },
	{ "VT-d with 4 entries", 2, true, 25 },
	{ "others", 9, false, 5 },
	{ "others with 4 entries", 2, false, 25 },
};

KUNIT_ARRAY_PARAM_DESC(table_configs, table_configs, name);

/* Large tables take long, and in the plain way longer. */
static const struct table_config plain_configs[] = {
	{ "VT-d with 16 entries", 4, true, 5 },
	{ "VT-d with 4 entries", 2, true, 10 },
	{ "others with 4 entries", 2, false, 10 },
};

KUNIT_ARRAY_PARAM_DESC(plain_configs, plain_configs, name);

static const void *configs_gen_params(const void *prev, char *desc)
{
	if (static_branch_likely(&pfn_domain_direct))
		return table_configs_gen_params(prev, desc);
	return plain_configs_gen_params(prev, desc);
}

/**
 * struct attempt - Runs without memory behind them, and where to map them
 * @test: whom to tell
 * @random: where details come from
 * @config: kind of page table
 * @pgsizes: the page sizes it has
 * @neighbours: there is a page right before the window and one right behind
 * @memory: the page table
 * @runs: what to map
 * @nruns: number of @runs
 * @window: where
 */
struct attempt {
	struct kunit *test;
	struct test_random random;
	const struct table_config *config;
	unsigned long pgsizes;
	bool neighbours;
	struct memory_domain memory;
	struct pfn_run runs[MAX_RUNS];
	unsigned int nruns;
	struct pfn_window window;
};

static struct attempt *attempt_new(struct kunit *test,
				   const struct table_config *config)
{
	struct attempt *attempt = kunit_kzalloc(test, sizeof(*attempt),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, attempt);
	kunit_info(test, "seed %lu", test_seed());
	attempt->test = test;
	attempt->random.state = test_seed();
	attempt->config = config;
	attempt->window.huge_pages = true;
	return attempt;
}

static void memory_new(struct attempt *attempt)
{
	memory_domain_init(&attempt->memory, attempt->pgsizes);
	attempt->memory.table_bits = attempt->config->bits;
	attempt->memory.vtd = attempt->config->vtd;
}

/* A few pages; about a table of them; some tables with or without a rest */
static unsigned long random_length(struct attempt *attempt)
{
	struct test_random *random = &attempt->random;
	unsigned long table = 1UL << attempt->config->bits;

	switch (test_random_below(random, 4)) {
	case 0:
		return 1 + test_random_below(random, 4);
	case 1:
		return table / 2 + test_random_below(random, table);
	case 2:
		return table * (1 + test_random_below(random, 3)) +
		       test_random_below(random, 2);
	default:
		return table * 2 + table / 2;
	}
}

/* How far IOVA and memory are from being congruent */
static unsigned long random_skew(struct attempt *attempt)
{
	unsigned long table = 1UL << attempt->config->bits;

	switch (test_random_below(&attempt->random, 4)) {
	case 0:
		return test_random_below(&attempt->random, table);
	case 1:
		return table;
	default:
		return 0;
	}
}

static void add_run(struct attempt *attempt, unsigned long npages,
		    unsigned long skew)
{
	unsigned long iova = attempt->window.iova + attempt->window.length;
	unsigned long huge = 1UL << 2 * attempt->config->bits;

	attempt->runs[attempt->nruns] = (struct pfn_run){
		.pfn = (attempt->nruns + 1) * huge * 16 +
		       iova / PAGE_SIZE % huge + skew,
		.npages = npages,
	};
	attempt->nruns++;
	attempt->window.length += npages * PAGE_SIZE;
}

/* Around a border of a table, or of a table of tables */
static void random_window(struct attempt *attempt)
{
	struct test_random *random = &attempt->random;
	unsigned int bits = attempt->config->bits;
	unsigned long pages = 1UL << bits;
	unsigned long table = PAGE_SIZE << bits;
	unsigned long border = table * (4 + test_random_below(random, 4));

	if (test_random_chance(random, 2))
		border = table << bits;
	attempt->window = (struct pfn_window){
		.iova = border - test_random_below(random, 2 * pages) *
				 PAGE_SIZE,
		.huge_pages = !test_random_chance(random, 4),
	};
	if (test_random_chance(random, 3))
		attempt->window.iova = border - table / 2;
	attempt->neighbours = test_random_chance(random, 2);
}

static void random_attempt(struct attempt *attempt)
{
	struct test_random *random = &attempt->random;
	unsigned long table = PAGE_SIZE << attempt->config->bits;
	unsigned int nruns = 1 + test_random_below(random, MAX_RUNS);

	attempt->pgsizes = PAGE_SIZE;
	if (!test_random_chance(random, 4))
		attempt->pgsizes |= table;
	if (test_random_chance(random, 2))
		attempt->pgsizes |= table << attempt->config->bits;
	if (test_random_chance(random, 4))
		attempt->pgsizes |= PAGE_SIZE << 1;
	random_window(attempt);
	attempt->nruns = 0;
	while (attempt->nruns < nruns)
		add_run(attempt, random_length(attempt), random_skew(attempt));
}

static unsigned long window_end(const struct attempt *attempt)
{
	return attempt->window.iova + attempt->window.length;
}

static void check_empty(struct attempt *attempt)
{
	struct memory_domain *memory = &attempt->memory;

	KUNIT_ASSERT_EQ(attempt->test, memory->nentries,
			attempt->neighbours ? 2 : 0);
	KUNIT_ASSERT_EQ(attempt->test, memory->errors, 0);
	KUNIT_ASSERT_TRUE(attempt->test, memory_domain_flushed(memory));
}

static void map_neighbours(struct attempt *attempt)
{
	struct iommu_domain *domain = &attempt->memory.domain;
	struct pfn_window window = {
		.length = PAGE_SIZE,
		.huge_pages = true,
	};
	struct pfn_run run = { .pfn = 1, .npages = 1 };

	if (!attempt->neighbours)
		return;
	window.iova = attempt->window.iova - PAGE_SIZE;
	KUNIT_ASSERT_EQ(attempt->test, 0,
			pfn_domain_map(domain, &run, &window));
	window.iova = window_end(attempt);
	KUNIT_ASSERT_EQ(attempt->test, 0,
			pfn_domain_map(domain, &run, &window));
}

static void check_mapped(struct attempt *attempt)
{
	struct memory_domain *memory = &attempt->memory;
	unsigned long iova = attempt->window.iova;
	unsigned int i, k;

	for (i = 0; i < attempt->nruns; i++) {
		unsigned long npages = attempt->runs[i].npages;

		for (k = 0; k < npages; k++, iova += PAGE_SIZE)
			if (memory_domain_lookup(memory, iova) !=
			    PFN_PHYS(attempt->runs[i].pfn + k))
				break;
		KUNIT_ASSERT_EQ(attempt->test, k, npages);
	}
	KUNIT_ASSERT_EQ(attempt->test, memory->nentries,
			attempt->window.length / PAGE_SIZE +
				(attempt->neighbours ? 2 : 0));
	KUNIT_ASSERT_EQ(attempt->test, memory->errors, 0);
}

static int map_window(struct attempt *attempt, unsigned long tables)
{
	int rc;

	attempt->memory.tables_left = tables;
	rc = pfn_domain_map(&attempt->memory.domain, attempt->runs,
			    &attempt->window);
	attempt->memory.tables_left = MEMORY_DOMAIN_NEVER;
	return rc;
}

static void unmap_window(struct attempt *attempt)
{
	KUNIT_ASSERT_EQ(attempt->test, attempt->window.length,
			pfn_domain_unmap(&attempt->memory.domain,
					 attempt->window.iova,
					 attempt->window.length));
	check_empty(attempt);
}

/* Nothing may be left, and nothing else be gone, whichever table is missing. */
static void fail_at_any_table(struct attempt *attempt)
{
	unsigned long n = 0;
	int rc;

	do {
		memory_new(attempt);
		map_neighbours(attempt);
		rc = map_window(attempt, n++);
		if (rc) {
			KUNIT_ASSERT_EQ(attempt->test, rc, -ENOMEM);
			check_empty(attempt);
			rc = map_window(attempt, MEMORY_DOMAIN_NEVER);
			KUNIT_ASSERT_EQ(attempt->test, rc, 0);
			rc = -ENOMEM;
		}
		check_mapped(attempt);
		unmap_window(attempt);
		memory_domain_destroy(&attempt->memory);
	} while (rc);
}

/*
 * Hazard 73: an IOPTE that is left behind shows a page that is unpinned. Here by
 * 2.5 MiB at 1 MiB behind a multiple of 2 MiB, which is one call to the driver
 * if nobody cuts it, and needs two tables.
 */
static void h73_half_a_table_each(struct kunit *test)
{
	struct attempt *attempt = attempt_new(test, &table_configs[0]);
	unsigned long table = PAGE_SIZE << 9;

	attempt->pgsizes = PAGE_SIZE | table;
	attempt->window.iova = 8 * table + table / 2;
	add_run(attempt, 512 + 128, 0);
	fail_at_any_table(attempt);
}

static void h73_map_fails_at_any_table(struct kunit *test)
{
	const struct table_config *config = test->param_value;
	struct attempt *attempt = attempt_new(test, config);
	unsigned int i;

	for (i = 0; i < config->rounds; i++) {
		random_attempt(attempt);
		fail_at_any_table(attempt);
	}
}

static void unmap_whole(struct attempt *attempt)
{
	memory_new(attempt);
	KUNIT_ASSERT_EQ(attempt->test, 0,
			map_window(attempt, MEMORY_DOMAIN_NEVER));
	attempt->memory.flushes = 0;
	unmap_window(attempt);
	memory_domain_destroy(&attempt->memory);
}

/*
 * Hazard 74: tables are freed before what they covered is flushed. Here with
 * 8 MiB of small pages 6 MiB before a multiple of 1 GiB.
 */
static void h74_small_pages_across_a_border(struct kunit *test)
{
	struct attempt *attempt = attempt_new(test, &table_configs[0]);
	unsigned long table = PAGE_SIZE << 9;

	attempt->pgsizes = PAGE_SIZE | table | table << 9;
	attempt->window.iova = (table << 9) - 3 * table + PAGE_SIZE;
	add_run(attempt, 4 * 512, 1);
	unmap_whole(attempt);
	/* Before the first table, tables, to the border, tables, the rest */
	KUNIT_EXPECT_LE(test, attempt->memory.flushes, 5);
}

/* Many tables cost no more flushes than one, and so do many pages. */
static void flushes_are_few(struct kunit *test)
{
	struct attempt *attempt = attempt_new(test, &table_configs[0]);
	unsigned long table = PAGE_SIZE << 9;

	attempt->pgsizes = PAGE_SIZE | table;
	attempt->window.iova = 8 * table;
	add_run(attempt, 16 * 512, 1);
	unmap_whole(attempt);
	KUNIT_EXPECT_EQ(test, attempt->memory.flushes, 1);

	attempt->nruns = 0;
	attempt->window.iova = 8 * table + PAGE_SIZE;
	attempt->window.length = 0;
	add_run(attempt, 300, 1);
	unmap_whole(attempt);
	KUNIT_EXPECT_EQ(test, attempt->memory.flushes, 1);
}

/* A page table with tables of 16 pages, which go when one call covers them */
static struct memory_domain *small_tables_new(struct kunit *test)
{
	struct memory_domain *memory = kunit_kzalloc(test, sizeof(*memory),
						     GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	memory_domain_init(memory, PAGE_SIZE);
	memory->table_bits = 4;
	memory->vtd = true;
	return memory;
}

/* Where a piece is, in pages */
struct piece {
	unsigned long first;
	unsigned long npages;
};

/* Map pieces and unmap them together; returns how many flushes that takes. */
static unsigned long flushes_of(struct kunit *test, const struct piece *pieces,
				unsigned int npieces)
{
	struct memory_domain *memory = small_tables_new(test);
	struct pfn_window window = { .prot = IOMMU_READ | IOMMU_WRITE };
	struct pfn_unmapping unmapping;
	unsigned int i;

	for (i = 0; i < npieces; i++) {
		struct pfn_run run = { 1000 + 50 * i, pieces[i].npages };

		window.iova = pieces[i].first * PAGE_SIZE;
		window.length = pieces[i].npages * PAGE_SIZE;
		KUNIT_ASSERT_EQ(test, 0, pfn_domain_map(&memory->domain, &run,
							&window));
	}
	memory->flushes = 0;
	pfn_unmapping_init(&unmapping);
	for (i = 0; i < npieces; i++) {
		unsigned long length = pieces[i].npages * PAGE_SIZE;

		KUNIT_EXPECT_EQ(test, length,
				pfn_unmapping_add(&unmapping, &memory->domain,
						  pieces[i].first * PAGE_SIZE,
						  length));
	}
	pfn_unmapping_end(&unmapping);
	KUNIT_EXPECT_TRUE(test, memory_domain_flushed(memory));
	KUNIT_EXPECT_EQ(test, memory->nentries, 0);
	KUNIT_EXPECT_EQ(test, memory->errors, 0);
	memory_domain_destroy(memory);
	return memory->flushes;
}

#define PIECES 16

/* Pages, each so many pages behind the one before */
static unsigned long flushes_of_pages(struct kunit *test, long stride)
{
	struct piece pieces[PIECES];
	unsigned int i;

	for (i = 0; i < PIECES; i++)
		pieces[i] = (struct piece){ 4096 + i * stride, 1 };
	return flushes_of(test, pieces, PIECES);
}

/* Gaps are flushed with what is on both sides if they are short. */
static void h74_one_flush_over_short_gaps(struct kunit *test)
{
	unsigned long few = static_branch_likely(&pfn_domain_direct) ? 1 :
								       PIECES;

	KUNIT_EXPECT_EQ(test, few, flushes_of_pages(test, 1));
	KUNIT_EXPECT_EQ(test, few, flushes_of_pages(test, 2));
	KUNIT_EXPECT_EQ(test, few, flushes_of_pages(test, 16));
	KUNIT_EXPECT_EQ(test, few, flushes_of_pages(test, 17));
	KUNIT_EXPECT_EQ(test, PIECES, flushes_of_pages(test, 18));
	KUNIT_EXPECT_EQ(test, PIECES, flushes_of_pages(test, -1));
}

/* No table goes before all that it covers is flushed, whatever comes before. */
static void h74_pieces_of_many_lengths(struct kunit *test)
{
	static const struct piece pieces[] = {
		{ 4096 + 13, 1 }, { 4096 + 15, 1 },  { 4096 + 16, 16 },
		{ 4096 + 36, 3 }, { 4096 + 48, 16 }, { 4096 + 64, 1 },
	};
	static const struct piece large[] = {
		{ 4096 + 15, 1 }, { 4096 + 16, 17 }, { 4096 + 34, 2 },
	};

	KUNIT_EXPECT_EQ(test,
			static_branch_likely(&pfn_domain_direct) ?
				1 : ARRAY_SIZE(pieces),
			flushes_of(test, pieces, ARRAY_SIZE(pieces)));
	/* A long one goes on its own, whatever is waiting. */
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(large),
			flushes_of(test, large, ARRAY_SIZE(large)));
}

static void add_mapped(void *data, unsigned long iova, phys_addr_t phys,
		       size_t size)
{
	*(unsigned long *)data += size;
}

static void add_unmapped(void *data, unsigned long iova, size_t size,
			 size_t unmapped)
{
	*(unsigned long *)data += unmapped;
}

/*
 * Hazard 75: whoever traces the IOMMU core sees what the driver gets directly.
 */
static void h75_events_for_all_bytes(struct kunit *test)
{
	struct attempt *attempt = attempt_new(test, &table_configs[0]);
	static unsigned long mapped, unmapped;
	unsigned int i;

	if (register_trace_map(add_mapped, &mapped))
		kunit_skip(test, "no tracepoints");
	KUNIT_EXPECT_EQ(test, 0, register_trace_unmap(add_unmapped, &unmapped));
	for (i = 0; i < 20; i++) {
		random_attempt(attempt);
		attempt->neighbours = false;
		mapped = 0;
		unmapped = 0;
		unmap_whole(attempt);
		KUNIT_EXPECT_EQ(test, mapped, attempt->window.length);
		KUNIT_EXPECT_EQ(test, unmapped, attempt->window.length);
	}
	unregister_trace_unmap(add_unmapped, &unmapped);
	unregister_trace_map(add_mapped, &mapped);
	tracepoint_synchronize_unregister();
}

TEST_BOTH_WAYS(pfn_domain,
	       KUNIT_CASE(h73_half_a_table_each),
	       KUNIT_CASE_PARAM(h73_map_fails_at_any_table, configs_gen_params),
	       KUNIT_CASE(h74_small_pages_across_a_border),
	       KUNIT_CASE(flushes_are_few),
	       KUNIT_CASE(h74_one_flush_over_short_gaps),
	       KUNIT_CASE(h74_pieces_of_many_lengths),
	       KUNIT_CASE(h75_events_for_all_bytes));

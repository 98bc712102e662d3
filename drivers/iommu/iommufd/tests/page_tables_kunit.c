// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Runs without memory behind them, in page tables of every kind, by drivers that
 * are slow or fail.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "lib/pfn_batch.h"
#include "memory_domain.h"
#include "pages/pfn_domain.h"
#include "plain_ways.h"
#include "user_memory.h"

#define MAX_RUNS 48
#define BLOCK USER_MEMORY_BLOCK_PAGES

struct run_case {
	const char *name;
	unsigned int nruns;
	unsigned long npages[MAX_RUNS];
};

/* Where no lengths are given each run is one page. */
static const struct run_case run_cases[] = {
	{ "one page", 1 },
	{ "single pages", 40 },
	{ "one short of a block", 1, { BLOCK - 1 } },
	{ "a block", 1, { BLOCK } },
	{ "one more than a block", 1, { BLOCK + 1 } },
	{ "two blocks", 2, { BLOCK, BLOCK } },
	{ "mixed", 8, { 1, 7, BLOCK - 1, 2, 1, 1, BLOCK + 1, 3 } },
};

KUNIT_ARRAY_PARAM_DESC(run_cases, run_cases, name);

static const unsigned long page_tables[] = {
	PAGE_SIZE,
	PAGE_SIZE | BLOCK * PAGE_SIZE,
	PAGE_SIZE / 2 | PAGE_SIZE,
	PAGE_SIZE / 2,
	PAGE_SIZE | PAGE_SIZE * 2 | PAGE_SIZE * 4,
	PAGE_SIZE / 2 | PAGE_SIZE | BLOCK * PAGE_SIZE,
};

/**
 * struct odd_driver - What a driver may do, and must not
 * @ops: of its page table
 * @real: what does the work
 * @calls: how often it was asked to map
 * @fail_call: the call that fails, 0 for none
 * @syncs: how often it was asked to make IOPTEs known
 * @fail_sync: the one that fails, 0 for none
 * @some: that call first does half of what it is asked
 * @most: IOPTEs that any call writes
 * @asked: the most bytes in pages of PAGE_SIZE that a call was to map
 */
struct odd_driver {
	struct iommu_domain_ops ops;
	const struct iommu_domain_ops *real;
	unsigned long calls;
	unsigned long fail_call;
	unsigned long syncs;
	unsigned long fail_sync;
	bool some;
	size_t most;
	unsigned long asked;
};

static struct odd_driver *to_odd(struct iommu_domain *domain)
{
	return container_of(domain->ops, struct odd_driver, ops);
}

static int odd_map(struct iommu_domain *domain, unsigned long iova,
		   phys_addr_t phys, size_t pgsize, size_t count, int prot,
		   gfp_t gfp, size_t *mapped)
{
	struct odd_driver *driver = to_odd(domain);
	bool fail = ++driver->calls == driver->fail_call;
	int rc = 0;

	if (pgsize == PAGE_SIZE)
		driver->asked = max(driver->asked, count * PAGE_SIZE);
	count = min(count, driver->most);
	if (fail)
		count = driver->some ? count / 2 : 0;
	if (count)
		rc = driver->real->map_pages(domain, iova, phys, pgsize, count,
					     prot, gfp, mapped);
	return fail ? -ENOMEM : rc;
}

static int odd_sync_map(struct iommu_domain *domain, unsigned long iova,
			size_t size)
{
	struct odd_driver *driver = to_odd(domain);

	return ++driver->syncs == driver->fail_sync ? -EIO : 0;
}

/**
 * struct mapping - Runs on their way into a page table
 * @test: whom to tell
 * @memory: the page table
 * @driver: of @memory
 * @runs: what to map
 * @window: where
 * @round: number of windows so far
 */
struct mapping {
	struct kunit *test;
	struct memory_domain memory;
	struct odd_driver driver;
	struct pfn_run runs[MAX_RUNS];
	struct pfn_window window;
	unsigned int round;
};

static void mapping_init(struct mapping *mapping, unsigned long pgsize_bitmap)
{
	struct memory_domain *memory = &mapping->memory;

	memory_domain_init(memory, pgsize_bitmap);
	mapping->driver = (struct odd_driver){
		.ops = *memory->domain.ops,
		.real = memory->domain.ops,
		.most = SIZE_MAX,
	};
	mapping->driver.ops.map_pages = odd_map;
	mapping->driver.ops.iotlb_sync_map = odd_sync_map;
	memory->domain.ops = &mapping->driver.ops;
}

/* Large IOPTEs fit if @skew is 0. */
static void mapping_fill(struct mapping *mapping, const struct run_case *runs,
			 unsigned long skew)
{
	unsigned long index = mapping->window.iova / PAGE_SIZE;
	unsigned long first = index;
	unsigned int i;

	for (i = 0; i < runs->nruns; i++) {
		mapping->runs[i] = (struct pfn_run){
			.pfn = (i + 16) * 0x10000UL + index + skew,
			.npages = runs->npages[i] ?: 1,
		};
		index += mapping->runs[i].npages;
	}
	mapping->window.length = (index - first) * PAGE_SIZE;
}

/* The physical address of a byte of the window, and how long its run goes on. */
static phys_addr_t mapping_phys(const struct mapping *mapping,
				unsigned long byte, unsigned long *left)
{
	const struct pfn_window *window = &mapping->window;
	const struct pfn_run *run = mapping->runs;
	unsigned long at = byte + window->offset;

	for (; at >= run->npages * PAGE_SIZE; run++)
		at -= run->npages * PAGE_SIZE;
	*left = min(run->npages * PAGE_SIZE - at, window->length - byte);
	return PFN_PHYS(run->pfn) + at;
}

/* The largest page that the driver has and that fits at some place. */
static unsigned long largest_page(const struct mapping *mapping)
{
	unsigned long step = 1UL << mapping->memory.shift;
	unsigned long best = 0, byte, left, bits;
	unsigned int bit;

	for (byte = 0; byte < mapping->window.length; byte += step) {
		unsigned long address = mapping_phys(mapping, byte, &left) |
					(mapping->window.iova + byte);

		bits = mapping->memory.domain.pgsize_bitmap;
		for_each_set_bit(bit, &bits, BITS_PER_LONG)
			if (IS_ALIGNED(address, BIT(bit)) && BIT(bit) <= left)
				best = max(best, BIT(bit));
	}
	return best;
}

static void check_empty(struct mapping *mapping)
{
	KUNIT_ASSERT_EQ(mapping->test, mapping->memory.nentries, 0);
	KUNIT_ASSERT_EQ(mapping->test, mapping->memory.errors, 0);
}

static void check_mapped(struct mapping *mapping)
{
	const struct pfn_window *window = &mapping->window;
	unsigned long step = 1UL << mapping->memory.shift;
	unsigned long byte, left;

	for (byte = 0; byte < window->length; byte += step)
		if (mapping_phys(mapping, byte, &left) !=
		    memory_domain_lookup(&mapping->memory, window->iova + byte))
			break;
	KUNIT_ASSERT_EQ(mapping->test, byte, window->length);
	KUNIT_ASSERT_EQ(mapping->test, mapping->memory.nentries,
			window->length / step);
	KUNIT_ASSERT_EQ(mapping->test, mapping->memory.errors, 0);
}

static int map_window(struct mapping *mapping)
{
	mapping->driver.calls = 0;
	mapping->driver.syncs = 0;
	return pfn_domain_map(&mapping->memory.domain, mapping->runs,
			      &mapping->window);
}

static void unmap_window(struct mapping *mapping)
{
	const struct pfn_window *window = &mapping->window;

	KUNIT_ASSERT_EQ(mapping->test, window->length,
			pfn_domain_unmap(&mapping->memory.domain, window->iova,
					 window->length));
	check_empty(mapping);
}

static void map_succeeds(struct mapping *mapping)
{
	unsigned long bitmap = mapping->memory.domain.pgsize_bitmap;
	unsigned long larger = bitmap & (PAGE_MASK << 1);

	mapping->memory.most_bytes = 0;
	mapping->driver.asked = 0;
	KUNIT_ASSERT_EQ(mapping->test, 0, map_window(mapping));
	KUNIT_ASSERT_GT(mapping->test, mapping->driver.syncs, 0);
	check_mapped(mapping);
	if (mapping->window.huge_pages) {
		KUNIT_ASSERT_EQ(mapping->test, mapping->memory.most_bytes,
				largest_page(mapping));
	} else {
		KUNIT_ASSERT_LE(mapping->test, mapping->memory.most_bytes,
				PAGE_SIZE);
		/* Not so many at once that a driver could make one of them. */
		if (larger)
			KUNIT_ASSERT_LT(mapping->test, mapping->driver.asked,
					BIT(__ffs(larger)));
	}
	unmap_window(mapping);
}

/* Whichever call it is that fails, nothing is left. */
static void map_fails(struct mapping *mapping, unsigned long *fail, int error)
{
	unsigned long n;
	int rc;

	for (n = 1;; n *= 2) {
		*fail = n;
		rc = map_window(mapping);
		if (!rc)
			break;
		KUNIT_ASSERT_EQ(mapping->test, rc, error);
		check_empty(mapping);
	}
	*fail = 0;
	KUNIT_ASSERT_GT(mapping->test, n, 1);
	check_mapped(mapping);
	unmap_window(mapping);
}

static void map_at_window(struct mapping *mapping)
{
	struct odd_driver *driver = &mapping->driver;

	map_succeeds(mapping);
	/* It takes long for many pages, so few windows do one of these. */
	mapping->round++;
	if (mapping->window.length > 100 * PAGE_SIZE && mapping->round % 5)
		return;
	driver->some = mapping->round & 1;
	/* Few at a time is slow, and not wrong. */
	driver->most = mapping->round & 2 ? 100 : SIZE_MAX;
	if (mapping->round & 4)
		map_fails(mapping, &driver->fail_sync, -EIO);
	else
		map_fails(mapping, &driver->fail_call, -ENOMEM);
	driver->most = SIZE_MAX;
}

/* Begin and end within a page, where the driver has IOPTEs for that. */
static void map_parts(struct mapping *mapping)
{
	struct pfn_window whole = mapping->window;
	unsigned long half = PAGE_SIZE / 2;
	/* It takes long for many pages. */
	unsigned int step = whole.length > 100 * PAGE_SIZE ? 7 : 1;
	unsigned int ends;

	for (ends = 0; ends < 8; ends += step) {
		unsigned long cut = (ends & 1 ? half : 0) +
				    (ends & 2 ? half : 0);

		if (ends && mapping->memory.shift >= PAGE_SHIFT)
			break;
		if (cut >= whole.length)
			continue;
		mapping->window = whole;
		mapping->window.offset = ends & 1 ? half : 0;
		mapping->window.iova += ends & 4 ? half : 0;
		mapping->window.length -= cut;
		map_at_window(mapping);
	}
	mapping->window = whole;
}

static void runs_in_page_tables(struct kunit *test)
{
	struct mapping *mapping = kunit_kzalloc(test, sizeof(*mapping),
						GFP_KERNEL);
	unsigned int i, k;

	KUNIT_ASSERT_NOT_NULL(test, mapping);
	mapping->test = test;
	for (i = 0; i < ARRAY_SIZE(page_tables); i++) {
		mapping_init(mapping, page_tables[i]);
		for (k = 0; k < 4; k++) {
			mapping->window = (struct pfn_window){
				.iova = SZ_1G - (k & 1 ? 5 * PAGE_SIZE :
							 BLOCK * PAGE_SIZE),
				.huge_pages = !(k & 2),
			};
			mapping_fill(mapping, test->param_value, k % 3);
			map_parts(mapping);
		}
		memory_domain_destroy(&mapping->memory);
	}
}

TEST_BOTH_WAYS(page_tables,
	       KUNIT_CASE_PARAM(runs_in_page_tables, run_cases_gen_params));

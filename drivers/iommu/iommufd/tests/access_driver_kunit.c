// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * In-kernel users through the interface for drivers: what they are asked to let
 * go of, and pins that are undone in other pieces than they were made.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/workqueue.h>

#include "check/iopt_check.h"
#include "check/pages_check.h"
#include "context.h"
#include "iopt/io_pagetable.h"
#include "iopt/iopt_domain.h"
#include "iopt/iopt_lookup.h"
#include "iopt/iopt_map.h"
#include "iopt/iopt_unmap.h"
#include "memory_domain.h"
#include "object/context.h"
#include "object/ioas.h"
#include "pages/access_pfns.h"
#include "pages/pfn_span.h"
#include "test_random.h"
#include "user_memory.h"

/*
 * Pages of IOVA from IOVA on: two areas that join, each with memory of its own,
 * a gap, and a copy of the memory on both sides of their border.
 */
#define IOVA 0x100000UL
#define FIRST_PAGES 16UL
#define MEMORY_PAGES 40UL
#define COPY_START 44UL
#define COPY_PAGES 16UL
#define COPY_SOURCE 8UL
#define SPACE_PAGES (COPY_START + COPY_PAGES)

/* An area that is much larger than what is pinned of it. */
#define HUGE_IOVA (1UL << 42)
#define HUGE_LENGTH (1UL << 40)

#define NDRIVERS 2
#define STEPS 700

/**
 * struct driver - A driver that emulates a device
 * @world: where it is
 * @access: its access, NULL if it was destroyed
 * @held: how often it has pinned each page of IOVA
 * @huge: IOVA of @held are counted from HUGE_IOVA
 * @late: lets go of all a moment after it was asked, in @later
 * @later: unpins
 * @asked: how often it was asked to let go of something
 * @asked_pages: of how many pages
 */
struct driver {
	struct world *world;
	struct iommufd_access *access;
	unsigned int held[SPACE_PAGES];
	bool huge;
	bool late;
	struct delayed_work later;
	unsigned int asked;
	unsigned long asked_pages;
};

/**
 * struct world - Two IOASes, and drivers attached to the first
 * @test: the test
 * @ictx: the context
 * @ioas: the second one has nothing mapped
 * @address: user virtual address of the memory
 * @memory: its pages, pinned once by the test
 * @drivers: see there
 * @domain: a page table for the first IOAS
 * @member: of @domain
 * @joined: @domain is filled
 * @random: to choose from
 */
struct world {
	struct kunit *test;
	struct iommufd_ctx *ictx;
	struct iommufd_ioas *ioas[2];
	unsigned long address;
	struct page *memory[MEMORY_PAGES];
	struct driver drivers[NDRIVERS];
	struct memory_domain domain;
	struct iopt_domain member;
	bool joined;
	struct test_random random;
};

static struct io_pagetable *iopt_of(struct world *world)
{
	return &world->ioas[0]->iopt;
}

static unsigned long memory_of(unsigned long page)
{
	return page < COPY_START ? page : page - COPY_START + COPY_SOURCE;
}

static bool is_mapped(unsigned long page)
{
	return page < MEMORY_PAGES || page >= COPY_START;
}

static unsigned long driver_iova(const struct driver *driver,
				 unsigned long page)
{
	return (driver->huge ? HUGE_IOVA : IOVA) + page * PAGE_SIZE;
}

/* How often a page of memory is pinned, by all drivers, wherever it shows. */
static unsigned int count_of(const struct world *world, unsigned long index)
{
	unsigned int count = 0;
	unsigned long page;
	unsigned int i;

	for (page = 0; page < SPACE_PAGES; page++)
		for (i = 0; i < NDRIVERS && is_mapped(page); i++)
			if (memory_of(page) == index)
				count += world->drivers[i].held[page];
	return count;
}

static void driver_unpin(struct driver *driver, unsigned long page,
			 unsigned long npages)
{
	unsigned long i;

	iommufd_access_unpin_pages(driver->access, driver_iova(driver, page),
				   npages * PAGE_SIZE);
	for (i = page; i < page + npages; i++)
		driver->held[i]--;
}

static void driver_pin(struct driver *driver, unsigned long page,
		       unsigned long npages)
{
	struct page *pages[SPACE_PAGES];
	struct world *world = driver->world;
	unsigned long i;

	KUNIT_ASSERT_EQ(world->test, 0,
			iommufd_access_pin_pages(driver->access,
						 driver_iova(driver, page),
						 npages * PAGE_SIZE, pages,
						 IOMMUFD_ACCESS_RW_WRITE));
	for (i = 0; i < npages; i++) {
		KUNIT_ASSERT_PTR_EQ(world->test, pages[i],
				    world->memory[memory_of(page + i)]);
		driver->held[page + i]++;
	}
}

/* How many pages from this one on the driver has, up to a number by lot. */
static unsigned long random_held(struct driver *driver, unsigned long page,
				 unsigned long last)
{
	unsigned long most = 1 + test_random_below(&driver->world->random,
						   SPACE_PAGES);
	unsigned long n = 0;

	while (n < most && page + n <= last && driver->held[page + n])
		n++;
	return n;
}

/* Let go of a range in pieces that nothing is known about. */
static void driver_let_go(struct driver *driver, unsigned long first,
			  unsigned long last)
{
	unsigned long page = first;

	while (page <= last) {
		unsigned long n = random_held(driver, page, last);

		if (n)
			driver_unpin(driver, page, n);
		else
			page++;
	}
}

static void driver_asked(void *data, unsigned long iova, unsigned long length)
{
	struct driver *driver = data;
	struct world *world = driver->world;
	unsigned long page = (iova - driver_iova(driver, 0)) / PAGE_SIZE;
	unsigned long i;

	driver->asked++;
	driver->asked_pages += length / PAGE_SIZE;
	KUNIT_EXPECT_TRUE(world->test, PAGE_ALIGNED(iova | length));
	if (page >= SPACE_PAGES || length > (SPACE_PAGES - page) * PAGE_SIZE) {
		KUNIT_FAIL(world->test, "asked for %lx, %lx bytes", iova,
			   length);
		driver_let_go(driver, 0, SPACE_PAGES - 1);
		return;
	}
	for (i = page; i < page + length / PAGE_SIZE; i++)
		KUNIT_EXPECT_GT(world->test, count_of(world, memory_of(i)), 0);
	if (driver->late)
		schedule_delayed_work(&driver->later, HZ / 5);
	else
		driver_let_go(driver, page, page + length / PAGE_SIZE - 1);
}

static void driver_lets_go_late(struct work_struct *work)
{
	struct driver *driver = container_of(work, struct driver, later.work);

	driver_let_go(driver, 0, SPACE_PAGES - 1);
}

static const struct iommufd_access_ops driver_ops = {
	.needs_pin_pages = 1,
	.unmap = driver_asked,
};

static void driver_start(struct driver *driver, struct world *world)
{
	struct iommufd_access *access;
	u32 id;

	driver->world = world;
	INIT_DELAYED_WORK(&driver->later, driver_lets_go_late);
	access = iommufd_access_create(world->ictx, &driver_ops, driver, &id);
	KUNIT_ASSERT_FALSE(world->test, IS_ERR(access));
	driver->access = access;
	KUNIT_ASSERT_EQ(world->test, 0,
			iommufd_access_attach(access,
					      world->ioas[0]->object.id));
}

static void driver_end(struct driver *driver)
{
	if (driver->access)
		iommufd_access_destroy(driver->access);
	driver->access = NULL;
}

static void map(struct world *world, unsigned long iova, unsigned long offset,
		unsigned long length)
{
	struct iopt_mapping mapping;
	int rc;

	iopt_mapping_init(&mapping, iopt_of(world), IOMMU_READ | IOMMU_WRITE,
			  IOPT_MAP_FIXED);
	mapping.iova = iova;
	rc = iopt_mapping_add_user(&mapping, world->address + offset, length,
				   &world->ictx->account) ?:
	     iopt_mapping_prepare(&mapping);
	iopt_mapping_end(&mapping, rc);
	KUNIT_ASSERT_EQ(world->test, 0, rc);
}

static void map_copy(struct world *world)
{
	struct iopt_mapping mapping;
	int rc;

	iopt_mapping_init(&mapping, iopt_of(world), IOMMU_READ | IOMMU_WRITE,
			  IOPT_MAP_FIXED);
	mapping.iova = IOVA + COPY_START * PAGE_SIZE;
	rc = iopt_mapping_add_copy(&mapping, iopt_of(world),
				   IOVA + COPY_SOURCE * PAGE_SIZE,
				   COPY_PAGES * PAGE_SIZE) ?:
	     iopt_mapping_prepare(&mapping);
	iopt_mapping_end(&mapping, rc);
	KUNIT_ASSERT_EQ(world->test, 0, rc);
}

static void join(struct world *world, bool join)
{
	if (join == world->joined)
		return;
	if (join)
		KUNIT_ASSERT_EQ(world->test, 0,
				iopt_add_domain(iopt_of(world),
						&world->member));
	else
		iopt_remove_domain(iopt_of(world), &world->member);
	world->joined = join;
}

static int world_init(struct kunit *test)
{
	struct world *world = kunit_kzalloc(test, sizeof(*world), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, world);
	test->priv = world;
	world->test = test;
	world->random.state = test_seed();
	world->address = user_memory_map(test, 0, USER_MEMORY_ANONYMOUS,
					 MEMORY_PAGES, false);
	KUNIT_ASSERT_EQ(test, (int)MEMORY_PAGES,
			pin_user_pages_fast(world->address, MEMORY_PAGES,
					    FOLL_LONGTERM | FOLL_WRITE,
					    world->memory));
	memory_domain_init(&world->domain, PAGE_SIZE);
	world->member.domain = &world->domain.domain;
	world->ictx = context_new(test);
	for (i = 0; i < ARRAY_SIZE(world->ioas); i++)
		world->ioas[i] = context_add_ioas(test, world->ictx);
	map(world, IOVA, 0, FIRST_PAGES * PAGE_SIZE);
	map(world, IOVA + FIRST_PAGES * PAGE_SIZE, FIRST_PAGES * PAGE_SIZE,
	    (MEMORY_PAGES - FIRST_PAGES) * PAGE_SIZE);
	map_copy(world);
	for (i = 0; i < NDRIVERS; i++)
		driver_start(&world->drivers[i], world);
	return 0;
}

static void world_exit(struct kunit *test)
{
	struct world *world = test->priv;
	unsigned int i;

	for (i = 0; i < NDRIVERS; i++)
		driver_end(&world->drivers[i]);
	join(world, false);
	context_end(test, world->ictx);
	memory_domain_destroy(&world->domain);
	unpin_user_pages(world->memory, MEMORY_PAGES);
}

/* Compare with the model: pins, and what the intervals say. */

static void check_page(struct world *world, struct iopt_area *area,
		       unsigned long page)
{
	unsigned int count = count_of(world, memory_of(page));
	struct page *memory = world->memory[memory_of(page)];
	unsigned long iova = IOVA + page * PAGE_SIZE;
	unsigned long index = iopt_area_first(area) +
			      (iova - area->node.start) / PAGE_SIZE;
	struct pfn_span span;

	pfn_span_find(&span, area->pages, index, index);
	KUNIT_EXPECT_EQ(world->test, !!count, span.tier == PFN_TIER_ACCESS);
	if (span.tier == PFN_TIER_ACCESS) {
		KUNIT_EXPECT_EQ(world->test, count, span.access->users);
		KUNIT_EXPECT_EQ(world->test, page_to_pfn(memory),
				access_pfn(span.access, index));
	}
	KUNIT_EXPECT_EQ(world->test, 1 + (count || world->joined),
			folio_ref_count(page_folio(memory)) /
				(int)GUP_PIN_COUNTING_BIAS);
}

static void check_area(struct world *world, struct iopt_area *area)
{
	unsigned long start = (area->node.start - IOVA) / PAGE_SIZE;
	unsigned long page, held = 0;
	unsigned int i;

	mutex_lock(&area->pages->mutex);
	for (page = start; page < start + iopt_area_npages(area); page++) {
		check_page(world, area, page);
		for (i = 0; i < NDRIVERS; i++)
			held += world->drivers[i].held[page];
	}
	KUNIT_EXPECT_EQ(world->test, held,
			atomic_long_read(&area->num_accesses));
	KUNIT_EXPECT_TRUE(world->test, iopt_area_valid(area));
	KUNIT_EXPECT_TRUE(world->test, iopt_pages_valid(area->pages));
	mutex_unlock(&area->pages->mutex);
}

static void check(struct world *world)
{
	struct iopt_area *area;

	KUNIT_ASSERT_TRUE(world->test, iopt_valid(iopt_of(world)));
	iopt_for_each_area(area, iopt_of(world))
		check_area(world, area);
	KUNIT_ASSERT_EQ(world->test, 0, world->test->status);
}

static void unmap(struct world *world, unsigned long iova,
		  unsigned long length)
{
	unsigned long unmapped;

	KUNIT_EXPECT_EQ(world->test, 0,
			iopt_unmap(iopt_of(world), iova, iova + (length - 1),
				   &unmapped));
}

/* Pins in other pieces */

static void random_pin(struct world *world, struct driver *driver)
{
	bool copy = test_random_chance(&world->random, 3);
	unsigned long first = copy ? COPY_START : 0;
	unsigned long npages = copy ? COPY_PAGES : MEMORY_PAGES;
	unsigned long page = test_random_below(&world->random, npages);
	unsigned long most = test_random_chance(&world->random, 2) ?
				     1 : npages - page;

	driver_pin(driver, first + page,
		   1 + test_random_below(&world->random, most));
}

static void random_unpin(struct world *world, struct driver *driver)
{
	unsigned long page = test_random_below(&world->random, SPACE_PAGES);
	unsigned long last = page < MEMORY_PAGES ? MEMORY_PAGES - 1 :
						   SPACE_PAGES - 1;
	unsigned long n = random_held(driver, page, last);

	if (n)
		driver_unpin(driver, page, n);
}

static void h31_pins_and_unpins_of_all_tilings(struct kunit *test)
{
	struct world *world = test->priv;
	unsigned int step;

	kunit_info(test, "seed %lu", test_seed());
	for (step = 0; step < STEPS; step++) {
		unsigned int i = test_random_below(&world->random, NDRIVERS);

		/* Fuller, then emptier. */
		if (test_random_chance(&world->random, 20))
			join(world, !world->joined);
		else if (test_random_below(&world->random, 8) <
			 (step / 100 % 2 ? 1 : 3))
			random_pin(world, &world->drivers[i]);
		else
			random_unpin(world, &world->drivers[i]);
		check(world);
	}
	driver_end(&world->drivers[0]);
	check(world);
	unmap(world, IOVA, MEMORY_PAGES * PAGE_SIZE);
	check(world);
	unmap(world, IOVA + COPY_START * PAGE_SIZE, COPY_PAGES * PAGE_SIZE);
}

/* The pages of a range in one order or another, each once. */
static unsigned long nth_of(unsigned int order, unsigned long n,
			    unsigned long npages)
{
	switch (order) {
	case 0:
		return n;
	case 1:
		return npages - 1 - n;
	default:
		return n * 2 % (npages | 1);
	}
}

#define ORDERS 3

/* Across the border of two areas. */
#define RANGE_START (FIRST_PAGES - 5)
#define RANGE_PAGES 15UL

static void pinned_by_page_unpinned_as_a_whole(struct kunit *test)
{
	struct world *world = test->priv;
	struct driver *driver = &world->drivers[0];
	unsigned int order;
	unsigned long n;

	for (order = 0; order < ORDERS; order++) {
		join(world, order % 2);
		for (n = 0; n < RANGE_PAGES; n++)
			driver_pin(driver, RANGE_START +
				   nth_of(order, n, RANGE_PAGES), 1);
		check(world);
		driver_unpin(driver, RANGE_START, RANGE_PAGES);
		check(world);
	}
	unmap(world, IOVA, MEMORY_PAGES * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, driver->asked, 0);
}

static void pinned_as_a_whole_unpinned_by_page(struct kunit *test)
{
	struct world *world = test->priv;
	struct driver *driver = &world->drivers[0];
	unsigned int times, order, i;
	unsigned long n;

	for (times = 1; times <= 2; times++)
		for (order = 0; order < ORDERS; order++) {
			join(world, order % 2);
			for (i = 0; i < times; i++)
				driver_pin(driver, RANGE_START, RANGE_PAGES);
			for (n = 0; n < RANGE_PAGES * times; n++) {
				driver_unpin(driver, RANGE_START +
					     nth_of(order, n % RANGE_PAGES,
						    RANGE_PAGES), 1);
				check(world);
			}
		}
	unmap(world, IOVA, MEMORY_PAGES * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, driver->asked, 0);
}

/* Behind the memory there is none to pin. */
static void failed_pin_lets_go_of_all_steps(struct kunit *test)
{
	struct world *world = test->priv;
	struct driver *driver = &world->drivers[0];
	struct page *pages[SPACE_PAGES];
	struct interval_tree_node *node;
	struct iopt_area *area;

	driver->huge = true;
	map(world, HUGE_IOVA, 0, HUGE_LENGTH);
	driver_pin(driver, 10, 3);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			iommufd_access_pin_pages(driver->access,
						 HUGE_IOVA + 8 * PAGE_SIZE,
						 50 * PAGE_SIZE, pages, 0));
	area = iopt_area_from_node(iova_tree_first(&iopt_of(world)->tree,
						   HUGE_IOVA, HUGE_IOVA));
	node = interval_tree_iter_first(&area->pages->access_itree, 0,
					ULONG_MAX);
	KUNIT_ASSERT_NOT_NULL(test, node);
	KUNIT_EXPECT_EQ(test, node->start, 10);
	KUNIT_EXPECT_EQ(test, node->last, 12);
	KUNIT_EXPECT_NULL(test, interval_tree_iter_next(node, 0, ULONG_MAX));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&area->num_accesses), 3);
	KUNIT_EXPECT_EQ(test, area->pages->npinned, 3);
	driver_unpin(driver, 10, 3);
	unmap(world, HUGE_IOVA, HUGE_LENGTH);
	KUNIT_EXPECT_EQ(test, driver->asked, 0);
}

static bool warnings;
module_param_named(kunit_unpin_warnings, warnings, bool, 0444);
MODULE_PARM_DESC(kunit_unpin_warnings,
		 "Run tests that make the kernel warn of what a driver unpins");

/* A driver that unpins what it has not pinned hurts nobody but itself. */
static void unpins_anywhere(struct kunit *test)
{
	struct world *world = test->priv;
	struct driver *driver = &world->drivers[0];

	if (!warnings)
		kunit_skip(test, "makes the kernel warn");
	driver_pin(&world->drivers[1], 2, 4);
	/* Nothing is its own. */
	iommufd_access_unpin_pages(driver->access, IOVA + 2 * PAGE_SIZE,
				   PAGE_SIZE);
	check(world);
	/* Some of it is. */
	driver_pin(driver, 20, 3);
	driver_pin(driver, 24, 1);
	driver_pin(driver, 30, 4);
	iommufd_access_unpin_pages(driver->access, IOVA + 20 * PAGE_SIZE,
				   5 * PAGE_SIZE);
	memset(driver->held + 20, 0, 5 * sizeof(*driver->held));
	check(world);
	/* And there is a gap. */
	driver_pin(driver, MEMORY_PAGES - 1, 1);
	iommufd_access_unpin_pages(driver->access,
				   IOVA + (MEMORY_PAGES - 1) * PAGE_SIZE,
				   2 * PAGE_SIZE);
	driver->held[MEMORY_PAGES - 1] = 0;
	check(world);
}

/* What drivers are asked for */

static void expect_asked(struct driver *driver, unsigned int times,
			 unsigned long npages)
{
	struct kunit *test = driver->world->test;

	KUNIT_EXPECT_EQ(test, driver->asked, times);
	KUNIT_EXPECT_EQ(test, driver->asked_pages, npages);
	driver->asked = 0;
	driver->asked_pages = 0;
}

static void pin_scattered(struct driver *driver)
{
	driver_pin(driver, 3, 1);
	/* Two that join. */
	driver_pin(driver, 8, 1);
	driver_pin(driver, 9, 2);
	driver_pin(driver, 20, 1);
}

static void h40_unmap_asks_for_what_is_pinned(struct kunit *test)
{
	struct world *world = test->priv;
	struct driver *driver = &world->drivers[0];

	driver->huge = true;
	map(world, HUGE_IOVA, 0, HUGE_LENGTH);
	pin_scattered(driver);
	unmap(world, HUGE_IOVA, HUGE_LENGTH);
	expect_asked(driver, 3, 5);
	expect_asked(&world->drivers[1], 0, 0);
}

static void h40_leaving_asks_for_what_is_pinned(struct kunit *test)
{
	struct world *world = test->priv;
	struct driver *driver = &world->drivers[0];
	u32 other = world->ioas[1]->object.id;
	u32 first = world->ioas[0]->object.id;

	driver->huge = true;
	map(world, HUGE_IOVA, 0, HUGE_LENGTH);
	/* Others' pins are no reason to ask. */
	driver_pin(&world->drivers[1], 0, 4);

	KUNIT_EXPECT_EQ(test, 0, iommufd_access_replace(driver->access, other));
	expect_asked(driver, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, iommufd_access_replace(driver->access, first));
	expect_asked(driver, 0, 0);
	/* Whoever has own pins would be asked for these as well. */
	driver_unpin(&world->drivers[1], 0, 4);
	pin_scattered(driver);
	KUNIT_EXPECT_EQ(test, 0, iommufd_access_replace(driver->access, other));
	expect_asked(driver, 3, 5);
	iommufd_access_detach(driver->access);
	expect_asked(driver, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, iommufd_access_attach(driver->access, first));
	pin_scattered(driver);
	iommufd_access_detach(driver->access);
	expect_asked(driver, 3, 5);
	KUNIT_EXPECT_EQ(test, 0, iommufd_access_attach(driver->access, first));
	pin_scattered(driver);
	driver_end(driver);
	expect_asked(driver, 3, 5);
	expect_asked(&world->drivers[1], 0, 0);
	driver_end(&world->drivers[1]);
	expect_asked(&world->drivers[1], 0, 0);
	unmap(world, HUGE_IOVA, HUGE_LENGTH);
}

/* As vfio_ccw does while an interrupt handler of its own is unpinning. */
static void h40_leaving_waits_for_a_late_driver(struct kunit *test)
{
	struct world *world = test->priv;
	struct driver *driver = &world->drivers[0];
	unsigned long page;

	driver->late = true;
	pin_scattered(driver);
	/* This warns if something is still pinned in the end. */
	iommufd_access_detach(driver->access);
	flush_delayed_work(&driver->later);
	for (page = 0; page < SPACE_PAGES; page++)
		KUNIT_EXPECT_EQ(test, driver->held[page], 0);
	check(world);
	unmap(world, IOVA, MEMORY_PAGES * PAGE_SIZE);
}

static struct kunit_case driver_cases[] = {
	KUNIT_CASE(h31_pins_and_unpins_of_all_tilings),
	KUNIT_CASE(pinned_by_page_unpinned_as_a_whole),
	KUNIT_CASE(pinned_as_a_whole_unpinned_by_page),
	KUNIT_CASE(failed_pin_lets_go_of_all_steps),
	KUNIT_CASE(unpins_anywhere),
	KUNIT_CASE(h40_unmap_asks_for_what_is_pinned),
	KUNIT_CASE(h40_leaving_asks_for_what_is_pinned),
	KUNIT_CASE(h40_leaving_waits_for_a_late_driver),
	{}
};

static struct kunit_suite driver_suite = {
	.name = "iommufd-access-driver",
	.init = world_init,
	.exit = world_exit,
	.test_cases = driver_cases,
};

kunit_test_suite(driver_suite);

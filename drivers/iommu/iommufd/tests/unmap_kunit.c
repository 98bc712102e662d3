// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * An unmap of many areas, which takes several steps, and what others map
 * between two of them. An area that another unmap removes stops it there.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/wait.h>

#include "check/iopt_check.h"
#include "iopt/io_pagetable.h"
#include "iopt/iopt_iova.h"
#include "iopt/iopt_lookup.h"
#include "iopt/iopt_map.h"
#include "iopt/iopt_unmap.h"
#include "pages/area.h"
#include "pin/account.h"
#include "user_memory.h"

#define IOVA 0x100000UL

/*
 * Pages of IOVA, each an area of its own but for two holes:
 *
 *	MANY areas, a hole, an area, the obstacle, a hole, MANY areas, a hole
 */
#define MANY (2 * IOPT_AREAS_STEP + 2)
#define LOWER_HOLE MANY
#define OBSTACLE (MANY + 2)
#define UPPER_HOLE (MANY + 3)
#define LAST_HOLE (UPPER_HOLE + MANY + 1)
#define RANGE_PAGES (LAST_HOLE + 1)

/* What is mapped of it, without the obstacle. */
#define MAPPED (2 * MANY + 1)

#define PAGES(n) ((n) * PAGE_SIZE)

#define STEP_MS 20
#define WAIT_STEPS 500

/**
 * struct remover - A thread that unmaps
 * @visitor: stops the one that removes the obstacle
 * @iopt: where
 * @first: first page of IOVA
 * @npages: how many
 * @rule: what becomes of areas at the ends
 * @entered: it has stopped
 * @leave: it may go on
 * @verdict: what @visitor says then
 * @rc: what came of it
 * @unmapped: bytes
 * @done: it is over
 */
struct remover {
	struct iopt_visitor visitor;
	struct io_pagetable *iopt;
	unsigned long first;
	unsigned long npages;
	enum iopt_unmap_rule rule;
	struct completion entered;
	struct completion leave;
	int verdict;
	int rc;
	unsigned long unmapped;
	struct completion done;
};

struct world {
	struct io_pagetable iopt;
	struct pin_account account;
	unsigned long address;
	struct remover holder;
	struct remover walker;
};

static int unmap_init(struct kunit *test)
{
	struct world *world = kunit_kzalloc(test, sizeof(*world), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, world);
	world->address = user_memory_map(test, 0, USER_MEMORY_ANONYMOUS, 2,
					 false);
	iopt_init(&world->iopt);
	pin_account_init(&world->account, PIN_ACCOUNT_NONE);
	test->priv = world;
	return 0;
}

static void unmap_exit(struct kunit *test)
{
	struct world *world = test->priv;
	unsigned long unmapped;

	iopt_unmap_all(&world->iopt, &unmapped);
	iopt_destroy(&world->iopt);
	pin_account_destroy(&world->account);
}

static void map_begin(struct kunit *test, struct iopt_mapping *mapping,
		      unsigned long first, unsigned long npages)
{
	struct world *world = test->priv;

	iopt_mapping_init(mapping, &world->iopt, IOMMU_READ, IOPT_MAP_FIXED);
	mapping->iova = IOVA + PAGES(first);
	KUNIT_EXPECT_EQ(test, 0,
			iopt_mapping_add_user(mapping, world->address,
					      PAGES(npages), &world->account));
	KUNIT_EXPECT_EQ(test, 0, iopt_mapping_prepare(mapping));
}

static void map(struct kunit *test, unsigned long first, unsigned long npages)
{
	struct iopt_mapping mapping;

	map_begin(test, &mapping, first, npages);
	iopt_mapping_end(&mapping, 0);
}

static int stop(struct iopt_visitor *visitor, struct iopt_area *area)
{
	struct remover *remover = container_of(visitor, struct remover,
					       visitor);

	complete(&remover->entered);
	wait_for_completion(&remover->leave);
	return remover->verdict;
}

static int remover_run(void *data)
{
	struct remover *remover = data;
	unsigned long start = IOVA + PAGES(remover->first);

	remover->rc = iopt_unmap_visited(remover->iopt, start,
					 start + PAGES(remover->npages) - 1,
					 remover->rule,
					 remover->visitor.visit ?
						 &remover->visitor : NULL,
					 &remover->unmapped);
	complete(&remover->done);
	return 0;
}

static void remover_start(struct kunit *test, struct remover *remover,
			  unsigned long first, unsigned long npages)
{
	struct world *world = test->priv;
	struct task_struct *task;

	remover->iopt = &world->iopt;
	remover->first = first;
	remover->npages = npages;
	init_completion(&remover->entered);
	init_completion(&remover->leave);
	init_completion(&remover->done);
	task = kthread_run(remover_run, remover, "iommufd-unmap");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
}

/* Whoever waits for the obstacle has claimed all that lies below it. */
static void expect_waiting(struct kunit *test, struct io_pagetable *iopt)
{
	unsigned int i;

	for (i = 0; i < WAIT_STEPS && !wq_has_sleeper(&iopt->erased); i++)
		msleep(STEP_MS);
	KUNIT_EXPECT_LT(test, i, WAIT_STEPS);
}

/* All areas, and an unmap that has claimed those below the obstacle. */
static void walk_half(struct kunit *test, enum iopt_unmap_rule rule)
{
	struct world *world = test->priv;
	unsigned int page;

	for (page = 0; page < LAST_HOLE; page++)
		if (page != LOWER_HOLE && page != UPPER_HOLE)
			map(test, page, 1);
	world->holder.visitor.visit = stop;
	remover_start(test, &world->holder, OBSTACLE, 1);
	wait_for_completion(&world->holder.entered);
	world->walker.rule = rule;
	remover_start(test, &world->walker, 0, RANGE_PAGES);
	expect_waiting(test, &world->iopt);
}

/* The obstacle goes, or with @verdict stays. */
static void walk_end(struct kunit *test, int verdict)
{
	struct world *world = test->priv;

	world->holder.verdict = verdict;
	complete(&world->holder.leave);
	wait_for_completion(&world->holder.done);
	wait_for_completion(&world->walker.done);
	KUNIT_EXPECT_EQ(test, verdict, world->holder.rc);
	KUNIT_EXPECT_TRUE(test, iopt_valid(&world->iopt));
}

static void expect_walked(struct kunit *test, int rc, unsigned long npages)
{
	struct world *world = test->priv;

	KUNIT_EXPECT_EQ(test, rc, world->walker.rc);
	KUNIT_EXPECT_EQ(test, PAGES(npages), world->walker.unmapped);
}

/* So many pages are still there, and can be unmapped. */
static void expect_left(struct kunit *test, unsigned long npages)
{
	struct world *world = test->priv;
	unsigned long unmapped;

	KUNIT_EXPECT_EQ(test, 0, iopt_unmap_all(&world->iopt, &unmapped));
	KUNIT_EXPECT_EQ(test, PAGES(npages), unmapped);
}

/* Of what comes meanwhile, that ahead of the unmap is unmapped as well. */
static void h13_maps_between_two_steps(struct kunit *test)
{
	struct world *world = test->priv;
	unsigned long unmapped;

	walk_half(test, IOPT_UNMAP_EXACT);
	map(test, LOWER_HOLE, 1);
	map(test, UPPER_HOLE, 1);
	walk_end(test, 0);
	expect_walked(test, 0, MAPPED + 1);
	KUNIT_EXPECT_EQ(test, 0,
			iopt_unmap(&world->iopt, IOVA + PAGES(LOWER_HOLE),
				   IOVA + PAGES(LOWER_HOLE + 1) - 1,
				   &unmapped));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, unmapped);
	expect_left(test, 0);
}

/* It is not unmapped twice. */
static void h13_obstacle_goes(struct kunit *test)
{
	struct world *world = test->priv;

	walk_half(test, IOPT_UNMAP_EXACT);
	walk_end(test, 0);
	expect_walked(test, 0, MAPPED);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, world->holder.unmapped);
	expect_left(test, 0);
}

/* Whoever removes it gives up, so it is left to the one that waits. */
static void h13_obstacle_stays(struct kunit *test)
{
	struct world *world = test->priv;

	walk_half(test, IOPT_UNMAP_EXACT);
	walk_end(test, -EFAULT);
	expect_walked(test, 0, MAPPED + 1);
	KUNIT_EXPECT_EQ(test, 0, world->holder.unmapped);
	expect_left(test, 0);
}

/* It begins in the last hole and goes on behind the range. */
static void h12_area_is_cut_by_a_later_step(struct kunit *test)
{
	walk_half(test, IOPT_UNMAP_EXACT);
	map(test, LAST_HOLE, 2);
	walk_end(test, 0);
	expect_walked(test, -ENOENT, 0);
	expect_left(test, MAPPED + 2);
}

/* With version 1 of type1 it is unmapped as a whole. */
static void h12_area_is_taken_by_a_later_step(struct kunit *test)
{
	walk_half(test, IOPT_UNMAP_TYPE1_V1);
	map(test, LAST_HOLE, 2);
	walk_end(test, 0);
	expect_walked(test, 0, MAPPED + 2);
	expect_left(test, 0);
}

static void map_meanwhile(struct kunit *test, enum iopt_unmap_rule rule)
{
	struct iopt_mapping mapping;

	walk_half(test, rule);
	map_begin(test, &mapping, LAST_HOLE, 1);
	walk_end(test, 0);
	iopt_mapping_end(&mapping, 0);
}

static void h14_area_in_the_making_ends_a_later_step(struct kunit *test)
{
	map_meanwhile(test, IOPT_UNMAP_EXACT);
	expect_walked(test, -EBUSY, 0);
	expect_left(test, MAPPED + 1);
}

static void h14_area_in_the_making_comes_afterwards(struct kunit *test)
{
	map_meanwhile(test, IOPT_UNMAP_TYPE1_V2);
	expect_walked(test, 0, MAPPED);
	expect_left(test, 1);
}

static void expect_live(struct kunit *test, unsigned long page)
{
	struct world *world = test->priv;
	struct iopt_area *area = iopt_area_get_from(&world->iopt,
						    IOVA + PAGES(page));

	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_EXPECT_EQ(test, IOVA + PAGES(page), area->node.start);
	KUNIT_EXPECT_EQ(test, IOPT_AREA_LIVE, READ_ONCE(area->state));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(area->prevent_access));
	iopt_area_put(area);
}

/* What refuses lies in the middle, so that the ends do not tell. */
static void h14_first_step_that_fails_changes_nothing(struct kunit *test)
{
	struct world *world = test->priv;
	struct iopt_mapping mapping;
	unsigned long unmapped = 1;

	map(test, 0, 1);
	map_begin(test, &mapping, 1, 1);
	map(test, 2, 1);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iopt_unmap(&world->iopt, IOVA, IOVA + PAGES(3) - 1,
				   &unmapped));
	KUNIT_EXPECT_EQ(test, 0UL, unmapped);
	expect_live(test, 0);
	expect_live(test, 2);
	KUNIT_EXPECT_TRUE(test, iopt_valid(&world->iopt));
	iopt_mapping_end(&mapping, 0);
	expect_left(test, 3);
}

static struct kunit_case unmap_cases[] = {
	KUNIT_CASE(h13_maps_between_two_steps),
	KUNIT_CASE(h13_obstacle_goes),
	KUNIT_CASE(h13_obstacle_stays),
	KUNIT_CASE(h12_area_is_cut_by_a_later_step),
	KUNIT_CASE(h12_area_is_taken_by_a_later_step),
	KUNIT_CASE(h14_first_step_that_fails_changes_nothing),
	KUNIT_CASE(h14_area_in_the_making_ends_a_later_step),
	KUNIT_CASE(h14_area_in_the_making_comes_afterwards),
	{}
};

static struct kunit_suite unmap_suite = {
	.name = "iommufd-unmap",
	.init = unmap_init,
	.exit = unmap_exit,
	.test_cases = unmap_cases,
};

kunit_test_suite(unmap_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Emptying many areas at once, also with an IOMMU driver that does not do it.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>

#include "check/pages_check.h"
#include "lib/test_hooks.h"
#include "pages/area.h"
#include "pages/iopt_fill.h"
#include "pages/iopt_types.h"
#include "pages/iopt_unfill.h"
#include "pages/pages.h"
#include "pages/pfn_domain.h"
#include "pages_subject.h"
#include "test_random.h"
#include "user_memory.h"

/* Many areas that go at once */

#define CROWD_AREAS 40
#define CROWD_GROUPS 40
#define CROWD_PAGES 600
#define CROWD_LARGE 30

/* So few runs are in a batch that a large area does not fit. */
#define CROWD_BATCH_BYTES (8 * sizeof(struct pfn_run))

/**
 * struct crowd_area - One of many areas
 * @area: under test
 * @first: index of its first page in the memory of the subject
 * @npages: number of its pages
 * @goes: it is on the list of those that go
 */
struct crowd_area {
	struct iopt_area *area;
	unsigned long first;
	unsigned long npages;
	bool goes;
};

/**
 * struct crowd - Many areas over parts of the memory of a subject
 * @subject: has the memory and the domains, and no area of its own
 * @random: what the areas are like
 * @areas: the first @nareas are in use
 * @nareas: see there
 * @groups: pages that areas are made of; one or more areas each
 * @ngroups: number of @groups
 * @next_page: the memory before this page has its group
 * @next_iova: behind the last area
 * @going: the areas that go
 */
struct crowd {
	struct subject *subject;
	struct test_random random;
	struct crowd_area areas[CROWD_AREAS];
	unsigned int nareas;
	struct iopt_pages *groups[CROWD_GROUPS];
	unsigned int ngroups;
	unsigned long next_page;
	unsigned long next_iova;
	struct list_head going;
};

/* Areas of several runs; and areas that mostly are one. */
static const struct subject_config crowd_configs[] = {
	{ .name = "any order", .npages = CROWD_PAGES, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE },
	{ .name = "contiguous", .npages = CROWD_PAGES, .mode = PIN_ACCOUNT_USER,
	  .pgsize_bitmap = PAGE_SIZE, .layout = USER_MEMORY_BLOCKS },
};

KUNIT_ARRAY_PARAM_DESC(crowd_configs, crowd_configs, name);

static struct crowd *crowd_new(struct kunit *test)
{
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	crowd->subject = subject_new(test, test->param_value);
	crowd->random.state = test_seed();
	return crowd;
}

static void crowd_clear(struct crowd *crowd)
{
	crowd->nareas = 0;
	crowd->ngroups = 0;
	crowd->next_page = 0;
	crowd->next_iova = SZ_1G - 20 * PAGE_SIZE;
	INIT_LIST_HEAD(&crowd->going);
}

static void crowd_group(struct crowd *crowd, unsigned long npages)
{
	crowd->groups[crowd->ngroups++] =
		subject_alloc_pages(crowd->subject, crowd->next_page, npages);
	crowd->next_page += npages;
}

/* An area over some pages of the last group */
static struct crowd_area *crowd_add(struct crowd *crowd, unsigned long start,
				    unsigned long npages)
{
	struct iopt_pages *pages = crowd->groups[crowd->ngroups - 1];
	struct crowd_area *new = &crowd->areas[crowd->nareas++];

	new->first = crowd->next_page - pages->npages + start;
	new->npages = npages;
	new->goes = false;
	new->area = iopt_area_alloc(pages, start * PAGE_SIZE,
				    npages * PAGE_SIZE,
				    IOMMU_READ | IOMMU_WRITE);
	KUNIT_ASSERT_NOT_NULL(crowd->subject->test, new->area);
	new->area->iopt = &crowd->subject->iopts[0];
	new->area->domains = &new->area->iopt->domains;
	new->area->node.start = crowd->next_iova;
	new->area->node.last += crowd->next_iova;
	crowd->next_iova += npages * PAGE_SIZE;
	return new;
}

static void crowd_fill(struct crowd *crowd, struct crowd_area *area)
{
	KUNIT_EXPECT_EQ(crowd->subject->test, 0,
			iopt_area_fill_domains(area->area));
}

static void crowd_let_go(struct crowd *crowd, struct crowd_area *area)
{
	area->goes = true;
	list_add_tail(&area->area->list, &crowd->going);
}

static void crowd_put(struct crowd *crowd)
{
	unsigned int i;

	for (i = 0; i < crowd->nareas; i++) {
		struct iopt_area *area = crowd->areas[i].area;

		iopt_area_unfill(area);
		iopt_area_put(area);
	}
	for (i = 0; i < crowd->ngroups; i++)
		iopt_pages_put(crowd->groups[i]);
	crowd_clear(crowd);
}

static bool crowd_stores(const struct crowd *crowd, unsigned long index)
{
	unsigned int i;

	for (i = 0; i < crowd->nareas; i++) {
		const struct crowd_area *area = &crowd->areas[i];

		if (area->area->storage_domain && index >= area->first &&
		    index - area->first < area->npages)
			return true;
	}
	return false;
}

static int extra_pins(const struct crowd *crowd, unsigned long index)
{
	struct folio *folio = page_folio(crowd->subject->memory[index]);

	return folio_ref_count(folio) / (int)GUP_PIN_COUNTING_BIAS - 1;
}

static unsigned long crowd_charged(const struct crowd *crowd)
{
	unsigned long npages = 0;
	unsigned int i;

	for (i = 0; i < crowd->ngroups; i++)
		npages += crowd->groups[i]->npinned;
	return npages;
}

/* Pins, charges and IOPTEs are those of the areas that are stored. */
static void crowd_check(struct crowd *crowd)
{
	struct subject *subject = crowd->subject;
	struct kunit *test = subject->test;
	unsigned long index, npinned = 0, mapped[SUBJECT_DOMAINS] = {};
	unsigned int i, k;

	for (index = 0; index < crowd->next_page; index++) {
		bool stored = crowd_stores(crowd, index);

		KUNIT_ASSERT_EQ(test, (int)stored, extra_pins(crowd, index));
		npinned += stored;
	}
	KUNIT_ASSERT_EQ(test, npinned, crowd_charged(crowd));
	KUNIT_ASSERT_EQ(test, subject->pinned_vm + npinned,
			(unsigned long)atomic64_read(&current->mm->pinned_vm));
	KUNIT_ASSERT_EQ(test, subject->user_locked_vm + npinned, (unsigned long)
			atomic_long_read(&current_user()->locked_vm));
	for (i = 0; i < crowd->nareas; i++)
		for (k = 0; k < SUBJECT_DOMAINS; k += SUBJECT_IOPTS)
			if (crowd->areas[i].area->storage_domain &&
			    subject->domains[k].joined)
				mapped[k] += crowd->areas[i].npages;
	for (k = 0; k < SUBJECT_DOMAINS; k++) {
		KUNIT_ASSERT_EQ(test, mapped[k],
				subject->domains[k].memory.nentries);
		KUNIT_ASSERT_EQ(test, 0, subject->domains[k].memory.errors);
	}
}

static void crowd_check_gone(struct crowd *crowd)
{
	unsigned int i;

	for (i = 0; i < crowd->nareas; i++) {
		struct iopt_area *area = crowd->areas[i].area;

		if (!crowd->areas[i].goes)
			continue;
		KUNIT_ASSERT_EQ(crowd->subject->test, area->content,
				IOPT_AREA_EMPTY);
		KUNIT_ASSERT_NULL(crowd->subject->test, area->storage_domain);
		KUNIT_ASSERT_FALSE(crowd->subject->test,
				   mutex_is_locked(&area->pages->mutex));
		mutex_lock(&area->pages->mutex);
		KUNIT_ASSERT_TRUE(crowd->subject->test, iopt_area_valid(area));
		KUNIT_ASSERT_TRUE(crowd->subject->test,
				  iopt_pages_valid(area->pages));
		mutex_unlock(&area->pages->mutex);
	}
}

/* One more area, of a kind that nobody knows before */
static struct crowd_area *crowd_add_any(struct crowd *crowd)
{
	struct test_random *random = &crowd->random;
	struct iopt_pages *pages;
	unsigned long npages, start;

	if (test_random_chance(random, 3))
		crowd->next_iova += PAGE_SIZE;
	if (!crowd->ngroups || !test_random_chance(random, 4)) {
		npages = 1 + test_random_below(random, 5);
		/* The other half of the memory is enough for all small ones. */
		if (crowd->next_page < CROWD_PAGES / 2 &&
		    test_random_chance(random, 8))
			npages += CROWD_LARGE;
		crowd_group(crowd, npages);
		if (!test_random_chance(random, 4))
			return crowd_add(crowd, 0, npages);
	}
	pages = crowd->groups[crowd->ngroups - 1];
	start = test_random_below(random, pages->npages);
	npages = 1 + test_random_below(random, pages->npages - start);
	return crowd_add(crowd, start, npages);
}

/* Some are filled before there is a domain, some now, some never. */
static void crowd_fill_some(struct crowd *crowd, unsigned int chance)
{
	unsigned int i;

	for (i = 0; i < crowd->nareas; i++)
		if (crowd->areas[i].area->content == IOPT_AREA_EMPTY &&
		    test_random_chance(&crowd->random, chance))
			crowd_fill(crowd, &crowd->areas[i]);
}

static void crowd_gather(struct crowd *crowd, unsigned int nareas)
{
	struct test_random *random = &crowd->random;
	bool all = test_random_chance(random, 2);
	unsigned int i;

	while (crowd->nareas < nareas)
		crowd_add_any(crowd);
	for (i = 0; i < crowd->nareas; i++)
		if (all || !test_random_chance(random, 6))
			crowd_let_go(crowd, &crowd->areas[i]);
}

static void limit_batches(size_t bytes)
{
#ifdef CONFIG_IOMMUFD_TEST
	iommufd_set_buffer_limit(bytes);
#endif
}

static void crowd_goes(struct crowd *crowd, unsigned int nareas,
		       unsigned int ndomains)
{
	struct subject *subject = crowd->subject;
	unsigned int i;

	crowd_clear(crowd);
	crowd_gather(crowd, nareas);
	if (test_random_chance(&crowd->random, 2))
		crowd_fill_some(crowd, 5);
	for (i = 0; i < ndomains; i++)
		KUNIT_ASSERT_EQ(subject->test, 0,
				subject_join(subject, i * SUBJECT_IOPTS));
	crowd_fill_some(crowd, 1 + test_random_chance(&crowd->random, 2));
	crowd_check(crowd);
	if (!list_empty(&crowd->going))
		iopt_areas_unfill(&crowd->going);
	crowd_check_gone(crowd);
	crowd_check(crowd);
	crowd_put(crowd);
	for (i = 0; i < ndomains; i++)
		subject_leave(subject, i * SUBJECT_IOPTS);
}

/* One; as many as are locked at once, and one more; and more than that */
static const unsigned int crowds[] = { 1, 2, 3, 15, 16, 17, 18, 33, 40 };

static void crowds_go_at_once(struct kunit *test)
{
	struct crowd *crowd = crowd_new(test);
	unsigned int round, i, ndomains;

	kunit_info(test, "seed %lu", test_seed());
	for (round = 0; round < 12; round++) {
		limit_batches(round % 2 ? CROWD_BATCH_BYTES : SIZE_MAX);
		for (i = 0; i < ARRAY_SIZE(crowds); i++)
			for (ndomains = 0; ndomains <= 3; ndomains++)
				crowd_goes(crowd, crowds[i], ndomains);
	}
	limit_batches(SIZE_MAX);
	subject_end(crowd->subject);
}

/* A driver that does not unmap */

static bool warnings;
module_param_named(kunit_warnings, warnings, bool, 0444);
MODULE_PARM_DESC(kunit_warnings, "Run tests that make the kernel warn");

/**
 * struct stuck_driver - A driver that leaves an IOPTE
 * @ops: of its page table
 * @real: what does the work
 * @iova: where it leaves one, and all that the same call was to clear behind
 */
struct stuck_driver {
	struct iommu_domain_ops ops;
	const struct iommu_domain_ops *real;
	unsigned long iova;
};

static size_t stuck_unmap(struct iommu_domain *domain, unsigned long iova,
			  size_t pgsize, size_t count,
			  struct iommu_iotlb_gather *gather)
{
	struct stuck_driver *driver = container_of(domain->ops,
						   struct stuck_driver, ops);
	unsigned long before = driver->iova - iova;

	if (before < pgsize * count)
		count = before / pgsize;
	if (!count)
		return 0;
	return driver->real->unmap_pages(domain, iova, pgsize, count, gather);
}

static void stuck_install(struct stuck_driver *driver,
			  struct memory_domain *memory)
{
	driver->real = memory->domain.ops;
	driver->ops = *driver->real;
	driver->ops.unmap_pages = stuck_unmap;
	driver->iova = ULONG_MAX;
	memory->domain.ops = &driver->ops;
}

/* Do what the driver should have done; returns how many pages were left. */
static unsigned long clear_left(struct crowd *crowd, struct crowd_area *area)
{
	struct subject *subject = crowd->subject;
	unsigned long i, iova, count = 0;
	unsigned int k;

	for (i = 0; i < area->npages; i++) {
		bool left = false;

		iova = area->area->node.start + i * PAGE_SIZE;
		for (k = 0; k < SUBJECT_DOMAINS; k += SUBJECT_IOPTS) {
			struct memory_domain *memory =
				&subject->domains[k].memory;

			if (memory_domain_lookup(memory, iova) == PHYS_ADDR_MAX)
				continue;
			left = true;
			pfn_domain_unmap(&memory->domain, iova, PAGE_SIZE);
		}
		KUNIT_ASSERT_EQ(subject->test, (int)left,
				extra_pins(crowd, area->first + i));
		if (left)
			unpin_user_page(subject->memory[area->first + i]);
		count += left;
	}
	return count;
}

/* Exactly what a device can still reach stays pinned; nobody pays for it. */
static void crowd_is_stuck(struct crowd *crowd, struct stuck_driver *driver,
			   unsigned int nareas, unsigned long at)
{
	struct subject *subject = crowd->subject;
	unsigned long first, left = 0;
	unsigned int i;

	crowd_clear(crowd);
	first = crowd->next_iova;
	for (i = 0; i < nareas; i++) {
		unsigned long npages = 1 + i % 4;

		/* There is a gap now and then. */
		crowd->next_iova += i % 6 == 5 ? PAGE_SIZE : 0;
		crowd_group(crowd, npages);
		crowd_let_go(crowd, crowd_add(crowd, 0, npages));
	}
	crowd_fill_some(crowd, 1);
	driver->iova = first + at * PAGE_SIZE;
	iopt_areas_unfill(&crowd->going);
	driver->iova = ULONG_MAX;
	crowd_check_gone(crowd);
	KUNIT_ASSERT_EQ(subject->test, 0, crowd_charged(crowd));
	for (i = 0; i < crowd->nareas; i++)
		left += clear_left(crowd, &crowd->areas[i]);
	KUNIT_ASSERT_GT(subject->test, left, 0);
	crowd_check(crowd);
	crowd_put(crowd);
}

static void stuck_anywhere(struct crowd *crowd, struct stuck_driver *driver,
			   unsigned int nareas)
{
	unsigned long at, page = 0;
	unsigned int i;

	/* Gaps have no IOPTEs to be left. */
	for (i = 0, at = 0; i < nareas; i++) {
		at += i % 6 == 5;
		for (page = 0; page < 1 + i % 4; page++)
			crowd_is_stuck(crowd, driver, nareas, at++);
	}
}

static void unmap_fails_anywhere(struct kunit *test)
{
	struct stuck_driver driver;
	struct crowd *crowd;
	unsigned int i;

	if (!warnings)
		kunit_skip(test, "the kernel would warn");
	crowd = crowd_new(test);
	/* The driver of the last domain is the one that is broken. */
	stuck_install(&driver, &crowd->subject->domains[2].memory);
	KUNIT_ASSERT_EQ(test, 0, subject_join(crowd->subject, 2));
	for (i = 1; i <= 20; i++)
		stuck_anywhere(crowd, &driver, i);
	KUNIT_ASSERT_EQ(test, 0, subject_join(crowd->subject, 0));
	for (i = 1; i <= 20; i += 4)
		stuck_anywhere(crowd, &driver, i);
	limit_batches(CROWD_BATCH_BYTES);
	stuck_anywhere(crowd, &driver, 19);
	limit_batches(SIZE_MAX);
	subject_end(crowd->subject);
}

/* What the driver says is @wrong; the pages stay pinned. */
static void read_back_wrong(struct subject *subject, phys_addr_t wrong)
{
	struct memory_domain *memory = &subject->domains[0].memory;
	unsigned long i;

	KUNIT_ASSERT_EQ(subject->test, 0,
			subject_add_area(subject, 0, 0, 0,
					 subject->config.npages - 1));
	memory->wrong = wrong;
	subject_remove_area(subject, 0);
	memory->wrong = PHYS_ADDR_MAX;
	for (i = 0; i < subject->config.npages; i++) {
		struct folio *folio = page_folio(subject->memory[i]);

		KUNIT_ASSERT_EQ(subject->test, 2, folio_ref_count(folio) /
						  (int)GUP_PIN_COUNTING_BIAS);
		unpin_user_page(subject->memory[i]);
	}
	subject_check(subject);
}

/* Hazard 73: a page that somebody else has is not unpinned. */
static void unmap_fails_to_read_back(struct kunit *test)
{
	static const struct subject_config config = {
		.npages = 8, .mode = PIN_ACCOUNT_USER,
		.pgsize_bitmap = PAGE_SIZE, .layout = USER_MEMORY_REVERSED,
	};
	struct subject *subject;
	unsigned int order;

	if (!warnings)
		kunit_skip(test, "the kernel would warn");
	subject = subject_new(test, &config);
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	read_back_wrong(subject, 0);
	read_back_wrong(subject, (phys_addr_t)1 << 45);
	for (order = 0; order <= 3; order += 3) {
		struct folio *folio = folio_alloc(GFP_KERNEL, order);

		KUNIT_ASSERT_NOT_NULL(test, folio);
		read_back_wrong(subject, PFN_PHYS(folio_pfn(folio)));
		KUNIT_EXPECT_EQ(test, 1, folio_ref_count(folio));
		folio_put(folio);
	}
	subject_end(subject);
}

static struct kunit_case crowds_cases[] = {
	KUNIT_CASE_PARAM(crowds_go_at_once, crowd_configs_gen_params),
	KUNIT_CASE_PARAM(unmap_fails_anywhere, crowd_configs_gen_params),
	KUNIT_CASE(unmap_fails_to_read_back),
	{}
};

static struct kunit_suite crowds_suite = {
	.name = "iommufd_crowds",
	.test_cases = crowds_cases,
};

kunit_test_suite(crowds_suite);

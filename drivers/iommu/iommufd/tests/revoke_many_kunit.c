// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Many areas that show one page of a device: it is taken from them and given
 * back one by one, and what others do in between.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/mman.h>

#include "check/pages_check.h"
#include "iopt/io_pagetable.h"
#include "iopt/iopt_domain.h"
#include "iopt/iopt_lookup.h"
#include "iopt/iopt_map.h"
#include "iopt/iopt_unmap.h"
#include "iommufd_test.h"
#include "mock/mock_bar.h"
#include "pages/iopt_types.h"
#include "pin/account.h"

#define NAREAS 64
#define IOVA (16UL * PAGE_SIZE)

/* What an area takes in a page table that is slow. */
#define SLOW_MS 10

/* Longest that anything takes. A worker looks every second. */
#define AWAIT_MS 30000

#define NO_SLOT NAREAS

/**
 * struct slots - A page table with room for the areas of a test
 * @domain: for the IOMMU core
 * @member: for the io_pagetable
 * @phys: what each area shows, 0 for nothing
 * @slow: to clear an IOPTE takes SLOW_MS
 * @refused: no table for this one, or NO_SLOT
 *
 * It allocates nothing, so it may be used under any lock.
 */
struct slots {
	struct iommu_domain domain;
	struct iopt_domain member;
	phys_addr_t phys[NAREAS];
	bool slow;
	unsigned int refused;
};

static struct slots *to_slots(struct iommu_domain *domain)
{
	return container_of(domain, struct slots, domain);
}

static int slots_map(struct iommu_domain *domain, unsigned long iova,
		     phys_addr_t phys, size_t pgsize, size_t count, int prot,
		     gfp_t gfp, size_t *mapped)
{
	unsigned int i = (iova - IOVA) / PAGE_SIZE;
	struct slots *slots = to_slots(domain);

	if (i >= NAREAS || count != 1 || slots->phys[i])
		return -EADDRINUSE;
	if (i == READ_ONCE(slots->refused))
		return -ENOMEM;
	WRITE_ONCE(slots->phys[i], phys);
	*mapped = pgsize;
	return 0;
}

static size_t slots_unmap(struct iommu_domain *domain, unsigned long iova,
			  size_t pgsize, size_t count,
			  struct iommu_iotlb_gather *gather)
{
	unsigned int i = (iova - IOVA) / PAGE_SIZE;
	struct slots *slots = to_slots(domain);

	if (i >= NAREAS || count != 1 || !slots->phys[i])
		return 0;
	if (slots->slow)
		msleep(SLOW_MS);
	WRITE_ONCE(slots->phys[i], 0);
	return pgsize;
}

static phys_addr_t slots_iova_to_phys(struct iommu_domain *domain,
				      dma_addr_t iova)
{
	unsigned int i = (iova - IOVA) / PAGE_SIZE;

	return i < NAREAS ? READ_ONCE(to_slots(domain)->phys[i]) : 0;
}

static const struct iommu_domain_ops slots_ops = {
	.map_pages = slots_map,
	.unmap_pages = slots_unmap,
	.iova_to_phys = slots_iova_to_phys,
};

static void slots_init(struct slots *slots)
{
	slots->domain.type = IOMMU_DOMAIN_UNMANAGED;
	slots->domain.ops = &slots_ops;
	slots->domain.pgsize_bitmap = PAGE_SIZE;
	slots->domain.geometry.aperture_end = ULONG_MAX;
	slots->member.domain = &slots->domain;
	slots->refused = NO_SLOT;
}

static unsigned int count_shown(const struct slots *slots)
{
	unsigned int i, count = 0;

	for (i = 0; i < NAREAS; i++)
		count += !!READ_ONCE(slots->phys[i]);
	return count;
}

static void await_shown(struct kunit *test, const struct slots *slots,
			unsigned int count)
{
	unsigned long end = jiffies + msecs_to_jiffies(AWAIT_MS);

	while (count_shown(slots) != count && time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_EQ(test, count, count_shown(slots));
}

/**
 * struct crowd - Areas over one page of a BAR
 * @iopt: where they are, side by side from IOVA on
 * @account: of the test
 * @first: a page table that has them from the beginning
 * @second: another one, which tests may add
 * @file: the BAR
 * @off: memory decode is off, and mm has told everybody
 */
struct crowd {
	struct io_pagetable iopt;
	struct pin_account account;
	struct slots first;
	struct slots second;
	struct file *file;
	struct completion off;
};

/* Show the page at @address; or once more what is shown already, if that is 0. */
static int map_slot(struct crowd *crowd, unsigned int slot,
		    unsigned long address)
{
	struct iopt_mapping mapping;
	int rc;

	iopt_mapping_init(&mapping, &crowd->iopt, IOMMU_READ | IOMMU_CACHE,
			  IOPT_MAP_FIXED);
	mapping.iova = IOVA + slot * PAGE_SIZE;
	if (address)
		rc = iopt_mapping_add_user(&mapping, address, PAGE_SIZE,
					   &crowd->account);
	else
		rc = iopt_mapping_add_copy(&mapping, &crowd->iopt, IOVA,
					   PAGE_SIZE);
	if (!rc)
		rc = iopt_mapping_prepare(&mapping);
	iopt_mapping_end(&mapping, rc);
	return rc;
}

static int unmap_slot(struct crowd *crowd, unsigned int slot)
{
	unsigned long iova = IOVA + slot * PAGE_SIZE;
	unsigned long unmapped;

	return iopt_unmap(&crowd->iopt, iova, iova + PAGE_SIZE - 1, &unmapped);
}

static u8 content_of(struct crowd *crowd, unsigned int slot)
{
	u8 content = IOPT_AREA_EMPTY;
	struct iopt_area *area;

	iopt_for_each_area(area, &crowd->iopt)
		if (area->node.start == IOVA + slot * PAGE_SIZE)
			content = READ_ONCE(area->content);
	return content;
}

/* All lie over the same pages, whose mutex is taken once. None goes meanwhile. */
static void expect_valid(struct kunit *test)
{
	struct iopt_area *area, *areas[NAREAS];
	struct crowd *crowd = test->priv;
	unsigned int i, count = 0;
	struct iopt_pages *pages;

	iopt_for_each_area(area, &crowd->iopt)
		areas[count++] = area;
	pages = areas[0]->pages;
	mutex_lock(&pages->mutex);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_TRUE(test, iopt_area_valid(areas[i]));
	KUNIT_EXPECT_TRUE(test, iopt_pages_valid(pages));
	mutex_unlock(&pages->mutex);
}

static int turn_off(void *arg)
{
	struct crowd *crowd = arg;

	mock_bar_act(crowd->file, MOCK_BAR_OFF, 0);
	complete_all(&crowd->off);
	return 0;
}

/* Begin to take it away, and wait until that is under way. */
static void withdraw_begin(struct kunit *test)
{
	unsigned long end = jiffies + msecs_to_jiffies(AWAIT_MS);
	struct crowd *crowd = test->priv;
	struct task_struct *task;

	crowd->first.slow = true;
	task = kthread_run(turn_off, crowd, "iommufd_off");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	while (count_shown(&crowd->first) == NAREAS &&
	       time_before(jiffies, end))
		msleep(SLOW_MS / 2);
	KUNIT_EXPECT_NE(test, (unsigned int)NAREAS,
			count_shown(&crowd->first));
}

static void withdraw_end(struct kunit *test)
{
	struct crowd *crowd = test->priv;

	KUNIT_EXPECT_FALSE(test, completion_done(&crowd->off));
	wait_for_completion(&crowd->off);
	KUNIT_EXPECT_EQ(test, 0U, count_shown(&crowd->first));
	KUNIT_EXPECT_EQ(test, 0U, count_shown(&crowd->second));
	expect_valid(test);
}

static void h62_look_between_two_areas(struct kunit *test)
{
	struct crowd *crowd = test->priv;

	withdraw_begin(test);
	expect_valid(test);
	withdraw_end(test);
	mock_bar_act(crowd->file, MOCK_BAR_ON, 0);
	await_shown(test, &crowd->first, NAREAS);
	expect_valid(test);
}

/* What is still shown is on its way out, so nobody gets it any more. */
static void h62_join_between_two_areas(struct kunit *test)
{
	struct crowd *crowd = test->priv;

	withdraw_begin(test);
	KUNIT_EXPECT_EQ(test, 0, iopt_add_domain(&crowd->iopt,
						 &crowd->second.member));
	KUNIT_EXPECT_EQ(test, 0U, count_shown(&crowd->second));
	/* It has taken from all, so what is left to do is little. */
	wait_for_completion(&crowd->off);
	KUNIT_EXPECT_EQ(test, 0U, count_shown(&crowd->first));
	KUNIT_EXPECT_EQ(test, 0U, count_shown(&crowd->second));
	mock_bar_act(crowd->file, MOCK_BAR_ON, 0);
	await_shown(test, &crowd->first, NAREAS);
	await_shown(test, &crowd->second, NAREAS);
	expect_valid(test);
}

static void h62_copy_and_unmap_between_two_areas(struct kunit *test)
{
	struct crowd *crowd = test->priv;

	withdraw_begin(test);
	/* The last one's turn is not yet, the first one was withdrawn. */
	KUNIT_EXPECT_EQ(test, 0, unmap_slot(crowd, NAREAS - 1));
	KUNIT_EXPECT_EQ(test, 0, map_slot(crowd, NAREAS - 1, 0));
	KUNIT_EXPECT_EQ(test, 0ULL,
			(u64)READ_ONCE(crowd->first.phys[NAREAS - 1]));
	KUNIT_EXPECT_EQ(test, 0, unmap_slot(crowd, 0));
	withdraw_end(test);
	mock_bar_act(crowd->file, MOCK_BAR_ON, 0);
	await_shown(test, &crowd->first, NAREAS - 1);
	expect_valid(test);
}

/* There are no tables for one of them. */
static void come_back_but_for(struct kunit *test, unsigned int slot)
{
	struct crowd *crowd = test->priv;

	WRITE_ONCE(crowd->first.refused, slot);
	mock_bar_act(crowd->file, MOCK_BAR_RESET, 0);
	await_shown(test, &crowd->first, NAREAS - 1);
}

static void h63_one_does_not_keep_others_away(struct kunit *test)
{
	struct crowd *crowd = test->priv;

	come_back_but_for(test, 3);
	expect_valid(test);
	/* It is taken away from those that have it, and one has waited. */
	mock_bar_act(crowd->file, MOCK_BAR_RESET, 0);
	await_shown(test, &crowd->first, NAREAS - 1);
	KUNIT_EXPECT_EQ(test, (u8)IOPT_AREA_WITHDRAWN,
			content_of(crowd, 3));
	WRITE_ONCE(crowd->first.refused, NO_SLOT);
	await_shown(test, &crowd->first, NAREAS);
	expect_valid(test);
}

static void unmapped_while_it_waits(struct kunit *test)
{
	struct crowd *crowd = test->priv;

	come_back_but_for(test, 3);
	KUNIT_EXPECT_EQ(test, 0, unmap_slot(crowd, 3));
	expect_valid(test);
	mock_bar_act(crowd->file, MOCK_BAR_RESET, 0);
	await_shown(test, &crowd->first, NAREAS - 1);
}

static int crowd_fill(struct kunit *test, struct crowd *crowd)
{
	unsigned long address;
	unsigned int slot;
	int rc;

	address = kunit_vm_mmap(test, crowd->file, 0, PAGE_SIZE,
				PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	if (IS_ERR_VALUE(address))
		return -ENOMEM;
	rc = map_slot(crowd, 0, address);
	for (slot = 1; !rc && slot < NAREAS; slot++)
		rc = map_slot(crowd, slot, 0);
	return rc;
}

static int crowd_init(struct kunit *test)
{
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	int rc;

	if (!crowd)
		return -ENOMEM;
	crowd->file = mock_bar_file(PAGE_SIZE);
	if (IS_ERR(crowd->file))
		return PTR_ERR(crowd->file);
	init_completion(&crowd->off);
	iopt_init(&crowd->iopt);
	pin_account_init(&crowd->account, PIN_ACCOUNT_USER);
	slots_init(&crowd->first);
	slots_init(&crowd->second);
	test->priv = crowd;
	rc = iopt_add_domain(&crowd->iopt, &crowd->first.member);
	return rc ?: crowd_fill(test, crowd);
}

static bool is_added(const struct slots *slots)
{
	return slots->member.joined;
}

static void crowd_exit(struct kunit *test)
{
	struct crowd *crowd = test->priv;
	unsigned long unmapped;

	if (!crowd)
		return;
	crowd->first.slow = false;
	if (is_added(&crowd->second))
		iopt_remove_domain(&crowd->iopt, &crowd->second.member);
	iopt_remove_domain(&crowd->iopt, &crowd->first.member);
	KUNIT_EXPECT_EQ(test, 0, iopt_unmap_all(&crowd->iopt, &unmapped));
	KUNIT_EXPECT_EQ(test, 0U, count_shown(&crowd->first));
	KUNIT_EXPECT_EQ(test, 0U, count_shown(&crowd->second));
	iopt_destroy(&crowd->iopt);
	pin_account_destroy(&crowd->account);
	fput(crowd->file);
}

static struct kunit_case crowd_cases[] = {
	KUNIT_CASE(h62_look_between_two_areas),
	KUNIT_CASE(h62_join_between_two_areas),
	KUNIT_CASE(h62_copy_and_unmap_between_two_areas),
	KUNIT_CASE(h63_one_does_not_keep_others_away),
	KUNIT_CASE(unmapped_while_it_waits),
	{}
};

static struct kunit_suite crowd_suite = {
	.name = "iommufd-revoke-many",
	.init = crowd_init,
	.exit = crowd_exit,
	.test_cases = crowd_cases,
};

kunit_test_suite(crowd_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Memory of a device: IOMMU drivers that get no memory for their tables, what is
 * asked of them under the lock that notifications take, and how it is cut; and
 * notifications that take long.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mman.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "check/pages_check.h"
#include "iommufd_test.h"
#include "iopt/io_pagetable.h"
#include "iopt/iopt_domain.h"
#include "iopt/iopt_lookup.h"
#include "iopt/iopt_map.h"
#include "iopt/iopt_unmap.h"
#include "mock/mock_bar.h"
#include "pages/iopt_types.h"
#include "pin/account.h"

#define BAR_LENGTH SZ_2M
#define IOVA (3UL * SZ_2M)

/* Longest that anything takes. A worker looks every second. */
#define AWAIT_MS 30000

/**
 * struct line_domain - A page table that shows one contiguous piece
 * @domain: for the IOMMU core
 * @iova: where it begins
 * @length: of it, bytes; 0 for none. A worker may change it, see line_length()
 * @phys: what it shows
 * @fail: so many calls to map fail for lack of memory
 * @most: the largest page that was used
 * @waits: calls to map that were allowed to wait for memory
 * @prot: of the last call
 *
 * It allocates nothing, so it may be used under any lock.
 */
struct line_domain {
	struct iommu_domain domain;
	unsigned long iova;
	unsigned long length;
	phys_addr_t phys;
	unsigned int fail;
	size_t most;
	unsigned int waits;
	int prot;
};

static struct line_domain *to_line(struct iommu_domain *domain)
{
	return container_of(domain, struct line_domain, domain);
}

static unsigned long line_length(const struct line_domain *line)
{
	/* Pairs with line_map(), which writes this last. */
	return smp_load_acquire(&line->length);
}

static int line_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t phys, size_t pgsize, size_t count, int prot,
		    gfp_t gfp, size_t *mapped)
{
	struct line_domain *line = to_line(domain);

	line->waits += gfpflags_allow_blocking(gfp);
	line->prot = prot;
	if (line->fail) {
		line->fail--;
		return -ENOMEM;
	}
	if (!line->length) {
		line->iova = iova;
		line->phys = phys;
	} else if (iova != line->iova + line->length ||
		   phys != line->phys + line->length) {
		return -EADDRINUSE;
	}
	line->most = max(line->most, pgsize);
	*mapped = pgsize * count;
	/* Pairs with line_length(). */
	smp_store_release(&line->length, line->length + *mapped);
	return 0;
}

static size_t line_unmap(struct iommu_domain *domain, unsigned long iova,
			 size_t pgsize, size_t count,
			 struct iommu_iotlb_gather *gather)
{
	struct line_domain *line = to_line(domain);
	size_t length = min(pgsize * count, line->length);

	if (iova != line->iova)
		return 0;
	line->iova += length;
	line->phys += length;
	WRITE_ONCE(line->length, line->length - length);
	return length;
}

static phys_addr_t line_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	struct line_domain *line = to_line(domain);

	if (iova < line->iova || iova - line->iova >= line->length)
		return 0;
	return line->phys + (iova - line->iova);
}

static const struct iommu_domain_ops line_ops = {
	.map_pages = line_map,
	.unmap_pages = line_unmap,
	.iova_to_phys = line_iova_to_phys,
};

struct bar_setup {
	struct io_pagetable iopt;
	struct pin_account account;
	struct line_domain line;
	struct iopt_domain member;
	struct file *file;
	unsigned long address;
};

static int map_part(struct bar_setup *setup, unsigned long iova,
		    unsigned long length)
{
	struct iopt_mapping mapping;
	int rc;

	iopt_mapping_init(&mapping, &setup->iopt,
			  IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
			  IOPT_MAP_FIXED);
	mapping.iova = iova;
	rc = iopt_mapping_add_user(&mapping, setup->address, length,
				   &setup->account);
	if (!rc)
		rc = iopt_mapping_prepare(&mapping);
	iopt_mapping_end(&mapping, rc);
	return rc;
}

static int map_bar(struct bar_setup *setup, unsigned long iova)
{
	return map_part(setup, iova, BAR_LENGTH);
}

static void expect_valid(struct kunit *test)
{
	struct bar_setup *setup = test->priv;
	struct iopt_area *area;

	iopt_for_each_area(area, &setup->iopt) {
		mutex_lock(&area->pages->mutex);
		KUNIT_EXPECT_TRUE(test, iopt_area_valid(area));
		KUNIT_EXPECT_TRUE(test, iopt_pages_valid(area->pages));
		mutex_unlock(&area->pages->mutex);
	}
}

/* All of it, by pages that are as large as can be, and as device memory. */
static void expect_shown(struct kunit *test)
{
	struct bar_setup *setup = test->priv;
	struct line_domain *line = &setup->line;

	KUNIT_EXPECT_EQ(test, IOVA, line->iova);
	KUNIT_EXPECT_EQ(test, (unsigned long)BAR_LENGTH, line_length(line));
	KUNIT_EXPECT_EQ(test, (size_t)SZ_2M, line->most);
	KUNIT_EXPECT_EQ(test, IOMMU_READ | IOMMU_WRITE | IOMMU_MMIO,
			line->prot);
	KUNIT_EXPECT_EQ(test, 0U, line->waits);
	expect_valid(test);
}

static void await_shown(struct kunit *test)
{
	unsigned long end = jiffies + msecs_to_jiffies(AWAIT_MS);
	struct bar_setup *setup = test->priv;

	while (line_length(&setup->line) != BAR_LENGTH &&
	       time_before(jiffies, end))
		msleep(20);
	expect_shown(test);
}

static void tables_are_not_waited_for(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	expect_shown(test);
}

static void tables_are_tried_again(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	setup->line.fail = 2;
	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	KUNIT_EXPECT_EQ(test, 0U, setup->line.fail);
	expect_shown(test);
}

static void no_tables_at_all(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	setup->line.fail = UINT_MAX;
	KUNIT_EXPECT_EQ(test, -ENOMEM, map_bar(setup, IOVA));
	KUNIT_EXPECT_EQ(test, 0UL, line_length(&setup->line));
	setup->line.fail = 0;
	KUNIT_EXPECT_EQ(test, 0, map_bar(setup, IOVA));
	expect_shown(test);
}

static void withdrawn_at_once(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	mock_bar_act(setup->file, MOCK_BAR_OFF, 0);
	KUNIT_EXPECT_EQ(test, 0UL, line_length(&setup->line));
	expect_valid(test);
	mock_bar_act(setup->file, MOCK_BAR_ON, 0);
	await_shown(test);
}

static void comes_back_when_there_are_tables(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	WRITE_ONCE(setup->line.fail, 3);
	mock_bar_act(setup->file, MOCK_BAR_RESET, 0);
	await_shown(test);
	KUNIT_EXPECT_EQ(test, 0U, setup->line.fail);
}

static void join_without_tables(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	iopt_remove_domain(&setup->iopt, &setup->member);
	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	setup->line.fail = UINT_MAX;
	KUNIT_EXPECT_EQ(test, -ENOMEM, iopt_add_domain(&setup->iopt,
						       &setup->member));
	setup->line.fail = 0;
	KUNIT_ASSERT_EQ(test, 0, iopt_add_domain(&setup->iopt,
						 &setup->member));
	expect_shown(test);
}

/* In less time than there is before the first look. */
static void h63_comes_back_between_two_withdrawals(struct kunit *test)
{
	unsigned long end = jiffies + msecs_to_jiffies(AWAIT_MS);
	struct bar_setup *setup = test->priv;
	unsigned long length = 0;

	/* Reading one page takes no time. */
	KUNIT_ASSERT_EQ(test, 0, map_part(setup, IOVA, PAGE_SIZE));
	while (!length && time_before(jiffies, end)) {
		mock_bar_act(setup->file, MOCK_BAR_OFF, 0);
		KUNIT_ASSERT_EQ(test, 0UL, line_length(&setup->line));
		mock_bar_act(setup->file, MOCK_BAR_ON, 0);
		usleep_range(4000, 5000);
		length = line_length(&setup->line);
	}
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, length);
}

/* What is in place of it later is not shown. */
static void another_mapping_is_not_shown(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	KUNIT_ASSERT_EQ(test, setup->address,
			kunit_vm_mmap(test, setup->file, setup->address,
				      BAR_LENGTH, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, 0));
	KUNIT_EXPECT_EQ(test, 0UL, line_length(&setup->line));
	msleep(100);
	KUNIT_EXPECT_EQ(test, 0UL, line_length(&setup->line));
	expect_valid(test);
}

/* A notification that takes long ends by itself after that. */
#define STUCK_MS 5000

/**
 * struct stuck - A notification that takes long, as other drivers may make it
 * @notifier: for the last page of the BAR, so it is told after iommufd was
 * @begun: it has been told
 * @end: it need not take longer
 * @over: memory decode is off, and mm is done
 * @file: of the BAR
 */
struct stuck {
	struct mmu_interval_notifier notifier;
	struct completion begun;
	struct completion end;
	struct completion over;
	struct file *file;
};

static bool stuck_invalidate(struct mmu_interval_notifier *notifier,
			     const struct mmu_notifier_range *range,
			     unsigned long seq)
{
	struct stuck *stuck = container_of(notifier, struct stuck, notifier);

	mmu_interval_set_seq(notifier, seq);
	complete_all(&stuck->begun);
	wait_for_completion_timeout(&stuck->end, msecs_to_jiffies(STUCK_MS));
	return true;
}

static const struct mmu_interval_notifier_ops stuck_ops = {
	.invalidate = stuck_invalidate,
};

static int stuck_turn_off(void *arg)
{
	struct stuck *stuck = arg;

	mock_bar_act(stuck->file, MOCK_BAR_OFF, 0);
	complete_all(&stuck->over);
	return 0;
}

/* Begin to turn memory decode off. */
static struct stuck *stuck_begin(struct kunit *test)
{
	struct stuck *stuck = kunit_kzalloc(test, sizeof(*stuck), GFP_KERNEL);
	struct bar_setup *setup = test->priv;
	struct task_struct *task;
	unsigned long last;

	KUNIT_ASSERT_NOT_NULL(test, stuck);
	init_completion(&stuck->begun);
	init_completion(&stuck->end);
	init_completion(&stuck->over);
	stuck->file = setup->file;
	last = setup->address + BAR_LENGTH - PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, 0,
			mmu_interval_notifier_insert(&stuck->notifier,
						     current->mm, last,
						     PAGE_SIZE, &stuck_ops));
	task = kthread_run(stuck_turn_off, stuck, "iommufd_stuck");
	if (IS_ERR(task)) {
		mmu_interval_notifier_remove(&stuck->notifier);
		KUNIT_FAIL_AND_ABORT(test, "no thread");
	}
	wait_for_completion(&stuck->begun);
	return stuck;
}

static void stuck_end(struct stuck *stuck)
{
	complete_all(&stuck->end);
	wait_for_completion(&stuck->over);
	mmu_interval_notifier_remove(&stuck->notifier);
}

static void h62_join_does_not_wait_for_a_notification(struct kunit *test)
{
	struct bar_setup *setup = test->priv;
	struct stuck *stuck;

	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	iopt_remove_domain(&setup->iopt, &setup->member);
	stuck = stuck_begin(test);
	KUNIT_EXPECT_EQ(test, 0, iopt_add_domain(&setup->iopt,
						 &setup->member));
	KUNIT_EXPECT_FALSE(test, completion_done(&stuck->over));
	KUNIT_EXPECT_EQ(test, 0UL, line_length(&setup->line));
	expect_valid(test);
	stuck_end(stuck);
	mock_bar_act(setup->file, MOCK_BAR_ON, 0);
	await_shown(test);
}

/**
 * struct killed - A thread that maps a BAR, and is killed
 * @setup: what it maps
 * @mm: the process that it is one of
 * @done: it has, or not
 * @rc: what it got
 */
struct killed {
	struct bar_setup *setup;
	struct mm_struct *mm;
	struct completion done;
	int rc;
};

static int killed_map(void *arg)
{
	struct killed *killed = arg;

	allow_signal(SIGKILL);
	kthread_use_mm(killed->mm);
	killed->rc = map_bar(killed->setup, IOVA);
	kthread_unuse_mm(killed->mm);
	complete(&killed->done);
	/* Until then there is a task to be killed. */
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static void h62_map_is_killed_while_it_waits(struct kunit *test)
{
	struct killed killed = { .setup = test->priv, .mm = current->mm };
	struct stuck *stuck = stuck_begin(test);
	struct task_struct *task;

	init_completion(&killed.done);
	task = kthread_run(killed_map, &killed, "iommufd_killed");
	if (!IS_ERR(task)) {
		msleep(200);
		KUNIT_EXPECT_FALSE(test, completion_done(&killed.done));
		send_sig(SIGKILL, task, 1);
		wait_for_completion(&killed.done);
		kthread_stop(task);
		KUNIT_EXPECT_EQ(test, -EINTR, killed.rc);
	}
	KUNIT_EXPECT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_FALSE(test, completion_done(&stuck->over));
	stuck_end(stuck);
}

static int bar_init(struct kunit *test)
{
	struct bar_setup *setup = kunit_kzalloc(test, sizeof(*setup),
						GFP_KERNEL);

	if (!setup)
		return -ENOMEM;
	setup->file = mock_bar_file(BAR_LENGTH);
	if (IS_ERR(setup->file))
		return PTR_ERR(setup->file);
	setup->address = kunit_vm_mmap(test, setup->file, 0, BAR_LENGTH,
				       PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	if (IS_ERR_VALUE(setup->address)) {
		fput(setup->file);
		return -ENOMEM;
	}
	setup->line.domain.type = IOMMU_DOMAIN_UNMANAGED;
	setup->line.domain.ops = &line_ops;
	setup->line.domain.pgsize_bitmap = PAGE_SIZE | SZ_2M;
	setup->line.domain.geometry.aperture_end = ULONG_MAX;
	setup->member.domain = &setup->line.domain;
	iopt_init(&setup->iopt);
	pin_account_init(&setup->account, PIN_ACCOUNT_USER);
	test->priv = setup;
	return iopt_add_domain(&setup->iopt, &setup->member);
}

static void bar_exit(struct kunit *test)
{
	struct bar_setup *setup = test->priv;
	unsigned long unmapped;

	if (!setup)
		return;
	iopt_remove_domain(&setup->iopt, &setup->member);
	KUNIT_EXPECT_EQ(test, 0, iopt_unmap_all(&setup->iopt, &unmapped));
	KUNIT_EXPECT_EQ(test, 0UL, line_length(&setup->line));
	iopt_destroy(&setup->iopt);
	pin_account_destroy(&setup->account);
	fput(setup->file);
}

static struct kunit_case revoke_cases[] = {
	KUNIT_CASE(tables_are_not_waited_for),
	KUNIT_CASE(tables_are_tried_again),
	KUNIT_CASE(no_tables_at_all),
	KUNIT_CASE(withdrawn_at_once),
	KUNIT_CASE(comes_back_when_there_are_tables),
	KUNIT_CASE(join_without_tables),
	KUNIT_CASE(h63_comes_back_between_two_withdrawals),
	KUNIT_CASE(another_mapping_is_not_shown),
	KUNIT_CASE(h62_join_does_not_wait_for_a_notification),
	KUNIT_CASE(h62_map_is_killed_while_it_waits),
	{}
};

static struct kunit_suite revoke_suite = {
	.name = "iommufd_revoke",
	.init = bar_init,
	.exit = bar_exit,
	.test_cases = revoke_cases,
};

kunit_test_suite(revoke_suite);

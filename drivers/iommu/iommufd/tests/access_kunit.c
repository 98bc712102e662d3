// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * In-kernel users of an io_pagetable: drivers that are slow, that never let go,
 * and that copy from all kinds of threads.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "check/iopt_check.h"
#include "iopt/io_pagetable.h"
#include "iopt/iopt_access.h"
#include "iopt/iopt_map.h"
#include "iopt/iopt_pin.h"
#include "iopt/iopt_unmap.h"
#include "pin/account.h"
#include "user_memory.h"

#define NPAGES 8UL
#define LENGTH (NPAGES * PAGE_SIZE)
#define IOVA 0x100000UL

/**
 * struct client - An in-kernel user, and what it does when asked to let go
 * @member: of @iopt
 * @iopt: the io_pagetable
 * @unmap: called in its own way
 * @asked: how often it was asked
 * @pinned: number of pins of the first page
 * @later: unpins
 * @entered: it is being asked
 * @leave: it may return
 */
struct client {
	struct iopt_access member;
	struct io_pagetable *iopt;
	void (*unmap)(struct client *client);
	unsigned int asked;
	unsigned int pinned;
	struct delayed_work later;
	struct completion entered;
	struct completion leave;
};

struct setup {
	struct io_pagetable iopt;
	struct pin_account account;
	unsigned long address;
	struct client client;
};

static void client_unpin(struct client *client)
{
	while (client->pinned) {
		client->pinned--;
		iopt_note_unpinned(client->iopt, &client->member,
				   iopt_unpin_pages(client->iopt, IOVA,
						    PAGE_SIZE));
	}
}

static void client_unpin_later(struct work_struct *work)
{
	client_unpin(container_of(work, struct client, later.work));
}

static void client_asked(struct iopt_access *member, unsigned long iova,
			 unsigned long length)
{
	struct client *client = container_of(member, struct client, member);

	client->asked++;
	client->unmap(client);
}

static void unmap_unpins(struct client *client)
{
	client_unpin(client);
}

static void unmap_unpins_later(struct client *client)
{
	schedule_delayed_work(&client->later, HZ / 5);
}

static void unmap_forgets(struct client *client)
{
	complete(&client->entered);
}

static void unmap_waits(struct client *client)
{
	complete(&client->entered);
	wait_for_completion(&client->leave);
	client_unpin(client);
}

static void map(struct kunit *test, unsigned long iova, unsigned long offset,
		unsigned long length, int prot, int expected)
{
	struct setup *setup = test->priv;
	struct iopt_mapping mapping;
	int rc;

	iopt_mapping_init(&mapping, &setup->iopt, prot, IOPT_MAP_FIXED);
	mapping.iova = iova;
	rc = iopt_mapping_add_user(&mapping, setup->address + offset, length,
				   &setup->account);
	KUNIT_ASSERT_EQ(test, 0, rc);
	rc = iopt_mapping_prepare(&mapping);
	iopt_mapping_end(&mapping, rc);
	KUNIT_EXPECT_EQ(test, expected, rc);
}

static void client_join(struct kunit *test, void (*unmap)(struct client *))
{
	struct setup *setup = test->priv;
	struct client *client = &setup->client;

	client->iopt = &setup->iopt;
	client->unmap = unmap;
	client->member.unmap = client_asked;
	client->member.alignment = PAGE_SIZE;
	INIT_DELAYED_WORK(&client->later, client_unpin_later);
	init_completion(&client->entered);
	init_completion(&client->leave);
	KUNIT_ASSERT_EQ(test, 0, iopt_add_access(&setup->iopt,
						 &client->member));
}

static int client_pin(struct client *client)
{
	struct page *page;
	int rc;

	atomic_long_inc(&client->member.npinned);
	rc = iopt_pin_pages(client->iopt, IOVA, PAGE_SIZE, &page,
			    IOPT_PIN_WRITE);
	if (rc)
		atomic_long_dec(&client->member.npinned);
	else
		client->pinned++;
	return rc;
}

static void client_part(struct kunit *test)
{
	struct setup *setup = test->priv;

	client_unpin(&setup->client);
	iopt_remove_access(&setup->iopt, &setup->client.member);
}

static int access_init(struct kunit *test)
{
	struct setup *setup = kunit_kzalloc(test, sizeof(*setup), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, setup);
	setup->address = user_memory_map(test, 0, USER_MEMORY_ANONYMOUS,
					 NPAGES, false);
	iopt_init(&setup->iopt);
	pin_account_init(&setup->account, PIN_ACCOUNT_NONE);
	test->priv = setup;
	return 0;
}

static void access_exit(struct kunit *test)
{
	struct setup *setup = test->priv;
	unsigned long unmapped;

	iopt_unmap_all(&setup->iopt, &unmapped);
	iopt_destroy(&setup->iopt);
	pin_account_destroy(&setup->account);
}

#define READ_WRITE (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)

static int unmap_first(struct setup *setup)
{
	unsigned long unmapped;

	return iopt_unmap(&setup->iopt, IOVA, IOVA + LENGTH - 1, &unmapped);
}

static void unmap_asks_first(struct kunit *test)
{
	struct setup *setup = test->priv;

	map(test, IOVA, 0, LENGTH, READ_WRITE, 0);
	client_join(test, unmap_unpins);
	KUNIT_EXPECT_EQ(test, 0, client_pin(&setup->client));
	KUNIT_EXPECT_EQ(test, 0, client_pin(&setup->client));
	KUNIT_EXPECT_EQ(test, 0, unmap_first(setup));
	KUNIT_EXPECT_EQ(test, 1, setup->client.asked);
	KUNIT_EXPECT_EQ(test, -ENOENT, client_pin(&setup->client));
	client_part(test);
}

static void slow_driver_is_waited_for(struct kunit *test)
{
	struct setup *setup = test->priv;

	map(test, IOVA, 0, LENGTH, READ_WRITE, 0);
	client_join(test, unmap_unpins_later);
	KUNIT_EXPECT_EQ(test, 0, client_pin(&setup->client));
	KUNIT_EXPECT_EQ(test, 0, unmap_first(setup));
	KUNIT_EXPECT_EQ(test, 0, READ_ONCE(setup->client.pinned));
	flush_delayed_work(&setup->client.later);
	client_part(test);
}

/**
 * struct unmapper - A thread that unmaps
 * @setup: what
 * @rc: what came of it
 * @done: it is over
 */
struct unmapper {
	struct setup *setup;
	int rc;
	struct completion done;
};

static int unmapper_run(void *data)
{
	struct unmapper *unmapper = data;

	allow_signal(SIGKILL);
	unmapper->rc = unmap_first(unmapper->setup);
	complete(&unmapper->done);
	/* The creator holds on to us, to be able to send signals. */
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);
	return 0;
}

static struct task_struct *unmapper_start(struct kunit *test,
					  struct unmapper *unmapper)
{
	struct task_struct *task;

	unmapper->setup = test->priv;
	init_completion(&unmapper->done);
	task = kthread_run(unmapper_run, unmapper, "iommufd-unmap");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	return task;
}

/* A driver that never lets go costs a killed unmap, and no more than that. */
static void h41_stubborn_driver(struct kunit *test)
{
	struct setup *setup = test->priv;
	struct unmapper unmapper;
	struct task_struct *task;

	map(test, IOVA, 0, LENGTH, READ_WRITE, 0);
	client_join(test, unmap_forgets);
	KUNIT_ASSERT_EQ(test, 0, client_pin(&setup->client));
	task = unmapper_start(test, &unmapper);
	wait_for_completion(&setup->client.entered);
	/* Going away: neither for pins nor for copies. */
	KUNIT_EXPECT_EQ(test, -EINVAL, client_pin(&setup->client));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iopt_rw(&setup->iopt, IOVA, &unmapper.rc, 1, 0));
	KUNIT_EXPECT_FALSE(test, completion_done(&unmapper.done));
	send_sig(SIGKILL, task, 1);
	wait_for_completion(&unmapper.done);
	KUNIT_EXPECT_EQ(test, -EINTR, unmapper.rc);
	kthread_stop(task);
	/* All is as before. */
	KUNIT_EXPECT_EQ(test, 0, client_pin(&setup->client));
	client_part(test);
	KUNIT_EXPECT_EQ(test, 0, unmap_first(setup));
}

static int remover_run(void *data)
{
	struct unmapper *remover = data;

	iopt_remove_access(&remover->setup->iopt,
			   &remover->setup->client.member);
	complete(&remover->done);
	return 0;
}

static void h40_removal_waits_for_the_driver(struct kunit *test)
{
	struct unmapper unmapper, remover = { .setup = test->priv };
	struct setup *setup = test->priv;
	struct task_struct *task, *other;

	map(test, IOVA, 0, LENGTH, READ_WRITE, 0);
	client_join(test, unmap_waits);
	KUNIT_ASSERT_EQ(test, 0, client_pin(&setup->client));
	task = unmapper_start(test, &unmapper);
	wait_for_completion(&setup->client.entered);
	init_completion(&remover.done);
	other = kthread_run(remover_run, &remover, "iommufd-remove");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	msleep(100);
	KUNIT_EXPECT_FALSE(test, completion_done(&remover.done));
	/* Nobody else is held up meanwhile. */
	map(test, IOVA + LENGTH, 0, LENGTH, READ_WRITE, 0);
	complete(&setup->client.leave);
	wait_for_completion(&remover.done);
	wait_for_completion(&unmapper.done);
	KUNIT_EXPECT_EQ(test, 0, unmapper.rc);
	kthread_stop(task);
}

static void h43_failure_unpins_the_first_area(struct kunit *test)
{
	struct setup *setup = test->priv;
	struct page *pages[NPAGES];

	map(test, IOVA, 0, 2 * PAGE_SIZE, READ_WRITE, 0);
	map(test, IOVA + 2 * PAGE_SIZE, 0, PAGE_SIZE, IOMMU_READ, 0);
	client_join(test, unmap_forgets);
	KUNIT_EXPECT_EQ(test, -EPERM,
			iopt_pin_pages(&setup->iopt, IOVA, 3 * PAGE_SIZE, pages,
				       IOPT_PIN_WRITE));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iopt_pin_pages(&setup->iopt, IOVA, 4 * PAGE_SIZE, pages,
				       0));
	/* Nothing is pinned, so nobody is asked. */
	KUNIT_EXPECT_EQ(test, 0, unmap_first(setup));
	KUNIT_EXPECT_EQ(test, 0, setup->client.asked);
	client_part(test);
}

static void areas_have_to_join(struct kunit *test)
{
	struct setup *setup = test->priv;
	struct page *pages[NPAGES];

	map(test, IOVA, 0, PAGE_SIZE / 2, READ_WRITE, 0);
	map(test, IOVA + PAGE_SIZE / 2, PAGE_SIZE, PAGE_SIZE, READ_WRITE, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iopt_pin_pages(&setup->iopt, IOVA, PAGE_SIZE, pages,
				       0));
	KUNIT_EXPECT_EQ(test, -EADDRINUSE,
			iopt_add_access(&setup->iopt, &(struct iopt_access){
				.alignment = PAGE_SIZE }));
	KUNIT_EXPECT_EQ(test, 0, unmap_first(setup));
	client_join(test, unmap_forgets);
	map(test, IOVA, 0, PAGE_SIZE / 2, READ_WRITE, -EINVAL);
	client_part(test);
	map(test, IOVA, 0, PAGE_SIZE / 2, READ_WRITE, 0);
}

/* What an access needs counts as long as it, or another such one, is there. */
static void alignment_is_that_of_the_most_demanding(struct kunit *test)
{
	struct iopt_access pages[2] = {
		{ .alignment = PAGE_SIZE }, { .alignment = PAGE_SIZE },
	};
	struct iopt_access sectors = { .alignment = 512 };
	struct setup *setup = test->priv;
	struct io_pagetable *iopt = &setup->iopt;

	KUNIT_EXPECT_EQ(test, 1, iopt->iova_alignment);
	KUNIT_ASSERT_EQ(test, 0, iopt_add_access(iopt, &sectors));
	KUNIT_EXPECT_EQ(test, 512, iopt->iova_alignment);
	KUNIT_ASSERT_EQ(test, 0, iopt_add_access(iopt, &pages[0]));
	KUNIT_ASSERT_EQ(test, 0, iopt_add_access(iopt, &pages[1]));
	iopt_remove_access(iopt, &pages[0]);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, iopt->iova_alignment);
	KUNIT_EXPECT_TRUE(test, iopt_valid(iopt));
	iopt_remove_access(iopt, &pages[1]);
	KUNIT_EXPECT_EQ(test, 512, iopt->iova_alignment);
	KUNIT_EXPECT_EQ(test, 0, iopt_set_huge_pages(iopt, false));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, iopt->iova_alignment);
	KUNIT_EXPECT_EQ(test, 0, iopt_set_huge_pages(iopt, true));
	iopt_remove_access(iopt, &sectors);
	KUNIT_EXPECT_EQ(test, 1, iopt->iova_alignment);
	KUNIT_EXPECT_TRUE(test, iopt_valid(iopt));
}

/**
 * struct copier - A thread that copies
 * @setup: from which memory
 * @flags: IOMMUFD_ACCESS_RW_*
 * @buffer: to where, or from where
 * @rc: what came of it
 * @done: it is over
 */
struct copier {
	struct setup *setup;
	unsigned int flags;
	u8 *buffer;
	int rc;
	struct completion done;
};

#define COPY_OFFSET 1000UL
#define COPY_LENGTH (LENGTH - 2 * COPY_OFFSET)

static int copier_run(void *data)
{
	struct copier *copier = data;

	copier->rc = iopt_rw(&copier->setup->iopt, IOVA + COPY_OFFSET,
			     copier->buffer, COPY_LENGTH, copier->flags);
	complete(&copier->done);
	return 0;
}

static void copy(struct kunit *test, bool own_thread, u8 *buffer,
		 unsigned int flags)
{
	struct copier copier = {
		.setup = test->priv,
		.flags = flags,
		.buffer = buffer,
	};

	init_completion(&copier.done);
	if (own_thread)
		copier_run(&copier);
	else
		kthread_run(copier_run, &copier, "iommufd-rw");
	wait_for_completion(&copier.done);
	KUNIT_EXPECT_EQ(test, 0, copier.rc);
}

static void check_copy(struct kunit *test, bool own_thread, unsigned int flags,
		       u8 seed)
{
	u8 *kernel = kunit_kzalloc(test, COPY_LENGTH, GFP_KERNEL);
	u8 *user = kunit_kzalloc(test, LENGTH, GFP_KERNEL);
	struct setup *setup = test->priv;
	unsigned long i;

	KUNIT_ASSERT_TRUE(test, kernel && user);
	for (i = 0; i < COPY_LENGTH; i++)
		kernel[i] = seed + i * 7 + i / 251;
	copy(test, own_thread, kernel, flags | IOMMUFD_ACCESS_RW_WRITE);
	KUNIT_ASSERT_EQ(test, 0, copy_from_user(user, (void __user *)
						setup->address, LENGTH));
	KUNIT_EXPECT_MEMEQ(test, kernel, user + COPY_OFFSET, COPY_LENGTH);
	memset(kernel, 0, COPY_LENGTH);
	copy(test, own_thread, kernel, flags);
	KUNIT_EXPECT_MEMEQ(test, kernel, user + COPY_OFFSET, COPY_LENGTH);
}

static void copies_from_every_thread(struct kunit *test)
{
	struct setup *setup = test->priv;
	struct page *pages[2];
	u8 seed = 0;
	int pinned;

	map(test, IOVA, 0, 3 * PAGE_SIZE + 123, READ_WRITE, 0);
	map(test, IOVA + 3 * PAGE_SIZE + 123, 3 * PAGE_SIZE + 123,
	    LENGTH - 3 * PAGE_SIZE - 123, READ_WRITE, 0);
	/* Then with some of the pages stored in an access. */
	for (pinned = 0; pinned < 2; pinned++) {
		if (pinned)
			KUNIT_ASSERT_EQ(test, 0,
					iopt_pin_pages(&setup->iopt,
						       IOVA + PAGE_SIZE,
						       2 * PAGE_SIZE, pages,
						       0));
		check_copy(test, true, 0, seed++);
		check_copy(test, true, __IOMMUFD_ACCESS_RW_SLOW_PATH, seed++);
		check_copy(test, false, 0, seed++);
		check_copy(test, false, IOMMUFD_ACCESS_RW_KTHREAD, seed++);
	}
	iopt_unpin_pages(&setup->iopt, IOVA + PAGE_SIZE, 2 * PAGE_SIZE);
}

/* So often that what each CPU counts for itself does not matter. */
#define MANY_COPIES 500

static unsigned long pins_by_copies(struct kunit *test, unsigned int flags)
{
	u8 *kernel = kunit_kzalloc(test, COPY_LENGTH, GFP_KERNEL);
	unsigned long before = global_node_page_state(NR_FOLL_PIN_ACQUIRED);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, kernel);
	for (i = 0; i < MANY_COPIES; i++)
		copy(test, true, kernel, flags | __IOMMUFD_ACCESS_RW_SLOW_PATH);
	return global_node_page_state(NR_FOLL_PIN_ACQUIRED) - before;
}

/* A file system must know of whoever writes to its pages, which is by pins. */
static void copies_that_write_pin(struct kunit *test)
{
	struct setup *setup = test->priv;
	unsigned int i;

	map(test, IOVA, 0, LENGTH, READ_WRITE, 0);
	KUNIT_EXPECT_GE(test, pins_by_copies(test, IOMMUFD_ACCESS_RW_WRITE),
			MANY_COPIES);
	KUNIT_EXPECT_LE(test, pins_by_copies(test, 0), MANY_COPIES);
	for (i = 0; i < NPAGES; i++) {
		struct page *page;

		KUNIT_ASSERT_EQ(test, 1,
				get_user_pages_fast(setup->address +
						    i * PAGE_SIZE, 1, 0,
						    &page));
		KUNIT_EXPECT_FALSE(test,
				   folio_maybe_dma_pinned(page_folio(page)));
		put_page(page);
	}
}

static struct kunit_case access_cases[] = {
	KUNIT_CASE(unmap_asks_first),
	KUNIT_CASE(slow_driver_is_waited_for),
	KUNIT_CASE(h40_removal_waits_for_the_driver),
	KUNIT_CASE(h41_stubborn_driver),
	KUNIT_CASE(h43_failure_unpins_the_first_area),
	KUNIT_CASE(areas_have_to_join),
	KUNIT_CASE(alignment_is_that_of_the_most_demanding),
	KUNIT_CASE(copies_from_every_thread),
	KUNIT_CASE(copies_that_write_pin),
	{}
};

static struct kunit_suite access_suite = {
	.name = "iommufd-access",
	.init = access_init,
	.exit = access_exit,
	.test_cases = access_cases,
};

kunit_test_suite(access_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Who pays for pinned pages, and up to where.
 */
#include <kunit/test.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/user.h>
#include <linux/string.h>

#include "pin/account.h"
#include "user_memory.h"

/**
 * struct payer - An owner, and what was counted before anything was charged
 * @test: whom to tell
 * @owner: under test
 * @mm: of the thread that is the owner
 * @user: of that thread
 * @pinned: pinned_vm of @mm
 * @locked: locked_vm of @mm
 * @user_locked: locked_vm of @user
 * @limit: RLIMIT_MEMLOCK, to be set again, bytes
 */
struct payer {
	struct kunit *test;
	struct pin_owner *owner;
	struct mm_struct *mm;
	struct user_struct *user;
	unsigned long pinned;
	unsigned long locked;
	unsigned long user_locked;
	unsigned long limit;
};

static const enum pin_account_mode modes[] = {
	PIN_ACCOUNT_USER, PIN_ACCOUNT_MM
};

static void describe_mode(const enum pin_account_mode *mode, char *text)
{
	strscpy(text, *mode == PIN_ACCOUNT_USER ? "user" : "process",
		KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(modes, modes, describe_mode);

/* As somebody with or without CAP_IPC_LOCK */
static struct pin_owner *owner_new(struct kunit *test,
				   enum pin_account_mode mode, bool capable)
{
	struct cred *cred = prepare_creds();
	struct pin_account account;
	struct pin_owner *owner;
	const struct cred *old;

	KUNIT_ASSERT_NOT_NULL(test, cred);
	if (!capable)
		cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	old = override_creds(cred);
	pin_account_init(&account, mode);
	owner = pin_account_owner(&account);
	pin_account_destroy(&account);
	revert_creds(old);
	put_cred(cred);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owner);
	return owner;
}

/* @room: pages that can be charged */
static struct payer *payer_new(struct kunit *test, enum pin_account_mode mode,
			       bool capable, unsigned long room)
{
	struct payer *payer = kunit_kzalloc(test, sizeof(*payer), GFP_KERNEL);
	unsigned long used;

	KUNIT_ASSERT_NOT_NULL(test, payer);
	/* This gives the thread an address space. */
	user_memory_map(test, 0, USER_MEMORY_ANONYMOUS, 1, false);
	payer->test = test;
	payer->mm = current->mm;
	payer->user = current_user();
	payer->pinned = atomic64_read(&payer->mm->pinned_vm);
	payer->locked = payer->mm->locked_vm;
	payer->user_locked = atomic_long_read(&payer->user->locked_vm);
	payer->owner = owner_new(test, mode, capable);
	used = mode == PIN_ACCOUNT_MM ? payer->locked : payer->user_locked;
	payer->limit = user_memory_limit((used + room) * PAGE_SIZE);
	return payer;
}

static void payer_end(struct payer *payer)
{
	user_memory_limit(payer->limit);
	pin_owner_put(payer->owner);
}

/* What each counter has on top of what it had before */
static void expect_counts(struct payer *payer, unsigned long pinned,
			  unsigned long locked, unsigned long user_locked)
{
	KUNIT_EXPECT_EQ(payer->test, payer->pinned + pinned, (unsigned long)
			atomic64_read(&payer->mm->pinned_vm));
	KUNIT_EXPECT_EQ(payer->test, payer->locked + locked,
			payer->mm->locked_vm);
	KUNIT_EXPECT_EQ(payer->test, payer->user_locked + user_locked,
			(unsigned long)
			atomic_long_read(&payer->user->locked_vm));
}

static void expect_charged(struct payer *payer, unsigned long npages)
{
	bool user = payer->owner->mode == PIN_ACCOUNT_USER;

	expect_counts(payer, npages, user ? 0 : npages, user ? npages : 0);
}

static void limit_is_kept_to_the_page(struct kunit *test)
{
	const enum pin_account_mode *mode = test->param_value;
	struct payer *payer = payer_new(test, *mode, false, 3);
	struct pin_owner *owner = payer->owner;

	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(owner, 4));
	expect_charged(payer, 0);
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 2));
	expect_charged(payer, 2);
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(owner, 2));
	expect_charged(payer, 2);
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 1));
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(owner, 1));
	expect_charged(payer, 3);
	pin_owner_uncharge(owner, 3);
	expect_charged(payer, 0);
	payer_end(payer);
}

/* What is given back can be charged again. */
static void charges_come_back_in_parts(struct kunit *test)
{
	const enum pin_account_mode *mode = test->param_value;
	struct payer *payer = payer_new(test, *mode, false, 5);
	struct pin_owner *owner = payer->owner;

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 5));
	pin_owner_uncharge(owner, 2);
	expect_charged(payer, 3);
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(owner, 3));
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 2));
	pin_owner_uncharge(owner, 4);
	pin_owner_uncharge(owner, 1);
	expect_charged(payer, 0);
	payer_end(payer);
}

static void no_pages_cost_nothing(struct kunit *test)
{
	const enum pin_account_mode *mode = test->param_value;
	struct payer *payer = payer_new(test, *mode, false, 0);

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 0));
	pin_owner_uncharge(payer->owner, 0);
	expect_charged(payer, 0);
	payer_end(payer);
}

static void accounts_of_one_payer_share_the_limit(struct kunit *test)
{
	const enum pin_account_mode *mode = test->param_value;
	struct payer *payer = payer_new(test, *mode, false, 3);
	struct pin_owner *other = owner_new(test, *mode, false);

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 2));
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(other, 2));
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(other, 1));
	expect_charged(payer, 3);
	pin_owner_uncharge(payer->owner, 2);
	expect_charged(payer, 1);
	pin_owner_uncharge(other, 1);
	pin_owner_put(other);
	expect_charged(payer, 0);
	payer_end(payer);
}

/* As if from a process that the same user had before */
static void memory_that_moves_fits_once(struct kunit *test)
{
	struct payer *payer = payer_new(test, PIN_ACCOUNT_USER, false, 3);
	struct pin_owner *other = owner_new(test, PIN_ACCOUNT_USER, false);

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 3));
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(other, 3));
	KUNIT_EXPECT_EQ(test, 0,
			pin_owner_charge_moved(other, payer->owner, 3));
	pin_owner_uncharge(payer->owner, 3);
	expect_charged(payer, 3);
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(other, 1));
	pin_owner_uncharge(other, 3);
	expect_charged(payer, 0);
	pin_owner_put(other);
	payer_end(payer);
}

/* The limit is that of the moment, as of all that counts against it. */
static void limit_may_change(struct kunit *test)
{
	const enum pin_account_mode *mode = test->param_value;
	struct payer *payer = payer_new(test, *mode, false, 2);
	struct pin_owner *owner = payer->owner;

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 2));
	user_memory_limit(0);
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(owner, 1));
	expect_charged(payer, 2);
	user_memory_limit(RLIM_INFINITY);
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 100));
	expect_charged(payer, 102);
	pin_owner_uncharge(owner, 102);
	payer_end(payer);
}

static void two_modes_do_not_share(struct kunit *test)
{
	struct payer *payer = payer_new(test, PIN_ACCOUNT_USER, false, 2);
	struct pin_owner *process = owner_new(test, PIN_ACCOUNT_MM, false);

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 2));
	user_memory_limit((payer->locked + 2) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(process, 2));
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(process, 1));
	expect_counts(payer, 4, 2, 2);
	pin_owner_uncharge(process, 2);
	pin_owner_uncharge(payer->owner, 2);
	expect_counts(payer, 0, 0, 0);
	pin_owner_put(process);
	payer_end(payer);
}

/* Else they would use up the limit of the user's other processes. */
static void capable_user_is_not_charged(struct kunit *test)
{
	struct payer *payer = payer_new(test, PIN_ACCOUNT_USER, true, 0);

	KUNIT_EXPECT_EQ(test, payer->owner->mode, PIN_ACCOUNT_NONE);
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 1000));
	expect_counts(payer, 1000, 0, 0);
	pin_owner_uncharge(payer->owner, 1000);
	expect_counts(payer, 0, 0, 0);
	payer_end(payer);
}

static void capable_process_is_counted_without_limit(struct kunit *test)
{
	struct payer *payer = payer_new(test, PIN_ACCOUNT_MM, true, 0);

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 1000));
	expect_counts(payer, 1000, 1000, 0);
	pin_owner_uncharge(payer->owner, 1000);
	expect_counts(payer, 0, 0, 0);
	payer_end(payer);
}

static void sum_does_not_wrap(struct kunit *test)
{
	struct payer *payer = payer_new(test, PIN_ACCOUNT_USER, false, 0);
	struct pin_owner *owner = payer->owner;

	user_memory_limit(RLIM_INFINITY);
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 1));
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(owner, ULONG_MAX));
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			pin_owner_charge(owner, ULONG_MAX / PAGE_SIZE + 1));
	expect_charged(payer, 1);
	pin_owner_uncharge(owner, 1);
	payer_end(payer);
}

/* By a thread without an address space, such as a worker */
static void others_give_back_to_the_payer(struct kunit *test)
{
	const enum pin_account_mode *mode = test->param_value;
	struct payer *payer = payer_new(test, *mode, false, 4);

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 3));
	kthread_unuse_mm(payer->mm);
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 1));
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_owner_charge(payer->owner, 1));
	expect_charged(payer, 4);
	pin_owner_uncharge(payer->owner, 4);
	kthread_use_mm(payer->mm);
	expect_charged(payer, 0);
	payer_end(payer);
}

static void process_is_gone(struct kunit *test)
{
	const enum pin_account_mode *mode = test->param_value;
	struct payer *payer = payer_new(test, *mode, false, 4);
	struct pin_owner *owner = payer->owner;

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 3));
	kthread_unuse_mm(payer->mm);
	/* The last reference to what is mapped; the owner keeps the rest. */
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&payer->mm->mm_users));
	mmput(payer->mm);
	expect_charged(payer, 3);
	pin_owner_uncharge(owner, 1);
	expect_charged(payer, 2);
	pin_owner_uncharge(owner, 2);
	expect_charged(payer, 0);
	payer_end(payer);
}

/* Somebody may have the mmap lock in a page fault that never ends. */
static void giving_back_does_not_wait(struct kunit *test)
{
	struct payer *payer = payer_new(test, PIN_ACCOUNT_MM, false, 4);
	struct pin_owner *owner = payer->owner;

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 4));
	mmap_read_lock(payer->mm);
	pin_owner_uncharge(owner, 2);
	pin_owner_uncharge(owner, 1);
	expect_counts(payer, 1, 4, 0);
	mmap_read_unlock(payer->mm);
	/* Whoever comes next finds the room, with no need to wait for it. */
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(owner, 3));
	expect_charged(payer, 4);
	mmap_read_lock(payer->mm);
	pin_owner_uncharge(owner, 4);
	mmap_read_unlock(payer->mm);
	payer_end(payer);
}

/* The limit is that of the process, and so is the room below it. */
static void others_find_what_is_owed(struct kunit *test)
{
	struct payer *payer = payer_new(test, PIN_ACCOUNT_MM, false, 4);
	struct pin_owner *other = owner_new(test, PIN_ACCOUNT_MM, false);

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 3));
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(other, 1));
	mmap_read_lock(payer->mm);
	pin_owner_uncharge(other, 1);
	pin_owner_uncharge(payer->owner, 3);
	mmap_read_unlock(payer->mm);
	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(other, 4));
	expect_counts(payer, 4, 4, 0);
	pin_owner_uncharge(other, 4);
	expect_counts(payer, 0, 0, 0);
	pin_owner_put(other);
	payer_end(payer);
}

/* Also when nobody comes, and when the owner has gone. */
static void what_is_owed_is_given_back(struct kunit *test)
{
	struct payer *payer = payer_new(test, PIN_ACCOUNT_MM, false, 4);
	unsigned long end = jiffies + 10 * HZ;

	KUNIT_EXPECT_EQ(test, 0, pin_owner_charge(payer->owner, 4));
	mmap_read_lock(payer->mm);
	pin_owner_uncharge(payer->owner, 4);
	pin_owner_put(payer->owner);
	msleep(300);
	expect_counts(payer, 0, 4, 0);
	mmap_read_unlock(payer->mm);
	while (READ_ONCE(payer->mm->locked_vm) != payer->locked &&
	       time_before(jiffies, end))
		msleep(20);
	expect_counts(payer, 0, 0, 0);
	user_memory_limit(payer->limit);
}

#define NCHARGES 2

/* What an account says of who pays, as pages of each mode; returns the rest. */
static unsigned int charges_of(struct pin_account *account,
			       unsigned long npages[PIN_ACCOUNT_NONE + 1])
{
	struct pin_charge charges[NCHARGES];
	unsigned int i, count, more;

	memset(npages, 0, (PIN_ACCOUNT_NONE + 1) * sizeof(*npages));
	count = pin_account_charges(account, charges, NCHARGES, &more);
	for (i = 0; i < count; i++) {
		npages[charges[i].mode] += charges[i].npages;
		put_pid(charges[i].pid);
	}
	return more;
}

static void one_can_see_who_pays(struct kunit *test)
{
	const enum pin_account_mode modes[] = {
		PIN_ACCOUNT_MM, PIN_ACCOUNT_NONE, PIN_ACCOUNT_MM,
	};
	struct pin_owner *owners[ARRAY_SIZE(modes)];
	unsigned long npages[PIN_ACCOUNT_NONE + 1];
	struct pin_account account;
	unsigned int i;

	user_memory_map(test, 0, USER_MEMORY_ANONYMOUS, 1, false);
	pin_account_init(&account, PIN_ACCOUNT_MM);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		account.mode = modes[i];
		owners[i] = pin_account_owner(&account);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owners[i]);
	}
	/* The mode has changed twice. */
	KUNIT_EXPECT_PTR_NE(test, owners[0], owners[2]);
	KUNIT_EXPECT_EQ(test, charges_of(&account, npages), 0);
	KUNIT_EXPECT_EQ(test, npages[PIN_ACCOUNT_MM], 0);

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		KUNIT_ASSERT_EQ(test, 0, pin_owner_charge(owners[i], 1 << i));
	/* Both that pay in the same way are one for whoever looks. */
	KUNIT_EXPECT_EQ(test, charges_of(&account, npages), 0);
	KUNIT_EXPECT_EQ(test, npages[PIN_ACCOUNT_MM], 5);
	KUNIT_EXPECT_EQ(test, npages[PIN_ACCOUNT_NONE], 2);

	pin_owner_uncharge(owners[0], 1);
	pin_owner_put(owners[0]);
	KUNIT_EXPECT_EQ(test, charges_of(&account, npages), 0);
	KUNIT_EXPECT_EQ(test, npages[PIN_ACCOUNT_MM], 4);
	KUNIT_EXPECT_EQ(test, account.nowners, 2);

	/* They may outlive the context. */
	pin_account_destroy(&account);
	for (i = 1; i < ARRAY_SIZE(modes); i++) {
		pin_owner_uncharge(owners[i], 1 << i);
		pin_owner_put(owners[i]);
	}
}

/* With room for none, all that pay are left out. */
static void payers_without_room_are_counted(struct kunit *test)
{
	struct pin_account account;
	struct pin_owner *owner;
	unsigned int more;

	user_memory_map(test, 0, USER_MEMORY_ANONYMOUS, 1, false);
	pin_account_init(&account, PIN_ACCOUNT_NONE);
	owner = pin_account_owner(&account);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owner);
	KUNIT_EXPECT_EQ(test, pin_account_charges(&account, NULL, 0, &more), 0);
	KUNIT_EXPECT_EQ(test, more, 0);
	KUNIT_ASSERT_EQ(test, 0, pin_owner_charge(owner, 1));
	KUNIT_EXPECT_EQ(test, pin_account_charges(&account, NULL, 0, &more), 0);
	KUNIT_EXPECT_EQ(test, more, 1);
	pin_owner_uncharge(owner, 1);
	pin_owner_put(owner);
	pin_account_destroy(&account);
}

static struct kunit_case account_cases[] = {
	KUNIT_CASE_PARAM(limit_is_kept_to_the_page, modes_gen_params),
	KUNIT_CASE_PARAM(charges_come_back_in_parts, modes_gen_params),
	KUNIT_CASE_PARAM(no_pages_cost_nothing, modes_gen_params),
	KUNIT_CASE_PARAM(accounts_of_one_payer_share_the_limit,
			 modes_gen_params),
	KUNIT_CASE(memory_that_moves_fits_once),
	KUNIT_CASE_PARAM(limit_may_change, modes_gen_params),
	KUNIT_CASE(two_modes_do_not_share),
	KUNIT_CASE(capable_user_is_not_charged),
	KUNIT_CASE(capable_process_is_counted_without_limit),
	KUNIT_CASE(sum_does_not_wrap),
	KUNIT_CASE(giving_back_does_not_wait),
	KUNIT_CASE(others_find_what_is_owed),
	KUNIT_CASE(what_is_owed_is_given_back),
	KUNIT_CASE_PARAM(others_give_back_to_the_payer, modes_gen_params),
	KUNIT_CASE_PARAM(process_is_gone, modes_gen_params),
	KUNIT_CASE(one_can_see_who_pays),
	KUNIT_CASE(payers_without_room_are_counted),
	{}
};

static struct kunit_suite account_suite = {
	.name = "iommufd_account",
	.test_cases = account_cases,
};

kunit_test_suite(account_suite);

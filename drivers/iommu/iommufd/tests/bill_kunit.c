// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Who pays for files, and somebody else who takes that over.
 *
 * A thread has one address space, so here the other process is the same one with
 * another way to pay. What two processes see, the selftests show.
 */
#include <kunit/test.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/user.h>

#include "pin/account.h"
#include "pin/bill.h"
#include "user_memory.h"

/**
 * struct context - What is under test, and what was counted before
 * @test: whom to tell
 * @account: under test
 * @pinned: pinned_vm of the process
 * @locked: locked_vm of the process
 * @user_locked: locked_vm of the user
 * @limit: RLIMIT_MEMLOCK, to be set again, bytes
 * @old_cred: to be taken again
 * @cred: without CAP_IPC_LOCK, with which nobody would be charged
 */
struct context {
	struct kunit *test;
	struct pin_account account;
	unsigned long pinned;
	unsigned long locked;
	unsigned long user_locked;
	unsigned long limit;
	const struct cred *old_cred;
	struct cred *cred;
};

static struct context *context_new(struct kunit *test)
{
	struct context *context = kunit_kzalloc(test, sizeof(*context),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, context);
	context->cred = prepare_creds();
	KUNIT_ASSERT_NOT_NULL(test, context->cred);
	/* This gives the thread an address space. */
	user_memory_map(test, 0, USER_MEMORY_ANONYMOUS, 1, false);
	cap_lower(context->cred->cap_effective, CAP_IPC_LOCK);
	context->old_cred = override_creds(context->cred);
	context->test = test;
	context->pinned = atomic64_read(&current->mm->pinned_vm);
	context->locked = current->mm->locked_vm;
	context->user_locked = atomic_long_read(&current_user()->locked_vm);
	context->limit = user_memory_limit(RLIM_INFINITY);
	pin_account_init(&context->account, PIN_ACCOUNT_USER);
	return context;
}

static void expect_charged(struct context *context, unsigned long to_user,
			   unsigned long to_process)
{
	KUNIT_EXPECT_EQ(context->test,
			context->pinned + to_user + to_process, (unsigned long)
			atomic64_read(&current->mm->pinned_vm));
	KUNIT_EXPECT_EQ(context->test, context->locked + to_process,
			current->mm->locked_vm);
	KUNIT_EXPECT_EQ(context->test, context->user_locked + to_user,
			(unsigned long)
			atomic_long_read(&current_user()->locked_vm));
}

static void context_end(struct context *context)
{
	KUNIT_EXPECT_TRUE(context->test, list_empty(&context->account.bills));
	pin_account_destroy(&context->account);
	expect_charged(context, 0, 0);
	user_memory_limit(context->limit);
	revert_creds(context->old_cred);
	put_cred(context->cred);
}

/* As a process does that pays in this way. */
static struct pin_bill *bill_new(struct context *context,
				 enum pin_account_mode mode)
{
	struct pin_bill *bill;

	context->account.mode = mode;
	bill = pin_account_bill(&context->account);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(context->test, bill);
	return bill;
}

static int take_over(struct context *context, enum pin_account_mode mode)
{
	context->account.mode = mode;
	return pin_account_take_over(&context->account);
}

static void a_process_has_one_bill(struct kunit *test)
{
	struct context *context = context_new(test);
	struct pin_bill *bill = bill_new(context, PIN_ACCOUNT_USER);
	struct pin_bill *other = bill_new(context, PIN_ACCOUNT_MM);
	struct pin_bill *again = bill_new(context, PIN_ACCOUNT_USER);

	KUNIT_EXPECT_PTR_EQ(test, bill, again);
	KUNIT_EXPECT_PTR_NE(test, bill, other);
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&bill->refs));
	KUNIT_EXPECT_EQ(test, 2, list_count_nodes(&context->account.bills));
	pin_bill_put(bill);
	pin_bill_put(other);
	KUNIT_EXPECT_EQ(test, 1, list_count_nodes(&context->account.bills));
	pin_bill_put(again);
	context_end(context);
}

static void all_bills_change_hands(struct kunit *test)
{
	struct context *context = context_new(test);
	struct pin_bill *first = bill_new(context, PIN_ACCOUNT_USER);
	struct pin_bill *second = bill_new(context, PIN_ACCOUNT_MM);

	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(first, 10));
	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(second, 5));
	expect_charged(context, 10, 5);
	KUNIT_EXPECT_EQ(test, 0, take_over(context, PIN_ACCOUNT_MM));
	expect_charged(context, 0, 15);
	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(first, 3));
	expect_charged(context, 0, 18);
	KUNIT_EXPECT_EQ(test, 0, take_over(context, PIN_ACCOUNT_USER));
	expect_charged(context, 18, 0);
	pin_bill_uncharge(first, 13);
	expect_charged(context, 5, 0);
	/* Twice is once. */
	KUNIT_EXPECT_EQ(test, 0, take_over(context, PIN_ACCOUNT_USER));
	expect_charged(context, 5, 0);
	pin_bill_uncharge(second, 5);
	pin_bill_put(first);
	pin_bill_put(second);
	context_end(context);
}

static void h59_all_or_nothing(struct kunit *test)
{
	struct context *context = context_new(test);
	struct pin_bill *first = bill_new(context, PIN_ACCOUNT_USER);
	struct pin_bill *second = bill_new(context, PIN_ACCOUNT_MM);
	struct pin_owner *owners[] = { first->owner, second->owner };

	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(first, 10));
	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(second, 5));
	/* One page short: those of the second bill are there already. */
	user_memory_limit((context->locked + 14) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -ENOMEM, take_over(context, PIN_ACCOUNT_MM));
	expect_charged(context, 10, 5);
	KUNIT_EXPECT_PTR_EQ(test, owners[0], first->owner);
	KUNIT_EXPECT_PTR_EQ(test, owners[1], second->owner);
	user_memory_limit((context->locked + 15) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, take_over(context, PIN_ACCOUNT_MM));
	expect_charged(context, 0, 15);
	pin_bill_uncharge(first, 10);
	pin_bill_uncharge(second, 5);
	pin_bill_put(first);
	pin_bill_put(second);
	context_end(context);
}

static void expect_bills(struct context *context, unsigned long count)
{
	KUNIT_EXPECT_EQ(context->test, count,
			list_count_nodes(&context->account.bills));
}

/* Two processes that take turns have one bill, and not one for each turn. */
static void h59_bills_are_joined(struct kunit *test)
{
	const enum pin_account_mode modes[] = { PIN_ACCOUNT_USER,
						PIN_ACCOUNT_MM };
	struct context *context = context_new(test);
	struct pin_bill *bills[10];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bills); i++) {
		bills[i] = bill_new(context, modes[i % 2]);
		KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(bills[i], i + 1));
		expect_bills(context, i ? 2 : 1);
		KUNIT_ASSERT_EQ(test, 0, take_over(context, modes[i % 2]));
		expect_bills(context, 1);
		KUNIT_EXPECT_EQ(test, (i + 1) * (i + 2) / 2, bills[0]->npages);
	}
	expect_charged(context, 0, 55);
	/* Whatever goes first, the others stay what they are. */
	for (i = 0; i < ARRAY_SIZE(bills); i++) {
		unsigned int index = (3 * i) % ARRAY_SIZE(bills);

		pin_bill_uncharge(bills[index], index + 1);
		pin_bill_put(bills[index]);
		expect_bills(context, i < ARRAY_SIZE(bills) - 1);
	}
	expect_charged(context, 0, 0);
	context_end(context);
}

/* A bill that others are part of changes hands like any other. */
static void h59_joined_bills_change_hands(struct kunit *test)
{
	struct context *context = context_new(test);
	struct pin_bill *first = bill_new(context, PIN_ACCOUNT_USER);
	struct pin_bill *second = bill_new(context, PIN_ACCOUNT_MM);
	struct pin_bill *third;

	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(first, 10));
	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(second, 5));
	KUNIT_ASSERT_EQ(test, 0, take_over(context, PIN_ACCOUNT_NONE));
	/* Whoever it was before, it is somebody new who maps now. */
	third = bill_new(context, PIN_ACCOUNT_USER);
	KUNIT_EXPECT_PTR_NE(test, first, third);
	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(third, 3));
	pin_bill_uncharge(first, 10);
	pin_bill_put(first);
	/* Charges go where they are written, whichever bill they are on. */
	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(second, 4));
	KUNIT_ASSERT_EQ(test, 0, take_over(context, PIN_ACCOUNT_MM));
	expect_charged(context, 0, 12);
	pin_bill_uncharge(third, 3);
	pin_bill_put(third);
	expect_charged(context, 0, 9);
	pin_bill_uncharge(second, 9);
	pin_bill_put(second);
	context_end(context);
}

/* What counts against a limit already is not counted a second time. */
static void same_limit_is_no_hurdle(struct kunit *test)
{
	struct context *context = context_new(test);
	struct pin_bill *bill = bill_new(context, PIN_ACCOUNT_USER);

	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(bill, 10));
	user_memory_limit(0);
	KUNIT_EXPECT_EQ(test, 0, take_over(context, PIN_ACCOUNT_USER));
	expect_charged(context, 10, 0);
	KUNIT_EXPECT_EQ(test, -ENOMEM, pin_bill_charge(bill, 1));
	pin_bill_uncharge(bill, 10);
	pin_bill_put(bill);
	context_end(context);
}

static int charge_and_uncharge(void *arg)
{
	struct pin_bill *bill = arg;

	while (!kthread_should_stop()) {
		if (!pin_bill_charge(bill, 3)) {
			pin_bill_uncharge(bill, 1);
			cond_resched();
			pin_bill_uncharge(bill, 2);
		}
		cond_resched();
	}
	return 0;
}

/* Whoever pins meanwhile is charged to one of both, and gets it back from it. */
static void h59_changes_race_with_charges(struct kunit *test)
{
	struct context *context = context_new(test);
	struct pin_bill *bill = bill_new(context, PIN_ACCOUNT_USER);
	struct task_struct *thread;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, pin_bill_charge(bill, 7));
	thread = kthread_run(charge_and_uncharge, bill, "iommufd-bill");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	for (i = 0; i < 2000; i++) {
		KUNIT_EXPECT_EQ(test, 0,
				take_over(context, i % 2 ? PIN_ACCOUNT_USER :
							   PIN_ACCOUNT_NONE));
		cond_resched();
	}
	kthread_stop(thread);
	expect_charged(context, 7, 0);
	pin_bill_uncharge(bill, 7);
	pin_bill_put(bill);
	context_end(context);
}

static struct kunit_case bill_cases[] = {
	KUNIT_CASE(a_process_has_one_bill),
	KUNIT_CASE(all_bills_change_hands),
	KUNIT_CASE(h59_all_or_nothing),
	KUNIT_CASE(h59_bills_are_joined),
	KUNIT_CASE(h59_joined_bills_change_hands),
	KUNIT_CASE(same_limit_is_no_hurdle),
	KUNIT_CASE(h59_changes_race_with_charges),
	{}
};

static struct kunit_suite bill_suite = {
	.name = "iommufd_bill",
	.test_cases = bill_cases,
};

kunit_test_suite(bill_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Who pays: one owner for each process and not for each map, and memory that
 * is handed from one owner to another, or moves to another address.
 */
#include <kunit/test.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include "pages/iopt_types.h"
#include "pages/iopt_unfill.h"
#include "pages/pages.h"
#include "pages/pages_move.h"
#include "pages/pages_rw.h"
#include "pages/run_chunks.h"
#include "pages_subject.h"
#include "pin/account.h"

#define NPAGES 8UL

static const struct subject_config config = {
	.npages = NPAGES,
	.mode = PIN_ACCOUNT_USER,
	.pgsize_bitmap = PAGE_SIZE,
};

static void maps_share_their_owner(struct kunit *test)
{
	struct subject *subject = subject_new(test, &config);
	struct pin_owner *owner = subject->pages->origin.owner;
	struct iopt_pages *more = subject_alloc_pages(subject, 1, 2);
	struct pin_owner *other;

	KUNIT_EXPECT_PTR_EQ(test, more->origin.owner, owner);
	KUNIT_EXPECT_EQ(test, 3, refcount_read(&owner->refs));
	iopt_pages_put(more);
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&owner->refs));

	/* Somebody who may pin without a limit is somebody else. */
	other = pin_account_owner(&subject->account);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_PTR_NE(test, other, owner);
	KUNIT_EXPECT_EQ(test, PIN_ACCOUNT_NONE, other->mode);
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&owner->refs));
	KUNIT_EXPECT_PTR_EQ(test, other, subject->account.owner);
	pin_owner_put(other);
	more = subject_alloc_pages(subject, 1, 2);
	KUNIT_EXPECT_PTR_NE(test, more->origin.owner, owner);
	KUNIT_EXPECT_EQ(test, PIN_ACCOUNT_USER, more->origin.owner->mode);
	iopt_pages_put(more);
	subject_end(subject);
}

/* As whoever hands memory over does it: pay first, as it may be too much. */
static void hand_over(struct subject *subject, enum pin_account_mode mode)
{
	struct iopt_pages *pages = subject->pages;
	struct pin_account account;
	struct pin_owner *owner;

	pin_account_init(&account, mode);
	owner = subject_owner(subject, &account);
	pin_account_destroy(&account);
	mutex_lock(&pages->fill_mutex);
	KUNIT_ASSERT_EQ(subject->test, 0,
			pin_owner_charge(owner, pages->npinned));
	mutex_lock(&pages->mutex);
	swap(pages->origin.owner, owner);
	pin_owner_uncharge(owner, pages->npinned);
	mutex_unlock(&pages->mutex);
	mutex_unlock(&pages->fill_mutex);
	pin_owner_put(owner);
	subject->config.mode = mode;
}

static void charge_goes_to_the_new_owner(struct kunit *test)
{
	struct subject *subject = subject_new(test, &config);

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, 5));
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 2, 3));
	hand_over(subject, PIN_ACCOUNT_MM);
	subject_check(subject);
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 1, 0, 4, 7));
	subject_check(subject);
	subject_remove_area(subject, 1);
	subject_check(subject);
	hand_over(subject, PIN_ACCOUNT_USER);
	subject_check(subject);
	subject_end(subject);
}

static struct subject *copied;

/* While memory is copied it is handed over, twice, and its first owner is left. */
static int copy_while_handed_over(const struct pin_origin *origin,
				  struct pin_copy *copy, unsigned long last)
{
	struct kunit *test = copied->test;

	hand_over(copied, PIN_ACCOUNT_MM);
	hand_over(copied, PIN_ACCOUNT_USER);
	pin_account_destroy(&copied->account);
	pin_account_init(&copied->account, PIN_ACCOUNT_USER);
	KUNIT_EXPECT_PTR_NE(test, origin->owner, copied->pages->origin.owner);
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&origin->owner->refs));
	copy->length = 0;
	return 0;
}

static const struct pin_origin_ops handed_over_ops = {
	.copy_pages = copy_while_handed_over,
};

/* A copy that has begun has the address space that it began with. */
static void copy_keeps_its_owner(struct kunit *test)
{
	struct subject *subject = subject_new(test, &config);
	const struct pin_origin_ops *ops = subject->pages->origin.ops;
	u8 byte = 1;
	struct pin_copy copy = { .data = &byte, .length = 1 };
	struct pin_owner *owner = subject->pages->origin.owner;

	KUNIT_EXPECT_EQ(test, 0, iopt_pages_rw_access(subject->pages, &copy));
	KUNIT_EXPECT_EQ(test, 0, byte);

	copied = subject;
	subject->pages->origin.ops = &handed_over_ops;
	KUNIT_EXPECT_EQ(test, 0, iopt_pages_rw_access(subject->pages, &copy));
	KUNIT_EXPECT_PTR_NE(test, owner, subject->pages->origin.owner);
	subject->pages->origin.ops = ops;
	subject_end(subject);
}

static void move_to(struct subject *subject, unsigned long address)
{
	struct iopt_pages *pages = subject->pages;

	KUNIT_ASSERT_EQ(subject->test, 0,
			iopt_pages_move(pages, address, pages->origin.owner));
	KUNIT_EXPECT_EQ(subject->test, address, pages->origin.start);
	subject_check(subject);
	subject_read(subject, 0, subject->config.npages - 1);
}

/* What is pinned is where it was, and its PFNs are found there. */
static void memory_moves(struct kunit *test)
{
	struct subject_config moving = {
		.npages = 2 * USER_MEMORY_BLOCK_PAGES,
		.mode = PIN_ACCOUNT_USER,
		.pgsize_bitmap = PAGE_SIZE,
		.layout = USER_MEMORY_BLOCKS,
	};
	struct subject *subject = subject_new(test, &moving);
	struct iopt_pages *pages = subject->pages;
	unsigned long address = pages->origin.start;

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0,
						  moving.npages - 1));
	KUNIT_EXPECT_FALSE(test, xa_empty(&pages->run_chunks));
	/* Chunks are cut where they were, and then elsewhere. */
	move_to(subject, address + RUN_CHUNK_SIZE);
	KUNIT_EXPECT_FALSE(test, xa_empty(&pages->run_chunks));
	move_to(subject, address + PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, xa_empty(&pages->run_chunks));
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 100, 700));
	move_to(subject, address);
	subject_end(subject);
}

/* The process that pays already goes on, whatever its limit is now. */
static void who_moves_is_the_same_process(struct kunit *test)
{
	struct subject *subject = subject_new(test, &config);
	struct iopt_pages *pages = subject->pages;
	struct pin_owner *owner = pages->origin.owner;
	struct pin_account account;
	struct pin_owner *other;

	pin_account_init(&account, PIN_ACCOUNT_MM);
	other = subject_owner(subject, &account);
	pin_account_destroy(&account);
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0, 5));
	KUNIT_EXPECT_EQ(test, 0, iopt_pages_move(pages, pages->origin.start,
						 other));
	KUNIT_EXPECT_PTR_EQ(test, owner, pages->origin.owner);
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&other->refs));
	pin_owner_put(other);
	subject_check(subject);
	subject_end(subject);
}

static struct kunit_case owner_cases[] = {
	KUNIT_CASE(maps_share_their_owner),
	KUNIT_CASE(charge_goes_to_the_new_owner),
	KUNIT_CASE(copy_keeps_its_owner),
	KUNIT_CASE(memory_moves),
	KUNIT_CASE(who_moves_is_the_same_process),
	{}
};

static struct kunit_suite owner_suite = {
	.name = "iommufd_owner",
	.test_cases = owner_cases,
};

kunit_test_suite(owner_suite);

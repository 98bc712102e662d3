// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Charging what is pinned of files, and handing the charge to another process.
 *
 * Charging may wait for an mmap lock as long as user space likes, so no lock of
 * ours is held meanwhile. The bill is written afterwards, and shows whether
 * somebody else has to pay by then.
 */
#include "bill.h"

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "account.h"

/**
 * pin_bill_now() - Find the bill that counts
 * @bill: may be part of another one
 *
 * What others are joined to is the oldest one on the list, and joined to none. So
 * there is one step at most.
 *
 * Context: &pin_account.bills_lock held.
 * Return: the bill that says who pays, and how much.
 */
struct pin_bill *pin_bill_now(struct pin_bill *bill)
{
	lockdep_assert_held(&bill->account->bills_lock);

	return bill->joined ?: bill;
}

static struct pin_bill *find_bill(struct pin_account *account,
				  const struct pin_owner *owner)
{
	struct pin_bill *bill;

	guard(mutex)(&account->bills_lock);
	list_for_each_entry(bill, &account->bills, entry) {
		if (pin_owner_same(bill->owner, owner)) {
			refcount_inc(&bill->refs);
			return bill;
		}
	}
	return NULL;
}

/* Takes over the reference to the owner, if there is memory for the bill. */
static struct pin_bill *new_bill(struct pin_account *account,
				 struct pin_owner *owner)
{
	struct pin_bill *bill = kmalloc(sizeof(*bill), GFP_KERNEL_ACCOUNT);

	if (!bill)
		return ERR_PTR(-ENOMEM);
	refcount_set(&bill->refs, 1);
	bill->account = account;
	bill->joined = NULL;
	bill->owner = owner;
	bill->npages = 0;
	mutex_lock(&account->bills_lock);
	list_add(&bill->entry, &account->bills);
	mutex_unlock(&account->bills_lock);
	return bill;
}

/**
 * pin_account_bill() - Have the calling process pay for a file
 * @account: of the context
 *
 * Context: process context of the caller to be charged, may sleep.
 * Return: the bill, to be given up with pin_bill_put(); ERR_PTR(-ENOMEM).
 */
struct pin_bill *pin_account_bill(struct pin_account *account)
{
	struct pin_owner *owner = pin_account_owner(account);
	struct pin_bill *bill;

	if (IS_ERR(owner))
		return ERR_CAST(owner);
	bill = find_bill(account, owner);
	if (!bill) {
		bill = new_bill(account, owner);
		if (!IS_ERR(bill))
			return bill;
	}
	pin_owner_put(owner);
	return bill;
}

/* Drop a reference. Returns true if it was the last one. */
static bool bill_drop(struct pin_bill *bill)
{
	struct pin_account *account = bill->account;

	if (!refcount_dec_and_mutex_lock(&bill->refs, &account->bills_lock))
		return false;
	if (!bill->joined)
		list_del(&bill->entry);
	mutex_unlock(&account->bills_lock);
	return true;
}

/**
 * pin_bill_put() - Give up a reference
 * @bill: may be freed; nothing is charged when the last one goes
 *
 * Context: may sleep.
 */
void pin_bill_put(struct pin_bill *bill)
{
	while (bill && bill_drop(bill)) {
		struct pin_bill *joined = bill->joined;

		WARN_ON_ONCE(bill->npages);
		if (!joined)
			pin_owner_put(bill->owner);
		kfree(bill);
		bill = joined;
	}
}

/**
 * pin_bill_payer() - Tell who pays
 * @bill: what is paid for
 *
 * Another process may take over at any time.
 *
 * Context: may sleep, takes &pin_account.bills_lock.
 * Return: the owner, with a reference.
 */
struct pin_owner *pin_bill_payer(struct pin_bill *bill)
{
	struct pin_owner *owner;

	guard(mutex)(&bill->account->bills_lock);
	owner = pin_bill_now(bill)->owner;
	pin_owner_get(owner);
	return owner;
}

/* Write down what an owner was charged, unless somebody else pays by now. */
static bool bill_enter(struct pin_bill *bill, const struct pin_owner *owner,
		       unsigned long npages)
{
	guard(mutex)(&bill->account->bills_lock);
	bill = pin_bill_now(bill);
	if (bill->owner != owner)
		return false;
	bill->npages += npages;
	return true;
}

static int bill_charge_once(struct pin_bill *bill, unsigned long npages)
{
	struct pin_owner *owner = pin_bill_payer(bill);
	int rc = pin_owner_charge(owner, npages);

	if (!rc && !bill_enter(bill, owner, npages)) {
		pin_owner_uncharge(owner, npages);
		rc = -EAGAIN;
	}
	pin_owner_put(owner);
	return rc;
}

/**
 * pin_bill_charge() - Charge pages before they are pinned
 * @bill: what they go on
 * @npages: how many
 *
 * Context: as pin_owner_charge().
 * Return: as pin_owner_charge().
 */
int pin_bill_charge(struct pin_bill *bill, unsigned long npages)
{
	int rc;

	if (!npages)
		return 0;
	/* Again each time that another process takes over in between. */
	while ((rc = bill_charge_once(bill, npages)) == -EAGAIN) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return rc;
}

/**
 * pin_bill_uncharge() - Give back what pin_bill_charge() took
 * @bill: what they are on
 * @npages: how many, at most what is still charged
 *
 * Context: as pin_owner_uncharge().
 */
void pin_bill_uncharge(struct pin_bill *bill, unsigned long npages)
{
	struct pin_account *account = bill->account;
	struct pin_owner *owner;

	if (!npages)
		return;
	mutex_lock(&account->bills_lock);
	bill = pin_bill_now(bill);
	bill->npages -= npages;
	owner = bill->owner;
	pin_owner_get(owner);
	mutex_unlock(&account->bills_lock);
	pin_owner_uncharge(owner, npages);
	pin_owner_put(owner);
}

/* What counts against another limit so far. */
static unsigned long bills_to_charge(struct pin_account *account,
				     const struct pin_owner *owner)
{
	unsigned long npages = 0;
	struct pin_bill *bill;

	lockdep_assert_held(&account->bills_lock);

	list_for_each_entry(bill, &account->bills, entry) {
		if (!pin_owner_shares_limit(bill->owner, owner))
			npages += bill->npages;
		cond_resched();
	}
	return npages;
}

static void bill_take_over(struct pin_bill *bill, struct pin_owner *owner)
{
	struct pin_owner *old = bill->owner;

	if (pin_owner_shares_limit(old, owner))
		pin_owner_move(old, owner, bill->npages);
	else
		pin_owner_uncharge(old, bill->npages);
	pin_owner_get(owner);
	bill->owner = owner;
	pin_owner_put(old);
}

/* The same owner pays for both. */
static void bill_join(struct pin_bill *bill, struct pin_bill *into)
{
	list_del(&bill->entry);
	into->npages += bill->npages;
	bill->npages = 0;
	pin_owner_put(bill->owner);
	bill->owner = NULL;
	refcount_inc(&into->refs);
	bill->joined = into;
}

static void bills_take_over(struct pin_account *account,
			    struct pin_owner *owner)
{
	struct pin_bill *bill, *next, *oldest = NULL;

	lockdep_assert_held(&account->bills_lock);

	list_for_each_entry_safe_reverse(bill, next, &account->bills, entry) {
		bill_take_over(bill, owner);
		if (oldest)
			bill_join(bill, oldest);
		else
			oldest = bill;
		cond_resched();
	}
}

static int charge_more(struct pin_owner *owner, unsigned long npages)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	return pin_owner_charge(owner, npages);
}

/* Again as long as others pin more meanwhile. */
static int account_take_over(struct pin_account *account,
			     struct pin_owner *owner)
{
	unsigned long charged = 0, npages;
	int rc;

	for (;;) {
		mutex_lock(&account->bills_lock);
		npages = bills_to_charge(account, owner);
		if (npages <= charged)
			break;
		mutex_unlock(&account->bills_lock);
		rc = charge_more(owner, npages - charged);
		if (rc) {
			pin_owner_uncharge(owner, charged);
			return rc;
		}
		charged = npages;
	}
	bills_take_over(account, owner);
	mutex_unlock(&account->bills_lock);
	pin_owner_uncharge(owner, charged - npages);
	return 0;
}

/**
 * pin_account_take_over() - Have the calling process pay for all files
 * @account: of the context
 *
 * The caller is charged first, for all bills together. Then all of them change
 * hands under one lock, and those who paid before get their charge back. So at
 * no moment is a page charged to nobody.
 *
 * Context: process context of the caller to be charged; as pin_owner_charge().
 * Return: 0; -ENOMEM if the limit of the caller does not allow for it, or
 * without memory, and -EINTR on a fatal signal, both with nothing changed.
 */
int pin_account_take_over(struct pin_account *account)
{
	struct pin_owner *owner = pin_account_owner(account);
	int rc;

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	rc = account_take_over(account, owner);
	pin_owner_put(owner);
	return rc;
}

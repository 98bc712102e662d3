// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Charging pinned memory to whoever mapped it.
 */
#include "account.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/user_namespace.h>

/**
 * pin_account_init() - Remember the calling process as the one who pays
 * @account: to be set up
 * @mode: PIN_ACCOUNT_USER or PIN_ACCOUNT_MM
 *
 * A caller with CAP_IPC_LOCK has no limit. Its pages then are not charged to
 * the user, where they would use up the limit of its other processes, but
 * they do show in locked_vm of the process, as those locked with mlock() do.
 *
 * Context: process context of the caller to be charged.
 */
void pin_account_init(struct pin_account *account, enum pin_account_mode mode)
{
	/* Not to have it is no offence, so nothing for the audit log. */
	account->unlimited = ns_capable_noaudit(&init_user_ns, CAP_IPC_LOCK);
	if (account->unlimited && mode == PIN_ACCOUNT_USER)
		mode = PIN_ACCOUNT_NONE;
	account->mode = mode;
	account->mm = current->mm;
	mmgrab(account->mm);
	account->task = NULL;
	account->user = NULL;
	if (mode == PIN_ACCOUNT_NONE)
		return;
	account->task = get_task_struct(current->group_leader);
	account->user = get_uid(current_user());
}

/**
 * pin_account_destroy() - Forget the payer
 * @account: with nothing charged any more
 *
 * Context: may sleep.
 */
void pin_account_destroy(struct pin_account *account)
{
	if (account->mode != PIN_ACCOUNT_NONE) {
		free_uid(account->user);
		put_task_struct(account->task);
	}
	mmdrop(account->mm);
}

static int charge_user(struct pin_account *account, unsigned long npages)
{
	unsigned long limit = task_rlimit(account->task, RLIMIT_MEMLOCK) >>
			      PAGE_SHIFT;
	long locked = atomic_long_read(&account->user->locked_vm);
	unsigned long sum;

	do {
		if (check_add_overflow((unsigned long)locked, npages, &sum) ||
		    sum > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&account->user->locked_vm, &locked,
					  sum));
	return 0;
}

static int charge_mm(struct pin_account *account, unsigned long npages)
{
	int rc;

	if (mmap_write_lock_killable(account->mm))
		return -EINTR;
	rc = __account_locked_vm(account->mm, npages, true, account->task,
				 account->unlimited);
	mmap_write_unlock(account->mm);
	return rc;
}

static void uncharge_mm(struct pin_account *account, unsigned long npages)
{
	/*
	 * This also works when the process is gone: the structure is still
	 * there, and nobody reads the count any more.
	 */
	mmap_write_lock(account->mm);
	account->mm->locked_vm -= min(npages, account->mm->locked_vm);
	mmap_write_unlock(account->mm);
}

/**
 * pin_account_charge() - Charge pages before they are pinned
 * @account: who pays
 * @npages: how many
 *
 * Context: may sleep, takes the mmap lock in PIN_ACCOUNT_MM.
 * Return: 0; -ENOMEM if that is more than RLIMIT_MEMLOCK allows, with nothing
 * charged; -EINTR on a fatal signal.
 */
int pin_account_charge(struct pin_account *account, unsigned long npages)
{
	int rc = 0;

	if (!npages)
		return 0;
	if (account->mode == PIN_ACCOUNT_USER)
		rc = charge_user(account, npages);
	else if (account->mode == PIN_ACCOUNT_MM)
		rc = charge_mm(account, npages);
	if (rc)
		return rc;
	atomic64_add(npages, &account->mm->pinned_vm);
	return 0;
}

/**
 * pin_account_uncharge() - Give back what pin_account_charge() took
 * @account: who paid
 * @npages: how many, at most what is still charged
 *
 * Context: may sleep, takes the mmap lock in PIN_ACCOUNT_MM.
 */
void pin_account_uncharge(struct pin_account *account, unsigned long npages)
{
	if (!npages)
		return;
	atomic64_sub(npages, &account->mm->pinned_vm);
	if (account->mode == PIN_ACCOUNT_USER)
		atomic_long_sub(npages, &account->user->locked_vm);
	else if (account->mode == PIN_ACCOUNT_MM)
		uncharge_mm(account, npages);
}

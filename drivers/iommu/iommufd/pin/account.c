// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Charging pinned memory to whoever mapped it.
 *
 * A program that maps a million times is one owner and not a million: its
 * context remembers the process that mapped last, and mostly it is the same.
 */
#include "account.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "lib/trace.h"

/* So often the worker tries to take what is owed out of the counts. */
#define SETTLE_INTERVAL (HZ / 10)

/* So many owners are looked at, at most, to say who pays. */
#define LIST_OWNERS 1024

/* Protects the lists of owners of all contexts. Owners come and go rarely. */
static DEFINE_SPINLOCK(owners_lock);

/*
 * Owners that owe, each with a reference. The module stays while the worker is
 * to come.
 */
static LIST_HEAD(debtors);
static DEFINE_SPINLOCK(debtors_lock);
static bool settling;

static void debtors_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(settle, debtors_work);

/**
 * pin_account_exit() - Wait for the worker
 *
 * Context: when the module is unloaded; may sleep.
 */
void pin_account_exit(void)
{
	/* It gave up the module already, but may not have returned yet. */
	flush_delayed_work(&settle);
}

/**
 * pin_account_init() - Set up how a context pays
 * @account: to be set up
 * @mode: PIN_ACCOUNT_USER or PIN_ACCOUNT_MM
 *
 * Context: any.
 */
void pin_account_init(struct pin_account *account, enum pin_account_mode mode)
{
	account->mode = mode;
	spin_lock_init(&account->lock);
	account->owner = NULL;
	INIT_LIST_HEAD(&account->owners);
	account->nowners = 0;
	mutex_init(&account->bills_lock);
	INIT_LIST_HEAD(&account->bills);
}

/**
 * pin_account_destroy() - Undo pin_account_init()
 * @account: nobody maps with it any more; what is mapped need not be gone, but
 *           for files
 *
 * Context: may sleep.
 */
void pin_account_destroy(struct pin_account *account)
{
	struct pin_owner *owner;

	WARN_ON_ONCE(!list_empty(&account->bills));
	mutex_destroy(&account->bills_lock);
	if (account->owner)
		pin_owner_put(account->owner);
	/* Those that are left only owe, or had a BAR, and go by themselves. */
	spin_lock(&owners_lock);
	list_for_each_entry(owner, &account->owners, entry)
		owner->account = NULL;
	spin_unlock(&owners_lock);
}

static void owner_enlist(struct pin_owner *owner, struct pin_account *account)
{
	spin_lock(&owners_lock);
	owner->account = account;
	list_add(&owner->entry, &account->owners);
	account->nowners++;
	spin_unlock(&owners_lock);
}

static void owner_delist(struct pin_owner *owner)
{
	spin_lock(&owners_lock);
	if (owner->account) {
		list_del(&owner->entry);
		owner->account->nowners--;
	}
	spin_unlock(&owners_lock);
}

static bool owner_is_current(const struct pin_owner *owner,
			     enum pin_account_mode mode, bool unlimited)
{
	if (owner->mm != current->mm || owner->mode != mode ||
	    owner->unlimited != unlimited)
		return false;
	return mode == PIN_ACCOUNT_NONE ||
	       (owner->task == current->group_leader &&
		owner->user == current_user());
}

static struct pin_owner *owner_alloc(enum pin_account_mode mode, bool unlimited)
{
	struct pin_owner *owner = kmalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);

	if (!owner)
		return NULL;
	refcount_set(&owner->refs, 1);
	owner->mode = mode;
	owner->unlimited = unlimited;
	owner->mm = current->mm;
	mmgrab(owner->mm);
	owner->pid = get_pid(task_tgid(current));
	atomic_long_set(&owner->charged, 0);
	owner->account = NULL;
	owner->owed = 0;
	owner->task = NULL;
	owner->user = NULL;
	if (mode == PIN_ACCOUNT_NONE)
		return owner;
	owner->task = get_task_struct(current->group_leader);
	owner->user = get_uid(current_user());
	return owner;
}

static struct pin_owner *find_owner(struct pin_account *account,
				    enum pin_account_mode mode, bool unlimited)
{
	struct pin_owner *owner;

	spin_lock(&account->lock);
	owner = account->owner;
	if (owner && owner_is_current(owner, mode, unlimited))
		pin_owner_get(owner);
	else
		owner = NULL;
	spin_unlock(&account->lock);
	return owner;
}

static struct pin_owner *new_owner(struct pin_account *account,
				   enum pin_account_mode mode, bool unlimited)
{
	struct pin_owner *owner = owner_alloc(mode, unlimited);
	struct pin_owner *old;

	if (!owner)
		return ERR_PTR(-ENOMEM);
	owner_enlist(owner, account);
	pin_owner_get(owner);
	spin_lock(&account->lock);
	old = account->owner;
	account->owner = owner;
	spin_unlock(&account->lock);
	if (old)
		pin_owner_put(old);
	return owner;
}

/**
 * pin_account_owner() - Have the calling process pay
 * @account: of the context
 *
 * A caller with CAP_IPC_LOCK has no limit. Its pages then are not charged to
 * the user, where they would use up the limit of its other processes. They do
 * show in locked_vm of the process, as those locked with mlock() do.
 *
 * Context: process context of the caller to be charged, may sleep.
 * Return: the owner, to be given up with pin_owner_put(); ERR_PTR(-ENOMEM).
 */
struct pin_owner *pin_account_owner(struct pin_account *account)
{
	/* Not to have it is no offence, so nothing for the audit log. */
	bool unlimited = ns_capable_noaudit(&init_user_ns, CAP_IPC_LOCK);
	enum pin_account_mode mode = READ_ONCE(account->mode);

	if (unlimited && mode == PIN_ACCOUNT_USER)
		mode = PIN_ACCOUNT_NONE;
	return find_owner(account, mode, unlimited) ?:
	       new_owner(account, mode, unlimited);
}

/* Add what an owner pays to what is known of its process; false without room. */
static bool charges_add(struct pin_charge *charges, unsigned int *count,
			unsigned int room, const struct pin_owner *owner,
			unsigned long npages)
{
	unsigned int i;

	for (i = 0; i < *count; i++)
		if (charges[i].pid == owner->pid &&
		    charges[i].mode == owner->mode &&
		    charges[i].unlimited == owner->unlimited)
			break;
	if (i == room)
		return false;
	if (i == *count) {
		charges[i] = (struct pin_charge){
			.pid = get_pid(owner->pid),
			.mode = owner->mode,
			.unlimited = owner->unlimited,
		};
		++*count;
	}
	charges[i].npages += npages;
	return true;
}

/**
 * pin_account_charges() - Tell who pays, and how much
 * @account: of a context
 * @charges: receives one entry for each process and mode; the caller puts the
 *           pids
 * @room: number of entries that there is room for
 * @more: receives how many owners are left out, for lack of room or because
 *        there are too many of them
 *
 * A process may be several owners: after exec, or if it takes turns with
 * another one.
 *
 * Context: any but interrupts. Bounded, however many owners there are.
 * Return: number of entries.
 */
unsigned int pin_account_charges(struct pin_account *account,
				 struct pin_charge *charges, unsigned int room,
				 unsigned int *more)
{
	unsigned int count = 0, seen = 0, left = 0;
	struct pin_owner *owner;

	spin_lock(&owners_lock);
	list_for_each_entry(owner, &account->owners, entry) {
		unsigned long npages = atomic_long_read(&owner->charged);

		if (seen == LIST_OWNERS)
			break;
		seen++;
		if (npages && !charges_add(charges, &count, room, owner, npages))
			left++;
	}
	*more = left + account->nowners - seen;
	spin_unlock(&owners_lock);
	return count;
}

/**
 * pin_owner_put() - Give up a reference
 * @owner: may be freed; nothing is charged when the last one goes
 *
 * Context: may sleep.
 */
void pin_owner_put(struct pin_owner *owner)
{
	if (!refcount_dec_and_test(&owner->refs))
		return;
	owner_delist(owner);
	put_pid(owner->pid);
	if (owner->mode != PIN_ACCOUNT_NONE) {
		free_uid(owner->user);
		put_task_struct(owner->task);
	}
	mmdrop(owner->mm);
	kfree(owner);
}

static void uncharge_locked(struct mm_struct *mm, unsigned long npages)
{
	lockdep_assert_held_write(&mm->mmap_lock);

	/*
	 * This also works when the process is gone: the structure is still
	 * there, and nobody reads the count any more. Until then whoever shows
	 * it does so without the lock.
	 */
	WRITE_ONCE(mm->locked_vm, mm->locked_vm - min(npages, mm->locked_vm));
}

/*
 * There is no mmap_write_trylock(), and nothing for it to do: VMAs stay as they
 * are.
 */
static bool try_uncharge(struct mm_struct *mm, unsigned long npages)
{
	if (!down_write_trylock(&mm->mmap_lock))
		return false;
	uncharge_locked(mm, npages);
	up_write(&mm->mmap_lock);
	return true;
}

/* The caller may have the mmap lock of a process, else @locked is NULL. */
static bool debtor_settle(struct pin_owner *owner, struct mm_struct *locked)
	__must_hold(&debtors_lock)
{
	lockdep_assert_held(&debtors_lock);

	if (!locked) {
		if (!try_uncharge(owner->mm, owner->owed))
			return false;
	} else {
		if (owner->mm != locked)
			return false;
		uncharge_locked(locked, owner->owed);
	}
	owner->owed = 0;
	list_del(&owner->debtor);
	return true;
}

static struct pin_owner *debtors_settle_one(struct mm_struct *locked)
{
	struct pin_owner *owner, *found = NULL;

	spin_lock(&debtors_lock);
	list_for_each_entry(owner, &debtors, debtor) {
		if (debtor_settle(owner, locked)) {
			found = owner;
			break;
		}
	}
	spin_unlock(&debtors_lock);
	return found;
}

/* All owners of a process, or if none is given, all whose mmap lock is free. */
static void debtors_settle(struct mm_struct *locked)
{
	struct pin_owner *owner;

	/* One by one: giving up a reference may free, not for a spinlock. */
	while ((owner = debtors_settle_one(locked)))
		pin_owner_put(owner);
}

/* Returns true if there is nobody left to come again for. */
static bool debtors_settled(void)
{
	bool all;

	spin_lock(&debtors_lock);
	all = list_empty(&debtors);
	settling = !all;
	spin_unlock(&debtors_lock);
	return all;
}

static void debtors_work(struct work_struct *work)
{
	debtors_settle(NULL);
	if (debtors_settled())
		module_put(THIS_MODULE);
	else
		schedule_delayed_work(&settle, SETTLE_INTERVAL);
}

static void owner_owe(struct pin_owner *owner, unsigned long npages)
{
	spin_lock(&debtors_lock);
	if (!owner->owed) {
		pin_owner_get(owner);
		list_add_tail(&owner->debtor, &debtors);
	}
	owner->owed += npages;
	if (!settling) {
		settling = true;
		__module_get(THIS_MODULE);
		schedule_delayed_work(&settle, 1);
	}
	spin_unlock(&debtors_lock);
}

/*
 * The mmap lock may be held in a page fault for as long as user space likes.
 * Whoever unpins holds locks that others need, and does not wait for it.
 */
static void uncharge_mm(struct pin_owner *owner, unsigned long npages)
{
	if (!try_uncharge(owner->mm, npages))
		owner_owe(owner, npages);
}

/* Of what is counted, @moved pages are about to be given back. */
static int charge_user(struct pin_owner *owner, unsigned long npages,
		       unsigned long moved)
{
	unsigned long limit = task_rlimit(owner->task, RLIMIT_MEMLOCK) >>
			      PAGE_SHIFT;
	long locked = atomic_long_read(&owner->user->locked_vm);
	unsigned long sum;

	do {
		if (check_add_overflow((unsigned long)locked, npages, &sum) ||
		    sum - min(sum, moved) > limit)
			return iommufd_refuse(-ENOMEM, IOMMUFD_REFUSE_MEMLOCK,
					      npages, limit);
	} while (!atomic_long_try_cmpxchg(&owner->user->locked_vm, &locked,
					  sum));
	return 0;
}

static int charge_mm(struct pin_owner *owner, unsigned long npages)
{
	int rc;

	if (mmap_write_lock_killable(owner->mm))
		return -EINTR;
	debtors_settle(owner->mm);
	rc = __account_locked_vm(owner->mm, npages, true, owner->task,
				 owner->unlimited);
	mmap_write_unlock(owner->mm);
	if (rc)
		iommufd_refuse(rc, IOMMUFD_REFUSE_MEMLOCK, npages,
			       task_rlimit(owner->task, RLIMIT_MEMLOCK) >>
				       PAGE_SHIFT);
	return rc;
}

static int owner_charge(struct pin_owner *owner, unsigned long npages,
			unsigned long moved)
{
	int rc = 0;

	if (!npages)
		return 0;
	if (owner->mode == PIN_ACCOUNT_USER)
		rc = charge_user(owner, npages, moved);
	else if (owner->mode == PIN_ACCOUNT_MM)
		rc = charge_mm(owner, npages);
	if (rc)
		return rc;
	atomic64_add(npages, &owner->mm->pinned_vm);
	atomic_long_add(npages, &owner->charged);
	return 0;
}

/**
 * pin_owner_charge() - Charge pages before they are pinned
 * @owner: who pays
 * @npages: how many
 *
 * Context: may sleep, takes the mmap lock in PIN_ACCOUNT_MM.
 * Return: 0; -ENOMEM if that is more than RLIMIT_MEMLOCK allows, with nothing
 * charged; -EINTR on a fatal signal.
 */
int pin_owner_charge(struct pin_owner *owner, unsigned long npages)
{
	return owner_charge(owner, npages, 0);
}

/**
 * pin_owner_charge_moved() - Charge pages that another process has paid so far
 * @owner: who pays from now on
 * @from: the other process, in another address space; the caller gives back its
 *        charge afterwards
 * @npages: how many
 *
 * If both have the same user, its limit need not allow for the pages twice.
 *
 * Context: as pin_owner_charge().
 * Return: as pin_owner_charge().
 */
int pin_owner_charge_moved(struct pin_owner *owner, const struct pin_owner *from,
			   unsigned long npages)
{
	return owner_charge(owner, npages,
			    pin_owner_shares_limit(owner, from) ? npages : 0);
}

/**
 * pin_owner_uncharge() - Give back what pin_owner_charge() took
 * @owner: who paid
 * @npages: how many, at most what is still charged
 *
 * While somebody has the mmap lock, locked_vm of a process shows them a moment
 * longer. A charge to the same process does not count them, whoever owes.
 *
 * Context: process context; only tries the mmap lock, in PIN_ACCOUNT_MM.
 */
void pin_owner_uncharge(struct pin_owner *owner, unsigned long npages)
{
	if (!npages)
		return;
	atomic_long_sub(npages, &owner->charged);
	atomic64_sub(npages, &owner->mm->pinned_vm);
	if (owner->mode == PIN_ACCOUNT_USER)
		atomic_long_sub(npages, &owner->user->locked_vm);
	else if (owner->mode == PIN_ACCOUNT_MM)
		uncharge_mm(owner, npages);
}

/**
 * pin_owner_same() - Tell whether two owners are the same process
 * @a: one of them
 * @b: the other
 *
 * Context: any.
 * Return: true if it makes no difference which of them pays.
 */
bool pin_owner_same(const struct pin_owner *a, const struct pin_owner *b)
{
	return a->mm == b->mm && a->mode == b->mode &&
	       a->unlimited == b->unlimited && a->task == b->task &&
	       a->user == b->user;
}

/**
 * pin_owner_shares_limit() - Tell whether pages count the same for two owners
 * @a: one of them
 * @b: the other
 *
 * Context: any.
 * Return: true if what one of them has paid need not be charged to the other.
 */
bool pin_owner_shares_limit(const struct pin_owner *a,
			    const struct pin_owner *b)
{
	if (a->mode != b->mode)
		return false;
	if (a->mode == PIN_ACCOUNT_USER)
		return a->user == b->user;
	return a->mode == PIN_ACCOUNT_NONE || a->mm == b->mm;
}

/**
 * pin_owner_move() - Show a charge with another process
 * @from: who shows it so far
 * @to: who shows it from now on; shares the limit with @from
 * @npages: how many pages
 *
 * Context: any.
 */
void pin_owner_move(struct pin_owner *from, struct pin_owner *to,
		    unsigned long npages)
{
	atomic64_add(npages, &to->mm->pinned_vm);
	atomic_long_add(npages, &to->charged);
	atomic_long_sub(npages, &from->charged);
	atomic64_sub(npages, &from->mm->pinned_vm);
}

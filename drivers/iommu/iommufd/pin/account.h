/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_ACCOUNT_H
#define __IOMMUFD_ACCOUNT_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct mm_struct;
struct pid;
struct task_struct;
struct user_struct;

/**
 * enum pin_account_mode - Which counter limits pinned memory
 * @PIN_ACCOUNT_USER: locked_vm of the user, shared by all its processes
 * @PIN_ACCOUNT_MM: locked_vm of the process, as mlock() counts it
 * @PIN_ACCOUNT_NONE: no counter and no limit
 *
 * In every mode the pages also count in pinned_vm of the process, which
 * limits nothing and shows as VmPin in /proc/PID/status.
 */
enum pin_account_mode {
	PIN_ACCOUNT_USER,
	PIN_ACCOUNT_MM,
	PIN_ACCOUNT_NONE,
};

/**
 * struct pin_owner - The process that memory belongs to, and that pays for it
 * @refs: one for each piece of memory, and one for the context that the process
 *        mapped with last
 * @mode: which counter, enum pin_account_mode
 * @unlimited: count, but do not compare with the limit
 * @mm: the address space that mapped the memory; a reference to the structure,
 *      not to what is mapped in it, so a dead process's memory is let go
 * @task: leader of the thread group that mapped, its RLIMIT_MEMLOCK counts; NULL
 *        in PIN_ACCOUNT_NONE
 * @user: the user that mapped; NULL in PIN_ACCOUNT_NONE
 * @pid: the process that mapped, to show; it may be gone
 * @charged: pages that are charged; changed by atomic operations
 * @account: where it is listed; NULL once the context is gone. Protected, with
 *           @entry, by a lock that all lists have in common
 * @entry: in &pin_account.owners, the latest first
 * @owed: pages that are still to be taken out of locked_vm of @mm, when its
 *        mmap lock can be had
 * @debtor: in the list of those who owe, with a reference, if @owed is not 0
 *
 * Constant but for @refs, @charged, @account, @entry, @owed and @debtor. Set at
 * map time from the caller: whoever unpins, in whichever process and after
 * whatever exec or exit, the charge goes back to where it came from.
 */
struct pin_owner {
	refcount_t refs;
	u8 mode;
	bool unlimited;
	struct mm_struct *mm;
	struct task_struct *task;
	struct user_struct *user;
	struct pid *pid;
	atomic_long_t charged;
	struct pin_account *account;
	struct list_head entry;
	unsigned long owed;
	struct list_head debtor;
};

/**
 * struct pin_account - How a context pays for what is mapped with it
 * @mode: from now on; constant once there is something to map into
 * @lock: protects @owner
 * @owner: the process that mapped last, NULL if none has yet
 * @owners: struct pin_owner, all that still have memory, and @owner
 * @nowners: how many are in @owners, changes with it
 * @bills_lock: protects @bills, with the owner and the number of pages of each.
 *              Held for steps that grow with the number of processes that have
 *              mapped files, and for none that waits
 * @bills: struct pin_bill, one for each process that has mapped files since one
 *         of them took over from all others; the latest first
 */
struct pin_account {
	enum pin_account_mode mode;
	spinlock_t lock;
	struct pin_owner *owner;
	struct list_head owners;
	unsigned int nowners;
	struct mutex bills_lock;
	struct list_head bills;
};

/**
 * struct pin_charge - What a process pays
 * @pid: the process, with a reference; it may be gone
 * @mode: enum pin_account_mode
 * @unlimited: it has no limit
 * @npages: pages that are charged, not 0
 */
struct pin_charge {
	struct pid *pid;
	u8 mode;
	bool unlimited;
	unsigned long npages;
};

void pin_account_exit(void);
void pin_account_init(struct pin_account *account, enum pin_account_mode mode);
void pin_account_destroy(struct pin_account *account);
struct pin_owner *pin_account_owner(struct pin_account *account);
unsigned int pin_account_charges(struct pin_account *account,
				 struct pin_charge *charges, unsigned int room,
				 unsigned int *more);
void pin_owner_put(struct pin_owner *owner);
int pin_owner_charge(struct pin_owner *owner, unsigned long npages);
int pin_owner_charge_moved(struct pin_owner *owner, const struct pin_owner *from,
			   unsigned long npages);
void pin_owner_uncharge(struct pin_owner *owner, unsigned long npages);
bool pin_owner_same(const struct pin_owner *a, const struct pin_owner *b);
bool pin_owner_shares_limit(const struct pin_owner *a,
			    const struct pin_owner *b);
void pin_owner_move(struct pin_owner *from, struct pin_owner *to,
		    unsigned long npages);

/**
 * pin_owner_get() - Take a reference
 * @owner: one that the caller keeps from going
 *
 * Context: any.
 */
static inline void pin_owner_get(struct pin_owner *owner)
{
	refcount_inc(&owner->refs);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_ACCOUNT_H
#define __IOMMUFD_ACCOUNT_H

#include <linux/types.h>

struct mm_struct;
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
 * struct pin_account - Who pays for pinned memory
 * @mode: which counter
 * @unlimited: count, but do not compare with the limit
 * @mm: the address space that mapped the memory; a reference to the structure,
 *      not to what is mapped in it, so a dead process's memory is let go
 * @task: leader of the thread group that mapped, its RLIMIT_MEMLOCK counts; NULL
 *        in PIN_ACCOUNT_NONE
 * @user: the user that mapped; NULL in PIN_ACCOUNT_NONE
 *
 * Set at map time from the caller and constant: whoever unpins, in whichever
 * process and after whatever exec or exit, the charge goes back to where it
 * came from.
 */
struct pin_account {
	enum pin_account_mode mode;
	bool unlimited;
	struct mm_struct *mm;
	struct task_struct *task;
	struct user_struct *user;
};

void pin_account_init(struct pin_account *account, enum pin_account_mode mode);
void pin_account_destroy(struct pin_account *account);
int pin_account_charge(struct pin_account *account, unsigned long npages);
void pin_account_uncharge(struct pin_account *account, unsigned long npages);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_BILL_H
#define __IOMMUFD_BILL_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct pin_account;
struct pin_owner;

/**
 * struct pin_bill - What files cost that one process has mapped in a context
 * @refs: one for each piece of memory, and for each bill that was joined to it
 * @account: of the context, which outlives the bill; constant
 * @joined: the bill that this one is part of, with a reference; NULL if it stands
 *          for itself; &pin_account.bills_lock
 * @entry: in &pin_account.bills, unless @joined; &pin_account.bills_lock
 * @owner: who pays, with a reference, unless @joined; &pin_account.bills_lock
 * @npages: what @owner is charged; &pin_account.bills_lock
 *
 * The owner of memory of a process is the one whose address space it is in. A
 * file needs nobody's address space, so another process may take over the bill,
 * and does so with one step however many mappings there are.
 *
 * Then all bills are those of one process. They become one, else there would be
 * more of them each time that processes take turns.
 */
struct pin_bill {
	refcount_t refs;
	struct pin_account *account;
	struct pin_bill *joined;
	struct list_head entry;
	struct pin_owner *owner;
	unsigned long npages;
};

struct pin_bill *pin_account_bill(struct pin_account *account);
void pin_bill_put(struct pin_bill *bill);
struct pin_bill *pin_bill_now(struct pin_bill *bill);
struct pin_owner *pin_bill_payer(struct pin_bill *bill);
int pin_bill_charge(struct pin_bill *bill, unsigned long npages);
void pin_bill_uncharge(struct pin_bill *bill, unsigned long npages);
int pin_account_take_over(struct pin_account *account);

#endif

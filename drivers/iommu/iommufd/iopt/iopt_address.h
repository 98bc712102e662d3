/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_ADDRESS_H
#define __IOMMUFD_IOPT_ADDRESS_H

#include <linux/types.h>

#include "iopt_unmap.h"

struct io_pagetable;
struct mutex;
struct pin_account;

bool iopt_may_invalidate_vaddr(struct io_pagetable *iopt);
int iopt_invalidate_vaddr(struct io_pagetable *iopt, struct mutex *joins,
			  unsigned long start, unsigned long last,
			  enum iopt_unmap_rule rule, unsigned long *invalidated);
int iopt_move(struct io_pagetable *iopt, unsigned long start,
	      unsigned long last, unsigned long address,
	      struct pin_account *account);

#endif

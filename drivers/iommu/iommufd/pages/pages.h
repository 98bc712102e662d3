/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PAGES_H
#define __IOMMUFD_PAGES_H

#include <linux/types.h>

#include "pin/account.h"

struct iopt_pages;

int iopt_pages_init(void);
void iopt_pages_exit(void);
struct iopt_pages *iopt_pages_alloc(unsigned long address, unsigned long npages,
				    bool writable, enum pin_account_mode mode);
void iopt_pages_get(struct iopt_pages *pages);
void iopt_pages_put(struct iopt_pages *pages);

void iopt_pages_uncharge(struct iopt_pages *pages, unsigned long npages);
void iopt_pages_unpinned(struct iopt_pages *pages, unsigned long npages);
void iopt_pages_unlock(struct iopt_pages *pages);
unsigned long iopt_pages_unlock_charged(struct iopt_pages *pages);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_DOMAIN_H
#define __IOMMUFD_IOPT_DOMAIN_H

#include <linux/types.h>

struct io_pagetable;
struct iopt_domain;

int iopt_add_domain(struct io_pagetable *iopt, struct iopt_domain *member);
void iopt_remove_domain(struct io_pagetable *iopt, struct iopt_domain *member);

#endif

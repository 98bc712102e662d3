/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_RESV_H
#define __IOMMUFD_IOPT_RESV_H

#include <linux/types.h>

struct device;
struct io_pagetable;

int iopt_reserve_device(struct io_pagetable *iopt, struct device *dev,
			const void *owner, phys_addr_t *sw_msi_start);

#endif

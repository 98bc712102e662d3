/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_REVOKE_H
#define __IOMMUFD_REVOKE_H

struct iopt_pages;
struct pin_origin;

int iopt_revoke_init(void);
void iopt_revoke_exit(void);
struct iopt_pages *iopt_revoke_pages(const struct pin_origin *origin,
				     unsigned long npages, const void *device);
unsigned long iopt_revoke_address(const struct iopt_pages *pages);

#endif

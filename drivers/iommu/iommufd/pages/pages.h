/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PAGES_H
#define __IOMMUFD_PAGES_H

struct iopt_pages;
struct pin_origin;

int iopt_pages_init(void);
void iopt_pages_exit(void);
struct iopt_pages *iopt_pages_alloc(const struct pin_origin *origin,
				    unsigned long npages);
void iopt_pages_get(struct iopt_pages *pages);
void iopt_pages_put(struct iopt_pages *pages);
void iopt_pages_free(struct iopt_pages *pages);

void iopt_pages_unpinned(struct iopt_pages *pages, unsigned long npages);

#endif

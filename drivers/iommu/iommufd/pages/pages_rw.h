/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PAGES_RW_H
#define __IOMMUFD_PAGES_RW_H

#include "pin/pin.h"

struct iopt_pages;

/**
 * struct iopt_rw - A copy between a kernel buffer and a piece of memory
 * @pages: the memory
 * @origin: where it comes from; the copy goes on with that, whatever becomes of
 *          the origin in @pages meanwhile
 * @copy: what to copy; __IOMMUFD_ACCESS_RW_SLOW_PATH in its flags to go through
 *        pages in any case
 */
struct iopt_rw {
	struct iopt_pages *pages;
	struct pin_origin origin;
	struct pin_copy copy;
};

void iopt_rw_begin(struct iopt_rw *rw, struct iopt_pages *pages);
void iopt_rw_end(struct iopt_rw *rw);
int iopt_pages_rw_access(struct iopt_rw *rw);

#endif

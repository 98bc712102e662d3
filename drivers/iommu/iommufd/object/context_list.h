/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_CONTEXT_LIST_H
#define __IOMMUFD_CONTEXT_LIST_H

#include <linux/types.h>

struct iommufd_ctx;

int iommufd_context_list_add(struct iommufd_ctx *ictx);
void iommufd_context_list_remove(struct iommufd_ctx *ictx);
struct iommufd_ctx *iommufd_context_list_get_from(unsigned long *number);

#endif

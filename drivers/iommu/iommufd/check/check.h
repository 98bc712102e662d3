/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_CHECK_H
#define __IOMMUFD_CHECK_H

struct iommufd_ctx;

#ifdef CONFIG_IOMMUFD_TEST
void iommufd_check(struct iommufd_ctx *ictx);
#else
static inline void iommufd_check(struct iommufd_ctx *ictx)
{
}
#endif

#endif

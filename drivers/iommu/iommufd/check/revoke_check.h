/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_REVOKE_CHECK_H
#define __IOMMUFD_REVOKE_CHECK_H

#include <linux/types.h>

struct iopt_area;
struct iopt_revoke;

bool iopt_revoke_area_valid(struct iopt_area *area);
bool iopt_revoke_valid(struct iopt_revoke *revoke);

#endif

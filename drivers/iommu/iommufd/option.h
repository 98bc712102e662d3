/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_OPTION_H
#define __IOMMUFD_OPTION_H

struct iommu_option;
struct iommufd_call;

int iommufd_option(struct iommufd_call *call, struct iommu_option *cmd);

#endif

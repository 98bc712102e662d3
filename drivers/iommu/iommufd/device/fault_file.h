/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_FAULT_FILE_H
#define __IOMMUFD_FAULT_FILE_H

struct iommu_fault_alloc;
struct iommufd_call;

int iommufd_fault_alloc(struct iommufd_call *call,
			struct iommu_fault_alloc *cmd);

#endif

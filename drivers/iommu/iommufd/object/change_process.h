/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_CHANGE_PROCESS_H
#define __IOMMUFD_CHANGE_PROCESS_H

struct iommu_ioas_change_process;
struct iommufd_call;

int iommufd_change_process(struct iommufd_call *call,
			   struct iommu_ioas_change_process *cmd);

#endif

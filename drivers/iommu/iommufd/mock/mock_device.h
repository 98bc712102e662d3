/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_DEVICE_H
#define __IOMMUFD_MOCK_DEVICE_H

struct iommu_test_cmd;
struct iommufd_call;

int mock_device_create(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_device_create_flags(struct iommufd_call *call,
			     struct iommu_test_cmd *cmd);
int mock_device_replace(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_device_fault(struct iommufd_call *call, struct iommu_test_cmd *cmd);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_ACCESS_H
#define __IOMMUFD_MOCK_ACCESS_H

struct iommu_test_cmd;
struct iommufd_call;

int mock_access_create(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_access_replace(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_access_pin(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_access_unpin(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_access_rw(struct iommufd_call *call, struct iommu_test_cmd *cmd);

#endif

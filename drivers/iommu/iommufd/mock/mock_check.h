/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_CHECK_H
#define __IOMMUFD_MOCK_CHECK_H

struct iommu_test_cmd;
struct iommufd_call;

int mock_check_map(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_check_refs(struct iommufd_call *call, struct iommu_test_cmd *cmd);

#endif

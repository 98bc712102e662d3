/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_NESTED_H
#define __IOMMUFD_MOCK_NESTED_H

struct iommu_domain;
struct iommu_test_cmd;
struct iommu_user_data;
struct iommufd_call;

struct iommu_domain *mock_nested_alloc(struct iommu_domain *parent,
				       const struct iommu_user_data *data);
int mock_nested_check(struct iommufd_call *call, struct iommu_test_cmd *cmd);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_DIRTY_H
#define __IOMMUFD_MOCK_DIRTY_H

struct iommu_dirty_ops;
struct iommu_test_cmd;
struct iommufd_call;

extern const struct iommu_dirty_ops mock_dirty_ops;

int mock_dirty_write(struct iommufd_call *call, struct iommu_test_cmd *cmd);

#endif

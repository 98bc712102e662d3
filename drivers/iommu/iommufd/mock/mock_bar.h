/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_BAR_H
#define __IOMMUFD_MOCK_BAR_H

#include <linux/types.h>

struct file;
struct iommu_test_cmd;
struct iommufd_call;

void mock_bar_init(void);
void mock_bar_exit(void);
struct file *mock_bar_file(size_t length);
void mock_bar_act(struct file *file, u32 action, u32 reset_ms);
int mock_bar_create(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_bar_set(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int mock_bar_check(struct iommufd_call *call, struct iommu_test_cmd *cmd);

#endif

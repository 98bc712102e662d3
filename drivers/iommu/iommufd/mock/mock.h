/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The mock IOMMU, and the ioctl that test programs steer it with.
 */
#ifndef __IOMMUFD_MOCK_H
#define __IOMMUFD_MOCK_H

struct iommu_test_cmd;
struct iommufd_call;

#ifdef CONFIG_IOMMUFD_TEST
int iommufd_test(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_test_init(void);
void iommufd_test_exit(void);
#else
static inline int iommufd_test_init(void)
{
	return 0;
}

static inline void iommufd_test_exit(void)
{
}
#endif

#endif

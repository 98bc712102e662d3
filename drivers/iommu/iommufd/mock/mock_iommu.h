/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_IOMMU_H
#define __IOMMUFD_MOCK_IOMMU_H

struct device;
struct iommu_fault_page_request;
struct mock_unit;

int mock_iommu_init(void);
void mock_iommu_exit(void);
int mock_unit_plug(struct mock_unit *unit);
void mock_unit_unplug(struct mock_unit *unit);
int mock_unit_report(struct device *dev,
		     const struct iommu_fault_page_request *request);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_FAULT_H
#define __IOMMUFD_MOCK_FAULT_H

#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct device;
struct iommu_fault_page_request;
struct iommu_page_response;
struct iommu_test_cmd;

/**
 * struct mock_faults - The page requests of a device
 * @reports: held for read while one of them is on its way to the IOMMU core.
 *           For write by whoever changes where they would go, so that none is
 *           on its way by the old path any more.
 * @enabled: the device may request pages; @reports
 * @unanswered: the PASID of each group that waits for its answer, by number of
 *              the group
 */
struct mock_faults {
	struct rw_semaphore reports;
	bool enabled;
	struct xarray unanswered;
};

int mock_fault_init(void);
void mock_fault_exit(void);
void mock_faults_init(struct mock_faults *faults);
void mock_faults_destroy(struct mock_faults *faults);
int mock_faults_enable(struct mock_faults *faults, struct device *dev);
int mock_faults_disable(struct mock_faults *faults, struct device *dev);
int mock_faults_report(struct mock_faults *faults, struct device *dev,
		       const struct iommu_fault_page_request *request);
void mock_faults_answer(struct mock_faults *faults,
			const struct iommu_page_response *response);
void mock_fault_count(struct iommu_test_cmd *cmd);

#endif

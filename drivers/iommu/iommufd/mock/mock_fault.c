// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Page requests of devices behind the mock IOMMU, and the answers to them.
 *
 * It warns of what hardware would suffer from: an answer to what nobody has
 * asked, or has had an answer to already, and a device that goes without an
 * answer.
 */
#include "mock_fault.h"

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/lockdep.h>
#include <uapi/linux/iommufd.h>

#include "iommufd_test.h"
#include "lib/test_hooks.h"

static struct {
	struct iopf_queue *queue;
	atomic_t groups;
	atomic_t answers[IOMMU_PAGE_RESP_FAILURE + 1];
} mock_fault;

/**
 * mock_fault_init() - Get ready for page requests
 *
 * Context: process context.
 * Return: 0; -ENOMEM.
 */
int mock_fault_init(void)
{
	mock_fault.queue = iopf_queue_alloc("iommufd-mock");
	return mock_fault.queue ? 0 : -ENOMEM;
}

/**
 * mock_fault_exit() - Undo mock_fault_init()
 *
 * Context: process context; no device may request pages.
 */
void mock_fault_exit(void)
{
	iopf_queue_free(mock_fault.queue);
}

/**
 * mock_faults_init() - Get ready for the page requests of a device
 * @faults: of the device
 *
 * Context: any.
 */
void mock_faults_init(struct mock_faults *faults)
{
	init_rwsem(&faults->reports);
	xa_init_flags(&faults->unanswered, XA_FLAGS_ACCOUNT);
}

/**
 * mock_faults_destroy() - Undo mock_faults_init()
 * @faults: of a device that is gone
 *
 * Context: any.
 */
void mock_faults_destroy(struct mock_faults *faults)
{
	WARN_ON_ONCE(faults->enabled);
	WARN_ON_ONCE(!xa_empty(&faults->unanswered));
	xa_destroy(&faults->unanswered);
}

/**
 * mock_faults_enable() - &iommu_ops.dev_enable_feat for IOMMU_DEV_FEAT_IOPF
 * @faults: of the device
 * @dev: the device
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if it may already; -ENOMEM, also if a test wants that.
 */
int mock_faults_enable(struct mock_faults *faults, struct device *dev)
{
	int rc;

	if (iommufd_should_fail())
		return -ENOMEM;
	rc = iopf_queue_add_device(mock_fault.queue, dev);
	if (rc)
		return rc;
	down_write(&faults->reports);
	faults->enabled = true;
	up_write(&faults->reports);
	return 0;
}

/**
 * mock_faults_disable() - &iommu_ops.dev_disable_feat for IOMMU_DEV_FEAT_IOPF
 * @faults: of the device
 * @dev: the device
 *
 * Context: may sleep; nobody attaches the device meanwhile.
 * Return: 0; -EINVAL if it may not already.
 */
int mock_faults_disable(struct mock_faults *faults, struct device *dev)
{
	if (!faults->enabled)
		return -EINVAL;
	down_write(&faults->reports);
	faults->enabled = false;
	up_write(&faults->reports);
	/* The core would answer for those who have forgotten to. */
	WARN_ON_ONCE(!xa_empty(&faults->unanswered));
	iopf_queue_remove_device(mock_fault.queue, dev);
	return 0;
}

/**
 * mock_faults_report() - Let a device request a page
 * @faults: of the device, which may
 * @dev: the device
 * @request: what it asks for; with the last one of a group, an answer is due
 *
 * Context: may sleep; &mock_faults.reports held for read.
 * Return: 0; -EBUSY if a group of this number is not answered yet; or an error
 * of iommu_report_device_fault(), which has answered then.
 */
int mock_faults_report(struct mock_faults *faults, struct device *dev,
		       const struct iommu_fault_page_request *request)
{
	struct iopf_fault fault = {
		.fault.type = IOMMU_FAULT_PAGE_REQ,
		.fault.prm = *request,
	};
	int rc;

	lockdep_assert_held_read(&faults->reports);

	if (request->flags & IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE) {
		rc = xa_insert(&faults->unanswered, request->grpid,
			       xa_mk_value(request->pasid), GFP_KERNEL_ACCOUNT);
		if (rc)
			return rc;
		atomic_inc(&mock_fault.groups);
	}
	return iommu_report_device_fault(dev, &fault);
}

/**
 * mock_faults_answer() - &iommu_ops.page_response
 * @faults: of the device
 * @response: the answer
 *
 * Context: any that may take a spinlock.
 */
void mock_faults_answer(struct mock_faults *faults,
			const struct iommu_page_response *response)
{
	void *entry = xa_erase(&faults->unanswered, response->grpid);

	WARN_ON_ONCE(entry != xa_mk_value(response->pasid));
	if (!WARN_ON_ONCE(response->code >= ARRAY_SIZE(mock_fault.answers)))
		atomic_inc(&mock_fault.answers[response->code]);
}

/**
 * mock_fault_count() - COUNT_IOPF: what devices have asked for and been told
 * @cmd: output in count_iopf
 *
 * Context: any.
 */
void mock_fault_count(struct iommu_test_cmd *cmd)
{
	const atomic_t *answers = mock_fault.answers;

	cmd->count_iopf.out_groups = atomic_read(&mock_fault.groups);
	cmd->count_iopf.out_success =
		atomic_read(&answers[IOMMU_PAGE_RESP_SUCCESS]);
	cmd->count_iopf.out_invalid =
		atomic_read(&answers[IOMMU_PAGE_RESP_INVALID]);
	cmd->count_iopf.out_failure =
		atomic_read(&answers[IOMMU_PAGE_RESP_FAILURE]);
}

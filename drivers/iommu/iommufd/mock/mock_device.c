// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Devices behind the mock IOMMU: an object stands for a device that is
 * attached. It plays the part of a driver such as VFIO.
 */
#include "mock_device.h"

#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <uapi/linux/iommufd.h>

#include "device/device.h"
#include "device/group.h"
#include "iommufd_test.h"
#include "mock_domain.h"
#include "mock_iommu.h"
#include "object/ioctl.h"
#include "object/object.h"

#define KNOWN_PERMISSIONS                                       \
	(IOMMU_FAULT_PERM_READ | IOMMU_FAULT_PERM_WRITE |       \
	 IOMMU_FAULT_PERM_EXEC | IOMMU_FAULT_PERM_PRIV)

#define KNOWN_FLAGS                                                 \
	(MOCK_FLAGS_DEVICE_NO_DIRTY | MOCK_FLAGS_DEVICE_HUGE_IOVA | \
	 MOCK_FLAGS_DEVICE_PASID)

/**
 * struct mock_device - A device that is plugged in, bound and attached
 * @object: its id
 * @unit: the device
 * @idev: its binding
 * @lock: one call at a time works on @idev
 */
struct mock_device {
	struct iommufd_object object;
	struct mock_unit unit;
	struct iommufd_device *idev;
	struct mutex lock; /* see above */
};

static void take_apart(struct mock_device *mock)
{
	iommufd_device_detach(mock->idev);
	iommufd_device_destroy(mock->idev);
	mock_unit_unplug(&mock->unit);
	mutex_destroy(&mock->lock);
}

static void mock_device_destroy(struct iommufd_object *object)
{
	take_apart(container_of(object, struct mock_device, object));
}

static const struct iommufd_object_ops mock_device_ops = {
	.type = IOMMUFD_OBJ_MOCK_DEVICE,
	.destroy = mock_device_destroy,
};

static int put_together(struct mock_device *mock, u32 *pt_id)
{
	int rc;

	rc = mock_unit_plug(&mock->unit);
	if (rc)
		return rc;
	mock->idev = iommufd_device_create(mock->object.ictx,
					   &mock->unit.pdev->dev);
	if (IS_ERR(mock->idev)) {
		rc = PTR_ERR(mock->idev);
		goto err_unplug;
	}
	rc = iommufd_device_attach(mock->idev, pt_id);
	if (rc)
		goto err_unbind;
	mutex_init(&mock->lock);
	return 0;

err_unbind:
	iommufd_device_destroy(mock->idev);
err_unplug:
	mock_unit_unplug(&mock->unit);
	return rc;
}

/* Both structures for user space begin alike. */
static int create(struct iommufd_call *call, struct iommu_test_cmd *cmd,
		  u32 flags)
{
	struct mock_device *mock;
	u32 pt_id = cmd->id;
	int rc;

	mock = iommufd_object_alloc(call->ictx, mock, object, &mock_device_ops);
	if (IS_ERR(mock))
		return PTR_ERR(mock);
	mock->unit.flags = flags;
	rc = put_together(mock, &pt_id);
	if (rc)
		goto err_abort;
	cmd->mock_domain.out_stdev_id = mock->object.id;
	cmd->mock_domain.out_hwpt_id = pt_id;
	cmd->mock_domain.out_idev_id = iommufd_device_to_id(mock->idev);
	rc = iommufd_call_reply(call, cmd, sizeof(*cmd));
	if (rc)
		goto err_take_apart;
	iommufd_object_publish(&mock->object);
	return 0;

err_take_apart:
	take_apart(mock);
err_abort:
	iommufd_object_abort(&mock->object);
	return rc;
}

/**
 * mock_device_create() - MOCK_DOMAIN: plug a device in and attach it
 * @call: the ioctl
 * @cmd: id of an IOAS or page table; output in mock_domain
 *
 * Context: process context, sleeps.
 * Return: 0; -EFAULT if the reply cannot be written; or an error of
 * software_iommu_plug(), iommufd_device_bind(), iommufd_device_attach(). Then
 * there is no device.
 */
int mock_device_create(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	return create(call, cmd, 0);
}

/**
 * mock_device_create_flags() - MOCK_DOMAIN_FLAGS: the same for odd devices
 * @call: the ioctl
 * @cmd: id of an IOAS or page table; input and output in mock_domain_flags
 *
 * Context: process context, sleeps.
 * Return: as mock_device_create(); -EOPNOTSUPP for flags that are not known.
 */
int mock_device_create_flags(struct iommufd_call *call,
			     struct iommu_test_cmd *cmd)
{
	if (cmd->mock_domain_flags.dev_flags & ~KNOWN_FLAGS)
		return -EOPNOTSUPP;
	return create(call, cmd, cmd->mock_domain_flags.dev_flags);
}

/**
 * mock_device_replace() - MOCK_DOMAIN_REPLACE: move to another page table
 * @call: the ioctl
 * @cmd: id of a mock device; input in mock_domain_replace
 *
 * Context: process context, sleeps.
 * Return: 0; -ENOENT if there is no such device; -EINTR on a fatal signal; or
 * an error of iommufd_device_replace().
 */
int mock_device_replace(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	u32 pt_id = cmd->mock_domain_replace.pt_id;
	struct iommufd_object *object;
	struct mock_device *mock;
	int rc = -EINTR;

	object = iommufd_object_get(call->ictx, cmd->id,
				    IOMMUFD_OBJ_MOCK_DEVICE);
	if (IS_ERR(object))
		return PTR_ERR(object);
	mock = container_of(object, struct mock_device, object);
	if (!mutex_lock_killable(&mock->lock)) {
		rc = iommufd_device_replace(mock->idev, &pt_id);
		mutex_unlock(&mock->lock);
	}
	iommufd_object_put(object);
	return rc;
}

static struct iommu_fault_page_request
request_of(const struct iommu_test_cmd *cmd)
{
	struct iommu_fault_page_request request = {
		.pasid = cmd->trigger_iopf.pasid,
		.grpid = cmd->trigger_iopf.grpid,
		.perm = cmd->trigger_iopf.perm & KNOWN_PERMISSIONS,
		.addr = cmd->trigger_iopf.addr,
	};

	if (request.pasid != IOMMU_NO_PASID)
		request.flags |= IOMMU_FAULT_PAGE_REQUEST_PASID_VALID;
	if (!(cmd->trigger_iopf.perm & MOCK_FLAGS_IOPF_MORE))
		request.flags |= IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE;
	return request;
}

/**
 * mock_device_fault() - TRIGGER_IOPF: let a device request a page
 * @call: the ioctl
 * @cmd: input in trigger_iopf
 *
 * Context: process context, sleeps.
 * Return: 0; -EOPNOTSUPP for bits that are not known; -ENOENT if there is no
 * such device; or an error of mock_unit_report().
 */
int mock_device_fault(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommu_fault_page_request request = request_of(cmd);
	struct iommufd_object *object;
	int rc;

	if (cmd->trigger_iopf.perm &
	    ~(KNOWN_PERMISSIONS | MOCK_FLAGS_IOPF_MORE))
		return -EOPNOTSUPP;
	object = iommufd_object_get(call->ictx, cmd->trigger_iopf.dev_id,
				    IOMMUFD_OBJ_DEVICE);
	if (IS_ERR(object))
		return PTR_ERR(object);
	rc = mock_unit_report(iommufd_device_from(object)->dev, &request);
	iommufd_object_put(object);
	return rc;
}

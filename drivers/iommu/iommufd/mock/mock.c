// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The test ioctl.
 */
#include "mock.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/overflow.h>
#include <uapi/linux/iommufd.h>

#include "iommufd_test.h"
#include "iopt/iopt_iova.h"
#include "lib/test_hooks.h"
#include "mock_access.h"
#include "mock_bar.h"
#include "mock_check.h"
#include "mock_device.h"
#include "mock_dirty.h"
#include "mock_fault.h"
#include "mock_iommu.h"
#include "mock_nested.h"
#include "object/ioas.h"
#include "object/ioctl.h"

/* Owner of the IOVA that tests reserve; nobody gives it back. */
static const char test_owner;

static int add_reserved(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_object *object;
	unsigned long start, last;
	int rc;

	if (!cmd->add_reserved.length)
		return -EINVAL;
	if (overflows_type(cmd->add_reserved.start, start) ||
	    check_add_overflow(cmd->add_reserved.start,
			       cmd->add_reserved.length - 1, &last))
		return -EOVERFLOW;
	start = cmd->add_reserved.start;
	object = iommufd_object_get(call->ictx, cmd->id, IOMMUFD_OBJ_IOAS);
	if (IS_ERR(object))
		return PTR_ERR(object);
	rc = iopt_reserve(&iommufd_ioas_from(object)->iopt, start, last,
			  &test_owner);
	iommufd_object_put(object);
	return rc;
}

static int set_memory_limit(struct iommu_test_cmd *cmd)
{
	iommufd_set_buffer_limit(cmd->memory_limit.limit);
	return 0;
}

static int count_iopf(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	mock_fault_count(cmd);
	return iommufd_call_reply(call, cmd, sizeof(*cmd));
}

/**
 * iommufd_test() - Serve IOMMU_TEST_CMD
 * @call: the ioctl
 * @cmd: its structure, copied
 *
 * Context: process context of the user, sleeps.
 * Return: what the operation returns; -EOPNOTSUPP if there is no such
 * operation.
 */
int iommufd_test(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	switch (cmd->op) {
	case IOMMU_TEST_OP_ADD_RESERVED:
		return add_reserved(call, cmd);
	case IOMMU_TEST_OP_MOCK_DOMAIN:
		return mock_device_create(call, cmd);
	case IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS:
		return mock_device_create_flags(call, cmd);
	case IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE:
		return mock_device_replace(call, cmd);
	case IOMMU_TEST_OP_MD_CHECK_MAP:
		return mock_check_map(call, cmd);
	case IOMMU_TEST_OP_MD_CHECK_REFS:
		return mock_check_refs(call, cmd);
	case IOMMU_TEST_OP_MD_CHECK_IOTLB:
		return mock_nested_check(call, cmd);
	case IOMMU_TEST_OP_DIRTY:
		return mock_dirty_write(call, cmd);
	case IOMMU_TEST_OP_CREATE_ACCESS:
		return mock_access_create(call, cmd);
	case IOMMU_TEST_OP_ACCESS_REPLACE_IOAS:
		return mock_access_replace(call, cmd);
	case IOMMU_TEST_OP_ACCESS_PAGES:
		return mock_access_pin(call, cmd);
	case IOMMU_TEST_OP_DESTROY_ACCESS_PAGES:
		return mock_access_unpin(call, cmd);
	case IOMMU_TEST_OP_ACCESS_RW:
		return mock_access_rw(call, cmd);
	case IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT:
		return set_memory_limit(cmd);
	case IOMMU_TEST_OP_TRIGGER_IOPF:
		return mock_device_fault(call, cmd);
	case IOMMU_TEST_OP_COUNT_IOPF:
		return count_iopf(call, cmd);
	case IOMMU_TEST_OP_CREATE_BAR:
		return mock_bar_create(call, cmd);
	case IOMMU_TEST_OP_SET_BAR:
		return mock_bar_set(call, cmd);
	case IOMMU_TEST_OP_MD_CHECK_BAR:
		return mock_bar_check(call, cmd);
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * iommufd_test_init() - Set up all that tests need
 *
 * Context: process context.
 * Return: 0, or an error of mock_iommu_init().
 */
int iommufd_test_init(void)
{
	int rc = mock_iommu_init();

	if (rc)
		return rc;
	iommufd_test_hooks_init();
	mock_bar_init();
	return 0;
}

/**
 * iommufd_test_exit() - Undo iommufd_test_init()
 *
 * Context: process context; no context is open.
 */
void iommufd_test_exit(void)
{
	mock_bar_exit();
	iommufd_test_hooks_exit();
	mock_iommu_exit();
}

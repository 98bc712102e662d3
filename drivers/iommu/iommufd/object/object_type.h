/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_OBJECT_TYPE_H
#define __IOMMUFD_OBJECT_TYPE_H

/**
 * enum iommufd_object_type - What an id stands for
 * @IOMMUFD_OBJ_ANY: matches every type in a lookup, no object has it
 * @IOMMUFD_OBJ_MOCK_DEVICE: struct mock_device, of CONFIG_IOMMUFD_TEST
 * @IOMMUFD_OBJ_ACCESS: struct iommufd_access, owned by a driver
 * @IOMMUFD_OBJ_DEVICE: struct iommufd_device, owned by a driver
 * @IOMMUFD_OBJ_HWPT_NESTED: struct iommufd_hwpt_nested
 * @IOMMUFD_OBJ_HWPT_PAGING: struct iommufd_hwpt_paging
 * @IOMMUFD_OBJ_IOAS: struct iommufd_ioas
 * @IOMMUFD_OBJ_FAULT_QUEUE: struct iommufd_fault_queue
 * @IOMMUFD_OBJ_TYPES: number of types
 *
 * Ordered by dependency: an object only ever depends on objects of later
 * types, so that closing a context in this order finds every object unused.
 */
enum iommufd_object_type {
	IOMMUFD_OBJ_ANY,
	IOMMUFD_OBJ_MOCK_DEVICE,
	IOMMUFD_OBJ_ACCESS,
	IOMMUFD_OBJ_DEVICE,
	IOMMUFD_OBJ_HWPT_NESTED,
	IOMMUFD_OBJ_HWPT_PAGING,
	IOMMUFD_OBJ_IOAS,
	IOMMUFD_OBJ_FAULT_QUEUE,
	IOMMUFD_OBJ_TYPES,
};

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Nested page tables of the mock IOMMU. They translate nothing. Each has an
 * IOTLB of a few entries, so that one can see what was invalidated.
 */
#include "mock_nested.h"

#include <linux/array_size.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "device/hw_pagetable.h"
#include "iommufd_test.h"
#include "lib/test_hooks.h"
#include "mock_domain.h"
#include "object/ioctl.h"

#define INVALIDATE_TYPE IOMMU_HWPT_INVALIDATE_DATA_SELFTEST

/**
 * struct mock_nested - A page table of user space
 * @domain: for the core
 * @parent: what it is nested in; constant
 * @iotlb: what the entries of the IOTLB hold; 0 in one that was invalidated
 */
struct mock_nested {
	struct iommu_domain domain;
	struct mock_domain *parent;
	u32 iotlb[MOCK_NESTED_DOMAIN_IOTLB_NUM];
};

static struct mock_nested *mock_nested_from(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_nested, domain);
}

static int mock_nested_attach(struct iommu_domain *domain, struct device *dev)
{
	return mock_unit_attach(mock_unit_from(dev), domain,
				mock_nested_from(domain)->parent);
}

static void mock_nested_free(struct iommu_domain *domain)
{
	kfree(mock_nested_from(domain));
}

static int invalidate_entry(struct mock_nested *nested,
			    const struct iommu_hwpt_invalidate_selftest *what)
{
	unsigned int i;

	if (what->flags & ~IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (what->flags & IOMMU_TEST_INVALIDATE_FLAG_ALL) {
		for (i = 0; i < ARRAY_SIZE(nested->iotlb); i++)
			WRITE_ONCE(nested->iotlb[i], 0);
		return 0;
	}
	if (what->iotlb_id > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX)
		return -EINVAL;
	WRITE_ONCE(nested->iotlb[what->iotlb_id], 0);
	return 0;
}

static int invalidate_next(struct mock_nested *nested,
			   struct iommu_user_data_array *array,
			   unsigned int index)
{
	struct iommu_hwpt_invalidate_selftest what;
	int rc;

	rc = iommu_copy_struct_from_user_array(&what, array, INVALIDATE_TYPE,
					       index, iotlb_id);
	if (rc)
		return rc;
	if (iommufd_should_fail())
		return -ENOMEM;
	return invalidate_entry(nested, &what);
}

static int mock_nested_invalidate(struct iommu_domain *domain,
				  struct iommu_user_data_array *array)
{
	u32 done = 0;
	int rc = 0;

	if (array->type != INVALIDATE_TYPE)
		rc = -EINVAL;
	while (!rc && done < array->entry_num) {
		rc = invalidate_next(mock_nested_from(domain), array, done);
		done += !rc;
	}
	array->entry_num = done;
	return rc;
}

static const struct iommu_domain_ops mock_nested_ops = {
	.attach_dev = mock_nested_attach,
	.cache_invalidate_user = mock_nested_invalidate,
	.free = mock_nested_free,
};

/**
 * mock_nested_alloc() - Make a page table of user space
 * @parent: the domain that it is to be nested in
 * @data: a struct iommu_hwpt_selftest
 *
 * Context: may sleep.
 * Return: its domain; ERR_PTR(-EOPNOTSUPP) for data of another type;
 * ERR_PTR(-EINVAL) if @parent was not made for that or @data has another size;
 * ERR_PTR(-EFAULT) if @data cannot be read; ERR_PTR(-ENOMEM).
 */
struct iommu_domain *mock_nested_alloc(struct iommu_domain *parent,
				       const struct iommu_user_data *data)
{
	struct iommu_hwpt_selftest wanted;
	struct mock_nested *nested;
	unsigned int i;
	int rc;

	if (data->type != IOMMU_HWPT_DATA_SELFTEST)
		return ERR_PTR(-EOPNOTSUPP);
	if (!mock_domain_is(parent) || !mock_domain_from(parent)->nest_parent)
		return ERR_PTR(-EINVAL);
	rc = iommu_copy_struct_from_user(&wanted, data,
					 IOMMU_HWPT_DATA_SELFTEST, iotlb);
	if (rc)
		return ERR_PTR(rc);
	nested = kzalloc(sizeof(*nested), GFP_KERNEL_ACCOUNT);
	if (!nested)
		return ERR_PTR(-ENOMEM);
	nested->domain.type = IOMMU_DOMAIN_NESTED;
	nested->domain.ops = &mock_nested_ops;
	nested->parent = mock_domain_from(parent);
	for (i = 0; i < ARRAY_SIZE(nested->iotlb); i++)
		nested->iotlb[i] = wanted.iotlb;
	return &nested->domain;
}

static int check_iotlb(struct iommu_domain *domain,
		       const struct iommu_test_cmd *cmd)
{
	u32 id = cmd->check_iotlb.id;

	if (domain->ops != &mock_nested_ops ||
	    id > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX)
		return -EINVAL;
	return READ_ONCE(mock_nested_from(domain)->iotlb[id]) ==
			       cmd->check_iotlb.iotlb ? 0 : -EINVAL;
}

/**
 * mock_nested_check() - MD_CHECK_IOTLB: look into the IOTLB
 * @call: the ioctl
 * @cmd: id of a nested page table; input in check_iotlb
 *
 * Context: process context.
 * Return: 0 if the entry holds the value; -EINVAL if it does not, or if there
 * is no such entry; -ENOENT if there is no such page table.
 */
int mock_nested_check(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_object *object;
	int rc;

	object = iommufd_object_get(call->ictx, cmd->id,
				    IOMMUFD_OBJ_HWPT_NESTED);
	if (IS_ERR(object))
		return PTR_ERR(object);
	rc = check_iotlb(iommufd_hwpt_from(object)->domain, cmd);
	iommufd_object_put(object);
	return rc;
}

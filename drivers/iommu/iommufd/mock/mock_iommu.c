// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The driver of the mock IOMMU.
 */
#include "mock_iommu.h"

#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/iommufd.h>

#include "../../iommu-priv.h"
#include "iommufd_test.h"
#include "lib/test_hooks.h"
#include "mock_dirty.h"
#include "mock_domain.h"
#include "mock_fault.h"
#include "mock_nested.h"
#include "software_iommu.h"

#define PAGING_FLAGS \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING)

static struct software_iommu mock_iommu = {
	.iommu.max_pasids = 1 << MOCK_PASID_WIDTH,
};

static const struct property_entry pasid_properties[] = {
	PROPERTY_ENTRY_U32("pasid-num-bits", MOCK_PASID_WIDTH),
	{}
};

/* The devices raise no interrupts, so none that belongs to somebody else. */
static struct irq_domain no_interrupts = {
	.flags = IRQ_DOMAIN_FLAG_ISOLATED_MSI,
};

static bool mock_tracks_dirty(struct device *dev)
{
	return !(mock_unit_from(dev)->flags & MOCK_FLAGS_DEVICE_NO_DIRTY);
}

static struct iommu_domain *mock_alloc_paging(struct device *dev, u32 flags)
{
	struct iommu_domain *domain;

	if (flags & ~PAGING_FLAGS || (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING &&
				      !mock_tracks_dirty(dev)))
		return ERR_PTR(-EOPNOTSUPP);
	domain = mock_domain_alloc(dev);
	if (IS_ERR(domain))
		return domain;
	mock_domain_from(domain)->nest_parent =
		flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		domain->dirty_ops = &mock_dirty_ops;
	return domain;
}

/* Leaves domain->owner to the caller, like some real drivers. */
static struct iommu_domain *mock_alloc_user(struct device *dev, u32 flags,
					    struct iommu_domain *parent,
					    const struct iommu_user_data *data)
{
	if (!parent && !data)
		return mock_alloc_paging(dev, flags);
	if (!parent || !data || flags)
		return ERR_PTR(-EOPNOTSUPP);
	return mock_nested_alloc(parent, data);
}

static int mock_attach_none(struct iommu_domain *domain, struct device *dev)
{
	mock_unit_set_present(mock_unit_from(dev), domain, NULL);
	return 0;
}

static const struct iommu_domain_ops mock_static_ops = {
	.attach_dev = mock_attach_none,
};

static struct iommu_domain mock_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &mock_static_ops,
};

static struct iommu_domain mock_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &mock_static_ops,
};

static bool mock_capable(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return true;
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return !mock_unit_is_huge(mock_unit_from(dev));
	case IOMMU_CAP_DIRTY_TRACKING:
		return mock_tracks_dirty(dev);
	default:
		return false;
	}
}

static void *mock_hw_info(struct device *dev, u32 *length, u32 *type)
{
	static const struct iommu_test_hw_info told = {
		.test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL,
	};
	void *copy = NULL;

	*length = sizeof(told);
	*type = IOMMU_HW_INFO_TYPE_SELFTEST;
	if (!iommufd_should_fail())
		copy = kmemdup(&told, sizeof(told), GFP_KERNEL);
	return copy ?: ERR_PTR(-ENOMEM);
}

static int mock_enable(struct device *dev, enum iommu_dev_features feature)
{
	if (feature != IOMMU_DEV_FEAT_IOPF)
		return -ENODEV;
	return mock_faults_enable(&mock_unit_from(dev)->faults, dev);
}

static int mock_disable(struct device *dev, enum iommu_dev_features feature)
{
	if (feature != IOMMU_DEV_FEAT_IOPF)
		return -ENODEV;
	return mock_faults_disable(&mock_unit_from(dev)->faults, dev);
}

/*
 * The core also answers a fault in the middle of a group when nobody handles
 * it. Nothing waits for that, so as with real IOMMUs it ends here.
 */
static void mock_page_response(struct device *dev, struct iopf_fault *fault,
			       struct iommu_page_response *response)
{
	if (!(fault->fault.prm.flags & IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE))
		return;
	mock_faults_answer(&mock_unit_from(dev)->faults, response);
}

static struct iommu_device *mock_probe(struct device *dev)
{
	return &mock_iommu.iommu;
}

static int mock_default_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops mock_ops = {
	.capable = mock_capable,
	.hw_info = mock_hw_info,
	.dev_enable_feat = mock_enable,
	.dev_disable_feat = mock_disable,
	.page_response = mock_page_response,
	.user_pasid_table = 1,
	.domain_alloc_user = mock_alloc_user,
	.domain_alloc_paging = mock_domain_alloc,
	.probe_device = mock_probe,
	.device_group = generic_device_group,
	.def_domain_type = mock_default_type,
	.identity_domain = &mock_identity,
	.blocked_domain = &mock_blocked,
	.pgsize_bitmap = MOCK_IOPTE_SIZE,
	.owner = THIS_MODULE,
	.default_domain_ops = &mock_domain_ops,
};

/*
 * The core looks up where a fault goes by what it was told of last, which may
 * be the domain before the present one for a moment. Hardware has queues in
 * which requests wait meanwhile.
 */
static bool mock_core_has_switched(struct device *dev,
				   const struct iommu_domain *present)
{
	struct iommu_attach_handle *handle;

	guard(rcu)();
	handle = iommu_attach_handle_get(dev->iommu_group, IOMMU_NO_PASID, 0);
	return !IS_ERR(handle) && handle->domain == present;
}

/**
 * mock_unit_report() - Let a device request a page
 * @dev: a device that somebody has bound
 * @request: what it asks for
 *
 * Context: may sleep.
 * Return: 0; -EINVAL if it is none of ours, may not request pages, or does no
 * DMA; -EBUSY if the core does not come to know the present domain; or an error
 * of mock_faults_report().
 */
int mock_unit_report(struct device *dev,
		     const struct iommu_fault_page_request *request)
{
	struct mock_unit *unit;
	unsigned int tries;

	if (dev->iommu->iommu_dev != &mock_iommu.iommu)
		return -EINVAL;
	unit = mock_unit_from(dev);
	for (tries = 0; tries < 1000; tries++) {
		scoped_guard(rwsem_read, &unit->faults.reports) {
			if (!unit->faults.enabled ||
			    unit->present->ops == &mock_static_ops)
				return -EINVAL;
			if (mock_core_has_switched(dev, unit->present))
				return mock_faults_report(&unit->faults, dev,
							  request);
		}
		usleep_range(100, 200);
	}
	return -EBUSY;
}

/**
 * mock_unit_plug() - Plug a device in, in a group of its own
 * @unit: with flags set; lives until it is unplugged
 *
 * Context: process context.
 * Return: 0; -ENOMEM if a test wants it to fail; or an error of
 * software_iommu_plug().
 */
int mock_unit_plug(struct mock_unit *unit)
{
	const struct property_entry *properties = NULL;
	unsigned int faults;

	if (iommufd_should_fail())
		return -ENOMEM;
	if (unit->flags & MOCK_FLAGS_DEVICE_PASID)
		properties = pasid_properties;
	mock_faults_init(&unit->faults);
	faults = iommufd_pause_faults();
	unit->pdev = software_iommu_plug(&mock_iommu, "iommufd-mock", unit,
					 properties);
	iommufd_resume_faults(faults);
	if (IS_ERR(unit->pdev))
		return PTR_ERR(unit->pdev);
	dev_set_msi_domain(&unit->pdev->dev, &no_interrupts);
	return 0;
}

/**
 * mock_unit_unplug() - Undo mock_unit_plug()
 * @unit: bound to no context
 *
 * Context: process context.
 */
void mock_unit_unplug(struct mock_unit *unit)
{
	unsigned int faults = iommufd_pause_faults();

	software_iommu_unplug(unit->pdev);
	iommufd_resume_faults(faults);
	mock_faults_destroy(&unit->faults);
}

/**
 * mock_iommu_init() - Plug the mock IOMMU in
 *
 * Context: process context.
 * Return: 0, or an error of mock_fault_init() or software_iommu_register().
 */
int mock_iommu_init(void)
{
	int rc = mock_fault_init();

	if (rc)
		return rc;
	rc = software_iommu_register(&mock_iommu, "iommufd-mock-iommu",
				     &mock_ops);
	if (rc)
		mock_fault_exit();
	return rc;
}

/**
 * mock_iommu_exit() - Unplug the mock IOMMU
 *
 * Context: process context; its devices are gone.
 */
void mock_iommu_exit(void)
{
	software_iommu_unregister(&mock_iommu);
	mock_fault_exit();
}

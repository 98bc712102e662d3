// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The driver of the mock IOMMU.
 *
 * A page table is an xarray from IOVA to physical address, both in units of
 * the smallest IOPTE. A huge IOPTE is one entry, where it begins.
 */
#include "mock_iommu.h"

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

#include "iommufd_test.h"
#include "lib/test_hooks.h"
#include "software_iommu.h"

#define HUGE_IOPTE_SIZE SZ_2M

/**
 * struct mock_domain - A page table
 * @domain: for the core
 * @entries: by IOVA
 * @huge: has huge IOPTEs and the whole of IOVA; constant
 */
struct mock_domain {
	struct iommu_domain domain;
	struct xarray entries;
	bool huge;
};

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

static struct mock_domain *mock_domain_from(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_domain, domain);
}

static struct mock_unit *mock_unit_from(struct device *dev)
{
	return dev_get_drvdata(dev);
}

static bool is_huge_unit(const struct mock_unit *unit)
{
	return unit->flags & MOCK_FLAGS_DEVICE_HUGE_IOVA;
}

/* A physical address and a size in one value. */
static void *make_entry(phys_addr_t phys, size_t size)
{
	return xa_mk_value(phys / MOCK_IOPTE_SIZE << 1 |
			   (size == HUGE_IOPTE_SIZE));
}

static phys_addr_t entry_phys(const void *entry)
{
	return (phys_addr_t)(xa_to_value(entry) >> 1) * MOCK_IOPTE_SIZE;
}

static size_t entry_size(const void *entry)
{
	return xa_to_value(entry) & 1 ? HUGE_IOPTE_SIZE : MOCK_IOPTE_SIZE;
}

static int mock_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t phys, size_t size, size_t count, int prot,
		    gfp_t gfp, size_t *mapped)
{
	struct mock_domain *mock = mock_domain_from(domain);
	int rc;

	if (WARN_ON_ONCE(!(prot & (IOMMU_READ | IOMMU_WRITE))))
		return -EINVAL;
	if (iommufd_should_fail())
		return -ENOMEM;
	for (; count; count--) {
		rc = xa_insert(&mock->entries, iova / MOCK_IOPTE_SIZE,
			       make_entry(phys, size), gfp);
		if (WARN_ON_ONCE(rc == -EBUSY))
			return -EADDRINUSE;
		if (rc)
			return rc;
		iova += size;
		phys += size;
		*mapped += size;
	}
	return 0;
}

static size_t mock_unmap(struct iommu_domain *domain, unsigned long iova,
			 size_t size, size_t count,
			 struct iommu_iotlb_gather *gather)
{
	struct mock_domain *mock = mock_domain_from(domain);
	size_t length = size * count;
	size_t done = 0;

	while (done < length) {
		void *entry = xa_erase(&mock->entries,
				       (iova + done) / MOCK_IOPTE_SIZE);

		if (WARN_ON_ONCE(!entry))
			break;
		done += entry_size(entry);
	}
	/* An IOPTE is never cut: what is unmapped was mapped so. */
	WARN_ON_ONCE(done > length);
	return done;
}

static phys_addr_t mock_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	struct mock_domain *mock = mock_domain_from(domain);
	dma_addr_t start = ALIGN_DOWN(iova, HUGE_IOPTE_SIZE);
	void *entry = xa_load(&mock->entries, iova / MOCK_IOPTE_SIZE);

	if (entry)
		start = ALIGN_DOWN(iova, MOCK_IOPTE_SIZE);
	else
		entry = xa_load(&mock->entries, start / MOCK_IOPTE_SIZE);
	if (!entry || iova - start >= entry_size(entry))
		return 0;
	return entry_phys(entry) + (iova - start);
}

static int mock_attach(struct iommu_domain *domain, struct device *dev)
{
	struct mock_unit *unit = mock_unit_from(dev);

	/* What undoes a failed attach cannot fail. */
	if (unit->present == domain)
		return 0;
	if (mock_domain_from(domain)->huge != is_huge_unit(unit))
		return -EINVAL;
	if (iommufd_should_fail())
		return -ENOMEM;
	unit->present = domain;
	return 0;
}

static void mock_free(struct iommu_domain *domain)
{
	struct mock_domain *mock = mock_domain_from(domain);

	WARN_ON_ONCE(!xa_empty(&mock->entries));
	xa_destroy(&mock->entries);
	kfree(mock);
}

static const struct iommu_domain_ops mock_domain_ops = {
	.attach_dev = mock_attach,
	.map_pages = mock_map,
	.unmap_pages = mock_unmap,
	.iova_to_phys = mock_iova_to_phys,
	.free = mock_free,
};

static struct iommu_domain *mock_alloc(struct device *dev)
{
	struct mock_domain *mock;

	if (iommufd_should_fail())
		return ERR_PTR(-ENOMEM);
	mock = kzalloc(sizeof(*mock), GFP_KERNEL_ACCOUNT);
	if (!mock)
		return ERR_PTR(-ENOMEM);
	xa_init_flags(&mock->entries, XA_FLAGS_ACCOUNT);
	mock->domain.pgsize_bitmap = MOCK_IOPTE_SIZE;
	mock->domain.geometry = (struct iommu_domain_geometry){
		.aperture_start = MOCK_APERTURE_START,
		.aperture_end = MOCK_APERTURE_LAST,
		.force_aperture = true,
	};
	if (is_huge_unit(mock_unit_from(dev))) {
		mock->huge = true;
		mock->domain.pgsize_bitmap |= HUGE_IOPTE_SIZE;
		mock->domain.geometry.aperture_start = 0;
		mock->domain.geometry.aperture_end = ULONG_MAX;
	}
	return &mock->domain;
}

static int mock_attach_none(struct iommu_domain *domain, struct device *dev)
{
	mock_unit_from(dev)->present = domain;
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
	return cap == IOMMU_CAP_CACHE_COHERENCY;
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
	.domain_alloc_paging = mock_alloc,
	.probe_device = mock_probe,
	.device_group = generic_device_group,
	.def_domain_type = mock_default_type,
	.identity_domain = &mock_identity,
	.blocked_domain = &mock_blocked,
	.pgsize_bitmap = MOCK_IOPTE_SIZE,
	.owner = THIS_MODULE,
	.default_domain_ops = &mock_domain_ops,
};

/**
 * mock_iommu_owns() - Tell whether a domain is one of the mock IOMMU
 * @domain: any
 *
 * Context: any.
 * Return: true if the mock IOMMU allocated it.
 */
bool mock_iommu_owns(const struct iommu_domain *domain)
{
	return domain->ops == &mock_domain_ops;
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
}

/**
 * mock_iommu_init() - Plug the mock IOMMU in
 *
 * Context: process context.
 * Return: 0, or an error of software_iommu_register().
 */
int mock_iommu_init(void)
{
	return software_iommu_register(&mock_iommu, "iommufd-mock-iommu",
				       &mock_ops);
}

/**
 * mock_iommu_exit() - Unplug the mock IOMMU
 *
 * Context: process context; its devices are gone.
 */
void mock_iommu_exit(void)
{
	software_iommu_unregister(&mock_iommu);
}

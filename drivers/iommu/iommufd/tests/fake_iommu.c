// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The driver of an IOMMU without hardware.
 */
#include "fake_iommu.h"

#include <linux/device.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "mock/software_iommu.h"

static struct {
	struct software_iommu units[FAKE_UNITS];
	struct iopf_queue *faults;
	atomic_t domains;
} fake_iommu;

static struct fake_device *fake_from(struct device *dev)
{
	return dev_get_drvdata(dev);
}

/**
 * fake_domain_from() - The fake behind a domain of the core
 * @domain: allocated by the fake IOMMU
 *
 * Context: any.
 * Return: the fake.
 */
struct fake_domain *fake_domain_from(struct iommu_domain *domain)
{
	return container_of(domain, struct fake_domain, memory.domain);
}

static int fake_attach(struct iommu_domain *domain, struct device *dev)
{
	struct fake_domain *attached = fake_domain_from(domain);
	struct fake_domain *paging = attached->parent ?: attached;
	struct fake_device *fake = fake_from(dev);
	struct iommu_domain_geometry *geometry =
		&paging->memory.domain.geometry;

	if (attached == fake->present)
		return 0;
	fake->attempts++;
	if (paging->unit >= 0 && paging->unit != fake->unit)
		return -EINVAL;
	if (fake->attach_error)
		return fake->attach_error;
	paging->unit = fake->unit;
	geometry->aperture_end = FAKE_APERTURE_LAST;
	geometry->force_aperture = true;
	fake->present = attached;
	fake->npages_at_attach = paging->memory.nentries;
	fake->window_at_attach = paging->memory.domain.iova_cookie;
	fake->attaches++;
	return 0;
}

static int fake_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t phys, size_t pgsize, size_t count, int prot,
		    gfp_t gfp, size_t *mapped)
{
	struct fake_domain *paging = fake_domain_from(domain);

	if (paging->maker->map_error)
		return paging->maker->map_error;
	return memory_domain_map(domain, iova, phys, pgsize, count, prot, gfp,
				 mapped);
}

static bool fake_enforce(struct iommu_domain *domain)
{
	struct fake_domain *paging = fake_domain_from(domain);

	paging->enforced = true;
	paging->enforced_late = paging->memory.nentries;
	return true;
}

static void fake_free(struct iommu_domain *domain)
{
	struct fake_domain *paging = fake_domain_from(domain);

	WARN_ON(paging->memory.nentries || paging->memory.errors);
	memory_domain_destroy(&paging->memory);
	kfree(paging);
	atomic_dec(&fake_iommu.domains);
}

static int fake_attach_none(struct iommu_domain *domain, struct device *dev)
{
	fake_from(dev)->present = NULL;
	return 0;
}

static const struct iommu_domain_ops fake_static_ops = {
	.attach_dev = fake_attach_none,
};

static struct iommu_domain fake_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &fake_static_ops,
};

static struct iommu_domain fake_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &fake_static_ops,
};

static const struct iommu_domain_ops fake_paging_ops = {
	.attach_dev = fake_attach,
	.map_pages = fake_map,
	.unmap_pages = memory_domain_unmap,
	.iotlb_sync = memory_domain_sync,
	.flush_iotlb_all = memory_domain_flush_all,
	.iova_to_phys = memory_domain_iova_to_phys,
	.enforce_cache_coherency = fake_enforce,
	.free = fake_free,
};

static struct iommu_domain *fake_domain_alloc(struct device *dev)
{
	struct fake_device *fake = fake_from(dev);
	struct fake_domain *paging;
	struct iommu_domain *domain;

	if (fake->alloc_error)
		return ERR_PTR(fake->alloc_error);
	paging = kzalloc(sizeof(*paging), GFP_KERNEL);
	if (!paging)
		return ERR_PTR(-ENOMEM);
	paging->maker = fake;
	paging->unit = -1;
	memory_domain_init(&paging->memory, PAGE_SIZE);
	domain = &paging->memory.domain;
	domain->ops = &fake_paging_ops;
	domain->geometry.aperture_end = 0;
	if (!fake->learns_late) {
		domain->geometry.aperture_end = FAKE_APERTURE_LAST;
		domain->geometry.force_aperture = true;
	}
	atomic_inc(&fake_iommu.domains);
	return domain;
}

/* All entries are fine, whatever they say. */
static int fake_invalidate(struct iommu_domain *domain,
			   struct iommu_user_data_array *array)
{
	switch (fake_domain_from(domain)->maker->oddity) {
	case FAKE_COUNTS_TOO_MANY:
		array->entry_num++;
		return 0;
	case FAKE_DOES_NOTHING:
		array->entry_num = 0;
		return 0;
	default:
		return 0;
	}
}

static const struct iommu_domain_ops fake_nested_ops = {
	.attach_dev = fake_attach,
	.cache_invalidate_user = fake_invalidate,
	.free = fake_free,
};

static const struct iommu_domain_ops fake_fixed_ops = {
	.attach_dev = fake_attach,
	.free = fake_free,
};

static struct iommu_domain *fake_alloc_user(struct device *dev, u32 flags,
					    struct iommu_domain *parent,
					    const struct iommu_user_data *data)
{
	struct iommu_domain *domain = fake_domain_alloc(dev);

	if (IS_ERR(domain))
		return domain;
	domain->type = IOMMU_DOMAIN_UNMANAGED;
	if (!parent || fake_from(dev)->oddity == FAKE_NOT_NESTED)
		return domain;
	domain->type = IOMMU_DOMAIN_NESTED;
	domain->ops = fake_from(dev)->oddity == FAKE_NO_INVALIDATE ?
			      &fake_fixed_ops : &fake_nested_ops;
	fake_domain_from(domain)->parent = fake_domain_from(parent);
	return domain;
}

static bool fake_capable(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return !fake_from(dev)->incoherent;
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return fake_from(dev)->can_enforce;
	case IOMMU_CAP_DIRTY_TRACKING:
		return fake_from(dev)->oddity == FAKE_NO_DIRTY_OPS;
	default:
		return false;
	}
}

static struct iommu_device *fake_probe(struct device *dev)
{
	return &fake_iommu.units[fake_from(dev)->unit].iommu;
}

static struct iommu_group *fake_group(struct device *dev)
{
	struct fake_device *other = fake_from(dev)->group_of;

	return other ? iommu_group_get(&other->pdev->dev) :
		       generic_device_group(dev);
}

static int fake_default_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static void fake_get_regions(struct device *dev, struct list_head *head)
{
	struct fake_device *fake = fake_from(dev);
	struct iommu_resv_region *region;
	unsigned int i;

	for (i = 0; i < fake->nregions; i++) {
		region = iommu_alloc_resv_region(fake->regions[i].start,
						 fake->regions[i].length, 0,
						 fake->regions[i].type,
						 GFP_KERNEL);
		if (region)
			list_add_tail(&region->list, head);
	}
}

static int fake_enable(struct device *dev, enum iommu_dev_features feature)
{
	struct fake_device *fake = fake_from(dev);
	int rc = fake->enable_error;

	if (fake->asks_in_use && !fake->present)
		rc = -ENODEV;
	if (!rc && !fake->prepares_nothing)
		rc = iopf_queue_add_device(fake_iommu.faults, dev);
	if (rc)
		return rc;
	fake->enabled = true;
	fake->enables++;
	return 0;
}

static int fake_disable(struct device *dev, enum iommu_dev_features feature)
{
	struct fake_device *fake = fake_from(dev);

	if (!fake->enabled)
		return -EINVAL;
	if (!fake->prepares_nothing)
		iopf_queue_remove_device(fake_iommu.faults, dev);
	fake->enabled = false;
	return 0;
}

static void fake_page_response(struct device *dev, struct iopf_fault *fault,
			       struct iommu_page_response *response)
{
	struct fake_device *fake = fake_from(dev);

	fake->answered++;
	fake->last_answer = response->code;
}

static const struct iommu_ops fake_ops = {
	.capable = fake_capable,
	.dev_enable_feat = fake_enable,
	.dev_disable_feat = fake_disable,
	.page_response = fake_page_response,
	.domain_alloc_user = fake_alloc_user,
	.domain_alloc_paging = fake_domain_alloc,
	.probe_device = fake_probe,
	.device_group = fake_group,
	.def_domain_type = fake_default_type,
	.get_resv_regions = fake_get_regions,
	.identity_domain = &fake_identity,
	.blocked_domain = &fake_blocked,
	.pgsize_bitmap = PAGE_SIZE,
	.owner = THIS_MODULE,
	.default_domain_ops = &fake_paging_ops,
};

/**
 * fake_iommu_domains() - Count the paging domains
 *
 * Context: any.
 * Return: how many are allocated.
 */
unsigned int fake_iommu_domains(void)
{
	return atomic_read(&fake_iommu.domains);
}

/**
 * fake_iommu_begin() - Plug the fake IOMMUs in
 * @suite: whose suite_init this is
 *
 * Context: process context.
 * Return: 0; -ENOMEM; or the error of the driver core or the IOMMU core.
 */
int fake_iommu_begin(struct kunit_suite *suite)
{
	unsigned int i;
	int rc;

	if (IS_ENABLED(CONFIG_IOMMU_IOPF)) {
		fake_iommu.faults = iopf_queue_alloc("iommufd-kunit");
		if (!fake_iommu.faults)
			return -ENOMEM;
	}
	for (i = 0; i < FAKE_UNITS; i++) {
		char name[] = "iommufd-kunit-iommu0";

		name[sizeof(name) - 2] += i;
		rc = software_iommu_register(&fake_iommu.units[i], name,
					     &fake_ops);
		if (rc)
			goto err_unregister;
	}
	return 0;

err_unregister:
	while (i--)
		software_iommu_unregister(&fake_iommu.units[i]);
	iopf_queue_free(fake_iommu.faults);
	return rc;
}

/**
 * fake_iommu_end() - Unplug the fake IOMMUs
 * @suite: whose suite_exit this is
 *
 * Context: process context; its devices are gone.
 */
void fake_iommu_end(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < FAKE_UNITS; i++)
		software_iommu_unregister(&fake_iommu.units[i]);
	iopf_queue_free(fake_iommu.faults);
}

/**
 * fake_device_add() - Plug a device in
 * @fake: with what is asked for set
 *
 * Context: process context.
 * Return: 0, or the error of the driver core or the IOMMU core.
 */
int fake_device_add(struct fake_device *fake)
{
	struct platform_device *pdev;

	pdev = software_iommu_plug(&fake_iommu.units[fake->unit],
				   "iommufd-kunit", fake, NULL);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	fake->pdev = pdev;
	return 0;
}

/**
 * fake_device_remove() - Unplug a device
 * @fake: bound to no driver and no context
 *
 * Context: process context.
 */
void fake_device_remove(struct fake_device *fake)
{
	software_iommu_unplug(fake->pdev);
}

/**
 * fake_device_reserve() - Let a device reserve IOVA
 * @fake: the device
 * @start: first IOVA
 * @length: bytes
 * @type: what for
 *
 * Context: any.
 */
void fake_device_reserve(struct fake_device *fake, phys_addr_t start,
			 size_t length, enum iommu_resv_type type)
{
	fake->regions[fake->nregions++] = (struct iommu_resv_region){
		.start = start,
		.length = length,
		.type = type,
	};
}

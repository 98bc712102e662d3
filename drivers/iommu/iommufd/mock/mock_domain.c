// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The page tables of the mock IOMMU.
 *
 * A page table is an xarray from IOVA to physical address, both in units of
 * the smallest IOPTE. A huge IOPTE is one entry, where it begins.
 */
#include "mock_domain.h"

#include <linux/bug.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/rwsem.h>
#include <linux/slab.h>

#include "iommufd_test.h"
#include "lib/test_hooks.h"

/**
 * mock_unit_is_huge() - Tell whether a device has huge IOPTEs
 * @unit: the device
 *
 * Context: any.
 * Return: true if its IOMMU has huge IOPTEs beside the small ones.
 */
bool mock_unit_is_huge(const struct mock_unit *unit)
{
	return unit->flags & MOCK_FLAGS_DEVICE_HUGE_IOVA;
}

/* A physical address and a size in one value. */
static void *make_entry(phys_addr_t phys, size_t size)
{
	return xa_mk_value(phys / MOCK_IOPTE_SIZE << 1 |
			   (size == MOCK_HUGE_IOPTE_SIZE));
}

static phys_addr_t entry_phys(const void *entry)
{
	return (phys_addr_t)(xa_to_value(entry) >> 1) * MOCK_IOPTE_SIZE;
}

static size_t entry_size(const void *entry)
{
	return xa_to_value(entry) & 1 ? MOCK_HUGE_IOPTE_SIZE : MOCK_IOPTE_SIZE;
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

/**
 * mock_domain_find() - Find the IOPTE that translates an address
 * @mock: the page table
 * @iova: the address, anywhere in the IOPTE
 *
 * Context: any. Without the lock of the entries it may be gone at once.
 * Return: the IOPTE, of size 0 if there is none.
 */
struct mock_iopte mock_domain_find(struct mock_domain *mock, unsigned long iova)
{
	struct mock_iopte iopte = { .index = iova / MOCK_IOPTE_SIZE };
	void *entry = xa_load(&mock->entries, iopte.index);

	if (!entry) {
		iopte.index = ALIGN_DOWN(iova, MOCK_HUGE_IOPTE_SIZE) /
			      MOCK_IOPTE_SIZE;
		entry = xa_load(&mock->entries, iopte.index);
	}
	if (entry && iova - iopte.index * MOCK_IOPTE_SIZE < entry_size(entry))
		iopte.size = entry_size(entry);
	return iopte;
}

static phys_addr_t mock_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	struct mock_domain *mock = mock_domain_from(domain);
	struct mock_iopte iopte = mock_domain_find(mock, iova);
	void *entry;

	if (!iopte.size)
		return 0;
	entry = xa_load(&mock->entries, iopte.index);
	return entry ? entry_phys(entry) +
			       (iova - iopte.index * MOCK_IOPTE_SIZE) :
		       0;
}

/* The IOTLB forgets everything. */
static void mock_flush_all(struct iommu_domain *domain)
{
	struct mock_domain *mock = mock_domain_from(domain);
	unsigned long index;
	void *entry;

	xa_for_each_marked(&mock->entries, index, entry, MOCK_CACHED_DIRTY)
		xa_clear_mark(&mock->entries, index, MOCK_CACHED_DIRTY);
}

static int mock_attach(struct iommu_domain *domain, struct device *dev)
{
	return mock_unit_attach(mock_unit_from(dev), domain,
				mock_domain_from(domain));
}

static void mock_free(struct iommu_domain *domain)
{
	struct mock_domain *mock = mock_domain_from(domain);

	WARN_ON_ONCE(!xa_empty(&mock->entries));
	xa_destroy(&mock->entries);
	mock_entries_destroy(&mock->users);
	kfree(mock);
}

/*
 * IOMMUs with small IOPTEs only can do this. So their page tables are not for
 * devices behind the others, which have page tables that are for all.
 */
static bool mock_enforce_cache_coherency(struct iommu_domain *domain)
{
	return !mock_domain_from(domain)->huge;
}

const struct iommu_domain_ops mock_domain_ops = {
	.attach_dev = mock_attach,
	.map_pages = mock_map,
	.unmap_pages = mock_unmap,
	.flush_iotlb_all = mock_flush_all,
	.iova_to_phys = mock_iova_to_phys,
	.enforce_cache_coherency = mock_enforce_cache_coherency,
	.free = mock_free,
};

/**
 * mock_domain_alloc() - Make an empty page table
 * @dev: a device that it has to be good for
 *
 * Context: may sleep.
 * Return: its domain; ERR_PTR(-ENOMEM), also if a test wants that.
 */
struct iommu_domain *mock_domain_alloc(struct device *dev)
{
	struct mock_domain *mock;

	if (iommufd_should_fail())
		return ERR_PTR(-ENOMEM);
	mock = kzalloc(sizeof(*mock), GFP_KERNEL_ACCOUNT);
	if (!mock)
		return ERR_PTR(-ENOMEM);
	xa_init_flags(&mock->entries, XA_FLAGS_ACCOUNT);
	mock_entries_init(&mock->users);
	mock->domain.type = IOMMU_DOMAIN_UNMANAGED;
	mock->domain.ops = &mock_domain_ops;
	mock->domain.pgsize_bitmap = MOCK_IOPTE_SIZE;
	mock->domain.geometry = (struct iommu_domain_geometry){
		.aperture_start = MOCK_APERTURE_START,
		.aperture_end = MOCK_APERTURE_LAST,
		.force_aperture = true,
	};
	if (mock_unit_is_huge(mock_unit_from(dev))) {
		mock->huge = true;
		mock->domain.pgsize_bitmap |= MOCK_HUGE_IOPTE_SIZE;
		mock->domain.geometry.aperture_start = 0;
		mock->domain.geometry.aperture_end = ULONG_MAX;
	}
	return &mock->domain;
}

/**
 * mock_domain_is() - Tell whether a domain is a page table of the mock IOMMU
 * @domain: any
 *
 * Context: any.
 * Return: true if mock_domain_alloc() made it.
 */
bool mock_domain_is(const struct iommu_domain *domain)
{
	return domain->ops == &mock_domain_ops;
}

/**
 * mock_unit_from() - The mock device that a device is
 * @dev: behind the mock IOMMU
 *
 * Context: any.
 * Return: the mock device.
 */
struct mock_unit *mock_unit_from(struct device *dev)
{
	return dev_get_drvdata(dev);
}

/**
 * mock_unit_set_present() - Note which domain a device uses
 * @unit: the device
 * @domain: the domain
 * @users: of the page table of @domain, NULL if it has none
 *
 * As drivers have to, it makes sure that no page request is on its way by the
 * old domain any more.
 *
 * Context: may sleep; lock of the IOMMU group held.
 */
void mock_unit_set_present(struct mock_unit *unit, struct iommu_domain *domain,
			   struct mock_entries *users)
{
	mock_entry_leave(&unit->entry);
	down_write(&unit->faults.reports);
	unit->present = domain;
	up_write(&unit->faults.reports);
	if (users)
		mock_entry_enter(&unit->entry, users, domain);
}

/**
 * mock_unit_attach() - Let a device use a domain
 * @unit: the device
 * @domain: what it is to use
 * @table: the page table that addresses pass last: that of @domain, or of the
 *         one that @domain is nested in
 *
 * Context: lock of the IOMMU group held.
 * Return: 0; -EINVAL if the device does not fit; -ENOMEM if a test wants that.
 */
int mock_unit_attach(struct mock_unit *unit, struct iommu_domain *domain,
		     struct mock_domain *table)
{
	/* What undoes a failed attach cannot fail. */
	if (unit->present == domain)
		return 0;
	if (table->domain.dirty_ops &&
	    unit->flags & MOCK_FLAGS_DEVICE_NO_DIRTY)
		return -EINVAL;
	if (iommufd_should_fail())
		return -ENOMEM;
	mock_unit_set_present(unit, domain, &table->users);
	return 0;
}

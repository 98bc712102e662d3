// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Page tables of the IOMMU, which mirror what an IOAS maps.
 *
 * A page table passes through these states:
 *
 *   allocated   it has a domain, nobody else knows it
 *   filled      it is on the list of its IOAS and follows every map and unmap
 *   published   its id can be looked up, so user space can attach a device
 *
 * A driver that settles the format of a page table only with the first device
 * exchanges the last two, see iommufd_hwpt_paging_ready(). Destroying a page
 * table leads back from any state.
 */
#include "hwpt_paging.h"

#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/limits.h>
#include <uapi/linux/iommufd.h>

#include "../../iommu-priv.h"
#include "fault_queue.h"
#include "iopt/iopt_domain.h"
#include "object/ioas.h"
#include "object/object_destroy.h"

static struct iommufd_hwpt_paging *paging_from(struct iommufd_hw_pagetable *hwpt)
{
	return container_of(hwpt, struct iommufd_hwpt_paging, hwpt);
}

static void leave_ioas(struct iommufd_hwpt_paging *paging)
{
	lockdep_assert_held(&paging->ioas->mutex);

	if (list_empty(&paging->entry))
		return;
	iopt_remove_domain(&paging->ioas->iopt, &paging->member);
	list_del_init(&paging->entry);
}

/* The lock may be held by somebody whom a page fault keeps waiting. */
static bool paging_retire(struct iommufd_object *object)
{
	struct iommufd_hwpt_paging *paging =
		paging_from(iommufd_hwpt_from(object));

	/* Nobody can find it any more, to fill it. */
	if (list_empty(&paging->entry))
		return true;
	if (!mutex_trylock(&paging->ioas->mutex))
		return false;
	leave_ioas(paging);
	mutex_unlock(&paging->ioas->mutex);
	return true;
}

static void paging_destroy(struct iommufd_object *object)
{
	struct iommufd_hwpt_paging *paging =
		paging_from(iommufd_hwpt_from(object));

	iommu_domain_free(paging->hwpt.domain);
	mutex_destroy(&paging->dirty_mutex);
	iommufd_fault_queue_unserve(&paging->hwpt);
	iommufd_object_unuse(&paging->ioas->object);
}

static const struct iommufd_hwpt_kind paging_kind = {
	.object = {
		.type = IOMMUFD_OBJ_HWPT_PAGING,
		.retire = paging_retire,
		.destroy = paging_destroy,
	},
	.paging = paging_from,
};

/*
 * Is it what was asked for? That a device has the capability of tracking does
 * not say that a domain of every format can do that, as with SMMUv3's stage 2.
 */
static int domain_check(const struct iommu_domain *domain, u32 flags)
{
	if (!(domain->type & __IOMMU_DOMAIN_PAGING))
		return -EINVAL;
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING && !domain->dirty_ops)
		return -EOPNOTSUPP;
	return 0;
}

static struct iommu_domain *
paging_alloc_domain(struct device *dev, u32 flags,
		    const struct iommu_user_data *data)
{
	struct iommu_domain *domain;
	int rc;

	/*
	 * What the DMA API would use on this device, for example a first-stage
	 * table, need not be the best for memory that user space maps. So the
	 * driver is asked for that when it makes a difference.
	 */
	if (!dev_iommu_ops(dev)->domain_alloc_user && !flags && !data)
		return iommu_paging_domain_alloc(dev);
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING &&
	    !iommufd_tracks_dirty(dev))
		return ERR_PTR(-EOPNOTSUPP);
	domain = iommufd_hwpt_alloc_domain(dev, flags, NULL, data);
	if (IS_ERR(domain))
		return domain;
	rc = domain_check(domain, flags);
	if (!rc)
		return domain;
	iommu_domain_free(domain);
	return ERR_PTR(rc);
}

/*
 * VFIO tells KVM to rely on enforcement from the capability of the device
 * alone, so with the capability it must not fail.
 */
static int enforce_cache_coherency(struct iommufd_hwpt_paging *paging,
				   struct device *dev)
{
	struct iommu_domain *domain = paging->hwpt.domain;

	if (!device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		return 0;
	if (!domain->ops->enforce_cache_coherency ||
	    !domain->ops->enforce_cache_coherency(domain))
		return -EINVAL;
	paging->enforce_cache_coherency = true;
	return 0;
}

static int paging_init_domain(struct iommufd_hwpt_paging *paging,
			      struct device *dev, u32 flags,
			      const struct iommu_user_data *data)
{
	struct iommu_domain *domain = paging_alloc_domain(dev, flags, data);
	int rc;

	if (IS_ERR(domain))
		return PTR_ERR(domain);
	paging->hwpt.domain = domain;
	paging->member.domain = domain;
	paging->iommu = dev->iommu->iommu_dev;
	paging->sw_msi_start = PHYS_ADDR_MAX;
	paging->nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	INIT_LIST_HEAD(&paging->entry);
	mutex_init(&paging->dirty_mutex);
	rc = enforce_cache_coherency(paging, dev);
	if (rc)
		iommu_domain_free(domain);
	return rc;
}

/**
 * iommufd_hwpt_paging_alloc() - Make a page table over an IOAS
 * @ioas: what it is to mirror; kept by the caller until this returns
 * @dev: a device that the page table has to be good for; kept likewise
 * @flags: of enum iommufd_hwpt_alloc_flags, for the IOMMU driver
 * @data: what user space has for the driver, or NULL
 *
 * Context: may sleep.
 * Return: the page table, not filled and not published; ERR_PTR(-ENOMEM);
 * ERR_PTR(-EOPNOTSUPP) if the IOMMU cannot do what @flags and @data ask for;
 * ERR_PTR(-EFAULT) if @data cannot be read, or not without a page fault;
 * ERR_PTR(-EINVAL) if the IOMMU does not do what it promised; or another error
 * of its driver.
 */
struct iommufd_hwpt_paging *
iommufd_hwpt_paging_alloc(struct iommufd_ioas *ioas, struct device *dev,
			  u32 flags, const struct iommu_user_data *data)
{
	struct iommufd_hwpt_paging *paging;
	int rc;

	paging = iommufd_object_alloc(ioas->object.ictx, paging, hwpt.object,
				      &paging_kind.object);
	if (IS_ERR(paging))
		return paging;
	rc = paging_init_domain(paging, dev, flags, data);
	if (rc) {
		iommufd_object_abort(&paging->hwpt.object);
		return ERR_PTR(rc);
	}
	paging->ioas = ioas;
	iommufd_object_use(&ioas->object);
	return paging;
}

/**
 * iommufd_hwpt_paging_ready() - Tell whether a page table can be filled
 * @paging: any
 *
 * Most drivers know from the start which IOMMU will use the domain: VT-d,
 * AMD-Vi, SMMUv3, s390. Others learn it when the first device is attached, and
 * until then the domain has neither a format nor a size: virtio-iommu, SMMUv2
 * and Qualcomm's variant of it. Those have no aperture yet, by which they are
 * recognised. There is no useful domain whose last IOVA is 0.
 *
 * Context: any.
 * Return: false if a device has to be attached first.
 */
bool iommufd_hwpt_paging_ready(const struct iommufd_hwpt_paging *paging)
{
	return paging->hwpt.domain->geometry.aperture_end;
}

/**
 * iommufd_hwpt_paging_filled() - Tell whether a page table has all mappings
 * @paging: any
 *
 * Context: mutex of the IOAS held.
 * Return: true from iommufd_hwpt_paging_fill() on, until it leaves.
 */
bool iommufd_hwpt_paging_filled(const struct iommufd_hwpt_paging *paging)
{
	lockdep_assert_held(&paging->ioas->mutex);

	return !list_empty(&paging->entry);
}

/**
 * iommufd_hwpt_paging_fill() - Map what the IOAS maps, from now on
 * @paging: ready, and not filled
 *
 * Context: may sleep, for long; mutex of the IOAS held.
 * Return: 0; else an error of iopt_add_domain(), with nothing mapped.
 */
int iommufd_hwpt_paging_fill(struct iommufd_hwpt_paging *paging)
{
	struct iommufd_ioas *ioas = paging->ioas;
	int rc;

	lockdep_assert_held(&ioas->mutex);

	rc = iopt_add_domain(&ioas->iopt, &paging->member);
	if (!rc)
		list_add_tail(&paging->entry, &ioas->hwpt_list);
	return rc;
}

/**
 * iommufd_hwpt_paging_unfill() - Undo iommufd_hwpt_paging_fill()
 * @paging: filled, with no device attached to its domain
 *
 * Context: may sleep, never needs memory; mutex of the IOAS held.
 */
void iommufd_hwpt_paging_unfill(struct iommufd_hwpt_paging *paging)
{
	lockdep_assert_held(&paging->ioas->mutex);

	leave_ioas(paging);
}

/**
 * iommufd_hwpt_paging_set_msi_window() - Give interrupts a place in the IOVA
 * @paging: any
 * @start: first IOVA of the window of the device that is going to be attached,
 *         reserved in the IOAS; PHYS_ADDR_MAX if its IOMMU does not translate
 *         interrupts
 *
 * The kernel maps a doorbell there when an interrupt is set up. The window
 * stays as long as the page table.
 *
 * Context: may sleep; mutex of the IOAS held.
 * Return: 0; -EINVAL if the page table has a window elsewhere; -ENOMEM.
 */
int iommufd_hwpt_paging_set_msi_window(struct iommufd_hwpt_paging *paging,
				       phys_addr_t start)
{
	int rc;

	lockdep_assert_held(&paging->ioas->mutex);

	if (start == PHYS_ADDR_MAX || start == paging->sw_msi_start)
		return 0;
	if (paging->sw_msi_start != PHYS_ADDR_MAX)
		return -EINVAL;
	rc = iommu_get_msi_cookie(paging->hwpt.domain, start);
	if (rc)
		return rc;
	paging->sw_msi_start = start;
	return 0;
}

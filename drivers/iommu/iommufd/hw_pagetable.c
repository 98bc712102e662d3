// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Page tables of the IOMMU, which mirror what an IOAS maps.
 *
 * A page table passes through these states:
 *
 *   allocated   it has a domain, nobody else knows it    iommufd_hwpt_abort()
 *   filled      it follows every map and unmap           iommufd_hwpt_unfill()
 *   published   its id and the list of the IOAS name it  destroy
 *
 * On the right stands what leads back. Destroying a published page table does
 * all three steps.
 */
#include "hw_pagetable.h"

#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/limits.h>

#include "../iommu-priv.h"
#include "ioas.h"

static void hwpt_destroy(struct iommufd_object *object)
{
	struct iommufd_hw_pagetable *hwpt = iommufd_hwpt_from(object);
	struct iommufd_ioas *ioas = hwpt->ioas;

	mutex_lock(&ioas->mutex);
	list_del(&hwpt->entry);
	iommufd_hwpt_unfill(hwpt);
	mutex_unlock(&ioas->mutex);
	iommu_domain_free(hwpt->member.domain);
	iommufd_object_unuse(&ioas->object);
}

static const struct iommufd_object_ops hwpt_ops = {
	.type = IOMMUFD_OBJ_HWPT_PAGING,
	.destroy = hwpt_destroy,
};

static struct iommu_domain *alloc_domain(struct device *dev)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	struct iommu_domain *domain;

	/*
	 * What the DMA API would use on this device, for example a first-stage
	 * table, need not be the best for memory that user space maps, so the
	 * driver is asked for that when it makes a difference.
	 */
	if (!ops->domain_alloc_user)
		return iommu_paging_domain_alloc(dev);

	domain = ops->domain_alloc_user(dev, 0, NULL, NULL);
	/* Not all drivers set this, and the core refuses the domain without. */
	if (!IS_ERR(domain))
		domain->owner = ops;
	return domain;
}

/*
 * VFIO tells KVM to rely on enforcement from the capability of the device
 * alone, so with the capability it must not fail.
 */
static int enforce_cache_coherency(struct iommufd_hw_pagetable *hwpt,
				   struct device *dev)
{
	struct iommu_domain *domain = hwpt->member.domain;

	if (!device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		return 0;
	if (!domain->ops->enforce_cache_coherency ||
	    !domain->ops->enforce_cache_coherency(domain))
		return -EINVAL;
	hwpt->enforce_cache_coherency = true;
	return 0;
}

/**
 * iommufd_hwpt_alloc_auto() - Make a page table that goes with its last user
 * @ioas: what it is to mirror; kept by the caller until this returns
 * @dev: a device that the page table has to be good for
 *
 * Context: may sleep.
 * Return: the page table, not filled and not published; ERR_PTR(-ENOMEM);
 * ERR_PTR(-EINVAL) if the IOMMU does not do what it promised; or another error
 * of its driver.
 */
struct iommufd_hw_pagetable *iommufd_hwpt_alloc_auto(struct iommufd_ioas *ioas,
						     struct device *dev)
{
	struct iommufd_hw_pagetable *hwpt;
	int rc;

	hwpt = iommufd_object_alloc(ioas->object.ictx, hwpt, object, &hwpt_ops);
	if (IS_ERR(hwpt))
		return hwpt;
	hwpt->ioas = ioas;
	hwpt->auto_domain = true;
	hwpt->sw_msi_start = PHYS_ADDR_MAX;
	INIT_LIST_HEAD(&hwpt->entry);

	hwpt->member.domain = alloc_domain(dev);
	if (IS_ERR(hwpt->member.domain)) {
		rc = PTR_ERR(hwpt->member.domain);
		goto err_abort;
	}
	rc = enforce_cache_coherency(hwpt, dev);
	if (rc)
		goto err_free_domain;
	iommufd_object_use(&ioas->object);
	return hwpt;

err_free_domain:
	iommu_domain_free(hwpt->member.domain);
err_abort:
	iommufd_object_abort(&hwpt->object);
	return ERR_PTR(rc);
}

/**
 * iommufd_hwpt_abort() - Free a page table that nobody else has seen
 * @hwpt: not filled, not published, not used
 *
 * Context: may sleep, never needs memory.
 */
void iommufd_hwpt_abort(struct iommufd_hw_pagetable *hwpt)
{
	struct iommufd_ioas *ioas = hwpt->ioas;

	iommu_domain_free(hwpt->member.domain);
	iommufd_object_abort(&hwpt->object);
	iommufd_object_unuse(&ioas->object);
}

/**
 * iommufd_hwpt_ready() - Tell whether a page table can be filled
 * @hwpt: any
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
bool iommufd_hwpt_ready(const struct iommufd_hw_pagetable *hwpt)
{
	return hwpt->member.domain->geometry.aperture_end;
}

/**
 * iommufd_hwpt_fill() - Map in a page table what its IOAS maps, from now on
 * @hwpt: ready, and not filled
 *
 * Context: may sleep, for long; mutex of the IOAS held.
 * Return: 0; else an error of iopt_add_domain(), with nothing mapped.
 */
int iommufd_hwpt_fill(struct iommufd_hw_pagetable *hwpt)
{
	lockdep_assert_held(&hwpt->ioas->mutex);

	return iopt_add_domain(&hwpt->ioas->iopt, &hwpt->member);
}

/**
 * iommufd_hwpt_unfill() - Undo iommufd_hwpt_fill()
 * @hwpt: filled, with no device attached to its domain
 *
 * Context: may sleep, never needs memory; mutex of the IOAS held.
 */
void iommufd_hwpt_unfill(struct iommufd_hw_pagetable *hwpt)
{
	lockdep_assert_held(&hwpt->ioas->mutex);

	iopt_remove_domain(&hwpt->ioas->iopt, &hwpt->member);
}

/**
 * iommufd_hwpt_publish() - Show a finished page table to everyone
 * @hwpt: filled, and in use
 *
 * Context: mutex of the IOAS held.
 */
void iommufd_hwpt_publish(struct iommufd_hw_pagetable *hwpt)
{
	lockdep_assert_held(&hwpt->ioas->mutex);

	list_add_tail(&hwpt->entry, &hwpt->ioas->hwpt_list);
	iommufd_object_publish(&hwpt->object);
}

/**
 * iommufd_hwpt_check_device() - Check what the IOMMU core leaves to its user
 * @hwpt: any
 * @dev: a device with an IOMMU
 *
 * The other way round is allowed: without enforcement in the page table, a
 * device that could have it works too.
 *
 * Context: any.
 * Return: 0; -EINVAL if the domain belongs to another IOMMU driver, or enforces
 * cache coherency and the IOMMU of @dev cannot.
 */
int iommufd_hwpt_check_device(const struct iommufd_hw_pagetable *hwpt,
			      struct device *dev)
{
	if (hwpt->member.domain->owner != dev_iommu_ops(dev))
		return -EINVAL;
	if (hwpt->enforce_cache_coherency &&
	    !device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		return -EINVAL;
	return 0;
}

/**
 * iommufd_hwpt_set_msi_window() - Give interrupts a place in the IOVA
 * @hwpt: any
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
int iommufd_hwpt_set_msi_window(struct iommufd_hw_pagetable *hwpt,
				phys_addr_t start)
{
	int rc;

	lockdep_assert_held(&hwpt->ioas->mutex);

	if (start == PHYS_ADDR_MAX || start == hwpt->sw_msi_start)
		return 0;
	if (hwpt->sw_msi_start != PHYS_ADDR_MAX)
		return -EINVAL;
	rc = iommu_get_msi_cookie(hwpt->member.domain, start);
	if (rc)
		return rc;
	hwpt->sw_msi_start = start;
	return 0;
}

/**
 * iommufd_hwpt_unuse() - Give up a use, and an automatic page table with it
 * @hwpt: in use by the caller; may be freed by this
 *
 * Context: may sleep, waits for calls that look at @hwpt; no lock of a group or
 * an IOAS held. Never needs memory.
 */
void iommufd_hwpt_unuse(struct iommufd_hw_pagetable *hwpt)
{
	if (hwpt->auto_domain)
		iommufd_object_unuse_destroy(&hwpt->object);
	else
		iommufd_object_unuse(&hwpt->object);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Domains that join and leave an io_pagetable while others map and unmap.
 *
 * A domain joins the list first, with a new generation, and is filled area by
 * area afterwards. A map that runs at the same time may have filled its area
 * before. Then the walk over the areas finds it. Or it looks at the list
 * later, and finds the domain. The locks of the pages decide which.
 *
 * Leaving goes the same way: from the generation in which the domain leaves,
 * nobody begins to fill it any more, and the walk empties the areas that did
 * before. It does not wait for those who are about to fill them, see
 * iopt_area_fill_domains(), so it cannot be delayed by user space.
 */
#include "iopt_domain.h"

#include <linux/bitops.h>
#include <linux/iommu.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "io_pagetable.h"
#include "iopt_iova.h"
#include "iopt_lookup.h"
#include "pages/iopt_fill.h"
#include "pages/iopt_unfill.h"
#include "pages/pages.h"

/* The smallest page of a domain, in bytes. */
static unsigned long iopt_domain_alignment(const struct iommu_domain *domain)
{
	return 1UL << __ffs(domain->pgsize_bitmap);
}

/*
 * Drivers that read dirty bits go on until they are behind the range. At the end
 * of all IOVA that wraps: AMD-Vi would go on for ever, and clear what nobody has
 * asked for. So the last page is not used.
 */
static u64 iopt_domain_last(const struct iommu_domain *domain)
{
	u64 last = domain->geometry.aperture_end;

	return domain->dirty_ops ? min(last, (u64)ULONG_MAX - PAGE_SIZE) : last;
}

static int iopt_reserve_outside(struct io_pagetable *iopt,
				struct iopt_domain *member)
{
	const struct iommu_domain_geometry *geometry;
	u64 last = iopt_domain_last(member->domain);
	int rc;

	geometry = &member->domain->geometry;
	if (geometry->aperture_start > ULONG_MAX)
		return -EINVAL;
	if (geometry->aperture_start) {
		rc = iopt_reserve(iopt, 0, geometry->aperture_start - 1,
				  member);
		if (rc)
			return rc;
	}
	/* dma_addr_t may be wider than what an IOVA can be here. */
	if (last >= ULONG_MAX)
		return 0;
	return iopt_reserve(iopt, last + 1, ULONG_MAX, member);
}

static int iopt_join_domain(struct io_pagetable *iopt,
			    struct iopt_domain *member)
{
	int rc;

	down_write(&iopt->iova_rwsem);
	member->alignment = iopt_domain_alignment(member->domain);
	rc = iopt_check_join(iopt, member->alignment);
	if (!rc) {
		down_write(&iopt->domains.rwsem);
		member->joined = ++iopt->domains.generation;
		member->left = U64_MAX;
		list_add_tail(&member->entry, &iopt->domains.list);
		iopt->domains.count++;
		up_write(&iopt->domains.rwsem);
		iopt_add_alignment(iopt, member->alignment);
	}
	up_write(&iopt->iova_rwsem);
	return rc;
}

/*
 * No area begins to be filled for the domain any more, so one that is not by now
 * never will be, and its lock is not needed.
 */
static void iopt_unfill_domain(struct io_pagetable *iopt,
			       struct iopt_domain *member)
{
	struct iopt_area *area;

	lockdep_assert_not_held(&iopt->iova_rwsem);

	iopt_for_each_area(area, iopt) {
		cond_resched();
		if (!iopt_domain_in(member, READ_ONCE(area->generation)))
			continue;
		mutex_lock(&area->pages->mutex);
		iopt_area_unfill_domain(area, member);
		mutex_unlock(&area->pages->mutex);
	}
}

static void iopt_erase_domain(struct io_pagetable *iopt,
			      struct iopt_domain *member)
{
	down_write(&iopt->iova_rwsem);
	down_write(&iopt->domains.rwsem);
	list_del(&member->entry);
	iopt->domains.count--;
	up_write(&iopt->domains.rwsem);
	iopt_remove_alignment(iopt, member->alignment);
	up_write(&iopt->iova_rwsem);
	iopt_unreserve(iopt, member);
}

/**
 * iopt_add_domain() - Fill a domain with everything that is mapped, and go on
 * @iopt: the io_pagetable
 * @member: with the domain set, empty
 *
 * Maps and unmaps of other threads go on meanwhile.
 *
 * Context: may sleep. The caller keeps other domains from joining and leaving,
 * see &iommufd_ioas.mutex.
 * Return: 0; -EINVAL if the domain's smallest page is larger than PAGE_SIZE or
 * its aperture is beyond what this kernel can address;
 * -EADDRINUSE if areas or allowed ranges lie outside of its aperture, or areas
 * are not aligned to its smallest page; -EBUSY if the address of an area was
 * invalidated; else as iopt_area_fill_domains(). On
 * failure the domain is empty, and no member.
 */
int iopt_add_domain(struct io_pagetable *iopt, struct iopt_domain *member)
{
	struct iommu_domain *domain = member->domain;
	struct iopt_area *area;
	int rc;

	if (!domain->pgsize_bitmap || iopt_domain_alignment(domain) > PAGE_SIZE)
		return -EINVAL;
	rc = iopt_reserve_outside(iopt, member);
	if (!rc)
		rc = iopt_join_domain(iopt, member);
	if (rc) {
		iopt_unreserve(iopt, member);
		return rc;
	}
	iopt_for_each_area(area, iopt) {
		rc = iopt_area_fill_domain(area, member);
		cond_resched();
		if (rc) {
			iopt_area_put(area);
			iopt_remove_domain(iopt, member);
			return rc;
		}
	}
	return 0;
}

/**
 * iopt_remove_domain() - Empty a domain and stop keeping it filled
 * @iopt: the io_pagetable
 * @member: as given to iopt_add_domain(); no device uses the domain any more
 *
 * Context: may sleep, never needs memory. The caller keeps other domains from
 * joining and leaving.
 */
void iopt_remove_domain(struct io_pagetable *iopt, struct iopt_domain *member)
{
	down_write(&iopt->domains.rwsem);
	member->left = ++iopt->domains.generation;
	up_write(&iopt->domains.rwsem);
	iopt_unfill_domain(iopt, member);
	iopt_erase_domain(iopt, member);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The io_pagetable itself: its life, its options, and the alignment it asks for.
 */
#include "io_pagetable.h"

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "lib/trace.h"
#include "pages/pages.h"

/**
 * iopt_init() - Set up an empty io_pagetable
 * @iopt: to be set up
 *
 * Context: any.
 */
void iopt_init(struct io_pagetable *iopt)
{
	init_rwsem(&iopt->iova_rwsem);
	iova_tree_init(&iopt->tree);
	iova_ranges_init(&iopt->reserved);
	iova_ranges_init(&iopt->allowed);
	iopt->iova_alignment = 1;
	memset(iopt->users_by_alignment, 0, sizeof(iopt->users_by_alignment));
	iopt->areas_left = NULL;
	iopt->context = 0;
	iopt->id = 0;
	init_rwsem(&iopt->domains.rwsem);
	INIT_LIST_HEAD(&iopt->domains.list);
	iopt->domains.count = 0;
	atomic_long_set(&iopt->domains.npages, 0);
	iopt->domains.huge_pages = true;
	init_waitqueue_head(&iopt->erased);
	INIT_LIST_HEAD(&iopt->accesses);
	init_waitqueue_head(&iopt->unpinned);
	mutex_init(&iopt->container_mutex);
	sparse_bits_init(&iopt->touched);
	iopt->spare_pages = NULL;
	iopt->invalid_vaddrs = 0;
}

/**
 * iopt_destroy() - Free what an io_pagetable consists of
 * @iopt: without areas, domains and accesses, and used by nobody else
 *
 * Context: may sleep, never needs memory.
 */
void iopt_destroy(struct io_pagetable *iopt)
{
	WARN_ON_ONCE(!list_empty(&iopt->domains.list));
	WARN_ON_ONCE(!list_empty(&iopt->accesses));
	WARN_ON_ONCE(!iova_tree_empty(&iopt->tree));
	WARN_ON_ONCE(atomic_long_read(&iopt->domains.npages));
	iova_ranges_destroy(&iopt->allowed);
	iova_ranges_destroy(&iopt->reserved);
	sparse_bits_forget(&iopt->touched, 0, ULONG_MAX);
	iopt_pages_free_spare(&iopt->spare_pages);
	mutex_destroy(&iopt->container_mutex);
}

/**
 * iopt_areas_below() - Tell whether areas are less aligned than is asked for
 * @iopt: the io_pagetable
 * @alignment: bytes, a power of two, at most PAGE_SIZE
 *
 * Context: &io_pagetable.iova_rwsem held.
 * Return: true if there is such an area.
 */
bool iopt_areas_below(const struct io_pagetable *iopt, unsigned long alignment)
{
	unsigned int order;

	lockdep_assert_held(&iopt->iova_rwsem);

	for (order = 0; BIT(order) < alignment; order++)
		if (iopt->areas_by_alignment[order])
			return true;
	return false;
}

/**
 * iopt_check_join() - Tell whether somebody can join who needs all areas
 * @iopt: the io_pagetable
 * @alignment: that areas need to have, bytes; as for iopt_areas_below()
 *
 * Context: &io_pagetable.iova_rwsem held for write, until the join.
 * Return: 0; -EBUSY if the address of an area was invalidated; -EADDRINUSE if
 * there are areas that are aligned less.
 */
int iopt_check_join(const struct io_pagetable *iopt, unsigned long alignment)
{
	lockdep_assert_held_write(&iopt->iova_rwsem);

	if (iopt->invalid_vaddrs)
		return iommufd_refuse(-EBUSY, IOMMUFD_REFUSE_VADDR_INVALID, 0,
				      iopt->invalid_vaddrs);
	if (iopt_areas_below(iopt, alignment))
		return iommufd_refuse(-EADDRINUSE, IOMMUFD_REFUSE_ALIGNMENT, 0,
				      alignment);
	return 0;
}

/* There may be any number of users, so they are counted and not looked at. */
static void iopt_refresh_alignment(struct io_pagetable *iopt)
{
	unsigned int least = iopt_huge_pages(iopt) ? 0 : PAGE_SHIFT;
	unsigned int order = PAGE_SHIFT;

	lockdep_assert_held_write(&iopt->iova_rwsem);

	while (order > least && !iopt->users_by_alignment[order])
		order--;
	iopt->iova_alignment = BIT(order);
}

/**
 * iopt_add_alignment() - Note that a domain or an access joins
 * @iopt: the io_pagetable
 * @alignment: that it needs areas to have, bytes; as for iopt_areas_below()
 *
 * Context: &io_pagetable.iova_rwsem held for write.
 */
void iopt_add_alignment(struct io_pagetable *iopt, unsigned long alignment)
{
	iopt->users_by_alignment[ilog2(alignment)]++;
	iopt_refresh_alignment(iopt);
}

/**
 * iopt_remove_alignment() - Undo iopt_add_alignment()
 * @iopt: the io_pagetable
 * @alignment: as given to that
 *
 * Context: &io_pagetable.iova_rwsem held for write.
 */
void iopt_remove_alignment(struct io_pagetable *iopt, unsigned long alignment)
{
	iopt->users_by_alignment[ilog2(alignment)]--;
	iopt_refresh_alignment(iopt);
}

/**
 * iopt_set_huge_pages() - Choose whether contiguous memory is joined
 * @iopt: the io_pagetable
 * @enable: false maps page by page from now on, and whole pages only
 *
 * Context: may sleep.
 * Return: 0; for switching off -EINVAL while a domain holds areas, and
 * -EADDRINUSE while there are areas that begin or end inside of a page.
 */
int iopt_set_huge_pages(struct io_pagetable *iopt, bool enable)
{
	int rc = 0;

	down_write(&iopt->iova_rwsem);
	down_write(&iopt->domains.rwsem);
	if (!enable && !list_empty(&iopt->domains.list) &&
	    !iova_tree_empty(&iopt->tree))
		rc = -EINVAL;
	else if (!enable && iopt_areas_below(iopt, PAGE_SIZE))
		rc = -EADDRINUSE;
	else
		WRITE_ONCE(iopt->domains.huge_pages, enable);
	iopt_refresh_alignment(iopt);
	up_write(&iopt->domains.rwsem);
	up_write(&iopt->iova_rwsem);
	return rc;
}

/**
 * iopt_huge_pages() - Tell whether contiguous memory is joined
 * @iopt: the io_pagetable
 *
 * Context: any.
 * Return: as last set, true at first.
 */
bool iopt_huge_pages(struct io_pagetable *iopt)
{
	return READ_ONCE(iopt->domains.huge_pages);
}

/**
 * iopt_get_stats() - Sum up what is mapped
 * @iopt: the io_pagetable
 * @stats: result
 *
 * Nothing is counted here but in-kernel users, so it takes no longer with a
 * million areas.
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem and &iopt_domains.rwsem for
 * read.
 */
void iopt_get_stats(struct io_pagetable *iopt, struct iopt_stats *stats)
{
	struct iopt_access *access;
	unsigned int order;

	*stats = (struct iopt_stats){};
	down_read(&iopt->iova_rwsem);
	for (order = 0; order < ARRAY_SIZE(iopt->areas_by_alignment); order++)
		stats->areas += iopt->areas_by_alignment[order];
	stats->mapped = iopt->mapped;
	stats->largest_gap = iova_tree_largest_gap(&iopt->tree);
	list_for_each_entry(access, &iopt->accesses, entry)
		stats->access_pages += atomic_long_read(&access->npinned);
	down_read(&iopt->domains.rwsem);
	stats->domains = iopt->domains.count;
	up_read(&iopt->domains.rwsem);
	up_read(&iopt->iova_rwsem);
	stats->device_pages = atomic_long_read(&iopt->domains.npages);
}

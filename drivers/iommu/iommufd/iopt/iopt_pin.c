// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * In-kernel use of ranges of IOVA, which may cover several areas.
 *
 * The lock of the map is held to find an area and no longer. Whoever uses an
 * area counts in &iopt_area.num_accesses, which keeps an unmap waiting.
 */
#include "iopt_pin.h"

#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/mm.h>

#include "io_pagetable.h"
#include "iopt_lookup.h"
#include "iopt_touched.h"
#include "lib/trace.h"
#include "pages/pages.h"
#include "pages/pages_access.h"
#include "pages/pages_rw.h"

static int area_check_rights(const struct iopt_area *area, bool write)
{
	if (area->iommu_prot & (write ? IOMMU_WRITE : IOMMU_READ))
		return 0;
	return iommufd_refuse_node(-EPERM, IOMMUFD_REFUSE_RIGHTS, &area->node);
}

/* Whoever waits for an area to be let go of may go on. */
static void area_note_released(struct iopt_area *area)
{
	/* Pairs with the look of a waiter, after it has closed the area. */
	if (READ_ONCE(area->prevent_access))
		wake_up_all(&area->iopt->unpinned);
}

static unsigned long part_first(const struct iopt_area_part *part)
{
	return part->start_byte / PAGE_SIZE;
}

static unsigned long part_last(const struct iopt_area_part *part)
{
	return (part->start_byte + part->length - 1) / PAGE_SIZE;
}

static unsigned long part_npages(const struct iopt_area_part *part)
{
	return part_last(part) - part_first(part) + 1;
}

static int part_pin(const struct iopt_area_part *part, struct page **out_pages,
		    unsigned int flags)
{
	bool write = flags & IOPT_PIN_WRITE;

	return area_check_rights(part->area, write) ?:
	       iopt_area_add_access(part->area, part_first(part),
				    part_last(part), out_pages, write);
}

static unsigned long part_unpin(const struct iopt_area_part *part)
{
	struct iopt_area *area = part->area;
	unsigned long unpinned;

	lockdep_assert_not_held(&area->iopt->iova_rwsem);

	mutex_lock(&area->pages->mutex);
	unpinned = iopt_area_remove_access(area, part_first(part),
					   part_last(part));
	area_note_released(area);
	mutex_unlock(&area->pages->mutex);
	return unpinned;
}

/* Can pages of the parts stand in one array, without a page twice or a gap? */
static bool part_joins(const struct iopt_area_part *part, bool first, bool last)
{
	if (!first && offset_in_page(part->start_byte))
		return false;
	return last || !offset_in_page(part->start_byte + part->length);
}

/* From @iova to @last, all of it or nothing. */
static int iopt_pin_parts(struct io_pagetable *iopt, unsigned long iova,
			  unsigned long last, struct page **out_pages,
			  unsigned int flags)
{
	unsigned long start = iova;
	int rc;

	for (;;) {
		struct iopt_area_part part;
		bool end;

		rc = iopt_area_part_get(iopt, iova, last, &part);
		if (rc)
			break;
		end = last - iova < part.length;
		if (part_joins(&part, iova == start, end))
			rc = part_pin(&part, out_pages, flags);
		else
			rc = -EINVAL;
		iopt_area_put(part.area);
		if (rc)
			break;
		if (end)
			return 0;
		out_pages += part_npages(&part);
		iova += part.length;
	}
	if (iova != start)
		iopt_unpin_pages(iopt, start, iova - start);
	return rc;
}

/**
 * iopt_pin_pages() - Pin the memory at a range of IOVA for the kernel
 * @iopt: the io_pagetable
 * @iova: first IOVA
 * @length: bytes, not 0, the end does not wrap
 * @out_pages: receives the struct page of each page that the range touches;
 *             undefined on failure
 * @flags: IOPT_PIN_WRITE if the kernel is going to write
 *
 * Context: may sleep. An iopt_access has to be there that lets go when its
 * @unmap is called.
 * Return: 0; -EINVAL if areas do not meet at the edge of a page, or if one is
 * being unmapped; -ENOENT if part of the range is not mapped; -EPERM if it is not
 * mapped for that; -ENOMEM; else as iopt_area_add_access(). On failure nothing is
 * pinned.
 */
int iopt_pin_pages(struct io_pagetable *iopt, unsigned long iova,
		   unsigned long length, struct page **out_pages,
		   unsigned int flags)
{
	int rc = iopt_pin_parts(iopt, iova, iova + (length - 1), out_pages,
				flags);

	if (rc)
		return rc;
	rc = iopt_note_touched(iopt, iova, length, GFP_KERNEL_ACCOUNT);
	if (rc)
		iopt_unpin_pages(iopt, iova, length);
	return rc;
}

/**
 * iopt_unpin_pages() - Undo iopt_pin_pages()
 * @iopt: the same
 * @iova: first IOVA
 * @length: bytes, not 0, the end does not wrap
 *
 * The range may be a part of what was pinned, or several pins together.
 *
 * Context: may sleep. Needs memory only for a part of a pin, see
 * iopt_area_remove_access().
 * Return: number of pages that were unpinned; fewer than asked for, with a
 * warning, if not all were pinned.
 */
unsigned long iopt_unpin_pages(struct io_pagetable *iopt, unsigned long iova,
			       unsigned long length)
{
	unsigned long last = iova + (length - 1);
	unsigned long unpinned = 0;

	for (;;) {
		struct iopt_area_part part;

		/* What is pinned cannot have been unmapped. */
		if (WARN_ON_ONCE(iopt_area_part_get(iopt, iova, last, &part)))
			return unpinned;
		unpinned += part_unpin(&part);
		iopt_area_put(part.area);
		if (last - iova < part.length)
			return unpinned;
		iova += part.length;
	}
}

/* The area is entered, so what is noted cannot be forgotten meanwhile. */
static int part_write(struct io_pagetable *iopt,
		      const struct iopt_area_part *part, unsigned long iova,
		      struct pin_copy *copy)
{
	unsigned long length = part->length;
	int rc;

	rc = iopt_note_touched(iopt, iova, length, GFP_KERNEL_ACCOUNT);
	if (rc)
		return rc;
	rc = iopt_pages_rw_access(part->area->pages, copy);
	/* Needs memory only if tracking has begun in between. */
	iopt_note_touched(iopt, iova, length,
			  GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	return rc;
}

static int part_rw(struct io_pagetable *iopt, const struct iopt_area_part *part,
		   unsigned long iova, void *data, unsigned int flags)
{
	struct pin_copy copy = {
		.byte = part->start_byte,
		.data = data,
		.length = part->length,
		.flags = flags,
	};
	int rc;

	rc = area_check_rights(part->area, pin_copy_writes(&copy));
	if (rc)
		return rc;
	if (pin_copy_writes(&copy))
		return part_write(iopt, part, iova, &copy);
	return iopt_pages_rw_access(part->area->pages, &copy);
}

/**
 * iopt_rw() - Copy between a kernel buffer and the memory at a range of IOVA
 * @iopt: the io_pagetable
 * @iova: first IOVA
 * @data: kernel buffer
 * @length: bytes, not 0, the end does not wrap
 * @flags: IOMMUFD_ACCESS_RW_*, see include/linux/iommufd.h
 *
 * Context: may sleep. An iopt_access has to be there, so that an unmap waits.
 * Return: 0; -EINVAL if an area is being unmapped; -ENOENT if part of the range
 * is not mapped; -EPERM if it is not mapped for that; -ENOMEM; else as
 * iopt_pages_rw_access(). On failure part of the range may have been copied.
 */
int iopt_rw(struct io_pagetable *iopt, unsigned long iova, void *data,
	    unsigned long length, unsigned int flags)
{
	unsigned long last = iova + (length - 1);

	for (;;) {
		struct iopt_area_part part;
		int rc;

		rc = iopt_area_part_enter(iopt, iova, last, &part);
		if (rc)
			return rc;
		rc = part_rw(iopt, &part, iova, data, flags);
		iopt_area_exit(iopt, part.area);
		if (rc || last - iova < part.length)
			return rc;
		iova += part.length;
		data += part.length;
	}
}

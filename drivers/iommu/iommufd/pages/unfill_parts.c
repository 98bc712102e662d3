// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * From IOPTEs to being unpinned, many pages at a time.
 *
 * For each page this is: read the PFN back, clear the IOPTE, wait until no
 * device can use it any more, unpin. Most of that costs as much for many pages
 * as for one. So parts of areas are collected, and go through it together.
 */
#include "unfill_parts.h"

#include <linux/minmax.h>
#include <linux/sched.h>

#include "area_domains.h"
#include "iopt_types.h"
#include "pfn_domain.h"
#include "pfn_storage.h"
#include "run_chunks.h"

/* Parts from @first on that one step can clear, since their IOVA joins. */
static unsigned int parts_joined(const struct unfill_parts *unfill,
				 unsigned int first, unsigned long *length)
{
	const struct unfill_part *part = &unfill->parts[first];
	unsigned int end;

	*length = part->length;
	for (end = first + 1; end < unfill->nparts; end++) {
		const struct unfill_part *next = &unfill->parts[end];

		if (!part->target || next->target != part->target ||
		    next->iova != part->iova + *length)
			break;
		*length += next->length;
	}
	return end;
}

/* Pages that a broken driver left mapped stay pinned. */
static void part_unmapped(struct unfill_part *part, unsigned long unmapped)
{
	if (unmapped >= part->length)
		return;
	run_chunks_forget(part->area->pages, part->index,
			  part->index + part->npages - 1);
	part->stuck = part->npages - unmapped / PAGE_SIZE;
	part->npages -= part->stuck;
}

/* In one domain it may be flushed later, in several it is flushed here. */
static unsigned long parts_unmap(struct pfn_unmapping *unmapping,
				 const struct unfill_part *part,
				 unsigned long length)
{
	lockdep_assert_held(&part->area->pages->mutex);

	if (part->target)
		return pfn_unmapping_add(unmapping, part->target->domain,
					 part->iova, length);
	return iopt_area_unmap(part->area, NULL, NULL, part->iova, length);
}

/* Clear the IOPTEs of all parts, and wait until no device uses them. */
static void parts_clear(struct unfill_parts *unfill)
{
	struct pfn_unmapping unmapping __uninitialized;
	unsigned int i = 0;

	pfn_unmapping_init(&unmapping);
	while (i < unfill->nparts) {
		struct unfill_part *part = &unfill->parts[i];
		unsigned long length, unmapped;
		unsigned int end = parts_joined(unfill, i, &length);

		unmapped = parts_unmap(&unmapping, part, length);
		for (; i < end; i++) {
			part = &unfill->parts[i];
			length = min(unmapped, part->length);
			part_unmapped(part, length);
			unmapped -= length;
		}
	}
	pfn_unmapping_end(&unmapping);
}

/* An area of one run knows its PFNs, and keeps them until it is emptied. */
static void part_unpin_run(const struct unfill_part *part)
{
	struct iopt_area *area = part->area;

	pfn_storage_unpin_run(area->pages,
			      area->pfn + part->index - iopt_area_first(area),
			      part->index, part->npages);
}

/**
 * unfill_parts_flush() - Clear the IOPTEs of all parts, and unpin the pages
 * @unfill: without parts afterwards
 *
 * Context: &iopt_pages.mutex of all parts held, may sleep. Never needs memory.
 */
void unfill_parts_flush(struct unfill_parts *unfill)
{
	struct pfn_batch_iter iter;
	unsigned int i;

	WARN_ON_ONCE(IS_ENABLED(CONFIG_IOMMUFD_TEST) &&
		     !pfn_batch_valid(&unfill->batch));
	parts_clear(unfill);
	pfn_batch_iter_first(&iter, &unfill->batch, 0, 0);
	for (i = 0; i < unfill->nparts; i++) {
		struct unfill_part *part = &unfill->parts[i];

		if (part->area->one_run) {
			part_unpin_run(part);
			continue;
		}
		pfn_storage_unpin_unstored(part->area->pages, &iter,
					   part->index, part->npages);
		pfn_batch_iter_skip(&iter, part->stuck);
	}
	unfill->nparts = 0;
	pfn_batch_clear(&unfill->batch);
}

/* Append PFNs of an area to the batch; returns how many there was room for. */
static unsigned long batch_read(struct pfn_batch *batch, struct iopt_area *area,
				struct iommu_domain *source,
				unsigned long index, unsigned long last)
{
	unsigned long before = batch->npages;

	pfn_storage_read_domain(area, source, index, last, batch);
	return batch->npages - before;
}

/* Make a part of all pages from @index on whose PFNs there is room for. */
static unsigned long part_add(struct unfill_parts *unfill,
			      struct iopt_area *area,
			      struct iopt_domain *target,
			      struct iommu_domain *source, unsigned long index,
			      unsigned long last)
{
	struct unfill_part *part = &unfill->parts[unfill->nparts++];

	part->area = area;
	part->target = target;
	part->index = index;
	part->stuck = 0;
	part->npages = area->one_run ? last - index + 1 :
				       batch_read(&unfill->batch, area, source,
						  index, last);
	part->iova = iopt_area_window(area, index, index + part->npages - 1,
				      &part->length);
	return part->npages;
}

/**
 * unfill_parts_add() - Take out neighbouring pages of an area
 * @unfill: the parts; flushed when they are full
 * @area: no tier any more
 * @target: to be cleared in this domain; NULL for all of the area's generation
 * @source: has the IOPTEs that PFNs are read from
 * @index: first page index
 * @last: last page index, inclusive
 *
 * The last ones are done by unfill_parts_flush().
 *
 * Context: &iopt_pages.mutex of @area and of all parts held, may sleep. Never
 * needs memory.
 */
void unfill_parts_add(struct unfill_parts *unfill, struct iopt_area *area,
		      struct iopt_domain *target, struct iommu_domain *source,
		      unsigned long index, unsigned long last)
{
	lockdep_assert_held(&area->pages->mutex);

	for (;;) {
		bool full = !area->one_run && pfn_batch_full(&unfill->batch);

		if (full || unfill->nparts == UNFILL_PARTS)
			unfill_parts_flush(unfill);
		if (full)
			pfn_batch_grow_more(&unfill->batch, last - index + 1);
		index += part_add(unfill, area, target, source, index, last);
		if (index > last)
			break;
		cond_resched();
	}
}

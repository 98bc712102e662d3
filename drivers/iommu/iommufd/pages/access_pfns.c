// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * PFNs of what in-kernel users have pinned.
 *
 * A driver pins a page, or some pages, and has them unpinned later. So the PFNs
 * come and go together: a list that is allocated once serves them better than a
 * tree with a slot for each page. A single page needs not even that, nor do
 * pages that follow each other.
 */
#include "access_pfns.h"

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "lib/pfn_batch.h"

static unsigned long access_npages(const struct iopt_pages_access *access)
{
	return access->node.last - access->node.start + 1;
}

static bool pages_are_run(struct page **pages, unsigned long pfn,
			  unsigned long npages)
{
	unsigned long i;

	for (i = 1; i < npages; i++)
		if (page_to_pfn(pages[i]) != pfn + i)
			return false;
	return true;
}

/* Of several pages. */
int __access_pfns_store(struct iopt_pages_access *access,
			struct page **from_pages)
{
	unsigned long i, npages = access_npages(access);
	unsigned long pfn = page_to_pfn(*from_pages);
	struct access_list *list;

	access->one_run = pages_are_run(from_pages, pfn, npages);
	if (access->one_run) {
		access->run_offset = pfn - access->node.start;
		return 0;
	}
	list = kmalloc(struct_size(list, pfns, npages), GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	list->start = access->node.start;
	list->size = npages;
	list->npages = npages;
	for (i = 0; i < npages; i++)
		list->pfns[i] = page_to_pfn(from_pages[i]);
	access->list = list;
	return 0;
}

/**
 * access_pfns_drop() - Forget the PFNs of pages that leave an interval
 * @access: the interval
 * @npages: how many, not 0
 *
 * Context: &iopt_pages.mutex held.
 */
void access_pfns_drop(struct iopt_pages_access *access, unsigned long npages)
{
	if (access->one_run)
		return;
	access->list->npages -= npages;
	if (!access->list->npages)
		kfree(access->list);
}

/**
 * access_pfns_read() - Append PFNs of an interval to a batch
 * @access: the interval
 * @index: first page index
 * @last: last page index, inclusive
 * @batch: to append to; reading stops when it is full
 *
 * Context: &iopt_pages.mutex held. Never allocates.
 */
void access_pfns_read(const struct iopt_pages_access *access,
		      unsigned long index, unsigned long last,
		      struct pfn_batch *batch)
{
	if (access->one_run) {
		pfn_batch_add(batch, access_pfn(access, index),
			      last - index + 1);
		return;
	}
	for (; index <= last; index++)
		if (!pfn_batch_add(batch, access_pfn(access, index), 1))
			return;
}

/**
 * access_pfns_to_pages() - Get the struct page of each page of an interval
 * @access: the interval
 * @out_pages: receives them
 *
 * Context: &iopt_pages.mutex held, may sleep. Never allocates.
 */
void access_pfns_to_pages(const struct iopt_pages_access *access,
			  struct page **out_pages)
{
	unsigned long index = access->node.start;

	if (access->one_run) {
		pfn_run_to_pages(access_pfn(access, index),
				 access_npages(access), out_pages);
		return;
	}
	for (; index <= access->node.last; index++)
		*out_pages++ = pfn_to_page(access_pfn(access, index));
}

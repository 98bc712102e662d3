/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_ACCESS_PFNS_H
#define __IOMMUFD_ACCESS_PFNS_H

#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "iopt_types.h"

struct pfn_batch;

/**
 * struct access_list - PFNs of pages that are no physical run
 * @start: page index of the first of @pfns
 * @size: length of @pfns
 * @npages: how many of the pages are still in an interval
 * @seen: for the checks of test kernels
 * @pfns: one for each page
 *
 * Protected by &iopt_pages.mutex. An interval that is split shares its list, so
 * undoing a part of a pin keeps all of it until the rest is undone.
 */
struct access_list {
	unsigned long start;
	u16 size;
	u16 npages;
	u16 seen;
	unsigned long pfns[] __counted_by(size);
};

/*
 * Pages of one interval. No work on it takes long, and its list is no more than
 * the kernel finds at any time, as it is allocated with the mutex held.
 */
#define ACCESS_PFNS_MAX \
	((SZ_4K - sizeof(struct access_list)) / sizeof(unsigned long))

/**
 * access_from_node() - The interval that a node is
 * @node: in &iopt_pages.access_itree, or NULL
 *
 * Context: any.
 * Return: the interval, NULL for NULL.
 */
static inline struct iopt_pages_access *
access_from_node(struct interval_tree_node *node)
{
	return node ? container_of(node, struct iopt_pages_access, node) : NULL;
}

/**
 * access_pfn() - The PFN of a page that is pinned for the kernel
 * @access: an interval
 * @index: page index, in @access
 *
 * Context: &iopt_pages.mutex held.
 * Return: the PFN.
 */
static inline unsigned long access_pfn(const struct iopt_pages_access *access,
				       unsigned long index)
{
	if (access->one_run)
		return access->run_offset + index;
	return access->list->pfns[index - access->list->start];
}

int __access_pfns_store(struct iopt_pages_access *access,
			struct page **from_pages);

/**
 * access_pfns_store() - Let an interval store PFNs
 * @access: at its place, with nothing stored, at most ACCESS_PFNS_MAX pages
 * @from_pages: the struct page of each of its pages
 *
 * Context: &iopt_pages.mutex held, may sleep.
 * Return: 0; -ENOMEM, with nothing stored.
 */
static inline int access_pfns_store(struct iopt_pages_access *access,
				    struct page **from_pages)
{
	if (access->node.start < access->node.last)
		return __access_pfns_store(access, from_pages);
	access->one_run = true;
	access->run_offset = page_to_pfn(*from_pages) - access->node.start;
	return 0;
}

void access_pfns_drop(struct iopt_pages_access *access, unsigned long npages);
void access_pfns_read(const struct iopt_pages_access *access,
		      unsigned long index, unsigned long last,
		      struct pfn_batch *batch);
void access_pfns_to_pages(const struct iopt_pages_access *access,
			  struct page **out_pages);

#endif

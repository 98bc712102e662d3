/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __TEST_LINUX_MM_H
#define __TEST_LINUX_MM_H

#include <linux/slab.h>

#define PAGE_SIZE 4096UL
#define PAGE_SHIFT 12

/* Nobody looks into a page here, so its address may as well be its number. */
#define page_to_pfn(page) ((unsigned long)(page))
#define pfn_to_page(pfn) ((struct page *)(pfn))

/* Something that can be counted on from one page to the next */
struct page {
	char one;
};

#define nth_page(page, n) ((page) + (n))

static inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return kmalloc(1UL << order, gfp);
}

static inline void __free_pages(struct page *page, unsigned int order)
{
	kfree(page);
}

#endif

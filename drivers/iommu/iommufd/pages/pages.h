/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PAGES_H
#define __IOMMUFD_PAGES_H

struct iopt_pages;
struct pin_origin;

/* So many structures are freed together. */
#define PAGES_UNUSED 32

/**
 * struct iopt_pages_unused - Structures that are going to be freed
 * @count: of @pages
 * @pages: nobody refers to them, and they are as they were constructed
 *
 * To free many of the same slab together costs little more than to free one.
 * Lives on the stack of one thread; no locking.
 */
struct iopt_pages_unused {
	unsigned int count;
	struct iopt_pages *pages[PAGES_UNUSED];
};

int iopt_pages_init(void);
void iopt_pages_exit(void);
struct iopt_pages *iopt_pages_alloc(const struct pin_origin *origin,
				    unsigned long npages,
				    struct iopt_pages **spare);
void iopt_pages_get(struct iopt_pages *pages);
void iopt_pages_put(struct iopt_pages *pages);
void iopt_pages_put_later(struct iopt_pages *pages,
			  struct iopt_pages_unused *unused);
void iopt_pages_keep_spare(struct iopt_pages_unused *unused,
			   struct iopt_pages **spare);
void iopt_pages_free_unused(struct iopt_pages_unused *unused);
void iopt_pages_free_spare(struct iopt_pages **spare);
void iopt_pages_free(struct iopt_pages *pages);

void iopt_pages_unpinned(struct iopt_pages *pages, unsigned long npages);

#endif

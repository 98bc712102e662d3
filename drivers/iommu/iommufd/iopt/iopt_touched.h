/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_TOUCHED_H
#define __IOMMUFD_IOPT_TOUCHED_H

#include <linux/compiler.h>
#include <linux/gfp_types.h>
#include <linux/types.h>

#include "io_pagetable.h"

struct iopt_area;
struct iopt_visitor;
struct list_head;

/**
 * struct iopt_touched_window - Some pages of an area, and whether they are dirty
 * @base: the page of IOVA, by number, that bit 0 of @bitmap stands for
 * @first: first page that is asked about
 * @last: last page, inclusive; both in the area
 * @bitmap: receives the bits from @first to @last, has none of them before
 * @keep: they are dirty the next time as well
 * @generation: receives the generation of the domains that the answer is for
 */
struct iopt_touched_window {
	unsigned long base;
	unsigned long first;
	unsigned long last;
	unsigned long *bitmap;
	bool keep;
	u64 generation;
};

int iopt_track(struct io_pagetable *iopt);
int iopt_untrack(struct io_pagetable *iopt);
int iopt_visit_tracked(struct io_pagetable *iopt, unsigned long start,
		       unsigned long last, struct iopt_visitor *visitor);
int iopt_area_read_touched(struct iopt_area *area,
			   struct iopt_touched_window *window);
void iopt_area_return_touched(struct iopt_area *area,
			      const struct iopt_touched_window *window);
void iopt_area_reported(struct iopt_area *area, u64 generation);
void iopt_forget_touched(struct io_pagetable *iopt, struct list_head *areas);
int __iopt_note_touched(struct io_pagetable *iopt, unsigned long iova,
			unsigned long length, gfp_t gfp);

/**
 * iopt_tracked() - Tell whether it is noted what in-kernel users touch
 * @iopt: the io_pagetable
 *
 * Context: any.
 * Return: true from iopt_track() to iopt_untrack().
 */
static inline bool iopt_tracked(const struct io_pagetable *iopt)
{
	return READ_ONCE(iopt->tracked);
}

/**
 * iopt_note_touched() - Note what an in-kernel user has pinned, or writes
 * @iopt: the io_pagetable
 * @iova: first IOVA
 * @length: bytes, not 0, does not wrap
 * @gfp: to take memory with
 *
 * What is pinned is noted afterwards. What is written is noted before, which may
 * fail, and afterwards, which needs no memory as a rule. So a report in between
 * misses neither.
 *
 * Context: may sleep. The area is kept from being unmapped.
 * Return: 0; -ENOMEM.
 */
static inline int iopt_note_touched(struct io_pagetable *iopt,
				    unsigned long iova, unsigned long length,
				    gfp_t gfp)
{
	return iopt_tracked(iopt) ?
		       __iopt_note_touched(iopt, iova, length, gfp) : 0;
}

#endif

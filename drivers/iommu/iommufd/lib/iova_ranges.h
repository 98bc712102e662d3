/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOVA_RANGES_H
#define __IOMMUFD_IOVA_RANGES_H

#include <linux/interval_tree.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct iommu_iova_range;

/**
 * struct iova_range - One range in a set
 * @node: the range in &iova_ranges.root, bytes, last is inclusive
 * @by_owner: in &iova_ranges.owners
 * @owner: who put it there, only compared; NULL in sets that have one owner
 */
struct iova_range {
	struct interval_tree_node node;
	struct rb_node by_owner;
	const void *owner;
};

/**
 * struct iova_ranges - A set of IOVA ranges that may overlap
 * @root: the ranges
 * @owners: the same, ordered by owner
 * @count: number of ranges
 *
 * Used for what is reserved (ranges of several owners, which may overlap) and
 * for what user space allows (ranges that do not overlap). The owner of the
 * set provides the locking.
 */
struct iova_ranges {
	struct rb_root_cached root;
	struct rb_root owners;
	unsigned int count;
};

void iova_ranges_init(struct iova_ranges *ranges);
bool iova_ranges_empty(const struct iova_ranges *ranges);
int iova_ranges_add(struct iova_ranges *ranges, unsigned long start,
		    unsigned long last, const void *owner);
void iova_ranges_remove_owner(struct iova_ranges *ranges, const void *owner);
void iova_ranges_destroy(struct iova_ranges *ranges);
bool iova_ranges_overlap(struct iova_ranges *ranges, unsigned long start,
			 unsigned long last);
bool iova_ranges_overlap_set(struct iova_ranges *ranges,
			     struct iova_ranges *other);
struct iova_range *iova_ranges_first(struct iova_ranges *ranges,
				     unsigned long start, unsigned long last);
struct iova_range *iova_ranges_next(struct iova_range *range,
				    unsigned long start, unsigned long last);
bool iova_ranges_hole(struct iova_ranges *ranges, unsigned long from,
		      unsigned long *start, unsigned long *last);
size_t iova_ranges_holes(struct iova_ranges *ranges,
			 struct iommu_iova_range *out, size_t capacity);

#endif

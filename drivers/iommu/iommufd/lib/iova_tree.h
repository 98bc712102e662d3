/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOVA_TREE_H
#define __IOMMUFD_IOVA_TREE_H

#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct iova_node - One range of taken IOVA
 * @rb: linkage into &iova_tree.root
 * @start: first IOVA of the range, bytes
 * @last: last IOVA of the range, bytes, inclusive
 * @gap: number of free bytes directly below @start
 * @subtree_gap: largest @gap of the nodes in the subtree under this one
 *
 * Embedded in its owner, so that inserting and removing never allocate and
 * never fail. @start and @last are set by the owner and do not change while
 * the node is in a tree, but by iova_tree_shrink(); the other members belong to
 * the tree.
 */
struct iova_node {
	struct rb_node rb;
	unsigned long start;
	unsigned long last;
	unsigned long gap;
	unsigned long subtree_gap;
};

/**
 * struct iova_tree - Disjoint ranges of taken IOVA, and the gaps between them
 * @root: the nodes, ordered by address
 *
 * Lookup, insertion, removal and the search for a free range are O(log n). The
 * owner provides the locking.
 */
struct iova_tree {
	struct rb_root root;
};

/**
 * struct iova_request - What a free range has to look like
 * @first: lowest acceptable IOVA
 * @last: highest acceptable IOVA, inclusive
 * @length: bytes, not 0
 * @align: power of two, in bytes
 * @offset: the start has to be congruent to this modulo @align; below @align
 */
struct iova_request {
	unsigned long first;
	unsigned long last;
	unsigned long length;
	unsigned long align;
	unsigned long offset;
};

/**
 * iova_tree_neighbours() - Tell whether there is no node between two
 * @lower: a node in a tree
 * @higher: another one, at a higher IOVA
 *
 * Context: the owner's lock, for reading.
 * Return: true if @higher follows @lower.
 */
static inline bool iova_tree_neighbours(const struct iova_node *lower,
					const struct iova_node *higher)
{
	return higher->start - higher->gap == lower->last + 1;
}

void iova_tree_init(struct iova_tree *tree);
bool iova_tree_empty(const struct iova_tree *tree);
void iova_tree_insert(struct iova_tree *tree, struct iova_node *node);
void iova_tree_shrink(struct iova_node *node, unsigned long last);
void iova_tree_remove(struct iova_tree *tree, struct iova_node *first,
		      struct iova_node *last);
struct iova_node *iova_tree_first(const struct iova_tree *tree,
				  unsigned long start, unsigned long last);
struct iova_node *iova_tree_next(const struct iova_node *node,
				 unsigned long last);
int iova_tree_find_free(const struct iova_tree *tree,
			const struct iova_request *request,
			unsigned long *start);
unsigned long iova_tree_largest_gap(const struct iova_tree *tree);
bool iova_tree_valid(const struct iova_tree *tree);

#endif

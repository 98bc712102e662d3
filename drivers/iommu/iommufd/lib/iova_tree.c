// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Taken IOVA, and the search for IOVA that is free.
 *
 * Every node carries the free space between itself and its lower neighbour, and
 * every subtree the largest of these. That is enough to walk from one gap that
 * is large enough to the next one without a look at those in between. The free
 * space above the highest node belongs to no node; the search treats it apart.
 */
#include "iova_tree.h"

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/rbtree_augmented.h>

/*
 * How many gaps that turn out to be misaligned the search accepts before it
 * prefers a larger gap, at a higher address, that cannot disappoint.
 */
#define MISFITS_ACCEPTED 16

static inline unsigned long iova_node_gap(const struct iova_node *node)
{
	return node->gap;
}

RB_DECLARE_CALLBACKS_MAX(static, iova_gap_callbacks, struct iova_node, rb,
			 unsigned long, subtree_gap, iova_node_gap)

static inline struct iova_node *to_iova_node(const struct rb_node *rb)
{
	return rb_entry_safe(rb, struct iova_node, rb);
}

static inline struct iova_node *iova_node_left(const struct iova_node *node)
{
	return to_iova_node(node->rb.rb_left);
}

static inline struct iova_node *iova_node_right(const struct iova_node *node)
{
	return to_iova_node(node->rb.rb_right);
}

static inline unsigned long iova_node_gap_start(const struct iova_node *node)
{
	return node->start - node->gap;
}

/**
 * iova_tree_init() - Make an empty tree
 * @tree: uninitialised memory
 *
 * Context: any.
 */
void iova_tree_init(struct iova_tree *tree)
{
	tree->root = RB_ROOT;
}

/**
 * iova_tree_empty() - Is no IOVA taken?
 * @tree: to look at
 *
 * Context: the owner's lock, for reading.
 * Return: true if there is no node in @tree.
 */
bool iova_tree_empty(const struct iova_tree *tree)
{
	return RB_EMPTY_ROOT(&tree->root);
}

static void warn_if_overlapping(const struct iova_node *node,
				const struct iova_node *lower,
				const struct iova_node *higher)
{
	if (!IS_ENABLED(CONFIG_IOMMUFD_TEST))
		return;
	WARN_ON_ONCE(node->start > node->last);
	WARN_ON_ONCE(lower && lower->last >= node->start);
	WARN_ON_ONCE(higher && higher->start <= node->last);
}

/**
 * iova_tree_insert() - Take a range
 * @tree: to insert into
 * @node: with start and last set; overlaps no node of @tree
 *
 * Neither allocates nor fails.
 *
 * Context: the owner's lock, for writing.
 */
void iova_tree_insert(struct iova_tree *tree, struct iova_node *node)
{
	struct rb_node **link = &tree->root.rb_node, *parent = NULL;
	struct iova_node *lower = NULL, *higher = NULL;

	while (*link) {
		parent = *link;
		if (node->start < to_iova_node(parent)->start) {
			higher = to_iova_node(parent);
			link = &parent->rb_left;
		} else {
			lower = to_iova_node(parent);
			link = &parent->rb_right;
		}
	}
	warn_if_overlapping(node, lower, higher);

	node->gap = lower ? node->start - lower->last - 1 : node->start;
	node->subtree_gap = node->gap;
	rb_link_node(&node->rb, parent, link);
	/*
	 * Both neighbours are ancestors of a leaf. All ancestors have to be right
	 * before the rebalancing, which copies their values around.
	 */
	if (higher) {
		higher->gap -= node->last - iova_node_gap_start(node) + 1;
		iova_gap_callbacks_propagate(parent, &higher->rb);
		iova_gap_callbacks_propagate(&higher->rb, NULL);
	} else {
		iova_gap_callbacks_propagate(parent, NULL);
	}
	rb_insert_augmented(&node->rb, &tree->root, &iova_gap_callbacks);
}

/**
 * iova_tree_shrink() - Give the upper end of a range back
 * @node: a node of a tree
 * @last: its new last IOVA, not below its start and not above its old one
 *
 * Context: the owner's lock, for writing.
 */
void iova_tree_shrink(struct iova_node *node, unsigned long last)
{
	struct iova_node *higher = to_iova_node(rb_next(&node->rb));

	if (higher) {
		higher->gap += node->last - last;
		iova_gap_callbacks_propagate(&higher->rb, NULL);
	}
	node->last = last;
}

/**
 * iova_tree_remove() - Give neighbouring ranges back
 * @tree: to remove from
 * @first: the lowest node to remove
 * @last: the highest one, may be @first; all that are in between go, too
 *
 * Neither allocates nor fails.
 *
 * Context: the owner's lock, for writing.
 */
void iova_tree_remove(struct iova_tree *tree, struct iova_node *first,
		      struct iova_node *last)
{
	struct iova_node *higher = to_iova_node(rb_next(&last->rb));
	struct iova_node *node = first, *next = first;

	/* As in iova_tree_insert(): before the rebalancing, not after it. */
	if (higher) {
		higher->gap += last->last - iova_node_gap_start(first) + 1;
		iova_gap_callbacks_propagate(&higher->rb, NULL);
	}
	do {
		node = next;
		if (node != last)
			next = to_iova_node(rb_next(&node->rb));
		rb_erase_augmented(&node->rb, &tree->root, &iova_gap_callbacks);
	} while (node != last);
}

/**
 * iova_tree_first() - Find the lowest node that overlaps a range
 * @tree: to look at
 * @start: first IOVA of the range
 * @last: last IOVA of the range, inclusive, not below @start
 *
 * Context: the owner's lock, for reading.
 * Return: the node, NULL if the whole range is free.
 */
struct iova_node *iova_tree_first(const struct iova_tree *tree,
				  unsigned long start, unsigned long last)
{
	struct iova_node *node = to_iova_node(tree->root.rb_node);
	struct iova_node *lowest = NULL;

	while (node) {
		if (node->last < start) {
			node = iova_node_right(node);
			continue;
		}
		lowest = node;
		if (node->start <= start)
			break;
		node = iova_node_left(node);
	}
	return lowest && lowest->start <= last ? lowest : NULL;
}

/**
 * iova_tree_next() - Go to the next higher node
 * @node: a node that is in a tree
 * @last: where to stop, IOVA, inclusive
 *
 * Context: the owner's lock, for reading.
 * Return: the next node if it starts at or below @last, else NULL.
 */
struct iova_node *iova_tree_next(const struct iova_node *node,
				 unsigned long last)
{
	struct iova_node *next = to_iova_node(rb_next(&node->rb));

	return next && next->start <= last ? next : NULL;
}

static bool subtree_has_gap(const struct iova_node *node, unsigned long size)
{
	return node && node->subtree_gap >= size;
}

/* The lowest node with a gap of @size in a subtree that is known to have one */
static struct iova_node *lowest_with_gap(struct iova_node *node,
					 unsigned long size)
{
	for (;;) {
		if (subtree_has_gap(iova_node_left(node), size)) {
			node = iova_node_left(node);
			continue;
		}
		if (node->gap >= size)
			return node;
		node = iova_node_right(node);
	}
}

/* The lowest node with a gap of @size among those above @node */
static struct iova_node *next_with_gap(struct iova_node *node,
				       unsigned long size)
{
	struct iova_node *parent;

	if (subtree_has_gap(iova_node_right(node), size))
		return lowest_with_gap(iova_node_right(node), size);

	for (; (parent = to_iova_node(rb_parent(&node->rb))); node = parent) {
		if (&node->rb == parent->rb.rb_right)
			continue;
		if (parent->gap >= size)
			return parent;
		if (subtree_has_gap(iova_node_right(parent), size))
			return lowest_with_gap(iova_node_right(parent), size);
	}
	return NULL;
}

/* The lowest node with a gap of @size that does not end below @first */
static struct iova_node *first_with_gap(const struct iova_tree *tree,
					unsigned long first, unsigned long size)
{
	struct iova_node *node = to_iova_node(tree->root.rb_node);
	struct iova_node *lowest = NULL;

	if (!subtree_has_gap(node, size))
		return NULL;
	if (!first)
		return lowest_with_gap(node, size);

	while (node) {
		if (node->start > first) {
			lowest = node;
			node = iova_node_left(node);
		} else {
			node = iova_node_right(node);
		}
	}
	if (!lowest || lowest->gap >= size)
		return lowest;
	return next_with_gap(lowest, size);
}

/* Place the request as low as possible in the free range @hole to @hole_last */
static int place_in_hole(const struct iova_request *request, unsigned long hole,
			 unsigned long hole_last, unsigned long *start)
{
	unsigned long skip, room;

	hole = max(hole, request->first);
	hole_last = min(hole_last, request->last);
	if (hole > hole_last)
		return -ENOSPC;

	skip = (request->offset - hole) & (request->align - 1);
	room = hole_last - hole;
	if (skip > room || request->length - 1 > room - skip)
		return -ENOSPC;
	*start = hole + skip;
	return 0;
}

/* Try the gaps of @size bytes or more, the lowest first, but only @tries */
static int place_in_gaps(const struct iova_tree *tree,
			 const struct iova_request *request, unsigned long size,
			 unsigned long tries, unsigned long *start)
{
	struct iova_node *node = first_with_gap(tree, request->first, size);

	for (; node; node = next_with_gap(node, size)) {
		if (iova_node_gap_start(node) > request->last)
			return -ENOSPC;
		if (!tries--) {
			*start = iova_node_gap_start(node);
			return -EAGAIN;
		}
		if (!place_in_hole(request, iova_node_gap_start(node),
				   node->start - 1, start))
			return 0;
	}
	return -ENOSPC;
}

/* Try the free space above all nodes */
static int place_at_top(const struct iova_tree *tree,
			const struct iova_request *request,
			unsigned long *start)
{
	const struct iova_node *highest = to_iova_node(rb_last(&tree->root));

	if (!highest)
		return place_in_hole(request, 0, ULONG_MAX, start);
	if (highest->last == ULONG_MAX)
		return -ENOSPC;
	return place_in_hole(request, highest->last + 1, ULONG_MAX, start);
}

/*
 * Of the gaps that are large enough for the request wherever they start, at most
 * the two that the ends of the request cut can turn out not to do.
 */
static int place_in_ample_gap(const struct iova_tree *tree,
			      const struct iova_request *request,
			      unsigned long *start)
{
	unsigned long size;

	if (check_add_overflow(request->length, request->align - 1, &size))
		return -ENOSPC;
	return place_in_gaps(tree, request, size, ULONG_MAX, start);
}

/**
 * iova_tree_largest_gap() - Tell how long the longest free range is
 * @tree: the tree
 *
 * Context: the owner's lock, for reading. O(log n).
 * Return: bytes; ULONG_MAX for an empty tree, whose range is one longer.
 */
unsigned long iova_tree_largest_gap(const struct iova_tree *tree)
{
	struct rb_node *root = tree->root.rb_node;
	struct iova_node *last;

	if (!root)
		return ULONG_MAX;
	last = rb_entry(rb_last(&tree->root), struct iova_node, rb);
	return max(rb_entry(root, struct iova_node, rb)->subtree_gap,
		   ULONG_MAX - last->last);
}

/**
 * iova_tree_find_free() - Find a free range
 * @tree: to look at
 * @request: what the range has to look like
 * @start: set to the first IOVA of the range; with -EAGAIN to where to go on
 *
 * Takes the lowest range that will do, as long as no more than a few gaps are
 * misaligned; then the lowest that has room for any alignment. Both are
 * O(log n). Only if all this fails every gap of the length has to be tried, so
 * that -ENOSPC is the truth. This is linear in the number of such gaps, and up
 * to the caller, who calls again with @request->first set to @start.
 *
 * Context: the owner's lock, for reading.
 * Return: 0; -ENOSPC if there is no such range; -EAGAIN if there may be one
 * from @start on, and none below.
 */
int iova_tree_find_free(const struct iova_tree *tree,
			const struct iova_request *request,
			unsigned long *start)
{
	unsigned long next;
	int ret;

	if (request->first > request->last ||
	    request->length - 1 > request->last - request->first)
		return -ENOSPC;

	ret = place_in_gaps(tree, request, request->length, MISFITS_ACCEPTED,
			    &next);
	if (ret == -EAGAIN && !place_in_ample_gap(tree, request, start))
		return 0;
	if (ret && !place_at_top(tree, request, start))
		return 0;
	if (ret != -ENOSPC)
		*start = next;
	return ret;
}

static bool iova_node_valid(const struct iova_node *node,
			    const struct iova_node *lower)
{
	unsigned long gap = node->start;
	unsigned long largest = node->gap;

	if (node->start > node->last)
		return false;
	if (lower && lower->last >= node->start)
		return false;
	if (lower)
		gap -= lower->last + 1;
	if (iova_node_left(node))
		largest = max(largest, iova_node_left(node)->subtree_gap);
	if (iova_node_right(node))
		largest = max(largest, iova_node_right(node)->subtree_gap);
	return node->gap == gap && node->subtree_gap == largest;
}

/**
 * iova_tree_valid() - Check all that has to be true of a tree
 * @tree: to check
 *
 * Linear in the number of nodes; for tests and for debugging.
 *
 * Context: the owner's lock, for reading.
 * Return: false if a range, the order, a gap or a subtree's gap is wrong.
 */
bool iova_tree_valid(const struct iova_tree *tree)
{
	const struct iova_node *lower = NULL;
	const struct rb_node *rb;

	for (rb = rb_first(&tree->root); rb; rb = rb_next(rb)) {
		if (!iova_node_valid(to_iova_node(rb), lower))
			return false;
		lower = to_iova_node(rb);
	}
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Looking for damage in an interval tree.
 */
#include "interval_check.h"

#include <linux/interval_tree.h>
#include <linux/minmax.h>

#include "invariant.h"

static const struct interval_tree_node *to_interval(const struct rb_node *rb)
{
	return container_of(rb, struct interval_tree_node, rb);
}

static bool node_valid(const struct interval_tree_node *node,
		       const struct interval_tree_node *lower,
		       unsigned long last)
{
	unsigned long subtree_last = node->last;

	if (node->rb.rb_left)
		subtree_last = max(subtree_last,
				   to_interval(node->rb.rb_left)->__subtree_last);
	if (node->rb.rb_right)
		subtree_last = max(subtree_last,
				   to_interval(node->rb.rb_right)->__subtree_last);
	return invariant(node->start <= node->last) &&
	       invariant(node->last <= last) &&
	       invariant(!lower || lower->start <= node->start) &&
	       invariant(node->__subtree_last == subtree_last);
}

/**
 * interval_tree_valid() - Check all that has to be true of an interval tree
 * @root: to check
 * @last: highest value that an interval may end with
 * @count: receives the number of intervals
 *
 * Context: the owner's lock, for reading.
 * Return: false if an interval, the order, or what a node knows about the
 * subtree under it is wrong.
 */
bool interval_tree_valid(const struct rb_root_cached *root, unsigned long last,
			 unsigned long *count)
{
	const struct interval_tree_node *lower = NULL;
	const struct rb_node *rb = rb_first(&root->rb_root);

	*count = 0;
	if (!invariant(root->rb_leftmost == rb))
		return false;
	for (; rb; rb = rb_next(rb)) {
		if (!node_valid(to_interval(rb), lower, last))
			return false;
		lower = to_interval(rb);
		(*count)++;
	}
	return true;
}

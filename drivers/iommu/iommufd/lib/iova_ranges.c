// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Sets of IOVA ranges: what is reserved, and what user space allows.
 */
#include "iova_ranges.h"

#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

static inline struct iova_range *
node_to_iova_range(struct interval_tree_node *node)
{
	return node ? container_of(node, struct iova_range, node) : NULL;
}

static const void *by_owner_key(const struct rb_node *rb)
{
	return rb_entry(rb, struct iova_range, by_owner)->owner;
}

static bool by_owner_less(struct rb_node *a, const struct rb_node *b)
{
	return by_owner_key(a) < by_owner_key(b);
}

static int by_owner_compare(const void *owner, const struct rb_node *rb)
{
	const void *other = by_owner_key(rb);

	return owner < other ? -1 : owner > other;
}

/**
 * iova_ranges_init() - Make an empty set
 * @ranges: uninitialised memory
 *
 * Context: any.
 */
void iova_ranges_init(struct iova_ranges *ranges)
{
	ranges->root = RB_ROOT_CACHED;
	ranges->owners = RB_ROOT;
	ranges->count = 0;
}

/**
 * iova_ranges_empty() - Is there no range?
 * @ranges: to look at
 *
 * Context: the set's lock, for reading.
 * Return: true if @ranges has no range.
 */
bool iova_ranges_empty(const struct iova_ranges *ranges)
{
	return !ranges->count;
}

/**
 * iova_ranges_add() - Add a range
 * @ranges: to add to
 * @start: first IOVA of the range
 * @last: last IOVA of the range, inclusive
 * @owner: whom to name to iova_ranges_remove_owner(), may be NULL
 *
 * The range may overlap others, of the same owner too.
 *
 * Context: process context, may sleep; the set's lock, for writing.
 * Return: 0; -EINVAL if @start is above @last; -ENOMEM.
 */
int iova_ranges_add(struct iova_ranges *ranges, unsigned long start,
		    unsigned long last, const void *owner)
{
	struct iova_range *range;

	if (start > last)
		return -EINVAL;

	range = kmalloc(sizeof(*range), GFP_KERNEL_ACCOUNT);
	if (!range)
		return -ENOMEM;
	range->node.start = start;
	range->node.last = last;
	range->owner = owner;
	interval_tree_insert(&range->node, &ranges->root);
	rb_add(&range->by_owner, &ranges->owners, by_owner_less);
	ranges->count++;
	return 0;
}

static void iova_ranges_remove(struct iova_ranges *ranges,
			       struct iova_range *range)
{
	interval_tree_remove(&range->node, &ranges->root);
	rb_erase(&range->by_owner, &ranges->owners);
	ranges->count--;
	kfree(range);
}

/**
 * iova_ranges_remove_owner() - Remove all ranges of one owner
 * @ranges: to remove from
 * @owner: as given to iova_ranges_add()
 *
 * Takes as long as that owner has ranges, not all of them.
 *
 * Context: the set's lock, for writing.
 */
void iova_ranges_remove_owner(struct iova_ranges *ranges, const void *owner)
{
	struct rb_node *rb;

	while ((rb = rb_find(owner, &ranges->owners, by_owner_compare)))
		iova_ranges_remove(ranges, rb_entry(rb, struct iova_range,
						    by_owner));
}

/**
 * iova_ranges_destroy() - Remove all ranges
 * @ranges: to empty; it can be used again afterwards
 *
 * Context: may sleep; the set's lock, for writing.
 */
void iova_ranges_destroy(struct iova_ranges *ranges)
{
	struct iova_range *range, *next;

	rbtree_postorder_for_each_entry_safe(range, next, &ranges->root.rb_root,
					     node.rb) {
		kfree(range);
		cond_resched();
	}
	iova_ranges_init(ranges);
}

/**
 * iova_ranges_overlap() - Does a range touch the set?
 * @ranges: to look at
 * @start: first IOVA of the range
 * @last: last IOVA of the range, inclusive
 *
 * Context: the set's lock, for reading.
 * Return: true if at least one IOVA from @start to @last is in the set.
 */
bool iova_ranges_overlap(struct iova_ranges *ranges, unsigned long start,
			 unsigned long last)
{
	return iova_ranges_first(ranges, start, last);
}

/**
 * iova_ranges_overlap_set() - Do two sets touch?
 * @ranges: one set
 * @other: the other set, better the one with fewer ranges
 *
 * A range of @other that lies in one before it is not looked at. So many owners
 * that have the same range there take as long as one.
 *
 * Context: the locks of both sets, for reading.
 * Return: true if at least one IOVA is in both.
 */
bool iova_ranges_overlap_set(struct iova_ranges *ranges,
			     struct iova_ranges *other)
{
	struct iova_range *range = iova_ranges_first(other, 0, ULONG_MAX);

	while (range) {
		unsigned long last = range->node.last;

		if (iova_ranges_overlap(ranges, range->node.start, last))
			return true;
		if (last == ULONG_MAX)
			break;
		/* The lowest of those that end behind it. */
		range = iova_ranges_first(other, last + 1, ULONG_MAX);
	}
	return false;
}

/**
 * iova_ranges_first() - Find the first range that overlaps an interval
 * @ranges: to look at
 * @start: first IOVA of the interval
 * @last: last IOVA of the interval, inclusive
 *
 * Context: the set's lock, for reading.
 * Return: of the ranges that overlap, one with the lowest start; NULL if there
 * is none.
 */
struct iova_range *iova_ranges_first(struct iova_ranges *ranges,
				     unsigned long start, unsigned long last)
{
	return node_to_iova_range(interval_tree_iter_first(&ranges->root, start,
							   last));
}

/**
 * iova_ranges_next() - Go to the next range that overlaps an interval
 * @range: what the previous step returned
 * @start: first IOVA of the interval
 * @last: last IOVA of the interval, inclusive
 *
 * Context: the set's lock, for reading.
 * Return: a range that does not start below @range; NULL at the end.
 */
struct iova_range *iova_ranges_next(struct iova_range *range,
				    unsigned long start, unsigned long last)
{
	return node_to_iova_range(interval_tree_iter_next(&range->node, start,
							  last));
}

/**
 * iova_ranges_hole() - Find the next IOVA that is in no range
 * @ranges: to look at
 * @from: where to begin
 * @start: set to the first IOVA of the hole, not below @from
 * @last: set to the last IOVA of the hole, inclusive; ULONG_MAX if no range
 *	follows
 *
 * The hole is as long as possible, but one that begins below @from is reported
 * from there on.
 *
 * Context: the set's lock, for reading.
 * Return: false if everything from @from on is in some range; then @start and
 * @last are untouched.
 */
bool iova_ranges_hole(struct iova_ranges *ranges, unsigned long from,
		      unsigned long *start, unsigned long *last)
{
	struct iova_range *range;

	while ((range = iova_ranges_first(ranges, from, from))) {
		if (range->node.last == ULONG_MAX)
			return false;
		from = range->node.last + 1;
	}
	*start = from;
	range = iova_ranges_first(ranges, from, ULONG_MAX);
	*last = range ? range->node.start - 1 : ULONG_MAX;
	return true;
}

/**
 * iova_ranges_holes() - List the holes between the ranges
 * @ranges: to look at
 * @out: where to write the holes, ascending; may be NULL if @capacity is 0
 * @capacity: number of entries that fit into @out
 *
 * Context: the set's lock, for reading.
 * Return: how many holes there are, those that did not fit included.
 */
size_t iova_ranges_holes(struct iova_ranges *ranges,
			 struct iommu_iova_range *out, size_t capacity)
{
	unsigned long start, last, from = 0;
	size_t count = 0;

	while (iova_ranges_hole(ranges, from, &start, &last)) {
		if (count < capacity) {
			out[count].start = start;
			out[count].last = last;
		}
		count++;
		if (last == ULONG_MAX)
			break;
		from = last + 1;
	}
	return count;
}

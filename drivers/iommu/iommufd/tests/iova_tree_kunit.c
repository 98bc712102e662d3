// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The tree of taken IOVA against an array of cells. Runs in the kernel and in
 * user space, see tools/testing/iommufd.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include "lib/iova_tree.h"
#include "test_random.h"

#define TOP_BIT (1UL << (BITS_PER_LONG - 1))
#define UNTOUCHED 0x5eedUL

#define CELL_BITS 7
#define CELLS 128U

/* So few gaps that the search never prefers a higher, ampler one */
#define FEW_NODES 15

#define STEPS 3000

/* Where the cells lie and how large one is */
struct place {
	const char *name;
	unsigned long base;
	unsigned int shift;
};

static const struct place places[] = {
	{ "bytes at the bottom", 0, 0 },
	{ "bytes somewhere", 0x12345, 0 },
	{ "bytes at the top", ULONG_MAX - CELLS + 1, 0 },
	{ "pages at the bottom", 0, PAGE_SHIFT },
	{ "pages across the sign bit", TOP_BIT - 8 * PAGE_SIZE, PAGE_SHIFT },
	{ "pages at the top", -((unsigned long)CELLS << PAGE_SHIFT),
	  PAGE_SHIFT },
	{ "the whole space", 0, BITS_PER_LONG - CELL_BITS },
};

KUNIT_ARRAY_PARAM_DESC(places, places, name);

/* The search to its end, which has to come nearer with each step. */
static int find_free(const struct iova_tree *tree,
		     const struct iova_request *request, unsigned long *start)
{
	struct iova_request rest = *request;
	int ret;

	while ((ret = iova_tree_find_free(tree, &rest, start)) == -EAGAIN) {
		if (*start <= rest.first)
			return -EDEADLK;
		rest.first = *start;
		*start = UNTOUCHED;
	}
	return ret;
}

struct cell_node {
	struct iova_node node;
	unsigned int first;
	unsigned int last;
};

/* The tree, and the model: which node a cell belongs to */
struct space {
	const struct place *place;
	struct iova_tree tree;
	struct test_random random;
	struct cell_node nodes[CELLS];
	struct cell_node *taken[CELLS];
	unsigned int nnodes;
};

static unsigned long cell_start(const struct space *space, unsigned int cell)
{
	return space->place->base + ((unsigned long)cell << space->place->shift);
}

static unsigned long cell_last(const struct space *space, unsigned int cell)
{
	return cell_start(space, cell) + (1UL << space->place->shift) - 1;
}

static unsigned long random_in_cell(struct space *space, unsigned int cell)
{
	unsigned long mask = (1UL << space->place->shift) - 1;

	return cell_start(space, cell) + (test_random_u64(&space->random) & mask);
}

/* Two cells in ascending order */
static void random_window(struct space *space, unsigned int *first,
			  unsigned int *last)
{
	*first = test_random_below(&space->random, CELLS);
	*last = *first + test_random_below(&space->random, CELLS - *first);
}

static bool cells_free(const struct space *space, unsigned int first,
		       unsigned int last)
{
	for (; first <= last; first++)
		if (first >= CELLS || space->taken[first])
			return false;
	return true;
}

static void mark_cells(struct space *space, const struct cell_node *node,
		       struct cell_node *owner)
{
	unsigned int cell;

	for (cell = node->first; cell <= node->last; cell++)
		space->taken[cell] = owner;
}

static void space_insert(struct space *space, unsigned int longest)
{
	unsigned int first = test_random_below(&space->random, CELLS);
	unsigned int last = first + test_random_below(&space->random, longest);
	struct cell_node *node;

	/* A node always sits in the slot of its first cell. */
	if (!cells_free(space, first, last))
		return;
	node = &space->nodes[first];
	node->first = first;
	node->last = last;
	node->node.start = cell_start(space, first);
	node->node.last = cell_last(space, last);
	iova_tree_insert(&space->tree, &node->node);
	mark_cells(space, node, node);
	space->nnodes++;
}

static struct cell_node *next_taken(struct space *space,
				    const struct cell_node *node)
{
	unsigned int cell;

	for (cell = node->last + 1; cell < CELLS; cell++)
		if (space->taken[cell])
			return space->taken[cell];
	return NULL;
}

/* One node mostly, or some neighbours. */
static void space_remove(struct kunit *test, struct space *space)
{
	unsigned int cell = test_random_below(&space->random, CELLS);
	unsigned int more = test_random_below(&space->random, 8);
	struct cell_node *first = space->taken[cell], *last = first, *next;

	if (!first)
		return;
	space->nnodes--;
	for (; more > 3 && (next = next_taken(space, last)); more--) {
		KUNIT_ASSERT_TRUE(test, iova_tree_neighbours(&last->node,
							     &next->node));
		if (last != first)
			KUNIT_ASSERT_FALSE(test,
					   iova_tree_neighbours(&first->node,
								&next->node));
		last = next;
		space->nnodes--;
	}
	iova_tree_remove(&space->tree, &first->node, &last->node);
	for (; first != last; first = next) {
		next = next_taken(space, first);
		mark_cells(space, first, NULL);
	}
	mark_cells(space, last, NULL);
}

static void space_shrink(struct space *space)
{
	unsigned int cell = test_random_below(&space->random, CELLS);
	struct cell_node *node = space->taken[cell];

	if (!node || cell == node->last)
		return;
	iova_tree_shrink(&node->node, cell_last(space, cell));
	mark_cells(space, node, NULL);
	node->last = cell;
	mark_cells(space, node, node);
}

/* Every node that overlaps a window is found, in order, and no other */
static void check_walk(struct kunit *test, struct space *space)
{
	struct cell_node *expected = NULL;
	unsigned int first, last, cell;
	unsigned long start, end;
	struct iova_node *node;

	random_window(space, &first, &last);
	start = random_in_cell(space, first);
	end = max(random_in_cell(space, last), start);

	node = iova_tree_first(&space->tree, start, end);
	for (cell = first; cell <= last; cell++) {
		if (!space->taken[cell] || space->taken[cell] == expected)
			continue;
		expected = space->taken[cell];
		KUNIT_ASSERT_PTR_EQ(test, node, &expected->node);
		node = iova_tree_next(node, end);
	}
	KUNIT_ASSERT_NULL(test, node);
}

static void random_request(struct space *space, struct iova_request *request,
			   unsigned int *first, unsigned int *last)
{
	unsigned long unit = 1UL << space->place->shift;
	unsigned int ncells = 1 + test_random_below(&space->random, 6);
	unsigned int align_bits = test_random_below(&space->random,
						    BITS_PER_LONG);

	if (test_random_chance(&space->random, 8))
		ncells = 1 + test_random_below(&space->random, CELLS);
	if (!test_random_chance(&space->random, 8))
		align_bits = min(align_bits, space->place->shift +
				 test_random_below(&space->random, 4));

	random_window(space, first, last);
	if (test_random_chance(&space->random, 4)) {
		*first = 0;
		*last = CELLS - 1;
	}
	request->first = cell_start(space, *first);
	request->last = cell_last(space, *last);
	request->align = 1UL << align_bits;
	request->offset = test_random_u64(&space->random) &
			  (request->align - 1) & ~(unit - 1);
	/* The length of the whole space is one too many for the type. */
	request->length = (unsigned long)ncells << space->place->shift;
	if (!request->length ||
	    (unit > 1 && test_random_chance(&space->random, 4)))
		request->length--;
}

static bool request_accepts(const struct iova_request *request,
			    unsigned long start)
{
	return start >= request->first && start <= request->last &&
	       request->length - 1 <= request->last - start &&
	       start % request->align == request->offset;
}

static bool range_free(const struct space *space, unsigned long start,
		       unsigned long length)
{
	unsigned long offset = start - space->place->base;
	unsigned int first = offset >> space->place->shift;
	unsigned int last = (offset + length - 1) >> space->place->shift;

	return cells_free(space, first, last);
}

/*
 * The lowest cell at which the request can be placed, or CELLS. If the alignment
 * is at least a cell the offset is a multiple of one; else the offset is 0. So
 * nothing but the start of a cell can be the lowest place.
 */
static unsigned int model_find(const struct space *space,
			       const struct iova_request *request,
			       unsigned int first, unsigned int last)
{
	for (; first <= last; first++)
		if (request_accepts(request, cell_start(space, first)) &&
		    range_free(space, cell_start(space, first),
			       request->length))
			return first;
	return CELLS;
}

static void check_find(struct kunit *test, struct space *space)
{
	unsigned long start = UNTOUCHED;
	struct iova_request request;
	unsigned int first, last, cell;
	int ret;

	random_request(space, &request, &first, &last);
	cell = model_find(space, &request, first, last);
	ret = find_free(&space->tree, &request, &start);
	if (cell == CELLS) {
		KUNIT_ASSERT_EQ(test, ret, -ENOSPC);
		KUNIT_ASSERT_EQ(test, start, UNTOUCHED);
		return;
	}
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_ASSERT_TRUE(test, request_accepts(&request, start));
	KUNIT_ASSERT_TRUE(test, range_free(space, start, request.length));
	if (space->nnodes <= FEW_NODES)
		KUNIT_ASSERT_EQ(test, start, cell_start(space, cell));
}

static struct space *new_space(struct kunit *test)
{
	struct space *space = kunit_kzalloc(test, sizeof(*space), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, space);
	space->place = test->param_value;
	space->random.state = test_seed();
	iova_tree_init(&space->tree);
	kunit_info(test, "seed %lu", test_seed());
	return space;
}

static void random_operations(struct kunit *test)
{
	struct space *space = new_space(test);
	unsigned int step, longest = 1, removals = 1;

	for (step = 0; step < STEPS; step++) {
		/* Now crowded with small nodes, now a few large ones */
		if (step % 200 == 0) {
			longest = 1U << test_random_below(&space->random, 6);
			removals = 2 + test_random_below(&space->random, 4);
		}
		if (test_random_chance(&space->random, removals))
			space_remove(test, space);
		else if (test_random_chance(&space->random, 8))
			space_shrink(space);
		else
			space_insert(space, longest);
		KUNIT_ASSERT_TRUE(test, iova_tree_valid(&space->tree));
		KUNIT_ASSERT_EQ(test, iova_tree_empty(&space->tree),
				!space->nnodes);
		check_walk(test, space);
		check_find(test, space);
	}
}

struct find_case {
	const char *name;
	struct {
		unsigned long start;
		unsigned long last;
	} taken[3];
	unsigned int ntaken;
	struct iova_request request;
	int ret;
	unsigned long start;
};

#define REQUEST(_first, _last, _length, _align, _offset)              \
	{ .first = _first, .last = _last, .length = _length,          \
	  .align = _align, .offset = _offset }

static const struct find_case find_cases[] = {
	{ "one byte of everything", {}, 0,
	  REQUEST(0, ULONG_MAX, 1, 1, 0), 0, 0 },
	{ "all bytes but one", {}, 0,
	  REQUEST(0, ULONG_MAX, ULONG_MAX, 1, 0), 0, 0 },
	{ "all bytes but the first", {}, 0,
	  REQUEST(1, ULONG_MAX, ULONG_MAX, 1, 0), 0, 1 },
	{ "longer than the window", {}, 0,
	  REQUEST(2, ULONG_MAX, ULONG_MAX, 1, 0), -ENOSPC },
	{ "window upside down", {}, 0,
	  REQUEST(2, 1, 1, 1, 0), -ENOSPC },
	{ "window upside down at the ends", {}, 0,
	  REQUEST(ULONG_MAX, 0, 1, 1, 0), -ENOSPC },
	{ "last byte", {}, 0,
	  REQUEST(ULONG_MAX, ULONG_MAX, 1, 1, 0), 0, ULONG_MAX },
	{ "beyond the last byte", {}, 0,
	  REQUEST(ULONG_MAX, ULONG_MAX, 2, 1, 0), -ENOSPC },
	{ "alignment would wrap", {}, 0,
	  REQUEST(ULONG_MAX - 10, ULONG_MAX, 1, 16, 0), -ENOSPC },
	{ "alignment would wrap above a node",
	  { { 0, ULONG_MAX - 11 } }, 1,
	  REQUEST(0, ULONG_MAX, 1, 16, 0), -ENOSPC },
	{ "largest alignment", {}, 0,
	  REQUEST(1, ULONG_MAX, 1, TOP_BIT, 0), 0, TOP_BIT },
	{ "largest alignment and offset", {}, 0,
	  REQUEST(0, ULONG_MAX, 1, TOP_BIT, TOP_BIT - 1), 0, TOP_BIT - 1 },
	{ "largest alignment and offset, upper half", {}, 0,
	  REQUEST(TOP_BIT, ULONG_MAX, 1, TOP_BIT, TOP_BIT - 1), 0, ULONG_MAX },
	{ "upper half", {}, 0,
	  REQUEST(1, ULONG_MAX, TOP_BIT, TOP_BIT, 0), 0, TOP_BIT },
	{ "upper half above a node", { { 0, 0 } }, 1,
	  REQUEST(0, ULONG_MAX, TOP_BIT, TOP_BIT, 0), 0, TOP_BIT },
	{ "more than the upper half", {}, 0,
	  REQUEST(1, ULONG_MAX, TOP_BIT + 1, TOP_BIT, 0), -ENOSPC },
	{ "offset", {}, 0,
	  REQUEST(0x1235, ULONG_MAX, 1, 0x1000, 0x234), 0, 0x2234 },
	{ "offset already met", {}, 0,
	  REQUEST(0x1234, ULONG_MAX, 1, 0x1000, 0x234), 0, 0x1234 },
	{ "all taken", { { 0, ULONG_MAX } }, 1,
	  REQUEST(0, ULONG_MAX, 1, 1, 0), -ENOSPC },
	{ "all but the last byte taken", { { 0, ULONG_MAX - 1 } }, 1,
	  REQUEST(0, ULONG_MAX, 1, 1, 0), 0, ULONG_MAX },
	{ "all but the first byte taken", { { 1, ULONG_MAX } }, 1,
	  REQUEST(0, ULONG_MAX, 1, 1, 0), 0, 0 },
	{ "first byte is outside the window", { { 1, ULONG_MAX } }, 1,
	  REQUEST(1, ULONG_MAX, 1, 1, 0), -ENOSPC },
	{ "exactly a gap", { { 0, 9 }, { 14, 20 }, { 25, ULONG_MAX } }, 3,
	  REQUEST(0, ULONG_MAX, 4, 1, 0), 0, 10 },
	{ "one byte more than the gaps",
	  { { 0, 9 }, { 14, 20 }, { 25, ULONG_MAX } }, 3,
	  REQUEST(0, ULONG_MAX, 5, 1, 0), -ENOSPC },
	{ "second gap is aligned",
	  { { 0, 8 }, { 13, 15 }, { 20, ULONG_MAX } }, 3,
	  REQUEST(0, ULONG_MAX, 4, 8, 0), 0, 16 },
	{ "window cuts the first gap",
	  { { 0, 9 }, { 14, 20 }, { 25, ULONG_MAX } }, 3,
	  REQUEST(11, ULONG_MAX, 4, 1, 0), 0, 21 },
	{ "rest of the first gap",
	  { { 0, 9 }, { 14, 20 }, { 25, ULONG_MAX } }, 3,
	  REQUEST(11, ULONG_MAX, 3, 1, 0), 0, 11 },
	{ "window cuts the last gap",
	  { { 0, 9 }, { 14, 20 }, { 25, ULONG_MAX } }, 3,
	  REQUEST(12, 23, 4, 1, 0), -ENOSPC },
	{ "rest of the last gap",
	  { { 0, 9 }, { 14, 20 }, { 25, ULONG_MAX } }, 3,
	  REQUEST(12, 23, 3, 1, 0), 0, 21 },
	{ "window within a gap", { { 0, 9 }, { 100, ULONG_MAX } }, 2,
	  REQUEST(20, 29, 10, 1, 0), 0, 20 },
	{ "window within a node", { { 10, 99 } }, 1,
	  REQUEST(20, 29, 1, 1, 0), -ENOSPC },
	{ "window ends at a node", { { 10, 99 } }, 1,
	  REQUEST(5, 10, 5, 1, 0), 0, 5 },
	{ "window begins in the highest node", { { 10, 99 } }, 1,
	  REQUEST(50, ULONG_MAX, 1, 1, 0), 0, 100 },
	{ "window begins with a node", { { 10, 99 }, { 110, 119 } }, 2,
	  REQUEST(10, ULONG_MAX, 10, 1, 0), 0, 100 },
	{ "window ends below all nodes", { { 100, 199 } }, 1,
	  REQUEST(0, 9, 10, 1, 0), 0, 0 },
	{ "window begins above all nodes", { { 100, 199 } }, 1,
	  REQUEST(300, 309, 10, 1, 0), 0, 300 },
};

KUNIT_ARRAY_PARAM_DESC(find_cases, find_cases, name);

static void find_free_edges(struct kunit *test)
{
	const struct find_case *param = test->param_value;
	struct iova_node nodes[ARRAY_SIZE(param->taken)];
	unsigned long start = UNTOUCHED;
	struct iova_tree tree;
	unsigned int i;
	int ret;

	iova_tree_init(&tree);
	for (i = 0; i < param->ntaken; i++) {
		nodes[i].start = param->taken[i].start;
		nodes[i].last = param->taken[i].last;
		iova_tree_insert(&tree, &nodes[i]);
	}
	KUNIT_ASSERT_TRUE(test, iova_tree_valid(&tree));

	ret = find_free(&tree, &param->request, &start);
	KUNIT_EXPECT_EQ(test, ret, param->ret);
	KUNIT_EXPECT_EQ(test, start, ret ? UNTOUCHED : param->start);
}

#define NGAPS 64U

/*
 * Nodes that leave NGAPS gaps of four bytes at 1 modulo 8, the one below node
 * @fitting at 0 modulo 8.
 */
static void make_misaligned_gaps(struct iova_tree *tree,
				 struct iova_node *nodes, unsigned int fitting)
{
	unsigned int i;

	iova_tree_init(tree);
	for (i = 0; i < NGAPS; i++) {
		nodes[i].start = i * 8 + 5;
		nodes[i].last = i * 8 + 8;
		if (i == fitting)
			nodes[i].start--;
		if (i + 1 == fitting)
			nodes[i].last--;
		iova_tree_insert(tree, &nodes[i]);
	}
	/* The space below the first node is no gap of this series. */
	nodes[NGAPS].start = 0;
	nodes[NGAPS].last = 0;
	iova_tree_insert(tree, &nodes[NGAPS]);
}

static void find_free_misaligned(struct kunit *test)
{
	struct iova_request request = REQUEST(0, NGAPS * 8, 4, 8, 0);
	unsigned int fitting;
	struct iova_node *nodes;
	struct iova_tree tree;
	unsigned long start;

	nodes = kunit_kzalloc(test, (NGAPS + 1) * sizeof(*nodes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, nodes);

	/* However late it comes, the only gap that fits is found. */
	for (fitting = 1; fitting < NGAPS; fitting++) {
		make_misaligned_gaps(&tree, nodes, fitting);
		KUNIT_ASSERT_TRUE(test, iova_tree_valid(&tree));
		KUNIT_ASSERT_EQ(test, 0, find_free(&tree, &request, &start));
		KUNIT_ASSERT_EQ(test, start, fitting * 8UL);
	}
	make_misaligned_gaps(&tree, nodes, NGAPS);
	start = UNTOUCHED;
	KUNIT_EXPECT_EQ(test, -ENOSPC, find_free(&tree, &request, &start));
	KUNIT_EXPECT_EQ(test, start, UNTOUCHED);
}

/*
 * An early gap that fits is taken. A late one is not worth the search: instead
 * of it comes the lowest with room to align in, and only then the top.
 */
static void find_free_prefers_low(struct kunit *test)
{
	struct iova_request request = REQUEST(0, ULONG_MAX, 4, 8, 0);
	struct iova_node *nodes;
	struct iova_tree tree;
	unsigned long start;

	nodes = kunit_kzalloc(test, (NGAPS + 1) * sizeof(*nodes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, nodes);

	make_misaligned_gaps(&tree, nodes, 4);
	KUNIT_ASSERT_EQ(test, 0, find_free(&tree, &request, &start));
	KUNIT_EXPECT_EQ(test, start, 4 * 8UL);

	make_misaligned_gaps(&tree, nodes, NGAPS - 1);
	KUNIT_ASSERT_EQ(test, 0, find_free(&tree, &request, &start));
	KUNIT_EXPECT_EQ(test, start, NGAPS * 8UL + 8);

	iova_tree_remove(&tree, &nodes[40], &nodes[40]);
	KUNIT_ASSERT_EQ(test, 0, find_free(&tree, &request, &start));
	KUNIT_EXPECT_EQ(test, start, 41 * 8UL);
}

#define NORDERED 512

enum order { ASCENDING, DESCENDING, INSIDE_OUT };

static unsigned int in_order(enum order order, unsigned int i)
{
	switch (order) {
	case ASCENDING:
		return i;
	case DESCENDING:
		return NORDERED - 1 - i;
	default:
		return NORDERED / 2 + (i & 1 ? -(int)(i + 1) / 2 : (int)i / 2);
	}
}

static void check_order(struct kunit *test, struct iova_node *nodes,
			enum order in, enum order out)
{
	struct iova_node *node;
	struct iova_tree tree;
	unsigned int i;

	iova_tree_init(&tree);
	for (i = 0; i < NORDERED; i++) {
		iova_tree_insert(&tree, &nodes[in_order(in, i)]);
		KUNIT_ASSERT_TRUE(test, iova_tree_valid(&tree));
	}
	for (i = 0; i < NORDERED; i++) {
		KUNIT_ASSERT_FALSE(test, iova_tree_empty(&tree));
		node = &nodes[in_order(out, i)];
		iova_tree_remove(&tree, node, node);
		KUNIT_ASSERT_TRUE(test, iova_tree_valid(&tree));
	}
	KUNIT_ASSERT_TRUE(test, iova_tree_empty(&tree));
}

static void insert_remove_orders(struct kunit *test)
{
	struct iova_node *nodes;
	unsigned int i;

	nodes = kunit_kcalloc(test, NORDERED, sizeof(*nodes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, nodes);
	/* The distance to the lower neighbour takes each value several times. */
	for (i = 0; i < NORDERED; i++) {
		nodes[i].start = i * 64UL + i * 7 % 60;
		nodes[i].last = i * 64UL + 63;
	}
	for (i = 0; i < 9; i++)
		check_order(test, nodes, i / 3, i % 3);
}

/* A check that never says no is none. */
static void largest_gap_is_known(struct kunit *test)
{
	struct iova_node low = { .start = 0x1000, .last = 0x1fff };
	struct iova_node middle = { .start = 0x9000, .last = 0x9fff };
	struct iova_node high = { .start = 0xa000, .last = ULONG_MAX };
	struct iova_tree tree;

	iova_tree_init(&tree);
	KUNIT_EXPECT_EQ(test, iova_tree_largest_gap(&tree), ULONG_MAX);
	iova_tree_insert(&tree, &low);
	KUNIT_EXPECT_EQ(test, iova_tree_largest_gap(&tree), ULONG_MAX - 0x1fff);
	iova_tree_insert(&tree, &high);
	KUNIT_EXPECT_EQ(test, iova_tree_largest_gap(&tree), 0x8000);
	iova_tree_insert(&tree, &middle);
	KUNIT_EXPECT_EQ(test, iova_tree_largest_gap(&tree), 0x7000);
	iova_tree_remove(&tree, &low, &low);
	KUNIT_EXPECT_EQ(test, iova_tree_largest_gap(&tree), 0x9000);
	iova_tree_remove(&tree, &middle, &middle);
	iova_tree_remove(&tree, &high, &high);
	KUNIT_EXPECT_EQ(test, iova_tree_largest_gap(&tree), ULONG_MAX);
}

static void valid_sees_damage(struct kunit *test)
{
	struct iova_node low = { .start = 10, .last = 19 };
	struct iova_node high = { .start = 30, .last = 39 };
	struct iova_tree tree;

	iova_tree_init(&tree);
	iova_tree_insert(&tree, &low);
	iova_tree_insert(&tree, &high);
	KUNIT_EXPECT_TRUE(test, iova_tree_valid(&tree));

	high.gap++;
	KUNIT_EXPECT_FALSE(test, iova_tree_valid(&tree));
	high.gap--;
	low.subtree_gap++;
	KUNIT_EXPECT_FALSE(test, iova_tree_valid(&tree));
	low.subtree_gap--;
	low.last = 30;
	KUNIT_EXPECT_FALSE(test, iova_tree_valid(&tree));
	low.last = 9;
	KUNIT_EXPECT_FALSE(test, iova_tree_valid(&tree));
	low.last = 19;
	KUNIT_EXPECT_TRUE(test, iova_tree_valid(&tree));
}

static struct kunit_case iova_tree_cases[] = {
	KUNIT_CASE_PARAM(find_free_edges, find_cases_gen_params),
	KUNIT_CASE(find_free_misaligned),
	KUNIT_CASE(find_free_prefers_low),
	KUNIT_CASE(insert_remove_orders),
	KUNIT_CASE(largest_gap_is_known),
	KUNIT_CASE(valid_sees_damage),
	KUNIT_CASE_PARAM(random_operations, places_gen_params),
	{}
};

static struct kunit_suite iova_tree_suite = {
	.name = "iommufd_iova_tree",
	.test_cases = iova_tree_cases,
};

kunit_test_suite(iova_tree_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Counts how many nodes the search for free IOVA looks at. All ways to a node
 * go through rb_entry_safe(), so a copy of the code in which that one counts is
 * enough. Unlike a measurement of time it gives the same result every day.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/rbtree.h>

#define iova_tree_init counted_init
#define iova_tree_empty counted_empty
#define iova_tree_insert counted_insert
#define iova_tree_remove counted_remove
#define iova_tree_shrink counted_shrink
#define iova_tree_first counted_first
#define iova_tree_next counted_next
#define iova_tree_find_free counted_find_free
#define iova_tree_largest_gap counted_largest_gap
#define iova_tree_valid counted_valid

static unsigned long steps;

#undef rb_entry_safe
#define rb_entry_safe(pointer, type, member)                              \
	({                                                                \
		typeof(pointer) __pointer = (pointer);                    \
									  \
		steps++;                                                  \
		__pointer ? rb_entry(__pointer, type, member) : NULL;     \
	})

#include "lib/iova_tree.c"
#include "tests/test_random.h"

#define SEARCHES 2000

struct size {
	const char *name;
	unsigned long nnodes;
	unsigned int height;
};

/* The height is that of a red-black tree at its worst: 2 * log2(n + 1). */
static const struct size sizes[] = {
	{ "1 000 nodes", 1000, 20 },
	{ "100 000 nodes", 100000, 34 },
	{ "1 000 000 nodes", 1000000, 40 },
};

KUNIT_ARRAY_PARAM_DESC(sizes, sizes, name);

/* On its way a search looks at a node, and at both children of it. */
#define STEPS_PER_LEVEL 3

/* Up and down again */
static unsigned long steps_of_one_gap(const struct size *size)
{
	return 2 * STEPS_PER_LEVEL * size->height;
}

/* Each misfit, at most three gaps that are ample, the way to the top */
static unsigned long steps_of_search(const struct size *size)
{
	return (MISFITS_ACCEPTED + 3 + 1) * steps_of_one_gap(size);
}

static unsigned long count(struct kunit *test, const struct iova_tree *tree,
			   const struct iova_request *request)
{
	unsigned long start;

	steps = 0;
	KUNIT_ASSERT_EQ(test, 0, iova_tree_find_free(tree, request, &start));
	return steps;
}

/* Every second page is taken, in an order that makes no regular tree. */
static struct iova_node *new_nodes(struct kunit *test, struct iova_tree *tree,
				   const struct size *size)
{
	struct iova_node *nodes;
	unsigned long i, at = 0;

	nodes = kunit_kcalloc(test, size->nnodes, sizeof(*nodes), GFP_KERNEL);
	iova_tree_init(tree);
	for (i = 0; i < size->nnodes; i++) {
		/* A prime that divides none of the sizes: reaches each node */
		at = (at + 611953) % size->nnodes;
		nodes[at].start = at * 2 * PAGE_SIZE;
		nodes[at].last = nodes[at].start + PAGE_SIZE - 1;
		iova_tree_insert(tree, &nodes[at]);
	}
	KUNIT_ASSERT_TRUE(test, iova_tree_valid(tree));
	return nodes;
}

static void find_free_is_logarithmic(struct kunit *test)
{
	const struct size *size = test->param_value;
	struct iova_request request = {
		.last = ULONG_MAX, .align = PAGE_SIZE, .length = PAGE_SIZE,
	};
	struct iova_tree tree;
	unsigned long most;

	new_nodes(test, &tree, size);

	/* The lowest gap fits. */
	most = count(test, &tree, &request);
	KUNIT_EXPECT_LE(test, most, steps_of_one_gap(size));
	/* No gap is large enough: known at the root, then the top. */
	request.length = 2 * PAGE_SIZE;
	most = count(test, &tree, &request);
	KUNIT_EXPECT_LE(test, most, 4UL);
	/* Every gap is large enough, none is aligned. */
	request.length = PAGE_SIZE;
	request.align = 2 * PAGE_SIZE;
	most = count(test, &tree, &request);
	KUNIT_EXPECT_LE(test, most, steps_of_search(size));
	kunit_info(test, "misaligned: %lu steps", most);
}

static void find_free_in_windows_is_logarithmic(struct kunit *test)
{
	const struct size *size = test->param_value;
	struct test_random random = { .state = test_seed() };
	struct iova_request request = {
		.last = ULONG_MAX, .length = PAGE_SIZE,
	};
	unsigned long i, most = 0;
	struct iova_node *nodes;
	struct iova_tree tree;

	nodes = new_nodes(test, &tree, size);
	for (i = 0; i < SEARCHES; i++) {
		/* Some larger gaps here and there; the first node stays. */
		unsigned long at = 1 + test_random_below(&random,
							 size->nnodes - 1);

		if (i % 8 == 0 && nodes[at].start) {
			iova_tree_remove(&tree, &nodes[at], &nodes[at]);
			nodes[at].start = 0;
		}
		request.first = at * 2 * PAGE_SIZE +
				test_random_below(&random, 2 * PAGE_SIZE);
		request.align = PAGE_SIZE << test_random_below(&random, 3);
		request.length = PAGE_SIZE << test_random_below(&random, 2);
		most = max(most, count(test, &tree, &request));
	}
	KUNIT_EXPECT_LE(test, most, steps_of_search(size));
	kunit_info(test, "at most %lu steps", most);
}

static void lookup_is_logarithmic(struct kunit *test)
{
	const struct size *size = test->param_value;
	struct test_random random = { .state = test_seed() };
	struct iova_node *nodes, *found;
	struct iova_tree tree;
	unsigned long i, at, most = 0;

	nodes = new_nodes(test, &tree, size);
	for (i = 0; i < SEARCHES; i++) {
		at = test_random_below(&random, size->nnodes);
		steps = 0;
		found = iova_tree_first(&tree, nodes[at].last, ULONG_MAX);
		KUNIT_ASSERT_PTR_EQ(test, found, &nodes[at]);
		most = max(most, steps);
	}
	KUNIT_EXPECT_LE(test, most, (unsigned long)size->height + 1);
	kunit_info(test, "at most %lu steps", most);
}

static struct kunit_case steps_cases[] = {
	KUNIT_CASE_PARAM(find_free_is_logarithmic, sizes_gen_params),
	KUNIT_CASE_PARAM(find_free_in_windows_is_logarithmic,
			 sizes_gen_params),
	KUNIT_CASE_PARAM(lookup_is_logarithmic, sizes_gen_params),
	{}
};

static struct kunit_suite steps_suite = {
	.name = "iommufd_iova_tree_steps",
	.test_cases = steps_cases,
};

kunit_test_suite(steps_suite);

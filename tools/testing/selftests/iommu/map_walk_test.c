// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A random walk of IOAS_MAP, IOAS_COPY and IOAS_UNMAP beside a model that cannot
 * be wrong: an array of page owners. Without any device.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "lib/map_fixture.h"

#define WALK_PAGES	48
#define WALK_STEPS	3000

struct walk {
	int fd;
	__u32 id;
	char *buffer;
	int next_area;
	/* Which area holds a page, 0 for none, and what may be done with it. */
	int area[WALK_PAGES];
	bool writable[WALK_PAGES];
	/* Whether the copy under way asks for the right to write. */
	bool copy_writable;
};

static __u64 walk_iova(int page)
{
	return ioas_rig_iova(page);
}

static bool walk_is_free(const struct walk *walk, int page, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (walk->area[page + i])
			return false;
	return true;
}

static void walk_set(struct walk *walk, int page, int count, bool writable)
{
	int i;

	walk->next_area++;
	for (i = 0; i < count; i++) {
		walk->area[page + i] = walk->next_area;
		walk->writable[page + i] = writable;
	}
}

static int walk_map_model(struct walk *walk, int page, int count, bool writable)
{
	if (!walk_is_free(walk, page, count))
		return -EEXIST;
	walk_set(walk, page, count, writable);
	return 0;
}

static int walk_map(struct walk *walk, int page, int count, bool writable)
{
	struct iommu_ioas_map map =
		ioas_map_of(walk->id, walk->buffer, count * PAGE_SIZE,
			    IOMMU_IOAS_MAP_FIXED_IOVA | MAP_READ |
			    (writable ? MAP_WRITE : 0));

	map.iova = walk_iova(page);
	return ioas_map(walk->fd, &map);
}

static bool walk_cuts(const struct walk *walk, int page, int count)
{
	int end = page + count;

	if (page && walk->area[page] && walk->area[page] == walk->area[page - 1])
		return true;
	return end < WALK_PAGES && walk->area[end] &&
	       walk->area[end] == walk->area[end - 1];
}

static int walk_unmap_model(struct walk *walk, int page, int count,
			    __u64 *unmapped)
{
	int i;

	*unmapped = 0;
	if (walk_is_free(walk, page, count) || walk_cuts(walk, page, count))
		return -ENOENT;
	for (i = page; i < page + count; i++) {
		*unmapped += walk->area[i] ? PAGE_SIZE : 0;
		walk->area[i] = 0;
	}
	return 0;
}

/* A copy within the same IOAS; each source area becomes one of its own. */
static void walk_copy_pages(struct walk *walk, int from, int to, int count)
{
	int i, source = 0;

	for (i = 0; i < count; i++) {
		if (walk->area[from + i] != source)
			walk->next_area++;
		source = walk->area[from + i];
		walk->area[to + i] = walk->next_area;
		walk->writable[to + i] = walk->writable[from + i];
	}
}

/* When several things are wrong with a copy any of them may be named. */
static int walk_copy_model(struct walk *walk, int from, int to, int count,
			   int seen)
{
	bool hole = false, no_right = false;
	bool busy = !walk_is_free(walk, to, count);
	int i;

	for (i = 0; i < count; i++) {
		hole |= !walk->area[from + i];
		no_right |= walk->area[from + i] && !walk->writable[from + i];
	}
	no_right &= walk->copy_writable;
	if ((hole && seen == -ENOENT) || (no_right && seen == -EPERM) ||
	    (busy && seen == -EEXIST))
		return seen;
	if (hole || no_right || busy)
		return hole ? -ENOENT : no_right ? -EPERM : -EEXIST;
	walk_copy_pages(walk, from, to, count);
	return 0;
}

static int walk_copy(struct walk *walk, int from, int to, int count,
		     bool writable)
{
	struct iommu_ioas_copy copy = {
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | MAP_READ |
			 (writable ? MAP_WRITE : 0),
		.src_ioas_id = walk->id,
		.dst_ioas_id = walk->id,
		.src_iova = walk_iova(from),
		.dst_iova = walk_iova(to),
		.length = count * PAGE_SIZE,
	};

	return ioas_copy(walk->fd, &copy);
}

/* Pages [@page, @page + @count) of the walk, neither empty nor too far. */
static void walk_range(int *page, int *count)
{
	*page = random() % WALK_PAGES;
	*count = 1 + random() % 8;
	if (*page + *count > WALK_PAGES)
		*count = WALK_PAGES - *page;
}

struct outcome {
	int expected;
	int seen;
	__u64 expected_bytes;
	__u64 seen_bytes;
};

static struct outcome walk_step(struct walk *walk)
{
	struct outcome outcome = {};
	bool writable = random() % 4;
	int page, count, to, count_to;

	walk_range(&page, &count);
	switch (random() % 3) {
	case 0:
		outcome.seen = walk_map(walk, page, count, writable);
		outcome.expected = walk_map_model(walk, page, count, writable);
		break;
	case 1:
		outcome.seen = ioas_unmap(walk->fd, walk->id, walk_iova(page),
					  count * PAGE_SIZE,
					  &outcome.seen_bytes);
		outcome.expected = walk_unmap_model(walk, page, count,
						    &outcome.expected_bytes);
		if (outcome.seen)
			outcome.seen_bytes = outcome.expected_bytes;
		break;
	default:
		walk_range(&to, &count_to);
		count = count < count_to ? count : count_to;
		outcome.seen = walk_copy(walk, page, to, count, writable);
		walk->copy_writable = writable;
		outcome.expected = walk_copy_model(walk, page, to, count,
						   outcome.seen);
	}
	return outcome;
}

/* Repeat one run with the environment variable SEED. */
static unsigned int walk_seed(void)
{
	const char *seed = getenv("SEED");

	return seed ? strtoul(seed, NULL, 0) : (unsigned long)time(NULL);
}

TEST_F(map, random_walk_beside_a_model)
{
	struct walk walk = {
		.fd = self->rig.fd,
		.id = self->rig.ioas_id,
		.buffer = self->rig.buffer,
	};
	unsigned int seed = walk_seed();
	__u64 left = 0, unmapped;
	int step, page;

	srandom(seed);
	for (step = 0; step < WALK_STEPS; step++) {
		struct outcome outcome = walk_step(&walk);

		ASSERT_EQ(outcome.expected, outcome.seen) {
			TH_LOG("seed %u step %d", seed, step);
		}
		ASSERT_EQ(outcome.expected_bytes, outcome.seen_bytes) {
			TH_LOG("seed %u step %d", seed, step);
		}
	}
	for (page = 0; page < WALK_PAGES; page++)
		left += walk.area[page] ? PAGE_SIZE : 0;
	EXPECT_EQ(0, ioas_unmap_all(self->rig.fd, self->rig.ioas_id,
				    &unmapped));
	EXPECT_EQ(left, unmapped);
}

/* The same for the automatic choice: it must find a place if there is one. */
TEST_F(map, random_auto_beside_a_model)
{
	struct walk walk = {
		.fd = self->rig.fd,
		.id = self->rig.ioas_id,
		.buffer = self->rig.buffer,
	};
	unsigned int seed = walk_seed();
	int step, page, count, at;
	__u64 iova, unmapped;

	srandom(seed);
	ASSERT_EQ(0, ioas_allow_one(self->rig.fd, self->rig.ioas_id,
				    IOAS_RIG_IOVA, walk_iova(WALK_PAGES) - 1));
	for (step = 0; step < WALK_STEPS; step++) {
		walk_range(&page, &count);
		if (random() % 2) {
			int expected = walk_unmap_model(&walk, page, count,
							&unmapped);

			ASSERT_EQ(expected, ioas_rig_unmap(&self->rig, page,
							   count, NULL)) {
				TH_LOG("seed %u step %d", seed, step);
			}
			continue;
		}
		/* An odd page, so that only pages need to be aligned. */
		if (ioas_map_auto(self->rig.fd, self->rig.ioas_id,
				  self->rig.buffer + PAGE_SIZE,
				  count * PAGE_SIZE, &iova)) {
			for (at = 0; at + count <= WALK_PAGES; at++) {
				ASSERT_FALSE(walk_is_free(&walk, at, count)) {
					TH_LOG("seed %u step %d", seed, step);
				}
			}
			continue;
		}
		at = (iova - IOAS_RIG_IOVA) / PAGE_SIZE;
		ASSERT_TRUE(iova >= IOAS_RIG_IOVA && at + count <= WALK_PAGES);
		ASSERT_EQ(0, walk_map_model(&walk, at, count, true)) {
			TH_LOG("seed %u step %d", seed, step);
		}
	}
}

TEST_HARNESS_MAIN

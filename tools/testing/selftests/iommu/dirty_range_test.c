// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Dirty bitmaps of any range, any page size and any place in memory, next to a
 * plain model: which bits get set, which bytes are touched, and what is
 * forgotten. The numbers come from a seed, IOMMU_TEST_SEED.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz/random.h"
#include "lib/dirty_rig.h"
#include "lib/harness.h"

#define ROUNDS		250
#define DEFAULT_SEED	1

/* Bytes of memory that a bitmap lies in. */
#define ARENA		(4 * PAGE_SIZE)

/* What was in it before. */
#define FILL		0x24

/**
 * struct round - one reading
 * @written: units that the device writes to before
 * @get: what is asked
 * @offset: of the bitmap in the arena
 */
struct round {
	__u64 written;
	struct iommu_hwpt_get_dirty_bitmap get;
	size_t offset;
};

FIXTURE(range)
{
	struct dirty_rig dirty;
	struct fuzz_random random;
	unsigned char *arena;
	unsigned char *expected;
	__u64 model;
};

FIXTURE_VARIANT(range)
{
	bool huge;
	enum dirty_way way;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(range, small) { .way = DIRTY_BITMAP };
FIXTURE_VARIANT_ADD(range, huge) { .huge = true, .way = DIRTY_BITMAP };
FIXTURE_VARIANT_ADD(range, small_gather) { .way = DIRTY_GATHER };
FIXTURE_VARIANT_ADD(range, huge_gather) { .huge = true, .way = DIRTY_GATHER };
/* clang-format on */

FIXTURE_SETUP(range)
{
	const char *seed = getenv("IOMMU_TEST_SEED");
	int ret = dirty_rig_create(&self->dirty, variant->huge, variant->way);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	if (ret == -ENOTSUP)
		SKIP(return, "no huge pages");
	ASSERT_EQ(0, ret);
	self->random.state = seed ? strtoull(seed, NULL, 0) : DEFAULT_SEED;
	self->arena = (void *)memory_anonymous(ARENA, PROT_READ | PROT_WRITE);
	self->expected = malloc(ARENA);
	ASSERT_NE(NULL, self->arena);
	ASSERT_NE(NULL, self->expected);
	ASSERT_EQ(0, dirty_rig_track(&self->dirty, true));
}

FIXTURE_TEARDOWN(range)
{
	free(self->expected);
	munmap(self->arena, ARENA);
	EXPECT_STREQ("", dirty_rig_destroy(&self->dirty));
}

static __u64 unit_last(const struct dirty_rig *dirty, unsigned int unit)
{
	return dirty_rig_iova(dirty, unit) + dirty->unit - 1;
}

/* A range that has something to do with what is mapped, but not too much. */
static void draw_range(struct fuzz_random *random,
		       const struct dirty_rig *dirty,
		       struct iommu_hwpt_get_dirty_bitmap *get)
{
	__u64 window = dirty->units * dirty->unit;
	__u64 around = window / 4;
	__u64 start = dirty->base - around +
		      fuzz_random_below(random, window + around);

	get->iova = start & -get->page_size;
	get->length = 1 + fuzz_random_below(random, window + around);
	/* Ends that match are too rare otherwise. */
	if (fuzz_random_percent(random, 50))
		get->length = ((get->length - 1) | (dirty->unit - 1)) + 1;
	if (fuzz_random_percent(random, 20))
		get->iova = dirty->base & -get->page_size;
}

static void draw(struct fuzz_random *random, const struct dirty_rig *dirty,
		 struct round *round)
{
	const __u64 sizes[] = {
		dirty->unit, dirty->unit, dirty->unit / 2, dirty->unit / 4,
		2 * dirty->unit, 16 * dirty->unit, 64 * dirty->unit,
	};
	const size_t offsets[] = {
		0, 1, 8, PAGE_SIZE - 8, PAGE_SIZE - 1, PAGE_SIZE - 2,
		PAGE_SIZE / 2 + fuzz_random_below(random, PAGE_SIZE),
	};

	round->written = fuzz_random_u64(random) & dirty->present;
	if (fuzz_random_percent(random, 50))
		round->written &= fuzz_random_u64(random);
	memset(&round->get, 0, sizeof(round->get));
	round->get.hwpt_id = dirty->hwpt_id;
	round->get.page_size = fuzz_random_pick(random, sizes);
	if (fuzz_random_percent(random, 30))
		round->get.flags = IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR;
	draw_range(random, dirty, &round->get);
	round->offset = fuzz_random_pick(random, offsets);
}

/* The bits of one dirty unit, as far as it is in the range. */
static void model_unit(const struct dirty_rig *dirty,
		       const struct iommu_hwpt_get_dirty_bitmap *get,
		       unsigned int unit, unsigned char *bitmap)
{
	__u64 range_last = get->iova + get->length - 1, bit;
	__u64 start = dirty_rig_iova(dirty, unit);
	__u64 last = unit_last(dirty, unit);

	if (last < get->iova || start > range_last)
		return;
	if (start < get->iova)
		start = get->iova;
	if (last > range_last)
		last = range_last;
	for (bit = (start - get->iova) / get->page_size;
	     bit <= (last - get->iova) / get->page_size; bit++)
		bitmap[bit / 8] |= 1 << bit % 8;
}

/* Does a reading forget a unit? Not if a part of it was not asked for. */
static bool forgets(const struct dirty_rig *dirty,
		    const struct iommu_hwpt_get_dirty_bitmap *get,
		    unsigned int unit)
{
	return !(get->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) &&
	       dirty_rig_iova(dirty, unit) >= get->iova &&
	       unit_last(dirty, unit) <= get->iova + get->length - 1;
}

/* What the reading makes of the bitmap; returns what stays dirty. */
static __u64 model(const struct dirty_rig *dirty, const struct round *round,
		   __u64 before, unsigned char *bitmap)
{
	__u64 after = before;
	unsigned int i;

	for (i = 0; i < dirty->units; i++) {
		if (!(before >> i & 1))
			continue;
		model_unit(dirty, &round->get, i, bitmap);
		if (forgets(dirty, &round->get, i))
			after &= ~(1ULL << i);
	}
	return after;
}

/* The first byte that is not as it should be, or -1. */
static long difference(const unsigned char *one, const unsigned char *other)
{
	__u64 i;

	for (i = 0; i < ARENA; i++)
		if (one[i] != other[i])
			return i;
	return -1;
}

static void say(const struct dirty_rig *dirty, const struct round *round,
		unsigned int number)
{
	printf("# round %u: IOVA %#llx, length %#llx, page size %#llx, flags %u\n",
	       number, round->get.iova, round->get.length,
	       round->get.page_size, round->get.flags);
	printf("# base %#llx, written %#llx, bitmap at %zu\n", dirty->base,
	       round->written, round->offset);
}

TEST_F(range, h47_like_a_model)
{
	struct dirty_rig *dirty = &self->dirty;
	unsigned int number, bits = 0;
	struct round round;
	__u64 now;
	long at;

	for (number = 0; number < ROUNDS; number++) {
		draw(&self->random, dirty, &round);
		memset(self->arena, number % 2 ? FILL : 0, ARENA);
		memcpy(self->expected, self->arena, ARENA);
		round.get.data = va_to_u64(self->arena + round.offset);

		ASSERT_EQ(0, dirty_rig_write(dirty, round.written));
		self->model |= round.written;
		bits += self->model != 0;
		self->model = model(dirty, &round, self->model,
				    self->expected + round.offset);
		EXPECT_EQ(0, dirty_read(dirty->rig.fd, &round.get));
		at = difference(self->expected, self->arena);
		ASSERT_EQ(-1, at) {
			say(dirty, &round, number);
			TH_LOG("byte %ld: %#x, expected %#x", at,
			       self->arena[at], self->expected[at]);
		}
		ASSERT_EQ(0, dirty_rig_read(dirty, 1, &now));
		ASSERT_EQ(self->model, now) {
			say(dirty, &round, number);
		}
	}
	EXPECT_GT(bits, ROUNDS / 2);
}

/*
 * What is read in parts of any length is forgotten as well as what is read at
 * once, as long as no part cuts an IOPTE.
 */
TEST_F(range, in_parts)
{
	struct dirty_rig *dirty = &self->dirty;
	unsigned int i, length;
	__u64 all, now;

	for (length = 1; length <= dirty->units; length++) {
		ASSERT_EQ(0, dirty_rig_write(dirty, dirty->present));
		for (i = 0, all = 0; i < dirty->units; i += length) {
			__u64 part = 0;
			struct iommu_hwpt_get_dirty_bitmap get =
				dirty_rig_request(dirty, &part);

			get.iova = dirty_rig_iova(dirty, i);
			get.length = length * dirty->unit;
			EXPECT_EQ(0, dirty_read(dirty->rig.fd, &get));
			all |= part << i;
		}
		EXPECT_EQ(dirty->present, all);
		EXPECT_EQ(0, dirty_rig_read(dirty, 0, &now));
		EXPECT_EQ(0, now) {
			TH_LOG("parts of %u", length);
		}
	}
}

TEST_HARNESS_MAIN

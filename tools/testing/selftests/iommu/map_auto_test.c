// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * IOAS_MAP without any device: the choice of an IOVA.
 */
#include <errno.h>

#include "lib/map_fixture.h"

/*
 * A huge page inside of the memory comes at an IOVA where one IOPTE can map it,
 * whatever the memory has before and behind it.
 */
TEST_F(map, auto_keeps_huge_pages)
{
	const __u64 starts[] = { 0, PAGE_SIZE, SZ_1M, SZ_2M - PAGE_SIZE };
	const __u64 tails[] = { 0, PAGE_SIZE, SZ_1M };
	__u64 iova;
	size_t i, j;
	char *va;

	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, 4 * SZ_2M, (void **)&va));
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		for (j = 0; j < ARRAY_SIZE(tails); j++) {
			__u64 length = 2 * SZ_2M - starts[i] + tails[j];

			/* Something small, so that the next place is odd. */
			ASSERT_EQ(0, ioas_map_auto(self->rig.fd,
						   self->rig.ioas_id,
						   self->rig.buffer, PAGE_SIZE,
						   &iova));
			ASSERT_EQ(0, ioas_map_auto(self->rig.fd,
						   self->rig.ioas_id,
						   va + starts[i], length,
						   &iova));
			EXPECT_EQ(starts[i], iova % SZ_2M) {
				TH_LOG("%#llx bytes at %#llx", length, iova);
			}
		}
	}
}

/* Without this no IOMMU page could ever hold the memory. */
TEST_F(map, auto_keeps_page_offset)
{
	struct iova_ranges ranges;
	__u64 iova, offset;

	ASSERT_EQ(0, ioas_iova_ranges(self->rig.fd, self->rig.ioas_id,
				      &ranges));
	for (offset = ranges.alignment; offset < PAGE_SIZE; offset *= 2) {
		ASSERT_EQ(0, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					   self->rig.buffer + offset,
					   ranges.alignment, &iova));
		EXPECT_EQ(offset, iova % PAGE_SIZE);
	}
}

#define SMALL_WINDOW	16

TEST_F(map, auto_exhaustion)
{
	char used[SMALL_WINDOW] = {};
	__u64 iova, again;
	int i;

	ASSERT_EQ(0, ioas_allow_one(self->rig.fd, self->rig.ioas_id, SZ_1M,
				    SZ_1M + SMALL_WINDOW * PAGE_SIZE - 1));
	for (i = 0; i < SMALL_WINDOW; i++) {
		ASSERT_EQ(0, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					   self->rig.buffer, PAGE_SIZE, &iova));
		ASSERT_GE(iova, SZ_1M);
		ASSERT_LT(iova, SZ_1M + SMALL_WINDOW * PAGE_SIZE);
		ASSERT_EQ(0, iova % PAGE_SIZE);
		ASSERT_EQ(0, used[(iova - SZ_1M) / PAGE_SIZE]++);
	}
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 self->rig.buffer, PAGE_SIZE, &iova));
	for (i = 0; i < SMALL_WINDOW; i++) {
		iova = SZ_1M + i * PAGE_SIZE;
		ASSERT_EQ(0, ioas_unmap(self->rig.fd, self->rig.ioas_id, iova,
					PAGE_SIZE, NULL));
		EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd,
						 self->rig.ioas_id,
						 self->rig.buffer,
						 2 * PAGE_SIZE, &again));
		ASSERT_EQ(0, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					   self->rig.buffer, PAGE_SIZE,
					   &again));
		EXPECT_EQ(iova, again);
	}
}

/* Two holes of one page are no hole of two pages. */
TEST_F(map, auto_fragmented)
{
	__u64 iova;

	ASSERT_EQ(0, ioas_allow_one(self->rig.fd, self->rig.ioas_id,
				    IOAS_RIG_IOVA, ioas_rig_iova(8) - 1));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 0, 1));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 2, 2));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 5, 3));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 self->rig.buffer, 2 * PAGE_SIZE,
					 &iova));
	EXPECT_EQ(0, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
				   self->rig.buffer, PAGE_SIZE, &iova));
	EXPECT_EQ(0, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
				   self->rig.buffer, PAGE_SIZE, &iova));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 self->rig.buffer, PAGE_SIZE, &iova));
	EXPECT_EQ(8, ioas_rig_take_all(&self->rig));
}

/* A mapping never spreads over two allowed ranges, be they neighbours. */
TEST_F(map, auto_stays_in_one_range)
{
	struct iommu_iova_range apart[] = {
		{ IOAS_RIG_IOVA, IOAS_RIG_IOVA + PAGE_SIZE - 1 },
		{ ioas_rig_iova(2), ioas_rig_iova(3) - 1 },
	};
	__u64 iova;

	ASSERT_EQ(0, ioas_allow_iovas(self->rig.fd, self->rig.ioas_id, apart,
				      2));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 self->rig.buffer, 2 * PAGE_SIZE,
					 &iova));
	EXPECT_EQ(0, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
				   self->rig.buffer, PAGE_SIZE, &iova));
	EXPECT_EQ(0, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
				   self->rig.buffer, PAGE_SIZE, &iova));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 self->rig.buffer, PAGE_SIZE, &iova));
}

/* Is there a place for @length bytes at @alignment between the two? */
static bool fits(__u64 start, __u64 last, __u64 length, __u64 alignment)
{
	__u64 at = start % alignment ? start + alignment - start % alignment
				     : start;

	/* Rounding wrapped, or there is too little behind it. */
	return at >= start && at <= last && last - at >= length - 1;
}

/*
 * The allowed range ends at the top, its start takes all odd values: rounding
 * a candidate up to the alignment may wrap to 0.
 */
TEST_F(map, h10_auto_near_the_top)
{
	const __u64 sizes[] = {
		0x2, 0x10, 0xffe, 0xfff, 0x1000, 0x1001, 0x1800, 0x1fff,
		0x2000, 0x2001, 0x3000, 0x8000, 0x1fffff, 0x200000, 0x200001,
	};
	const __u64 lengths[] = { 1, 2, 8 };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		__u64 start = UINT64_MAX - sizes[i] + 1;

		ASSERT_EQ(0, ioas_allow_one(self->rig.fd, self->rig.ioas_id,
					    start, UINT64_MAX));
		for (j = 0; j < ARRAY_SIZE(lengths); j++) {
			__u64 length = lengths[j] * PAGE_SIZE;
			__u64 iova = 0;
			int ret;

			ret = ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					    self->rig.buffer, length, &iova);
			if (!fits(start, UINT64_MAX, length, PAGE_SIZE)) {
				EXPECT_EQ(-ENOSPC, ret);
				continue;
			}
			ASSERT_EQ(0, ret) {
				TH_LOG("window %#llx length %#llx", sizes[i],
				       length);
			}
			EXPECT_GE(iova, start);
			EXPECT_LE(length - 1, UINT64_MAX - iova);
			EXPECT_EQ(0, iova % PAGE_SIZE);
			EXPECT_EQ(0, ioas_unmap(self->rig.fd, self->rig.ioas_id,
						iova, length, NULL));
		}
	}
}

/* The same with the top already taken and no allowed ranges. */
TEST_F(map, h10_auto_in_a_full_space)
{
	__u64 hole = UINT64_MAX - 4 * PAGE_SIZE + 1;
	__u64 iova;

	/* One hole of three pages below the last one. */
	ASSERT_EQ(0, ioas_allow_one(self->rig.fd, self->rig.ioas_id, hole,
				    UINT64_MAX));
	ASSERT_EQ(0, ioas_map_fixed(self->rig.fd, self->rig.ioas_id,
				    self->rig.buffer, PAGE_SIZE,
				    UINT64_MAX - PAGE_SIZE + 1));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 self->rig.buffer, 4 * PAGE_SIZE,
					 &iova));
	ASSERT_EQ(0, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
				   self->rig.buffer, 3 * PAGE_SIZE, &iova));
	EXPECT_EQ(hole, iova);
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 self->rig.buffer, PAGE_SIZE, &iova));
	EXPECT_EQ(4, ioas_rig_take_all(&self->rig));
}

TEST_F(map, auto_larger_than_everything)
{
	__u64 iova;

	ASSERT_EQ(0, ioas_allow_one(self->rig.fd, self->rig.ioas_id, 0,
				    SZ_2M - 1));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 self->rig.buffer, 2 * SZ_2M, &iova));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 (void *)PAGE_SIZE, 1ULL << 62, &iova));
}

TEST_HARNESS_MAIN

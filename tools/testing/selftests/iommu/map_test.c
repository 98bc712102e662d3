// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * IOAS_MAP, IOAS_COPY and IOAS_UNMAP without any device: IOVA arithmetic, the
 * choice of an IOVA, and a random walk next to a plain model.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/process.h"
#include "lib/usage.h"

#define BUFFER_PAGES	64

/* Where tests put what they need, far from both ends. */
#define BASE		0x40000000ULL

FIXTURE(map)
{
	struct baseline baseline;
	int fd;
	__u32 id;
	char *buffer;
};

FIXTURE_SETUP(map)
{
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->id));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, BUFFER_PAGES * PAGE_SIZE,
				  (void **)&self->buffer));
}

FIXTURE_TEARDOWN(map)
{
	close(self->fd);
	memory_free_all();
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

#define MAP_PAGES(page, count) \
	ioas_map_fixed(self->fd, self->id, self->buffer, (count) * PAGE_SIZE, \
		       BASE + (page) * PAGE_SIZE)

#define UNMAP_PAGES(page, count, unmapped) \
	ioas_unmap(self->fd, self->id, BASE + (page) * PAGE_SIZE, \
		   (count) * PAGE_SIZE, unmapped)

/* Takes all there is away and compares with the pages that should be there. */
#define EXPECT_MAPPED_PAGES(count) do { \
	__u64 all; \
	EXPECT_EQ(0, ioas_unmap_all(self->fd, self->id, &all)); \
	EXPECT_EQ((count) * PAGE_SIZE, all); \
} while (0)

static struct iommu_ioas_map map_of(__u32 id, const void *va, __u64 length,
				    __u32 flags)
{
	return (struct iommu_ioas_map){
		.flags = flags,
		.ioas_id = id,
		.user_va = va_to_u64(va),
		.length = length,
	};
}

/* IOAS_MAP: rights, length, overflow */

TEST_F(map, rights)
{
	const __u32 good[] = { MAP_READ, MAP_WRITE, MAP_RW };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct iommu_ioas_map map = map_of(self->id, self->buffer,
						   PAGE_SIZE, good[i]);

		EXPECT_EQ(0, ioas_map(self->fd, &map));
	}
	EXPECT_MAPPED_PAGES(ARRAY_SIZE(good));
}

TEST_F(map, h26_no_rights)
{
	struct iommu_ioas_map map = map_of(self->id, self->buffer, PAGE_SIZE,
					   0);

	EXPECT_EQ(-EINVAL, ioas_map(self->fd, &map));
	map.flags = IOMMU_IOAS_MAP_FIXED_IOVA;
	map.iova = BASE;
	EXPECT_EQ(-EINVAL, ioas_map(self->fd, &map));
	EXPECT_MAPPED_PAGES(0);
}

TEST_F(map, h08_no_length)
{
	__u64 iova;

	EXPECT_EQ(-EINVAL, MAP_PAGES(0, 0));
	EXPECT_EQ(-EINVAL, ioas_map_auto(self->fd, self->id, self->buffer, 0,
					 &iova));
	EXPECT_MAPPED_PAGES(0);
}

FIXTURE(overflow)
{
	struct baseline baseline;
	int fd;
	__u32 id;
};

FIXTURE_VARIANT(overflow)
{
	__u64 user_va;
	__u64 length;
	__u64 iova;
	/* Memory and length go together, only the IOVA is wrong. */
	bool only_iova;
};

#define OVERFLOW(va_value, length_value, iova_value) { \
	.user_va = va_value, \
	.length = length_value, \
	.iova = iova_value, \
}

#define OVERFLOW_IOVA(length_value, iova_value) { \
	.user_va = 0x10000, \
	.length = length_value, \
	.iova = iova_value, \
	.only_iova = true, \
}

/* clang-format off */
FIXTURE_VARIANT_ADD(overflow, h08_va_and_length)
	OVERFLOW(UINT64_MAX - 0xfff, 0x1001, BASE);
FIXTURE_VARIANT_ADD(overflow, h08_va_and_long_length)
	OVERFLOW(0x10000, UINT64_MAX - 0x1000, 0);
FIXTURE_VARIANT_ADD(overflow, h08_va_and_longest)
	OVERFLOW(0x1000, UINT64_MAX, 0);
FIXTURE_VARIANT_ADD(overflow, h08_iova_and_length)
	OVERFLOW_IOVA(0x2000, UINT64_MAX - 0xfff);
FIXTURE_VARIANT_ADD(overflow, h08_iova_and_length_by_one)
	OVERFLOW_IOVA(0x1001, UINT64_MAX - 0xfff);
FIXTURE_VARIANT_ADD(overflow, h08_iova_and_long_length)
	OVERFLOW_IOVA(1ULL << 62, UINT64_MAX - 0xfff);
FIXTURE_VARIANT_ADD(overflow, h08_all_of_them)
	OVERFLOW(UINT64_MAX, UINT64_MAX, UINT64_MAX);
/* Neither address wraps, but the offset in the first page adds one more. */
FIXTURE_VARIANT_ADD(overflow, h09_page_count)
	OVERFLOW(0xfff, UINT64_MAX - 4096, 0);
FIXTURE_VARIANT_ADD(overflow, h09_page_count_by_one)
	OVERFLOW(0x1, UINT64_MAX - 1, 0);
/* clang-format on */

FIXTURE_SETUP(overflow)
{
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->id));
}

FIXTURE_TEARDOWN(overflow)
{
	__u64 unmapped;

	EXPECT_EQ(0, ioas_unmap_all(self->fd, self->id, &unmapped));
	EXPECT_EQ(0, unmapped);
	close(self->fd);
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

TEST_F(overflow, fixed)
{
	EXPECT_EQ(-EOVERFLOW,
		  ioas_map_fixed(self->fd, self->id,
				 (void *)(uintptr_t)variant->user_va,
				 variant->length, variant->iova));
}

TEST_F(overflow, automatic)
{
	__u64 iova;

	int ret = ioas_map_auto(self->fd, self->id,
				(void *)(uintptr_t)variant->user_va,
				variant->length, &iova);

	/* An IOVA that is not given cannot be wrong. */
	if (variant->only_iova) {
		ASSERT_EQ(0, ret);
		EXPECT_EQ(0, ioas_unmap(self->fd, self->id, iova,
					variant->length, NULL));
	} else {
		EXPECT_EQ(-EOVERFLOW, ret);
	}
}

/* IOAS_MAP: neighbours and overlaps */

FIXTURE(neighbour)
{
	struct baseline baseline;
	int fd;
	__u32 id;
	char *buffer;
};

FIXTURE_VARIANT(neighbour)
{
	__u64 page;
	__u64 count;
	int expected;
};

#define NEIGHBOUR(first, npages, result) { \
	.page = first, \
	.count = npages, \
	.expected = result, \
}

/* clang-format off */
/* Pages 10 to 13 are mapped      |....####....| */
FIXTURE_VARIANT_ADD(neighbour, before) NEIGHBOUR(6, 4, 0);
FIXTURE_VARIANT_ADD(neighbour, behind) NEIGHBOUR(14, 4, 0);
FIXTURE_VARIANT_ADD(neighbour, apart) NEIGHBOUR(20, 1, 0);
FIXTURE_VARIANT_ADD(neighbour, h15_same) NEIGHBOUR(10, 4, -EEXIST);
FIXTURE_VARIANT_ADD(neighbour, h15_first_page) NEIGHBOUR(10, 1, -EEXIST);
FIXTURE_VARIANT_ADD(neighbour, h15_last_page) NEIGHBOUR(13, 1, -EEXIST);
FIXTURE_VARIANT_ADD(neighbour, h15_inside) NEIGHBOUR(11, 2, -EEXIST);
FIXTURE_VARIANT_ADD(neighbour, h15_around) NEIGHBOUR(9, 6, -EEXIST);
FIXTURE_VARIANT_ADD(neighbour, h15_into_the_front) NEIGHBOUR(7, 4, -EEXIST);
FIXTURE_VARIANT_ADD(neighbour, h15_out_of_the_back) NEIGHBOUR(13, 4, -EEXIST);
/* clang-format on */

FIXTURE_SETUP(neighbour)
{
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->id));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, BUFFER_PAGES * PAGE_SIZE,
				  (void **)&self->buffer));
	ASSERT_EQ(0, MAP_PAGES(10, 4));
}

FIXTURE_TEARDOWN(neighbour)
{
	close(self->fd);
	memory_free_all();
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

TEST_F(neighbour, map)
{
	__u64 added = variant->expected ? 0 : variant->count;

	EXPECT_EQ(variant->expected, MAP_PAGES(variant->page, variant->count));
	EXPECT_MAPPED_PAGES(4 + added);
}

TEST_F(neighbour, copy)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.dst_ioas_id = self->id,
		.src_ioas_id = self->id,
		.src_iova = BASE + 100 * PAGE_SIZE,
		.dst_iova = BASE + variant->page * PAGE_SIZE,
		.length = variant->count * PAGE_SIZE,
	};
	__u64 added = variant->expected ? 0 : variant->count;

	ASSERT_EQ(0, MAP_PAGES(100, 8));
	EXPECT_EQ(variant->expected, ioas_copy(self->fd, &copy));
	EXPECT_MAPPED_PAGES(12 + added);
}

/* IOAS_MAP: the two ends of the address space */

TEST_F(map, first_page)
{
	__u64 unmapped;

	EXPECT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer, PAGE_SIZE,
				    0));
	EXPECT_EQ(-EEXIST, ioas_map_fixed(self->fd, self->id, self->buffer,
					  PAGE_SIZE, 0));
	EXPECT_EQ(0, ioas_unmap(self->fd, self->id, 0, PAGE_SIZE, &unmapped));
	EXPECT_EQ(PAGE_SIZE, unmapped);
}

TEST_F(map, h11_last_page)
{
	__u64 top = UINT64_MAX - PAGE_SIZE + 1;
	__u64 unmapped;
	int i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer,
					    PAGE_SIZE, top));
		EXPECT_EQ(-EEXIST, ioas_map_fixed(self->fd, self->id,
						  self->buffer, PAGE_SIZE,
						  top));
		EXPECT_EQ(0, ioas_unmap(self->fd, self->id, top, PAGE_SIZE,
					&unmapped));
		EXPECT_EQ(PAGE_SIZE, unmapped);
		EXPECT_EQ(-ENOENT, ioas_unmap(self->fd, self->id, top,
					      PAGE_SIZE, NULL));
	}
}

TEST_F(map, h11_unmap_all_takes_both_ends)
{
	EXPECT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer, PAGE_SIZE,
				    0));
	EXPECT_EQ(0, MAP_PAGES(0, 3));
	EXPECT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer,
				    4 * PAGE_SIZE,
				    UINT64_MAX - 4 * PAGE_SIZE + 1));
	EXPECT_MAPPED_PAGES(8);
	EXPECT_MAPPED_PAGES(0);
}

TEST_F(map, h11_copy_of_the_last_page)
{
	__u64 top = UINT64_MAX - PAGE_SIZE + 1;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.dst_ioas_id = self->id,
		.src_ioas_id = self->id,
		.length = PAGE_SIZE,
		.src_iova = top,
		.dst_iova = top - PAGE_SIZE,
	};

	ASSERT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer, PAGE_SIZE,
				    top));
	EXPECT_EQ(0, ioas_copy(self->fd, &copy));
	copy.src_iova = top - PAGE_SIZE;
	copy.length = 2 * PAGE_SIZE;
	copy.dst_iova = BASE;
	EXPECT_EQ(0, ioas_copy(self->fd, &copy));
	EXPECT_MAPPED_PAGES(4);
}

/* IOAS_MAP: automatic IOVA */

static int allow_one(int fd, __u32 id, __u64 start, __u64 last)
{
	struct iommu_iova_range range = { start, last };

	return ioas_allow_iovas(fd, id, &range, 1);
}

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
			ASSERT_EQ(0, ioas_map_auto(self->fd, self->id,
						   self->buffer, PAGE_SIZE,
						   &iova));
			ASSERT_EQ(0, ioas_map_auto(self->fd, self->id,
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

	ASSERT_EQ(0, ioas_iova_ranges(self->fd, self->id, &ranges));
	for (offset = ranges.alignment; offset < PAGE_SIZE; offset *= 2) {
		ASSERT_EQ(0, ioas_map_auto(self->fd, self->id,
					   self->buffer + offset,
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

	ASSERT_EQ(0, allow_one(self->fd, self->id, SZ_1M,
			       SZ_1M + SMALL_WINDOW * PAGE_SIZE - 1));
	for (i = 0; i < SMALL_WINDOW; i++) {
		ASSERT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer,
					   PAGE_SIZE, &iova));
		ASSERT_GE(iova, SZ_1M);
		ASSERT_LT(iova, SZ_1M + SMALL_WINDOW * PAGE_SIZE);
		ASSERT_EQ(0, iova % PAGE_SIZE);
		ASSERT_EQ(0, used[(iova - SZ_1M) / PAGE_SIZE]++);
	}
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, self->buffer,
					 PAGE_SIZE, &iova));
	for (i = 0; i < SMALL_WINDOW; i++) {
		iova = SZ_1M + i * PAGE_SIZE;
		ASSERT_EQ(0, ioas_unmap(self->fd, self->id, iova, PAGE_SIZE,
					NULL));
		EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id,
						 self->buffer, 2 * PAGE_SIZE,
						 &again));
		ASSERT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer,
					   PAGE_SIZE, &again));
		EXPECT_EQ(iova, again);
	}
}

/* Two holes of one page are no hole of two pages. */
TEST_F(map, auto_fragmented)
{
	__u64 iova;

	ASSERT_EQ(0, allow_one(self->fd, self->id, BASE,
			       BASE + 8 * PAGE_SIZE - 1));
	ASSERT_EQ(0, MAP_PAGES(0, 1));
	ASSERT_EQ(0, MAP_PAGES(2, 2));
	ASSERT_EQ(0, MAP_PAGES(5, 3));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, self->buffer,
					 2 * PAGE_SIZE, &iova));
	EXPECT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer, PAGE_SIZE,
				   &iova));
	EXPECT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer, PAGE_SIZE,
				   &iova));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, self->buffer,
					 PAGE_SIZE, &iova));
	EXPECT_MAPPED_PAGES(8);
}

/* A mapping never spreads over two allowed ranges, be they neighbours. */
TEST_F(map, auto_stays_in_one_range)
{
	struct iommu_iova_range apart[] = {
		{ BASE, BASE + PAGE_SIZE - 1 },
		{ BASE + 2 * PAGE_SIZE, BASE + 3 * PAGE_SIZE - 1 },
	};
	__u64 iova;

	ASSERT_EQ(0, ioas_allow_iovas(self->fd, self->id, apart, 2));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, self->buffer,
					 2 * PAGE_SIZE, &iova));
	EXPECT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer, PAGE_SIZE,
				   &iova));
	EXPECT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer, PAGE_SIZE,
				   &iova));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, self->buffer,
					 PAGE_SIZE, &iova));
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

		ASSERT_EQ(0, allow_one(self->fd, self->id, start, UINT64_MAX));
		for (j = 0; j < ARRAY_SIZE(lengths); j++) {
			__u64 length = lengths[j] * PAGE_SIZE;
			__u64 iova = 0;
			int ret;

			ret = ioas_map_auto(self->fd, self->id, self->buffer,
					    length, &iova);
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
			EXPECT_EQ(0, ioas_unmap(self->fd, self->id, iova,
						length, NULL));
		}
	}
}

/* The same with the top already taken and no allowed ranges. */
TEST_F(map, h10_auto_in_a_full_space)
{
	__u64 hole = UINT64_MAX - 4 * PAGE_SIZE + 1;
	__u64 iova;

	/* One hole of three pages below the last one. */
	ASSERT_EQ(0, allow_one(self->fd, self->id, hole, UINT64_MAX));
	ASSERT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer, PAGE_SIZE,
				    UINT64_MAX - PAGE_SIZE + 1));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, self->buffer,
					 4 * PAGE_SIZE, &iova));
	ASSERT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer,
				   3 * PAGE_SIZE, &iova));
	EXPECT_EQ(hole, iova);
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, self->buffer,
					 PAGE_SIZE, &iova));
	EXPECT_MAPPED_PAGES(4);
}

TEST_F(map, auto_larger_than_everything)
{
	__u64 iova;

	ASSERT_EQ(0, allow_one(self->fd, self->id, 0, SZ_2M - 1));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, self->buffer,
					 2 * SZ_2M, &iova));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, (void *)PAGE_SIZE,
					 1ULL << 62, &iova));
}

/* IOAS_MAP: a failing reply */

static struct iommu_ioas_map *read_only_map(const struct iommu_ioas_map *map)
{
	struct iommu_ioas_map *page;

	page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return NULL;
	*page = *map;
	page->size = sizeof(*page);
	return mprotect(page, PAGE_SIZE, PROT_READ) ? NULL : page;
}

TEST_F(map, h05_fixed_map_can_be_repeated)
{
	struct iommu_ioas_map map = map_of(self->id, self->buffer, PAGE_SIZE,
					   MAP_FIXED_RW);
	struct iommu_ioas_map *read_only;
	int ret;

	map.iova = BASE;
	read_only = read_only_map(&map);
	ASSERT_NE(NULL, read_only);
	ret = iommufd_ioctl(self->fd, IOMMU_IOAS_MAP, read_only);
	EXPECT_EQ(-EFAULT, ret);
	EXPECT_EQ(ret ? 0 : -EEXIST, ioas_map(self->fd, &map));
	munmap(read_only, PAGE_SIZE);
	EXPECT_MAPPED_PAGES(1);
}

TEST_F(map, h05_auto_map_leaves_no_area)
{
	struct iommu_ioas_map map = map_of(self->id, self->buffer, PAGE_SIZE,
					   MAP_RW);
	struct iommu_ioas_map *read_only = read_only_map(&map);
	int i;

	ASSERT_NE(NULL, read_only);
	ASSERT_EQ(0, allow_one(self->fd, self->id, BASE,
			       BASE + 2 * PAGE_SIZE - 1));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(-EFAULT, iommufd_ioctl(self->fd, IOMMU_IOAS_MAP,
						 read_only));
	}
	munmap(read_only, PAGE_SIZE);
	EXPECT_EQ(0, ioas_map(self->fd, &map));
	EXPECT_MAPPED_PAGES(1);
}

/* IOAS_UNMAP */

TEST_F(map, unmap_reports_bytes)
{
	__u64 unmapped;

	ASSERT_EQ(0, MAP_PAGES(0, 2));
	ASSERT_EQ(0, MAP_PAGES(2, 3));
	ASSERT_EQ(0, MAP_PAGES(10, 1));
	EXPECT_EQ(0, UNMAP_PAGES(0, 2, &unmapped));
	EXPECT_EQ(2 * PAGE_SIZE, unmapped);
	EXPECT_EQ(0, UNMAP_PAGES(1, 100, &unmapped));
	EXPECT_EQ(4 * PAGE_SIZE, unmapped);
}

TEST_F(map, h08_unmap_no_length)
{
	ASSERT_EQ(0, MAP_PAGES(0, 1));
	EXPECT_EQ(-EINVAL, UNMAP_PAGES(0, 0, NULL));
	EXPECT_EQ(-EINVAL, ioas_unmap(self->fd, self->id, 0, 0, NULL));
	EXPECT_MAPPED_PAGES(1);
}

TEST_F(map, h08_unmap_overflow)
{
	ASSERT_EQ(0, MAP_PAGES(0, 1));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->fd, self->id, 2, UINT64_MAX,
					 NULL));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->fd, self->id, PAGE_SIZE,
					 UINT64_MAX, NULL));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->fd, self->id,
					 UINT64_MAX - PAGE_SIZE + 1,
					 PAGE_SIZE + 1, NULL));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->fd, self->id, UINT64_MAX, 2,
					 NULL));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->fd, self->id, UINT64_MAX,
					 UINT64_MAX, NULL));
	EXPECT_MAPPED_PAGES(1);
}

TEST_F(map, h08_unmap_all_of_nothing)
{
	EXPECT_MAPPED_PAGES(0);
	EXPECT_MAPPED_PAGES(0);
}

TEST_F(map, h12_unmap_nothing)
{
	EXPECT_EQ(-ENOENT, UNMAP_PAGES(0, 1, NULL));
	EXPECT_EQ(-ENOENT, ioas_unmap(self->fd, self->id, 0, UINT64_MAX - 1,
				      NULL));
	EXPECT_EQ(-ENOENT, ioas_unmap(self->fd, self->id, 1, UINT64_MAX, NULL));
	ASSERT_EQ(0, MAP_PAGES(5, 1));
	EXPECT_EQ(-ENOENT, UNMAP_PAGES(0, 5, NULL));
	EXPECT_EQ(-ENOENT, UNMAP_PAGES(6, 100, NULL));
	EXPECT_MAPPED_PAGES(1);
}

FIXTURE(unmap_cuts)
{
	struct baseline baseline;
	int fd;
	__u32 id;
	char *buffer;
};

FIXTURE_VARIANT(unmap_cuts)
{
	__u64 page;
	__u64 count;
	/* Bytes that the range ends before the page it was given in. */
	__u64 short_by;
};

#define CUT(first, npages, bytes) { \
	.page = first, \
	.count = npages, \
	.short_by = bytes, \
}

/* clang-format off */
/* Three areas, pages 10-13, 14-17 and 20-23: |####****..####| */
FIXTURE_VARIANT_ADD(unmap_cuts, front_of_first) CUT(10, 2, 0);
FIXTURE_VARIANT_ADD(unmap_cuts, middle_of_first) CUT(11, 2, 0);
FIXTURE_VARIANT_ADD(unmap_cuts, back_of_first) CUT(12, 2, 0);
FIXTURE_VARIANT_ADD(unmap_cuts, all_but_first_page) CUT(11, 100, 0);
FIXTURE_VARIANT_ADD(unmap_cuts, all_but_last_page) CUT(0, 23, 0);
FIXTURE_VARIANT_ADD(unmap_cuts, all_but_last_byte) CUT(0, 24, 1);
FIXTURE_VARIANT_ADD(unmap_cuts, second_and_half_of_first) CUT(12, 6, 0);
FIXTURE_VARIANT_ADD(unmap_cuts, first_and_half_of_second) CUT(10, 6, 0);
FIXTURE_VARIANT_ADD(unmap_cuts, first_two_and_half_of_third) CUT(0, 22, 0);
FIXTURE_VARIANT_ADD(unmap_cuts, third_and_half_of_second) CUT(16, 8, 0);
FIXTURE_VARIANT_ADD(unmap_cuts, inside_a_page) CUT(10, 1, 100);
/* clang-format on */

FIXTURE_SETUP(unmap_cuts)
{
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->id));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, BUFFER_PAGES * PAGE_SIZE,
				  (void **)&self->buffer));
	ASSERT_EQ(0, MAP_PAGES(10, 4));
	ASSERT_EQ(0, MAP_PAGES(14, 4));
	ASSERT_EQ(0, MAP_PAGES(20, 4));
}

FIXTURE_TEARDOWN(unmap_cuts)
{
	close(self->fd);
	memory_free_all();
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

TEST_F(unmap_cuts, h12_unmap_cuts_area)
{
	EXPECT_EQ(-ENOENT,
		  ioas_unmap(self->fd, self->id,
			     BASE + variant->page * PAGE_SIZE,
			     variant->count * PAGE_SIZE - variant->short_by,
			     NULL));
	/* Each area is still there, and whole. */
	EXPECT_EQ(-EEXIST, MAP_PAGES(10, 1));
	EXPECT_EQ(-EEXIST, MAP_PAGES(17, 1));
	EXPECT_EQ(-EEXIST, MAP_PAGES(20, 1));
	EXPECT_MAPPED_PAGES(12);
}

/* IOAS_COPY */

FIXTURE(copy)
{
	struct baseline baseline;
	int fd;
	__u32 src;
	__u32 dst;
	char *buffer;
};

FIXTURE_VARIANT(copy)
{
	__u64 page;
	__u64 count;
	__u32 flags;
	int expected;
};

#define COPY(first, npages, rights, result) { \
	.page = first, \
	.count = npages, \
	.flags = rights, \
	.expected = result, \
}

/* clang-format off */
/*
 * Pages 10-13 and 14-17 are writable, 18-21 read-only, 24-27 writable again:
 * |WWWWwwwwRRRR..WWWW|
 */
FIXTURE_VARIANT_ADD(copy, whole) COPY(10, 4, MAP_RW, 0);
FIXTURE_VARIANT_ADD(copy, front) COPY(10, 2, MAP_RW, 0);
FIXTURE_VARIANT_ADD(copy, middle) COPY(11, 2, MAP_RW, 0);
FIXTURE_VARIANT_ADD(copy, back) COPY(13, 1, MAP_RW, 0);
FIXTURE_VARIANT_ADD(copy, two_areas) COPY(10, 8, MAP_RW, 0);
FIXTURE_VARIANT_ADD(copy, end_and_start) COPY(12, 4, MAP_RW, 0);
FIXTURE_VARIANT_ADD(copy, fewer_rights) COPY(10, 8, MAP_READ, 0);
FIXTURE_VARIANT_ADD(copy, write_only) COPY(10, 8, MAP_WRITE, 0);
FIXTURE_VARIANT_ADD(copy, read_only) COPY(18, 4, MAP_READ, 0);
FIXTURE_VARIANT_ADD(copy, three_areas_read) COPY(10, 12, MAP_READ, 0);
FIXTURE_VARIANT_ADD(copy, h28_upgrade) COPY(18, 4, MAP_RW, -EPERM);
FIXTURE_VARIANT_ADD(copy, h28_upgrade_write_only)
	COPY(18, 1, MAP_WRITE, -EPERM);
FIXTURE_VARIANT_ADD(copy, h28_upgrade_at_the_end) COPY(10, 9, MAP_RW, -EPERM);
FIXTURE_VARIANT_ADD(copy, h15_nothing_there) COPY(40, 4, MAP_RW, -ENOENT);
FIXTURE_VARIANT_ADD(copy, h15_starts_in_hole) COPY(22, 4, MAP_READ, -ENOENT);
FIXTURE_VARIANT_ADD(copy, h15_ends_in_hole) COPY(18, 5, MAP_READ, -ENOENT);
FIXTURE_VARIANT_ADD(copy, h15_hole_between) COPY(18, 10, MAP_READ, -ENOENT);
FIXTURE_VARIANT_ADD(copy, h15_one_page_before) COPY(9, 2, MAP_RW, -ENOENT);
FIXTURE_VARIANT_ADD(copy, h15_one_page_behind) COPY(27, 2, MAP_RW, -ENOENT);
FIXTURE_VARIANT_ADD(copy, h26_no_rights) COPY(10, 4, 0, -EINVAL);
FIXTURE_VARIANT_ADD(copy, h08_no_length) COPY(10, 0, MAP_RW, -EINVAL);
/* clang-format on */

static int map_four_pages(int fd, __u32 id, const void *va, __u64 page,
			  __u32 rights)
{
	struct iommu_ioas_map map = map_of(id, va, 4 * PAGE_SIZE,
					   rights | IOMMU_IOAS_MAP_FIXED_IOVA);

	map.iova = BASE + page * PAGE_SIZE;
	return ioas_map(fd, &map);
}

FIXTURE_SETUP(copy)
{
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->src));
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->dst));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, BUFFER_PAGES * PAGE_SIZE,
				  (void **)&self->buffer));
	ASSERT_EQ(0, map_four_pages(self->fd, self->src, self->buffer, 10,
				    MAP_RW));
	ASSERT_EQ(0, map_four_pages(self->fd, self->src, self->buffer, 14,
				    MAP_RW));
	ASSERT_EQ(0, map_four_pages(self->fd, self->src, self->buffer, 18,
				    MAP_READ));
	ASSERT_EQ(0, map_four_pages(self->fd, self->src, self->buffer, 24,
				    MAP_RW));
}

FIXTURE_TEARDOWN(copy)
{
	__u64 unmapped;

	/* The source is as it was. */
	EXPECT_EQ(0, ioas_unmap_all(self->fd, self->src, &unmapped));
	EXPECT_EQ(16 * PAGE_SIZE, unmapped);
	close(self->fd);
	memory_free_all();
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

TEST_F(copy, fixed)
{
	struct iommu_ioas_copy copy = {
		.flags = variant->flags | IOMMU_IOAS_MAP_FIXED_IOVA,
		.dst_ioas_id = self->dst,
		.src_ioas_id = self->src,
		.src_iova = BASE + variant->page * PAGE_SIZE,
		.dst_iova = 3 * BASE,
		.length = variant->count * PAGE_SIZE,
	};
	__u64 expected = variant->expected ? 0 : copy.length;
	__u64 unmapped;

	EXPECT_EQ(variant->expected, ioas_copy(self->fd, &copy));
	EXPECT_EQ(0, ioas_unmap_all(self->fd, self->dst, &unmapped));
	EXPECT_EQ(expected, unmapped);
}

TEST_F(copy, automatic)
{
	struct iommu_ioas_copy copy = {
		.flags = variant->flags,
		.dst_ioas_id = self->dst,
		.src_ioas_id = self->src,
		.src_iova = BASE + variant->page * PAGE_SIZE,
		.length = variant->count * PAGE_SIZE,
	};
	__u64 unmapped = 0;

	EXPECT_EQ(variant->expected, ioas_copy(self->fd, &copy));
	if (variant->expected)
		return;
	EXPECT_EQ(0, ioas_unmap(self->fd, self->dst, copy.dst_iova,
				copy.length, &unmapped));
	EXPECT_EQ(copy.length, unmapped);
}

/* A copy of a copy has the rights of the memory, not those of the first. */
TEST_F(copy, again)
{
	struct iommu_ioas_copy copy = {
		.flags = variant->flags,
		.dst_ioas_id = self->dst,
		.src_ioas_id = self->src,
		.src_iova = BASE + variant->page * PAGE_SIZE,
		.length = variant->count * PAGE_SIZE,
	};

	EXPECT_EQ(variant->expected, ioas_copy(self->fd, &copy));
	if (variant->expected)
		return;
	copy.src_ioas_id = self->dst;
	copy.src_iova = copy.dst_iova;
	EXPECT_EQ(0, ioas_copy(self->fd, &copy));
	EXPECT_NE(copy.src_iova, copy.dst_iova);
}

TEST_F(map, h08_copy_overflow)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.dst_ioas_id = self->id,
		.src_ioas_id = self->id,
	};

	ASSERT_EQ(0, MAP_PAGES(0, 4));
	copy.src_iova = BASE;
	copy.dst_iova = UINT64_MAX - PAGE_SIZE + 1;
	copy.length = 2 * PAGE_SIZE;
	EXPECT_EQ(-EOVERFLOW, ioas_copy(self->fd, &copy));
	copy.src_iova = UINT64_MAX - PAGE_SIZE + 1;
	copy.dst_iova = 2 * BASE;
	EXPECT_EQ(-EOVERFLOW, ioas_copy(self->fd, &copy));
	copy.src_iova = BASE;
	copy.length = UINT64_MAX;
	EXPECT_EQ(-EOVERFLOW, ioas_copy(self->fd, &copy));
	copy.src_iova = UINT64_MAX;
	copy.dst_iova = UINT64_MAX;
	EXPECT_EQ(-EOVERFLOW, ioas_copy(self->fd, &copy));
	EXPECT_MAPPED_PAGES(4);
}

TEST_F(map, h05_copy_leaves_no_area)
{
	struct iommu_ioas_copy *copy;
	int i;

	ASSERT_EQ(0, MAP_PAGES(0, 4));
	copy = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)copy);
	*copy = (struct iommu_ioas_copy){
		.size = sizeof(*copy),
		.flags = MAP_FIXED_RW,
		.dst_ioas_id = self->id,
		.src_ioas_id = self->id,
		.src_iova = BASE,
		.dst_iova = 2 * BASE,
		.length = 4 * PAGE_SIZE,
	};
	ASSERT_EQ(0, mprotect(copy, PAGE_SIZE, PROT_READ));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EFAULT, iommufd_ioctl(self->fd, IOMMU_IOAS_COPY,
						 copy));
	}
	munmap(copy, PAGE_SIZE);
	EXPECT_MAPPED_PAGES(4);
}

/* Many areas */

#define MANY_AREAS	4000

/* All of many areas arrive where they belong, or none. */
TEST_F(map, copy_of_many_areas)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = self->id,
		.src_iova = BASE,
		.length = BUFFER_PAGES * PAGE_SIZE,
		.dst_ioas_id = self->id,
		.dst_iova = BASE + 1000 * PAGE_SIZE,
	};
	__u64 page, unmapped;

	for (page = 0; page < BUFFER_PAGES; page++)
		ASSERT_EQ(0, MAP_PAGES(page, 1));
	ASSERT_EQ(0, MAP_PAGES(1000 + BUFFER_PAGES - 1, 1));
	EXPECT_EQ(-EEXIST, ioas_copy(self->fd, &copy));
	EXPECT_EQ(0, UNMAP_PAGES(1000, BUFFER_PAGES, &unmapped));
	EXPECT_EQ(PAGE_SIZE, unmapped);

	EXPECT_EQ(0, ioas_copy(self->fd, &copy));
	EXPECT_EQ(-EEXIST, ioas_copy(self->fd, &copy));
	for (page = 0; page < BUFFER_PAGES; page += 9)
		EXPECT_EQ(0, UNMAP_PAGES(1000 + page, 1, NULL));
	EXPECT_EQ(0, UNMAP_PAGES(1000, BUFFER_PAGES, &unmapped));
	EXPECT_EQ((BUFFER_PAGES - 8) * PAGE_SIZE, unmapped);
	EXPECT_MAPPED_PAGES(BUFFER_PAGES);
}

/* The last of many areas is cut, so the first stays. */
TEST_F(map, h12_unmap_of_many_areas_cuts_the_last)
{
	__u64 page;

	for (page = 0; page < BUFFER_PAGES - 2; page++)
		ASSERT_EQ(0, MAP_PAGES(page, 1));
	ASSERT_EQ(0, MAP_PAGES(page, 2));
	EXPECT_EQ(-ENOENT, UNMAP_PAGES(0, BUFFER_PAGES - 1, NULL));
	EXPECT_MAPPED_PAGES(BUFFER_PAGES);
}

TEST_F(map, many_areas_one_unmap)
{
	__u64 iova, page;

	for (page = 0; page < MANY_AREAS; page++)
		ASSERT_EQ(0, MAP_PAGES(page * 2, 1));
	for (page = 0; page < 100; page++) {
		ASSERT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer,
					   PAGE_SIZE, &iova));
	}
	EXPECT_EQ(-ENOENT, UNMAP_PAGES(1, 1, NULL));
	EXPECT_MAPPED_PAGES(MANY_AREAS + 100);
}

/* A random walk beside a model that cannot be wrong: an array of page owners. */

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
	return BASE + page * PAGE_SIZE;
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
		map_of(walk->id, walk->buffer, count * PAGE_SIZE,
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
		.fd = self->fd, .id = self->id, .buffer = self->buffer,
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
	EXPECT_EQ(0, ioas_unmap_all(self->fd, self->id, &unmapped));
	EXPECT_EQ(left, unmapped);
}

/* The same for the automatic choice: it must find a place if there is one. */
TEST_F(map, random_auto_beside_a_model)
{
	struct walk walk = {
		.fd = self->fd, .id = self->id, .buffer = self->buffer,
	};
	unsigned int seed = walk_seed();
	int step, page, count, at;
	__u64 iova, unmapped;

	srandom(seed);
	ASSERT_EQ(0, allow_one(self->fd, self->id, BASE,
			       walk_iova(WALK_PAGES) - 1));
	for (step = 0; step < WALK_STEPS; step++) {
		walk_range(&page, &count);
		if (random() % 2) {
			int expected = walk_unmap_model(&walk, page, count,
							&unmapped);

			ASSERT_EQ(expected,
				  UNMAP_PAGES(page, count, NULL)) {
				TH_LOG("seed %u step %d", seed, step);
			}
			continue;
		}
		/* An odd page, so that only pages need to be aligned. */
		if (ioas_map_auto(self->fd, self->id, self->buffer + PAGE_SIZE,
				  count * PAGE_SIZE, &iova)) {
			for (at = 0; at + count <= WALK_PAGES; at++) {
				ASSERT_FALSE(walk_is_free(&walk, at, count)) {
					TH_LOG("seed %u step %d", seed, step);
				}
			}
			continue;
		}
		at = (iova - BASE) / PAGE_SIZE;
		ASSERT_TRUE(iova >= BASE && at + count <= WALK_PAGES);
		ASSERT_EQ(0, walk_map_model(&walk, at, count, true)) {
			TH_LOG("seed %u step %d", seed, step);
		}
	}
}

TEST_HARNESS_MAIN

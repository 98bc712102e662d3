// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * IOAS_MAP and IOAS_UNMAP without any device: IOVA arithmetic, neighbours, and
 * what is cut.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/map_fixture.h"

/* IOAS_MAP: rights, length, overflow */

TEST_F(map, rights)
{
	const __u32 good[] = { MAP_READ, MAP_WRITE, MAP_RW };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct iommu_ioas_map map = ioas_map_of(self->rig.ioas_id,
							self->rig.buffer,
							PAGE_SIZE, good[i]);

		EXPECT_EQ(0, ioas_map(self->rig.fd, &map));
	}
	EXPECT_EQ(ARRAY_SIZE(good), ioas_rig_take_all(&self->rig));
}

TEST_F(map, h26_no_rights)
{
	struct iommu_ioas_map map = ioas_map_of(self->rig.ioas_id,
						self->rig.buffer, PAGE_SIZE, 0);

	EXPECT_EQ(-EINVAL, ioas_map(self->rig.fd, &map));
	map.flags = IOMMU_IOAS_MAP_FIXED_IOVA;
	map.iova = IOAS_RIG_IOVA;
	EXPECT_EQ(-EINVAL, ioas_map(self->rig.fd, &map));
	EXPECT_EQ(0, ioas_rig_take_all(&self->rig));
}

TEST_F(map, h08_no_length)
{
	__u64 iova;

	EXPECT_EQ(-EINVAL, ioas_rig_map(&self->rig, 0, 0));
	EXPECT_EQ(-EINVAL, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					 self->rig.buffer, 0, &iova));
	EXPECT_EQ(0, ioas_rig_take_all(&self->rig));
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
	OVERFLOW(UINT64_MAX - 0xfff, 0x1001, IOAS_RIG_IOVA);
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
	struct ioas_rig rig;
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
	ASSERT_EQ(0, ioas_rig_create(&self->rig));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 10, 4));
}

FIXTURE_TEARDOWN(neighbour)
{
	EXPECT_STREQ("", ioas_rig_destroy(&self->rig));
}

TEST_F(neighbour, map)
{
	__u64 added = variant->expected ? 0 : variant->count;

	EXPECT_EQ(variant->expected, ioas_rig_map(&self->rig, variant->page,
						  variant->count));
	EXPECT_EQ(4 + added, ioas_rig_take_all(&self->rig));
}

TEST_F(neighbour, copy)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.dst_ioas_id = self->rig.ioas_id,
		.src_ioas_id = self->rig.ioas_id,
		.src_iova = ioas_rig_iova(100),
		.dst_iova = ioas_rig_iova(variant->page),
		.length = variant->count * PAGE_SIZE,
	};
	__u64 added = variant->expected ? 0 : variant->count;

	ASSERT_EQ(0, ioas_rig_map(&self->rig, 100, 8));
	EXPECT_EQ(variant->expected, ioas_copy(self->rig.fd, &copy));
	EXPECT_EQ(12 + added, ioas_rig_take_all(&self->rig));
}

/* IOAS_MAP: the two ends of the address space */

TEST_F(map, first_page)
{
	__u64 unmapped;

	EXPECT_EQ(0, ioas_map_fixed(self->rig.fd, self->rig.ioas_id,
				    self->rig.buffer, PAGE_SIZE, 0));
	EXPECT_EQ(-EEXIST, ioas_map_fixed(self->rig.fd, self->rig.ioas_id,
					  self->rig.buffer, PAGE_SIZE, 0));
	EXPECT_EQ(0, ioas_unmap(self->rig.fd, self->rig.ioas_id, 0, PAGE_SIZE,
				&unmapped));
	EXPECT_EQ(PAGE_SIZE, unmapped);
}

TEST_F(map, h11_last_page)
{
	__u64 top = UINT64_MAX - PAGE_SIZE + 1;
	__u64 unmapped;
	int i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, ioas_map_fixed(self->rig.fd, self->rig.ioas_id,
					    self->rig.buffer, PAGE_SIZE, top));
		EXPECT_EQ(-EEXIST, ioas_map_fixed(self->rig.fd,
						  self->rig.ioas_id,
						  self->rig.buffer, PAGE_SIZE,
						  top));
		EXPECT_EQ(0, ioas_unmap(self->rig.fd, self->rig.ioas_id, top,
					PAGE_SIZE, &unmapped));
		EXPECT_EQ(PAGE_SIZE, unmapped);
		EXPECT_EQ(-ENOENT, ioas_unmap(self->rig.fd, self->rig.ioas_id,
					      top, PAGE_SIZE, NULL));
	}
}

TEST_F(map, h11_unmap_all_takes_both_ends)
{
	EXPECT_EQ(0, ioas_map_fixed(self->rig.fd, self->rig.ioas_id,
				    self->rig.buffer, PAGE_SIZE, 0));
	EXPECT_EQ(0, ioas_rig_map(&self->rig, 0, 3));
	EXPECT_EQ(0, ioas_map_fixed(self->rig.fd, self->rig.ioas_id,
				    self->rig.buffer, 4 * PAGE_SIZE,
				    UINT64_MAX - 4 * PAGE_SIZE + 1));
	EXPECT_EQ(8, ioas_rig_take_all(&self->rig));
	EXPECT_EQ(0, ioas_rig_take_all(&self->rig));
}

TEST_F(map, h11_copy_of_the_last_page)
{
	__u64 top = UINT64_MAX - PAGE_SIZE + 1;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.dst_ioas_id = self->rig.ioas_id,
		.src_ioas_id = self->rig.ioas_id,
		.length = PAGE_SIZE,
		.src_iova = top,
		.dst_iova = top - PAGE_SIZE,
	};

	ASSERT_EQ(0, ioas_map_fixed(self->rig.fd, self->rig.ioas_id,
				    self->rig.buffer, PAGE_SIZE, top));
	EXPECT_EQ(0, ioas_copy(self->rig.fd, &copy));
	copy.src_iova = top - PAGE_SIZE;
	copy.length = 2 * PAGE_SIZE;
	copy.dst_iova = IOAS_RIG_IOVA;
	EXPECT_EQ(0, ioas_copy(self->rig.fd, &copy));
	EXPECT_EQ(4, ioas_rig_take_all(&self->rig));
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
	struct iommu_ioas_map map = ioas_map_of(self->rig.ioas_id,
						self->rig.buffer, PAGE_SIZE,
						MAP_FIXED_RW);
	struct iommu_ioas_map *read_only;
	int ret;

	map.iova = IOAS_RIG_IOVA;
	read_only = read_only_map(&map);
	ASSERT_NE(NULL, read_only);
	ret = iommufd_ioctl(self->rig.fd, IOMMU_IOAS_MAP, read_only);
	EXPECT_EQ(-EFAULT, ret);
	EXPECT_EQ(ret ? 0 : -EEXIST, ioas_map(self->rig.fd, &map));
	munmap(read_only, PAGE_SIZE);
	EXPECT_EQ(1, ioas_rig_take_all(&self->rig));
}

TEST_F(map, h05_auto_map_leaves_no_area)
{
	struct iommu_ioas_map map = ioas_map_of(self->rig.ioas_id,
						self->rig.buffer, PAGE_SIZE,
						MAP_RW);
	struct iommu_ioas_map *read_only = read_only_map(&map);
	int i;

	ASSERT_NE(NULL, read_only);
	ASSERT_EQ(0, ioas_allow_one(self->rig.fd, self->rig.ioas_id,
				    IOAS_RIG_IOVA, ioas_rig_iova(2) - 1));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(-EFAULT, iommufd_ioctl(self->rig.fd, IOMMU_IOAS_MAP,
						 read_only));
	}
	munmap(read_only, PAGE_SIZE);
	EXPECT_EQ(0, ioas_map(self->rig.fd, &map));
	EXPECT_EQ(1, ioas_rig_take_all(&self->rig));
}

/* IOAS_UNMAP */

TEST_F(map, unmap_reports_bytes)
{
	__u64 unmapped;

	ASSERT_EQ(0, ioas_rig_map(&self->rig, 0, 2));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 2, 3));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 10, 1));
	EXPECT_EQ(0, ioas_rig_unmap(&self->rig, 0, 2, &unmapped));
	EXPECT_EQ(2 * PAGE_SIZE, unmapped);
	EXPECT_EQ(0, ioas_rig_unmap(&self->rig, 1, 100, &unmapped));
	EXPECT_EQ(4 * PAGE_SIZE, unmapped);
}

TEST_F(map, h08_unmap_no_length)
{
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 0, 1));
	EXPECT_EQ(-EINVAL, ioas_rig_unmap(&self->rig, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, ioas_unmap(self->rig.fd, self->rig.ioas_id, 0, 0,
				      NULL));
	EXPECT_EQ(1, ioas_rig_take_all(&self->rig));
}

TEST_F(map, h08_unmap_overflow)
{
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 0, 1));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->rig.fd, self->rig.ioas_id, 2,
					 UINT64_MAX, NULL));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->rig.fd, self->rig.ioas_id,
					 PAGE_SIZE, UINT64_MAX, NULL));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->rig.fd, self->rig.ioas_id,
					 UINT64_MAX - PAGE_SIZE + 1,
					 PAGE_SIZE + 1, NULL));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->rig.fd, self->rig.ioas_id,
					 UINT64_MAX, 2, NULL));
	EXPECT_EQ(-EOVERFLOW, ioas_unmap(self->rig.fd, self->rig.ioas_id,
					 UINT64_MAX, UINT64_MAX, NULL));
	EXPECT_EQ(1, ioas_rig_take_all(&self->rig));
}

TEST_F(map, h08_unmap_all_of_nothing)
{
	EXPECT_EQ(0, ioas_rig_take_all(&self->rig));
	EXPECT_EQ(0, ioas_rig_take_all(&self->rig));
}

TEST_F(map, h12_unmap_nothing)
{
	EXPECT_EQ(-ENOENT, ioas_rig_unmap(&self->rig, 0, 1, NULL));
	EXPECT_EQ(-ENOENT, ioas_unmap(self->rig.fd, self->rig.ioas_id, 0,
				      UINT64_MAX - 1, NULL));
	EXPECT_EQ(-ENOENT, ioas_unmap(self->rig.fd, self->rig.ioas_id, 1,
				      UINT64_MAX, NULL));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 5, 1));
	EXPECT_EQ(-ENOENT, ioas_rig_unmap(&self->rig, 0, 5, NULL));
	EXPECT_EQ(-ENOENT, ioas_rig_unmap(&self->rig, 6, 100, NULL));
	EXPECT_EQ(1, ioas_rig_take_all(&self->rig));
}

FIXTURE(unmap_cuts)
{
	struct ioas_rig rig;
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
	ASSERT_EQ(0, ioas_rig_create(&self->rig));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 10, 4));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 14, 4));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 20, 4));
}

FIXTURE_TEARDOWN(unmap_cuts)
{
	EXPECT_STREQ("", ioas_rig_destroy(&self->rig));
}

TEST_F(unmap_cuts, h12_unmap_cuts_area)
{
	EXPECT_EQ(-ENOENT,
		  ioas_unmap(self->rig.fd, self->rig.ioas_id,
			     ioas_rig_iova(variant->page),
			     variant->count * PAGE_SIZE - variant->short_by,
			     NULL));
	/* Each area is still there, and whole. */
	EXPECT_EQ(-EEXIST, ioas_rig_map(&self->rig, 10, 1));
	EXPECT_EQ(-EEXIST, ioas_rig_map(&self->rig, 17, 1));
	EXPECT_EQ(-EEXIST, ioas_rig_map(&self->rig, 20, 1));
	EXPECT_EQ(12, ioas_rig_take_all(&self->rig));
}

/* Many areas */

#define MANY_AREAS	4000

/* The last of many areas is cut, so the first stays. */
TEST_F(map, h12_unmap_of_many_areas_cuts_the_last)
{
	__u64 page;

	for (page = 0; page < IOAS_RIG_PAGES - 2; page++)
		ASSERT_EQ(0, ioas_rig_map(&self->rig, page, 1));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, page, 2));
	EXPECT_EQ(-ENOENT, ioas_rig_unmap(&self->rig, 0, IOAS_RIG_PAGES - 1,
					  NULL));
	EXPECT_EQ(IOAS_RIG_PAGES, ioas_rig_take_all(&self->rig));
}

TEST_F(map, many_areas_one_unmap)
{
	__u64 iova, page;

	for (page = 0; page < MANY_AREAS; page++)
		ASSERT_EQ(0, ioas_rig_map(&self->rig, page * 2, 1));
	for (page = 0; page < 100; page++) {
		ASSERT_EQ(0, ioas_map_auto(self->rig.fd, self->rig.ioas_id,
					   self->rig.buffer, PAGE_SIZE, &iova));
	}
	EXPECT_EQ(-ENOENT, ioas_rig_unmap(&self->rig, 1, 1, NULL));
	EXPECT_EQ(MANY_AREAS + 100, ioas_rig_take_all(&self->rig));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * IOAS_COPY without any device.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/map_fixture.h"

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
	struct iommu_ioas_map map = ioas_map_of(id, va, 4 * PAGE_SIZE,
					   rights | IOMMU_IOAS_MAP_FIXED_IOVA);

	map.iova = ioas_rig_iova(page);
	return ioas_map(fd, &map);
}

FIXTURE_SETUP(copy)
{
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->src));
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->dst));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES,
				  IOAS_RIG_PAGES * PAGE_SIZE,
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
		.src_iova = ioas_rig_iova(variant->page),
		.dst_iova = 3 * IOAS_RIG_IOVA,
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
		.src_iova = ioas_rig_iova(variant->page),
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
		.src_iova = ioas_rig_iova(variant->page),
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
		.dst_ioas_id = self->rig.ioas_id,
		.src_ioas_id = self->rig.ioas_id,
	};

	ASSERT_EQ(0, ioas_rig_map(&self->rig, 0, 4));
	copy.src_iova = IOAS_RIG_IOVA;
	copy.dst_iova = UINT64_MAX - PAGE_SIZE + 1;
	copy.length = 2 * PAGE_SIZE;
	EXPECT_EQ(-EOVERFLOW, ioas_copy(self->rig.fd, &copy));
	copy.src_iova = UINT64_MAX - PAGE_SIZE + 1;
	copy.dst_iova = 2 * IOAS_RIG_IOVA;
	EXPECT_EQ(-EOVERFLOW, ioas_copy(self->rig.fd, &copy));
	copy.src_iova = IOAS_RIG_IOVA;
	copy.length = UINT64_MAX;
	EXPECT_EQ(-EOVERFLOW, ioas_copy(self->rig.fd, &copy));
	copy.src_iova = UINT64_MAX;
	copy.dst_iova = UINT64_MAX;
	EXPECT_EQ(-EOVERFLOW, ioas_copy(self->rig.fd, &copy));
	EXPECT_EQ(4, ioas_rig_take_all(&self->rig));
}

TEST_F(map, h05_copy_leaves_no_area)
{
	struct iommu_ioas_copy *copy;
	int i;

	ASSERT_EQ(0, ioas_rig_map(&self->rig, 0, 4));
	copy = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)copy);
	*copy = (struct iommu_ioas_copy){
		.size = sizeof(*copy),
		.flags = MAP_FIXED_RW,
		.dst_ioas_id = self->rig.ioas_id,
		.src_ioas_id = self->rig.ioas_id,
		.src_iova = IOAS_RIG_IOVA,
		.dst_iova = 2 * IOAS_RIG_IOVA,
		.length = 4 * PAGE_SIZE,
	};
	ASSERT_EQ(0, mprotect(copy, PAGE_SIZE, PROT_READ));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EFAULT, iommufd_ioctl(self->rig.fd, IOMMU_IOAS_COPY,
						 copy));
	}
	munmap(copy, PAGE_SIZE);
	EXPECT_EQ(4, ioas_rig_take_all(&self->rig));
}

/* All of many areas arrive where they belong, or none. */
TEST_F(map, copy_of_many_areas)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = self->rig.ioas_id,
		.src_iova = IOAS_RIG_IOVA,
		.length = IOAS_RIG_PAGES * PAGE_SIZE,
		.dst_ioas_id = self->rig.ioas_id,
		.dst_iova = ioas_rig_iova(1000),
	};
	__u64 page, unmapped;

	for (page = 0; page < IOAS_RIG_PAGES; page++)
		ASSERT_EQ(0, ioas_rig_map(&self->rig, page, 1));
	ASSERT_EQ(0, ioas_rig_map(&self->rig, 1000 + IOAS_RIG_PAGES - 1, 1));
	EXPECT_EQ(-EEXIST, ioas_copy(self->rig.fd, &copy));
	EXPECT_EQ(0, ioas_rig_unmap(&self->rig, 1000, IOAS_RIG_PAGES,
				    &unmapped));
	EXPECT_EQ(PAGE_SIZE, unmapped);

	EXPECT_EQ(0, ioas_copy(self->rig.fd, &copy));
	EXPECT_EQ(-EEXIST, ioas_copy(self->rig.fd, &copy));
	for (page = 0; page < IOAS_RIG_PAGES; page += 9)
		EXPECT_EQ(0, ioas_rig_unmap(&self->rig, 1000 + page, 1, NULL));
	EXPECT_EQ(0, ioas_rig_unmap(&self->rig, 1000, IOAS_RIG_PAGES,
				    &unmapped));
	EXPECT_EQ((IOAS_RIG_PAGES - 8) * PAGE_SIZE, unmapped);
	EXPECT_EQ(IOAS_RIG_PAGES, ioas_rig_take_all(&self->rig));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A VFIO device on an iommufd: what it does to the ranges and areas of an IOAS,
 * what is reserved, and alignment.
 */
#include <errno.h>
#include <string.h>

#include "lib/device_fixture.h"

/* Ranges and reserved regions */

static bool covers(const struct iova_ranges *ranges, __u64 start, __u64 last)
{
	__u32 i;

	for (i = 0; i < ranges->count; i++)
		if (start <= ranges->range[i].last &&
		    last >= ranges->range[i].start)
			return true;
	return false;
}

/* The first hole between two ranges, which is what the device reserves. */
static int find_hole(int fd, __u32 ioas_id, struct iommu_iova_range *hole)
{
	struct iova_ranges ranges;
	int ret;

	ret = ioas_iova_ranges(fd, ioas_id, &ranges);
	if (ret)
		return ret;
	if (ranges.count < 2)
		return -ENOENT;
	hole->start = ranges.range[0].last + 1;
	hole->last = ranges.range[1].start - 1;
	return 0;
}

#define MSI_WINDOW_START	0xfee00000ULL
#define MSI_WINDOW_LAST		0xfeefffffULL

TEST_F(device, h23_ranges_narrow_and_widen)
{
	struct rig *rig = &self->rig;
	struct iova_ranges ranges;
	__u32 i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	EXPECT_GE(ranges.count, 1);
	EXPECT_LT(ranges.range[ranges.count - 1].last, UINT64_MAX);
	for (i = 0; i < ranges.count; i++)
		EXPECT_LT(ranges.range[i].start, ranges.range[i].last);
	for (i = 1; i < ranges.count; i++)
		EXPECT_LT(ranges.range[i - 1].last + 1, ranges.range[i].start);
	EXPECT_LE(ranges.alignment, PAGE_SIZE);
	EXPECT_GT(ranges.alignment, 1);
#ifdef __x86_64__
	EXPECT_FALSE(covers(&ranges, MSI_WINDOW_START, MSI_WINDOW_LAST));
#endif
	EXPECT_EQ(0, edu_detach(&rig->edu));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	ASSERT_EQ(1, ranges.count);
	EXPECT_EQ(0, ranges.range[0].start);
	EXPECT_EQ(UINT64_MAX, ranges.range[0].last);
}

TEST_F(device, ranges_do_not_fit)
{
	struct rig *rig = &self->rig;
	struct iommu_iova_range array[2] = { { 1, 2 }, { 3, 4 } };
	struct iova_ranges ranges;
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = rig->ioas_id,
		.num_iovas = 1,
		.allowed_iovas = va_to_u64(array),
	};

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	if (ranges.count < 2)
		SKIP(return, "the device reserves nothing");
	EXPECT_EQ(-EMSGSIZE, iommufd_ioctl(rig->fd, IOMMU_IOAS_IOVA_RANGES,
					   &query));
	EXPECT_EQ(ranges.count, query.num_iovas);
	/* As many as fit are filled in, and no more. */
	EXPECT_EQ(ranges.range[0].start, array[0].start);
	EXPECT_EQ(ranges.range[0].last, array[0].last);
	EXPECT_EQ(3, array[1].start);
	EXPECT_EQ(4, array[1].last);
}

TEST_F(device, h15_fixed_map_in_reserved)
{
	struct rig *rig = &self->rig;
	struct iommu_iova_range hole;

	ASSERT_EQ(0, rig_attach(&self->rig));
	if (find_hole(rig->fd, rig->ioas_id, &hole))
		SKIP(return, "the device reserves nothing");
	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  PAGE_SIZE, hole.start));
	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  PAGE_SIZE, hole.last - PAGE_SIZE + 1));
	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  2 * PAGE_SIZE,
					  hole.start - PAGE_SIZE));
	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  2 * PAGE_SIZE,
					  hole.last - PAGE_SIZE + 1));
	EXPECT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, hole.start - PAGE_SIZE));
	EXPECT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, hole.last + 1));
	EXPECT_PINNED(2);
}

TEST_F(device, h15_fixed_map_beyond_the_aperture)
{
	struct rig *rig = &self->rig;
	struct iova_ranges ranges;
	__u64 last;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	last = ranges.range[ranges.count - 1].last;
	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  PAGE_SIZE, last + 1));
	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  2 * PAGE_SIZE, last - PAGE_SIZE + 1));
	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  PAGE_SIZE,
					  UINT64_MAX - PAGE_SIZE + 1));
	/* The last page there is works. */
	EXPECT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, last - PAGE_SIZE + 1));
	EXPECT_PINNED(1);
	EXPECT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, last - PAGE_SIZE + 1,
				PAGE_SIZE, NULL));
	EXPECT_PINNED(0);
}

/* The automatic choice keeps out of what is reserved. */
TEST_F(device, auto_avoids_reserved)
{
	struct rig *rig = &self->rig;
	struct iommu_iova_range hole, window;
	__u64 iova;
	int i;

	/* Allowed before the device comes: the hole would be a conflict. */
	ASSERT_EQ(0, rig_attach(&self->rig));
	if (find_hole(rig->fd, rig->ioas_id, &hole))
		SKIP(return, "the device reserves nothing");
	window.start = hole.start - 4 * PAGE_SIZE;
	window.last = hole.start - 1;
	ASSERT_EQ(0, ioas_allow_iovas(rig->fd, rig->ioas_id, &window, 1));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, ioas_map_auto(rig->fd, rig->ioas_id, rig->buffer,
					   PAGE_SIZE, &iova));
		EXPECT_GE(iova, window.start);
		EXPECT_LT(iova, hole.start);
	}
	EXPECT_EQ(-ENOSPC, ioas_map_auto(rig->fd, rig->ioas_id, rig->buffer,
					 PAGE_SIZE, &iova));
}

TEST_F(device, h16_allow_in_reserved)
{
	struct rig *rig = &self->rig;
	struct iommu_iova_range hole, window[2] = { { 0, SZ_1M - 1 } };

	ASSERT_EQ(0, rig_attach(&self->rig));
	if (find_hole(rig->fd, rig->ioas_id, &hole))
		SKIP(return, "the device reserves nothing");
	window[1] = (struct iommu_iova_range){ hole.start - PAGE_SIZE,
					       hole.start };
	EXPECT_EQ(-EADDRINUSE, ioas_allow_iovas(rig->fd, rig->ioas_id, window,
						2));
	window[1] = (struct iommu_iova_range){ hole.last,
					       hole.last + PAGE_SIZE };
	EXPECT_EQ(-EADDRINUSE, ioas_allow_iovas(rig->fd, rig->ioas_id, window,
						2));
	window[1] = (struct iommu_iova_range){ hole.last + 1,
					       hole.last + PAGE_SIZE };
	EXPECT_EQ(0, ioas_allow_iovas(rig->fd, rig->ioas_id, window, 2));
}

TEST_F(device, h16_attach_against_allowed)
{
	struct rig *rig = &self->rig;
	struct iommu_iova_range hole, all = { 0, UINT64_MAX };

	ASSERT_EQ(0, rig_attach(&self->rig));
	if (find_hole(rig->fd, rig->ioas_id, &hole))
		SKIP(return, "the device reserves nothing");
	EXPECT_EQ(0, edu_detach(&rig->edu));
	ASSERT_EQ(0, ioas_allow_iovas(rig->fd, rig->ioas_id, &hole, 1));
	EXPECT_EQ(-EADDRINUSE, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, ioas_allow_iovas(rig->fd, rig->ioas_id, &all, 1));
	EXPECT_EQ(-EADDRINUSE, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, ioas_allow_iovas(rig->fd, rig->ioas_id, NULL, 0));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
}

/* Areas that are in the way of the device, and nothing stays behind. */
static int attach_with_area_at(struct rig *rig, __u64 iova)
{
	struct iova_ranges ranges;
	int ret;

	ret = ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer, PAGE_SIZE,
			     iova);
	if (ret)
		return ret;
	ret = edu_attach_ioas(&rig->edu, rig->ioas_id);
	if (!ret)
		edu_detach(&rig->edu);
	if (ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges) ||
	    ranges.count != 1 || ranges.range[0].last != UINT64_MAX)
		return -EUCLEAN;
	if (ioas_unmap(rig->fd, rig->ioas_id, iova, PAGE_SIZE, NULL))
		return -EUCLEAN;
	return ret;
}

TEST_F(device, h23_attach_against_areas)
{
	struct rig *rig = &self->rig;
	struct iommu_iova_range hole;
	struct iova_ranges ranges;
	__u64 last;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	last = ranges.range[ranges.count - 1].last;
	if (find_hole(rig->fd, rig->ioas_id, &hole))
		hole = (struct iommu_iova_range){ last + 1, UINT64_MAX };
	ASSERT_EQ(0, edu_detach(&rig->edu));

	EXPECT_EQ(-EADDRINUSE, attach_with_area_at(rig, hole.start));
	EXPECT_EQ(-EADDRINUSE,
		  attach_with_area_at(rig, hole.last - PAGE_SIZE + 1));
	EXPECT_EQ(-EADDRINUSE, attach_with_area_at(rig, last + 1));
	EXPECT_EQ(-EADDRINUSE,
		  attach_with_area_at(rig, UINT64_MAX - PAGE_SIZE + 1));
	EXPECT_EQ(0, attach_with_area_at(rig, hole.start - PAGE_SIZE));
	EXPECT_EQ(0, attach_with_area_at(rig, last - PAGE_SIZE + 1));
	EXPECT_PINNED(0);
}

/* A replace that fails over a reserved region keeps the old reservations. */
TEST_F(device, h23_replace_against_areas)
{
	struct rig *rig = &self->rig;
	struct iova_ranges before, after;
	__u32 other;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 3));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &before));
	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, other, rig->buffer, PAGE_SIZE,
				    UINT64_MAX - PAGE_SIZE + 1));
	EXPECT_EQ(-EADDRINUSE, edu_attach_ioas(&rig->edu, other));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &after));
	EXPECT_EQ(before.count, after.count);
	EXPECT_EQ(0, memcmp(before.range, after.range,
			    before.count * sizeof(before.range[0])));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, other, &after));
	EXPECT_EQ(1, after.count);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, other));
	EXPECT_PINNED(3);
}

/* Alignment */

TEST_F(device, h15_misaligned)
{
	struct rig *rig = &self->rig;
	const __u64 odd[] = { 1, 8, 512, PAGE_SIZE - 1, PAGE_SIZE / 2 };
	struct iova_ranges ranges;
	__u64 iova;
	size_t i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	ASSERT_EQ(PAGE_SIZE, ranges.alignment);
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id,
						  rig->buffer, PAGE_SIZE,
						  RIG_IOVA + odd[i]));
		EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id,
						  rig->buffer, odd[i],
						  RIG_IOVA));
		EXPECT_EQ(-EINVAL, ioas_map_auto(rig->fd, rig->ioas_id,
						 rig->buffer, odd[i], &iova));
		EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id,
						  rig->buffer + odd[i],
						  PAGE_SIZE, RIG_IOVA));
		EXPECT_EQ(-EINVAL, ioas_map_auto(rig->fd, rig->ioas_id,
						 rig->buffer + odd[i],
						 PAGE_SIZE, &iova));
	}
	EXPECT_PINNED(0);
}

TEST_F(device, h15_misaligned_copy)
{
	struct rig *rig = &self->rig;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = rig->ioas_id,
		.src_iova = RIG_IOVA + 512,
		.dst_iova = RIG_IOVA,
		.length = PAGE_SIZE,
	};

	ASSERT_EQ(0, ioas_alloc(rig->fd, &copy.dst_ioas_id));
	ASSERT_EQ(0, rig_map(rig, 0, 4));
	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, copy.dst_ioas_id));
	EXPECT_EQ(-EINVAL, ioas_copy(rig->fd, &copy));
	copy.src_iova = RIG_IOVA;
	copy.dst_iova = RIG_IOVA + 512;
	EXPECT_EQ(-EINVAL, ioas_copy(rig->fd, &copy));
	copy.dst_iova = RIG_IOVA;
	copy.length = 512;
	EXPECT_EQ(-EINVAL, ioas_copy(rig->fd, &copy));
	copy.length = PAGE_SIZE;
	EXPECT_EQ(0, ioas_copy(rig->fd, &copy));
	EXPECT_PINNED(1);
}

/* Areas too fine for the page table are refused at the attach. */
TEST_F(device, h15_attach_to_fine_areas)
{
	struct rig *rig = &self->rig;
	struct iova_ranges ranges;

	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	if (ranges.alignment == PAGE_SIZE)
		SKIP(return, "areas are always of whole pages");
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    ranges.alignment, RIG_IOVA));
	EXPECT_EQ(-EADDRINUSE, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, RIG_IOVA,
				ranges.alignment, NULL));
	/* IOVA and length would do, but the memory is off. */
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id,
				    rig->buffer + ranges.alignment, PAGE_SIZE,
				    RIG_IOVA));
	EXPECT_EQ(-EADDRINUSE, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A VFIO device on an iommufd: bind, attach, replace, detach, and what that
 * does to IOASes, their ranges and their areas. No DMA is done here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/vfio.h>

#include "lib/harness.h"
#include "lib/process.h"
#include "lib/rig.h"

#define KIB_PER_PAGE	(PAGE_SIZE / 1024)

/* A second device attaches to what the first one is attached to. */
FIXTURE(device)
{
	struct rig rig;
};

FIXTURE_SETUP(device)
{
	int ret = rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(device)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

#define EXPECT_PINNED(pages) \
	EXPECT_EQ((pages) * KIB_PER_PAGE, status_kib("VmPin:"))

/* Bind and ids */

TEST_F(device, bind_only_once)
{
	int other = iommufd_open();

	ASSERT_GE(other, 0);
	EXPECT_NE(0, self->rig.edu.vfio.dev_id);
	EXPECT_EQ(-EINVAL, edu_bind(&self->rig.edu, self->rig.fd));
	EXPECT_EQ(-EINVAL, edu_bind(&self->rig.edu, other));
	close(other);
}

TEST_F(device, bind_to_something_else)
{
	struct edu edu;
	int null;

	edu_close(&self->rig.edu);
	ASSERT_EQ(0, edu_open(&edu, 0));
	null = open("/dev/null", O_RDWR);
	ASSERT_GE(null, 0);
	EXPECT_LT(edu_bind(&edu, null), 0);
	EXPECT_LT(edu_bind(&edu, 1000), 0);
	EXPECT_LT(edu_bind(&edu, edu.vfio.fd), 0);
	EXPECT_EQ(0, edu_bind(&edu, self->rig.fd));
	close(null);
	edu_close(&edu);
}

/* The reply of BIND is lost: the device is not bound, its id is free. */
TEST_F(device, h05_bind_reply_cannot_be_written)
{
	struct vfio_device_bind_iommufd *bind;
	struct edu edu;

	edu_close(&self->rig.edu);
	ASSERT_EQ(0, edu_open(&edu, 0));
	bind = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)bind);
	bind->argsz = sizeof(*bind);
	bind->iommufd = self->rig.fd;
	ASSERT_EQ(0, mprotect(bind, PAGE_SIZE, PROT_READ));
	EXPECT_EQ(-1, ioctl(edu.vfio.fd, VFIO_DEVICE_BIND_IOMMUFD, bind));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, edu_bind(&edu, self->rig.fd));
	EXPECT_EQ(0, edu_attach_ioas(&edu, self->rig.ioas_id));
	munmap(bind, PAGE_SIZE);
	edu_close(&edu);
}

TEST_F(device, h02_destroy_of_a_bound_device)
{
	EXPECT_EQ(-EBUSY, iommufd_destroy(self->rig.fd,
					  self->rig.edu.vfio.dev_id));
	ASSERT_EQ(0, rig_attach(&self->rig));
	EXPECT_EQ(-EBUSY, iommufd_destroy(self->rig.fd,
					  self->rig.edu.vfio.dev_id));
	EXPECT_EQ(0, edu_detach(&self->rig.edu));
	EXPECT_EQ(-EBUSY, iommufd_destroy(self->rig.fd,
					  self->rig.edu.vfio.dev_id));
	edu_close(&self->rig.edu);
	EXPECT_EQ(-ENOENT, iommufd_destroy(self->rig.fd,
					   self->rig.edu.vfio.dev_id));
}

TEST_F(device, bind_again_after_close)
{
	struct rig *rig = &self->rig;
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, rig_attach(&self->rig));
		edu_close(&rig->edu);
		ASSERT_EQ(0, edu_open(&rig->edu, 0));
		ASSERT_EQ(0, edu_bind(&rig->edu, rig->fd));
	}
}

#define UNSAFE_INTERRUPTS "/sys/module/iommufd/parameters/allow_unsafe_interrupts"

static int allow_unsafe_interrupts(const char *value)
{
	int fd = open(UNSAFE_INTERRUPTS, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, 1) != 1)
		ret = -errno;
	close(fd);
	return ret;
}

/* Where the IOMMU does not keep interrupts apart it takes the admin's word. */
TEST_F(device, h24_interrupts_not_isolated)
{
	struct edu edu;
	int ret;

	edu_close(&self->rig.edu);
	ASSERT_EQ(0, allow_unsafe_interrupts("N"));
	ASSERT_EQ(0, edu_open(&edu, 0));
	ret = edu_bind(&edu, self->rig.fd);
	EXPECT_EQ(0, allow_unsafe_interrupts("Y"));
	if (!ret) {
		EXPECT_EQ(0, allow_unsafe_interrupts("N"));
		edu_close(&edu);
		SKIP(return, "this IOMMU keeps interrupts apart");
	}
	EXPECT_EQ(-EPERM, ret);
	EXPECT_EQ(0, edu_bind(&edu, self->rig.fd));
	edu_close(&edu);
}

/* Ids of the wrong type are no ids. */
TEST_F(device, wrong_type_of_id)
{
	struct rig *rig = &self->rig;
	__u32 hwpt = rig->ioas_id;
	__u32 bad[2];
	size_t i;

	ASSERT_EQ(0, edu_attach(&rig->edu, &hwpt));
	ASSERT_NE(hwpt, rig->ioas_id);
	bad[0] = rig->edu.vfio.dev_id;
	bad[1] = hwpt;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct iova_ranges ranges;
		__u64 value;

		EXPECT_EQ(-ENOENT, ioas_iova_ranges(rig->fd, bad[i], &ranges));
		EXPECT_EQ(-ENOENT, ioas_allow_iovas(rig->fd, bad[i], NULL, 0));
		EXPECT_EQ(-ENOENT, ioas_map_auto(rig->fd, bad[i], rig->buffer,
						 PAGE_SIZE, &value));
		EXPECT_EQ(-ENOENT, ioas_unmap_all(rig->fd, bad[i], NULL));
		EXPECT_EQ(-ENOENT, option_get(rig->fd, IOMMU_OPTION_HUGE_PAGES,
					      bad[i], &value));
		EXPECT_EQ(-ENOENT, rig_copy(rig, rig_iova(0), 1, bad[i],
					    rig_iova(50)));
	}
	EXPECT_EQ(-ENOENT, edu_attach_ioas(&rig->edu, rig->edu.vfio.dev_id));
}

/* Attach and detach */

TEST_F(device, attach_to_nothing)
{
	const __u32 ids[] = { 0, 1000, 0x80000000, UINT32_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		EXPECT_EQ(-ENOENT, edu_attach_ioas(&self->rig.edu, ids[i]));
	ASSERT_EQ(0, rig_attach(&self->rig));
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		EXPECT_EQ(-ENOENT, edu_attach_ioas(&self->rig.edu, ids[i]));
	/* Still attached to the first one. */
	EXPECT_EQ(-EBUSY, iommufd_destroy(self->rig.fd, self->rig.ioas_id));
}

TEST_F(device, h02_destroy_of_an_attached_ioas)
{
	struct rig *rig = &self->rig;
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, rig_attach(&self->rig));
		EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->ioas_id));
		EXPECT_TRUE(ioas_exists(rig->fd, rig->ioas_id));
		EXPECT_EQ(0, edu_detach(&rig->edu));
	}
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
}

TEST_F(device, detach_twice)
{
	EXPECT_EQ(0, edu_detach(&self->rig.edu));
	ASSERT_EQ(0, rig_attach(&self->rig));
	EXPECT_EQ(0, edu_detach(&self->rig.edu));
	EXPECT_EQ(0, edu_detach(&self->rig.edu));
	ASSERT_EQ(0, rig_attach(&self->rig));
}

/* The automatic page table is there as long as it is in use. */
TEST_F(device, h20_automatic_page_table)
{
	struct rig *rig = &self->rig;
	__u32 first = rig->ioas_id, again = rig->ioas_id;

	ASSERT_EQ(0, edu_attach(&rig->edu, &first));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, first));
	ASSERT_EQ(0, edu_attach(&rig->edu, &again));
	EXPECT_EQ(first, again);
	/* To the page table itself. */
	again = first;
	EXPECT_EQ(0, edu_attach(&rig->edu, &again));
	EXPECT_EQ(first, again);
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_EQ(-ENOENT, iommufd_destroy(rig->fd, first));
	EXPECT_EQ(-ENOENT, edu_attach_ioas(&rig->edu, first));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
}

TEST_F(device, replace)
{
	struct rig *rig = &self->rig;
	__u32 other;

	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, rig_map(rig, 0, 4));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, other, rig_va(rig, 10),
				    8 * PAGE_SIZE, RIG_IOVA));
	ASSERT_EQ(0, rig_attach(&self->rig));
	EXPECT_PINNED(4);
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, other));
	EXPECT_PINNED(8);
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, other));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, other));
}

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

/* Memory that cannot be pinned */

enum bad_memory {
	BAD_NOTHING,		/* no mapping at all */
	BAD_NO_ACCESS,		/* PROT_NONE */
	BAD_READ_ONLY,		/* PROT_READ */
	BAD_DEVICE,		/* a PCI BAR */
	BAD_LAST_PAGE,		/* good, but for the last page */
	BAD_FIRST_PAGE,		/* good, but for the first page */
	BAD_BEHIND_MANY,	/* a hole behind 3 MiB of good memory */
	BAD_KERNEL,		/* an address of the kernel */
};

FIXTURE(bad)
{
	struct rig rig;
	char *va;
	__u64 length;
	__u64 good_pages;
};

FIXTURE_VARIANT(bad)
{
	enum bad_memory memory;
};

#define BAD(kind) { .memory = kind, }

/* clang-format off */
FIXTURE_VARIANT_ADD(bad, nothing) BAD(BAD_NOTHING);
FIXTURE_VARIANT_ADD(bad, no_access) BAD(BAD_NO_ACCESS);
FIXTURE_VARIANT_ADD(bad, read_only) BAD(BAD_READ_ONLY);
FIXTURE_VARIANT_ADD(bad, device) BAD(BAD_DEVICE);
FIXTURE_VARIANT_ADD(bad, last_page) BAD(BAD_LAST_PAGE);
FIXTURE_VARIANT_ADD(bad, first_page) BAD(BAD_FIRST_PAGE);
FIXTURE_VARIANT_ADD(bad, behind_many) BAD(BAD_BEHIND_MANY);
FIXTURE_VARIANT_ADD(bad, kernel) BAD(BAD_KERNEL);
/* clang-format on */

static char *anonymous(__u64 length, int protection)
{
	void *va = mmap(NULL, length, protection, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	return va == MAP_FAILED ? NULL : va;
}

/* Anonymous memory of @length with one page taken out at @page. */
static char *with_hole(__u64 length, __u64 page)
{
	char *va = anonymous(length, PROT_READ | PROT_WRITE);

	if (va) {
		memset(va, 1, length);
		munmap(va + page * PAGE_SIZE, PAGE_SIZE);
	}
	return va;
}

static char *bad_memory(struct rig *rig, enum bad_memory kind, __u64 *length)
{
	char *va;

	*length = 16 * PAGE_SIZE;
	switch (kind) {
	case BAD_NOTHING:
		va = anonymous(*length, PROT_READ);
		munmap(va, *length);
		return va;
	case BAD_NO_ACCESS:
		return anonymous(*length, PROT_NONE);
	case BAD_READ_ONLY:
		return anonymous(*length, PROT_READ);
	case BAD_DEVICE:
		return edu_start(&rig->edu) ? NULL : rig->edu.registers.va;
	case BAD_LAST_PAGE:
		return with_hole(*length, 15);
	case BAD_FIRST_PAGE:
		return with_hole(*length, 0);
	case BAD_BEHIND_MANY:
		*length = 2 * SZ_2M;
		return with_hole(*length, 3 * SZ_1M / PAGE_SIZE);
	default:
		return (char *)(uintptr_t)0xffff888000000000ULL;
	}
}

FIXTURE_SETUP(bad)
{
	int ret = rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	self->va = bad_memory(&self->rig, variant->memory, &self->length);
	ASSERT_NE(NULL, self->va);
}

FIXTURE_TEARDOWN(bad)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

TEST_F(bad, h28_map)
{
	struct rig *rig = &self->rig;
	__u64 iova;
	int i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EFAULT, ioas_map_fixed(rig->fd, rig->ioas_id,
						  self->va, self->length,
						  RIG_IOVA));
		EXPECT_EQ(-EFAULT, ioas_map_auto(rig->fd, rig->ioas_id,
						 self->va, self->length,
						 &iova));
		EXPECT_PINNED(0);
	}
	/* The IOVA is as free as it was. */
	EXPECT_EQ(0, rig_map(rig, 0, 16));
	EXPECT_PINNED(16);
}

/* Nobody looks before there is a device; then the attach fails, whole. */
TEST_F(bad, h18_attach)
{
	struct rig *rig = &self->rig;
	struct iova_ranges ranges;
	int i;

	ASSERT_EQ(0, rig_map(rig, 0, 4));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->va,
				    self->length, 2 * RIG_IOVA));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    4 * PAGE_SIZE, 3 * RIG_IOVA));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, rig->ioas_id));
		EXPECT_PINNED(0);
	}
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	EXPECT_EQ(1, ranges.count);
	EXPECT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, 2 * RIG_IOVA,
				self->length, NULL));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_PINNED(8);
}

/* The same by a replace: the old IOAS stays in use, with all it has. */
TEST_F(bad, h22_replace)
{
	struct rig *rig = &self->rig;
	__u32 old = rig->ioas_id, hwpt = rig->ioas_id, other;

	ASSERT_EQ(0, edu_attach(&rig->edu, &hwpt));
	ASSERT_EQ(0, rig_map(rig, 0, 4));
	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, rig_copy(rig, rig_iova(0), 2, other, rig_iova(0)));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, other, self->va, self->length,
				    2 * RIG_IOVA));
	EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, other));
	EXPECT_PINNED(4);
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, old));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, hwpt));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, other));
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, old));
}

/* Reading needs no right to write. */
TEST_F(device, h28_read_only_memory)
{
	struct rig *rig = &self->rig;
	struct iommu_ioas_map map = {
		.ioas_id = rig->ioas_id,
		.length = 4 * PAGE_SIZE,
	};
	char *va = anonymous(4 * PAGE_SIZE, PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, va);
	memset(va, 1, 4 * PAGE_SIZE);
	ASSERT_EQ(0, mprotect(va, 4 * PAGE_SIZE, PROT_READ));
	map.user_va = va_to_u64(va);
	ASSERT_EQ(0, rig_attach(&self->rig));
	map.flags = MAP_RW;
	EXPECT_EQ(-EFAULT, ioas_map(rig->fd, &map));
	map.flags = MAP_WRITE;
	EXPECT_EQ(-EFAULT, ioas_map(rig->fd, &map));
	map.flags = MAP_READ;
	EXPECT_EQ(0, ioas_map(rig->fd, &map));
	EXPECT_PINNED(4);
	munmap(va, 4 * PAGE_SIZE);
}

/* Memory that goes away between the map and the attach. */
TEST_F(device, h18_memory_vanishes_before_the_attach)
{
	struct rig *rig = &self->rig;
	char *va = anonymous(8 * PAGE_SIZE, PROT_READ | PROT_WRITE);
	__u64 page;

	ASSERT_NE(NULL, va);
	for (page = 0; page < 8; page++) {
		ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id,
					    va + page * PAGE_SIZE, PAGE_SIZE,
					    rig_iova(page)));
	}
	ASSERT_EQ(0, munmap(va + 5 * PAGE_SIZE, PAGE_SIZE));
	EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, rig_unmap(rig, 5, 1));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_PINNED(7);
	munmap(va, 8 * PAGE_SIZE);
}

/* A copy of what is not pinned anywhere pins it, and may fail. */
TEST_F(device, h28_copy_of_bad_memory)
{
	struct rig *rig = &self->rig;
	char *va = with_hole(4 * PAGE_SIZE, 2);
	__u32 other;

	ASSERT_NE(NULL, va);
	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, va, 4 * PAGE_SIZE,
				    RIG_IOVA));
	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, other));
	EXPECT_EQ(-EFAULT, rig_copy(rig, rig_iova(0), 4, other, rig_iova(0)));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, rig_copy(rig, rig_iova(0), 2, other, rig_iova(0)));
	EXPECT_PINNED(2);
	munmap(va, 4 * PAGE_SIZE);
}

/* The huge page pays with all of its life for a pin of a part. */
TEST_F(device, h29_part_of_a_huge_page)
{
	struct rig *rig = &self->rig;
	__u64 offset;
	void *va;

	if (memory_alloc(MEMORY_HUGETLB, SZ_2M, &va))
		SKIP(return, "no huge pages");
	ASSERT_EQ(0, rig_attach(&self->rig));
	for (offset = 0; offset < SZ_2M; offset += 37 * PAGE_SIZE) {
		ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id,
					    (char *)va + offset, PAGE_SIZE,
					    RIG_IOVA + offset));
	}
	ASSERT_EQ(0, munmap(va, SZ_2M));
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	EXPECT_PINNED(0);
}

/* Order of unpinning: any overlap of two copies, either way round. */

#define OVERLAP_PAGES	6

static __u64 union_pages(__u64 first, __u64 npages, __u64 other, __u64 nother)
{
	__u64 page, count = 0;

	for (page = 0; page < OVERLAP_PAGES; page++)
		count += (page >= first && page < first + npages) ||
			 (page >= other && page < other + nother);
	return count;
}

/*
 * From the memory of one area two copies of parts are made and the area is
 * unmapped: exactly the pages that either of them holds stay pinned.
 */
TEST_F(device, h31_unpin_with_overlaps)
{
	struct rig *rig = &self->rig;
	unsigned int all = OVERLAP_PAGES * OVERLAP_PAGES, i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	for (i = 0; i < all * all; i++) {
		/* Number i in base 6 is a start and a length, twice. */
		__u64 a = i % OVERLAP_PAGES, na = i / OVERLAP_PAGES % OVERLAP_PAGES + 1;
		__u64 b = i / all % OVERLAP_PAGES, nb = i / all / OVERLAP_PAGES + 1;

		if (a + na > OVERLAP_PAGES || b + nb > OVERLAP_PAGES)
			continue;
		ASSERT_EQ(0, rig_map(rig, 0, OVERLAP_PAGES));
		ASSERT_EQ(0, rig_copy(rig, rig_iova(a), na, rig->ioas_id,
				      rig_iova(100)));
		ASSERT_EQ(0, rig_copy(rig, rig_iova(b), nb, rig->ioas_id,
				      rig_iova(200)));
		EXPECT_PINNED(OVERLAP_PAGES);
		ASSERT_EQ(0, rig_unmap(rig, 0, OVERLAP_PAGES));
		EXPECT_PINNED(union_pages(a, na, b, nb));
		ASSERT_EQ(0, rig_unmap(rig, 100, na));
		EXPECT_PINNED(nb);
		ASSERT_EQ(0, rig_unmap(rig, 200, nb));
		EXPECT_PINNED(0);
	}
}

/* Untouched memory reads as the zero page, which nobody must run out of. */
TEST_F(device, h32_zero_page)
{
	struct rig *rig = &self->rig;
	char *va = anonymous(16 * PAGE_SIZE, PROT_READ);
	struct iommu_ioas_map map = {
		.flags = MAP_READ,
		.ioas_id = rig->ioas_id,
		.length = 16 * PAGE_SIZE,
	};
	int i;

	ASSERT_NE(NULL, va);
	map.user_va = va_to_u64(va);
	ASSERT_EQ(0, rig_attach(&self->rig));
	for (i = 0; i < 100; i++) {
		/* Read it in, so that the zero page is what is there. */
		ASSERT_EQ(0, va[(i % 16) * PAGE_SIZE]);
		ASSERT_EQ(0, ioas_map(rig->fd, &map));
		ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	}
	munmap(va, 16 * PAGE_SIZE);
}

/* Option HUGE_PAGES with a page table */

TEST_F(device, h27_huge_pages_in_use)
{
	struct rig *rig = &self->rig;
	__u64 val = 99;

	ASSERT_EQ(0, rig_attach(&self->rig));
	EXPECT_EQ(0, option_set(rig->fd, IOMMU_OPTION_HUGE_PAGES, rig->ioas_id,
				0));
	EXPECT_EQ(0, option_set(rig->fd, IOMMU_OPTION_HUGE_PAGES, rig->ioas_id,
				1));
	ASSERT_EQ(0, rig_map(rig, 0, 4));
	EXPECT_EQ(-EINVAL, option_set(rig->fd, IOMMU_OPTION_HUGE_PAGES,
				      rig->ioas_id, 0));
	EXPECT_EQ(0, option_get(rig->fd, IOMMU_OPTION_HUGE_PAGES, rig->ioas_id,
				&val));
	EXPECT_EQ(1, val);
	ASSERT_EQ(0, rig_unmap(rig, 0, 4));
	EXPECT_EQ(0, option_set(rig->fd, IOMMU_OPTION_HUGE_PAGES, rig->ioas_id,
				0));
	ASSERT_EQ(0, rig_map(rig, 0, 4));
	EXPECT_PINNED(4);
}

TEST_F(device, rlimit_mode_with_a_bound_device)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_EQ(-EBUSY, option_set(rig->fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1));
	edu_close(&rig->edu);
	EXPECT_EQ(0, option_set(rig->fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1));
}

/* Closing in any order and state */

TEST_F(device, h07_close_iommufd_first)
{
	struct rig *rig = &self->rig;
	int fd = rig->fd;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 8));
	rig->fd = -1;
	close(fd);
	/* The device holds on to its iommufd, and to its pages. */
	EXPECT_PINNED(8);
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_PINNED(0);
	edu_close(&rig->edu);
}

TEST_F(device, h07_close_iommufd_while_attached)
{
	struct rig *rig = &self->rig;
	int fd = rig->fd;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 8));
	rig->fd = -1;
	close(fd);
	edu_close(&rig->edu);
	EXPECT_PINNED(0);
}

TEST_F(device, h07_close_device_first)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 8));
	edu_close(&rig->edu);
	EXPECT_PINNED(0);
	/* The areas are still there. */
	EXPECT_EQ(-EEXIST, rig_map(rig, 0, 8));
	EXPECT_EQ(0, rig_unmap(rig, 0, 8));
}

/* A process that exits in the middle of it all. */
static int exit_attached(void *arg)
{
	struct rig rig;

	(void)arg;
	if (rig_create(&rig, 0))
		return 1;
	if (rig_map(&rig, 0, 8) || edu_attach_ioas(&rig.edu, rig.ioas_id))
		return 2;
	return rig_map(&rig, 20, 8) ? 3 : 0;
}

TEST_F(device, h07_process_exit_attached)
{
	int i;

	edu_close(&self->rig.edu);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, child_run(exit_attached, NULL, TIMEOUT_MS));
	/* And the device is there for the next one. */
	ASSERT_EQ(0, edu_open(&self->rig.edu, 0));
	EXPECT_EQ(0, edu_bind(&self->rig.edu, self->rig.fd));
}

/* Two devices, if the machine has them */

FIXTURE(two)
{
	struct rig rig;
	struct edu second;
	__u32 other;
};

FIXTURE_SETUP(two)
{
	int ret = rig_create(&self->rig, 0);

	if (!ret)
		ret = edu_open(&self->second, 1);
	if (ret == -ENODEV) {
		rig_destroy(&self->rig);
		SKIP(return, "no two edu devices");
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, edu_bind(&self->second, self->rig.fd));
	ASSERT_EQ(0, ioas_alloc(self->rig.fd, &self->other));
}

FIXTURE_TEARDOWN(two)
{
	edu_close(&self->second);
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

TEST_F(two, h20_share_the_page_table)
{
	__u32 first = self->rig.ioas_id, second = self->rig.ioas_id;

	ASSERT_EQ(0, edu_attach(&self->rig.edu, &first));
	ASSERT_EQ(0, edu_attach(&self->second, &second));
	EXPECT_EQ(first, second);
	ASSERT_EQ(0, rig_map(&self->rig, 0, 4));
	EXPECT_PINNED(4);
	EXPECT_EQ(0, edu_detach(&self->rig.edu));
	EXPECT_PINNED(4);
	EXPECT_EQ(-EBUSY, iommufd_destroy(self->rig.fd, first));
	EXPECT_EQ(0, edu_detach(&self->second));
	EXPECT_PINNED(0);
	EXPECT_EQ(-ENOENT, iommufd_destroy(self->rig.fd, first));
}

/* Reservations belong to the device that needs them. */
TEST_F(two, h23_reservations_by_owner)
{
	struct rig *rig = &self->rig;
	struct iova_ranges both, one;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, edu_attach_ioas(&self->second, rig->ioas_id));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &both));
	ASSERT_EQ(0, edu_detach(&self->second));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &one));
	EXPECT_EQ(both.count, one.count);
	EXPECT_EQ(0, memcmp(both.range, one.range,
			    both.count * sizeof(both.range[0])));
	ASSERT_EQ(0, edu_detach(&rig->edu));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &one));
	EXPECT_EQ(1, one.count);
}

TEST_F(two, h36_charged_once_for_two_domains)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, edu_attach_ioas(&self->second, self->other));
	ASSERT_EQ(0, rig_map(rig, 0, 8));
	ASSERT_EQ(0, rig_copy(rig, rig_iova(0), 8, self->other, rig_iova(0)));
	EXPECT_PINNED(8);
	/* Whichever of the two stored the PFNs goes first. */
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_PINNED(8);
	ASSERT_EQ(0, rig_attach(&self->rig));
	EXPECT_PINNED(8);
	EXPECT_EQ(0, edu_detach(&self->second));
	EXPECT_PINNED(8);
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_PINNED(0);
}

TEST_F(two, h18_second_attach_fails)
{
	struct rig *rig = &self->rig;
	char *va = anonymous(4 * PAGE_SIZE, PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, va);
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, va, 4 * PAGE_SIZE,
				    RIG_IOVA));
	ASSERT_EQ(0, munmap(va, 4 * PAGE_SIZE));
	/* Pinned by the first device: no need of the memory's origin. */
	EXPECT_EQ(0, edu_attach_ioas(&self->second, rig->ioas_id));
	EXPECT_EQ(0, edu_detach(&self->second));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, self->other, va, 4 * PAGE_SIZE,
				    RIG_IOVA));
	EXPECT_EQ(-EFAULT, edu_attach_ioas(&self->second, self->other));
	EXPECT_PINNED(4);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, self->other));
}

TEST_HARNESS_MAIN

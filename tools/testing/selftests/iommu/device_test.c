// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A VFIO device on an iommufd: bind, attach, replace and detach, closing in any
 * order, and two devices. No DMA is done here.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "lib/device_fixture.h"
#include "lib/process.h"

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
	char *va = memory_anonymous(4 * PAGE_SIZE, PROT_READ | PROT_WRITE);

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

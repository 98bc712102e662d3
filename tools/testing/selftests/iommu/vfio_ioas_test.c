// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What is special about an iommufd as a VFIO container: the IOAS behind it, and
 * what two interfaces to the same map, and several threads, can do to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/capability.h>

#include "lib/container.h"
#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/process.h"
#include "lib/trap.h"
#include "lib/usage.h"

#define RACES		50
#define RUN_MS		700

FIXTURE(vfio_ioas)
{
	struct baseline baseline;
	struct container c;
};

FIXTURE_SETUP(vfio_ioas)
{
	int ret;

	baseline_take(&self->baseline);
	ret = container_open(&self->c, CONTAINER_IOMMUFD, VFIO_TYPE1v2_IOMMU,
			     STAGE_OPEN);
	if (ret == -ENODEV)
		SKIP(return, "no edu devices");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(vfio_ioas)
{
	container_close(&self->c);
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

static int set_iommu(const struct container *c)
{
	return container_ioctl(c, VFIO_SET_IOMMU, c->type);
}

/* The choice */

TEST_F(vfio_ioas, get_set_clear)
{
	int fd = self->c.fd;
	__u32 ioas_id, other_id, found = 0;

	EXPECT_EQ(-ENODEV, vfio_ioas_get(fd, &found));
	EXPECT_EQ(0, vfio_ioas_clear(fd));
	EXPECT_EQ(-ENOENT, vfio_ioas_set(fd, 0));
	EXPECT_EQ(-ENOENT, vfio_ioas_set(fd, 1000));
	ASSERT_EQ(0, ioas_alloc(fd, &ioas_id));
	ASSERT_EQ(0, ioas_alloc(fd, &other_id));
	EXPECT_EQ(-ENODEV, vfio_ioas_get(fd, &found));
	EXPECT_EQ(0, vfio_ioas_set(fd, ioas_id));
	EXPECT_EQ(0, vfio_ioas_get(fd, &found));
	EXPECT_EQ(ioas_id, found);
	EXPECT_EQ(0, vfio_ioas_set(fd, ioas_id));
	EXPECT_EQ(0, vfio_ioas_set(fd, other_id));
	EXPECT_EQ(0, vfio_ioas_get(fd, &found));
	EXPECT_EQ(other_id, found);
	EXPECT_EQ(-ENOENT, vfio_ioas_set(fd, 1000));
	EXPECT_EQ(0, vfio_ioas_get(fd, &found));
	EXPECT_EQ(other_id, found);
	EXPECT_EQ(0, vfio_ioas_clear(fd));
	EXPECT_EQ(-ENODEV, vfio_ioas_get(fd, &found));
	EXPECT_TRUE(ioas_exists(fd, ioas_id));
	EXPECT_TRUE(ioas_exists(fd, other_id));
}

TEST_F(vfio_ioas, wrong_requests)
{
	struct iommu_vfio_ioas request = { .size = sizeof(request), .op = 3 };
	int fd = self->c.fd;

	EXPECT_EQ(-EOPNOTSUPP, iommufd_ioctl(fd, IOMMU_VFIO_IOAS, &request));
	request.op = 0xffff;
	EXPECT_EQ(-EOPNOTSUPP, iommufd_ioctl(fd, IOMMU_VFIO_IOAS, &request));
	request.op = IOMMU_VFIO_IOAS_CLEAR;
	request.__reserved = 1;
	EXPECT_EQ(-EOPNOTSUPP, iommufd_ioctl(fd, IOMMU_VFIO_IOAS, &request));
	request.__reserved = 0;
	request.size = sizeof(request) - 1;
	EXPECT_EQ(-EINVAL, iommufd_ioctl(fd, IOMMU_VFIO_IOAS, &request));
}

TEST_F(vfio_ioas, h05_reply_cannot_be_written)
{
	struct iommu_vfio_ioas *request = (void *)self->c.buffer;
	__u32 ioas_id;

	ASSERT_EQ(0, ioas_alloc(self->c.fd, &ioas_id));
	ASSERT_EQ(0, vfio_ioas_set(self->c.fd, ioas_id));
	*request = (struct iommu_vfio_ioas){
		.size = sizeof(*request),
		.op = IOMMU_VFIO_IOAS_GET,
	};
	ASSERT_EQ(0, mprotect(request, PAGE_SIZE, PROT_READ));
	EXPECT_EQ(-EFAULT,
		  iommufd_ioctl(self->c.fd, IOMMU_VFIO_IOAS, request));
	EXPECT_EQ(0, request->ioas_id);
}

TEST_F(vfio_ioas, only_an_ioas)
{
	struct container *c = &self->c;
	struct edu edu;

	ASSERT_EQ(0, close(c->group[0]));
	c->group[0] = -1;
	ASSERT_EQ(0, edu_open(&edu, 0));
	ASSERT_EQ(0, edu_bind(&edu, c->fd));
	EXPECT_EQ(-ENOENT, vfio_ioas_set(c->fd, edu.vfio.dev_id));
	edu_close(&edu);
}

TEST_F(vfio_ioas, h58_destroy_ends_the_choice)
{
	struct container *c = &self->c;
	__u32 ioas_id, found;

	ASSERT_EQ(0, ioas_alloc(c->fd, &ioas_id));
	ASSERT_EQ(0, vfio_ioas_set(c->fd, ioas_id));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_map_page(c, 0));
	ASSERT_EQ(0, iommufd_destroy(c->fd, ioas_id));
	EXPECT_EQ(-ENODEV, vfio_ioas_get(c->fd, &found));
	EXPECT_EQ(-ENODEV, container_map_page(c, 1));
	EXPECT_EQ(-ENODEV, set_iommu(c));
	/* The same ID, perhaps, but it was not chosen. */
	ASSERT_EQ(0, ioas_alloc(c->fd, &ioas_id));
	EXPECT_EQ(-ENODEV, vfio_ioas_get(c->fd, &found));
	ASSERT_EQ(0, iommufd_destroy(c->fd, ioas_id));
}

static unsigned int count_ioases(int fd)
{
	unsigned int count = 0;
	__u32 id;

	for (id = 1; id < 16; id++)
		count += ioas_exists(fd, id);
	return count;
}

/* As long as somebody lets it. */
static void *map_many(void *arg)
{
	const struct container *c = arg;
	unsigned int i;

	for (i = 0; i < CONTAINER_PAGES; i++)
		container_map_page(c, i);
	return NULL;
}

/* What VFIO does */

TEST_F(vfio_ioas, made_for_the_first_group)
{
	struct container *c = &self->c;
	__u32 ioas_id, found;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	ASSERT_EQ(0, container_set_group(c, 1));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &found));
	EXPECT_EQ(ioas_id, found);
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_open_device(c, 0));
	EXPECT_EQ(-EBUSY, iommufd_destroy(c->fd, ioas_id));
	ASSERT_EQ(0, container_open_device(c, 1));
	container_close_device(c, 0);
	EXPECT_EQ(-EBUSY, iommufd_destroy(c->fd, ioas_id));
	container_close_device(c, 1);
	EXPECT_EQ(0, iommufd_destroy(c->fd, ioas_id));
	EXPECT_EQ(-ENODEV, container_open_device(c, 0));
	/* A group that comes in makes another one, as the choice is gone. */
	ASSERT_EQ(0, container_unset_group(c, 1));
	ASSERT_EQ(0, container_set_group(c, 1));
	EXPECT_EQ(0, container_open_device(c, 0));
}

/* What VFIO made ends with the container; what the program chose is its own. */
TEST_F(vfio_ioas, h72_made_ioas_goes_with_the_last_group)
{
	struct container *c = &self->c;
	__u32 ioas_id, found;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, container_set_group(c, 1));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_map_page(c, 0));
	ASSERT_EQ(0, container_unset_group(c, 0));
	EXPECT_TRUE(ioas_exists(c->fd, ioas_id));
	ASSERT_EQ(0, container_unset_group(c, 1));
	EXPECT_EQ(-ENODEV, vfio_ioas_get(c->fd, &found));
	EXPECT_FALSE(ioas_exists(c->fd, ioas_id));
}

TEST_F(vfio_ioas, h72_chosen_ioas_stays)
{
	struct container *c = &self->c;
	__u32 ioas_id, found;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	/* Also if VFIO made it and the program says that it wants it. */
	ASSERT_EQ(0, vfio_ioas_set(c->fd, ioas_id));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_map_page(c, 0));
	ASSERT_EQ(0, container_unset_group(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &found));
	EXPECT_EQ(ioas_id, found);
	EXPECT_EQ(-EEXIST, container_map_page(c, 0));
	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_open_device(c, 0));
	EXPECT_EQ(-EEXIST, container_map_page(c, 0));
	EXPECT_EQ(KIB_PER_PAGE, status_kib("VmLck:"));
}

/* A choice that is given up is as good as none: the next group makes another. */
TEST_F(vfio_ioas, h72_cleared_ioas_stays)
{
	struct container *c = &self->c;
	__u32 ioas_id, found;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	ASSERT_EQ(0, vfio_ioas_clear(c->fd));
	ASSERT_EQ(0, container_unset_group(c, 0));
	EXPECT_TRUE(ioas_exists(c->fd, ioas_id));
	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &found));
	EXPECT_NE(ioas_id, found);
}

/*
 * Devices bound by their character device count like groups, and a device that
 * is left open when its group leaves keeps what it reaches.
 */
TEST_F(vfio_ioas, h72_bound_devices_keep_the_made_ioas)
{
	struct container *c = &self->c;
	__u32 ioas_id, found;
	struct edu edu;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_open_device(c, 0));
	ASSERT_EQ(0, container_map_page(c, 0));
	ASSERT_EQ(0, close(c->group[1]));
	c->group[1] = -1;
	ASSERT_EQ(0, edu_open(&edu, 1));
	ASSERT_EQ(0, edu_bind(&edu, c->fd));
	ASSERT_EQ(0, container_unset_group(c, 0));
	EXPECT_EQ(0, vfio_ioas_get(c->fd, &found));
	EXPECT_EQ(KIB_PER_PAGE, status_kib("VmLck:"));
	container_close_device(c, 0);
	EXPECT_EQ(0, vfio_ioas_get(c->fd, &found));
	EXPECT_EQ(ioas_id, found);
	edu_close(&edu);
	EXPECT_EQ(-ENODEV, vfio_ioas_get(c->fd, &found));
	EXPECT_FALSE(ioas_exists(c->fd, ioas_id));
}

/*
 * VFIO does not attach a device that is open. The group may be in another
 * container; the device reaches what the one has that it was opened in.
 */
TEST_F(vfio_ioas, h72_device_left_open_stays_where_it_is)
{
	struct container *c = &self->c;
	struct container other = *c;

	other.fd = iommufd_open();
	ASSERT_GE(other.fd, 0);
	memory_fill(c->buffer, PAGE_SIZE, 1);
	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_open_device(c, 0));
	ASSERT_EQ(0, container_map_page(c, 0));
	ASSERT_EQ(0, container_map_page(c, 1));
	ASSERT_EQ(0, container_unset_group(c, 0));
	ASSERT_EQ(0, container_set_group(&other, 0));
	ASSERT_EQ(0, set_iommu(&other));
	ASSERT_EQ(0, container_open_device(&other, 0));
	ASSERT_EQ(0, edu_start(&other.edu[0]));
	EXPECT_EQ(0, edu_dma_copy(&other.edu[0], CONTAINER_IOVA,
				  CONTAINER_IOVA + PAGE_SIZE, EDU_DMA_MAX));
	EXPECT_EQ(-1, memory_compare(c->buffer + PAGE_SIZE, EDU_DMA_MAX, 1));
	container_close_device(&other, 0);
	container_close_device(c, 0);
	/* From new, it is attached to the new one. */
	memory_fill(c->buffer + PAGE_SIZE, PAGE_SIZE, 2);
	ASSERT_EQ(0, container_open_device(&other, 0));
	ASSERT_EQ(0, edu_start(&other.edu[0]));
	edu_dma_copy(&other.edu[0], CONTAINER_IOVA, CONTAINER_IOVA + PAGE_SIZE,
		     EDU_DMA_MAX);
	EXPECT_EQ(-1, memory_compare(c->buffer + PAGE_SIZE, PAGE_SIZE, 2));
	container_close_device(&other, 0);
	close(other.fd);
}

/* The last group leaves while others are busy with what it takes along. */
TEST_F(vfio_ioas, h72_left_in_the_middle)
{
	struct container *c = &self->c;
	struct iova_ranges ranges;
	unsigned int round;
	pthread_t thread;
	__u32 ioas_id;

	for (round = 0; round < RACES; round++) {
		ASSERT_EQ(0, container_set_group(c, 0));
		ASSERT_EQ(0, set_iommu(c));
		ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
		ASSERT_EQ(0, pthread_create(&thread, NULL, map_many, c));
		if (round % 2)
			ASSERT_EQ(0, container_open_device(c, 0));
		container_close_device(c, 0);
		ASSERT_EQ(0, container_unset_group(c, 0));
		ASSERT_EQ(0, container_set_group(c, 0));
		/* Nothing of what the thread is doing is in the new one. */
		EXPECT_EQ(-EINVAL, container_map_page(c, 0));
		pthread_join(thread, NULL);
		ASSERT_EQ(0, container_unset_group(c, 0));
		EXPECT_EQ(0, count_ioases(c->fd));
		EXPECT_EQ(-ENOENT, ioas_iova_ranges(c->fd, ioas_id, &ranges));
	}
}

TEST_F(vfio_ioas, chosen_before_the_first_group)
{
	struct container *c = &self->c;
	__u32 ioas_id, found;

	ASSERT_EQ(0, ioas_alloc(c->fd, &ioas_id));
	ASSERT_EQ(0, vfio_ioas_set(c->fd, ioas_id));
	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &found));
	EXPECT_EQ(ioas_id, found);
	ASSERT_EQ(0, container_open_device(c, 0));
	EXPECT_EQ(-EBUSY, iommufd_destroy(c->fd, ioas_id));
}

/* The ioctls of a container and those with an ID see the same map. */
TEST_F(vfio_ioas, two_views_of_one_map)
{
	struct container *c = &self->c;
	__u64 unmapped;
	__u32 ioas_id;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_open_device(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	ASSERT_EQ(0, container_map_page(c, 0));
	EXPECT_EQ(-EEXIST, ioas_map_fixed(c->fd, ioas_id, c->buffer, PAGE_SIZE,
					  CONTAINER_IOVA));
	ASSERT_EQ(0, ioas_unmap(c->fd, ioas_id, CONTAINER_IOVA, PAGE_SIZE,
				&unmapped));
	EXPECT_EQ(PAGE_SIZE, unmapped);
	ASSERT_EQ(0, ioas_map_fixed(c->fd, ioas_id, c->buffer, 3 * PAGE_SIZE,
				    CONTAINER_IOVA));
	EXPECT_EQ(-EEXIST, container_map_page(c, 2));
	ASSERT_EQ(0, container_unmap(c, CONTAINER_IOVA, 3 * PAGE_SIZE,
				     &unmapped));
	EXPECT_EQ(3 * PAGE_SIZE, unmapped);
}

TEST_F(vfio_ioas, another_choice)
{
	struct container *c = &self->c;
	__u32 ioas_id, other_id;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_open_device(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	ASSERT_EQ(0, container_map_page(c, 0));
	ASSERT_EQ(0, ioas_alloc(c->fd, &other_id));
	ASSERT_EQ(0, vfio_ioas_set(c->fd, other_id));
	EXPECT_EQ(-EINVAL, container_map_page(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	EXPECT_EQ(0, container_map_page(c, 0));
	/* The device stays where it is, so only that memory is pinned. */
	EXPECT_PINNED(1);
	EXPECT_EQ(-EBUSY, iommufd_destroy(c->fd, ioas_id));
	EXPECT_EQ(0, iommufd_destroy(c->fd, other_id));
}

TEST_F(vfio_ioas, only_v1_has_small_pages)
{
	struct container *c = &self->c;
	__u64 huge_pages;
	__u32 ioas_id;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, container_huge_pages(c, &huge_pages));
	EXPECT_EQ(1, huge_pages);
	ASSERT_EQ(0, container_ioctl(c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, container_huge_pages(c, &huge_pages));
	EXPECT_EQ(1, huge_pages);
	ASSERT_EQ(0, container_unset_group(c, 0));
	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, container_ioctl(c, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	ASSERT_EQ(0, container_huge_pages(c, &huge_pages));
	EXPECT_EQ(0, huge_pages);
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	EXPECT_EQ(0, option_set(c->fd, IOMMU_OPTION_HUGE_PAGES, ioas_id, 1));
}

/* Nobody knows yet what the device will be. */
TEST_F(vfio_ioas, h57_info_before_the_device_is_open)
{
	static union container_info info;
	const __u16 ranges = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	struct container *c = &self->c;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_get_info(c, &info, sizeof(info), 0));
	EXPECT_EQ(NULL, container_capability(&info, ranges));
	EXPECT_EQ(-PAGE_SIZE, info.head.iova_pgsizes);
	ASSERT_EQ(0, container_open_device(c, 0));
	ASSERT_EQ(0, container_get_info(c, &info, sizeof(info), 0));
	EXPECT_NE(NULL, container_capability(&info, ranges));
	EXPECT_NE(-PAGE_SIZE, info.head.iova_pgsizes);
}

/* Information has no byte that the kernel did not set. */
TEST_F(vfio_ioas, h57_info_without_stale_bytes)
{
	static union container_info zeroes, ones;
	struct container *c = &self->c;
	__u32 need;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_open_device(c, 0));
	ASSERT_EQ(0, container_get_info(c, &zeroes, sizeof(zeroes.head), 0));
	need = zeroes.head.argsz;
	ASSERT_GT(need, sizeof(zeroes.head));
	ASSERT_EQ(0, container_get_info(c, &zeroes, need, 0));
	ASSERT_EQ(0, container_get_info(c, &ones, need, 0xff));
	EXPECT_EQ(0, memcmp(&zeroes, &ones, need));
}

/* Accounting */

TEST_F(vfio_ioas, h36_not_the_ioctl_decides_who_pays)
{
	struct container *c = &self->c;

	ASSERT_EQ(0, option_set(c->fd, IOMMU_OPTION_RLIMIT_MODE, 0, 0));
	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_open_device(c, 0));
	ASSERT_EQ(0, container_map_page(c, 0));
	EXPECT_EQ(0, status_kib("VmLck:"));
	EXPECT_PINNED(1);
}

/* What is mapped before the device is open is pinned when it is opened. */
TEST_F(vfio_ioas, pinned_when_the_device_is_opened)
{
	struct container *c = &self->c;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_map_page(c, 0));
	EXPECT_EQ(0, status_kib("VmLck:"));
	ASSERT_EQ(0, container_open_device(c, 0));
	EXPECT_EQ(KIB_PER_PAGE, status_kib("VmLck:"));
	container_close_device(c, 0);
	EXPECT_EQ(0, status_kib("VmLck:"));
	/* Interrupts are at this IOVA. */
	ASSERT_EQ(0, container_map(c, c->buffer, 0xfee00000, PAGE_SIZE));
	EXPECT_EQ(-EADDRINUSE, container_open_device(c, 0));
}

TEST_F(vfio_ioas, opening_the_device_fails_as_a_map)
{
	struct container *c = &self->c;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_map_page(c, 0));
	ASSERT_EQ(0, container_map_page(c, 1));
	ASSERT_EQ(0, memlock_limit(PAGE_SIZE));
	ASSERT_EQ(0, munmap(c->buffer, PAGE_SIZE));
	EXPECT_EQ(-EFAULT, container_open_device(c, 0));
	ASSERT_EQ(0, container_unmap_all(c, NULL));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	ASSERT_EQ(0, container_map_page(c, 1));
	ASSERT_EQ(0, container_map_page(c, 2));
	EXPECT_EQ(-ENOMEM, container_open_device(c, 0));
	ASSERT_EQ(0, container_unmap(c, CONTAINER_IOVA + PAGE_SIZE, PAGE_SIZE,
				     NULL));
	EXPECT_EQ(0, container_open_device(c, 0));
	ASSERT_EQ(0, capability_raise(CAP_IPC_LOCK));
}

/* Closing, in every order */

static int close_part(struct container *c, unsigned int part)
{
	int *fd = part ? &c->group[0] : &c->fd;
	int ret = 0;

	if (part == 2) {
		container_close_device(c, 0);
	} else {
		ret = close(*fd);
		*fd = -1;
	}
	return ret;
}

TEST_F(vfio_ioas, h07_close_in_every_order)
{
	static const unsigned char orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	struct container *c = &self->c;
	unsigned int i, part;

	for (i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		container_close(c);
		ASSERT_EQ(0, container_open(c, CONTAINER_IOMMUFD,
					    VFIO_TYPE1v2_IOMMU, STAGE_DEVICE));
		ASSERT_EQ(0, container_map_page(c, i));
		EXPECT_EQ(KIB_PER_PAGE, status_kib("VmLck:"));
		for (part = 0; part < 3; part++)
			ASSERT_EQ(0, close_part(c, orders[i][part]));
		EXPECT_EQ(0, status_kib("VmLck:"));
	}
}

/* Threads */

struct creator {
	const struct container *c;
	unsigned int index;
	pthread_barrier_t *barrier;
	int ret;
};

static void *create(void *arg)
{
	struct creator *creator = arg;

	pthread_barrier_wait(creator->barrier);
	creator->ret = container_set_group(creator->c, creator->index);
	return NULL;
}

TEST_F(vfio_ioas, h58_racing_creators_make_one)
{
	struct container *c = &self->c;
	unsigned int i, round;

	for (round = 0; round < RACES; round++) {
		struct creator creators[CONTAINER_DEVICES];
		pthread_t threads[CONTAINER_DEVICES];
		pthread_barrier_t barrier;
		__u32 ioas_id;

		pthread_barrier_init(&barrier, NULL, CONTAINER_DEVICES);
		for (i = 0; i < CONTAINER_DEVICES; i++) {
			creators[i] = (struct creator){ c, i, &barrier, -1 };
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, create,
						    &creators[i]));
		}
		for (i = 0; i < CONTAINER_DEVICES; i++) {
			pthread_join(threads[i], NULL);
			EXPECT_EQ(0, creators[i].ret);
		}
		EXPECT_EQ(1, count_ioases(c->fd));
		ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
		for (i = 0; i < CONTAINER_DEVICES; i++)
			ASSERT_EQ(0, container_unset_group(c, i));
		EXPECT_EQ(0, count_ioases(c->fd));
		pthread_barrier_destroy(&barrier);
	}
}

/**
 * struct crowd - threads that do all at once to one container
 * @c: the container
 * @ioas_id: an IOAS that stays
 * @stop: set when it is time to end
 * @odd: an error that cannot be, or 0
 * @rounds: how often each did what it does
 */
struct crowd {
	struct container *c;
	__u32 ioas_id;
	bool stop;
	int odd;
	unsigned int rounds[3];
};

static bool stopped(struct crowd *crowd)
{
	return __atomic_load_n(&crowd->stop, __ATOMIC_RELAXED);
}

static void judge(struct crowd *crowd, int ret, int allowed)
{
	if (ret < 0 && ret != allowed)
		__atomic_store_n(&crowd->odd, ret, __ATOMIC_RELAXED);
}

/* Takes the lock of the group, inside of which VFIO calls iommufd. */
static void *open_and_close(void *arg)
{
	struct crowd *crowd = arg;

	while (!stopped(crowd)) {
		judge(crowd, container_open_device(crowd->c, 0), -ENODEV);
		container_close_device(crowd->c, 0);
		crowd->rounds[0]++;
	}
	return NULL;
}

static void *choose_and_clear(void *arg)
{
	struct crowd *crowd = arg;
	int fd = crowd->c->fd;
	__u32 found;

	while (!stopped(crowd)) {
		judge(crowd, vfio_ioas_set(fd, crowd->ioas_id), 0);
		judge(crowd, vfio_ioas_get(fd, &found), 0);
		judge(crowd, vfio_ioas_clear(fd), 0);
		crowd->rounds[1]++;
	}
	return NULL;
}

/* Nothing is chosen half of the time, and what is not there is not cut. */
static void *map_and_unmap(void *arg)
{
	struct crowd *crowd = arg;

	while (!stopped(crowd)) {
		int ret = container_map_page(crowd->c, 0);

		judge(crowd, ret == -EEXIST ? 0 : ret, -ENODEV);
		judge(crowd, container_unmap(crowd->c, CONTAINER_IOVA,
					     PAGE_SIZE, NULL), -ENODEV);
		judge(crowd, container_ioctl(crowd->c, VFIO_CHECK_EXTENSION,
					     VFIO_DMA_CC_IOMMU), 0);
		crowd->rounds[2]++;
	}
	return NULL;
}

TEST_F(vfio_ioas, h58_all_at_once)
{
	static void *(*const work[])(void *) = {
		open_and_close, choose_and_clear, map_and_unmap,
	};
	struct crowd crowd = { .c = &self->c };
	pthread_t threads[3];
	unsigned int i;

	ASSERT_EQ(0, container_set_group(&self->c, 0));
	ASSERT_EQ(0, set_iommu(&self->c));
	ASSERT_EQ(0, vfio_ioas_get(self->c.fd, &crowd.ioas_id));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, work[i],
					    &crowd));
	usleep(RUN_MS * 1000);
	__atomic_store_n(&crowd.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_NE(0, crowd.rounds[i]);
	}
	EXPECT_EQ(0, crowd.odd);
}

/* A map that waits for memory makes nobody else wait. */

struct stuck_map {
	struct container *c;
	struct trap *trap;
	int ret;
};

#define TRAP_IOVA	(CONTAINER_IOVA + SZ_2M)

static void *map_the_trap(void *arg)
{
	struct stuck_map *stuck = arg;

	stuck->ret = container_map(stuck->c, stuck->trap->va, TRAP_IOVA,
				   stuck->trap->length);
	return NULL;
}

TEST_F(vfio_ioas, h60_map_waits_alone)
{
	static union container_info info;
	struct container *c = &self->c;
	struct trap trap;
	struct stuck_map stuck = { .c = c, .trap = &trap };
	pthread_t thread;
	__u64 unmapped;

	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, set_iommu(c));
	ASSERT_EQ(0, container_open_device(c, 0));
	ASSERT_EQ(0, trap_open(&trap, PAGE_SIZE));
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_the_trap, &stuck));
	ASSERT_EQ(1, trap_wait(&trap, TIMEOUT_MS));
	EXPECT_EQ(0, container_map_page(c, 0));
	EXPECT_EQ(0, container_get_info(c, &info, sizeof(info), 0));
	EXPECT_EQ(0, container_unmap(c, CONTAINER_IOVA, PAGE_SIZE, &unmapped));
	EXPECT_EQ(PAGE_SIZE, unmapped);
	/* It counts as mapped after whatever is unmapped now. */
	EXPECT_EQ(0, container_unmap(c, TRAP_IOVA, trap.length, &unmapped));
	EXPECT_EQ(0, unmapped);
	EXPECT_EQ(0, trap_release(&trap));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, stuck.ret);
	EXPECT_EQ(0, container_unmap(c, TRAP_IOVA, trap.length, &unmapped));
	EXPECT_EQ(trap.length, unmapped);
	trap_close(&trap);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * An iommufd that serves /dev/vfio/vfio, in a kernel where VFIO does not. Under
 * this name it answers as VFIO's own container in places where programs for
 * /dev/iommu expect something else, and everybody may open it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "lib/container.h"
#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/process.h"
#include "lib/usage.h"

#define NODE		"/dev/vfio/vfio"
#define LIMIT		"/sys/module/iommufd/parameters/dma_entry_limit"
#define NOBODY		65534

FIXTURE(by_name)
{
	struct baseline baseline;
	struct container c;
};

FIXTURE_VARIANT(by_name)
{
	unsigned long type;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(by_name, v1) {
	/* clang-format on */
	.type = VFIO_TYPE1_IOMMU,
};

/* clang-format off */
FIXTURE_VARIANT_ADD(by_name, v2) {
	/* clang-format on */
	.type = VFIO_TYPE1v2_IOMMU,
};

FIXTURE_SETUP(by_name)
{
	int ret;

	baseline_take(&self->baseline);
	ret = container_open(&self->c, CONTAINER_IOMMUFD_BY_NAME, variant->type,
			     STAGE_DEVICE);
	if (ret == -ENODEV)
		SKIP(return, "no edu devices, or VFIO serves /dev/vfio/vfio");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(by_name)
{
	container_close(&self->c);
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

TEST_F(by_name, node)
{
	struct stat stat;

	ASSERT_EQ(0, fstat(self->c.fd, &stat));
	EXPECT_EQ(S_IFCHR | 0666, stat.st_mode);
}

/* SPDK finds the container that DPDK has opened in this way. */
TEST_F(by_name, name_of_the_link)
{
	char link[64], target[sizeof(NODE)] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", self->c.fd);
	ASSERT_EQ(sizeof(NODE) - 1, readlink(link, target, sizeof(target)));
	EXPECT_EQ(0, memcmp(NODE, target, sizeof(NODE) - 1));
}

TEST_F(by_name, h36_charged_to_the_process)
{
	ASSERT_EQ(0, container_map_page(&self->c, 0));
	EXPECT_EQ(KIB_PER_PAGE, status_kib("VmLck:"));
}

TEST_F(by_name, large_pages)
{
	__u64 huge_pages;

	ASSERT_EQ(0, container_huge_pages(&self->c, &huge_pages));
	EXPECT_EQ(1, huge_pages);
}

TEST_F(by_name, h55_range_cuts_an_area)
{
	struct container *c = &self->c;
	bool v2 = variant->type == VFIO_TYPE1v2_IOMMU;
	__u64 unmapped;

	ASSERT_EQ(0, container_map(c, c->buffer, CONTAINER_IOVA,
				   4 * PAGE_SIZE));
	EXPECT_EQ(v2 ? -EINVAL : 0,
		  container_unmap(c, CONTAINER_IOVA + PAGE_SIZE, PAGE_SIZE,
				  &unmapped));
	EXPECT_EQ(v2 ? PAGE_SIZE : 0, unmapped);
	EXPECT_EQ(v2 ? -EINVAL : 0,
		  container_unmap(c, CONTAINER_IOVA, PAGE_SIZE, &unmapped));
	EXPECT_EQ(v2 ? PAGE_SIZE : 4 * PAGE_SIZE, unmapped);
	EXPECT_EQ(0, container_unmap_all(c, &unmapped));
	EXPECT_EQ(v2 ? 4 * PAGE_SIZE : 0, unmapped);
}

TEST_F(by_name, h72_last_group_takes_mappings_along)
{
	struct container *c = &self->c;

	ASSERT_EQ(0, container_map_page(c, 0));
	container_close_device(c, 0);
	ASSERT_EQ(0, container_unset_group(c, 0));
	EXPECT_EQ(-EINVAL, container_map_page(c, 1));
	EXPECT_EQ(-EINVAL, container_unmap_all(c, NULL));
	EXPECT_EQ(-EINVAL, container_ioctl(c, VFIO_SET_IOMMU, c->type));
	ASSERT_EQ(0, container_set_group(c, 0));
	EXPECT_EQ(-EINVAL, container_map_page(c, 0));
	ASSERT_EQ(0, container_ioctl(c, VFIO_SET_IOMMU, c->type));
	ASSERT_EQ(0, container_open_device(c, 0));
	EXPECT_EQ(0, container_map_page(c, 0));
}

/* What everybody may open is a container and nothing else */

FIXTURE(anybody)
{
	struct baseline baseline;
	struct container c;
};

FIXTURE_SETUP(anybody)
{
	int ret;

	baseline_take(&self->baseline);
	ret = container_open(&self->c, CONTAINER_IOMMUFD_BY_NAME,
			     VFIO_TYPE1v2_IOMMU, STAGE_OPEN);
	if (ret == -ENODEV)
		SKIP(return, "no edu devices, or VFIO serves " NODE);
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(anybody)
{
	container_close(&self->c);
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

/* The first ioctl of /dev/iommu that is served; 0 if none is. */
static unsigned long served(int fd)
{
	unsigned int nr;

	for (nr = IOMMUFD_CMD_BASE; nr < 256; nr++) {
		__u32 size = 0;
		int ret = iommufd_ioctl(fd, _IO(IOMMUFD_TYPE, nr), &size);

		if (ret != -ENOTTY)
			return nr;
	}
	return 0;
}

/* 0 if somebody without rights has a container and nothing more. */
static int nobody(void *node)
{
	__u32 id;
	int fd;

	if (setuid(NOBODY))
		return 1;
	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 2;
	if (ioas_alloc(fd, &id) != -ENOTTY || served(fd))
		return 3;
	return ioctl(fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION ? 0 : 4;
}

TEST_F(anybody, nobody_takes_memory)
{
	EXPECT_EQ(0, child_run(nobody, NODE, TIMEOUT_MS));
}

TEST_F(anybody, container_until_a_group_is_set)
{
	struct container *c = &self->c;
	__u32 ioas_id;

	EXPECT_EQ(0, served(c->fd));
	EXPECT_EQ(VFIO_API_VERSION,
		  container_ioctl(c, VFIO_GET_API_VERSION, 0));
	EXPECT_EQ(1, container_ioctl(c, VFIO_CHECK_EXTENSION,
				     VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-EINVAL, container_ioctl(c, VFIO_SET_IOMMU, c->type));
	EXPECT_EQ(-EINVAL, container_map_page(c, 0));
	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	ASSERT_EQ(0, ioas_alloc(c->fd, &ioas_id));
	ASSERT_EQ(0, container_unset_group(c, 0));
	EXPECT_EQ(0, served(c->fd));
	ASSERT_EQ(0, container_set_group(c, 0));
	EXPECT_EQ(0, iommufd_destroy(c->fd, ioas_id));
}

/* Who has the device may as well bind it. */
TEST_F(anybody, container_until_a_device_is_bound)
{
	struct container *c = &self->c;
	struct edu edu;
	__u32 ioas_id;

	close(c->group[0]);
	c->group[0] = -1;
	ASSERT_EQ(0, edu_open(&edu, 0));
	ASSERT_EQ(0, edu_bind(&edu, c->fd));
	EXPECT_EQ(0, ioas_alloc(c->fd, &ioas_id));
	EXPECT_EQ(0, edu_attach_ioas(&edu, ioas_id));
	edu_close(&edu);
	EXPECT_EQ(0, served(c->fd));
}

/* Type1's limit to the number of mappings */

FIXTURE(limited)
{
	struct baseline baseline;
	struct container c;
	__u64 before;
};

#define FEW	10

/* Reserved for interrupts. */
#define MSI_IOVA	0xfee00000

static int limit_write(__u64 limit)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", limit);
	return file_write(LIMIT, text);
}

FIXTURE_SETUP(limited)
{
	int ret;

	baseline_take(&self->baseline);
	self->before = file_number(LIMIT, "");
	ASSERT_EQ(0, limit_write(FEW));
	ret = container_open(&self->c, CONTAINER_IOMMUFD_BY_NAME,
			     VFIO_TYPE1v2_IOMMU, STAGE_DEVICE);
	ASSERT_EQ(0, limit_write(self->before));
	if (ret == -ENODEV)
		SKIP(return, "no edu devices, or VFIO serves " NODE);
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(limited)
{
	container_close(&self->c);
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

static int copy_to(int fd, __u32 from, __u32 to, __u64 iova, __u64 pages)
{
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = MAP_RW,
		.dst_ioas_id = to,
		.src_ioas_id = from,
		.length = pages * PAGE_SIZE,
		.src_iova = iova,
	};

	return ioas_copy(fd, &copy);
}

TEST_F(limited, of_type1_unless_told)
{
	EXPECT_EQ(65535, self->before);
}

TEST_F(limited, maps_are_counted)
{
	struct container *c = &self->c;
	unsigned int i;

	for (i = 0; i < FEW; i++) {
		EXPECT_EQ(FEW - i, container_mappings_left(c));
		ASSERT_EQ(0, container_map_page(c, i));
	}
	EXPECT_EQ(0, container_mappings_left(c));
	EXPECT_EQ(-EEXIST, container_map_page(c, 0));
	EXPECT_EQ(-ENOSPC, container_map_page(c, FEW));
	EXPECT_EQ(-EINVAL, container_map(c, c->buffer, MSI_IOVA, PAGE_SIZE));
	ASSERT_EQ(0, container_unmap(c, CONTAINER_IOVA, 2 * PAGE_SIZE, NULL));
	EXPECT_EQ(2, container_mappings_left(c));
	EXPECT_EQ(-EFAULT, container_map(c, NULL, CONTAINER_IOVA, PAGE_SIZE));
	EXPECT_EQ(2, container_mappings_left(c));
	EXPECT_EQ(0, container_map_page(c, FEW));
	EXPECT_EQ(0, container_map_page(c, 1));
	EXPECT_EQ(-ENOSPC, container_map_page(c, 0));
}

TEST_F(limited, h72_new_start)
{
	struct container *c = &self->c;

	ASSERT_EQ(0, container_map_page(c, 0));
	container_close_device(c, 0);
	ASSERT_EQ(0, container_unset_group(c, 0));
	ASSERT_EQ(0, container_set_group(c, 0));
	ASSERT_EQ(0, container_ioctl(c, VFIO_SET_IOMMU, c->type));
	EXPECT_EQ(FEW, container_mappings_left(c));
}

/* However an area comes about, and in whatever IOAS. */
TEST_F(limited, all_of_the_file_counts)
{
	struct container *c = &self->c;
	__u32 ioas_id, other_id;
	unsigned int i;

	ASSERT_EQ(0, vfio_ioas_get(c->fd, &ioas_id));
	ASSERT_EQ(0, ioas_alloc(c->fd, &other_id));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, container_map_page(c, i));
	ASSERT_EQ(0, ioas_map_fixed(c->fd, other_id, c->buffer, PAGE_SIZE,
				    PAGE_SIZE));
	ASSERT_EQ(FEW - 5, container_mappings_left(c));
	ASSERT_EQ(0, copy_to(c->fd, ioas_id, other_id, CONTAINER_IOVA, 4));
	ASSERT_EQ(1, container_mappings_left(c));
	EXPECT_EQ(-ENOSPC,
		  copy_to(c->fd, ioas_id, other_id, CONTAINER_IOVA, 2));
	EXPECT_EQ(1, container_mappings_left(c));
	EXPECT_EQ(0, copy_to(c->fd, ioas_id, ioas_id, CONTAINER_IOVA, 1));
	EXPECT_EQ(-ENOSPC, ioas_map_fixed(c->fd, other_id, c->buffer, PAGE_SIZE,
					  0));
	EXPECT_EQ(-ENOSPC, container_map_page(c, FEW));
	ASSERT_EQ(0, iommufd_destroy(c->fd, other_id));
	EXPECT_EQ(5, container_mappings_left(c));
	EXPECT_EQ(0, container_map_page(c, FEW));
}

TEST_HARNESS_MAIN

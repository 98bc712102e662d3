// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * An iommufd that serves /dev/vfio/vfio, in a kernel where VFIO does not. Under
 * this name it answers as VFIO's own container in places where programs for
 * /dev/iommu expect something else.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "container.h"
#include "harness.h"
#include "ioctls.h"
#include "usage.h"

#define KIB_PER_PAGE	(PAGE_SIZE / 1024)

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

TEST_HARNESS_MAIN

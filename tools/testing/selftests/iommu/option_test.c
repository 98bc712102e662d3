// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The OPTION ioctl.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/capability.h>

#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/process.h"
#include "lib/usage.h"

#define RLIMIT_MODE	IOMMU_OPTION_RLIMIT_MODE
#define HUGE_PAGES	IOMMU_OPTION_HUGE_PAGES

FIXTURE(option)
{
	struct baseline baseline;
	int fd;
};

FIXTURE_SETUP(option)
{
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(option)
{
	close(self->fd);
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

static int option_op(int fd, __u16 op, __u32 option_id)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = option_id,
		.op = op,
	};

	return iommufd_ioctl(fd, IOMMU_OPTION, &option);
}

TEST_F(option, unknown_option)
{
	const __u32 ids[] = { HUGE_PAGES + 1, 100, 0x80000000, UINT32_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		EXPECT_EQ(-EOPNOTSUPP, option_op(self->fd, IOMMU_OPTION_OP_GET,
						 ids[i]));
		EXPECT_EQ(-EOPNOTSUPP, option_op(self->fd, IOMMU_OPTION_OP_SET,
						 ids[i]));
	}
}

TEST_F(option, unknown_op)
{
	const __u16 ops[] = { IOMMU_OPTION_OP_GET + 1, 0x100, 0x8000, 0xffff };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_EQ(-EOPNOTSUPP, option_op(self->fd, ops[i],
						 RLIMIT_MODE));
	}
}

TEST_F(option, unknown_op_on_an_object)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = HUGE_PAGES,
		.op = IOMMU_OPTION_OP_GET + 1,
	};

	ASSERT_EQ(0, ioas_alloc(self->fd, &option.object_id));
	EXPECT_EQ(-EOPNOTSUPP, iommufd_ioctl(self->fd, IOMMU_OPTION, &option));
}

/* RLIMIT_MODE */

TEST_F(option, rlimit_mode)
{
	__u64 mode = 99;

	ASSERT_EQ(0, option_get(self->fd, RLIMIT_MODE, 0, &mode));
	EXPECT_EQ(0, mode);
	EXPECT_EQ(0, option_set(self->fd, RLIMIT_MODE, 0, 1));
	EXPECT_EQ(0, option_get(self->fd, RLIMIT_MODE, 0, &mode));
	EXPECT_EQ(1, mode);
	EXPECT_EQ(0, option_set(self->fd, RLIMIT_MODE, 0, 1));
	EXPECT_EQ(0, option_set(self->fd, RLIMIT_MODE, 0, 0));
	EXPECT_EQ(0, option_get(self->fd, RLIMIT_MODE, 0, &mode));
	EXPECT_EQ(0, mode);
}

TEST_F(option, rlimit_mode_is_per_file)
{
	int other = iommufd_open();
	__u64 mode = 99;

	ASSERT_GE(other, 0);
	ASSERT_EQ(0, option_set(self->fd, RLIMIT_MODE, 0, 1));
	EXPECT_EQ(0, option_get(other, RLIMIT_MODE, 0, &mode));
	EXPECT_EQ(0, mode);
	close(other);
}

TEST_F(option, h38_rlimit_mode_values)
{
	const __u64 bad[] = { 2, 0x100000001ULL, 1ULL << 32, UINT64_MAX };
	__u64 mode = 99;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, option_set(self->fd, RLIMIT_MODE, 0,
					      bad[i]));
	}
	EXPECT_EQ(0, option_get(self->fd, RLIMIT_MODE, 0, &mode));
	EXPECT_EQ(0, mode);
}

TEST_F(option, rlimit_mode_has_no_object)
{
	__u64 mode;

	EXPECT_EQ(-EOPNOTSUPP, option_set(self->fd, RLIMIT_MODE, 1, 0));
	EXPECT_EQ(-EOPNOTSUPP, option_get(self->fd, RLIMIT_MODE, 1, &mode));
	EXPECT_EQ(-EOPNOTSUPP, option_get(self->fd, RLIMIT_MODE, UINT32_MAX,
					  &mode));
}

TEST_F(option, h38_rlimit_mode_needs_privilege)
{
	__u64 mode = 99;

	ASSERT_EQ(0, capability_drop(CAP_SYS_RESOURCE));
	EXPECT_EQ(-EPERM, option_set(self->fd, RLIMIT_MODE, 0, 1));
	EXPECT_EQ(-EPERM, option_set(self->fd, RLIMIT_MODE, 0, 0));
	EXPECT_EQ(0, option_get(self->fd, RLIMIT_MODE, 0, &mode));
	EXPECT_EQ(0, mode);
	ASSERT_EQ(0, capability_raise(CAP_SYS_RESOURCE));
	EXPECT_EQ(0, option_set(self->fd, RLIMIT_MODE, 0, 1));
}

TEST_F(option, h38_rlimit_mode_comes_first)
{
	__u64 mode = 99;
	__u32 id;

	ASSERT_EQ(0, ioas_alloc(self->fd, &id));
	EXPECT_EQ(-EBUSY, option_set(self->fd, RLIMIT_MODE, 0, 1));
	EXPECT_EQ(0, option_get(self->fd, RLIMIT_MODE, 0, &mode));
	EXPECT_EQ(0, mode);
	ASSERT_EQ(0, iommufd_destroy(self->fd, id));
	EXPECT_EQ(0, option_set(self->fd, RLIMIT_MODE, 0, 1));
	/* What was set keeps applying to what is made later. */
	ASSERT_EQ(0, ioas_alloc(self->fd, &id));
	EXPECT_EQ(-EBUSY, option_set(self->fd, RLIMIT_MODE, 0, 0));
	EXPECT_EQ(0, option_get(self->fd, RLIMIT_MODE, 0, &mode));
	EXPECT_EQ(1, mode);
}

/* HUGE_PAGES */

TEST_F(option, huge_pages)
{
	__u64 val = 99;
	__u32 id;

	ASSERT_EQ(0, ioas_alloc(self->fd, &id));
	EXPECT_EQ(0, option_get(self->fd, HUGE_PAGES, id, &val));
	EXPECT_EQ(1, val);
	EXPECT_EQ(0, option_set(self->fd, HUGE_PAGES, id, 0));
	EXPECT_EQ(0, option_get(self->fd, HUGE_PAGES, id, &val));
	EXPECT_EQ(0, val);
	EXPECT_EQ(0, option_set(self->fd, HUGE_PAGES, id, 1));
	EXPECT_EQ(0, option_get(self->fd, HUGE_PAGES, id, &val));
	EXPECT_EQ(1, val);
}

TEST_F(option, huge_pages_values)
{
	const __u64 bad[] = { 2, 0x100000000ULL, UINT64_MAX };
	__u64 val = 99;
	__u32 id;
	size_t i;

	ASSERT_EQ(0, ioas_alloc(self->fd, &id));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, option_set(self->fd, HUGE_PAGES, id,
					      bad[i]));
	}
	EXPECT_EQ(0, option_get(self->fd, HUGE_PAGES, id, &val));
	EXPECT_EQ(1, val);
}

TEST_F(option, huge_pages_is_per_ioas)
{
	__u32 first, second;
	__u64 val = 99;

	ASSERT_EQ(0, ioas_alloc(self->fd, &first));
	ASSERT_EQ(0, ioas_alloc(self->fd, &second));
	ASSERT_EQ(0, option_set(self->fd, HUGE_PAGES, first, 0));
	EXPECT_EQ(0, option_get(self->fd, HUGE_PAGES, second, &val));
	EXPECT_EQ(1, val);
}

TEST_F(option, huge_pages_needs_an_ioas)
{
	__u64 val;

	EXPECT_EQ(-ENOENT, option_get(self->fd, HUGE_PAGES, 0, &val));
	EXPECT_EQ(-ENOENT, option_set(self->fd, HUGE_PAGES, 0, 1));
	EXPECT_EQ(-ENOENT, option_set(self->fd, HUGE_PAGES, 1000, 1));
}

/* Without a page table in use it may change at any time. */
TEST_F(option, h27_huge_pages_with_areas_only)
{
	void *page;
	__u64 iova;
	__u32 id;

	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, PAGE_SIZE, &page));
	ASSERT_EQ(0, ioas_alloc(self->fd, &id));
	ASSERT_EQ(0, ioas_map_auto(self->fd, id, page, PAGE_SIZE, &iova));
	EXPECT_EQ(0, option_set(self->fd, HUGE_PAGES, id, 0));
	EXPECT_EQ(0, option_set(self->fd, HUGE_PAGES, id, 1));
	memory_free_all();
}

TEST_F(option, needs_no_privilege_otherwise)
{
	__u64 val;
	__u32 id;

	ASSERT_EQ(0, capability_drop(CAP_SYS_RESOURCE));
	ASSERT_EQ(0, capability_drop(CAP_SYS_ADMIN));
	ASSERT_EQ(0, ioas_alloc(self->fd, &id));
	EXPECT_EQ(0, option_set(self->fd, HUGE_PAGES, id, 0));
	EXPECT_EQ(0, option_get(self->fd, HUGE_PAGES, id, &val));
	ASSERT_EQ(0, capability_raise(CAP_SYS_ADMIN));
	ASSERT_EQ(0, capability_raise(CAP_SYS_RESOURCE));
}

TEST_HARNESS_MAIN

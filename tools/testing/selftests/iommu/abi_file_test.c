// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * /dev/iommu answers nothing but its ioctls, and each file has objects of its
 * own.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/usage.h"

FIXTURE(number)
{
	struct baseline baseline;
	int fd;
};

FIXTURE_SETUP(number)
{
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(number)
{
	close(self->fd);
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

#define FIRST_UNKNOWN	(IOMMUFD_CMD_IOAS_MAP_FILE + 1)

/*
 * A few numbers behind the last one belong to ioctls of newer kernels and to
 * the test interface; whatever does not, nobody may answer.
 */
TEST_F(number, unknown)
{
	__u64 zeroes[32] = { sizeof(zeroes) };
	int nr;

	for (nr = FIRST_UNKNOWN; nr < 0xa0; nr++) {
		if (nr == IOMMUFD_CMD_IOAS_CHANGE_PROCESS)
			continue;
		EXPECT_EQ(-ENOTTY, iommufd_ioctl(self->fd,
						 _IO(IOMMUFD_TYPE, nr),
						 zeroes)) {
			TH_LOG("number %#x", nr);
		}
	}
	for (nr = 0xa1; nr < 0x100; nr++) {
		EXPECT_EQ(-ENOTTY, iommufd_ioctl(self->fd,
						 _IO(IOMMUFD_TYPE, nr),
						 zeroes));
	}
	for (nr = 0; nr < 0x40; nr++) {
		EXPECT_EQ(-ENOTTY, iommufd_ioctl(self->fd,
						 _IO(IOMMUFD_TYPE, nr),
						 zeroes));
	}
}

/* The ioctls have no size or direction in their number. */
TEST_F(number, other_encoding)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int nr = IOMMUFD_CMD_IOAS_ALLOC;

	EXPECT_EQ(-ENOTTY, iommufd_ioctl(self->fd,
					 _IOWR(IOMMUFD_TYPE, nr, alloc),
					 &alloc));
	EXPECT_EQ(-ENOTTY, iommufd_ioctl(self->fd,
					 _IOR(IOMMUFD_TYPE, nr, alloc),
					 &alloc));
	EXPECT_EQ(-ENOTTY, iommufd_ioctl(self->fd,
					 _IOW(IOMMUFD_TYPE, nr, alloc),
					 &alloc));
	EXPECT_EQ(-ENOTTY, iommufd_ioctl(self->fd, _IO(IOMMUFD_TYPE + 1, nr),
					 &alloc));
	EXPECT_EQ(-ENOTTY, iommufd_ioctl(self->fd, _IO(0, nr), &alloc));
	EXPECT_EQ(0, alloc.out_ioas_id);
}

/* The file itself. */

TEST_F(number, no_other_file_operations)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED,
				   self->fd, 0));
	EXPECT_EQ(ENODEV, errno);
}

TEST_F(number, files_are_independent)
{
	__u32 first, second;
	int fd = iommufd_open();

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, ioas_alloc(self->fd, &first));
	ASSERT_EQ(0, ioas_alloc(fd, &second));
	EXPECT_EQ(0, iommufd_destroy(self->fd, first));
	EXPECT_TRUE(ioas_exists(fd, second));
	close(fd);
}

TEST_HARNESS_MAIN

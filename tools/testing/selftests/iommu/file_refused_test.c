// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * IOMMU_IOAS_MAP_FILE: what is refused, and who pays.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <linux/capability.h>

#include "file/subject.h"
#include "lib/harness.h"
#include "lib/process.h"

FIXTURE(refused)
{
	struct subject subject;
	struct mock_device device;
};

FIXTURE_SETUP(refused)
{
	int ret = subject_create(&self->subject, FILE_MEMFD, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, plug(&self->subject, &self->device));
}

FIXTURE_TEARDOWN(refused)
{
	subject_destroy(&self->subject);
	EXPECT_STREQ("", mock_rig_destroy(&self->subject.rig));
}

static int map_fd(struct subject *subject, int fd, __u32 flags, __u64 start,
		  __u64 length)
{
	struct iommu_ioas_map_file map = {
		.flags = flags,
		.ioas_id = subject->rig.ioas_id,
		.fd = fd,
		.start = start,
		.length = length,
	};

	return ioas_map_file(subject->rig.fd, &map);
}

static int map_opened(struct subject *subject, const char *path, int mode,
		      __u32 flags)
{
	int fd = open(path, mode | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = map_fd(subject, fd, flags, 0, PAGE_SIZE);
	close(fd);
	return ret;
}

/* The file of the subject by another open. */
static int map_reopened(struct subject *subject, int mode, __u32 flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", subject->file);
	return map_opened(subject, path, mode, flags);
}

TEST_F(refused, h59_not_a_file_of_memory)
{
	struct subject *subject = &self->subject;
	int pipes[2];

	EXPECT_EQ(-EBADF, map_fd(subject, -1, MAP_RW, 0, PAGE_SIZE));
	EXPECT_EQ(-EBADF, map_fd(subject, 1000, MAP_RW, 0, PAGE_SIZE));
	/* A name and no more. */
	EXPECT_EQ(-EBADF, map_reopened(subject, O_PATH, MAP_READ));
	EXPECT_EQ(-EINVAL, map_opened(subject, "/dev/zero", O_RDWR, MAP_RW));
	EXPECT_EQ(-EINVAL, map_opened(subject, "/proc/self/maps", O_RDONLY,
				      MAP_READ));
	EXPECT_EQ(-EINVAL, map_opened(subject, "/", O_RDONLY | O_DIRECTORY,
				      MAP_READ));
	EXPECT_EQ(-EINVAL, map_fd(subject, subject->rig.fd, MAP_RW, 0,
				  PAGE_SIZE));
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	EXPECT_EQ(-EINVAL, map_fd(subject, pipes[0], MAP_READ, 0, PAGE_SIZE));
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_PINNED(0);
}

TEST_F(refused, h59_range_not_in_the_file)
{
	struct subject *subject = &self->subject;
	__u64 end = subject->length;
	int fd = subject->file;

	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, 0, 0));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, end, PAGE_SIZE));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, 0, end + PAGE_SIZE));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, end - PAGE_SIZE,
				  2 * PAGE_SIZE));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, 1ULL << 62, PAGE_SIZE));
	EXPECT_EQ(-EOVERFLOW, map_fd(subject, fd, MAP_RW, -PAGE_SIZE,
				     PAGE_SIZE));
	EXPECT_EQ(-EOVERFLOW, map_fd(subject, fd, MAP_RW, -PAGE_SIZE,
				     2 * PAGE_SIZE));
	EXPECT_EQ(-EOVERFLOW, map_fd(subject, fd, MAP_RW, PAGE_SIZE,
				     -PAGE_SIZE));
	/* The last byte of a file is in it, the rest of its page is not. */
	ASSERT_EQ(0, ftruncate(fd, end - PAGE_SIZE / 2));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, 0, end));
	EXPECT_EQ(0, map_fd(subject, fd, MAP_RW, 0, end - PAGE_SIZE / 2));
	EXPECT_PINNED(subject->pages);
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
}

TEST_F(refused, h59_rights_of_the_file)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = rig->ioas_id,
		.src_iova = IOVA,
		.length = PAGE_SIZE,
		.dst_ioas_id = rig->other_id,
		.dst_iova = IOVA,
	};

	EXPECT_EQ(-EINVAL, map_fd(subject, subject->file, 0, 0, PAGE_SIZE));
	EXPECT_EQ(-EPERM, map_reopened(subject, O_RDONLY, MAP_RW));
	EXPECT_EQ(-EPERM, map_reopened(subject, O_RDONLY, MAP_WRITE));
	EXPECT_EQ(-EPERM, map_reopened(subject, O_WRONLY, MAP_RW));
	EXPECT_EQ(-EPERM, map_reopened(subject, O_WRONLY, MAP_READ));
	/* A copy could be for reading, and many IOMMUs let devices read it. */
	EXPECT_EQ(-EPERM, map_reopened(subject, O_WRONLY, MAP_WRITE));
	ASSERT_EQ(0, ioas_allow_one(rig->fd, rig->ioas_id, IOVA,
				    IOVA + PAGE_SIZE - 1));
	EXPECT_EQ(0, map_reopened(subject, O_RDONLY, MAP_READ));
	EXPECT_EQ(-EPERM, ioas_copy(rig->fd, &copy));
	copy.flags &= ~MAP_WRITE;
	EXPECT_EQ(0, ioas_copy(rig->fd, &copy));
}

static int sealable_file(__u64 length)
{
	int fd = memfd_create("iommufd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, length)) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* A huge page that is a hole, and a file that ends in it and may not grow. */
static int sealed_huge_file(__u64 length)
{
	int fd = memfd_create("iommufd", MFD_CLOEXEC | MFD_ALLOW_SEALING |
					 MFD_HUGETLB);
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (fd >= 0 && (fallocate(fd, 0, 0, length) ||
			fallocate(fd, punch, 0, SZ_2M) ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_GROW))) {
		close(fd);
		return -errno;
	}
	return fd;
}

TEST_F(refused, h59_file_that_may_not_grow)
{
	struct subject *subject = &self->subject;
	__u64 part = PAGE_SIZE / 2;
	int fd;

	memory_reserve_huge_pages(16);
	fd = sealed_huge_file(2 * PAGE_SIZE + part);
	if (fd < 0)
		SKIP(return, "no huge pages");
	EXPECT_EQ(0, map_fd(subject, fd, MAP_RW, 2 * PAGE_SIZE, part));
	EXPECT_PINNED(1);
	close(fd);
}

TEST_F(refused, h59_seals_of_the_file)
{
	struct subject *subject = &self->subject;
	const int seals[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		int fd = sealable_file(PAGE_SIZE);

		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, seals[i]));
		EXPECT_EQ(-EPERM, map_fd(subject, fd, MAP_RW, 0, PAGE_SIZE));
		EXPECT_EQ(0, map_fd(subject, fd, MAP_READ, 0, PAGE_SIZE));
		EXPECT_EQ(0, unmap_all(subject));
		close(fd);
	}
}

/* A seal says that nobody writes, so devices must not be able to. */
TEST_F(refused, h59_sealed_while_mapped)
{
	struct subject *subject = &self->subject;
	int fd = sealable_file(PAGE_SIZE);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, unplug(subject, &self->device));
	ASSERT_EQ(0, map_fd(subject, fd, MAP_RW, 0, PAGE_SIZE));
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EPERM, map_fd(subject, fd, MAP_RW, 0, PAGE_SIZE));
	close(fd);
}

TEST_F(refused, iova_as_with_memory)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;

	ASSERT_EQ(0, map_part(subject, 0, 4 * PAGE_SIZE));
	EXPECT_EQ(-EEXIST, map_part(subject, PAGE_SIZE, PAGE_SIZE));
	EXPECT_EQ(-ENOENT, ioas_map_file_fixed(rig->fd, 0x7fff, subject->file,
					       0, PAGE_SIZE, IOVA));
	EXPECT_EQ(-EINVAL, ioas_map_file_fixed(rig->fd, rig->ioas_id,
					       subject->file, 0, PAGE_SIZE,
					       0));
	EXPECT_EQ(-EOVERFLOW, ioas_map_file_fixed(rig->fd, rig->ioas_id,
						  subject->file, 0, PAGE_SIZE,
						  -(PAGE_SIZE / 2)));
	EXPECT_PINNED(4);
}

/* A file system that has no room for all of a file */

#define ROOM	(8 * PAGE_SIZE)

#define QUOTA_OPTIONS	"usrquota,usrquota_block_hardlimit=32K"

FIXTURE(full)
{
	struct mock_rig rig;
	struct mock_device device;
	int file;
};

FIXTURE_VARIANT(full)
{
	const char *options;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(full, tmpfs) { .options = "size=32K" };
FIXTURE_VARIANT_ADD(full, quota) { .options = QUOTA_OPTIONS };
/* clang-format on */

static int file_of_nobody(const char *directory)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/file", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* Root has no quota. */
	if (fd < 0 || fchown(fd, 1, 1) || ftruncate(fd, 2 * ROOM))
		return -errno;
	return fd;
}

/* On a tmpfs of its own; -ENOTSUP if there is none with these options. */
static int file_on_tmpfs(const char *options)
{
	char directory[] = "/tmp/iommufd-XXXXXX";
	int ret = -ENOTSUP;

	if (!mkdtemp(directory))
		return ret;
	if (!mount("tmpfs", directory, "tmpfs", 0, options)) {
		ret = file_of_nobody(directory);
		umount2(directory, MNT_DETACH);
	}
	rmdir(directory);
	return ret;
}

FIXTURE_SETUP(full)
{
	struct mock_rig *rig = &self->rig;
	int ret = mock_rig_create(rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	self->file = file_on_tmpfs(variant->options);
	if (self->file == -ENOTSUP)
		SKIP(return, "no such tmpfs");
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &self->device));
}

FIXTURE_TEARDOWN(full)
{
	close(self->file);
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

/* Whichever errno the file system has for it. */
TEST_F(full, h59_is_no_memory)
{
	struct mock_rig *rig = &self->rig;

	/* With this nobody has a quota. */
	ASSERT_EQ(0, capability_drop(CAP_SYS_RESOURCE));
	EXPECT_EQ(-ENOMEM, ioas_map_file_fixed(rig->fd, rig->ioas_id,
					       self->file, 0, 2 * ROOM, IOVA));
	EXPECT_PINNED(0);
	/* What was filled is there, and is enough for this. */
	EXPECT_EQ(0, ioas_map_file_fixed(rig->fd, rig->ioas_id, self->file, 0,
					 ROOM, IOVA));
	EXPECT_PINNED(ROOM / PAGE_SIZE);
	ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	EXPECT_PINNED(0);
}

/* Who pays */

FIXTURE(paid)
{
	struct subject subject;
};

FIXTURE_VARIANT(paid)
{
	__u64 mode;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(paid, by_user) { .mode = 0 };
FIXTURE_VARIANT_ADD(paid, by_process) { .mode = 1 };
/* clang-format on */

FIXTURE_SETUP(paid)
{
	int ret = subject_create(&self->subject, FILE_MEMFD, variant->mode);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(paid)
{
	subject_destroy(&self->subject);
	EXPECT_STREQ("", mock_rig_destroy(&self->subject.rig));
}

TEST_F(paid, h37_up_to_the_limit)
{
	struct subject *subject = &self->subject;
	struct mock_device device;

	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, memlock_limit(8 * PAGE_SIZE));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	EXPECT_EQ(-ENOMEM, map_part(subject, 0, 9 * PAGE_SIZE));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, map_part(subject, 0, 8 * PAGE_SIZE));
	EXPECT_PINNED(8);
	EXPECT_EQ(variant->mode ? 8 * KIB_PER_PAGE : 0, status_kib("VmLck:"));
	EXPECT_EQ(-ENOMEM, map_part(subject, 8 * PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_EQ(0, map_part(subject, 8 * PAGE_SIZE, 8 * PAGE_SIZE));
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, status_kib("VmLck:"));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What all ioctls of /dev/iommu have in common: how the size of the structure
 * is negotiated, which errno answers which kind of bad input, and that a call
 * which fails has changed nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/command.h"
#include "abi/fill.h"
#include "abi/world.h"
#include "lib/harness.h"
#include "lib/mock.h"
#include "lib/usage.h"

/* All flags of IOMMU_HWPT_ALLOC. */
#define HWPT_FLAGS \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | \
	 IOMMU_HWPT_FAULT_ID_VALID)

/* What a command does that would be lost with its reply. */
enum reply {
	REPLY_NONE,
	REPLY_REPORTS,		/* tells something, changes nothing */
	REPLY_CREATES,		/* makes what only the reply names */
	REPLY_REMOVES,		/* removes, and tells how much */
};

FIXTURE(command)
{
	struct baseline baseline;
	struct world world;
	char template[COMMAND_MAX];
	__u64 mapped;
	int objects;
};

FIXTURE_VARIANT(command)
{
	unsigned long request;
	size_t size;
	/* Of the first version, if that was another one. */
	size_t first_size;
	/* Only kernels that have a mock IOMMU can do that here. */
	bool needs_device;
	void (*fill)(struct world *world, void *command);
	/* What one success changes. */
	int objects_added;
	int pages_mapped;
	enum reply reply;
	/* Offsets; 0 is where the size is and stands for "none". */
	size_t flags;
	__u32 known_flags;
	size_t reserved;
	size_t reserved_size;
	size_t id[2];
	/* What another file says if it does not look at an ID. */
	int elsewhere;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, destroy) {
	/* clang-format on */
	.request = IOMMU_DESTROY,
	.size = sizeof(struct iommu_destroy),
	.fill = fill_destroy,
	.objects_added = -1,
	.id = { offsetof(struct iommu_destroy, id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, ioas_alloc) {
	/* clang-format on */
	.request = IOMMU_IOAS_ALLOC,
	.size = sizeof(struct iommu_ioas_alloc),
	.fill = fill_ioas_alloc,
	.objects_added = 1,
	.reply = REPLY_CREATES,
	.flags = offsetof(struct iommu_ioas_alloc, flags),
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, allow_iovas) {
	/* clang-format on */
	.request = IOMMU_IOAS_ALLOW_IOVAS,
	.size = sizeof(struct iommu_ioas_allow_iovas),
	.fill = fill_allow_iovas,
	.reserved = offsetof(struct iommu_ioas_allow_iovas, __reserved),
	.reserved_size = sizeof(__u32),
	.id = { offsetof(struct iommu_ioas_allow_iovas, ioas_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, iova_ranges) {
	/* clang-format on */
	.request = IOMMU_IOAS_IOVA_RANGES,
	.size = sizeof(struct iommu_ioas_iova_ranges),
	.fill = fill_iova_ranges,
	.reply = REPLY_REPORTS,
	.reserved = offsetof(struct iommu_ioas_iova_ranges, __reserved),
	.reserved_size = sizeof(__u32),
	.id = { offsetof(struct iommu_ioas_iova_ranges, ioas_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, map) {
	/* clang-format on */
	.request = IOMMU_IOAS_MAP,
	.size = sizeof(struct iommu_ioas_map),
	.fill = fill_map,
	.pages_mapped = 1,
	.reply = REPLY_CREATES,
	.flags = offsetof(struct iommu_ioas_map, flags),
	.known_flags = MAP_FIXED_RW,
	.reserved = offsetof(struct iommu_ioas_map, __reserved),
	.reserved_size = sizeof(__u32),
	.id = { offsetof(struct iommu_ioas_map, ioas_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, map_file) {
	/* clang-format on */
	.request = IOMMU_IOAS_MAP_FILE,
	.size = sizeof(struct iommu_ioas_map_file),
	.fill = fill_map_file,
	.pages_mapped = 1,
	.reply = REPLY_CREATES,
	.flags = offsetof(struct iommu_ioas_map_file, flags),
	.known_flags = MAP_FIXED_RW,
	.id = { offsetof(struct iommu_ioas_map_file, ioas_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, change_process) {
	/* clang-format on */
	.request = IOMMU_IOAS_CHANGE_PROCESS,
	.size = sizeof(struct iommu_ioas_change_process),
	.fill = fill_change_process,
	.reserved = offsetof(struct iommu_ioas_change_process, __reserved),
	.reserved_size = sizeof(__u32),
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, copy) {
	/* clang-format on */
	.request = IOMMU_IOAS_COPY,
	.size = sizeof(struct iommu_ioas_copy),
	.fill = fill_copy,
	.pages_mapped = 1,
	.reply = REPLY_CREATES,
	.flags = offsetof(struct iommu_ioas_copy, flags),
	.known_flags = MAP_FIXED_RW,
	.id = {
		offsetof(struct iommu_ioas_copy, dst_ioas_id),
		offsetof(struct iommu_ioas_copy, src_ioas_id),
	},
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, unmap) {
	/* clang-format on */
	.request = IOMMU_IOAS_UNMAP,
	.size = sizeof(struct iommu_ioas_unmap),
	.fill = fill_unmap,
	.pages_mapped = -1,
	.reply = REPLY_REMOVES,
	.id = { offsetof(struct iommu_ioas_unmap, ioas_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, option_get) {
	/* clang-format on */
	.request = IOMMU_OPTION,
	.size = sizeof(struct iommu_option),
	.fill = fill_option_get,
	.reply = REPLY_REPORTS,
	.reserved = offsetof(struct iommu_option, __reserved),
	.reserved_size = sizeof(__u16),
	.id = { offsetof(struct iommu_option, object_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, option_set) {
	/* clang-format on */
	.request = IOMMU_OPTION,
	.size = sizeof(struct iommu_option),
	.fill = fill_option_set,
	.reserved = offsetof(struct iommu_option, __reserved),
	.reserved_size = sizeof(__u16),
	.id = { offsetof(struct iommu_option, object_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, vfio_ioas_set) {
	/* clang-format on */
	.request = IOMMU_VFIO_IOAS,
	.size = sizeof(struct iommu_vfio_ioas),
	.fill = fill_vfio_ioas_set,
	.reserved = offsetof(struct iommu_vfio_ioas, __reserved),
	.reserved_size = sizeof(__u16),
	.id = { offsetof(struct iommu_vfio_ioas, ioas_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, vfio_ioas_get) {
	/* clang-format on */
	.request = IOMMU_VFIO_IOAS,
	.size = sizeof(struct iommu_vfio_ioas),
	.fill = fill_vfio_ioas_get,
	.reply = REPLY_REPORTS,
	.reserved = offsetof(struct iommu_vfio_ioas, __reserved),
	.reserved_size = sizeof(__u16),
	.elsewhere = -ENODEV,
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, hwpt_alloc) {
	/* clang-format on */
	.request = IOMMU_HWPT_ALLOC,
	.size = sizeof(struct iommu_hwpt_alloc),
	.first_size = offsetof(struct iommu_hwpt_alloc, data_type),
	.needs_device = true,
	.fill = fill_hwpt_alloc,
	.reply = REPLY_CREATES,
	.flags = offsetof(struct iommu_hwpt_alloc, flags),
	.known_flags = HWPT_FLAGS,
	.reserved = offsetof(struct iommu_hwpt_alloc, __reserved),
	.reserved_size = sizeof(__u32),
	.id = {
		offsetof(struct iommu_hwpt_alloc, dev_id),
		offsetof(struct iommu_hwpt_alloc, pt_id),
	},
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, hw_info) {
	/* clang-format on */
	.request = IOMMU_GET_HW_INFO,
	.size = sizeof(struct iommu_hw_info),
	.first_size = offsetof(struct iommu_hw_info, out_capabilities),
	.needs_device = true,
	.fill = fill_hw_info,
	.reply = REPLY_REPORTS,
	.flags = offsetof(struct iommu_hw_info, flags),
	.known_flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE,
	.reserved = offsetof(struct iommu_hw_info, __reserved),
	.reserved_size = 3,
	.id = { offsetof(struct iommu_hw_info, dev_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, set_dirty_tracking) {
	/* clang-format on */
	.request = IOMMU_HWPT_SET_DIRTY_TRACKING,
	.size = sizeof(struct iommu_hwpt_set_dirty_tracking),
	.needs_device = true,
	.fill = fill_set_dirty_tracking,
	.flags = offsetof(struct iommu_hwpt_set_dirty_tracking, flags),
	.known_flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
	.reserved = offsetof(struct iommu_hwpt_set_dirty_tracking, __reserved),
	.reserved_size = sizeof(__u32),
	.id = { offsetof(struct iommu_hwpt_set_dirty_tracking, hwpt_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, get_dirty_bitmap) {
	/* clang-format on */
	.request = IOMMU_HWPT_GET_DIRTY_BITMAP,
	.size = sizeof(struct iommu_hwpt_get_dirty_bitmap),
	.needs_device = true,
	.fill = fill_get_dirty_bitmap,
	.flags = offsetof(struct iommu_hwpt_get_dirty_bitmap, flags),
	.known_flags = IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR,
	.reserved = offsetof(struct iommu_hwpt_get_dirty_bitmap, __reserved),
	.reserved_size = sizeof(__u32),
	.id = { offsetof(struct iommu_hwpt_get_dirty_bitmap, hwpt_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, hwpt_invalidate) {
	/* clang-format on */
	.request = IOMMU_HWPT_INVALIDATE,
	.size = sizeof(struct iommu_hwpt_invalidate),
	.needs_device = true,
	.fill = fill_hwpt_invalidate,
	.reply = REPLY_REPORTS,
	.reserved = offsetof(struct iommu_hwpt_invalidate, __reserved),
	.reserved_size = sizeof(__u32),
	.id = { offsetof(struct iommu_hwpt_invalidate, hwpt_id) },
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, hwpt_alloc_faults) {
	/* clang-format on */
	.request = IOMMU_HWPT_ALLOC,
	.size = sizeof(struct iommu_hwpt_alloc),
	.first_size = offsetof(struct iommu_hwpt_alloc, data_type),
	.needs_device = true,
	.fill = fill_hwpt_alloc_faults,
	.reply = REPLY_CREATES,
	.flags = offsetof(struct iommu_hwpt_alloc, flags),
	.known_flags = HWPT_FLAGS,
	.reserved = offsetof(struct iommu_hwpt_alloc, __reserved2),
	.reserved_size = sizeof(__u32),
	.id = {
		offsetof(struct iommu_hwpt_alloc, dev_id),
		offsetof(struct iommu_hwpt_alloc, fault_id),
	},
};

/* clang-format off */
FIXTURE_VARIANT_ADD(command, fault_queue_alloc) {
	/* clang-format on */
	.request = IOMMU_FAULT_QUEUE_ALLOC,
	.size = sizeof(struct iommu_fault_alloc),
	.fill = fill_fault_alloc,
	.reply = REPLY_CREATES,
	.flags = offsetof(struct iommu_fault_alloc, flags),
};

FIXTURE_SETUP(command)
{
	__u32 size = variant->size;

	baseline_take(&self->baseline);
	ASSERT_EQ(0, world_create(&self->world));
	if (variant->needs_device && !mock_exists(self->world.fd))
		SKIP(return, "no mock IOMMU");
	variant->fill(&self->world, self->template);
	memcpy(self->template, &size, sizeof(size));
	self->objects = world_objects(&self->world);
	self->mapped = MAPPED_PAGES * PAGE_SIZE;
	if (variant->pages_mapped < 0)
		self->mapped += PAGE_SIZE;
}

FIXTURE_TEARDOWN(command)
{
	close(self->world.fd);
	close(self->world.file);
	munmap(self->world.buffer, MAPPED_PAGES * PAGE_SIZE);
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

/* Whatever failed before, the template still works and does its work once. */
#define EXPECT_UNTOUCHED(self, variant) do { \
	char command[COMMAND_MAX]; \
	__u64 mapped; \
	EXPECT_EQ((self)->objects, world_objects(&(self)->world)); \
	memcpy(command, (self)->template, sizeof(command)); \
	EXPECT_EQ(0, iommufd_ioctl((self)->world.fd, (variant)->request, \
				   command)); \
	EXPECT_EQ((self)->objects + (variant)->objects_added, \
		  world_objects(&(self)->world)); \
	mapped = (self)->mapped + \
		 (variant)->pages_mapped * (__s64)PAGE_SIZE; \
	EXPECT_EQ(mapped, world_take_mapped(&(self)->world)); \
} while (0)

TEST_F(command, shorter_than_first_version)
{
	__u32 size, end = variant->first_size ?: variant->size;

	for (size = 0; size < end; size++) {
		EXPECT_EQ(-EINVAL, run_sized(&self->world, variant->request,
					     self->template, size)) {
			TH_LOG("size %u", size);
		}
	}
	EXPECT_UNTOUCHED(self, variant);
}

TEST_F(command, exact_size)
{
	EXPECT_UNTOUCHED(self, variant);
}

TEST_F(command, longer_with_zero_tail)
{
	const __u32 sizes[] = {
		variant->size + 1, variant->size + 4, variant->size + 8,
		COMMAND_MAX, PAGE_SIZE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		char template[COMMAND_MAX] = {};

		variant->fill(&self->world, template);
		EXPECT_EQ(0, run_sized(&self->world, variant->request, template,
				       sizes[i])) {
			TH_LOG("size %u", sizes[i]);
		}
	}
}

TEST_F(command, longer_with_junk_tail)
{
	char *command = calloc(1, PAGE_SIZE);
	__u32 size = PAGE_SIZE;
	size_t at;

	memcpy(command, self->template, COMMAND_MAX);
	memcpy(command, &size, sizeof(size));
	for (at = variant->size; at < PAGE_SIZE;
	     at += at < COMMAND_MAX ? 1 : 509) {
		command[at] = 1;
		EXPECT_EQ(-E2BIG, iommufd_ioctl(self->world.fd,
						variant->request, command)) {
			TH_LOG("junk at %zu", at);
		}
		command[at] = 0;
	}
	command[PAGE_SIZE - 1] = 0x80;
	EXPECT_EQ(-E2BIG, iommufd_ioctl(self->world.fd, variant->request,
					command));
	free(command);
	EXPECT_UNTOUCHED(self, variant);
}

/* A size that nobody means is refused before 4 GiB are looked at. */
TEST_F(command, h06_size_is_bounded)
{
	const __u32 sizes[] = { 0x10000000, 0x7fffffff, 0x80000000, 0xffffffff };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		char command[COMMAND_MAX];
		int ret;

		memcpy(command, self->template, sizeof(command));
		memcpy(command, &sizes[i], sizeof(sizes[i]));
		ret = iommufd_ioctl(self->world.fd, variant->request, command);
		EXPECT_EQ(-E2BIG, ret) {
			TH_LOG("size %#x", sizes[i]);
		}
	}
	EXPECT_UNTOUCHED(self, variant);
}

TEST_F(command, unreadable)
{
	char *pages = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t cut;

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, munmap(pages + PAGE_SIZE, PAGE_SIZE));
	/* The structure ends in the page that is not there. */
	for (cut = 1; cut <= variant->size; cut++) {
		char *command = pages + PAGE_SIZE - (variant->size - cut);

		memcpy(command, self->template, variant->size - cut);
		EXPECT_EQ(-EFAULT, iommufd_ioctl(self->world.fd,
						 variant->request, command)) {
			TH_LOG("%zu bytes missing", cut);
		}
	}
	EXPECT_EQ(-EFAULT, iommufd_ioctl(self->world.fd, variant->request,
					 NULL));
	EXPECT_EQ(-EFAULT, iommufd_ioctl(self->world.fd, variant->request,
					 (void *)-PAGE_SIZE));
	munmap(pages, PAGE_SIZE);
	EXPECT_UNTOUCHED(self, variant);
}

/* Flags nobody knows, reserved fields that are not zero, ids of nothing. */
TEST_F(command, unknown_values)
{
	const __u32 ids[] = { 0, IDS_MAX, 0x7fffffff, 0x80000000, 0xffffffff };
	size_t i, j, tried = 0;
	__u32 flags;
	__u8 byte;

	memcpy(&flags, self->template + variant->flags, sizeof(flags));
	for (i = 0; variant->flags && i < 32; i++) {
		__u32 wrong = flags | 1U << i;

		if (variant->known_flags & (1U << i))
			continue;
		tried++;
		EXPECT_EQ(-EOPNOTSUPP, run_with(&self->world, variant->request,
						self->template, variant->flags,
						&wrong, sizeof(wrong))) {
			TH_LOG("flags %#x", wrong);
		}
	}
	for (i = 0; i < variant->reserved_size * 8; i++) {
		byte = 1 << (i % 8);
		tried++;
		EXPECT_EQ(-EOPNOTSUPP, run_with(&self->world, variant->request,
						self->template,
						variant->reserved + i / 8,
						&byte, sizeof(byte))) {
			TH_LOG("reserved bit %zu", i);
		}
	}
	for (i = 0; i < ARRAY_SIZE(variant->id) && variant->id[i]; i++) {
		for (j = 0; j < ARRAY_SIZE(ids); j++, tried++) {
			EXPECT_EQ(-ENOENT, run_with(&self->world,
						    variant->request,
						    self->template,
						    variant->id[i], &ids[j],
						    sizeof(ids[j]))) {
				TH_LOG("id %#x", ids[j]);
			}
		}
	}
	EXPECT_GT(tried, 0);
	EXPECT_UNTOUCHED(self, variant);
}

/* The objects of one file are not to be found through another. */
TEST_F(command, ids_of_another_file)
{
	int expected = variant->id[0] ? -ENOENT : variant->elsewhere;
	char command[COMMAND_MAX];
	int fd;

	fd = iommufd_open();
	ASSERT_GE(fd, 0);
	memcpy(command, self->template, sizeof(command));
	EXPECT_EQ(expected, iommufd_ioctl(fd, variant->request, command));
	close(fd);
	EXPECT_UNTOUCHED(self, variant);
}

/* What nobody can learn the name of must not stay. */
TEST_F(command, h05_reply_cannot_be_written)
{
	char *command = read_only_copy(self->template);
	int expected = variant->reply == REPLY_NONE ? 0 : -EFAULT;

	ASSERT_NE(NULL, command);
	EXPECT_EQ(expected, iommufd_ioctl(self->world.fd, variant->request,
					  command));
	munmap(command, PAGE_SIZE);
	if (variant->reply == REPLY_CREATES ||
	    variant->reply == REPLY_REPORTS)
		EXPECT_UNTOUCHED(self, variant);
}

/* Neither the tail nor what is not an output is written. */
TEST_F(command, tail_is_not_written)
{
	struct {
		char command[COMMAND_MAX];
		char guard[COMMAND_MAX];
	} buffer;
	size_t at;

	memcpy(buffer.command, self->template, COMMAND_MAX);
	memset(buffer.command + variant->size, 0x5a,
	       COMMAND_MAX - variant->size);
	memset(buffer.guard, 0x5a, COMMAND_MAX);
	EXPECT_EQ(0, iommufd_ioctl(self->world.fd, variant->request, &buffer));
	EXPECT_EQ(0, memcmp(buffer.command, self->template, sizeof(__u32)));
	for (at = variant->size; at < COMMAND_MAX; at++)
		EXPECT_EQ(0x5a, buffer.command[at]);
	for (at = 0; at < COMMAND_MAX; at++)
		EXPECT_EQ(0x5a, buffer.guard[at]);
}

TEST_HARNESS_MAIN

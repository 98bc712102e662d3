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
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/mock.h"
#include "lib/usage.h"

/* Ids looked at when the objects of a file are counted. */
#define IDS_MAX		64

/* Large enough for each structure and a tail behind it. */
#define COMMAND_MAX	128

#define MAPPED_IOVA	0x100000ULL
#define MAPPED_PAGES	4

/* All flags of IOMMU_HWPT_ALLOC. */
#define HWPT_FLAGS \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | \
	 IOMMU_HWPT_FAULT_ID_VALID)

/**
 * struct world - one file with two IOASes, memory mapped in the first
 * @fd: the file
 * @ioas_id: the IOAS that commands are about
 * @other_id: another one
 * @device_id: a device in an IOAS of its own, as soon as one is needed
 * @buffer: MAPPED_PAGES pages, mapped at MAPPED_IOVA
 * @file: of as many pages, not mapped
 * @range: an argument for the ioctls that take ranges
 */
struct world {
	int fd;
	__u32 ioas_id;
	__u32 other_id;
	__u32 device_id;
	void *buffer;
	int file;
	struct iommu_iova_range range;
};

/* Each fill_*() writes a command that succeeds. */

static void fill_destroy(struct world *world, void *command)
{
	struct iommu_destroy *destroy = command;

	if (ioas_alloc(world->fd, &destroy->id))
		abort();
}

static void fill_ioas_alloc(struct world *world, void *command)
{
	(void)world;
	(void)command;
}

static void fill_allow_iovas(struct world *world, void *command)
{
	struct iommu_ioas_allow_iovas *allow = command;

	world->range.start = 0;
	world->range.last = SZ_2M * 512 - 1;
	allow->ioas_id = world->ioas_id;
	allow->num_iovas = 1;
	allow->allowed_iovas = va_to_u64(&world->range);
}

static void fill_iova_ranges(struct world *world, void *command)
{
	struct iommu_ioas_iova_ranges *query = command;

	query->ioas_id = world->ioas_id;
	query->num_iovas = 1;
	query->allowed_iovas = va_to_u64(&world->range);
}

static void fill_map(struct world *world, void *command)
{
	struct iommu_ioas_map *map = command;

	map->flags = MAP_RW;
	map->ioas_id = world->ioas_id;
	map->user_va = va_to_u64(world->buffer);
	map->length = PAGE_SIZE;
}

static void fill_map_file(struct world *world, void *command)
{
	struct iommu_ioas_map_file *map = command;

	map->flags = MAP_RW;
	map->ioas_id = world->ioas_id;
	map->fd = world->file;
	map->length = PAGE_SIZE;
}

/* In place of the memory of this process. */
static void fill_change_process(struct world *world, void *command)
{
	(void)command;
	if (ioas_unmap_all(world->fd, world->ioas_id, NULL) ||
	    ioas_map_file_fixed(world->fd, world->ioas_id, world->file, 0,
				MAPPED_PAGES * PAGE_SIZE, MAPPED_IOVA))
		abort();
}

static void fill_copy(struct world *world, void *command)
{
	struct iommu_ioas_copy *copy = command;

	copy->flags = MAP_RW;
	copy->dst_ioas_id = world->other_id;
	copy->src_ioas_id = world->ioas_id;
	copy->src_iova = MAPPED_IOVA;
	copy->length = PAGE_SIZE;
}

static void fill_unmap(struct world *world, void *command)
{
	struct iommu_ioas_unmap *unmap = command;

	unmap->ioas_id = world->ioas_id;
	unmap->length = PAGE_SIZE;
	if (ioas_map_auto(world->fd, world->ioas_id, world->buffer, PAGE_SIZE,
			  (__u64 *)&unmap->iova))
		abort();
}

static void fill_option_get(struct world *world, void *command)
{
	struct iommu_option *option = command;

	option->option_id = IOMMU_OPTION_HUGE_PAGES;
	option->op = IOMMU_OPTION_OP_GET;
	option->object_id = world->ioas_id;
}

static void fill_option_set(struct world *world, void *command)
{
	struct iommu_option *option = command;

	fill_option_get(world, command);
	option->op = IOMMU_OPTION_OP_SET;
	option->val64 = 1;
}

static void fill_vfio_ioas_set(struct world *world, void *command)
{
	struct iommu_vfio_ioas *choice = command;

	choice->ioas_id = world->ioas_id;
	choice->op = IOMMU_VFIO_IOAS_SET;
}

static void fill_vfio_ioas_get(struct world *world, void *command)
{
	struct iommu_vfio_ioas *choice = command;

	choice->size = sizeof(*choice);
	fill_vfio_ioas_set(world, command);
	if (iommufd_ioctl(world->fd, IOMMU_VFIO_IOAS, choice))
		abort();
	choice->op = IOMMU_VFIO_IOAS_GET;
}

static __u32 world_device(struct world *world)
{
	struct mock_device device;
	__u32 ioas_id;

	if (world->device_id)
		return world->device_id;
	if (ioas_alloc(world->fd, &ioas_id) ||
	    mock_plug(world->fd, ioas_id, &device))
		abort();
	world->device_id = device.idev_id;
	return world->device_id;
}

static void fill_hwpt_alloc(struct world *world, void *command)
{
	struct iommu_hwpt_alloc *alloc = command;

	alloc->dev_id = world_device(world);
	alloc->pt_id = world->other_id;
}

static void fill_hwpt_alloc_faults(struct world *world, void *command)
{
	struct iommu_hwpt_alloc *alloc = command;
	int file;

	fill_hwpt_alloc(world, command);
	alloc->flags = IOMMU_HWPT_FAULT_ID_VALID;
	if (fault_alloc(world->fd, &alloc->fault_id, &file))
		abort();
	/* The queue stays, and nothing keeps the kernel's file. */
	close(file);
}

static void fill_fault_alloc(struct world *world, void *command)
{
	(void)world;
	(void)command;
}

static void fill_hw_info(struct world *world, void *command)
{
	struct iommu_hw_info *info = command;

	info->dev_id = world_device(world);
}

static __u32 world_hwpt(struct world *world, __u32 flags)
{
	__u32 hwpt_id;

	if (hwpt_alloc_flags(world->fd, world_device(world), world->other_id,
			     flags, &hwpt_id))
		abort();
	return hwpt_id;
}

static void fill_set_dirty_tracking(struct world *world, void *command)
{
	struct iommu_hwpt_set_dirty_tracking *set = command;

	set->hwpt_id = world_hwpt(world, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	set->flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE;
}

static void fill_get_dirty_bitmap(struct world *world, void *command)
{
	struct iommu_hwpt_get_dirty_bitmap *get = command;

	get->hwpt_id = world_hwpt(world, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	get->length = PAGE_SIZE;
	get->page_size = PAGE_SIZE;
	get->data = va_to_u64(&world->range);
	if (dirty_track(world->fd, get->hwpt_id, true))
		abort();
}

static void fill_hwpt_invalidate(struct world *world, void *command)
{
	static const struct iommu_hwpt_invalidate_selftest all = {
		.flags = IOMMU_TEST_INVALIDATE_FLAG_ALL,
	};
	const struct iommu_hwpt_selftest data = {};
	struct iommu_hwpt_invalidate *invalidate = command;

	if (hwpt_alloc_nested(world->fd, world_device(world),
			      world_hwpt(world, IOMMU_HWPT_ALLOC_NEST_PARENT),
			      IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data),
			      &invalidate->hwpt_id))
		abort();
	invalidate->data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST;
	invalidate->data_uptr = va_to_u64(&all);
	invalidate->entry_len = sizeof(all);
	invalidate->entry_num = 1;
}

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

static int world_create(struct world *world)
{
	int ret;

	world->fd = iommufd_open();
	if (world->fd < 0)
		return world->fd;
	world->buffer = mmap(NULL, MAPPED_PAGES * PAGE_SIZE,
			     PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (world->buffer == MAP_FAILED)
		return -errno;
	world->file = memory_create_file(MEMORY_MEMFD,
					 MAPPED_PAGES * PAGE_SIZE);
	if (world->file < 0)
		return world->file;
	ret = ioas_alloc(world->fd, &world->ioas_id);
	if (!ret)
		ret = ioas_alloc(world->fd, &world->other_id);
	if (!ret)
		ret = ioas_map_fixed(world->fd, world->ioas_id, world->buffer,
				     MAPPED_PAGES * PAGE_SIZE, MAPPED_IOVA);
	return ret;
}

static int world_objects(const struct world *world)
{
	int count = 0;
	__u32 id;

	for (id = 0; id < IDS_MAX; id++)
		count += ioas_exists(world->fd, id);
	return count;
}

/* Bytes that both IOASes map, which this takes away. */
static __u64 world_take_mapped(const struct world *world)
{
	__u64 first = 0, second = 0;

	ioas_unmap_all(world->fd, world->ioas_id, &first);
	ioas_unmap_all(world->fd, world->other_id, &second);
	return first + second;
}

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

/* Run the template as if it were @size bytes long. */
static int run_sized(struct world *world, unsigned long request,
		     const char *template, __u32 size)
{
	size_t length = size > COMMAND_MAX ? size : COMMAND_MAX;
	char *command = calloc(1, length);
	int ret;

	memcpy(command, template, COMMAND_MAX);
	memcpy(command, &size, sizeof(size));
	ret = iommufd_ioctl(world->fd, request, command);
	free(command);
	return ret;
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

/* The errno of @template with @length bytes of something else at @offset. */
static int run_with(struct world *world, unsigned long request,
		    const char *template, size_t offset, const void *bytes,
		    size_t length)
{
	char command[COMMAND_MAX];

	memcpy(command, template, sizeof(command));
	memcpy(command + offset, bytes, length);
	return iommufd_ioctl(world->fd, request, command);
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

static char *read_only_copy(const char *command)
{
	char *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	memcpy(page, command, COMMAND_MAX);
	return mprotect(page, PAGE_SIZE, PROT_READ) ? NULL : page;
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

/* Numbers of ioctls. */

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

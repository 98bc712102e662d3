// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * IOMMU_IOAS_MAP_FILE: memory that belongs to no process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/fixture.h"
#include "lib/harness.h"
#include "lib/process.h"

#define PINS	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES

#define SEED	7

/* Nobody has written to the file: it is all holes, which read as zeroes. */
TEST_F(file, h59_holes_are_filled)
{
	struct subject *subject = &self->subject;
	struct mock_device device;
	int reader = access_create(subject->rig.fd, subject->rig.ioas_id, 0);

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, map_all(subject));
	EXPECT_PINNED(subject->pages);
	EXPECT_TRUE(shows(subject, reader, 0));
	EXPECT_EQ(0, check(subject, &device));
	memory_fill(subject->va, subject->length, SEED);
	EXPECT_EQ(0, check(subject, &device));
	EXPECT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
	EXPECT_EQ(-1, memory_compare(subject->va, subject->length, SEED));
	close(reader);
}

/* Of a folio in the middle of another, with small ones behind large ones */
TEST_F(file, h59_parts_of_folios)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	__u64 starts[] = { 3, subject->pages / 2 + 5, subject->pages - 20 };
	struct mock_device device;
	size_t i;

	ASSERT_EQ(0, plug(subject, &device));
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		__u64 start = starts[i] * PAGE_SIZE;
		__u64 length = subject->length - start - 2 * PAGE_SIZE;

		ASSERT_EQ(0, map_part(subject, start, length));
		EXPECT_PINNED(length / PAGE_SIZE);
		EXPECT_EQ(0, mock_check_map(rig->fd, device.hwpt_id,
					    IOVA + start, length,
					    subject->va + start));
		EXPECT_EQ(0, mock_check_refs(rig->fd, subject->va + start,
					     length, 1));
		ASSERT_EQ(0, unmap_all(subject));
		EXPECT_EQ(0, mock_check_refs(rig->fd, subject->va,
					     subject->length, 0));
	}
}

/* The same without anybody who has the file mapped, or open. */
TEST_F(file, h59_nobody_has_the_file)
{
	struct subject *subject = &self->subject;
	int reader = access_create(subject->rig.fd, subject->rig.ioas_id, 0);
	struct mock_device device;
	char *buffer = malloc(subject->length);

	ASSERT_GE(reader, 0);
	memory_fill(subject->va, subject->length, SEED);
	ASSERT_EQ(0, map_all(subject));
	EXPECT_PINNED(0);
	subject_destroy(subject);
	subject->file = -1;
	subject->va = NULL;
	ASSERT_EQ(0, copy_out(subject, reader, buffer));
	EXPECT_EQ(-1, memory_compare(buffer, subject->length, SEED));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, plug(subject, &device));
	EXPECT_PINNED(subject->pages);
	memset(buffer, 0, subject->length);
	ASSERT_EQ(0, copy_out(subject, reader, buffer));
	EXPECT_EQ(-1, memory_compare(buffer, subject->length, SEED));
	ASSERT_EQ(0, unplug(subject, &device));
	EXPECT_PINNED(0);
	close(reader);
	free(buffer);
}

/* Several page tables, one of them over a copy, share what is pinned. */
TEST_F(file, h59_page_tables_and_copies_share_pages)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = rig->ioas_id,
		.src_iova = IOVA,
		.length = subject->length,
		.dst_ioas_id = rig->other_id,
		.dst_iova = IOVA,
	};
	struct mock_device device, other;

	ASSERT_EQ(0, map_all(subject));
	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, ioas_copy(rig->fd, &copy));
	ASSERT_EQ(0, mock_plug(rig->fd, rig->other_id, &other));
	EXPECT_EQ(0, check(subject, &device));
	EXPECT_EQ(0, check(subject, &other));
	EXPECT_PINNED(subject->pages);
	EXPECT_EQ(0, mock_check_refs(rig->fd, subject->va, subject->length, 1));
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_EQ(0, check(subject, &other));
	EXPECT_PINNED(subject->pages);
	ASSERT_EQ(0, unplug(subject, &other));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, mock_check_refs(rig->fd, subject->va, subject->length, 0));
}

TEST_F(file, h59_access_pins_and_copies)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int pins = access_create(rig->fd, rig->ioas_id, PINS);
	char *buffer = malloc(subject->length);
	__u64 part = subject->length / 2;
	__u32 id;

	ASSERT_GE(pins, 0);
	ASSERT_EQ(0, map_all(subject));
	/* One page is pinned, and stored; the others are looked for. */
	ASSERT_EQ(0, access_pin(rig->fd, pins, IOVA + part, PAGE_SIZE,
				subject->va + part, 0, &id));
	EXPECT_PINNED(1);
	memory_fill(buffer, subject->length, SEED);
	ASSERT_EQ(0, copy(subject, pins, buffer, MOCK_ACCESS_RW_WRITE |
						 MOCK_ACCESS_RW_SLOW_PATH));
	EXPECT_EQ(-1, memory_compare(subject->va, subject->length, SEED));
	memset(buffer, 0, subject->length);
	ASSERT_EQ(0, copy(subject, pins, buffer, MOCK_ACCESS_RW_KTHREAD));
	EXPECT_EQ(-1, memory_compare(buffer, subject->length, SEED));
	EXPECT_PINNED(1);
	EXPECT_EQ(0, access_unpin(rig->fd, pins, id));
	EXPECT_PINNED(0);
	close(pins);
	free(buffer);
}

/* A file, like memory, may begin and end anywhere in a page. */
TEST_F(file, h59_any_offset)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int reader = access_create(rig->fd, rig->ioas_id, 0);
	struct iommu_ioas_map_file map = {
		.flags = MAP_RW,
		.ioas_id = rig->ioas_id,
		.fd = subject->file,
		.start = PAGE_SIZE + 100,
		.length = 3 * PAGE_SIZE + 7,
	};
	struct mock_device device;
	char buffer[64];

	ASSERT_GE(reader, 0);
	memory_fill(subject->va + map.start, map.length, SEED);
	ASSERT_EQ(0, ioas_map_file(rig->fd, &map));
	ASSERT_EQ(0, access_rw(rig->fd, reader, map.iova, sizeof(buffer),
			       buffer, 0));
	EXPECT_EQ(-1, memory_compare(buffer, sizeof(buffer), SEED));
	/* Congruent, for large pages where there are some. */
	EXPECT_EQ(map.start % PAGE_SIZE, map.iova % PAGE_SIZE);
	ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));

	/* Devices can have half a page. */
	ASSERT_EQ(0, plug(subject, &device));
	EXPECT_EQ(-EINVAL, map_part(subject, 100, PAGE_SIZE));
	ASSERT_EQ(0, map_part(subject, MOCK_IOPTE_SIZE, 2 * PAGE_SIZE));
	EXPECT_EQ(0, mock_check_map(rig->fd, device.hwpt_id,
				    IOVA + MOCK_IOPTE_SIZE, 2 * PAGE_SIZE,
				    subject->va + MOCK_IOPTE_SIZE));
	EXPECT_PINNED(3);
	close(reader);
}

static int map_and_exit(void *arg)
{
	struct subject *subject = arg;

	return map_all(subject) ? 1 : 0;
}

/* With memory of a process each of these steps fails. */
TEST_F(file, h59_mapper_is_gone)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int pins = access_create(rig->fd, rig->ioas_id, PINS);
	struct mock_device device;
	__u32 id;

	ASSERT_GE(pins, 0);
	memset(subject->va, 'x', subject->length);
	ASSERT_EQ(0, child_run(map_and_exit, subject, TIMEOUT_MS));
	EXPECT_TRUE(shows(subject, pins, 'x'));
	ASSERT_EQ(0, access_pin(rig->fd, pins, IOVA, PAGE_SIZE, subject->va, 0,
				&id));
	ASSERT_EQ(0, plug(subject, &device));
	EXPECT_EQ(0, check(subject, &device));
	/* It is the other process that pays. */
	EXPECT_PINNED(0);
	EXPECT_EQ(0, access_unpin(rig->fd, pins, id));
	ASSERT_EQ(0, ioas_change_process(rig->fd));
	EXPECT_PINNED(subject->pages);
	EXPECT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
	close(pins);
}

TEST_F(file, h59_writes_are_tracked)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	struct mock_device device;
	__u64 bits = 0;
	__u32 hwpt_id;

	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, map_all(subject));
	ASSERT_EQ(0, hwpt_alloc_flags(rig->fd, device.idev_id, rig->ioas_id,
				      IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
				      &hwpt_id));
	ASSERT_EQ(0, mock_replace(rig->fd, device.id, hwpt_id));
	ASSERT_EQ(0, dirty_track(rig->fd, hwpt_id, true));
	ASSERT_EQ(0, mock_write_one(rig->fd, hwpt_id, IOVA + 5 * PAGE_SIZE));
	ASSERT_EQ(0, dirty_read(rig->fd, &(struct iommu_hwpt_get_dirty_bitmap){
		.hwpt_id = hwpt_id,
		.iova = IOVA,
		.length = 64 * PAGE_SIZE,
		.page_size = PAGE_SIZE,
		.data = va_to_u64(&bits),
	}));
	EXPECT_NE(0, bits & 1 << 5);
	ASSERT_EQ(0, unplug(subject, &device));
	ASSERT_EQ(0, iommufd_destroy(rig->fd, hwpt_id));
}

TEST_HARNESS_MAIN

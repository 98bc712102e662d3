// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Queues of page faults together with what else a page table may be made for:
 * nesting, and tracking of writes. Only the mock IOMMU has all of that here.
 */
#include <errno.h>

#include "lib/fault_fixture.h"

#define TRACKING_FAULTS \
	(IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_FAULT_ID_VALID)

static int alloc_parent(const struct fault_rig *rig, __u32 *parent)
{
	return hwpt_alloc_flags(rig->rig.fd, rig->device.idev_id,
				rig->rig.ioas_id, IOMMU_HWPT_ALLOC_NEST_PARENT,
				parent);
}

static int alloc_over_ioas(const struct fault_rig *rig, __u32 flags,
			   __u32 fault_id, __u32 *hwpt_id)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = flags,
		.dev_id = rig->device.idev_id,
		.pt_id = rig->rig.ioas_id,
		.fault_id = fault_id,
	};
	int ret = iommufd_ioctl(rig->rig.fd, IOMMU_HWPT_ALLOC, &alloc);

	*hwpt_id = alloc.out_hwpt_id;
	return ret;
}

static int alloc_nested(const struct fault_rig *rig, __u32 parent,
			__u32 fault_id, __u32 *hwpt_id)
{
	const struct iommu_hwpt_selftest data = {};
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = rig->device.idev_id,
		.pt_id = parent,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = va_to_u64(&data),
		.fault_id = fault_id,
	};
	int ret = iommufd_ioctl(rig->rig.fd, IOMMU_HWPT_ALLOC, &alloc);

	*hwpt_id = alloc.out_hwpt_id;
	return ret;
}

/* Whether or not there is such a queue. */
TEST_F(faults, h49_parent_has_no_queue)
{
	const __u32 flags = IOMMU_HWPT_ALLOC_NEST_PARENT |
			    IOMMU_HWPT_FAULT_ID_VALID;
	const __u32 tracking = flags | IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	struct fault_rig *rig = &self->rig;
	__u32 id;

	EXPECT_EQ(-EOPNOTSUPP, alloc_over_ioas(rig, flags, rig->queue.id, &id));
	EXPECT_EQ(-EOPNOTSUPP, alloc_over_ioas(rig, tracking, rig->queue.id,
					       &id));
	EXPECT_EQ(-EOPNOTSUPP, alloc_over_ioas(rig, flags, 0x7fffffff, &id));
}

TEST_F(faults, nested_needs_a_queue_that_is_there)
{
	struct fault_rig *rig = &self->rig;
	__u32 parent, id;

	ASSERT_EQ(0, alloc_parent(rig, &parent));
	EXPECT_EQ(-ENOENT, alloc_nested(rig, parent, 0, &id));
	EXPECT_EQ(-ENOENT, alloc_nested(rig, parent, 0x7fffffff, &id));
	EXPECT_EQ(-ENOENT, alloc_nested(rig, parent, parent, &id));
	EXPECT_EQ(-EINVAL, alloc_nested(rig, rig->queue.hwpt_id, rig->queue.id,
					&id));
	/* Nothing depends on it. */
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, parent));
}

/* The device reports by the page table that it is attached to. */
TEST_F(faults, h52_to_nested_and_back)
{
	struct fault_rig *rig = &self->rig;
	__u32 parent, nested, cookie;
	int fd = rig->rig.fd;

	ASSERT_EQ(0, alloc_parent(rig, &parent));
	ASSERT_EQ(0, alloc_nested(rig, parent, rig->other.id, &nested));
	/* From a page table with another queue */
	ASSERT_EQ(0, fault_ask(rig, 1));
	ASSERT_EQ(0, mock_replace(fd, rig->device.id, nested));
	EXPECT_ANSWERS(rig, 0, 1);
	ASSERT_EQ(0, fault_ask(rig, 2));
	EXPECT_FALSE(fault_waits(&rig->queue));
	cookie = fault_read_cookie(&rig->other);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->other, cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_ANSWERS(rig, 1, 1);
	/* To the parent, which has none, and with one fault outstanding */
	ASSERT_EQ(0, fault_ask(rig, 3));
	ASSERT_EQ(0, mock_replace(fd, rig->device.id, parent));
	EXPECT_ANSWERS(rig, 1, 2);
	EXPECT_EQ(-EINVAL, fault_ask(rig, 4));
	ASSERT_EQ(0, mock_replace(fd, rig->device.id, nested));
	ASSERT_EQ(0, fault_ask(rig, 5));
	EXPECT_EQ(5, fault_read_group(&rig->other));
	EXPECT_EQ(0, iommufd_destroy(fd, rig->device.id));
	EXPECT_ANSWERS(rig, 1, 3);
}

TEST_F(faults, nested_keeps_its_queue)
{
	struct fault_rig *rig = &self->rig;
	__u32 parent, nested;
	int fd = rig->rig.fd;

	ASSERT_EQ(0, alloc_parent(rig, &parent));
	ASSERT_EQ(0, alloc_nested(rig, parent, rig->other.id, &nested));
	ASSERT_EQ(0, iommufd_destroy(fd, rig->other.hwpt_id));
	queue_close(&rig->other);
	EXPECT_EQ(-EBUSY, iommufd_destroy(fd, rig->other.id));
	EXPECT_EQ(-EBUSY, iommufd_destroy(fd, parent));
	EXPECT_EQ(0, iommufd_destroy(fd, nested));
	EXPECT_EQ(0, iommufd_destroy(fd, rig->other.id));
	EXPECT_EQ(0, iommufd_destroy(fd, parent));
}

/* The teardown counts what is left. */
TEST_F(faults, h52_nested_left_for_close)
{
	struct fault_rig *rig = &self->rig;
	__u32 parent, nested;

	ASSERT_EQ(0, alloc_parent(rig, &parent));
	ASSERT_EQ(0, alloc_nested(rig, parent, rig->queue.id, &nested));
	ASSERT_EQ(0, mock_replace(rig->rig.fd, rig->device.id, nested));
	EXPECT_EQ(0, fault_ask(rig, 1));
}

/* Both in one page table, and neither disturbs the other. */
TEST_F(faults, tracks_writes_as_well)
{
	struct fault_rig *rig = &self->rig;
	__u64 written = 1, seen = 0;
	struct iommu_hwpt_get_dirty_bitmap get = {
		.iova = mock_rig_iova(0),
		.length = 2 * PAGE_SIZE,
		.page_size = PAGE_SIZE,
		.data = va_to_u64(&seen),
	};
	int fd = rig->rig.fd;
	__u32 cookie;

	ASSERT_EQ(0, mock_rig_map(&rig->rig, 0, 2));
	ASSERT_EQ(0, alloc_over_ioas(rig, TRACKING_FAULTS, rig->queue.id,
				     &get.hwpt_id));
	ASSERT_EQ(0, mock_replace(fd, rig->device.id, get.hwpt_id));
	ASSERT_EQ(0, dirty_track(fd, get.hwpt_id, true));
	ASSERT_EQ(0, fault_ask(rig, 1));
	ASSERT_EQ(0, mock_write(fd, get.hwpt_id, get.iova, get.length,
				PAGE_SIZE, &written, NULL));
	EXPECT_EQ(0, dirty_read(fd, &get));
	EXPECT_EQ(written, seen);
	EXPECT_ANSWERS(rig, 0, 0);
	cookie = fault_read_cookie(&rig->queue);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->queue, cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_ANSWERS(rig, 1, 0);
}

TEST_HARNESS_MAIN

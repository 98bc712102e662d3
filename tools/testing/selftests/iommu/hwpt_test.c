// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Page tables that a program asks for, and what it can learn of an IOMMU: on
 * the mock, which lets us look into page tables, and on a real device model
 * behind whichever IOMMU the machine has.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/rig.h"
#include "lib/trap.h"

/* On the mock IOMMU, with a device that is attached to the other IOAS. */
FIXTURE(mock)
{
	struct mock_rig rig;
	struct mock_device device;
};

FIXTURE_SETUP(mock)
{
	int ret = mock_rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, mock_plug(self->rig.fd, self->rig.other_id,
			       &self->device));
}

FIXTURE_TEARDOWN(mock)
{
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

static int alloc_hwpt(const struct mock_rig *rig,
		      const struct mock_device *device, __u32 *hwpt_id)
{
	return hwpt_alloc(rig->fd, device->idev_id, rig->ioas_id, hwpt_id);
}

static int check_map(const struct mock_rig *rig, __u32 hwpt_id, __u64 page,
		     __u64 count)
{
	return mock_check_map(rig->fd, hwpt_id, mock_rig_iova(page),
			      count * PAGE_SIZE, mock_rig_va(rig, page));
}

TEST_F(mock, mirrors_the_ioas)
{
	struct mock_rig *rig = &self->rig;
	__u32 first, second;

	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, alloc_hwpt(&self->rig, &self->device, &first));
	/* Although no device uses it */
	EXPECT_PINNED(4);
	EXPECT_EQ(0, check_map(&self->rig, first, 0, 4));
	ASSERT_EQ(0, mock_rig_map(rig, 4, 4));
	EXPECT_EQ(0, check_map(&self->rig, first, 0, 8));
	ASSERT_EQ(0, alloc_hwpt(&self->rig, &self->device, &second));
	EXPECT_NE(first, second);
	EXPECT_EQ(0, check_map(&self->rig, second, 0, 8));
	/* A page is pinned once, however many page tables have it. */
	EXPECT_PINNED(8);
	EXPECT_EQ(0, mock_check_refs(rig->fd, rig->buffer, 8 * PAGE_SIZE, 1));
	ASSERT_EQ(0, mock_rig_unmap(rig, 0, 4));
	EXPECT_EQ(-EINVAL, check_map(&self->rig, first, 0, 1));
	EXPECT_EQ(-EINVAL, check_map(&self->rig, second, 0, 1));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, first));
	EXPECT_EQ(0, check_map(&self->rig, second, 4, 4));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, second));
	EXPECT_PINNED(0);
	EXPECT_EQ(-ENOENT, iommufd_destroy(rig->fd, second));
}

TEST_F(mock, attach_and_replace_by_id)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device another;
	__u32 first, second;

	ASSERT_EQ(0, mock_rig_map(rig, 0, 2));
	ASSERT_EQ(0, alloc_hwpt(&self->rig, &self->device, &first));
	ASSERT_EQ(0, alloc_hwpt(&self->rig, &self->device, &second));
	ASSERT_EQ(0, mock_plug(rig->fd, first, &another));
	EXPECT_EQ(first, another.hwpt_id);
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, first));
	EXPECT_EQ(0, mock_replace(rig->fd, self->device.id, first));
	EXPECT_EQ(0, mock_replace(rig->fd, another.id, second));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, first));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, second));
	/* The one that attaching made for the other IOAS has gone. */
	EXPECT_EQ(-ENOENT, iommufd_destroy(rig->fd, self->device.hwpt_id));
	EXPECT_EQ(0, mock_replace(rig->fd, self->device.id, second));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, first));
	/* Back to one that is not ours, in the same IOAS */
	EXPECT_EQ(0, mock_replace(rig->fd, self->device.id, rig->ioas_id));
	EXPECT_EQ(0, mock_replace(rig->fd, another.id, rig->ioas_id));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, second));
	EXPECT_EQ(-ENOENT, mock_replace(rig->fd, another.id, second));
}

TEST_F(mock, destroyed_in_any_order)
{
	struct mock_rig *rig = &self->rig;
	__u32 hwpt;

	ASSERT_EQ(0, mock_rig_map(rig, 0, 2));
	ASSERT_EQ(0, alloc_hwpt(&self->rig, &self->device, &hwpt));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->ioas_id));
	/* The device it was made for may go first. */
	EXPECT_EQ(0, iommufd_destroy(rig->fd, self->device.id));
	EXPECT_EQ(0, check_map(&self->rig, hwpt, 0, 2));
	EXPECT_EQ(0, mock_plug(rig->fd, hwpt, &self->device));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, self->device.id));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, hwpt));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_PINNED(0);
}

/* Closing takes what is left, attached or not; the teardown counts. */
TEST_F(mock, left_for_close)
{
	__u32 attached, idle;

	ASSERT_EQ(0, mock_rig_map(&self->rig, 0, MOCK_RIG_PAGES));
	ASSERT_EQ(0, alloc_hwpt(&self->rig, &self->device, &attached));
	ASSERT_EQ(0, alloc_hwpt(&self->rig, &self->device, &idle));
	EXPECT_EQ(0, mock_replace(self->rig.fd, self->device.id, attached));
}

TEST_F(mock, h05_id_that_cannot_be_told)
{
	struct mock_rig *rig = &self->rig;
	struct iommu_hwpt_alloc *alloc;

	alloc = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)alloc);
	alloc->size = sizeof(*alloc);
	alloc->dev_id = self->device.idev_id;
	alloc->pt_id = rig->ioas_id;
	ASSERT_EQ(0, mprotect(alloc, PAGE_SIZE, PROT_READ));
	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	EXPECT_EQ(-EFAULT, iommufd_ioctl(rig->fd, IOMMU_HWPT_ALLOC, alloc));
	EXPECT_PINNED(0);
	/* Nothing depends on it. */
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	munmap(alloc, PAGE_SIZE);
}

TEST_F(mock, what_does_not_fit)
{
	struct mock_rig *rig = &self->rig;
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.dev_id = self->device.idev_id,
		.pt_id = rig->ioas_id,
	};
	__u32 hwpt;

	/* Beyond the end of what the mock translates */
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, MOCK_APERTURE_LAST + 1ULL));
	EXPECT_EQ(-EADDRINUSE, alloc_hwpt(&self->rig, &self->device, &hwpt));
	ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	/* Memory that cannot be written to */
	ASSERT_EQ(0, mock_rig_map(rig, 0, 2));
	ASSERT_EQ(0, mprotect(rig->buffer + PAGE_SIZE, PAGE_SIZE, PROT_READ));
	EXPECT_EQ(-EFAULT, alloc_hwpt(&self->rig, &self->device, &hwpt));
	EXPECT_PINNED(0);

	alloc.data_len = 4;
	EXPECT_EQ(-EINVAL, iommufd_ioctl(rig->fd, IOMMU_HWPT_ALLOC, &alloc));
	alloc.data_len = 0;
	alloc.data_uptr = va_to_u64(&alloc);
	EXPECT_EQ(-EINVAL, iommufd_ioctl(rig->fd, IOMMU_HWPT_ALLOC, &alloc));
	alloc.data_type = IOMMU_HWPT_DATA_SELFTEST;
	EXPECT_EQ(-EINVAL, iommufd_ioctl(rig->fd, IOMMU_HWPT_ALLOC, &alloc));
	alloc.data_len = 4;
	EXPECT_EQ(-EOPNOTSUPP, iommufd_ioctl(rig->fd, IOMMU_HWPT_ALLOC,
					     &alloc));
	EXPECT_EQ(-EOPNOTSUPP, hwpt_alloc(rig->fd, self->device.idev_id,
					  self->device.hwpt_id, &hwpt));
	EXPECT_EQ(-EINVAL, hwpt_alloc(rig->fd, self->device.idev_id,
				      self->device.idev_id, &hwpt));
	EXPECT_EQ(-ENOENT, hwpt_alloc(rig->fd, self->device.idev_id,
				      0x7fffffff, &hwpt));
	EXPECT_EQ(-ENOENT, hwpt_alloc(rig->fd, rig->ioas_id, rig->ioas_id,
				      &hwpt));
}

struct allocation {
	struct mock_rig *rig;
	__u32 dev_id;
	int ret;
};

static void *allocate(void *argument)
{
	struct allocation *allocation = argument;
	__u32 hwpt;

	allocation->ret = hwpt_alloc(allocation->rig->fd, allocation->dev_id,
				     allocation->rig->ioas_id, &hwpt);
	return NULL;
}

/*
 * User space can make it take for ever, and whoever owns the device has to be
 * able to take it away all the same.
 */
TEST_F(mock, h60_device_goes_while_a_page_table_is_filled)
{
	struct allocation allocation = {
		.rig = &self->rig,
		.dev_id = self->device.idev_id,
	};
	struct trap trap;
	pthread_t thread;

	if (trap_open(&trap, PAGE_SIZE) == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, ioas_map_fixed(self->rig.fd, self->rig.ioas_id, trap.va,
				    PAGE_SIZE, mock_rig_iova(0)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, allocate, &allocation));
	ASSERT_EQ(1, trap_wait(&trap, TIMEOUT_MS));
	EXPECT_EQ(0, iommufd_destroy(self->rig.fd, self->device.id));
	ASSERT_EQ(0, trap_release(&trap));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, allocation.ret);
	trap_close(&trap);
}

/* What the hardware is */

TEST_F(mock, hw_info)
{
	struct iommu_test_hw_info data[3];
	struct iommu_hw_info info = { .data_uptr = va_to_u64(data) };
	size_t length;

	/* Just asking */
	info.data_uptr = 0;
	ASSERT_EQ(0, hw_info(self->rig.fd, self->device.idev_id, &info));
	EXPECT_EQ(sizeof(data[0]), info.data_len);
	EXPECT_EQ(IOMMU_HW_INFO_TYPE_SELFTEST, info.out_data_type);
	EXPECT_EQ(IOMMU_HW_CAP_DIRTY_TRACKING, info.out_capabilities);
	EXPECT_EQ(0, info.out_max_pasid_log2);
	/* Any room, and not a byte beyond it */
	for (length = 1; length <= sizeof(data) - 1; length++) {
		const struct iommu_test_hw_info full = {
			.test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL,
		};
		char expected[sizeof(data)] = {};
		size_t given = length < sizeof(full) ? length : sizeof(full);

		memset(data, 0x5a, sizeof(data));
		memcpy(expected, &full, given);
		memset(expected + length, 0x5a, sizeof(expected) - length);
		info.data_uptr = va_to_u64(data);
		info.data_len = length;
		ASSERT_EQ(0, hw_info(self->rig.fd, self->device.idev_id,
				     &info));
		EXPECT_EQ(sizeof(full), info.data_len);
		EXPECT_EQ(0, memcmp(data, expected, sizeof(data))) {
			TH_LOG("length %zu", length);
		}
	}
}

TEST_F(mock, hw_info_of_a_type)
{
	struct iommu_test_hw_info data;
	struct iommu_hw_info info = {
		.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE,
		.data_uptr = va_to_u64(&data),
	};
	const __u32 others[] = { IOMMU_HW_INFO_TYPE_INTEL_VTD, 2, 0xffffffff };
	size_t i;

	info.in_data_type = IOMMU_HW_INFO_TYPE_DEFAULT;
	EXPECT_EQ(0, hw_info(self->rig.fd, self->device.idev_id, &info));
	EXPECT_EQ(IOMMU_HW_INFO_TYPE_SELFTEST, info.out_data_type);
	EXPECT_EQ(0, hw_info(self->rig.fd, self->device.idev_id, &info));
	for (i = 0; i < 3; i++) {
		info.in_data_type = others[i];
		EXPECT_EQ(-EOPNOTSUPP, hw_info(self->rig.fd,
					       self->device.idev_id, &info));
		/* Without the flag nobody looks at it. */
		info.flags = 0;
		info.in_data_type = others[i];
		EXPECT_EQ(0, hw_info(self->rig.fd, self->device.idev_id,
				     &info));
		info.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE;
	}
}

TEST_F(mock, h06_hw_info_with_much_room)
{
	struct iommu_hw_info info = { .data_len = 0xffffffff };
	size_t length = SZ_2M;
	char *room;

	room = mmap(NULL, length, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	memset(room, 0x5a, length);
	info.data_uptr = va_to_u64(room);
	EXPECT_EQ(-EFAULT, hw_info(self->rig.fd, self->device.idev_id, &info));
	memset(room, 0x5a, length);
	info.data_len = length;
	EXPECT_EQ(0, hw_info(self->rig.fd, self->device.idev_id, &info));
	EXPECT_EQ(0, room[sizeof(struct iommu_test_hw_info)]);
	EXPECT_EQ(0, memcmp(room + sizeof(struct iommu_test_hw_info),
			    room + sizeof(struct iommu_test_hw_info) + 1,
			    length - sizeof(struct iommu_test_hw_info) - 1));
	info.data_len = 8;
	info.data_uptr = 1;
	EXPECT_EQ(-EFAULT, hw_info(self->rig.fd, self->device.idev_id, &info));
	munmap(room, length);
}

/* The device does DMA by page tables that the program made. */
FIXTURE(edu)
{
	struct rig rig;
};

FIXTURE_SETUP(edu)
{
	int ret = rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, edu_start(&self->rig.edu));
}

FIXTURE_TEARDOWN(edu)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

/* Copy from page 0 to page 1 and see whether it got there. */
static int dma_works(struct rig *rig, char mark)
{
	memset(rig_va(rig, 0), mark, PAGE_SIZE);
	memset(rig_va(rig, 1), 0, PAGE_SIZE);
	if (edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(1), EDU_DMA_MAX))
		return 0;
	return !memcmp(rig_va(rig, 0), rig_va(rig, 1), EDU_DMA_MAX);
}

TEST_F(edu, dma_by_own_page_tables)
{
	struct rig *rig = &self->rig;
	__u32 first, second, id;

	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, hwpt_alloc(rig->fd, rig->edu.vfio.dev_id, rig->ioas_id,
				&first));
	ASSERT_EQ(0, hwpt_alloc(rig->fd, rig->edu.vfio.dev_id, rig->ioas_id,
				&second));
	id = first;
	ASSERT_EQ(0, edu_attach(&rig->edu, &id));
	EXPECT_EQ(first, id);
	EXPECT_TRUE(dma_works(rig, 1));
	EXPECT_PINNED(2);
	id = second;
	ASSERT_EQ(0, edu_attach(&rig->edu, &id));
	EXPECT_EQ(second, id);
	EXPECT_TRUE(dma_works(rig, 2));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, first));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, second));
	EXPECT_TRUE(dma_works(rig, 3));
	/* What is unmapped is gone from them too. */
	ASSERT_EQ(0, rig_unmap(rig, 0, 2));
	EXPECT_FALSE(dma_works(rig, 4));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
	EXPECT_TRUE(dma_works(rig, 5));
	ASSERT_EQ(0, edu_detach(&rig->edu));
	/* Used a second time, by when it is full from the start */
	id = second;
	ASSERT_EQ(0, edu_attach(&rig->edu, &id));
	EXPECT_TRUE(dma_works(rig, 6));
	id = rig->ioas_id;
	ASSERT_EQ(0, edu_attach(&rig->edu, &id));
	EXPECT_NE(second, id);
	EXPECT_TRUE(dma_works(rig, 7));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, second));
	EXPECT_TRUE(dma_works(rig, 8));
}

TEST_F(edu, page_table_stays_without_the_device)
{
	struct rig *rig = &self->rig;
	__u32 hwpt, id;

	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, hwpt_alloc(rig->fd, rig->edu.vfio.dev_id, rig->ioas_id,
				&hwpt));
	edu_close(&rig->edu);
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->ioas_id));
	ASSERT_EQ(0, edu_open(&rig->edu, 0));
	ASSERT_EQ(0, edu_bind(&rig->edu, rig->fd));
	ASSERT_EQ(0, edu_start(&rig->edu));
	id = hwpt;
	ASSERT_EQ(0, edu_attach(&rig->edu, &id));
	EXPECT_TRUE(dma_works(rig, 1));
	edu_close(&rig->edu);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, hwpt));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, edu_open(&rig->edu, 0));
}

/*
 * The model knows no page requests. Whoever finds that out, the device goes on
 * where it is.
 */
TEST_F(edu, h52_device_that_cannot_ask)
{
	struct rig *rig = &self->rig;
	__u32 fault_id, hwpt, id;
	int fault_fd, ret;

	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, rig_attach(rig));
	ret = fault_alloc(rig->fd, &fault_id, &fault_fd);
	if (ret == -EOPNOTSUPP)
		SKIP(return, "a kernel without page faults of devices");
	ASSERT_EQ(0, ret);
	ret = hwpt_alloc_faults(rig->fd, rig->edu.vfio.dev_id, rig->ioas_id,
				fault_id, &hwpt);
	if (!ret) {
		id = hwpt;
		ret = edu_attach(&rig->edu, &id);
		EXPECT_TRUE(ret == -ENODEV || ret == -EOPNOTSUPP) {
			TH_LOG("attach: %d", ret);
		}
		EXPECT_EQ(0, iommufd_destroy(rig->fd, hwpt));
	} else {
		EXPECT_EQ(-EOPNOTSUPP, ret);
	}
	EXPECT_TRUE(dma_works(rig, 1));
	close(fault_fd);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, fault_id));
}

/* What QEMU asks for when it realizes a device */
TEST_F(edu, hw_info)
{
	struct iommu_hw_info_vtd vtd[2];
	struct iommu_hw_info info = {
		.data_uptr = va_to_u64(vtd),
		.data_len = sizeof(vtd),
	};

	memset(vtd, 0x5a, sizeof(vtd));
	ASSERT_EQ(0, hw_info(self->rig.fd, self->rig.edu.vfio.dev_id, &info));
	EXPECT_EQ(0, info.out_max_pasid_log2);
	EXPECT_EQ(0, vtd[1].cap_reg);
	if (info.out_data_type == IOMMU_HW_INFO_TYPE_INTEL_VTD) {
		EXPECT_EQ(sizeof(vtd[0]), info.data_len);
		/* Bits of address that it translates: never fewer than 30 */
		EXPECT_GT((vtd[0].cap_reg >> 16 & 0x3f) + 1, 29);
	} else {
		EXPECT_EQ(IOMMU_HW_INFO_TYPE_NONE, info.out_data_type);
		EXPECT_EQ(0, info.data_len);
		EXPECT_EQ(0, vtd[0].cap_reg);
		EXPECT_EQ(0, vtd[0].ecap_reg);
	}
	EXPECT_EQ(-ENOENT, hw_info(self->rig.fd, self->rig.ioas_id, &info));
}

TEST_HARNESS_MAIN

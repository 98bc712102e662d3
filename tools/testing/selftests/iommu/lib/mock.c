// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "mock.h"

#include <errno.h>

#include "ioctls.h"

static int test_ioctl(int fd, __u32 op, __u32 id, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->op = op;
	cmd->id = id;
	return iommufd_ioctl(fd, IOMMU_TEST_CMD, cmd);
}

bool mock_exists(int fd)
{
	struct iommu_test_cmd cmd = {};

	return test_ioctl(fd, IOMMU_TEST_OP_MD_CHECK_REFS, 0, &cmd) != -ENOTTY;
}

int mock_plug(int fd, __u32 pt_id, struct mock_device *device)
{
	struct iommu_test_cmd cmd = {};
	int ret = test_ioctl(fd, IOMMU_TEST_OP_MOCK_DOMAIN, pt_id, &cmd);

	if (ret)
		return ret;
	*device = (struct mock_device){
		.id = cmd.mock_domain.out_stdev_id,
		.hwpt_id = cmd.mock_domain.out_hwpt_id,
		.idev_id = cmd.mock_domain.out_idev_id,
	};
	return 0;
}

int mock_plug_flags(int fd, __u32 pt_id, __u32 flags,
		    struct mock_device *device)
{
	struct iommu_test_cmd cmd = { .mock_domain_flags.dev_flags = flags };
	int ret = test_ioctl(fd, IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, pt_id, &cmd);

	if (ret)
		return ret;
	*device = (struct mock_device){
		.id = cmd.mock_domain_flags.out_stdev_id,
		.hwpt_id = cmd.mock_domain_flags.out_hwpt_id,
		.idev_id = cmd.mock_domain_flags.out_idev_id,
	};
	return 0;
}

int mock_replace(int fd, __u32 device_id, __u32 pt_id)
{
	struct iommu_test_cmd cmd = { .mock_domain_replace.pt_id = pt_id };

	return test_ioctl(fd, IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, device_id,
			  &cmd);
}

int mock_fault(int fd, __u32 idev_id, __u32 grpid, __u32 perm, __u64 addr)
{
	struct iommu_test_cmd cmd = {
		.trigger_iopf = {
			.dev_id = idev_id,
			.grpid = grpid,
			.perm = perm,
			.addr = addr,
		},
	};

	return test_ioctl(fd, IOMMU_TEST_OP_TRIGGER_IOPF, 0, &cmd);
}

int mock_answers(int fd, struct mock_answers *answers)
{
	struct iommu_test_cmd cmd = {};
	int ret = test_ioctl(fd, IOMMU_TEST_OP_COUNT_IOPF, 0, &cmd);

	*answers = (struct mock_answers){
		.groups = cmd.count_iopf.out_groups,
		.success = cmd.count_iopf.out_success,
		.invalid = cmd.count_iopf.out_invalid,
		.failure = cmd.count_iopf.out_failure,
	};
	return ret;
}

int mock_reserve(int fd, __u32 ioas_id, __u64 start, __u64 length)
{
	struct iommu_test_cmd cmd = { .add_reserved = { start, length } };

	return test_ioctl(fd, IOMMU_TEST_OP_ADD_RESERVED, ioas_id, &cmd);
}

int mock_check_map(int fd, __u32 hwpt_id, __u64 iova, __u64 length,
		   const void *va)
{
	struct iommu_test_cmd cmd = {
		.check_map = { iova, length, va_to_u64(va) },
	};

	return test_ioctl(fd, IOMMU_TEST_OP_MD_CHECK_MAP, hwpt_id, &cmd);
}

int mock_check_refs(int fd, const void *va, __u64 length, __u32 refs)
{
	struct iommu_test_cmd cmd = {
		.check_refs = { length, va_to_u64(va), refs },
	};

	return test_ioctl(fd, IOMMU_TEST_OP_MD_CHECK_REFS, 0, &cmd);
}

int mock_check_iotlb(int fd, __u32 hwpt_id, __u32 entry, __u32 value)
{
	struct iommu_test_cmd cmd = { .check_iotlb = { entry, value } };

	return test_ioctl(fd, IOMMU_TEST_OP_MD_CHECK_IOTLB, hwpt_id, &cmd);
}

int mock_write(int fd, __u32 hwpt_id, __u64 iova, __u64 length,
	       __u64 page_size, const void *bitmap, __u64 *written)
{
	struct iommu_test_cmd cmd = {
		.dirty = {
			.iova = iova,
			.length = length,
			.page_size = page_size,
			.uptr = va_to_u64(bitmap),
		},
	};
	int ret = test_ioctl(fd, IOMMU_TEST_OP_DIRTY, hwpt_id, &cmd);

	if (!ret && written)
		*written = cmd.dirty.out_nr_dirty;
	return ret;
}

int mock_write_one(int fd, __u32 hwpt_id, __u64 iova)
{
	__u64 bit = 1, written = 0;
	int ret = mock_write(fd, hwpt_id, iova, MOCK_IOPTE_SIZE,
			     MOCK_IOPTE_SIZE, &bit, &written);

	return ret ? ret : written == 1 ? 0 : -ENXIO;
}

int bar_create(int fd, __u64 length)
{
	struct iommu_test_cmd cmd = { .create_bar.length = length };
	int ret = test_ioctl(fd, IOMMU_TEST_OP_CREATE_BAR, 0, &cmd);

	return ret ? ret : cmd.create_bar.out_fd;
}

int bar_set(int fd, int bar_fd, __u32 action, __u32 reset_ms)
{
	struct iommu_test_cmd cmd = { .set_bar = { action, reset_ms } };

	return test_ioctl(fd, IOMMU_TEST_OP_SET_BAR, bar_fd, &cmd);
}

int bar_check(int fd, __u32 hwpt_id, __u64 iova, __u64 length, int bar_fd,
	      __u64 offset)
{
	struct iommu_test_cmd cmd = {
		.check_bar = { iova, length, offset, bar_fd },
	};

	return test_ioctl(fd, IOMMU_TEST_OP_MD_CHECK_BAR, hwpt_id, &cmd);
}

int mock_memory_limit(int fd, __u32 bytes)
{
	struct iommu_test_cmd cmd = { .memory_limit.limit = bytes };

	return test_ioctl(fd, IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT, 0, &cmd);
}

int access_create(int fd, __u32 ioas_id, __u32 flags)
{
	struct iommu_test_cmd cmd = { .create_access.flags = flags };
	int ret = test_ioctl(fd, IOMMU_TEST_OP_CREATE_ACCESS, ioas_id, &cmd);

	return ret ? ret : (int)cmd.create_access.out_access_fd;
}

int access_replace(int fd, int access_fd, __u32 ioas_id)
{
	struct iommu_test_cmd cmd = { .access_replace_ioas.ioas_id = ioas_id };

	return test_ioctl(fd, IOMMU_TEST_OP_ACCESS_REPLACE_IOAS, access_fd,
			  &cmd);
}

int access_rw(int fd, int access_fd, __u64 iova, __u64 length, void *data,
	      __u32 flags)
{
	struct iommu_test_cmd cmd = {
		.access_rw = { iova, length, va_to_u64(data), flags },
	};

	return test_ioctl(fd, IOMMU_TEST_OP_ACCESS_RW, access_fd, &cmd);
}

int access_pin(int fd, int access_fd, __u64 iova, __u64 length, const void *va,
	       __u32 flags, __u32 *pages_id)
{
	struct iommu_test_cmd cmd = {
		.access_pages = {
			.flags = flags,
			.iova = iova,
			.length = length,
			.uptr = va_to_u64(va),
		},
	};
	int ret = test_ioctl(fd, IOMMU_TEST_OP_ACCESS_PAGES, access_fd, &cmd);

	if (!ret)
		*pages_id = cmd.access_pages.out_access_pages_id;
	return ret;
}

int access_unpin(int fd, int access_fd, __u32 pages_id)
{
	struct iommu_test_cmd cmd = {
		.destroy_access_pages.access_pages_id = pages_id,
	};

	return test_ioctl(fd, IOMMU_TEST_OP_DESTROY_ACCESS_PAGES, access_fd,
			  &cmd);
}

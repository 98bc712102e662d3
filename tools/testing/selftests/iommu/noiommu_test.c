// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A device without an IOMMU, which VFIO gives to whoever may do everything: a
 * group that is called so, in an iommufd or in a container of VFIO. There is no
 * translation, so nothing can be mapped. For a machine without an IOMMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/capability.h>

#include "lib/edu.h"
#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/process.h"
#include "lib/usage.h"
#include "lib/vfio_device.h"

#define UNSAFE_MODE	"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"

#define TEST_IOVA	0x100000

/**
 * struct bare - a group without an IOMMU
 * @baseline: taken before anything else
 * @container: an iommufd, or a container of VFIO; the group is not in it
 * @group: the group
 * @edu: its device, not open
 * @slot: where the device is
 * @path: its directory in sysfs
 */
struct bare {
	struct baseline baseline;
	int container;
	int group;
	struct edu edu;
	struct pci_slot slot;
	char path[128];
};

static int find_device(struct bare *bare)
{
	int ret = edu_give_to_vfio(0, &bare->slot);

	snprintf(bare->path, sizeof(bare->path), "/sys/bus/pci/devices/%s",
		 bare->slot.name);
	return ret;
}

/* -ENODEV where the device has an IOMMU, or the kernel has no such mode. */
static int bare_create(struct bare *bare, const char *container)
{
	int ret;

	memset(bare, 0, sizeof(*bare));
	baseline_take(&bare->baseline);
	bare->edu.vfio.fd = -1;
	if (file_write(UNSAFE_MODE, "Y"))
		return -ENODEV;
	ret = find_device(bare);
	if (ret)
		return ret;
	bare->group = vfio_open_group(bare->path, "noiommu-");
	if (bare->group < 0)
		return bare->group == -ENOENT ? -ENODEV : bare->group;
	bare->container = open(container, O_RDWR | O_CLOEXEC);
	return bare->container < 0 ? -errno : 0;
}

static const char *bare_destroy(struct bare *bare)
{
	edu_close(&bare->edu);
	if (bare->group >= 0)
		close(bare->group);
	if (bare->container >= 0)
		close(bare->container);
	return baseline_check(&bare->baseline);
}

static int container_ioctl(const struct bare *bare, unsigned long request,
			   unsigned long arg)
{
	int ret = ioctl(bare->container, request, arg);

	return ret < 0 ? -errno : ret;
}

static int open_device(struct bare *bare)
{
	int fd = vfio_group_open_device(bare->group, bare->slot.name);

	if (fd < 0)
		return fd;
	bare->edu.vfio.fd = fd;
	return 0;
}

static int enter_container(struct bare *bare)
{
	int ret = vfio_group_set_container(bare->group, bare->container);

	return ret ? ret : container_ioctl(bare, VFIO_SET_IOMMU,
					   VFIO_NOIOMMU_IOMMU);
}

/* What both kinds of container have in common */

FIXTURE(noiommu)
{
	struct bare bare;
};

FIXTURE_VARIANT(noiommu)
{
	const char *container;
};

FIXTURE_VARIANT_ADD(noiommu, iommufd)
{
	.container = "/dev/iommu",
};

FIXTURE_VARIANT_ADD(noiommu, vfio)
{
	.container = "/dev/vfio/vfio",
};

FIXTURE_SETUP(noiommu)
{
	int ret = bare_create(&self->bare, variant->container);

	if (ret == -ENODEV)
		SKIP(return, "no device without an IOMMU");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(noiommu)
{
	EXPECT_STREQ("", bare_destroy(&self->bare));
}

TEST_F(noiommu, device_answers)
{
	struct edu *edu = &self->bare.edu;

	ASSERT_EQ(0, enter_container(&self->bare));
	ASSERT_EQ(0, open_device(&self->bare));
	ASSERT_EQ(0, edu_start(edu));
	EXPECT_EQ(0, edu_probe(edu));
}

TEST_F(noiommu, it_says_what_it_is)
{
	struct bare *bare = &self->bare;

	ASSERT_EQ(0, vfio_group_set_container(bare->group, bare->container));
	EXPECT_EQ(VFIO_API_VERSION,
		  container_ioctl(bare, VFIO_GET_API_VERSION, 0));
	EXPECT_EQ(1, container_ioctl(bare, VFIO_CHECK_EXTENSION,
				     VFIO_NOIOMMU_IOMMU));
	EXPECT_EQ(0, container_ioctl(bare, VFIO_CHECK_EXTENSION,
				     VFIO_TYPE1_IOMMU));
	EXPECT_EQ(-ENODEV, container_ioctl(bare, VFIO_SET_IOMMU,
					   VFIO_TYPE1_IOMMU));
	EXPECT_EQ(0, container_ioctl(bare, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU));
}

TEST_F(noiommu, nothing_can_be_mapped)
{
	struct bare *bare = &self->bare;
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.iova = TEST_IOVA,
		.size = PAGE_SIZE,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = TEST_IOVA,
		.size = PAGE_SIZE,
	};
	void *va;

	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, PAGE_SIZE, &va));
	map.vaddr = va_to_u64(va);
	ASSERT_EQ(0, enter_container(bare));
	ASSERT_EQ(0, open_device(bare));
	EXPECT_EQ(-ENOTTY, container_ioctl(bare, VFIO_IOMMU_GET_INFO,
					   va_to_u64(&info)));
	EXPECT_EQ(-ENOTTY, container_ioctl(bare, VFIO_IOMMU_MAP_DMA,
					   va_to_u64(&map)));
	EXPECT_EQ(-ENOTTY, container_ioctl(bare, VFIO_IOMMU_UNMAP_DMA,
					   va_to_u64(&unmap)));
	memory_free_all();
}

TEST_F(noiommu, not_without_privilege)
{
	struct bare *bare = &self->bare;
	int group;

	ASSERT_EQ(0, vfio_group_set_container(bare->group, bare->container));
	ASSERT_EQ(0, capability_drop(CAP_SYS_RAWIO));
	EXPECT_EQ(-EPERM, container_ioctl(bare, VFIO_SET_IOMMU,
					  VFIO_NOIOMMU_IOMMU));
	group = vfio_open_group(bare->path, "noiommu-");
	EXPECT_LT(group, 0);
	ASSERT_EQ(0, capability_raise(CAP_SYS_RAWIO));
	ASSERT_EQ(0, container_ioctl(bare, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU));
	ASSERT_EQ(0, capability_drop(CAP_SYS_RAWIO));
	EXPECT_EQ(-EPERM, open_device(bare));
	ASSERT_EQ(0, capability_raise(CAP_SYS_RAWIO));
	EXPECT_EQ(0, open_device(bare));
}

TEST_F(noiommu, again_in_another_container)
{
	struct bare *bare = &self->bare;

	ASSERT_EQ(0, enter_container(bare));
	ASSERT_EQ(0, open_device(bare));
	edu_close(&bare->edu);
	EXPECT_EQ(0, ioctl(bare->group, VFIO_GROUP_UNSET_CONTAINER));
	close(bare->container);
	bare->container = open(variant->container, O_RDWR | O_CLOEXEC);
	ASSERT_GE(bare->container, 0);
	ASSERT_EQ(0, enter_container(bare));
	EXPECT_EQ(0, open_device(bare));
}

/* With the last group goes what the container was for. */
TEST_F(noiommu, h72_container_starts_from_new)
{
	struct bare *bare = &self->bare;

	ASSERT_EQ(0, enter_container(bare));
	ASSERT_EQ(0, open_device(bare));
	edu_close(&bare->edu);
	ASSERT_EQ(0, ioctl(bare->group, VFIO_GROUP_UNSET_CONTAINER));
	EXPECT_EQ(1, container_ioctl(bare, VFIO_CHECK_EXTENSION,
				     VFIO_TYPE1_IOMMU));
	ASSERT_EQ(0, enter_container(bare));
	EXPECT_EQ(0, container_ioctl(bare, VFIO_CHECK_EXTENSION,
				     VFIO_TYPE1_IOMMU));
	EXPECT_EQ(0, open_device(bare));
}

TEST_F(noiommu, h07_container_closed_before_the_device)
{
	struct bare *bare = &self->bare;

	ASSERT_EQ(0, enter_container(bare));
	ASSERT_EQ(0, open_device(bare));
	close(bare->container);
	bare->container = -1;
	close(bare->group);
	bare->group = -1;
	ASSERT_EQ(0, edu_start(&bare->edu));
	EXPECT_EQ(0, edu_probe(&bare->edu));
	edu_close(&bare->edu);
}

/* An iommufd has IOASes, which do not go together with such a group */

FIXTURE(noiommu_ioas)
{
	struct bare bare;
};

FIXTURE_SETUP(noiommu_ioas)
{
	int ret = bare_create(&self->bare, "/dev/iommu");

	if (ret == -ENODEV)
		SKIP(return, "no device without an IOMMU");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(noiommu_ioas)
{
	EXPECT_STREQ("", bare_destroy(&self->bare));
}

static int vfio_ioas(const struct bare *bare, __u16 op, __u32 ioas_id)
{
	struct iommu_vfio_ioas command = {
		.size = sizeof(command),
		.op = op,
		.ioas_id = ioas_id,
	};

	return iommufd_ioctl(bare->container, IOMMU_VFIO_IOAS, &command);
}

TEST_F(noiommu_ioas, group_first)
{
	struct bare *bare = &self->bare;
	__u32 ioas_id;

	ASSERT_EQ(0, enter_container(bare));
	EXPECT_EQ(-ENODEV, vfio_ioas(bare, IOMMU_VFIO_IOAS_GET, 0));
	ASSERT_EQ(0, ioas_alloc(bare->container, &ioas_id));
	EXPECT_EQ(-EINVAL, vfio_ioas(bare, IOMMU_VFIO_IOAS_SET, ioas_id));
	EXPECT_EQ(0, open_device(bare));
}

/* Whether VFIO would take such a group is for VFIO to know. */
TEST_F(noiommu_ioas, not_before_the_group)
{
	EXPECT_EQ(0, container_ioctl(&self->bare, VFIO_CHECK_EXTENSION,
				     VFIO_NOIOMMU_IOMMU));
}

TEST_F(noiommu_ioas, ioas_first)
{
	struct bare *bare = &self->bare;
	__u32 ioas_id;

	ASSERT_EQ(0, ioas_alloc(bare->container, &ioas_id));
	ASSERT_EQ(0, vfio_ioas(bare, IOMMU_VFIO_IOAS_SET, ioas_id));
	EXPECT_EQ(-EINVAL,
		  vfio_group_set_container(bare->group, bare->container));
	ASSERT_EQ(0, vfio_ioas(bare, IOMMU_VFIO_IOAS_CLEAR, 0));
	EXPECT_EQ(0, enter_container(bare));
}

/* What has no IOMMU has no character device either. */
TEST_F(noiommu_ioas, only_by_group)
{
	EXPECT_LT(vfio_open_cdev(self->bare.path), 0);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A container whose memory in-kernel users have, on the mock IOMMU: what they
 * touch is dirty, next to what devices can reach; and memory has no new address
 * while they are there. container_test compares the rest with VFIO's type1.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/process.h"
#include "lib/trap.h"

#define PINS	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES

/* By then a call that does not wait has returned, ms. */
#define WAIT_MS	200

/* What is mapped, at its IOVA */
#define PAGES	16
#define ALL	((1ULL << PAGES) - 1)

FIXTURE(dirty)
{
	struct mock_rig rig;
	struct container c;
	int access;
};

FIXTURE_SETUP(dirty)
{
	int ret = mock_rig_create(&self->rig, 0);

	self->access = -1;
	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	self->c = (struct container){ .fd = self->rig.fd };
	ASSERT_EQ(0, vfio_ioas_set(self->rig.fd, self->rig.ioas_id));
	ASSERT_EQ(0, container_ioctl(&self->c, VFIO_SET_IOMMU,
				     VFIO_TYPE1v2_IOMMU));
	self->access = access_create(self->rig.fd, self->rig.ioas_id, PINS);
	ASSERT_GE(self->access, 0);
	ASSERT_EQ(0, container_map(&self->c, self->rig.buffer,
				   mock_rig_iova(0), PAGES * PAGE_SIZE));
}

FIXTURE_TEARDOWN(dirty)
{
	if (self->access >= 0)
		close(self->access);
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

static int track(const struct container *c, __u32 flags)
{
	struct vfio_iommu_type1_dirty_bitmap request = {
		.argsz = sizeof(request),
		.flags = flags,
	};

	return container_ioctl(c, VFIO_IOMMU_DIRTY_PAGES,
			       (unsigned long)&request);
}

static int start(const struct container *c)
{
	return track(c, VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
}

static int stop(const struct container *c)
{
	return track(c, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP);
}

static int read_into(const struct container *c, void *bitmap)
{
	struct {
		__u32 argsz;
		__u32 flags;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} request = {
		.argsz = sizeof(request),
		.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.get.iova = mock_rig_iova(0),
		.get.size = PAGES * PAGE_SIZE,
		.get.bitmap.pgsize = PAGE_SIZE,
		.get.bitmap.size = sizeof(__u64),
		.get.bitmap.data = bitmap,
	};

	return container_ioctl(c, VFIO_IOMMU_DIRTY_PAGES,
			       (unsigned long)&request);
}

/* What is dirty; a value that no bitmap has after an error. */
static __u64 dirty(const struct container *c)
{
	__u64 bitmap = 0;

	return read_into(c, &bitmap) ? ~0ULL : bitmap;
}

static int unmap_into(const struct container *c, void *bitmap)
{
	struct {
		__u32 argsz;
		__u32 flags;
		__u64 iova;
		__u64 size;
		struct vfio_bitmap bitmap;
	} request = {
		.argsz = sizeof(request),
		.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.iova = mock_rig_iova(0),
		.size = PAGES * PAGE_SIZE,
		.bitmap.pgsize = PAGE_SIZE,
		.bitmap.size = sizeof(__u64),
		.bitmap.data = bitmap,
	};

	return container_ioctl(c, VFIO_IOMMU_UNMAP_DMA,
			       (unsigned long)&request);
}

static int pin(struct mock_rig *rig, int access, __u64 page, __u64 count,
	       __u32 *id)
{
	return access_pin(rig->fd, access, mock_rig_iova(page),
			  count * PAGE_SIZE, NULL, 0, id);
}

/* Copy the first bytes of a page, in a direction. */
static int copy(struct mock_rig *rig, int access, __u64 page, __u32 flags)
{
	char bytes[8] = {};

	return access_rw(rig->fd, access, mock_rig_iova(page), sizeof(bytes),
			 bytes, flags);
}

TEST_F(dirty, what_is_written_is_dirty_once)
{
	ASSERT_EQ(0, start(&self->c));
	EXPECT_EQ(0, dirty(&self->c));
	ASSERT_EQ(0, copy(&self->rig, self->access, 3, MOCK_ACCESS_RW_WRITE));
	ASSERT_EQ(0, copy(&self->rig, self->access, 5,
			  MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH));
	ASSERT_EQ(0, copy(&self->rig, self->access, 7, 0));
	EXPECT_EQ(1U << 3 | 1U << 5, dirty(&self->c));
	EXPECT_EQ(0, dirty(&self->c));
	ASSERT_EQ(0, stop(&self->c));
	ASSERT_EQ(0, copy(&self->rig, self->access, 3, MOCK_ACCESS_RW_WRITE));
	ASSERT_EQ(0, start(&self->c));
	EXPECT_EQ(0, dirty(&self->c));
}

TEST_F(dirty, what_is_pinned_stays_dirty)
{
	__u32 early, late;

	ASSERT_EQ(0, pin(&self->rig, self->access, 0, 2, &early));
	ASSERT_EQ(0, start(&self->c));
	ASSERT_EQ(0, pin(&self->rig, self->access, 4, 2, &late));
	EXPECT_EQ(0x33, dirty(&self->c));
	EXPECT_EQ(0x33, dirty(&self->c));
	ASSERT_EQ(0, access_unpin(self->rig.fd, self->access, early));
	/* It may have been written since it was read last. */
	EXPECT_EQ(0x33, dirty(&self->c));
	EXPECT_EQ(0x30, dirty(&self->c));
	ASSERT_EQ(0, access_unpin(self->rig.fd, self->access, late));
	EXPECT_EQ(0x30, dirty(&self->c));
	EXPECT_EQ(0, dirty(&self->c));
}

TEST_F(dirty, h44_nothing_is_lost_without_a_bitmap)
{
	__u32 id;

	ASSERT_EQ(0, start(&self->c));
	ASSERT_EQ(0, pin(&self->rig, self->access, 8, 1, &id));
	ASSERT_EQ(0, copy(&self->rig, self->access, 1, MOCK_ACCESS_RW_WRITE));
	EXPECT_EQ(-EFAULT, read_into(&self->c, NULL));
	EXPECT_EQ(1U << 1 | 1U << 8, dirty(&self->c));
	ASSERT_EQ(0, access_unpin(self->rig.fd, self->access, id));
	EXPECT_EQ(-EFAULT, read_into(&self->c, NULL));
	EXPECT_EQ(1U << 8, dirty(&self->c));
	EXPECT_EQ(0, dirty(&self->c));
}

TEST_F(dirty, what_devices_reach_is_dirty)
{
	struct mock_device device;

	ASSERT_EQ(0, start(&self->c));
	EXPECT_EQ(0, dirty(&self->c));
	ASSERT_EQ(0, mock_plug(self->rig.fd, self->rig.ioas_id, &device));
	EXPECT_EQ(ALL, dirty(&self->c));
	EXPECT_EQ(ALL, dirty(&self->c));
	ASSERT_EQ(0, iommufd_destroy(self->rig.fd, device.id));
	/* It could write until it was gone. */
	EXPECT_EQ(-EFAULT, read_into(&self->c, NULL));
	EXPECT_EQ(ALL, dirty(&self->c));
	EXPECT_EQ(0, dirty(&self->c));
	/* Gone before anybody asked, and mapped after that. */
	ASSERT_EQ(0, mock_plug(self->rig.fd, self->rig.ioas_id, &device));
	ASSERT_EQ(0, iommufd_destroy(self->rig.fd, device.id));
	ASSERT_EQ(0, container_unmap_all(&self->c, NULL));
	ASSERT_EQ(0, container_map(&self->c, self->rig.buffer,
				   mock_rig_iova(0), PAGES * PAGE_SIZE));
	EXPECT_EQ(0, dirty(&self->c));
	/* Before the start. */
	ASSERT_EQ(0, stop(&self->c));
	ASSERT_EQ(0, mock_plug(self->rig.fd, self->rig.ioas_id, &device));
	ASSERT_EQ(0, iommufd_destroy(self->rig.fd, device.id));
	ASSERT_EQ(0, start(&self->c));
	EXPECT_EQ(0, dirty(&self->c));
}

TEST_F(dirty, unmapping_tells_what_was_touched)
{
	__u64 bitmap = 0;
	__u32 id;

	ASSERT_EQ(0, pin(&self->rig, self->access, 2, 1, &id));
	ASSERT_EQ(0, start(&self->c));
	ASSERT_EQ(0, copy(&self->rig, self->access, 4, MOCK_ACCESS_RW_WRITE));
	EXPECT_EQ(-EFAULT, unmap_into(&self->c, NULL));
	/* Its driver had to let go of it, and the rest is as it was. */
	ASSERT_EQ(0, copy(&self->rig, self->access, 6, MOCK_ACCESS_RW_WRITE));
	ASSERT_EQ(0, unmap_into(&self->c, &bitmap));
	EXPECT_EQ(1U << 2 | 1U << 4 | 1U << 6, bitmap);
	EXPECT_EQ(-ENOENT, copy(&self->rig, self->access, 4, 0));
	/* What comes there later is clean. */
	ASSERT_EQ(0, container_map(&self->c, self->rig.buffer,
				   mock_rig_iova(0), PAGES * PAGE_SIZE));
	EXPECT_EQ(0, dirty(&self->c));
}

/* New addresses */

TEST_F(dirty, users_in_the_kernel_keep_addresses)
{
	struct mock_device device;
	int other;

	EXPECT_EQ(0, container_ioctl(&self->c, VFIO_CHECK_EXTENSION,
				     VFIO_UPDATE_VADDR));
	EXPECT_EQ(-EBUSY, container_invalidate_all(&self->c));
	close(self->access);
	self->access = -1;
	EXPECT_EQ(1, container_ioctl(&self->c, VFIO_CHECK_EXTENSION,
				     VFIO_UPDATE_VADDR));
	ASSERT_EQ(0, container_invalidate_all(&self->c));
	EXPECT_EQ(-EBUSY, access_create(self->rig.fd, self->rig.ioas_id, PINS));
	EXPECT_EQ(-EBUSY, mock_plug(self->rig.fd, self->rig.ioas_id, &device));
	ASSERT_EQ(0, container_give(&self->c, self->rig.buffer,
				    mock_rig_iova(0), PAGES * PAGE_SIZE));
	other = access_create(self->rig.fd, self->rig.ioas_id, PINS);
	ASSERT_GE(other, 0);
	close(other);
	ASSERT_EQ(0, mock_plug(self->rig.fd, self->rig.ioas_id, &device));
	ASSERT_EQ(0, iommufd_destroy(self->rig.fd, device.id));
}

/**
 * struct beside - a call in a thread
 * @rig: what it acts on
 * @c: the same
 * @device: attached by it
 * @va: new address of memory
 * @thread: makes the call
 * @done: set when it has returned
 * @ret: what it returned
 */
struct beside {
	struct mock_rig *rig;
	struct container *c;
	struct mock_device device;
	void *va;
	pthread_t thread;
	bool done;
	int ret;
};

static void *plug_beside(void *arg)
{
	struct beside *beside = arg;

	beside->ret = mock_plug(beside->rig->fd, beside->rig->ioas_id,
				&beside->device);
	return NULL;
}

static void *invalidate_beside(void *arg)
{
	struct beside *beside = arg;

	beside->ret = container_invalidate_all(beside->c);
	__atomic_store_n(&beside->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int invalidate_in_child(void *arg)
{
	return container_invalidate_all(arg) ? 1 : 0;
}

/* A device that is being attached needs all addresses until it has them all. */
TEST_F(dirty, addresses_stay_until_a_device_is_attached)
{
	struct beside invalidate = { .c = &self->c };
	struct beside plug = { .rig = &self->rig };
	__u64 iova = mock_rig_iova(2 * PAGES);
	struct trap trap;
	pid_t child;
	int ret;

	ret = trap_open(&trap, PAGE_SIZE);
	if (ret == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, ret);
	close(self->access);
	self->access = -1;
	ASSERT_EQ(0, container_map(&self->c, trap.va, iova, PAGE_SIZE));
	ASSERT_EQ(0, pthread_create(&plug.thread, NULL, plug_beside, &plug));
	ASSERT_EQ(1, trap_wait(&trap, TIMEOUT_MS));

	/* Whoever waits for it may be killed. */
	child = child_start(invalidate_in_child, &self->c);
	ASSERT_GT(child, 0);
	sleep_ms(WAIT_MS);
	EXPECT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(-EINTR, child_wait(child, TIMEOUT_MS));

	ASSERT_EQ(0, pthread_create(&invalidate.thread, NULL, invalidate_beside,
				    &invalidate));
	sleep_ms(WAIT_MS);
	EXPECT_FALSE(__atomic_load_n(&invalidate.done, __ATOMIC_ACQUIRE));
	EXPECT_EQ(0, trap_release(&trap));
	pthread_join(plug.thread, NULL);
	EXPECT_EQ(0, plug.ret);
	pthread_join(invalidate.thread, NULL);
	EXPECT_EQ(0, invalidate.ret);
	EXPECT_EQ(-EINVAL, container_invalidate_all(&self->c));
	EXPECT_EQ(0, container_give(&self->c, trap.va, iova, PAGE_SIZE));
	EXPECT_EQ(0, iommufd_destroy(self->rig.fd, plug.device.id));
	EXPECT_EQ(0, container_unmap(&self->c, iova, PAGE_SIZE, NULL));
	trap_close(&trap);
}

static void *copy_beside(void *arg)
{
	struct beside *beside = arg;

	beside->ret = mock_rig_copy(beside->rig, 2 * PAGES, 1);
	return NULL;
}

static void *give_beside(void *arg)
{
	struct beside *beside = arg;

	beside->ret = container_give(beside->c, beside->va,
				     mock_rig_iova(2 * PAGES), PAGE_SIZE);
	__atomic_store_n(&beside->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int plug_in_child(void *arg)
{
	struct mock_rig *rig = arg;
	struct mock_device device;

	return -mock_plug(rig->fd, rig->ioas_id, &device);
}

/*
 * A copy is stuck in the memory, whoever gives it a new address waits for that,
 * and whoever invalidates, for both. An attach has nothing to wait for.
 */
TEST_F(dirty, h60_attach_waits_for_no_new_address)
{
	struct beside invalidate = { .c = &self->c };
	struct beside give = { .c = &self->c };
	struct beside copy = { .rig = &self->rig };
	struct mock_device device;
	struct trap trap;
	int ret;

	ret = trap_open(&trap, PAGE_SIZE);
	if (ret == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, ret);
	close(self->access);
	self->access = -1;
	give.va = trap.va;
	ASSERT_EQ(0, container_map(&self->c, trap.va, mock_rig_iova(2 * PAGES),
				   PAGE_SIZE));
	ASSERT_EQ(0, mock_plug(self->rig.fd, self->rig.other_id, &device));
	ASSERT_EQ(0, pthread_create(&copy.thread, NULL, copy_beside, &copy));
	ASSERT_EQ(1, trap_wait(&trap, TIMEOUT_MS));
	ASSERT_EQ(0, container_invalidate_all(&self->c));
	ASSERT_EQ(0, pthread_create(&give.thread, NULL, give_beside, &give));
	sleep_ms(WAIT_MS);
	EXPECT_FALSE(__atomic_load_n(&give.done, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, pthread_create(&invalidate.thread, NULL, invalidate_beside,
				    &invalidate));
	sleep_ms(WAIT_MS);
	EXPECT_FALSE(__atomic_load_n(&invalidate.done, __ATOMIC_ACQUIRE));
	EXPECT_EQ(EBUSY, child_run(plug_in_child, &self->rig, 20 * WAIT_MS));
	EXPECT_EQ(0, trap_release(&trap));
	pthread_join(copy.thread, NULL);
	EXPECT_EQ(0, copy.ret);
	pthread_join(give.thread, NULL);
	EXPECT_EQ(0, give.ret);
	pthread_join(invalidate.thread, NULL);
	EXPECT_EQ(-EINVAL, invalidate.ret);
	EXPECT_EQ(0, iommufd_destroy(self->rig.fd, device.id));
	EXPECT_EQ(0, container_unmap_all(&self->c, NULL));
	trap_close(&trap);
}

/* All or nothing is invalidated, and the end has no address to come. */
static int invalidate_and_plug(const struct container *c, struct mock_rig *rig)
{
	struct mock_device device;
	int ret = container_invalidate_all(c);

	if (mock_plug(rig->fd, rig->ioas_id, &device))
		return -EBUSY;
	iommufd_destroy(rig->fd, device.id);
	return ret;
}

TEST_F(dirty, files_and_bars_get_no_addresses)
{
	const __u64 iova = mock_rig_iova(PAGES);
	struct mock_rig *rig = &self->rig;
	int file = memory_create_file(MEMORY_MEMFD, PAGE_SIZE);
	int bar = bar_create(rig->fd, PAGE_SIZE);
	__u64 unmapped;
	void *va;

	close(self->access);
	self->access = -1;
	ASSERT_GE(file, 0);
	ASSERT_GE(bar, 0);
	ASSERT_EQ(0, ioas_map_file_fixed(rig->fd, rig->ioas_id, file, 0,
					 PAGE_SIZE, iova));
	EXPECT_EQ(-EINVAL, invalidate_and_plug(&self->c, rig));
	ASSERT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, iova, PAGE_SIZE,
				&unmapped));
	va = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, bar, 0);
	ASSERT_NE(MAP_FAILED, va);
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, va, PAGE_SIZE,
				    iova));
	EXPECT_EQ(-EINVAL, invalidate_and_plug(&self->c, rig));
	ASSERT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, iova, PAGE_SIZE,
				&unmapped));
	munmap(va, PAGE_SIZE);
	close(bar);
	close(file);
	ASSERT_EQ(0, container_invalidate_all(&self->c));
	ASSERT_EQ(0, container_give(&self->c, rig->buffer, mock_rig_iova(0),
				    PAGES * PAGE_SIZE));
}

/* What is pinned stays; what is not comes from the new address, everywhere. */
TEST_F(dirty, new_addresses_go_for_all_copies)
{
	const __u64 size = PAGES * PAGE_SIZE;
	struct mock_device device;
	void *moved;

	close(self->access);
	self->access = -1;
	ASSERT_EQ(0, mock_rig_copy(&self->rig, 0, PAGES));
	moved = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, moved);
	ASSERT_EQ(0, container_invalidate_all(&self->c));
	ASSERT_EQ(0, container_give(&self->c, moved, mock_rig_iova(0), size));
	ASSERT_EQ(0, mock_plug(self->rig.fd, self->rig.other_id, &device));
	EXPECT_EQ(0, mock_check_map(self->rig.fd, device.hwpt_id,
				    mock_rig_iova(0), size, moved));
	EXPECT_EQ(0, mock_check_refs(self->rig.fd, moved, size, 1));
	EXPECT_EQ(0, mock_check_refs(self->rig.fd, self->rig.buffer, size, 0));
	/* Now that it is pinned, the address does not matter. */
	ASSERT_EQ(0, container_invalidate_all(&self->c));
	ASSERT_EQ(0, container_give(&self->c, self->rig.buffer,
				    mock_rig_iova(0), size));
	EXPECT_EQ(0, mock_check_map(self->rig.fd, device.hwpt_id,
				    mock_rig_iova(0), size, moved));
	ASSERT_EQ(0, iommufd_destroy(self->rig.fd, device.id));
	EXPECT_EQ(0, mock_check_refs(self->rig.fd, moved, size, 0));
	munmap(moved, size);
}

TEST_F(dirty, part_of_memory_does_not_move)
{
	close(self->access);
	self->access = -1;
	ASSERT_EQ(0, mock_rig_copy(&self->rig, 2, 4));
	ASSERT_EQ(0, vfio_ioas_set(self->rig.fd, self->rig.other_id));
	ASSERT_EQ(0, container_ioctl(&self->c, VFIO_SET_IOMMU,
				     VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, container_invalidate_all(&self->c));
	EXPECT_EQ(-EINVAL, container_give(&self->c, mock_rig_va(&self->rig, 2),
					  mock_rig_iova(2), 4 * PAGE_SIZE));
	EXPECT_EQ(-EINVAL, container_invalidate_all(&self->c));
	EXPECT_EQ(0, container_unmap_all(&self->c, NULL));
	EXPECT_EQ(0, container_invalidate_all(&self->c));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Tracepoints: what comes is said, what goes is said, and what is refused with
 * its reason. When all is gone the sums are zero.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/capability.h>

#include "lib/bar.h"
#include "lib/container.h"
#include "lib/fault_rig.h"
#include "lib/fdinfo.h"
#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/process.h"
#include "lib/tracefs.h"

FIXTURE(trace)
{
	struct mock_rig rig;
	struct tracing tracing;
	struct fdinfo info;
	char context[32]; /* words that only lines of this iommufd have */
	char payer[32]; /* the same of this process */
	bool started;
};

FIXTURE_SETUP(trace)
{
	int ret = mock_rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	ret = tracing_start(&self->tracing);
	if (ret == -ENOTSUP) {
		mock_rig_destroy(&self->rig);
		SKIP(return, "no tracefs");
	}
	ASSERT_EQ(0, ret);
	self->started = true;
	ASSERT_EQ(0, fdinfo_read(&self->info, getpid(), self->rig.fd));
	snprintf(self->context, sizeof(self->context), "context=%u ",
		 fdinfo_context(&self->info));
	snprintf(self->payer, sizeof(self->payer), "payer=%d ", getpid());
}

FIXTURE_TEARDOWN(trace)
{
	if (self->started)
		tracing_stop(&self->tracing);
	tracing_free(&self->tracing);
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

static int finish(struct tracing *tracing, bool *started)
{
	*started = false;
	return tracing_stop(tracing);
}

/* For tests: from here on what was traced can be looked at. */
#define FINISH(self) ASSERT_EQ(0, finish(&(self)->tracing, &(self)->started))

#define COUNT(self, event) \
	tracing_count(&(self)->tracing, (event), (self)->context)
#define BYTES(self, event) \
	tracing_sum(&(self)->tracing, (event), (self)->context, "length=")
#define PAGES(self, event) \
	tracing_sum(&(self)->tracing, (event), (self)->payer, "pages=")

/* Close the iommufd now, not with the rig. */
static void close_now(struct mock_rig *rig)
{
	close(rig->fd);
	rig->fd = -1;
}

TEST_F(trace, maps_and_pins_sum_to_zero)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	__u64 iova;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, mock_rig_map(rig, 4, 2));
	ASSERT_EQ(0, ioas_map_auto(rig->fd, rig->ioas_id, rig->buffer,
				   PAGE_SIZE, &iova));
	/* From two areas; nothing is pinned for it. */
	ASSERT_EQ(0, mock_rig_copy(rig, 2, 4));
	ASSERT_EQ(0, mock_rig_unmap(rig, 0, 4));
	EXPECT_EQ(-EEXIST, mock_rig_map(rig, 4, 1));
	/* The rest goes with the file. */
	close_now(rig);
	FINISH(self);
	EXPECT_EQ(3, COUNT(self, "iommufd_map"));
	EXPECT_EQ(7 * PAGE_SIZE, BYTES(self, "iommufd_map"));
	EXPECT_EQ(1, COUNT(self, "iommufd_copy"));
	EXPECT_EQ(4 * PAGE_SIZE, BYTES(self, "iommufd_copy"));
	/* One for each area. */
	EXPECT_EQ(5, COUNT(self, "iommufd_unmap"));
	EXPECT_EQ(11 * PAGE_SIZE, BYTES(self, "iommufd_unmap"));
	EXPECT_EQ(7, PAGES(self, "iommufd_pin"));
	EXPECT_EQ(7, PAGES(self, "iommufd_unpin"));
}

TEST_F(trace, pins_of_accesses_sum_to_zero)
{
	struct mock_rig *rig = &self->rig;
	__u32 pages_id, again_id;
	int access_fd;

	access_fd = access_create(rig->fd, rig->ioas_id,
				  MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES);
	ASSERT_GE(access_fd, 0);
	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, access_pin(rig->fd, access_fd, mock_rig_iova(0),
				3 * PAGE_SIZE, NULL, 0, &pages_id));
	/* Pinned already: that is nothing new. */
	ASSERT_EQ(0, access_pin(rig->fd, access_fd, mock_rig_iova(1), PAGE_SIZE,
				NULL, 0, &again_id));
	ASSERT_EQ(0, access_unpin(rig->fd, access_fd, pages_id));
	ASSERT_EQ(0, access_unpin(rig->fd, access_fd, again_id));
	close(access_fd);
	FINISH(self);
	EXPECT_EQ(3, PAGES(self, "iommufd_pin"));
	EXPECT_EQ(3, PAGES(self, "iommufd_unpin"));
}

TEST_F(trace, devices_come_and_go)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device first, second;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &first));
	ASSERT_EQ(0, mock_plug(rig->fd, rig->other_id, &second));
	ASSERT_EQ(0, mock_replace(rig->fd, first.id, rig->other_id));
	ASSERT_EQ(0, iommufd_destroy(rig->fd, first.id));
	close_now(rig);
	FINISH(self);
	EXPECT_EQ(2, COUNT(self, "iommufd_bind"));
	EXPECT_EQ(2, COUNT(self, "iommufd_unbind"));
	EXPECT_EQ(2, COUNT(self, "iommufd_attach"));
	EXPECT_EQ(1, COUNT(self, "iommufd_replace"));
	EXPECT_EQ(2, COUNT(self, "iommufd_detach"));
}

/* What is refused */

/* For tests: a call fails, and this is what is said about it. */
#define EXPECT_REFUSED(self, error_, reason_, first_, second_)                 \
	do {                                                                   \
		char words_[160];                                              \
		snprintf(words_, sizeof(words_),                               \
			 "error=%d reason=%s first=0x%llx second=0x%llx ",     \
			 -(error_), (reason_), (unsigned long long)(first_),   \
			 (unsigned long long)(second_));                       \
		EXPECT_EQ(1, tracing_count(&(self)->tracing, "iommufd_refuse", \
					   words_))                            \
		TH_LOG("%s", words_);                                          \
	} while (0)

TEST_F(trace, refusals_of_maps)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	__u64 unmapped;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	ASSERT_EQ(0, mock_rig_map(rig, 2, 4));
	ASSERT_EQ(0, mock_reserve(rig->fd, rig->ioas_id, mock_rig_iova(20),
				  2 * PAGE_SIZE));
	EXPECT_EQ(-EEXIST, mock_rig_map(rig, 4, 8));
	EXPECT_EQ(-EINVAL, mock_rig_map(rig, 21, 2));
	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  PAGE_SIZE, mock_rig_iova(30) + 1));
	EXPECT_EQ(-ENOENT, ioas_unmap(rig->fd, rig->ioas_id, mock_rig_iova(10),
				      PAGE_SIZE, &unmapped));
	EXPECT_EQ(-ENOENT, ioas_unmap(rig->fd, rig->ioas_id, mock_rig_iova(3),
				      PAGE_SIZE, &unmapped));
	FINISH(self);
	EXPECT_REFUSED(self, EEXIST, "taken", mock_rig_iova(2),
		       mock_rig_iova(6) - 1);
	EXPECT_REFUSED(self, EINVAL, "reserved", mock_rig_iova(20),
		       mock_rig_iova(22) - 1);
	EXPECT_REFUSED(self, EINVAL, "alignment", mock_rig_iova(30) + 1,
		       MOCK_IOPTE_SIZE);
	EXPECT_REFUSED(self, ENOENT, "not-mapped", mock_rig_iova(10),
		       mock_rig_iova(11) - 1);
	EXPECT_REFUSED(self, ENOENT, "cuts-area", mock_rig_iova(2),
		       mock_rig_iova(6) - 1);
	/* Each of the five ioctls has failed. */
	EXPECT_EQ(5, COUNT(self, "iommufd_ioctl_error"));
}

TEST_F(trace, refusals_of_memory)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	char *nothing;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	nothing = memory_anonymous(PAGE_SIZE, PROT_NONE);
	ASSERT_NE(NULL, nothing);
	EXPECT_EQ(-EFAULT, ioas_map_fixed(rig->fd, rig->ioas_id, nothing,
					  PAGE_SIZE, mock_rig_iova(0)));
	munmap(nothing, PAGE_SIZE);
	/* Others of this user may have pages charged, so nothing is allowed. */
	ASSERT_EQ(0, memlock_limit(0));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	EXPECT_EQ(-ENOMEM, mock_rig_map(rig, 0, 3));
	FINISH(self);
	EXPECT_REFUSED(self, EFAULT, "memory", (uintptr_t)nothing, 1);
	EXPECT_REFUSED(self, ENOMEM, "memlock-limit", 3, 0);
}

TEST_F(trace, refusals_of_copies)
{
	struct mock_rig *rig = &self->rig;
	struct iommu_ioas_map map = {
		.flags = MAP_READ | IOMMU_IOAS_MAP_FIXED_IOVA,
		.ioas_id = rig->ioas_id,
		.user_va = va_to_u64(rig->buffer),
		.length = PAGE_SIZE,
		.iova = mock_rig_iova(0),
	};
	/* Memory that this process itself may not write. */
	char *constant = memory_anonymous(PAGE_SIZE, PROT_READ);

	ASSERT_NE(NULL, constant);
	map.user_va = va_to_u64(constant);
	ASSERT_EQ(0, ioas_map(rig->fd, &map));
	EXPECT_EQ(-EPERM, mock_rig_copy(rig, 0, 1));
	munmap(constant, PAGE_SIZE);
	FINISH(self);
	EXPECT_REFUSED(self, EPERM, "rights", mock_rig_iova(0),
		       mock_rig_iova(1) - 1);
}

TEST_F(trace, refusals_of_attaches)
{
	struct mock_rig *rig = &self->rig;
	__u64 beyond = MOCK_APERTURE_LAST + 1ULL;
	struct mock_device device, odd;
	__u32 hwpt_id;

	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, beyond));
	EXPECT_EQ(-EADDRINUSE, mock_plug(rig->fd, rig->ioas_id, &device));
	ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	ASSERT_EQ(0, ioas_allow_one(rig->fd, rig->ioas_id, beyond,
				    beyond + 2 * PAGE_SIZE - 1));
	EXPECT_EQ(-EADDRINUSE, mock_plug(rig->fd, rig->ioas_id, &device));
	ASSERT_EQ(0, ioas_allow_iovas(rig->fd, rig->ioas_id, NULL, 0));
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	ASSERT_EQ(0,
		  hwpt_alloc_flags(rig->fd, device.idev_id, rig->ioas_id,
				   IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &hwpt_id));
	EXPECT_EQ(-EINVAL, mock_plug_flags(rig->fd, hwpt_id,
					   MOCK_FLAGS_DEVICE_NO_DIRTY, &odd));
	FINISH(self);
	EXPECT_REFUSED(self, EADDRINUSE, "taken", beyond,
		       beyond + PAGE_SIZE - 1);
	EXPECT_REFUSED(self, EADDRINUSE, "allowed", beyond,
		       beyond + 2 * PAGE_SIZE - 1);
	EXPECT_REFUSED(self, EINVAL, "page-table-does-not-fit", 0, 0);
}

TEST_F(trace, refusals_without_space)
{
	struct mock_rig *rig = &self->rig;
	char words[80];
	__u64 iova;

	ASSERT_EQ(0, ioas_allow_one(rig->fd, rig->ioas_id, mock_rig_iova(0),
				    mock_rig_iova(1) - 1));
	EXPECT_EQ(-ENOSPC, ioas_map_auto(rig->fd, rig->ioas_id, rig->buffer,
					 2 * PAGE_SIZE, &iova));
	FINISH(self);
	/* Which alignment was tried last does not matter. */
	snprintf(words, sizeof(words), "error=%d reason=no-space first=0x%llx ",
		 -ENOSPC, 2 * PAGE_SIZE);
	EXPECT_EQ(1, tracing_count(&self->tracing, "iommufd_refuse", words));
}

TEST_F(trace, refusals_of_files)
{
	struct mock_rig *rig = &self->rig;
	__u64 iova = mock_rig_iova(0), size = 2 * PAGE_SIZE;
	int sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
	int zero = open("/dev/zero", O_RDWR);

	ASSERT_GE(sealed, 0);
	ASSERT_GE(zero, 0);
	ASSERT_EQ(0, ftruncate(sealed, size));
	ASSERT_EQ(0, fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EINVAL, ioas_map_file_fixed(rig->fd, rig->ioas_id, zero, 0,
					       size, iova));
	EXPECT_EQ(-EPERM, ioas_map_file_fixed(rig->fd, rig->ioas_id, sealed, 0,
					      size, iova));
	close(sealed);
	close(zero);
	FINISH(self);
	EXPECT_REFUSED(self, EINVAL, "file-kind", 0, 0);
	EXPECT_REFUSED(self, EPERM, "file-rights", 0, 0);
}

TEST_F(trace, refusals_of_pages_of_files)
{
	struct mock_rig *rig = &self->rig;
	__u64 iova = mock_rig_iova(0), size = 2 * PAGE_SIZE;
	int file = memfd_create("short", 0);
	struct mock_device device;

	ASSERT_GE(file, 0);
	ASSERT_EQ(0, ftruncate(file, size));
	EXPECT_EQ(-EINVAL, ioas_map_file_fixed(rig->fd, rig->ioas_id, file,
					       PAGE_SIZE, size, iova));
	/* Nothing is pinned until there is a device. */
	ASSERT_EQ(0, ioas_map_file_fixed(rig->fd, rig->ioas_id, file, PAGE_SIZE,
					 PAGE_SIZE, iova));
	ASSERT_EQ(0, ftruncate(file, 0));
	EXPECT_EQ(-EFAULT, mock_plug(rig->fd, rig->ioas_id, &device));
	ASSERT_EQ(0, mock_rig_map(rig, 4, 1));
	EXPECT_EQ(-EINVAL, ioas_change_process(rig->fd));
	close(file);
	FINISH(self);
	EXPECT_REFUSED(self, EINVAL, "file-size", PAGE_SIZE + size, size);
	EXPECT_REFUSED(self, EFAULT, "memory", PAGE_SIZE, 1);
	EXPECT_REFUSED(self, EINVAL, "no-file", mock_rig_iova(4),
		       mock_rig_iova(5) - 1);
}

TEST_F(trace, refusals_of_addresses)
{
	struct mock_rig *rig = &self->rig;
	struct container c = { .fd = rig->fd };
	__u64 iova = mock_rig_iova(0);
	int access, file;

	file = memfd_create("file", 0);
	ASSERT_GE(file, 0);
	ASSERT_EQ(0, ftruncate(file, PAGE_SIZE));
	ASSERT_EQ(0, vfio_ioas_set(rig->fd, rig->ioas_id));
	ASSERT_EQ(0, container_ioctl(&c, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	access = access_create(rig->fd, rig->ioas_id,
			       MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES);
	ASSERT_GE(access, 0);
	EXPECT_EQ(-EBUSY, container_invalidate_all(&c));
	close(access);
	ASSERT_EQ(0, mock_rig_map(rig, 0, 2));
	EXPECT_EQ(-EINVAL,
		  container_give(&c, rig->buffer, iova, 2 * PAGE_SIZE));
	ASSERT_EQ(0, container_invalidate_all(&c));
	EXPECT_EQ(-EBUSY, access_create(rig->fd, rig->ioas_id, 0));
	EXPECT_EQ(-EINVAL, container_invalidate_all(&c));
	ASSERT_EQ(0, container_give(&c, rig->buffer, iova, 2 * PAGE_SIZE));
	ASSERT_EQ(0, ioas_map_file_fixed(rig->fd, rig->ioas_id, file, 0,
					 PAGE_SIZE, mock_rig_iova(4)));
	EXPECT_EQ(-EINVAL, container_invalidate_all(&c));
	close(file);
	FINISH(self);
	EXPECT_REFUSED(self, EBUSY, "used-by-driver", 0, 0);
	EXPECT_REFUSED(self, EINVAL, "vaddr-valid", iova, mock_rig_iova(2) - 1);
	EXPECT_REFUSED(self, EBUSY, "vaddr-invalid", 0, 1);
	EXPECT_REFUSED(self, EINVAL, "vaddr-invalid", iova,
		       mock_rig_iova(2) - 1);
	EXPECT_REFUSED(self, EINVAL, "vaddr-fixed", mock_rig_iova(4),
		       mock_rig_iova(5) - 1);
}

/* Page faults */

TEST_F(trace, faults_are_answered)
{
	struct fault_rig faults;
	char queue[40];
	__u32 cookie;
	int ret;

	ret = fault_rig_create(&faults);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, fault_ask(&faults, 1));
	ASSERT_EQ(0, fault_ask_for(&faults, 2, 3));
	cookie = fault_read_cookie(&faults.queue);
	ASSERT_NE(0, cookie);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&faults.queue, cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	snprintf(queue, sizeof(queue), "queue=%u ", faults.queue.id);
	/* The other group is given up. */
	EXPECT_STREQ("", fault_rig_destroy(&faults));
	FINISH(self);
	EXPECT_EQ(2, tracing_count(&self->tracing, "iommufd_fault", queue));
	EXPECT_EQ(4, tracing_sum(&self->tracing, "iommufd_fault", queue,
				 "faults="));
	EXPECT_EQ(2,
		  tracing_count(&self->tracing, "iommufd_fault_answer", queue));
	EXPECT_EQ(4, tracing_sum(&self->tracing, "iommufd_fault_answer", queue,
				 "faults="));
}

/* BARs */

TEST_F(trace, bars_are_withdrawn_and_returned)
{
	struct bar_rig bar;
	char where[80];
	__u64 unmapped;
	int ret;

	ret = bar_rig_create(&bar, BAR_PAGES * PAGE_SIZE, 0);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, bar_rig_map(&bar));
	ASSERT_EQ(0, bar_rig_off(&bar));
	EXPECT_EQ(-ENOENT, bar_rig_check(&bar));
	ASSERT_EQ(0, bar_rig_on(&bar));
	EXPECT_EQ(0, bar_rig_await(&bar, bar.device.hwpt_id, 0));
	snprintf(where, sizeof(where), "address=0x%llx ",
		 (unsigned long long)(uintptr_t)bar.va);
	/* What is mapped nowhere is not withdrawn when the process unmaps it. */
	ASSERT_EQ(0, ioas_unmap(bar.rig.fd, bar.rig.ioas_id, BAR_IOVA,
				bar.length, &unmapped));
	EXPECT_STREQ("", bar_rig_destroy(&bar));
	FINISH(self);
	EXPECT_EQ(1, tracing_count(&self->tracing, "iommufd_withdrawn", where));
	EXPECT_EQ(1, tracing_count(&self->tracing, "iommufd_returned", where));
	EXPECT_EQ(BAR_PAGES * PAGE_SIZE,
		  tracing_sum(&self->tracing, "iommufd_returned", where,
			      "length="));
	/* Nothing of it was pinned. */
	EXPECT_EQ(0, PAGES(self, "iommufd_pin"));
}

TEST_F(trace, refusals_of_bars)
{
	struct mock_rig *rig = &self->rig;
	char *private, *shared;
	__u64 iova = mock_rig_iova(0);
	__u32 pages_id;
	int bar, access;

	bar = bar_create(rig->fd, PAGE_SIZE);
	ASSERT_GE(bar, 0);
	private = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		       bar, 0);
	ASSERT_NE(MAP_FAILED, private);
	shared = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, bar,
		      0);
	ASSERT_NE(MAP_FAILED, shared);
	EXPECT_EQ(-EFAULT, ioas_map_fixed(rig->fd, rig->ioas_id, private,
					  PAGE_SIZE, iova));
	ASSERT_EQ(0, bar_set(rig->fd, bar, MOCK_BAR_OFF, 0));
	EXPECT_EQ(-EFAULT, ioas_map_fixed(rig->fd, rig->ioas_id, shared,
					  PAGE_SIZE, iova));
	ASSERT_EQ(0, bar_set(rig->fd, bar, MOCK_BAR_ON, 0));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, shared, PAGE_SIZE,
				    iova));
	access = access_create(rig->fd, rig->ioas_id,
			       MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES);
	ASSERT_GE(access, 0);
	EXPECT_EQ(-EINVAL, access_pin(rig->fd, access, iova, PAGE_SIZE, NULL, 0,
				      &pages_id));
	EXPECT_EQ(-EFAULT, access_rw(rig->fd, access, iova, 4, &pages_id, 0));
	close(access);
	FINISH(self);
	EXPECT_REFUSED(self, EFAULT, "bar-rights", (uintptr_t)private,
		       (uintptr_t)private + PAGE_SIZE);
	EXPECT_REFUSED(self, EFAULT, "bar-away", (uintptr_t)shared,
		       (uintptr_t)shared + PAGE_SIZE);
	EXPECT_REFUSED(self, EINVAL, "bar-for-driver", (uintptr_t)shared,
		       (uintptr_t)shared + PAGE_SIZE);
	EXPECT_REFUSED(self, EFAULT, "bar-for-driver", (uintptr_t)shared,
		       (uintptr_t)shared + 4);
	munmap(private, PAGE_SIZE);
	munmap(shared, PAGE_SIZE);
	close(bar);
}

TEST_HARNESS_MAIN

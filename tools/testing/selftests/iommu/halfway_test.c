// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Memory whose last page waits in a page fault, and what others do with the
 * part that is pinned, and visible to devices, already. None of them waits.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/process.h"
#include "lib/trap.h"

#define PAGES		64
#define LENGTH		(PAGES * PAGE_SIZE)
#define IOVA		mock_rig_iova(1000)
#define COPY_IOVA	mock_rig_iova(2000)

/* With buffers of so many bytes this much is sure to be stored by then. */
#define BUFFER_BYTES	64
#define STORED_PAGES	32
#define STORED		(STORED_PAGES * PAGE_SIZE)

/* Long enough for anybody who does not wait. */
#define SOON_MS		5000

/**
 * struct call - a call that gets stuck in a thread
 * @fn: makes it, returns 0 or a negative errno
 * @rig: for @fn
 * @memory: for @fn
 * @device: for @fn: a device that is plugged in, or that is to be moved
 * @access_fd: for @fn: an in-kernel user
 */
struct call {
	int (*fn)(struct call *call);
	struct mock_rig *rig;
	char *memory;
	struct mock_device device;
	int access_fd;
	pthread_t thread;
	int ret;
};

FIXTURE(halfway)
{
	struct mock_rig rig;
	struct call call;
	struct trap trap;
};

FIXTURE_SETUP(halfway)
{
	int ret = mock_rig_create(&self->rig, 0);
	void *memory;

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, LENGTH, &memory));
	ret = trap_open_at(&self->trap, memory + LENGTH - PAGE_SIZE, PAGE_SIZE);
	if (ret == -ENOTSUP) {
		mock_rig_destroy(&self->rig);
		SKIP(return, "no userfaultfd");
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, mock_memory_limit(self->rig.fd, BUFFER_BYTES));
	self->call.rig = &self->rig;
	self->call.memory = memory;
}

FIXTURE_TEARDOWN(halfway)
{
	mock_memory_limit(self->rig.fd, 0);
	trap_close(&self->trap);
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

static int map_memory(struct call *call)
{
	return ioas_map_fixed(call->rig->fd, call->rig->ioas_id, call->memory,
			      LENGTH, IOVA);
}

static int plug_device(struct call *call)
{
	return mock_plug(call->rig->fd, call->rig->ioas_id, &call->device);
}

static int pin_memory(struct call *call)
{
	__u32 id;

	return access_pin(call->rig->fd, call->access_fd, IOVA, LENGTH,
			  call->memory, 0, &id);
}

/* Of the memory, which is mapped, into the other IOAS. */
static int copy_memory(struct call *call)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = call->rig->ioas_id,
		.src_iova = IOVA,
		.dst_ioas_id = call->rig->other_id,
		.dst_iova = COPY_IOVA,
		.length = LENGTH,
	};

	return ioas_copy(call->rig->fd, &copy);
}

static void *call_thread(void *arg)
{
	struct call *call = arg;

	call->ret = call->fn(call);
	return NULL;
}

static int call_start(struct call *call, int (*fn)(struct call *call),
		      struct trap *trap)
{
	call->fn = fn;
	if (pthread_create(&call->thread, NULL, call_thread, call))
		return -EAGAIN;
	return trap_wait(trap, TIMEOUT_MS) ? 0 : -ENOMSG;
}

/* Let the page fault end; returns what the call returns. */
static int call_end(struct call *call, struct trap *trap)
{
	int ret = trap_release(trap);

	pthread_join(call->thread, NULL);
	return ret ? ret : call->ret;
}

/* Milliseconds that something takes which may not wait. */
#define EXPECT_SOON(expected, expression) do { \
	__u64 start = now_ms(); \
	EXPECT_EQ(expected, expression); \
	EXPECT_LT(now_ms() - start, SOON_MS); \
} while (0)

static int stored_refs(struct call *call, __u32 refs)
{
	return mock_check_refs(call->rig->fd, call->memory, STORED, refs);
}

static int all_refs(struct call *call, __u32 refs)
{
	return mock_check_refs(call->rig->fd, call->memory, LENGTH, refs);
}

static int check_map(struct call *call, __u32 hwpt_id, __u64 iova)
{
	return mock_check_map(call->rig->fd, hwpt_id, iova, LENGTH,
			      call->memory);
}

static int unmap_memory(struct call *call)
{
	return ioas_unmap(call->rig->fd, call->rig->ioas_id, IOVA, LENGTH,
			  NULL);
}

TEST_F(halfway, h14_only_domain_leaves_a_map)
{
	struct call *call = &self->call;
	struct mock_rig *rig = &self->rig;
	struct mock_device device;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	ASSERT_EQ(0, call_start(call, map_memory, &self->trap));
	EXPECT_EQ(0, stored_refs(call, 1));
	EXPECT_SOON(0, iommufd_destroy(rig->fd, device.id));
	EXPECT_EQ(0, stored_refs(call, 0));
	EXPECT_EQ(-ENOENT, iommufd_destroy(rig->fd, device.hwpt_id));
	EXPECT_EQ(0, call_end(call, &self->trap));
	EXPECT_EQ(0, all_refs(call, 0));
	EXPECT_PINNED(0);
	/* It is mapped, for whoever comes. */
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	EXPECT_EQ(0, check_map(call, device.hwpt_id, IOVA));
	EXPECT_EQ(0, all_refs(call, 1));
	EXPECT_PINNED(PAGES);
}

/* Two page tables; the one that PFNs are read back from goes, or the other. */
static void one_of_two_leaves(struct __test_metadata *const _metadata,
			      struct call *call, struct trap *trap,
			      unsigned int leaver)
{
	struct mock_rig *rig = call->rig;
	struct mock_device device;
	__u32 hwpt[2];

	ASSERT_EQ(0, mock_plug(rig->fd, rig->other_id, &device));
	ASSERT_EQ(0, hwpt_alloc(rig->fd, device.idev_id, rig->ioas_id,
				&hwpt[0]));
	ASSERT_EQ(0, hwpt_alloc(rig->fd, device.idev_id, rig->ioas_id,
				&hwpt[1]));
	ASSERT_EQ(0, call_start(call, map_memory, trap));
	EXPECT_EQ(0, stored_refs(call, 1));
	EXPECT_SOON(0, iommufd_destroy(rig->fd, hwpt[leaver]));
	EXPECT_EQ(0, stored_refs(call, 1));
	EXPECT_EQ(0, call_end(call, trap));
	EXPECT_EQ(0, check_map(call, hwpt[!leaver], IOVA));
	EXPECT_EQ(0, all_refs(call, 1));
	EXPECT_PINNED(PAGES);
	EXPECT_EQ(0, unmap_memory(call));
	EXPECT_EQ(0, all_refs(call, 0));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, hwpt[!leaver]));
}

TEST_F(halfway, h14_storage_leaves_a_map)
{
	one_of_two_leaves(_metadata, &self->call, &self->trap, 0);
}

TEST_F(halfway, h14_another_domain_leaves_a_map)
{
	one_of_two_leaves(_metadata, &self->call, &self->trap, 1);
}

/* Both leave, and then there is nobody to fill. */
TEST_F(halfway, h14_all_domains_leave_a_map)
{
	struct call *call = &self->call;
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	__u32 hwpt[2];

	ASSERT_EQ(0, mock_plug(rig->fd, rig->other_id, &device));
	ASSERT_EQ(0, hwpt_alloc(rig->fd, device.idev_id, rig->ioas_id,
				&hwpt[0]));
	ASSERT_EQ(0, hwpt_alloc(rig->fd, device.idev_id, rig->ioas_id,
				&hwpt[1]));
	ASSERT_EQ(0, call_start(call, map_memory, &self->trap));
	EXPECT_SOON(0, iommufd_destroy(rig->fd, hwpt[1]));
	EXPECT_SOON(0, iommufd_destroy(rig->fd, hwpt[0]));
	EXPECT_EQ(0, stored_refs(call, 0));
	EXPECT_EQ(0, call_end(call, &self->trap));
	EXPECT_EQ(0, all_refs(call, 0));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, hwpt_alloc(rig->fd, device.idev_id, rig->ioas_id,
				&hwpt[0]));
	EXPECT_EQ(0, check_map(call, hwpt[0], IOVA));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, hwpt[0]));
}

TEST_F(halfway, h14_unmap_during_an_attach)
{
	struct call *call = &self->call;
	struct mock_rig *rig = &self->rig;

	ASSERT_EQ(0, map_memory(call));
	ASSERT_EQ(0, call_start(call, plug_device, &self->trap));
	EXPECT_EQ(0, stored_refs(call, 1));
	EXPECT_SOON(0, unmap_memory(call));
	EXPECT_EQ(0, stored_refs(call, 0));
	/* The IOVA may be used again at once. */
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    MOCK_RIG_PAGES * PAGE_SIZE, IOVA));
	EXPECT_EQ(0, call_end(call, &self->trap));
	EXPECT_EQ(0, all_refs(call, 0));
	EXPECT_EQ(0, mock_check_map(rig->fd, call->device.hwpt_id, IOVA,
				    MOCK_RIG_PAGES * PAGE_SIZE, rig->buffer));
	EXPECT_PINNED(MOCK_RIG_PAGES);
}

/* What is not mapped any more need not be there either. */
TEST_F(halfway, h14_unmap_and_munmap_during_an_attach)
{
	struct call *call = &self->call;
	struct mock_rig *rig = &self->rig;

	ASSERT_EQ(0, map_memory(call));
	ASSERT_EQ(0, mock_rig_map(rig, 0, MOCK_RIG_PAGES));
	ASSERT_EQ(0, call_start(call, plug_device, &self->trap));
	EXPECT_SOON(0, unmap_memory(call));
	trap_close(&self->trap);
	pthread_join(call->thread, NULL);
	EXPECT_EQ(0, call->ret);
	EXPECT_EQ(0, mock_check_map(rig->fd, call->device.hwpt_id,
				    mock_rig_iova(0), MOCK_RIG_PAGES * PAGE_SIZE,
				    rig->buffer));
	EXPECT_PINNED(MOCK_RIG_PAGES);
}

/* The page fault fails when the attach has come half way. */
TEST_F(halfway, h14_attach_fails)
{
	struct call *call = &self->call;
	struct mock_rig *rig = &self->rig;
	struct mock_device device;

	ASSERT_EQ(0, map_memory(call));
	ASSERT_EQ(0, call_start(call, plug_device, &self->trap));
	EXPECT_EQ(0, stored_refs(call, 1));
	/* Takes the page away, and wakes whoever waits for it. */
	trap_close(&self->trap);
	pthread_join(call->thread, NULL);
	EXPECT_EQ(-EFAULT, call->ret);
	EXPECT_EQ(0, mock_check_refs(rig->fd, call->memory, LENGTH - PAGE_SIZE,
				     0));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, unmap_memory(call));
	EXPECT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
}

/*
 * A copy into another IOAS waits. What the first IOAS has is pinned once, and
 * its users come and go.
 */
TEST_F(halfway, h60_pages_are_used_beside_a_copy)
{
	struct call *call = &self->call;
	struct mock_rig *rig = &self->rig;
	struct mock_device other;
	__u64 value;
	__u32 id;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->other_id, &other));
	ASSERT_EQ(0, map_memory(call));
	memset(call->memory, 0x5a, sizeof(value));
	call->access_fd = access_create(rig->fd, rig->ioas_id,
					MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES);
	ASSERT_GE(call->access_fd, 0);
	ASSERT_EQ(0, call_start(call, copy_memory, &self->trap));
	EXPECT_EQ(0, stored_refs(call, 1));
	EXPECT_SOON(0, access_pin(rig->fd, call->access_fd, IOVA, STORED,
				  call->memory, 0, &id));
	EXPECT_EQ(0, stored_refs(call, 1));
	EXPECT_SOON(0, access_rw(rig->fd, call->access_fd, IOVA, sizeof(value),
				 &value, MOCK_ACCESS_RW_SLOW_PATH));
	EXPECT_EQ(0x5a5a5a5a5a5a5a5aULL, value);
	EXPECT_SOON(0, access_unpin(rig->fd, call->access_fd, id));
	EXPECT_SOON(0, access_pin(rig->fd, call->access_fd, IOVA, STORED,
				  call->memory, 0, &id));
	/* With what it has pinned. */
	EXPECT_SOON(0, close(call->access_fd));
	EXPECT_SOON(0, unmap_memory(call));
	EXPECT_EQ(0, stored_refs(call, 1));
	EXPECT_EQ(0, call_end(call, &self->trap));
	EXPECT_EQ(0, check_map(call, other.hwpt_id, COPY_IOVA));
	EXPECT_EQ(0, all_refs(call, 1));
	EXPECT_PINNED(PAGES);
}

/* An in-kernel user waits, and the area that it pins is unmapped. */
TEST_F(halfway, h43_unmap_during_a_pin)
{
	struct call *call = &self->call;
	struct mock_rig *rig = &self->rig;

	ASSERT_EQ(0, map_memory(call));
	call->access_fd = access_create(rig->fd, rig->ioas_id,
					MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES);
	ASSERT_GE(call->access_fd, 0);
	ASSERT_EQ(0, call_start(call, pin_memory, &self->trap));
	EXPECT_EQ(0, stored_refs(call, 1));
	EXPECT_SOON(0, unmap_memory(call));
	/* It was too late; and has nothing. */
	EXPECT_EQ(-EINVAL, call_end(call, &self->trap));
	EXPECT_EQ(0, all_refs(call, 0));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, close(call->access_fd));
}

static int call_in_child(void *arg)
{
	struct call *call = arg;
	struct trap trap;

	/* A trap is for the memory of one process: this one sets its own. */
	if (trap_open_at(&trap, call->memory + LENGTH - PAGE_SIZE, PAGE_SIZE))
		return 1;
	return map_memory(call) || call->fn(call) ? 2 : 3;
}

static int killed_half_way(struct call *call, int (*fn)(struct call *call))
{
	pid_t pid;
	int ret;

	call->fn = fn;
	pid = child_start(call_in_child, call);
	if (pid < 0)
		return pid;
	usleep(500000);
	kill(pid, SIGKILL);
	ret = child_wait(pid, SOON_MS);
	return ret == -EINTR ? 0 : -EPROTO;
}

/* Whoever is killed leaves an area that is mapped, and nothing pinned. */
TEST_F(halfway, h60_killed_half_way)
{
	int (* const calls[])(struct call *) = {
		plug_device, copy_memory, pin_memory,
	};
	struct call *call = &self->call;
	struct mock_rig *rig = &self->rig;
	struct mock_device other;
	unsigned int i;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->other_id, &other));
	call->access_fd = access_create(rig->fd, rig->ioas_id,
					MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES);
	ASSERT_GE(call->access_fd, 0);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		EXPECT_EQ(0, killed_half_way(call, calls[i])) TH_LOG("%u", i);
		EXPECT_EQ(0, unmap_memory(call)) TH_LOG("%u", i);
		EXPECT_EQ(0, ioas_map_fixed(rig->fd, rig->other_id, rig->buffer,
					    PAGE_SIZE, COPY_IOVA));
		EXPECT_EQ(0, ioas_unmap(rig->fd, rig->other_id, COPY_IOVA,
					PAGE_SIZE, NULL));
	}
	EXPECT_EQ(0, close(call->access_fd));
}

TEST_HARNESS_MAIN

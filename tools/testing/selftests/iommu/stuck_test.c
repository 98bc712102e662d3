// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Calls that wait for memory that does not come: what others can do meanwhile,
 * and that a signal ends them. Processes are killed in the middle of their work.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/harness.h"
#include "lib/process.h"
#include "lib/rig.h"
#include "lib/trap.h"

FIXTURE(stuck)
{
	struct rig rig;
	struct trap trap;
};

#define TRAP_LENGTH	(16 * PAGE_SIZE)
#define TRAP_IOVA	(2 * RIG_IOVA)

FIXTURE_SETUP(stuck)
{
	int ret = rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	ret = trap_open(&self->trap, TRAP_LENGTH);
	if (ret == -ENOTSUP) {
		rig_destroy(&self->rig);
		SKIP(return, "no userfaultfd");
	}
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(stuck)
{
	trap_close(&self->trap);
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

struct stuck_map {
	struct rig *rig;
	struct trap *trap;
	pthread_t thread;
	int ret;
};

static void *map_the_trap(void *arg)
{
	struct stuck_map *stuck = arg;

	stuck->ret = ioas_map_fixed(stuck->rig->fd, stuck->rig->ioas_id,
				    stuck->trap->va, TRAP_LENGTH, TRAP_IOVA);
	return NULL;
}

/* Others go on while a map waits for memory that does not come. */
static int use_elsewhere(void *arg)
{
	return rig_use(arg);
}

static int start_stuck_map(struct stuck_map *stuck)
{
	if (pthread_create(&stuck->thread, NULL, map_the_trap, stuck))
		return -EAGAIN;
	return trap_wait(stuck->trap, TIMEOUT_MS) ? 0 : -ENOMSG;
}

TEST_F(stuck, h60_map_elsewhere_goes_on)
{
	struct stuck_map stuck = { .rig = &self->rig, .trap = &self->trap };

	ASSERT_EQ(0, edu_attach_ioas(&self->rig.edu, self->rig.ioas_id));
	ASSERT_EQ(0, start_stuck_map(&stuck));
	EXPECT_EQ(0, child_run(use_elsewhere, &self->rig, TIMEOUT_MS));
	EXPECT_EQ(0, trap_release(&self->trap));
	pthread_join(stuck.thread, NULL);
	EXPECT_EQ(0, stuck.ret);
	EXPECT_EQ(0, ioas_unmap(self->rig.fd, self->rig.ioas_id, TRAP_IOVA,
				TRAP_LENGTH, NULL));
}

/* What is being made is taken, but is not there yet. */
TEST_F(stuck, h14_area_under_construction)
{
	struct stuck_map stuck = { .rig = &self->rig, .trap = &self->trap };
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, start_stuck_map(&stuck));
	EXPECT_EQ(-EEXIST, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  PAGE_SIZE, TRAP_IOVA));
	EXPECT_EQ(-EBUSY, ioas_unmap(rig->fd, rig->ioas_id, TRAP_IOVA,
				     TRAP_LENGTH, NULL));
	EXPECT_EQ(-ENOENT, rig_copy(rig, TRAP_IOVA, 1, rig->ioas_id,
				    rig_iova(0)));
	EXPECT_EQ(0, trap_release(&self->trap));
	pthread_join(stuck.thread, NULL);
	EXPECT_EQ(0, stuck.ret);
	EXPECT_EQ(0, rig_copy(rig, TRAP_IOVA, 1, rig->ioas_id, rig_iova(0)));
}

static int attach_to_trap(void *arg)
{
	struct rig *rig = arg;

	return -edu_attach_ioas(&rig->edu, rig->ioas_id);
}

/* A map that waits, an attach that waits for it, and still a map works. */
TEST_F(stuck, h60_waiting_attach_blocks_no_map)
{
	struct stuck_map stuck = { .rig = &self->rig, .trap = &self->trap };
	struct rig *rig = &self->rig;
	struct edu second;
	pid_t pid;

	if (edu_open(&second, 1))
		SKIP(return, "no two edu devices");
	ASSERT_EQ(0, edu_bind(&second, rig->fd));
	ASSERT_EQ(0, edu_attach_ioas(&second, rig->ioas_id));
	ASSERT_EQ(0, start_stuck_map(&stuck));
	pid = child_start(attach_to_trap, rig);
	ASSERT_GT(pid, 0);
	usleep(300000);
	EXPECT_EQ(0, child_run(use_elsewhere, rig, TIMEOUT_MS));
	EXPECT_EQ(0, trap_release(&self->trap));
	pthread_join(stuck.thread, NULL);
	EXPECT_EQ(0, stuck.ret);
	EXPECT_EQ(0, child_wait(pid, TIMEOUT_MS));
	EXPECT_EQ(0, child_run(use_elsewhere, rig, TIMEOUT_MS));
	edu_close(&second);
}

/* The attach itself waits for the memory. */
TEST_F(stuck, h60_stuck_attach_blocks_no_map)
{
	struct rig *rig = &self->rig;
	pid_t pid;

	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->trap.va,
				    TRAP_LENGTH, TRAP_IOVA));
	pid = child_start(attach_to_trap, rig);
	ASSERT_GT(pid, 0);
	if (!trap_wait(&self->trap, 2000)) {
		/* It need not wait: the memory may be refused. */
		EXPECT_EQ(EFAULT, child_wait(pid, TIMEOUT_MS));
		return;
	}
	EXPECT_EQ(0, child_run(use_elsewhere, rig, TIMEOUT_MS));
	EXPECT_EQ(0, trap_release(&self->trap));
	EXPECT_EQ(0, child_wait(pid, TIMEOUT_MS));
}

/* Killed while it waits: gone at once, and all is as before. */

static int map_trap_in_child(void *arg)
{
	struct stuck_map *stuck = arg;

	map_the_trap(stuck);
	return stuck->ret ? 1 : 0;
}

static int trap_in_child(void *arg)
{
	struct stuck_map *stuck = arg;
	struct trap trap;

	/* A trap is for the memory of one process: this one sets its own. */
	if (trap_open(&trap, TRAP_LENGTH))
		return 1;
	stuck->trap = &trap;
	return map_trap_in_child(stuck);
}

TEST_F(stuck, h60_killed_while_stuck)
{
	struct stuck_map stuck = { .rig = &self->rig };
	struct rig *rig = &self->rig;
	__u64 start;
	pid_t pid;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	pid = child_start(trap_in_child, &stuck);
	ASSERT_GT(pid, 0);
	usleep(500000);
	kill(pid, SIGKILL);
	start = now_ms();
	EXPECT_EQ(-EINTR, child_wait(pid, TIMEOUT_MS));
	EXPECT_LT(now_ms() - start, DEATH_MS);
	/* Its IOVA is free again. */
	EXPECT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    TRAP_LENGTH, TRAP_IOVA));
}

static int attach_trap_in_child(void *arg)
{
	struct stuck_map *stuck = arg;
	struct trap trap;

	if (trap_open(&trap, TRAP_LENGTH))
		return 1;
	stuck->trap = &trap;
	if (map_trap_in_child(stuck))
		return 2;
	return attach_to_trap(stuck->rig);
}

TEST_F(stuck, h60_attach_killed_while_stuck)
{
	struct stuck_map stuck = { .rig = &self->rig };
	struct rig *rig = &self->rig;
	__u64 start;
	pid_t pid;
	int ret;

	pid = child_start(attach_trap_in_child, &stuck);
	ASSERT_GT(pid, 0);
	usleep(500000);
	kill(pid, SIGKILL);
	start = now_ms();
	ret = child_wait(pid, TIMEOUT_MS);
	EXPECT_TRUE(ret == -EINTR || ret == EFAULT);
	EXPECT_LT(now_ms() - start, DEATH_MS);
	/* It is not attached, and its area has no memory any more. */
	EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, TRAP_IOVA, TRAP_LENGTH,
				NULL));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
}

/* A page fault in one IOAS, and those who are done with another */

/* Long enough for anybody who needs nothing of the memory. */
#define SOON_MS		5000

/**
 * struct shared - memory that two IOASes show, and a copy that is stuck in it
 * @rig: its IOAS shows all of the memory, and no device is attached
 * @second: a device, attached to @filling
 * @filling: the IOAS that the memory is copied to
 * @memory: two pages
 * @trap: the second one
 */
struct shared {
	struct rig *rig;
	struct edu second;
	__u32 filling;
	char *memory;
	struct trap trap;
	pthread_t thread;
	int ret;
};

#define SHARED_IOVA	(4 * RIG_IOVA)

static int shared_create(struct shared *shared, struct rig *rig)
{
	void *va = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (va == MAP_FAILED)
		return -ENOMEM;
	shared->rig = rig;
	shared->memory = va;
	*shared->memory = 1;
	ret = trap_open_at(&shared->trap, va + PAGE_SIZE, PAGE_SIZE);
	if (!ret)
		ret = edu_open(&shared->second, 1);
	if (!ret)
		ret = edu_bind(&shared->second, rig->fd);
	if (!ret)
		ret = ioas_alloc(rig->fd, &shared->filling);
	if (!ret)
		ret = edu_attach_ioas(&shared->second, shared->filling);
	if (ret)
		return ret;
	return ioas_map_fixed(rig->fd, rig->ioas_id, va, 2 * PAGE_SIZE,
			      SHARED_IOVA);
}

static void shared_destroy(struct shared *shared)
{
	edu_close(&shared->second);
	trap_close(&shared->trap);
	munmap(shared->memory, PAGE_SIZE);
}

static void *copy_the_trap(void *arg)
{
	struct shared *shared = arg;

	shared->ret = rig_copy(shared->rig, SHARED_IOVA, 2, shared->filling,
			       SHARED_IOVA);
	return NULL;
}

static int start_stuck_copy(struct shared *shared)
{
	if (pthread_create(&shared->thread, NULL, copy_the_trap, shared))
		return -EAGAIN;
	return trap_wait(&shared->trap, TIMEOUT_MS) ? 0 : -ENOMSG;
}

static int end_stuck_copy(struct shared *shared)
{
	int ret = trap_release(&shared->trap);

	pthread_join(shared->thread, NULL);
	return ret ? ret : shared->ret;
}

struct destroyer {
	int fd;
	__u32 id;
};

static int destroyer_main(void *arg)
{
	struct destroyer *destroyer = arg;

	return -iommufd_destroy(destroyer->fd, destroyer->id);
}

static int destroy_in_child(int fd, __u32 id)
{
	struct destroyer destroyer = { fd, id };

	return -child_run(destroyer_main, &destroyer, SOON_MS);
}

/* With one area, and with several. */
TEST_F(stuck, h60_destroy_beside_a_stuck_copy)
{
	struct rig *rig = &self->rig;
	struct shared shared;
	int ret = shared_create(&shared, rig);
	__u32 another;

	if (ret == -ENODEV)
		SKIP(return, "no two edu devices");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, ioas_alloc(rig->fd, &another));
	ASSERT_EQ(0, rig_copy(rig, SHARED_IOVA, 2, another, SHARED_IOVA));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, another, rig->buffer, PAGE_SIZE,
				    RIG_IOVA));
	ASSERT_EQ(0, start_stuck_copy(&shared));
	EXPECT_EQ(0, destroy_in_child(rig->fd, rig->ioas_id));
	EXPECT_EQ(0, destroy_in_child(rig->fd, another));
	EXPECT_EQ(0, end_stuck_copy(&shared));
	shared_destroy(&shared);
}

static int detach_in_child(void *arg)
{
	struct edu *edu = arg;

	return edu_detach(edu) ? 1 : 0;
}

/*
 * The device of the third IOAS holds the first page of the memory, and has to
 * give it back. Nobody who wants to use the devices waits until it can.
 */
TEST_F(stuck, h60_detach_beside_a_stuck_copy)
{
	struct rig *rig = &self->rig;
	struct shared shared;
	int ret = shared_create(&shared, rig);
	__u32 another, next;

	if (ret == -ENODEV)
		SKIP(return, "no two edu devices");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, ioas_alloc(rig->fd, &another));
	ASSERT_EQ(0, rig_copy(rig, SHARED_IOVA, 1, another, SHARED_IOVA));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, another, rig->buffer, PAGE_SIZE,
				    RIG_IOVA));
	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, another));
	EXPECT_EQ(8, status_kib("VmPin:"));
	ASSERT_EQ(0, start_stuck_copy(&shared));
	EXPECT_EQ(0, child_run(detach_in_child, &rig->edu, SOON_MS));
	/* It is as good as new. */
	EXPECT_EQ(0, ioas_unmap(rig->fd, another, RIG_IOVA, PAGE_SIZE, NULL));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, another));
	ASSERT_EQ(0, ioas_alloc(rig->fd, &next));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, next));
	EXPECT_EQ(0, end_stuck_copy(&shared));
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, next));
	shared_destroy(&shared);
}

/* Also not for a map of its own IOAS. */
TEST_F(stuck, h60_detach_beside_a_stuck_map)
{
	struct stuck_map stuck = { .rig = &self->rig, .trap = &self->trap };
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, start_stuck_map(&stuck));
	EXPECT_EQ(0, child_run(detach_in_child, &rig->edu, SOON_MS));
	EXPECT_EQ(0, trap_release(&self->trap));
	pthread_join(stuck.thread, NULL);
	EXPECT_EQ(0, stuck.ret);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_EQ(0, status_kib("VmPin:"));
}

/* Nor does an unmap of several areas wait. */

static int unmap_shared(void *arg)
{
	struct shared *shared = arg;

	return ioas_unmap_all(shared->rig->fd, shared->rig->ioas_id, NULL) ?
		       1 : 0;
}

TEST_F(stuck, h60_unmap_all_beside_a_stuck_copy)
{
	struct rig *rig = &self->rig;
	struct shared shared;
	int ret = shared_create(&shared, rig);

	if (ret == -ENODEV)
		SKIP(return, "no two edu devices");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, rig_map(rig, 0, 1));
	ASSERT_EQ(0, start_stuck_copy(&shared));
	EXPECT_EQ(0, child_run(unmap_shared, &shared, SOON_MS));
	EXPECT_EQ(0, end_stuck_copy(&shared));
	shared_destroy(&shared);
}

/* Nor a copy for which nothing has to be pinned. */

struct copier {
	struct rig *rig;
	__u32 ioas_id;
};

static int copy_shared(void *arg)
{
	struct copier *copier = arg;

	return -rig_copy(copier->rig, SHARED_IOVA, 2, copier->ioas_id,
			 SHARED_IOVA);
}

TEST_F(stuck, h60_copy_beside_a_stuck_copy)
{
	struct copier copier = { .rig = &self->rig };
	struct rig *rig = &self->rig;
	struct shared shared;
	int ret = shared_create(&shared, rig);

	if (ret == -ENODEV)
		SKIP(return, "no two edu devices");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, ioas_alloc(rig->fd, &copier.ioas_id));
	ASSERT_EQ(0, start_stuck_copy(&shared));
	EXPECT_EQ(0, child_run(copy_shared, &copier, SOON_MS));
	EXPECT_EQ(0, ioas_unmap(rig->fd, copier.ioas_id, SHARED_IOVA,
				2 * PAGE_SIZE, NULL));
	EXPECT_EQ(0, end_stuck_copy(&shared));
	shared_destroy(&shared);
}

/* While DESTROY waits for others, the object is there */

/* An ioctl inside of the IOAS, in the page fault of its list of ranges. */
static void *allow_the_trap(void *arg)
{
	struct stuck_map *stuck = arg;

	stuck->ret = ioas_allow_iovas(stuck->rig->fd, stuck->rig->ioas_id,
				      stuck->trap->va, 1);
	return NULL;
}

static int start_stuck_allow(struct stuck_map *stuck)
{
	if (pthread_create(&stuck->thread, NULL, allow_the_trap, stuck))
		return -EAGAIN;
	return trap_wait(stuck->trap, TIMEOUT_MS) ? 0 : -ENOMSG;
}

/* Returns the process that waits to destroy the IOAS. */
static pid_t start_destroyer(struct destroyer *destroyer)
{
	pid_t pid = child_start(destroyer_main, destroyer);

	/* If it has not begun by then this tests nothing, and fails nothing. */
	usleep(300000);
	return pid;
}

static int end_stuck_allow(struct stuck_map *stuck)
{
	int ret = trap_release(stuck->trap);

	pthread_join(stuck->thread, NULL);
	return ret ? ret : stuck->ret;
}

TEST_F(stuck, h02_object_is_there_until_it_goes)
{
	struct stuck_map stuck = { .rig = &self->rig, .trap = &self->trap };
	struct rig *rig = &self->rig;
	struct destroyer destroyer = { rig->fd, rig->ioas_id };
	pid_t pid;

	ASSERT_EQ(0, start_stuck_allow(&stuck));
	pid = start_destroyer(&destroyer);
	ASSERT_GT(pid, 0);
	EXPECT_EQ(0, rig_map(rig, 0, 1));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->ioas_id));
	/* Nothing was in it, so the list of ranges is no good. */
	EXPECT_EQ(-EINVAL, end_stuck_allow(&stuck));
	EXPECT_EQ(0, child_wait(pid, TIMEOUT_MS));
	EXPECT_EQ(-ENOENT, rig_map(rig, 1, 1));
	EXPECT_EQ(-ENOENT, iommufd_destroy(rig->fd, rig->ioas_id));
}

TEST_F(stuck, h02_destroy_killed_changes_nothing)
{
	struct stuck_map stuck = { .rig = &self->rig, .trap = &self->trap };
	struct rig *rig = &self->rig;
	struct destroyer destroyer = { rig->fd, rig->ioas_id };
	pid_t pid;

	ASSERT_EQ(0, rig_map(rig, 0, 1));
	ASSERT_EQ(0, start_stuck_allow(&stuck));
	pid = start_destroyer(&destroyer);
	ASSERT_GT(pid, 0);
	kill(pid, SIGKILL);
	EXPECT_EQ(-EINTR, child_wait(pid, TIMEOUT_MS));
	EXPECT_EQ(0, rig_unmap(rig, 0, 1));
	EXPECT_EQ(-EINVAL, end_stuck_allow(&stuck));
	EXPECT_EQ(0, rig_map(rig, 0, 1));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
}

static int choose_ioas(int fd, __u32 op, __u32 *ioas_id)
{
	struct iommu_vfio_ioas choice = {
		.size = sizeof(choice), .op = op, .ioas_id = *ioas_id,
	};
	int ret = iommufd_ioctl(fd, IOMMU_VFIO_IOAS, &choice);

	*ioas_id = choice.ioas_id;
	return ret;
}

/* Whoever comes while DESTROY waits may use it, and then it stays. */
TEST_F(stuck, h02_use_ends_the_wait)
{
	struct stuck_map stuck = { .rig = &self->rig, .trap = &self->trap };
	struct rig *rig = &self->rig;
	struct destroyer destroyer = { rig->fd, rig->ioas_id };
	__u32 chosen = rig->ioas_id;
	pid_t pid;

	ASSERT_EQ(0, start_stuck_allow(&stuck));
	pid = start_destroyer(&destroyer);
	ASSERT_GT(pid, 0);
	EXPECT_EQ(0, choose_ioas(rig->fd, IOMMU_VFIO_IOAS_SET, &chosen));
	chosen = 0;
	EXPECT_EQ(0, choose_ioas(rig->fd, IOMMU_VFIO_IOAS_GET, &chosen));
	EXPECT_EQ(rig->ioas_id, chosen);
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_EQ(EBUSY, child_wait(pid, TIMEOUT_MS));
	chosen = 0;
	EXPECT_EQ(0, choose_ioas(rig->fd, IOMMU_VFIO_IOAS_GET, &chosen));
	EXPECT_EQ(rig->ioas_id, chosen);
	EXPECT_EQ(-EINVAL, end_stuck_allow(&stuck));
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_EQ(-ENODEV, choose_ioas(rig->fd, IOMMU_VFIO_IOAS_GET, &chosen));
}

/* Somebody who is hardly ever outside does not keep it from going. */

static void *keep_looking(void *arg)
{
	struct rig *rig = arg;
	int ret;

	do {
		ret = ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				     RIG_PAGES * PAGE_SIZE, RIG_IOVA);
	} while (!ret || ret == -EEXIST);
	return NULL;
}

TEST_F(stuck, h02_destroy_beside_a_busy_thread)
{
	struct rig *rig = &self->rig;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, keep_looking, rig));
	usleep(100000);
	EXPECT_EQ(0, destroy_in_child(rig->fd, rig->ioas_id));
	pthread_join(thread, NULL);
}

/* A map of a lot of memory, which has to be made first */

#define LARGE_LENGTH	(48 * SZ_2M)

FIXTURE(large)
{
	struct rig rig;
};

FIXTURE_SETUP(large)
{
	int ret = rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(large)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

static int map_large(void *arg)
{
	struct rig *rig = arg;
	void *va = mmap(NULL, LARGE_LENGTH, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (va == MAP_FAILED || madvise(va, LARGE_LENGTH, MADV_NOHUGEPAGE))
		return 1;
	return -ioas_map_fixed(rig->fd, rig->ioas_id, va, LARGE_LENGTH,
			       2 * RIG_IOVA);
}

/* Killed at several points of its way, it is always gone soon. */
TEST_F(large, h60_killed_in_the_middle)
{
	struct rig *rig = &self->rig;
	__u64 whole, start;
	pid_t pid;
	int i;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	start = now_ms();
	ASSERT_EQ(0, child_run(map_large, rig, TIMEOUT_MS));
	whole = now_ms() - start;
	ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	for (i = 1; i < 8; i++) {
		__u64 unmapped;
		int ret;

		pid = child_start(map_large, rig);
		ASSERT_GT(pid, 0);
		usleep(whole * 1000 * i / 10);
		kill(pid, SIGKILL);
		start = now_ms();
		ret = child_wait(pid, TIMEOUT_MS);
		EXPECT_LT(now_ms() - start, DEATH_MS / 2 + whole / 2);
		/* Either it was done before, or nothing is left. */
		ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, &unmapped));
		EXPECT_TRUE(unmapped == 0 || unmapped == LARGE_LENGTH);
		if (unmapped)
			TH_LOG("%llu ms of %llu: done", whole * i / 10, whole);
		if (ret == 0)
			EXPECT_EQ(LARGE_LENGTH, unmapped);
	}
}

static int map_large_own(void *arg)
{
	struct rig rig;

	(void)arg;
	if (rig_create(&rig, 0) || edu_attach_ioas(&rig.edu, rig.ioas_id))
		return 1;
	return map_large(&rig);
}

/* The process that is killed also has the only files. */
TEST_F(large, h60_killed_with_all_files)
{
	struct rig *rig = &self->rig;
	pid_t pid;
	int i;

	edu_close(&rig->edu);
	for (i = 1; i < 6; i++) {
		__u64 start;

		pid = child_start(map_large_own, NULL);
		ASSERT_GT(pid, 0);
		usleep(i * 200000);
		kill(pid, SIGKILL);
		start = now_ms();
		child_wait(pid, TIMEOUT_MS);
		EXPECT_LT(now_ms() - start, DEATH_MS);
	}
	/* The device is free for the next one. */
	ASSERT_EQ(0, edu_open(&rig->edu, 0));
	EXPECT_EQ(0, edu_bind(&rig->edu, rig->fd));
}

TEST_HARNESS_MAIN

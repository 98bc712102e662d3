// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * In-kernel users of memory: pinning and copying by IOVA, what unmapping means
 * for them, and how they share pages with domains.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/process.h"
#include "lib/trap.h"

#define PINS	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES

/* How long something has to take until it counts as waiting. */
#define WAIT_MS		300

/* Less than what is left of a second after that. */
#define WOKEN_MS	350

FIXTURE(access)
{
	struct mock_rig rig;
	int pins;	/* an access that pins, attached to the first IOAS */
};

FIXTURE_SETUP(access)
{
	int ret = mock_rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	self->pins = access_create(self->rig.fd, self->rig.ioas_id, PINS);
	ASSERT_GE(self->pins, 0);
}

FIXTURE_TEARDOWN(access)
{
	if (self->pins >= 0)
		close(self->pins);
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

static int pin(struct mock_rig *rig, int access_fd, __u64 page, __u64 count,
	       __u32 *id)
{
	return access_pin(rig->fd, access_fd, mock_rig_iova(page),
			  count * PAGE_SIZE, mock_rig_va(rig, page), 0, id);
}

/* How often the page is pinned, or -1 when nobody knows. */
static int refs(struct mock_rig *rig, __u64 page)
{
	int count;

	for (count = 0; count < 8; count++)
		if (!mock_check_refs(rig->fd, mock_rig_va(rig, page), PAGE_SIZE,
				     count))
			return count;
	return -1;
}

/* Are the first pages pinned as often as the digits say? */
#define EXPECT_REFS(rig, digits) do { \
	const char *_digits = digits; \
	char _found[MOCK_RIG_PAGES + 1] = {}; \
	size_t _i; \
	for (_i = 0; _i < strlen(_digits); _i++) \
		_found[_i] = '0' + refs(rig, _i); \
	EXPECT_STREQ(_digits, _found); \
} while (0)

static int read_mark(struct mock_rig *rig, int access_fd, __u64 page,
		     __u32 flags, __u64 *mark)
{
	return access_rw(rig->fd, access_fd, mock_rig_iova(page), sizeof(*mark),
			 mark, flags);
}

TEST_F(access, h39_pinning_needs_an_unmap_operation)
{
	int copies = access_create(self->rig.fd, self->rig.ioas_id, 0);
	__u64 mark = 0;
	__u32 id;

	ASSERT_GE(copies, 0);
	ASSERT_EQ(0, mock_rig_map(&self->rig, 0, 4));
	EXPECT_EQ(-EINVAL, pin(&self->rig, copies, 0, 4, &id));
	EXPECT_REFS(&self->rig, "0000");
	EXPECT_EQ(0, read_mark(&self->rig, copies, 2, 0, &mark));
	EXPECT_EQ(mock_rig_mark(2), mark);
	/* Nobody is called who gave nothing to call. */
	ASSERT_EQ(0, pin(&self->rig, self->pins, 0, 4, &id));
	EXPECT_EQ(0, mock_rig_unmap(&self->rig, 0, 4));
	EXPECT_REFS(&self->rig, "0000");
	close(copies);
}

TEST_F(access, h39_unknown_flags)
{
	__u32 id;

	ASSERT_EQ(0, mock_rig_map(&self->rig, 0, 1));
	EXPECT_EQ(-EOPNOTSUPP, access_create(self->rig.fd, self->rig.ioas_id,
					     1 << 30));
	EXPECT_EQ(-EOPNOTSUPP, access_pin(self->rig.fd, self->pins,
					  mock_rig_iova(0), PAGE_SIZE, NULL,
					  1 << 30, &id));
	EXPECT_EQ(-EBADF, pin(&self->rig, 1000, 0, 1, &id));
	EXPECT_EQ(-EINVAL, pin(&self->rig, self->rig.fd, 0, 1, &id));
}

TEST_F(access, h40_unmap_makes_users_let_go)
{
	__u32 ids[3];
	__u64 mark;

	ASSERT_EQ(0, mock_rig_map(&self->rig, 0, 4));
	ASSERT_EQ(0, mock_rig_map(&self->rig, 4, 4));
	ASSERT_EQ(0, pin(&self->rig, self->pins, 0, 4, &ids[0]));
	ASSERT_EQ(0, pin(&self->rig, self->pins, 2, 4, &ids[1]));
	ASSERT_EQ(0, pin(&self->rig, self->pins, 6, 2, &ids[2]));
	EXPECT_REFS(&self->rig, "11111111");
	EXPECT_EQ(0, mock_rig_unmap(&self->rig, 0, 4));
	EXPECT_REFS(&self->rig, "00000011");
	EXPECT_EQ(-ENOENT, access_unpin(self->rig.fd, self->pins, ids[0]));
	EXPECT_EQ(-ENOENT, access_unpin(self->rig.fd, self->pins, ids[1]));
	EXPECT_EQ(-ENOENT, read_mark(&self->rig, self->pins, 0, 0, &mark));
	EXPECT_EQ(0, access_unpin(self->rig.fd, self->pins, ids[2]));
	EXPECT_REFS(&self->rig, "00000000");
	EXPECT_EQ(0, ioas_unmap_all(self->rig.fd, self->rig.ioas_id, NULL));
}

/* Some threads against the rest of the test. */
struct churn {
	struct mock_rig *rig;
	atomic_bool stop;
	atomic_ulong pinned;
	atomic_ulong created;
	atomic_ulong copied;
	atomic_ulong wrong;
};

static void *churn_pins(void *arg)
{
	struct churn *churn = arg;
	int fd = access_create(churn->rig->fd, churn->rig->ioas_id, PINS);
	__u32 id;

	while (!atomic_load(&churn->stop)) {
		if (pin(churn->rig, fd, 1, 4, &id))
			continue;
		atomic_fetch_add(&churn->pinned, 1);
		access_unpin(churn->rig->fd, fd, id);
	}
	close(fd);
	return NULL;
}

static void *churn_accesses(void *arg)
{
	struct churn *churn = arg;

	while (!atomic_load(&churn->stop)) {
		int fd = access_create(churn->rig->fd, churn->rig->ioas_id,
				       PINS);
		__u32 id;

		if (fd < 0)
			continue;
		atomic_fetch_add(&churn->created, 1);
		pin(churn->rig, fd, 0, 6, &id);
		close(fd);
	}
	return NULL;
}

/* What is copied is either all there, or refused because it goes or is gone. */
static void *churn_copies(void *arg)
{
	struct churn *churn = arg;
	int fd = access_create(churn->rig->fd, churn->rig->ioas_id, 0);
	__u64 marks[4 * PAGE_SIZE / sizeof(__u64)];

	while (!atomic_load(&churn->stop)) {
		int ret = access_rw(churn->rig->fd, fd, mock_rig_iova(2),
				    sizeof(marks), marks, 0);

		if (!ret && marks[0] == mock_rig_mark(2) &&
		    marks[3 * PAGE_SIZE / sizeof(__u64)] == mock_rig_mark(5))
			atomic_fetch_add(&churn->copied, 1);
		else if (ret != -ENOENT && ret != -EINVAL)
			atomic_fetch_add(&churn->wrong, 1);
	}
	close(fd);
	return NULL;
}

TEST_F(access, h40_users_come_and_go_while_others_unmap)
{
	struct churn churn = { .rig = &self->rig };
	__u64 end = now_ms() + 3000;
	unsigned long unmaps = 0;
	pthread_t threads[3];

	ASSERT_EQ(0, pthread_create(&threads[0], NULL, churn_pins, &churn));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, churn_accesses, &churn));
	ASSERT_EQ(0, pthread_create(&threads[2], NULL, churn_copies, &churn));
	while (now_ms() < end || unmaps < 20 || !atomic_load(&churn.pinned) ||
	       !atomic_load(&churn.created) || !atomic_load(&churn.copied)) {
		ASSERT_LT(now_ms(), end + TIMEOUT_MS);
		ASSERT_EQ(0, mock_rig_map(&self->rig, 0, 4));
		ASSERT_EQ(0, mock_rig_map(&self->rig, 4, 4));
		ASSERT_EQ(0, mock_rig_unmap(&self->rig, 0, 8));
		unmaps++;
	}
	atomic_store(&churn.stop, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	pthread_join(threads[2], NULL);
	EXPECT_EQ(0, churn.wrong);
	EXPECT_REFS(&self->rig, "00000000");
}

/* Somebody who copies out of memory that does not come. */
struct slow_copy {
	struct mock_rig *rig;
	int access_fd;
	struct trap trap;
	pthread_t thread;
	int ret;
};

static void *slow_copy_thread(void *arg)
{
	struct slow_copy *copy = arg;
	__u64 mark;

	copy->ret = read_mark(copy->rig, copy->access_fd, 0, 0, &mark);
	return NULL;
}

static int unmap_child(void *arg)
{
	return -mock_rig_unmap(arg, 0, 1);
}

/* A copy that has begun, and an unmap of the same page; returns its process. */
static pid_t start_unmap_beside_copy(struct slow_copy *copy)
{
	struct mock_rig *rig = copy->rig;
	int ret = trap_open(&copy->trap, PAGE_SIZE);
	pid_t child;

	if (ret)
		return ret;
	ret = ioas_map_fixed(rig->fd, rig->ioas_id, copy->trap.va, PAGE_SIZE,
			     mock_rig_iova(0));
	if (ret)
		return ret;
	if (pthread_create(&copy->thread, NULL, slow_copy_thread, copy))
		return -EAGAIN;
	if (!trap_wait(&copy->trap, TIMEOUT_MS))
		return -ENOMSG;
	child = child_start(unmap_child, rig);
	usleep(WAIT_MS * 1000);
	return child;
}

static int end_copy(struct slow_copy *copy)
{
	pthread_join(copy->thread, NULL);
	trap_close(&copy->trap);
	return copy->ret;
}

TEST_F(access, h40_unmap_waits_for_a_slow_user)
{
	struct slow_copy copy = { .rig = &self->rig, .access_fd = self->pins };
	pid_t child = start_unmap_beside_copy(&copy);

	if (child == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	ASSERT_GT(child, 0);
	EXPECT_EQ(0, waitpid(child, NULL, WNOHANG));
	/* Other IOVA are nobody's concern. */
	EXPECT_EQ(0, mock_rig_map(&self->rig, 4, 4));
	EXPECT_EQ(0, mock_rig_unmap(&self->rig, 4, 4));
	EXPECT_EQ(0, trap_release(&copy.trap));
	EXPECT_EQ(0, child_wait(child, TIMEOUT_MS));
	EXPECT_EQ(0, end_copy(&copy));
}

/*
 * Whoever waits for a copy looks every second anyway, so that nothing hangs if
 * nobody wakes it. It is to go on at once nevertheless, at least now and then on
 * a busy host.
 */
TEST_F(access, h40_unmap_is_woken_by_the_end_of_a_copy)
{
	__u64 shortest = TIMEOUT_MS;
	int i;

	for (i = 0; i < 5 && shortest > WOKEN_MS; i++) {
		struct slow_copy copy = {
			.rig = &self->rig, .access_fd = self->pins
		};
		pid_t child = start_unmap_beside_copy(&copy);
		__u64 start;

		if (child == -ENOTSUP)
			SKIP(return, "no userfaultfd");
		ASSERT_GT(child, 0);
		start = now_ms();
		EXPECT_EQ(0, trap_release(&copy.trap));
		EXPECT_EQ(0, child_wait(child, TIMEOUT_MS));
		if (now_ms() - start < shortest)
			shortest = now_ms() - start;
		EXPECT_EQ(0, end_copy(&copy));
	}
	EXPECT_LE(shortest, WOKEN_MS);
}

TEST_F(access, h41_unmap_can_be_killed_while_a_user_holds_on)
{
	struct slow_copy copy = { .rig = &self->rig, .access_fd = self->pins };
	pid_t child = start_unmap_beside_copy(&copy);
	__u32 id;

	if (child == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	ASSERT_GT(child, 0);
	/* On its way out, so not for anybody new. */
	EXPECT_EQ(-EINVAL, access_pin(self->rig.fd, self->pins,
				      mock_rig_iova(0), PAGE_SIZE, NULL, 0,
				      &id));
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(-EINTR, child_wait(child, DEATH_MS));
	EXPECT_EQ(0, trap_release(&copy.trap));
	pthread_join(copy.thread, NULL);
	EXPECT_EQ(0, copy.ret);
	/* As if nobody had ever tried. */
	EXPECT_EQ(0, access_pin(self->rig.fd, self->pins, mock_rig_iova(0),
				PAGE_SIZE, copy.trap.va, 0, &id));
	EXPECT_EQ(0, access_unpin(self->rig.fd, self->pins, id));
	EXPECT_EQ(0, mock_rig_unmap(&self->rig, 0, 1));
	trap_close(&copy.trap);
}

static __u64 alignment(struct mock_rig *rig, __u32 ioas_id)
{
	struct iova_ranges ranges;

	return ioas_iova_ranges(rig->fd, ioas_id, &ranges) ? 0 :
							     ranges.alignment;
}

TEST_F(access, h42_failed_replace_changes_nothing)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	__u64 mark = 0;
	__u32 id;

	/* Finer than a user that pins can use. */
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->other_id, rig->buffer + 3, 5,
				    mock_rig_iova(0)));
	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, pin(rig, self->pins, 1, 2, &id));
	EXPECT_EQ(-EADDRINUSE, access_replace(rig->fd, self->pins,
					      rig->other_id));
	EXPECT_EQ(-ENOENT, access_replace(rig->fd, self->pins, 0));
	EXPECT_EQ(-ENOENT, access_replace(rig->fd, self->pins, 0x7fffffff));
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	EXPECT_EQ(-ENOENT, access_replace(rig->fd, self->pins,
					  device.hwpt_id));
	EXPECT_EQ(-ENOENT, access_replace(rig->fd, self->pins, device.id));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, device.id));

	EXPECT_EQ(PAGE_SIZE, alignment(rig, rig->ioas_id));
	EXPECT_EQ(1, alignment(rig, rig->other_id));
	EXPECT_REFS(&self->rig, "0110");
	EXPECT_EQ(0, read_mark(rig, self->pins, 3, 0, &mark));
	EXPECT_EQ(mock_rig_mark(3), mark);
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_EQ(0, access_unpin(rig->fd, self->pins, id));
}

TEST_F(access, h42_replace_lets_go_of_the_old_ioas)
{
	struct mock_rig *rig = &self->rig;
	__u64 mark;
	__u32 id;

	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, mock_rig_copy(rig, 2, 1));
	ASSERT_EQ(0, pin(rig, self->pins, 0, 4, &id));
	/* To where it is already, nothing happens. */
	EXPECT_EQ(0, access_replace(rig->fd, self->pins, rig->ioas_id));
	EXPECT_REFS(&self->rig, "1111");
	EXPECT_EQ(0, access_replace(rig->fd, self->pins, rig->other_id));
	EXPECT_REFS(&self->rig, "0000");
	EXPECT_EQ(-ENOENT, access_unpin(rig->fd, self->pins, id));
	EXPECT_EQ(1, alignment(rig, rig->ioas_id));
	EXPECT_EQ(PAGE_SIZE, alignment(rig, rig->other_id));
	EXPECT_EQ(-ENOENT, read_mark(rig, self->pins, 0, 0, &mark));
	EXPECT_EQ(0, read_mark(rig, self->pins, 2, 0, &mark));
	EXPECT_EQ(mock_rig_mark(2), mark);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
}

TEST_F(access, h42_alignment_while_attached)
{
	struct mock_rig *rig = &self->rig;

	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer, 5,
					  mock_rig_iova(0)));
	EXPECT_EQ(-EADDRINUSE,
		  ioas_map_fixed(rig->fd, rig->other_id, rig->buffer, 5,
				 mock_rig_iova(0)) ?:
			  access_create(rig->fd, rig->other_id, PINS));
	close(self->pins);
	self->pins = -1;
	EXPECT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer, 5,
				    mock_rig_iova(0)));
}

TEST_F(access, h43_pin_errors)
{
	struct mock_rig *rig = &self->rig;
	__u32 id;

	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	EXPECT_EQ(-EINVAL, access_pin(rig->fd, self->pins, mock_rig_iova(0), 0,
				      NULL, 0, &id));
	EXPECT_EQ(-EOVERFLOW, access_pin(rig->fd, self->pins, UINT64_MAX - 100,
					 PAGE_SIZE, NULL, 0, &id));
	EXPECT_EQ(-ENOENT, pin(rig, self->pins, 4, 1, &id));
	/* The first area is unpinned when the second is not there. */
	EXPECT_EQ(-ENOENT, pin(rig, self->pins, 2, 4, &id));
	EXPECT_REFS(&self->rig, "000000");
	/* Not the memory that it is compared with. */
	EXPECT_EQ(-EINVAL, access_pin(rig->fd, self->pins, mock_rig_iova(0),
				      PAGE_SIZE, mock_rig_va(rig, 1), 0, &id));
	EXPECT_REFS(&self->rig, "000000");
}

TEST_F(access, h43_rights)
{
	struct mock_rig *rig = &self->rig;
	struct iommu_ioas_map map = {
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | MAP_READ,
		.user_va = va_to_u64(mock_rig_va(rig, 4)),
		.ioas_id = rig->ioas_id,
		.iova = mock_rig_iova(4),
		.length = 4 * PAGE_SIZE,
	};
	__u64 mark = mock_rig_mark(4);
	__u32 id;

	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, ioas_map(rig->fd, &map));
	EXPECT_EQ(-EPERM, access_pin(rig->fd, self->pins, mock_rig_iova(4),
				     PAGE_SIZE, NULL, MOCK_FLAGS_ACCESS_WRITE,
				     &id));
	EXPECT_EQ(-EPERM, access_pin(rig->fd, self->pins, mock_rig_iova(2),
				     4 * PAGE_SIZE, NULL,
				     MOCK_FLAGS_ACCESS_WRITE, &id));
	EXPECT_REFS(&self->rig, "00000000");
	EXPECT_EQ(-EPERM, read_mark(rig, self->pins, 4, MOCK_ACCESS_RW_WRITE,
				    &mark));
	EXPECT_EQ(-EPERM, read_mark(rig, self->pins, 4, MOCK_ACCESS_RW_WRITE |
				    MOCK_ACCESS_RW_SLOW_PATH, &mark));
	EXPECT_EQ(0, pin(rig, self->pins, 2, 4, &id));
	EXPECT_REFS(&self->rig, "00111100");
	EXPECT_EQ(0, access_unpin(rig->fd, self->pins, id));

	/* For devices to write only. */
	ASSERT_EQ(0, mock_rig_unmap(rig, 4, 4));
	map.flags = IOMMU_IOAS_MAP_FIXED_IOVA | MAP_WRITE;
	ASSERT_EQ(0, ioas_map(rig->fd, &map));
	EXPECT_EQ(-EPERM, pin(rig, self->pins, 4, 1, &id));
	EXPECT_EQ(-EPERM, read_mark(rig, self->pins, 4, 0, &mark));
	EXPECT_EQ(0, read_mark(rig, self->pins, 4, MOCK_ACCESS_RW_WRITE,
			       &mark));
}

TEST_F(access, h43_areas_that_do_not_line_up)
{
	struct mock_rig *rig = &self->rig;
	int copies = access_create(rig->fd, rig->other_id, 0);
	char bytes[8] = {};
	__u32 id;
	int fd;

	ASSERT_GE(copies, 0);
	/* Two halves of pages side by side; no user that pins may join. */
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->other_id,
				    mock_rig_va(rig, 0), PAGE_SIZE / 2,
				    mock_rig_iova(0)));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->other_id,
				    mock_rig_va(rig, 1) + 8, PAGE_SIZE / 2,
				    mock_rig_iova(0) + PAGE_SIZE / 2));
	EXPECT_EQ(-EADDRINUSE, access_create(rig->fd, rig->other_id, PINS));
	/* Copying does not mind. */
	*(__u32 *)(mock_rig_va(rig, 0) + PAGE_SIZE / 2 - 4) = 0x11223344;
	*(__u32 *)(mock_rig_va(rig, 1) + 8) = 0x55667788;
	EXPECT_EQ(0, access_rw(rig->fd, copies,
			       mock_rig_iova(0) + PAGE_SIZE / 2 - 4, 8, bytes,
			       MOCK_ACCESS_RW_SLOW_PATH));
	EXPECT_EQ(0x11223344, *(__u32 *)bytes);
	EXPECT_EQ(0x55667788, *(__u32 *)(bytes + 4));
	close(copies);

	/* Inside of pages a pin may begin and end anywhere. */
	ASSERT_EQ(0, mock_rig_map(rig, 0, 2));
	EXPECT_EQ(0, access_pin(rig->fd, self->pins, mock_rig_iova(0) + 100,
				PAGE_SIZE, mock_rig_va(rig, 0), 0, &id));
	EXPECT_REFS(&self->rig, "110");
	EXPECT_EQ(0, access_unpin(rig->fd, self->pins, id));
	fd = self->pins;
	EXPECT_EQ(-ENOENT, access_unpin(rig->fd, fd, id));
}

TEST_F(access, h43_copy_errors)
{
	struct mock_rig *rig = &self->rig;
	static const __u32 paths[] = { 0, MOCK_ACCESS_RW_SLOW_PATH };
	__u64 marks[4];
	size_t i;

	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		EXPECT_EQ(-EINVAL, access_rw(rig->fd, self->pins,
					     mock_rig_iova(0), 0, marks,
					     paths[i]));
		EXPECT_EQ(-EOVERFLOW, access_rw(rig->fd, self->pins,
						UINT64_MAX - 3, 8, marks,
						paths[i]));
		EXPECT_EQ(-ENOENT, access_rw(rig->fd, self->pins,
					     mock_rig_iova(4), 8, marks,
					     paths[i]));
		EXPECT_EQ(-ENOENT, access_rw(rig->fd, self->pins,
					     mock_rig_iova(4) - 4, 8, marks,
					     paths[i]));
		EXPECT_EQ(0, access_rw(rig->fd, self->pins,
				       mock_rig_iova(4) - 8, 8, marks,
				       paths[i]));
		EXPECT_EQ(-EFAULT, access_rw(rig->fd, self->pins,
					     mock_rig_iova(0), 8, (void *)8,
					     paths[i]));
	}
	/* Memory that is no longer there. */
	ASSERT_EQ(0, munmap(mock_rig_va(rig, 3), PAGE_SIZE));
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		EXPECT_EQ(-EFAULT, access_rw(rig->fd, self->pins,
					     mock_rig_iova(3), 8, marks,
					     paths[i]));
}

TEST_F(access, copy_both_ways_over_several_areas)
{
	struct mock_rig *rig = &self->rig;
	static const __u32 paths[] = { 0, MOCK_ACCESS_RW_SLOW_PATH };
	char *buffer = malloc(8 * PAGE_SIZE);
	__u64 length = 5 * PAGE_SIZE + 123;
	size_t i;

	ASSERT_NE(NULL, buffer);
	ASSERT_EQ(0, mock_rig_map(rig, 0, 2));
	ASSERT_EQ(0, mock_rig_map(rig, 2, 1));
	ASSERT_EQ(0, mock_rig_map(rig, 3, 5));
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		memory_fill(buffer, length, i);
		EXPECT_EQ(0, access_rw(rig->fd, self->pins,
				       mock_rig_iova(0) + 77, length, buffer,
				       paths[i] | MOCK_ACCESS_RW_WRITE));
		EXPECT_EQ(-1, memory_compare(rig->buffer + 77, length, i));
		memory_fill(rig->buffer + 77, length, i + 10);
		EXPECT_EQ(0, access_rw(rig->fd, self->pins,
				       mock_rig_iova(0) + 77, length, buffer,
				       paths[i]));
		EXPECT_EQ(-1, memory_compare(buffer, length, i + 10));
	}
	EXPECT_REFS(&self->rig, "00000000");
	free(buffer);
}

/* Memory of another process: pages 0 and 1 are pinned, 2 and 3 are not. */
struct owner {
	struct mock_rig *rig;
	int access_fd;
	struct doorbell bell;
	__u32 id;
};

static int owner_child(void *arg)
{
	struct owner *owner = arg;
	struct mock_rig *rig = owner->rig;
	__u64 page;
	__u32 id;

	for (page = 0; page < 4; page++)
		*(__u64 *)mock_rig_va(rig, page) = mock_rig_mark(100 + page);
	if (mock_rig_map(rig, 0, 2) || mock_rig_map(rig, 2, 2) ||
	    pin(rig, owner->access_fd, 0, 2, &id))
		return 1;
	child_ring(&owner->bell);
	return child_await(&owner->bell) ? 2 : 0;
}

TEST_F(access, h43_copy_from_another_process_and_after_its_end)
{
	struct mock_rig *rig = &self->rig;
	struct owner owner = { .rig = rig, .access_fd = self->pins };
	static const __u32 paths[] = {
		0, MOCK_ACCESS_RW_SLOW_PATH, MOCK_ACCESS_RW_KTHREAD,
	};
	__u64 page, mark;
	pid_t child;
	size_t i;

	ASSERT_EQ(0, doorbell_init(&owner.bell));
	child = child_start(owner_child, &owner);
	ASSERT_EQ(0, parent_await(&owner.bell));
	for (page = 0; page < 4; page++)
		for (i = 0; i < ARRAY_SIZE(paths); i++) {
			mark = 0;
			EXPECT_EQ(0, read_mark(rig, self->pins, page, paths[i],
					       &mark));
			EXPECT_EQ(mock_rig_mark(100 + page), mark);
			mark = mock_rig_mark(200 + page);
			EXPECT_EQ(0, read_mark(rig, self->pins, page,
					       paths[i] | MOCK_ACCESS_RW_WRITE,
					       &mark));
			mark = 0;
			EXPECT_EQ(0, read_mark(rig, self->pins, page, paths[i],
					       &mark));
			EXPECT_EQ(mock_rig_mark(200 + page), mark);
			mark = mock_rig_mark(100 + page);
			EXPECT_EQ(0, read_mark(rig, self->pins, page,
					       paths[i] | MOCK_ACCESS_RW_WRITE,
					       &mark));
		}
	/* It is the other process's memory, not what is here at that address. */
	EXPECT_EQ(mock_rig_mark(0), *(__u64 *)rig->buffer);
	parent_ring(&owner.bell);
	ASSERT_EQ(0, child_wait(child, TIMEOUT_MS));

	for (page = 0; page < 4; page++)
		for (i = 0; i < ARRAY_SIZE(paths); i++) {
			mark = 0;
			EXPECT_EQ(page < 2 ? 0 : -EFAULT,
				  read_mark(rig, self->pins, page, paths[i],
					    &mark)) {
				TH_LOG("page %llu, flags %x", page, paths[i]);
			}
			if (page < 2)
				EXPECT_EQ(mock_rig_mark(100 + page), mark);
		}
	doorbell_close(&owner.bell);
}

TEST_F(access, domain_goes_and_pins_stay)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	__u64 pinned = status_kib("VmPin:"), page_kib = PAGE_SIZE / 1024;
	__u32 id;

	ASSERT_EQ(0, mock_rig_map(rig, 0, 8));
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	EXPECT_REFS(&self->rig, "111111110");
	EXPECT_EQ(0, mock_check_map(rig->fd, device.hwpt_id, mock_rig_iova(0),
				    8 * PAGE_SIZE, rig->buffer));
	ASSERT_EQ(0, pin(rig, self->pins, 3, 2, &id));
	EXPECT_REFS(&self->rig, "111111110");
	EXPECT_EQ(pinned + 8 * page_kib, status_kib("VmPin:"));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, device.id));
	EXPECT_REFS(&self->rig, "000110000");
	EXPECT_EQ(pinned + 2 * page_kib, status_kib("VmPin:"));
	/* Filling a domain again uses what is pinned. */
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	EXPECT_REFS(&self->rig, "111111110");
	EXPECT_EQ(0, mock_check_map(rig->fd, device.hwpt_id, mock_rig_iova(0),
				    8 * PAGE_SIZE, rig->buffer));
	EXPECT_EQ(0, access_unpin(rig->fd, self->pins, id));
	EXPECT_REFS(&self->rig, "111111110");
	EXPECT_EQ(0, iommufd_destroy(rig->fd, device.id));
	EXPECT_REFS(&self->rig, "000000000");
}

TEST_F(access, pins_stay_what_they_were)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	__u64 mark = 0;
	__u32 id;

	/* The process replaces its memory; what is pinned is the old page. */
	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, pin(rig, self->pins, 0, 2, &id));
	ASSERT_NE(MAP_FAILED, mmap(rig->buffer, 4 * PAGE_SIZE,
				   PROT_READ | PROT_WRITE, MAP_FIXED |
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	*(__u64 *)mock_rig_va(rig, 1) = 1;
	*(__u64 *)mock_rig_va(rig, 3) = 3;
	EXPECT_EQ(0, read_mark(rig, self->pins, 1, MOCK_ACCESS_RW_SLOW_PATH,
			       &mark));
	EXPECT_EQ(mock_rig_mark(1), mark);
	EXPECT_EQ(0, read_mark(rig, self->pins, 3, MOCK_ACCESS_RW_SLOW_PATH,
			       &mark));
	EXPECT_EQ(3, mark);
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	EXPECT_EQ(-EINVAL, mock_check_map(rig->fd, device.hwpt_id,
					  mock_rig_iova(0), 2 * PAGE_SIZE,
					  rig->buffer));
	EXPECT_EQ(0, mock_check_map(rig->fd, device.hwpt_id, mock_rig_iova(2),
				    2 * PAGE_SIZE, mock_rig_va(rig, 2)));
	EXPECT_REFS(&self->rig, "0011");
	EXPECT_EQ(0, access_unpin(rig->fd, self->pins, id));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, device.id));
	EXPECT_REFS(&self->rig, "0000");
}

TEST_F(access, overlapping_pins_count_once)
{
	struct mock_rig *rig = &self->rig;
	__u64 pinned = status_kib("VmPin:"), page_kib = PAGE_SIZE / 1024;
	int other = access_create(rig->fd, rig->ioas_id, PINS);
	__u32 ids[4];

	ASSERT_GE(other, 0);
	ASSERT_EQ(0, mock_rig_map(rig, 0, 10));
	ASSERT_EQ(0, pin(rig, self->pins, 0, 6, &ids[0]));
	ASSERT_EQ(0, pin(rig, self->pins, 3, 6, &ids[1]));
	ASSERT_EQ(0, pin(rig, other, 3, 6, &ids[2]));
	ASSERT_EQ(0, pin(rig, other, 4, 1, &ids[3]));
	EXPECT_REFS(&self->rig, "1111111110");
	EXPECT_EQ(pinned + 9 * page_kib, status_kib("VmPin:"));
	EXPECT_EQ(0, access_unpin(rig->fd, self->pins, ids[1]));
	EXPECT_REFS(&self->rig, "1111111110");
	EXPECT_EQ(0, access_unpin(rig->fd, self->pins, ids[0]));
	EXPECT_REFS(&self->rig, "0001111110");
	EXPECT_EQ(pinned + 6 * page_kib, status_kib("VmPin:"));
	EXPECT_EQ(0, access_unpin(rig->fd, other, ids[2]));
	EXPECT_REFS(&self->rig, "0000100000");
	/* Going away lets go. */
	close(other);
	EXPECT_REFS(&self->rig, "0000000000");
	EXPECT_EQ(pinned, status_kib("VmPin:"));
}

TEST_F(access, pins_and_domains_of_two_ioases)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device devices[2];
	__u64 pinned = status_kib("VmPin:"), page_kib = PAGE_SIZE / 1024;
	__u32 id;

	ASSERT_EQ(0, mock_rig_map(rig, 0, 8));
	ASSERT_EQ(0, mock_rig_copy(rig, 2, 4));
	ASSERT_EQ(0, pin(rig, self->pins, 1, 2, &id));
	ASSERT_EQ(0, mock_plug(rig->fd, rig->other_id, &devices[1]));
	EXPECT_REFS(&self->rig, "01111100");
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &devices[0]));
	EXPECT_REFS(&self->rig, "11111111");
	EXPECT_EQ(pinned + 8 * page_kib, status_kib("VmPin:"));
	/* The area goes, and with it the pin; the copy keeps its pages. */
	EXPECT_EQ(0, mock_rig_unmap(rig, 0, 8));
	EXPECT_REFS(&self->rig, "00111100");
	EXPECT_EQ(0, mock_check_map(rig->fd, devices[1].hwpt_id,
				    mock_rig_iova(2), 4 * PAGE_SIZE,
				    mock_rig_va(rig, 2)));
	EXPECT_EQ(-ENOENT, access_unpin(rig->fd, self->pins, id));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, devices[0].id));
	EXPECT_REFS(&self->rig, "00111100");
	EXPECT_EQ(0, iommufd_destroy(rig->fd, devices[1].id));
	EXPECT_REFS(&self->rig, "00000000");
	EXPECT_EQ(pinned, status_kib("VmPin:"));
}

TEST_F(access, ioas_in_use_cannot_be_destroyed)
{
	struct mock_rig *rig = &self->rig;
	int copies = access_create(rig->fd, rig->other_id, 0);

	ASSERT_GE(copies, 0);
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->other_id));
	close(copies);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->other_id));
	EXPECT_EQ(-ENOENT, access_create(rig->fd, rig->other_id, 0));
}

TEST_F(access, files_close_in_any_order)
{
	struct mock_rig *rig = &self->rig;
	__u32 id;

	/* The access keeps its context, and lets go of all when it is closed. */
	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, pin(rig, self->pins, 0, 4, &id));
	close(rig->fd);
	rig->fd = iommufd_open();
	ASSERT_GE(rig->fd, 0);
	EXPECT_REFS(&self->rig, "1111");
	close(self->pins);
	self->pins = -1;
	EXPECT_REFS(&self->rig, "0000");
}

TEST_HARNESS_MAIN

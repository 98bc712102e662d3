// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Page faults that are outstanding when devices, page tables, queues and
 * programs go, and devices that ask without end, on the mock IOMMU. It counts
 * what devices were told, and warns of an answer too many and of a device that
 * goes without one.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fault_fixture.h"
#include "lib/process.h"

/* One group that is read and one that waits. */
static __u32 ask_two(struct fault_rig *rig, const struct queue *queue)
{
	if (fault_ask(rig, 1) || fault_ask(rig, 2))
		return 0;
	return fault_read_cookie(queue);
}

TEST_F(faults, h52_detach)
{
	struct fault_rig *rig = &self->rig;
	struct mock_device another;
	__u32 cookie, kept;

	ASSERT_EQ(0, mock_plug(rig->rig.fd, rig->queue.hwpt_id, &another));
	ASSERT_EQ(0, mock_fault(rig->rig.fd, another.idev_id, 1, PERM_RW, 0));
	kept = fault_read_cookie(&rig->queue);
	ASSERT_EQ(0, mock_fault(rig->rig.fd, another.idev_id, 2, PERM_RW, 0));
	cookie = ask_two(rig, &rig->queue);
	/* The oldest that waits is the other one's. */
	ASSERT_NE(0, cookie);
	ASSERT_EQ(1, fault_read_group(&rig->queue));
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, rig->device.id));
	EXPECT_ANSWERS(rig, 0, 2);
	EXPECT_EQ(0, fault_read(&rig->queue, NULL, FAULT_SIZE));
	/* What the other one has asked for is as before. */
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->queue, kept,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_ANSWERS(rig, 1, 2);
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, another.id));
	EXPECT_ANSWERS(rig, 1, 3);
	EXPECT_EQ(-EINVAL, fault_answer(&rig->queue, cookie,
					IOMMUFD_PAGE_RESP_SUCCESS));
}

/* From one queue to another, to another page table of the same, to none. */
TEST_F(faults, h52_replace)
{
	struct fault_rig *rig = &self->rig;
	__u32 same, cookie;

	ASSERT_EQ(0, hwpt_alloc_faults(rig->rig.fd, rig->device.idev_id,
				       rig->rig.ioas_id, rig->other.id, &same));
	cookie = ask_two(rig, &rig->queue);
	/* To what it has already */
	EXPECT_EQ(0, mock_replace(rig->rig.fd, rig->device.id,
				  rig->queue.hwpt_id));
	EXPECT_ANSWERS(rig, 0, 0);
	EXPECT_EQ(0, mock_replace(rig->rig.fd, rig->device.id,
				  rig->other.hwpt_id));
	EXPECT_ANSWERS(rig, 0, 2);
	EXPECT_EQ(0, fault_read(&rig->queue, NULL, FAULT_SIZE));
	cookie = ask_two(rig, &rig->other);
	EXPECT_NE(0, cookie);
	EXPECT_FALSE(fault_waits(&rig->queue));
	EXPECT_EQ(0, mock_replace(rig->rig.fd, rig->device.id, same));
	EXPECT_ANSWERS(rig, 0, 4);
	EXPECT_EQ(-EINVAL, fault_answer(&rig->other, cookie,
					IOMMUFD_PAGE_RESP_SUCCESS));
	cookie = ask_two(rig, &rig->other);
	EXPECT_NE(0, cookie);
	EXPECT_EQ(0, mock_replace(rig->rig.fd, rig->device.id,
				  rig->rig.ioas_id));
	EXPECT_ANSWERS(rig, 0, 6);
	/* It may not ask now. */
	EXPECT_EQ(-EINVAL, fault_ask(rig, 1));
	EXPECT_ANSWERS(rig, 0, 6);
	EXPECT_EQ(0, mock_replace(rig->rig.fd, rig->device.id,
				  rig->queue.hwpt_id));
	cookie = ask_two(rig, &rig->queue);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->queue, cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_ANSWERS(rig, 1, 6);
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, same));
}

/* A replace that fails has answered nothing. */
TEST_F(faults, h52_failed_replace)
{
	struct fault_rig *rig = &self->rig;
	__u32 cookie = ask_two(rig, &rig->queue);

	ASSERT_EQ(0, ioas_map_fixed(rig->rig.fd, rig->rig.other_id,
				    rig->rig.buffer, PAGE_SIZE,
				    MOCK_APERTURE_LAST + 1ULL));
	EXPECT_EQ(-EADDRINUSE, mock_replace(rig->rig.fd, rig->device.id,
					    rig->rig.other_id));
	EXPECT_ANSWERS(rig, 0, 0);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->queue, cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(2, fault_read_group(&rig->queue));
	EXPECT_EQ(0, fault_ask(rig, 1));
	EXPECT_EQ(1, fault_read_group(&rig->queue));
}

TEST_F(faults, h52_what_is_in_use_stays)
{
	struct fault_rig *rig = &self->rig;

	EXPECT_NE(0, ask_two(rig, &rig->queue));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->rig.fd, rig->queue.hwpt_id));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->rig.fd, rig->queue.id));
	EXPECT_ANSWERS(rig, 0, 0);
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, rig->device.id));
	EXPECT_ANSWERS(rig, 0, 2);
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, rig->queue.hwpt_id));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->rig.fd, rig->queue.id));
	queue_close(&rig->queue);
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, rig->queue.id));
}

TEST_F(faults, h52_closed_file)
{
	struct fault_rig *rig = &self->rig;
	int copy = dup(rig->queue.fd);

	ASSERT_GE(copy, 0);
	EXPECT_NE(0, ask_two(rig, &rig->queue));
	queue_close(&rig->queue);
	/* Somebody can answer yet. */
	EXPECT_ANSWERS(rig, 0, 0);
	close(copy);
	EXPECT_ANSWERS(rig, 0, 2);
	/* Nobody can, and the device is told so at once. */
	EXPECT_EQ(0, fault_ask(rig, 3));
	EXPECT_ANSWERS(rig, 0, 3);
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->rig.fd, rig->queue.id));
	EXPECT_EQ(0, mock_replace(rig->rig.fd, rig->device.id,
				  rig->rig.ioas_id));
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, rig->queue.hwpt_id));
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, rig->queue.id));
}

/* It never answers, and is killed in the end. */
static int die_with_faults(void *argument)
{
	struct mock_device device;
	struct queue queue;
	__u32 grpid, ioas_id;
	int fd = iommufd_open();

	(void)argument;
	if (fd < 0 || ioas_alloc(fd, &ioas_id) ||
	    mock_plug(fd, ioas_id, &device) ||
	    fault_alloc(fd, &queue.id, &queue.fd) ||
	    hwpt_alloc_faults(fd, device.idev_id, ioas_id, queue.id,
			      &queue.hwpt_id) ||
	    mock_replace(fd, device.id, queue.hwpt_id))
		return 1;
	for (grpid = 0; grpid < 10; grpid++)
		if (mock_fault(fd, device.idev_id, grpid, PERM_RW, 0))
			return 2;
	for (grpid = 0; grpid < 5; grpid++)
		if (!fault_read_cookie(&queue))
			return 3;
	kill(getpid(), SIGKILL);
	return 4;
}

TEST_F(faults, h52_killed)
{
	struct fault_rig *rig = &self->rig;
	struct mock_answers now = {};
	__u64 end;

	EXPECT_EQ(-EINTR, child_run(die_with_faults, NULL, TIMEOUT_MS));
	/* Its files are closed on its way out, or just behind. */
	for (end = now_ms() + TIMEOUT_MS; now_ms() < end; sleep_ms(1)) {
		ASSERT_EQ(0, mock_answers(rig->rig.fd, &now));
		if (now.invalid - rig->before.invalid == 10)
			break;
	}
	EXPECT_EQ(10, now.groups - rig->before.groups);
	EXPECT_EQ(10, now.invalid - rig->before.invalid);
}

/* Without anything closed or answered; the teardown and the mock count. */
TEST_F(faults, h52_left_for_close)
{
	struct fault_rig *rig = &self->rig;
	unsigned int i;

	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, fault_ask_for(rig, i, 3));
	ASSERT_EQ(3 * FAULT_SIZE, fault_read(&rig->queue, rig->rig.buffer,
					     5 * FAULT_SIZE));
}

/* A device that asks without end, and a program that does not listen */
TEST_F(faults, h54_full_queue)
{
	struct fault_rig *rig = &self->rig;
	__u32 cookie;
	unsigned int i;

	for (i = 0; i < FAULTS_MAX; i++)
		ASSERT_EQ(0, fault_ask(rig, i));
	EXPECT_ANSWERS(rig, 0, 0);
	EXPECT_EQ(0, fault_ask(rig, FAULTS_MAX));
	EXPECT_ANSWERS(rig, 0, 1);
	/* The queue of others is their own. */
	cookie = fault_read_cookie(&rig->queue);
	EXPECT_EQ(0, fault_ask(rig, FAULTS_MAX));
	EXPECT_ANSWERS(rig, 0, 2);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->queue, cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, fault_ask(rig, FAULTS_MAX));
	EXPECT_ANSWERS(rig, 1, 2);
	EXPECT_EQ(0, mock_replace(rig->rig.fd, rig->device.id,
				  rig->other.hwpt_id));
	EXPECT_ANSWERS(rig, 1, 2 + FAULTS_MAX);
}

/* Nobody serves the PASIDs of a device that is attached as a whole. */
TEST_F(faults, faults_of_a_pasid)
{
	struct fault_rig *rig = &self->rig;
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_TRIGGER_IOPF,
		.trigger_iopf = {
			.dev_id = rig->device.idev_id,
			.pasid = 5,
			.perm = PERM_RW,
		},
	};

	EXPECT_EQ(-EINVAL, iommufd_ioctl(rig->rig.fd, IOMMU_TEST_CMD, &cmd));
	EXPECT_ANSWERS(rig, 0, 1);
	EXPECT_FALSE(fault_waits(&rig->queue));
}

/* All at once */

struct storm {
	struct fault_rig *rig;
	bool over;
	unsigned int asked;
	unsigned int answered;
	int unexpected;
};

static bool is_over(struct storm *storm)
{
	return __atomic_load_n(&storm->over, __ATOMIC_RELAXED);
}

static void count(unsigned int *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void *storm_ask(void *argument)
{
	struct storm *storm = argument;
	__u32 grpid;
	int ret;

	for (grpid = 0; !is_over(storm); grpid = (grpid + 1) % 512) {
		ret = fault_ask(storm->rig, grpid);
		/* Not answered yet, or may not ask now */
		if (!ret)
			count(&storm->asked);
		else if (ret != -EBUSY && ret != -EINVAL)
			storm->unexpected = ret;
	}
	return NULL;
}

static void *storm_serve(void *argument)
{
	struct storm *storm = argument;
	struct iommu_hwpt_pgfault faults[6];
	unsigned int turn;
	ssize_t ret, i;

	for (turn = 0; !is_over(storm); turn++) {
		struct queue *queue = turn % 2 ? &storm->rig->queue :
						 &storm->rig->other;

		ret = fault_read(queue, turn % 7 ? faults : NULL,
				 sizeof(faults));
		if (ret < 0 && ret != -EFAULT)
			storm->unexpected = ret;
		for (i = 0; i < ret / FAULT_SIZE; i++)
			if (fault_answer(queue, faults[i].cookie, turn % 2) ==
			    ANSWER_SIZE)
				count(&storm->answered);
	}
	return NULL;
}

static void *storm_move(void *argument)
{
	struct storm *storm = argument;
	struct fault_rig *rig = storm->rig;
	const __u32 places[] = {
		rig->other.hwpt_id, rig->rig.other_id, rig->queue.hwpt_id,
	};
	unsigned int turn;
	int ret;

	for (turn = 0; !is_over(storm); turn++) {
		ret = mock_replace(rig->rig.fd, rig->device.id,
				   places[turn % ARRAY_SIZE(places)]);
		if (ret)
			storm->unexpected = ret;
		sleep_ms(turn % 5);
	}
	return NULL;
}

static void *(*const storm_parts[])(void *) = {
	storm_ask, storm_ask, storm_serve, storm_serve, storm_move,
};

#define STORM_PARTS	ARRAY_SIZE(storm_parts)

TEST_F(faults, h51_storm)
{
	struct fault_rig *rig = &self->rig;
	pthread_t threads[STORM_PARTS];
	struct storm storm = { .rig = rig };
	struct mock_answers now;
	size_t i;

	for (i = 0; i < STORM_PARTS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, storm_parts[i],
					    &storm));
	sleep_ms(3000);
	__atomic_store_n(&storm.over, true, __ATOMIC_RELAXED);
	for (i = 0; i < STORM_PARTS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, storm.unexpected);
	EXPECT_GT(storm.asked, 0);
	EXPECT_GT(storm.answered, 0);
	ASSERT_EQ(0, mock_replace(rig->rig.fd, rig->device.id,
				  rig->rig.other_id));
	ASSERT_EQ(0, mock_answers(rig->rig.fd, &now));
	EXPECT_EQ(now.groups - rig->before.groups,
		  now.success - rig->before.success +
		  now.invalid - rig->before.invalid +
		  now.failure - rig->before.failure);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * IOMMU_IOAS_MAP_FILE while files change: truncation and punched holes take
 * pages out of a file, not away from devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "file/fixture.h"
#include "lib/harness.h"
#include "lib/process.h"

#define SEED	7

static int truncate_all(struct subject *subject)
{
	return ftruncate(subject->file, 0) ? -errno : 0;
}

static int punch_all(struct subject *subject)
{
	return fallocate(subject->file,
			 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 subject->length) ? -errno : 0;
}

TEST_F(file, h59_truncated_while_mapped)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int reader = access_create(rig->fd, rig->ioas_id, 0);
	struct mock_device device, again;

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	memset(subject->va, 'x', subject->length);
	ASSERT_EQ(0, map_all(subject));
	ASSERT_EQ(0, truncate_all(subject));
	EXPECT_TRUE(shows(subject, reader, 'x'));
	EXPECT_PINNED(subject->pages);
	ASSERT_EQ(0, unplug(subject, &device));
	EXPECT_PINNED(0);
	/* What was orphaned went with the page table. */
	EXPECT_FALSE(shows(subject, reader, 'x'));
	EXPECT_EQ(-EFAULT, plug(subject, &again));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, ftruncate(subject->file, subject->length));
	ASSERT_EQ(0, plug(subject, &again));
	EXPECT_TRUE(shows(subject, reader, 0));
	EXPECT_EQ(0, check(subject, &again));
	close(reader);
}

TEST_F(file, h59_punched_while_mapped)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int reader = access_create(rig->fd, rig->ioas_id, 0);
	struct mock_device device;

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	memset(subject->va, 'x', subject->length);
	ASSERT_EQ(0, map_all(subject));
	ASSERT_EQ(0, punch_all(subject));
	EXPECT_EQ(0, subject->va[0]);
	EXPECT_TRUE(shows(subject, reader, 'x'));
	EXPECT_EQ(-EINVAL, check(subject, &device));
	/* To have what the file has, map again. */
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, map_all(subject));
	EXPECT_TRUE(shows(subject, reader, 0));
	EXPECT_EQ(0, check(subject, &device));
	close(reader);
}

/*
 * fallocate() gives a file pages that nobody has cleared. Memory that was just
 * given back is full of what must not be seen there.
 */
TEST_F(file, h70_fallocated_pages_are_clean)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int reader = access_create(rig->fd, rig->ioas_id, 0);
	struct mock_device device;
	char *secret;

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	secret = memory_anonymous(subject->length, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, secret);
	memset(secret, 'x', subject->length);
	munmap(secret, subject->length);
	ASSERT_EQ(0, fallocate(subject->file, 0, 0, subject->length));
	ASSERT_EQ(0, map_all(subject));
	EXPECT_TRUE(shows(subject, reader, 0));
	EXPECT_EQ(0, check(subject, &device));
	/* What is cleared later would be lost. */
	memory_fill(subject->va, subject->length, SEED);
	ASSERT_EQ(0, unmap_all(subject));
	ASSERT_EQ(0, map_all(subject));
	EXPECT_EQ(-1, memory_compare(subject->va, subject->length, SEED));
	close(reader);
}

/**
 * struct torment - takes pages out of a file all the time, in another process
 * @subject: the file
 * @stop: has to stop
 */
struct torment {
	struct subject *subject;
	atomic_bool stop;
};

static int torment_run(void *arg)
{
	struct torment *torment = arg;
	struct subject *subject = torment->subject;
	unsigned int round;

	for (round = 0; !atomic_load(&torment->stop); round++) {
		int ret = round % 3 ? punch_all(subject) : truncate_all(subject);

		if (ret || ftruncate(subject->file, subject->length))
			return 1;
		/* Without a huge page this fails, which is no matter. */
		if (round % 3 == 1 &&
		    fallocate(subject->file, 0, 0, subject->length))
			continue;
	}
	return 0;
}

/* Behind this size this process makes no file longer; the signal is ignored. */
static int limit_file_size(__u64 bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	return setrlimit(RLIMIT_FSIZE, &limit) ? -errno : 0;
}

static bool is_expected(int ret)
{
	/* EINVAL: too short when it was mapped; ENOMEM: no huge page. */
	return !ret || ret == -EINVAL || ret == -EFAULT || ret == -EBUSY ||
	       ret == -ENOMEM;
}

/*
 * Whatever is mapped is the file's at that time, or fails; nothing is lost. What
 * fills holes comes too late now and then, where a limit keeps it from filling.
 */
TEST_F(file, h70_map_races_with_truncation)
{
	struct subject *subject = &self->subject;
	struct torment *torment;
	struct mock_device device;
	unsigned int i, mapped = 0;
	pid_t child;

	torment = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)torment);
	torment->subject = subject;
	ASSERT_EQ(0, plug(subject, &device));
	child = child_start(torment_run, torment);
	ASSERT_GT(child, 0);
	ASSERT_EQ(0, limit_file_size(0));
	for (i = 0; i < 40; i++) {
		int ret = map_all(subject);

		EXPECT_TRUE(is_expected(ret)) {
			TH_LOG("errno %d", ret);
		}
		mapped += !ret;
		EXPECT_PINNED(ret ? 0 : subject->pages);
		EXPECT_EQ(0, unmap_all(subject));
	}
	ASSERT_EQ(0, limit_file_size(RLIM_INFINITY));
	atomic_store(&torment->stop, true);
	EXPECT_EQ(0, child_wait(child, TIMEOUT_MS));
	EXPECT_GT(mapped, 0);
	EXPECT_PINNED(0);
	ASSERT_EQ(0, map_all(subject));
	EXPECT_EQ(0, check(subject, &device));
	munmap(torment, PAGE_SIZE);
}

/* What is behind the end is nothing to fill, and it might not be allowed. */
TEST_F(file, h59_last_page_is_not_whole)
{
	struct subject *subject = &self->subject;
	__u64 part = PAGE_SIZE / 2, length = subject->length - part;
	int reader = access_create(subject->rig.fd, subject->rig.ioas_id, 0);
	struct mock_device device;
	char buffer[2] = "xx";

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, truncate_all(subject));
	/* On a hugetlbfs only this makes files that end in a page. */
	ASSERT_EQ(0, fallocate(subject->file, 0, 0, length));
	ASSERT_EQ(0, punch_all(subject));
	ASSERT_EQ(0, limit_file_size(length));
	EXPECT_EQ(0, map_part(subject, length - part, part));
	EXPECT_PINNED(1);
	EXPECT_EQ(0, access_rw(subject->rig.fd, reader, IOVA + length - part,
			       sizeof(buffer), buffer,
			       MOCK_ACCESS_RW_SLOW_PATH));
	EXPECT_EQ(0, buffer[0] | buffer[1]);
	ASSERT_EQ(0, limit_file_size(RLIM_INFINITY));
	close(reader);
}

static void ignore(int signal)
{
	(void)signal;
}

/* What fills a hole may give up at any signal, and begin again for ever. */
TEST_F(file, h60_signals_do_not_matter)
{
	const struct itimerval often = {
		.it_interval.tv_usec = 500,
		.it_value.tv_usec = 500,
	};
	const struct itimerval never = {};
	const struct sigaction action = { .sa_handler = ignore };
	struct subject *subject = &self->subject;
	struct mock_device device;
	unsigned int i;

	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(0, map_all(subject));
		EXPECT_EQ(0, unmap_all(subject));
		EXPECT_EQ(0, punch_all(subject));
	}
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
}

TEST_HARNESS_MAIN

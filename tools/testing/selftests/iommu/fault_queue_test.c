// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Page faults of devices, read from a queue and answered, on the mock IOMMU.
 * The mock counts what devices were told, and warns of an answer too many and
 * of a device that goes without one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/fault_fixture.h"
#include "lib/trap.h"

/* Making queues and page tables */

TEST_F(faults, queue_and_file)
{
	struct fault_rig *rig = &self->rig;
	struct queue queue;
	char byte;

	ASSERT_EQ(0, fault_alloc(rig->rig.fd, &queue.id, &queue.fd));
	EXPECT_EQ(FD_CLOEXEC, fcntl(queue.fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(queue.fd, F_GETFL) & O_ACCMODE);
	/* The file uses it. */
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->rig.fd, queue.id));
	/* It is no other file. */
	EXPECT_EQ(-1, ioctl(queue.fd, IOMMU_IOAS_ALLOC, &byte));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED,
				   queue.fd, 0));
	close(queue.fd);
	/* It is nothing to attach to. */
	EXPECT_EQ(-ENOENT, mock_replace(rig->rig.fd, rig->device.id, queue.id));
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, queue.id));
	EXPECT_EQ(-ENOENT, iommufd_destroy(rig->rig.fd, queue.id));
}

TEST_F(faults, flags_and_ids)
{
	struct fault_rig *rig = &self->rig;
	struct iommu_fault_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.dev_id = rig->device.idev_id,
		.pt_id = rig->rig.ioas_id,
	};
	const __u32 ids[] = {
		0, 0xffffffff, 1000, rig->rig.ioas_id, rig->device.idev_id,
		rig->queue.hwpt_id,
	};
	unsigned int i;

	for (i = 0; i < 32; i++) {
		alloc.flags = 1U << i;
		EXPECT_EQ(-EOPNOTSUPP, iommufd_ioctl(rig->rig.fd,
						     IOMMU_FAULT_QUEUE_ALLOC,
						     &alloc));
	}
	EXPECT_EQ(0, alloc.out_fault_id);
	EXPECT_EQ(0, alloc.out_fault_fd);
	hwpt.flags = IOMMU_HWPT_FAULT_ID_VALID;
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		hwpt.fault_id = ids[i];
		EXPECT_EQ(-ENOENT, iommufd_ioctl(rig->rig.fd, IOMMU_HWPT_ALLOC,
						 &hwpt)) {
			TH_LOG("queue %#x", ids[i]);
		}
	}
	/* Without the flag nobody looks at it. */
	hwpt.flags = 0;
	EXPECT_EQ(0, iommufd_ioctl(rig->rig.fd, IOMMU_HWPT_ALLOC, &hwpt));
	/* Each page table uses its queue. */
	queue_close(&rig->other);
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->rig.fd, rig->other.id));
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, rig->other.hwpt_id));
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, rig->other.id));
}

static unsigned int open_files(void)
{
	unsigned int count = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

TEST_F(faults, h03_no_file_no_queue)
{
	struct fault_rig *rig = &self->rig;
	struct iommu_fault_alloc *alloc;
	struct rlimit limit, none;
	__u32 next_id, id;
	unsigned int files;
	int fd;

	alloc = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)alloc);
	alloc->size = sizeof(*alloc);
	ASSERT_EQ(0, ioas_alloc(rig->rig.fd, &next_id));
	ASSERT_EQ(0, iommufd_destroy(rig->rig.fd, next_id));
	files = open_files();
	/* The answer cannot be written. */
	ASSERT_EQ(0, mprotect(alloc, PAGE_SIZE, PROT_READ));
	EXPECT_EQ(-EFAULT, iommufd_ioctl(rig->rig.fd, IOMMU_FAULT_QUEUE_ALLOC,
					 alloc));
	EXPECT_EQ(files, open_files());
	/* The process may have no more files. */
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, fault_alloc(rig->rig.fd, &id, &fd));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(files, open_files());
	ASSERT_EQ(0, ioas_alloc(rig->rig.fd, &id));
	EXPECT_EQ(next_id, id);
	munmap(alloc, PAGE_SIZE);
}

/* Which of the two is closed first does not matter. */
TEST_F(faults, h03_file_keeps_the_iommufd)
{
	struct fault_rig *rig = &self->rig;
	struct mock_answers now;
	__u32 cookie;

	ASSERT_EQ(0, fault_ask(rig, 1));
	ASSERT_EQ(0, fault_ask(rig, 2));
	queue_close(&rig->other);
	close(rig->rig.fd);
	rig->rig.fd = -1;
	cookie = fault_read_cookie(&rig->queue);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->queue, cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	queue_close(&rig->queue);
	/* All has gone with it. */
	rig->rig.fd = iommufd_open();
	ASSERT_GE(rig->rig.fd, 0);
	ASSERT_EQ(0, mock_answers(rig->rig.fd, &now));
	EXPECT_EQ(1, now.success - rig->before.success);
	EXPECT_EQ(1, now.invalid - rig->before.invalid);
}

/* Reading */

TEST_F(faults, h53_all_that_is_told)
{
	struct fault_rig *rig = &self->rig;
	struct iommu_hwpt_pgfault faults[3];
	unsigned int i;

	memset(faults, 0x5a, sizeof(faults));
	ASSERT_EQ(0, fault_ask_for(rig, 7, 3));
	ASSERT_EQ(sizeof(faults), fault_read(&rig->queue, faults,
					     sizeof(faults)));
	for (i = 0; i < 3; i++) {
		const struct iommu_hwpt_pgfault expected = {
			.flags = i == 2 ? IOMMU_PGFAULT_FLAGS_LAST_PAGE : 0,
			.dev_id = rig->device.idev_id,
			.grpid = 7,
			.perm = PERM_RW,
			.addr = fault_address(7, i),
			.cookie = faults[0].cookie,
		};

		EXPECT_EQ(0, memcmp(&faults[i], &expected, sizeof(expected))) {
			TH_LOG("fault %u", i);
		}
	}
	EXPECT_NE(0, faults[0].cookie);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->queue, faults[0].cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_ANSWERS(rig, 1, 0);
}

TEST_F(faults, h53_permissions)
{
	struct fault_rig *rig = &self->rig;
	const __u32 perms[] = {
		IOMMU_PGFAULT_PERM_READ, IOMMU_PGFAULT_PERM_WRITE,
		IOMMU_PGFAULT_PERM_EXEC, IOMMU_PGFAULT_PERM_PRIV,
	};
	struct iommu_hwpt_pgfault fault;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(perms); i++) {
		ASSERT_EQ(0, mock_fault(rig->rig.fd, rig->device.idev_id, i,
					perms[i], ~0ULL));
		ASSERT_EQ(FAULT_SIZE, fault_read(&rig->queue, &fault,
						 sizeof(fault)));
		EXPECT_EQ(perms[i], fault.perm);
		EXPECT_EQ(~0ULL, fault.addr);
		EXPECT_EQ(0, fault.pasid);
	}
}

/* A group is not there before its last fault, and not read in parts. */
TEST_F(faults, h53_whole_groups)
{
	struct fault_rig *rig = &self->rig;
	struct iommu_hwpt_pgfault faults[8];

	ASSERT_EQ(0, mock_fault(rig->rig.fd, rig->device.idev_id, 1,
				PERM_RW | MOCK_FLAGS_IOPF_MORE, 0));
	EXPECT_FALSE(fault_waits(&rig->queue));
	EXPECT_EQ(0, fault_read(&rig->queue, faults, sizeof(faults)));
	ASSERT_EQ(0, fault_ask(rig, 2));
	ASSERT_EQ(0, fault_ask_for(rig, 3, 3));
	ASSERT_EQ(0, fault_ask(rig, 1));
	/* In the order of their last: 2 has one fault, 3 three, 1 two */
	EXPECT_EQ(FAULT_SIZE, fault_read(&rig->queue, faults,
					 3 * FAULT_SIZE));
	EXPECT_EQ(2, faults[0].grpid);
	EXPECT_EQ(-EINVAL, fault_read(&rig->queue, faults, FAULT_SIZE));
	EXPECT_EQ(-EINVAL, fault_read(&rig->queue, faults, 2 * FAULT_SIZE));
	EXPECT_TRUE(fault_waits(&rig->queue));
	EXPECT_EQ(3 * FAULT_SIZE, fault_read(&rig->queue, faults,
					     4 * FAULT_SIZE));
	EXPECT_EQ(3, faults[0].grpid);
	EXPECT_EQ(2 * FAULT_SIZE, fault_read(&rig->queue, faults,
					     sizeof(faults)));
	EXPECT_EQ(1, faults[0].grpid);
	EXPECT_EQ(0, faults[0].flags);
	EXPECT_EQ(IOMMU_PGFAULT_FLAGS_LAST_PAGE, faults[1].flags);
	EXPECT_FALSE(fault_waits(&rig->queue));
	/* As many as there are */
	ASSERT_EQ(0, fault_ask_for(rig, 4, 2));
	ASSERT_EQ(0, fault_ask_for(rig, 5, 3));
	ASSERT_EQ(0, fault_ask(rig, 6));
	EXPECT_EQ(6 * FAULT_SIZE, fault_read(&rig->queue, faults,
					     sizeof(faults)));
	EXPECT_EQ(4, faults[1].grpid);
	EXPECT_EQ(5, faults[2].grpid);
	EXPECT_EQ(6, faults[5].grpid);
	EXPECT_ANSWERS(rig, 0, 0);
}

TEST_F(faults, h53_sizes_and_offsets)
{
	struct fault_rig *rig = &self->rig;
	char buffer[4 * sizeof(struct iommu_hwpt_pgfault)];
	struct iovec parts[2] = {
		{ buffer, sizeof(struct iommu_hwpt_pgfault) },
		{ buffer, sizeof(struct iommu_hwpt_pgfault) },
	};
	size_t size;

	ASSERT_EQ(0, fault_ask(rig, 1));
	for (size = 0; size < sizeof(buffer); size++) {
		if (size % FAULT_SIZE == 0)
			continue;
		EXPECT_EQ(-ESPIPE, fault_read(&rig->queue, buffer, size)) {
			TH_LOG("size %zu", size);
		}
	}
	EXPECT_EQ(0, fault_read(&rig->queue, buffer, 0));
	EXPECT_EQ(-1, lseek(rig->queue.fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(rig->queue.fd, buffer, FAULT_SIZE, FAULT_SIZE));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(rig->queue.fd, buffer, ANSWER_SIZE, ANSWER_SIZE));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_TRUE(fault_waits(&rig->queue));
	ASSERT_EQ(0, fault_ask(rig, 2));
	EXPECT_EQ(2 * FAULT_SIZE, readv(rig->queue.fd, parts, 2));
}

TEST_F(faults, h53_empty)
{
	struct fault_rig *rig = &self->rig;
	struct pollfd pollfd = {
		.fd = rig->queue.fd,
		.events = POLLIN | POLLOUT | POLLPRI,
	};
	struct iommu_hwpt_pgfault fault;
	int flags = fcntl(rig->queue.fd, F_GETFL);
	int i;

	/* It does not wait, whether it may or not. */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, fcntl(rig->queue.fd, F_SETFL,
				   i ? flags | O_NONBLOCK : flags));
		EXPECT_EQ(0, fault_read(&rig->queue, &fault, sizeof(fault)));
		EXPECT_EQ(1, poll(&pollfd, 1, 0));
		EXPECT_EQ(POLLOUT, pollfd.revents);
	}
	/* It does not even look at the memory. */
	EXPECT_EQ(0, fault_read(&rig->queue, NULL, sizeof(fault)));
	ASSERT_EQ(0, fault_ask(rig, 1));
	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, pollfd.revents);
	EXPECT_EQ(1, fault_read_group(&rig->queue));
	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	EXPECT_EQ(POLLOUT, pollfd.revents);
}

static void *wait_readable(void *argument)
{
	struct queue *queue = argument;
	struct pollfd pollfd = { .fd = queue->fd, .events = POLLIN };

	return (void *)(intptr_t)poll(&pollfd, 1, TIMEOUT_MS);
}

TEST_F(faults, h53_poll_wakes)
{
	struct fault_rig *rig = &self->rig;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct iommu_hwpt_pgfault fault;
	pthread_t thread;
	void *ret;

	ASSERT_GE(epoll, 0);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, rig->queue.fd, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_readable,
				    &rig->queue));
	ASSERT_EQ(0, fault_ask(rig, 1));
	pthread_join(thread, &ret);
	EXPECT_EQ((void *)1, ret);
	/* At each edge: a fault that comes, and one that is put back */
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(-EFAULT, fault_read(&rig->queue, NULL, sizeof(fault)));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	ASSERT_EQ(0, fault_ask(rig, 2));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	close(epoll);
}

/* Three pages, the last of which is not there. */
static char *map_with_end(void)
{
	char *pages = mmap(NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED ||
	    mprotect(pages + 2 * PAGE_SIZE, PAGE_SIZE, PROT_NONE))
		return NULL;
	return pages;
}

TEST_F(faults, h53_memory_that_cannot_be_written)
{
	struct fault_rig *rig = &self->rig;
	struct iommu_hwpt_pgfault faults[8];
	char *end = map_with_end();

	ASSERT_NE(NULL, end);
	end += 2 * PAGE_SIZE;
	ASSERT_EQ(0, fault_ask(rig, 1));
	ASSERT_EQ(0, fault_ask_for(rig, 2, 3));
	ASSERT_EQ(0, fault_ask(rig, 3));
	EXPECT_EQ(-EFAULT, fault_read(&rig->queue, NULL, FAULT_SIZE));
	EXPECT_EQ(-EFAULT, fault_read(&rig->queue, end, 8 * FAULT_SIZE));
	EXPECT_EQ(-EFAULT, fault_read(&rig->queue, end - FAULT_SIZE + 1,
				      8 * FAULT_SIZE));
	/* The first group fits, of the second one fault and a half */
	EXPECT_EQ(FAULT_SIZE, fault_read(&rig->queue,
					 end - 2 * FAULT_SIZE - FAULT_SIZE / 2,
					 8 * FAULT_SIZE));
	/* All of the second, but one byte */
	EXPECT_EQ(-EFAULT, fault_read(&rig->queue, end - 3 * FAULT_SIZE + 1,
				      8 * FAULT_SIZE));
	EXPECT_TRUE(fault_waits(&rig->queue));
	EXPECT_EQ(4 * FAULT_SIZE, fault_read(&rig->queue, faults,
					     sizeof(faults)));
	EXPECT_EQ(2, faults[0].grpid);
	EXPECT_EQ(fault_address(2, 0), faults[0].addr);
	EXPECT_EQ(fault_address(2, 2), faults[2].addr);
	EXPECT_EQ(3, faults[3].grpid);
	munmap(end - 2 * PAGE_SIZE, 3 * PAGE_SIZE);
}

struct reader {
	pthread_t thread;
	struct queue *queue;
	struct trap trap;
	ssize_t ret;
};

static void *read_into_trap(void *argument)
{
	struct reader *reader = argument;

	reader->ret = fault_read(reader->queue, reader->trap.va, FAULT_SIZE);
	return NULL;
}

/* A thread that reads one fault and does not come back. */
static int reader_start(struct reader *reader, struct queue *queue)
{
	int ret = trap_open(&reader->trap, PAGE_SIZE);

	if (ret)
		return ret;
	reader->queue = queue;
	ret = -pthread_create(&reader->thread, NULL, read_into_trap, reader);
	if (!ret && trap_wait(&reader->trap, TIMEOUT_MS) != 1)
		ret = -ETIMEDOUT;
	return ret;
}

/* Neither readers nor devices wait for one that stays away. */
TEST_F(faults, h53_reader_that_stays_away)
{
	struct fault_rig *rig = &self->rig;
	struct reader reader;
	__u32 cookie;
	int ret;

	ASSERT_EQ(0, fault_ask(rig, 1));
	ASSERT_EQ(0, fault_ask(rig, 2));
	ret = reader_start(&reader, &rig->queue);
	if (ret == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, ret);
	cookie = fault_read_cookie(&rig->queue);
	EXPECT_NE(0, cookie);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->queue, cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, fault_ask(rig, 3));
	EXPECT_EQ(3, fault_read_group(&rig->queue));
	EXPECT_EQ(0, fault_read(&rig->queue, NULL, FAULT_SIZE));
	/* What it is reading is answered all the same. */
	EXPECT_EQ(0, iommufd_destroy(rig->rig.fd, rig->device.id));
	EXPECT_ANSWERS(rig, 1, 2);
	ASSERT_EQ(0, trap_release(&reader.trap));
	pthread_join(reader.thread, NULL);
	EXPECT_EQ(FAULT_SIZE, reader.ret);
	cookie = ((struct iommu_hwpt_pgfault *)reader.trap.va)->cookie;
	EXPECT_NE(0, cookie);
	EXPECT_EQ(-EINVAL, fault_answer(&rig->queue, cookie,
					IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, fault_read(&rig->queue, NULL, FAULT_SIZE));
	trap_close(&reader.trap);
}

/* Its group comes back to where it was, although others went on. */
TEST_F(faults, h53_reader_that_fails_late)
{
	struct fault_rig *rig = &self->rig;
	struct reader reader;
	__u32 cookie;
	int ret;

	ASSERT_EQ(0, fault_ask(rig, 1));
	ASSERT_EQ(0, fault_ask(rig, 2));
	ASSERT_EQ(0, fault_ask(rig, 3));
	ret = reader_start(&reader, &rig->queue);
	if (ret == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, ret);
	cookie = fault_read_cookie(&rig->queue);
	/* Nobody has got it yet, so nobody can answer it. */
	EXPECT_EQ(-EINVAL, fault_answer(&rig->queue, cookie - 1,
					IOMMUFD_PAGE_RESP_SUCCESS));
	trap_close(&reader.trap);
	pthread_join(reader.thread, NULL);
	EXPECT_EQ(-EFAULT, reader.ret);
	EXPECT_EQ(1, fault_read_group(&rig->queue));
	EXPECT_EQ(3, fault_read_group(&rig->queue));
	EXPECT_ANSWERS(rig, 0, 0);
}

/* Answering */

TEST_F(faults, h54_answers)
{
	struct fault_rig *rig = &self->rig;
	struct iommu_hwpt_page_response answers[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, fault_ask(rig, i));
		answers[i].cookie = fault_read_cookie(&rig->queue);
		answers[i].code = IOMMUFD_PAGE_RESP_SUCCESS;
		ASSERT_NE(0, answers[i].cookie);
	}
	EXPECT_EQ(0, fault_write(&rig->queue, answers, 0));
	answers[3].code = IOMMUFD_PAGE_RESP_INVALID;
	/* In any order */
	EXPECT_EQ(ANSWER_SIZE, fault_write(&rig->queue, &answers[2],
					   ANSWER_SIZE));
	EXPECT_ANSWERS(rig, 1, 0);
	EXPECT_EQ(2 * ANSWER_SIZE, fault_write(&rig->queue, answers,
					       2 * ANSWER_SIZE));
	EXPECT_ANSWERS(rig, 3, 0);
	EXPECT_EQ(ANSWER_SIZE, fault_write(&rig->queue, &answers[3],
					   ANSWER_SIZE));
	EXPECT_ANSWERS(rig, 3, 1);
	/* The device may ask with the same number again. */
	ASSERT_EQ(0, fault_ask(rig, 3));
	EXPECT_EQ(3, fault_read_group(&rig->queue));
}

TEST_F(faults, h54_garbage)
{
	struct fault_rig *rig = &self->rig;
	const __u32 codes[] = { 2, 3, 0x100, 0x80000000, 0xffffffff };
	struct iommu_hwpt_page_response answers[2] = {};
	__u32 cookie;
	size_t i;

	ASSERT_EQ(0, fault_ask(rig, 1));
	cookie = fault_read_cookie(&rig->queue);
	ASSERT_EQ(0, fault_ask(rig, 2));
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		EXPECT_EQ(-EINVAL, fault_answer(&rig->queue, cookie,
						codes[i])) {
			TH_LOG("code %#x", codes[i]);
		}
	}
	/* Cookies of nothing, and that of a group which nobody has read */
	for (i = 0; i < 100; i++) {
		if (i == cookie)
			continue;
		EXPECT_EQ(-EINVAL, fault_answer(&rig->queue, i,
						IOMMUFD_PAGE_RESP_SUCCESS)) {
			TH_LOG("cookie %zu", i);
		}
	}
	EXPECT_EQ(-EINVAL, fault_answer(&rig->queue, 0xffffffff,
					IOMMUFD_PAGE_RESP_SUCCESS));
	/* The right one in the wrong queue */
	EXPECT_EQ(-EINVAL, fault_answer(&rig->other, cookie,
					IOMMUFD_PAGE_RESP_SUCCESS));
	answers[0].cookie = cookie;
	answers[1].cookie = cookie;
	for (i = 1; i < sizeof(answers); i++) {
		if (i % ANSWER_SIZE == 0)
			continue;
		EXPECT_EQ(-ESPIPE, fault_write(&rig->queue, answers, i)) {
			TH_LOG("size %zu", i);
		}
	}
	EXPECT_EQ(-EFAULT, fault_write(&rig->queue, NULL, ANSWER_SIZE));
	EXPECT_ANSWERS(rig, 0, 0);
	EXPECT_EQ(ANSWER_SIZE, fault_answer(&rig->queue, cookie,
					    IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(2, fault_read_group(&rig->queue));
	EXPECT_ANSWERS(rig, 1, 0);
}

/* What comes before the first wrong one counts, and is counted. */
TEST_F(faults, h54_partial_progress)
{
	struct fault_rig *rig = &self->rig;
	struct iommu_hwpt_page_response answers[5];
	char *end = map_with_end();
	unsigned int i;

	ASSERT_NE(NULL, end);
	end += 2 * PAGE_SIZE;
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, fault_ask(rig, i));
		answers[i].cookie = fault_read_cookie(&rig->queue);
		answers[i].code = IOMMUFD_PAGE_RESP_SUCCESS;
	}
	answers[2].code = 2;
	EXPECT_EQ(2 * ANSWER_SIZE, fault_write(&rig->queue, answers,
					       sizeof(answers)));
	EXPECT_ANSWERS(rig, 2, 0);
	EXPECT_EQ(-EINVAL, fault_write(&rig->queue, &answers[2],
				       3 * ANSWER_SIZE));
	EXPECT_ANSWERS(rig, 2, 0);
	answers[2].code = IOMMUFD_PAGE_RESP_SUCCESS;
	/* The third of these cannot be read. */
	memcpy(end - 2 * ANSWER_SIZE, &answers[2], 2 * ANSWER_SIZE);
	EXPECT_EQ(2 * ANSWER_SIZE, fault_write(&rig->queue,
					       end - 2 * ANSWER_SIZE,
					       3 * ANSWER_SIZE));
	EXPECT_ANSWERS(rig, 4, 0);
	/* Half of it cannot. */
	memcpy(end - 4, &answers[4], 4);
	EXPECT_EQ(-EFAULT, fault_write(&rig->queue, end - 4, ANSWER_SIZE));
	EXPECT_EQ(ANSWER_SIZE, fault_write(&rig->queue, &answers[4],
					   ANSWER_SIZE));
	EXPECT_ANSWERS(rig, 5, 0);
	munmap(end - 2 * PAGE_SIZE, 3 * PAGE_SIZE);
}

TEST_F(faults, h54_twice)
{
	struct fault_rig *rig = &self->rig;
	struct iommu_hwpt_page_response answers[2];

	ASSERT_EQ(0, fault_ask(rig, 1));
	answers[0].cookie = fault_read_cookie(&rig->queue);
	answers[0].code = IOMMUFD_PAGE_RESP_SUCCESS;
	answers[1] = answers[0];
	EXPECT_EQ(ANSWER_SIZE, fault_write(&rig->queue, answers,
					   sizeof(answers)));
	EXPECT_EQ(-EINVAL, fault_write(&rig->queue, answers,
				       sizeof(answers)));
	EXPECT_ANSWERS(rig, 1, 0);
}

#define RACERS	4
#define RACES	200

struct racer {
	pthread_t thread;
	const struct queue *queue;
	const __u32 *cookies;
	unsigned int won;
};

static void *answer_all(void *argument)
{
	struct racer *racer = argument;
	unsigned int i;

	for (i = 0; i < RACES; i++)
		racer->won += fault_answer(racer->queue, racer->cookies[i],
					   IOMMUFD_PAGE_RESP_SUCCESS) ==
			      ANSWER_SIZE;
	return NULL;
}

TEST_F(faults, h54_racing_to_answer)
{
	struct fault_rig *rig = &self->rig;
	struct racer racers[RACERS] = {};
	__u32 cookies[RACES];
	unsigned int i, won = 0;

	for (i = 0; i < RACES; i++) {
		ASSERT_EQ(0, fault_ask(rig, i));
		cookies[i] = fault_read_cookie(&rig->queue);
	}
	for (i = 0; i < RACERS; i++) {
		racers[i].queue = &rig->queue;
		racers[i].cookies = cookies;
		ASSERT_EQ(0, pthread_create(&racers[i].thread, NULL,
					    answer_all, &racers[i]));
	}
	for (i = 0; i < RACERS; i++) {
		pthread_join(racers[i].thread, NULL);
		won += racers[i].won;
	}
	EXPECT_EQ(RACES, won);
	EXPECT_ANSWERS(rig, RACES, 0);
}

TEST_HARNESS_MAIN

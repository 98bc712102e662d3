// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/ioctls.h"
#include "lib/process.h"
#include "lib/usage.h"

#include "disturb.h"
#include "generate.h"
#include "ops.h"
#include "sources.h"
#include "watch.h"

#define E(name)		FUZZ_ERRNO(name)

#define PROCESSES	2

/* What any ioctl with a structure may return. */
#define ANY	(FUZZ_SUCCESS | E(EINVAL) | E(E2BIG) | E(EOPNOTSUPP) |	\
		 E(EFAULT) | E(ENOMEM))
#define WITH_ID	(ANY | E(ENOENT))
#define RANGE	(WITH_ID | E(EOVERFLOW))
#define PLACE	(RANGE | E(EEXIST) | E(ENOSPC))
#define FILE	(ANY | E(EBADF))
/* EBUSY: others take pages out of a file that is mapped, over and over. */
#define ATTACH	(WITH_ID | E(EADDRINUSE) | E(EBUSY))
#define TOUCH	(FILE | E(ENOENT) | E(EPERM) | E(EOVERFLOW) | E(EBUSY))
#define FAULTS	(FUZZ_SUCCESS | E(EINVAL) | E(ESPIPE) | E(EFAULT) | E(EBADF))

/* Queues of page faults that a process keeps open, for each context. */
#define QUEUES	4

static const fuzz_errnos documented[FUZZ_KINDS] = {
	[FUZZ_IOAS_ALLOC] = ANY,
	[FUZZ_DESTROY] = WITH_ID | E(EBUSY),
	[FUZZ_MAP] = PLACE,
	[FUZZ_MAP_FILE] = PLACE | E(EPERM) | E(EBADF) | E(EBUSY),
	[FUZZ_COPY] = PLACE | E(EPERM) | E(EBUSY),
	[FUZZ_UNMAP] = RANGE | E(EBUSY),
	[FUZZ_CHANGE_PROCESS] = ANY | E(EBUSY),
	[FUZZ_ALLOW_IOVAS] = RANGE | E(EADDRINUSE),
	[FUZZ_IOVA_RANGES] = RANGE | E(EMSGSIZE),
	[FUZZ_OPTION_HUGE_PAGES] = WITH_ID | E(EADDRINUSE),
	[FUZZ_OPTION_RLIMIT_MODE] = ANY | E(EPERM) | E(EBUSY),
	[FUZZ_OPTION_UNKNOWN] = ANY,
	[FUZZ_VFIO_IOAS] = WITH_ID | E(ENODEV),
	[FUZZ_VFIO_API_VERSION] = FUZZ_SUCCESS,
	[FUZZ_VFIO_CHECK_EXTENSION] = FUZZ_SUCCESS,
	[FUZZ_VFIO_SET_IOMMU] = FUZZ_SUCCESS | E(EINVAL) | E(ENODEV),
	[FUZZ_VFIO_GET_INFO] = ANY | E(ENODEV),
	[FUZZ_VFIO_MAP_DMA] = ANY | E(EEXIST) | E(ENODEV) | E(ENOENT),
	[FUZZ_VFIO_UNMAP_DMA] = WITH_ID | E(ENODEV),
	[FUZZ_VFIO_DIRTY_PAGES] = ANY | E(EACCES) | E(ENODEV),
	[FUZZ_UNKNOWN_FLAG] = E(EOPNOTSUPP) | E(EINVAL) | E(E2BIG) | E(EFAULT),
	[FUZZ_UNKNOWN_IOCTL] = E(ENOTTY),
	[FUZZ_MOCK_DOMAIN] = ATTACH,
	[FUZZ_MOCK_DOMAIN_REPLACE] = ATTACH,
	[FUZZ_ADD_RESERVED] = RANGE | E(EADDRINUSE),
	[FUZZ_CHECK_MAP] = RANGE,
	[FUZZ_CHECK_REFS] = ANY | E(EOVERFLOW) | E(EIO),
	[FUZZ_CHECK_BAR] = RANGE | E(EIO) | E(EBADF),
	[FUZZ_CREATE_ACCESS] = WITH_ID | E(EADDRINUSE) | E(EMFILE),
	[FUZZ_CLOSE_ACCESS] = FUZZ_SUCCESS,
	[FUZZ_ACCESS_PAGES] = TOUCH,
	[FUZZ_DESTROY_ACCESS_PAGES] = FILE | E(ENOENT),
	[FUZZ_ACCESS_RW] = TOUCH,
	[FUZZ_ACCESS_REPLACE] = FILE | E(ENOENT) | E(EADDRINUSE),
	[FUZZ_HW_INFO] = WITH_ID,
	[FUZZ_HWPT_ALLOC] = ATTACH,
	[FUZZ_INVALIDATE] = WITH_ID,
	[FUZZ_CHECK_IOTLB] = WITH_ID,
	[FUZZ_SET_DIRTY] = WITH_ID,
	[FUZZ_DIRTY_WRITE] = RANGE,
	[FUZZ_GET_DIRTY] = RANGE,
	[FUZZ_QUEUE_ALLOC] = ANY | E(EMFILE) | E(ENFILE),
	[FUZZ_QUEUE_CLOSE] = FUZZ_SUCCESS,
	[FUZZ_FAULT] = WITH_ID | E(EBUSY),
	[FUZZ_FAULT_READ] = FAULTS,
	[FUZZ_FAULT_ANSWER] = FAULTS,
	[FUZZ_MEMORY_LIMIT] = ANY,
	[FUZZ_REOPEN] = FUZZ_SUCCESS | E(ENOMEM),
	[FUZZ_SOURCE_MUNMAP] = FUZZ_SUCCESS,
	[FUZZ_SOURCE_MMAP] = FUZZ_SUCCESS,
	[FUZZ_SOURCE_PROTECT] = FUZZ_SUCCESS,
	[FUZZ_SOURCE_DISCARD] = FUZZ_SUCCESS,
	[FUZZ_SOURCE_WRITE] = FUZZ_SUCCESS,
	[FUZZ_FILE_TRUNCATE] = FUZZ_SUCCESS,
	[FUZZ_FILE_PUNCH] = FUZZ_SUCCESS,
	[FUZZ_FILE_SEAL] = FUZZ_SUCCESS,
	[FUZZ_BAR_MUNMAP] = FUZZ_SUCCESS,
	[FUZZ_BAR_MMAP] = FUZZ_SUCCESS,
	[FUZZ_BAR_PROTECT] = FUZZ_SUCCESS,
	[FUZZ_BAR_MREMAP] = FUZZ_SUCCESS,
	[FUZZ_BAR_SET] = FUZZ_SUCCESS,
};

/**
 * struct worker - a thread, in memory that all processes share
 * @op: what it is doing
 * @counts: what it has done
 * @text: what was wrong, empty so far
 */
struct worker {
	struct fuzz_op op;
	struct fuzz_counts counts;
	char text[512];
};

/**
 * struct ring - all that the processes of a round share
 * @seed: of the round
 * @operations: for each thread
 * @threads: threads of each process
 * @fds: the contexts
 * @beats: for each thread, ~0 when it is done
 * @workers: for each thread
 */
struct ring {
	__u64 seed;
	__u64 operations;
	unsigned int threads;
	int fds[FUZZ_CONTEXTS];
	__u64 beats[FUZZ_THREADS_MAX];
	struct worker workers[FUZZ_THREADS_MAX];
};

/**
 * struct seat - a process, and which of its threads; only in that process
 * @ring: shared with the others
 * @number: of the thread
 * @stage: what it gives to the kernel
 * @answer: and gets
 */
struct seat {
	struct ring *ring;
	unsigned int number;
	struct fuzz_stage stage;
	struct fuzz_answer *answer;
};

/* File descriptors of accesses of this process, -1 for none. */
static int accesses[FUZZ_CONTEXTS][FUZZ_ACCESSES];

/* The same of queues of page faults. */
static int queues[FUZZ_CONTEXTS][QUEUES];

static int *queue_slot(const struct fuzz_op *op, unsigned int slot)
{
	return &queues[op->context][slot % QUEUES];
}

static int *access_slot(const struct fuzz_op *op, unsigned int slot)
{
	return &accesses[op->context][slot % FUZZ_ACCESSES];
}

static void put_file(int *slot, int fd)
{
	fd = __atomic_exchange_n(slot, fd, __ATOMIC_ACQ_REL);
	if (fd >= 0)
		close(fd);
}

static int open_and_close(void)
{
	int fd = iommufd_open();
	__u32 id;

	if (fd < 0)
		return fd;
	if (ioas_alloc(fd, &id))
		perror("IOAS_ALLOC");
	close(fd);
	return 0;
}

/*
 * The threads name objects by small numbers. What has a larger one would only
 * be in the way, and make each look at all objects take longer.
 */
static void forget_large_id(int fd, const struct fuzz_op *op,
			    const struct fuzz_answer *answer)
{
	__u32 id = 0;

	if (op->kind == FUZZ_IOAS_ALLOC)
		id = answer->cmd.ioas_alloc.out_ioas_id;
	if (op->kind == FUZZ_MOCK_DOMAIN)
		id = answer->cmd.test.mock_domain.out_stdev_id;
	if (op->kind == FUZZ_HWPT_ALLOC)
		id = answer->cmd.hwpt_alloc.out_hwpt_id;
	if (op->kind == FUZZ_QUEUE_ALLOC)
		id = answer->cmd.fault_alloc.out_fault_id;
	if (id <= FUZZ_SLOTS)
		return;
	if (op->kind == FUZZ_QUEUE_ALLOC)
		put_file(queue_slot(op, op->result), -1);
	iommufd_destroy(fd, id);
}

/* Operations that make a file, or end one. */
static void keep_file(const struct fuzz_op *op,
		      const struct fuzz_answer *answer)
{
	switch (op->kind) {
	case FUZZ_CREATE_ACCESS:
		put_file(access_slot(op, op->result),
			 answer->cmd.test.create_access.out_access_fd);
		break;
	case FUZZ_CLOSE_ACCESS:
		put_file(access_slot(op, op->object), -1);
		break;
	case FUZZ_QUEUE_ALLOC:
		put_file(queue_slot(op, op->result),
			 answer->cmd.fault_alloc.out_fault_fd);
		break;
	case FUZZ_QUEUE_CLOSE:
		put_file(queue_slot(op, op->object), -1);
		break;
	}
}

/* What was read is answered by the same thread, mostly. */
static void remember_cookies(const struct fuzz_answer *answer, __u32 *cookies)
{
	struct iommu_hwpt_pgfault fault;
	int i;

	for (i = 0; i < FUZZ_ANSWERS; i++) {
		if ((i + 1) * (int)sizeof(fault) > answer->ret)
			break;
		memcpy(&fault, answer->data + i * sizeof(fault), sizeof(fault));
		cookies[i] = fault.cookie;
	}
}

static void do_op(struct ring *ring, const struct fuzz_op *op,
		  struct fuzz_stage *stage, struct fuzz_answer *answer,
		  __u32 *cookies)
{
	struct fuzz_numbers numbers = {
		.fd = ring->fds[op->context],
		.id = op->object == FUZZ_SLOT_HUGE ? ~0U : op->object,
		.id2 = op->object2,
		.id3 = op->object3,
		.access = __atomic_load_n(access_slot(op, op->object),
					  __ATOMIC_ACQUIRE),
		.pin = op->object2,
		.queue = __atomic_load_n(queue_slot(op, op->object),
					 __ATOMIC_ACQUIRE),
		.file = fuzz_op_file(op, ring->fds[op->context]),
	};

	memcpy(numbers.cookies, cookies, sizeof(numbers.cookies));
	answer->ret = 0;
	if (op->kind == FUZZ_REOPEN)
		answer->ret = open_and_close();
	else if (op->kind > FUZZ_REOPEN)
		fuzz_disturb(op);
	else if (op->kind != FUZZ_CLOSE_ACCESS && op->kind != FUZZ_QUEUE_CLOSE)
		fuzz_issue(op, &numbers, stage, answer);
	if (op->kind == FUZZ_FAULT_READ && answer->ret > 0)
		remember_cookies(answer, cookies);
	if (answer->ret)
		return;
	keep_file(op, answer);
	forget_large_id(numbers.fd, op, answer);
}

static void account(struct worker *worker, int ret, __u64 begin)
{
	unsigned int number = ret < 0 ? -ret : 0;

	worker->counts.microseconds[worker->op.kind] += now_us() - begin;
	worker->counts.operations++;
	worker->counts.by_kind[worker->op.kind]++;
	if (number < FUZZ_ERRNOS)
		worker->counts.by_errno[number]++;
	if (!worker->text[0] &&
	    (number >= FUZZ_ERRNOS ||
	     !(documented[worker->op.kind] & FUZZ_ERRNO(number))))
		snprintf(worker->text, sizeof(worker->text),
			 "%s returned %s", fuzz_describe(&worker->op),
			 number ? strerrorname_np(number) : "success");
}

static void *work(void *arg)
{
	struct seat *seat = arg;
	struct ring *ring = seat->ring;
	struct worker *worker = &ring->workers[seat->number];
	struct fuzz_random random = {
		.state = ring->seed * FUZZ_THREADS_MAX + seat->number,
	};
	__u32 cookies[FUZZ_ANSWERS] = {};
	__u64 i, begin;

	for (i = 0; i < ring->operations && !worker->text[0]; i++) {
		__atomic_store_n(&ring->beats[seat->number], i + 1,
				 __ATOMIC_RELAXED);
		fuzz_generate(&random, NULL, &worker->op);
		begin = now_us();
		do_op(ring, &worker->op, &seat->stage, seat->answer, cookies);
		account(worker, seat->answer->ret, begin);
	}
	__atomic_store_n(&ring->beats[seat->number], ~0ULL, __ATOMIC_RELAXED);
	return NULL;
}

static bool take_seat(struct seat *seat, const struct seat *first,
		      unsigned int i)
{
	seat->ring = first->ring;
	seat->number = first->number + i;
	seat->answer = calloc(1, sizeof(*seat->answer));
	return seat->answer && !fuzz_stage_init(&seat->stage);
}

/* One process of the round. */
static int be_process(void *arg)
{
	struct seat *first = arg;
	pthread_t threads[FUZZ_THREADS_MAX];
	struct seat seats[FUZZ_THREADS_MAX];
	unsigned int i, started = 0;

	memset(accesses, -1, sizeof(accesses));
	memset(queues, -1, sizeof(queues));
	if (fuzz_sources_init())
		return 1;
	/* Before a BAR moves about, so that nothing takes its place. */
	for (i = 0; i < first->ring->threads; i++)
		if (!take_seat(&seats[i], first, i))
			return 1;
	for (i = 0; i < first->ring->threads; i++) {
		if (pthread_create(&threads[i], NULL, work, &seats[i]))
			break;
		started++;
	}
	for (i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return started != first->ring->threads;
}

static const char *wait_for_all(struct ring *ring, struct fuzz_watched *watched,
				bool kill_one)
{
	enum fuzz_watch_result result;
	unsigned int i, left = PROCESSES;
	const char *wrong = NULL;
	bool done[PROCESSES] = {};
	__u64 half = ring->operations / 2;

	while (left && !wrong) {
		/* One process dies in the middle of whatever it does. */
		if (kill_one && !done[0] &&
		    __atomic_load_n(&ring->beats[0], __ATOMIC_RELAXED) > half)
			kill(watched[0].pid, SIGKILL);
		for (i = 0; i < PROCESSES; i++) {
			if (done[i] || !fuzz_watch_look(&watched[i], &result))
				continue;
			done[i] = true;
			left--;
			if (result == FUZZ_WATCH_HUNG)
				wrong = "a thread hangs";
			else if (result != FUZZ_WATCH_GOOD &&
				 !(kill_one && !i))
				wrong = "a process ended badly";
		}
		usleep(5000);
	}
	return wrong;
}

static const char *judge(struct ring *ring, struct fuzz_counts *counts,
			 const char *wrong)
{
	static char text[640];
	unsigned int i, j;

	for (i = 0; i < ring->threads * PROCESSES; i++) {
		struct worker *worker = &ring->workers[i];

		counts->operations += worker->counts.operations;
		for (j = 0; j < FUZZ_KINDS; j++) {
			counts->by_kind[j] += worker->counts.by_kind[j];
			counts->microseconds[j] +=
				worker->counts.microseconds[j];
		}
		for (j = 0; j < FUZZ_ERRNOS; j++)
			counts->by_errno[j] += worker->counts.by_errno[j];
		if (worker->text[0] && !wrong) {
			snprintf(text, sizeof(text), "%s", worker->text);
			wrong = text;
		} else if (wrong) {
			printf("# thread %u: beat %llu, %s\n", i,
			       (long long)ring->beats[i],
			       fuzz_describe(&worker->op));
		}
	}
	return wrong;
}

static const char *run_ring(struct ring *ring, struct fuzz_counts *counts)
{
	struct fuzz_watched watched[PROCESSES];
	struct seat seats[PROCESSES];
	const char *wrong;
	unsigned int i;

	for (i = 0; i < PROCESSES; i++) {
		seats[i].ring = ring;
		seats[i].number = i * ring->threads;
		fuzz_watch_begin(&watched[i], child_start(be_process, &seats[i]),
				 &ring->beats[i * ring->threads],
				 ring->threads);
	}
	wrong = wait_for_all(ring, watched, ring->seed % 4 == 3);
	return judge(ring, counts, wrong);
}

const char *fuzz_threads_round(struct fuzz_counts *counts, __u64 seed,
			       __u64 operations, unsigned int threads)
{
	struct ring *ring = fuzz_shared_alloc(sizeof(*ring));
	static struct baseline baseline;
	const char *wrong = NULL;
	unsigned int i;

	baseline_take(&baseline);
	ring->seed = seed;
	ring->threads = (threads + PROCESSES - 1) / PROCESSES;
	ring->operations = operations / (ring->threads * PROCESSES) + 1;
	for (i = 0; i < FUZZ_CONTEXTS; i++) {
		ring->fds[i] = iommufd_open();
		if (ring->fds[i] < 0)
			wrong = "/dev/iommu cannot be opened";
	}
	if (!wrong) {
		fuzz_reset_memory_limit(ring->fds[0]);
		wrong = run_ring(ring, counts);
	}
	for (i = 0; i < FUZZ_CONTEXTS; i++)
		close(ring->fds[i]);
	if (!wrong) {
		wrong = baseline_check(&baseline);
		wrong = *wrong ? wrong : NULL;
	}
	munmap(ring, sizeof(*ring));
	return wrong;
}

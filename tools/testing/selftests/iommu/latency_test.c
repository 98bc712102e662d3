// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Work that takes long: what others can do meanwhile, that the kernel does not
 * think it hangs, and that a signal ends it soon. How far it has come tell the
 * counters of pinned and released pages, so that no test depends on how fast
 * this machine is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

#include "lib/harness.h"
#include "lib/process.h"
#include "lib/rig.h"
#include "lib/trap.h"
#include "lib/window.h"

#define SZ_1G		0x40000000ULL
#define SZ_1T		0x10000000000ULL

#define LARGE		(64 * SZ_1G)

/* Beyond what the platform keeps for interrupts and what rig.h uses. */
#define LARGE_IOVA	LARGE

#define ACQUIRED	"nr_foll_pin_acquired "
#define RELEASED	"nr_foll_pin_released "

/* A busy host may keep one of two processors from running at all. */
#define TRIES		3

/* All tests show the same memory, which takes long to clear. */
static void __attribute__((constructor)) get_memory(void)
{
	window_memory();
}

/* Not exact to the page, as the counters are kept per processor. */
static __u64 counter_read(const char *counter)
{
	return file_number("/proc/vmstat", counter);
}

FIXTURE(latency)
{
	struct rig rig;
	struct window window;
};

static const char *latency_destroy(struct rig *rig, struct window *window)
{
	window_close(window);
	return rig_destroy(rig);
}

/* @lacking: what this machine would have to have for the test, or NULL */
static int latency_create(struct rig *rig, struct window *window,
			  const char **lacking)
{
	int ret = rig_create(rig, 0);

	*lacking = NULL;
	if (ret == -ENODEV) {
		*lacking = "no edu device";
		return 0;
	}
	if (!ret)
		ret = window_open(window, LARGE);
	if (ret == -ENOTSUP) {
		*lacking = "not enough huge pages";
		rig_destroy(rig);
		return 0;
	}
	return ret;
}

/* Long work in a thread */

/**
 * struct work - a call that takes long, and how far it has come
 * @rig: a device and its IOAS
 * @window: LARGE bytes of memory
 * @run: the call
 * @counter: counts pages while it works
 * @before: the counter before
 * @ended: set when the call returns
 * @ret: what it returned
 */
struct work {
	struct rig *rig;
	struct window *window;
	int (*run)(struct work *work);
	const char *counter;
	pthread_t thread;
	__u64 before;
	bool ended;
	int ret;
};

static int run_map(struct work *work)
{
	return ioas_map_fixed(work->rig->fd, work->rig->ioas_id,
			      work->window->va, LARGE, LARGE_IOVA);
}

static int run_unmap(struct work *work)
{
	return ioas_unmap(work->rig->fd, work->rig->ioas_id, LARGE_IOVA, LARGE,
			  NULL);
}

static int run_attach(struct work *work)
{
	return edu_attach_ioas(&work->rig->edu, work->rig->ioas_id);
}

static int run_detach(struct work *work)
{
	return edu_detach(&work->rig->edu);
}

static void *work_thread(void *arg)
{
	struct work *work = arg;

	work->ret = work->run(work);
	__atomic_store_n(&work->ended, true, __ATOMIC_RELEASE);
	return NULL;
}

static int work_start(struct work *work)
{
	work->ended = false;
	work->before = counter_read(work->counter);
	return -pthread_create(&work->thread, NULL, work_thread, work);
}

static bool work_ended(struct work *work)
{
	return __atomic_load_n(&work->ended, __ATOMIC_ACQUIRE);
}

static int work_end(struct work *work)
{
	pthread_join(work->thread, NULL);
	return work->ret;
}

/* How many of 1000 parts of LARGE bytes have been counted. */
static unsigned int parts_since(const char *counter, __u64 before)
{
	__u64 now = counter_read(counter);

	/* The sum over the processors may lag behind. */
	return now > before ? (now - before) * 1000 / (LARGE / PAGE_SIZE) : 0;
}

static unsigned int work_parts(struct work *work)
{
	return work_ended(work) ? 1000 :
				  parts_since(work->counter, work->before);
}

/* Small maps beside long work */

/*
 * So many are to be made and undone between these two points of the long work.
 * If they had to wait for its end there were none.
 */
#define PAIRS		16
#define FIRST_PART	20
#define LAST_PART	900

FIXTURE_VARIANT(latency)
{
	bool one_cpu;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(latency, two_cpus) {
	/* clang-format on */
	.one_cpu = false,
};

/*
 * Then the long work has to let others run by itself, unless the kernel is a
 * preemptible one: there it must only not forbid it.
 */
/* clang-format off */
FIXTURE_VARIANT_ADD(latency, one_cpu) {
	/* clang-format on */
	.one_cpu = true,
};

static int stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

FIXTURE_SETUP(latency)
{
	const char *lacking;

	ASSERT_EQ(0, latency_create(&self->rig, &self->window, &lacking));
	if (lacking)
		SKIP(return, "%s", lacking);
	if (variant->one_cpu)
		ASSERT_EQ(0, stay_on_one_cpu());
}

FIXTURE_TEARDOWN(latency)
{
	EXPECT_STREQ("", latency_destroy(&self->rig, &self->window));
}

static int small_pair(struct rig *rig)
{
	int ret = rig_map(rig, 0, 1);

	return ret ? ret : rig_unmap(rig, 0, 1);
}

/* Returns how many pairs there were in time, or a negative errno. */
static int pairs_beside(struct work *work)
{
	int pairs = 0, ret;

	while (work_parts(work) < FIRST_PART)
		sched_yield();
	while (pairs < PAIRS) {
		ret = small_pair(work->rig);
		if (ret)
			return ret;
		if (work_parts(work) >= LAST_PART)
			break;
		pairs++;
	}
	return pairs;
}

/* The long work, with pairs beside it; both must be good. */
static int work_with_pairs(struct work *work, const char *name, int *pairs)
{
	unsigned int parts;
	int ret;

	ret = work_start(work);
	if (ret)
		return ret;
	*pairs = pairs_beside(work);
	parts = work_parts(work);
	ksft_print_msg("%d pairs while %u of 1000 parts of %s were done\n",
		       *pairs, parts, name);
	return work_end(work);
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

/* One call, and the one that undoes it, until enough was done beside each. */
#define EXPECT_PAIRS_BESIDE(there, back) do { \
	int there_pairs = 0, back_pairs = 0, there_most = 0, back_most = 0; \
	struct work there_work = { \
		.rig = &self->rig, .window = &self->window, \
		.run = run_ ## there, .counter = ACQUIRED, \
	}; \
	struct work back_work = { \
		.rig = &self->rig, .window = &self->window, \
		.run = run_ ## back, .counter = RELEASED, \
	}; \
	int tries; \
	for (tries = 0; tries < TRIES; tries++) { \
		if (there_most == PAIRS && back_most == PAIRS) \
			break; \
		ASSERT_EQ(0, work_with_pairs(&there_work, #there, \
					     &there_pairs)); \
		ASSERT_LE(0, there_pairs); \
		there_most = larger(there_most, there_pairs); \
		ASSERT_EQ(0, work_with_pairs(&back_work, #back, \
					     &back_pairs)); \
		ASSERT_LE(0, back_pairs); \
		back_most = larger(back_most, back_pairs); \
	} \
	EXPECT_EQ(PAIRS, there_most); \
	EXPECT_EQ(PAIRS, back_most); \
} while (0)

TEST_F(latency, h60_small_maps_beside_map_and_unmap)
{
	ASSERT_EQ(0, edu_attach_ioas(&self->rig.edu, self->rig.ioas_id));
	EXPECT_PAIRS_BESIDE(map, unmap);
}

TEST_F(latency, h60_small_maps_beside_attach_and_detach)
{
	struct work map = { .rig = &self->rig, .window = &self->window };

	ASSERT_EQ(0, run_map(&map));
	EXPECT_PAIRS_BESIDE(attach, detach);
}

/* Many areas and ranges: how long others wait for IOVA that they do not want */

/*
 * Enough for the whole of it to take much longer than a turn of somebody else
 * on the same processor.
 */
#define MANY_BITS	17
#define MANY		(1ULL << MANY_BITS)

/* The longest wait of others has to be below this part of the whole. */
#define WAIT_PART	20

/* Of that many tries, since others may keep the processors busy. */
#define WAIT_TRIES	5

#define MANY_IOVA	0x10000000000ULL
#define MANY_COPY	(2 * MANY_IOVA)
#define PAIR_IOVA	PAGE_SIZE

FIXTURE(many)
{
	struct baseline baseline;
	int fd;
	__u32 ioas_id;
	char *page;
};

FIXTURE_VARIANT(many)
{
	bool one_cpu;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(many, two_cpus) { .one_cpu = false };
FIXTURE_VARIANT_ADD(many, one_cpu) { .one_cpu = true };
/* clang-format on */

FIXTURE_SETUP(many)
{
	if (variant->one_cpu)
		ASSERT_EQ(0, stay_on_one_cpu());
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->ioas_id));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, PAGE_SIZE,
				  (void **)&self->page));
}

FIXTURE_TEARDOWN(many)
{
	close(self->fd);
	memory_free_all();
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

/**
 * struct many - a call about many areas or ranges, and others beside it
 * @fd: the iommufd
 * @ioas_id: the IOAS
 * @page: memory to map
 * @run: the call
 * @took: how long it took, microseconds
 * @wait: the longest time for a small pair beside it, microseconds
 * @ended: set when the call returns
 * @ret: what it returned
 */
struct many {
	int fd;
	__u32 ioas_id;
	const void *page;
	int (*run)(struct many *many);
	__u64 took;
	__u64 wait;
	bool ended;
	int ret;
};

static int many_copy(struct many *many, __u64 from, __u64 to, __u64 pages)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = many->ioas_id,
		.src_iova = from,
		.length = pages * PAGE_SIZE,
		.dst_ioas_id = many->ioas_id,
		.dst_iova = to,
	};

	return ioas_copy(many->fd, &copy);
}

static int many_make(struct many *many)
{
	__u64 pages;
	int ret = ioas_map_fixed(many->fd, many->ioas_id, many->page, PAGE_SIZE,
				 MANY_IOVA);

	for (pages = 1; !ret && pages < MANY; pages *= 2)
		ret = many_copy(many, MANY_IOVA, MANY_IOVA + pages * PAGE_SIZE,
				pages);
	return ret;
}

static int run_copy(struct many *many)
{
	return many_copy(many, MANY_IOVA, MANY_COPY, MANY);
}

static int run_unmap_copy(struct many *many)
{
	return ioas_unmap(many->fd, many->ioas_id, MANY_COPY, MANY * PAGE_SIZE,
			  NULL);
}

static int run_unmap_all(struct many *many)
{
	return ioas_unmap_all(many->fd, many->ioas_id, NULL);
}

/* Fits into none of the ranges. */
static int run_search(struct many *many)
{
	__u64 iova;
	int ret = ioas_map_auto(many->fd, many->ioas_id, many->page,
				2 * PAGE_SIZE, &iova);

	return ret == -ENOSPC ? 0 : ret ? ret : -EEXIST;
}

static int many_allow(struct many *many)
{
	struct iommu_iova_range *ranges = calloc(MANY, sizeof(*ranges));
	__u64 i;
	int ret;

	if (!ranges)
		return -ENOMEM;
	for (i = 0; i < MANY; i++) {
		ranges[i].start = MANY_IOVA + 2 * i * PAGE_SIZE;
		ranges[i].last = ranges[i].start + PAGE_SIZE - 1;
	}
	ret = ioas_allow_iovas(many->fd, many->ioas_id, ranges, MANY);
	free(ranges);
	return ret;
}

static void *many_thread(void *arg)
{
	struct many *many = arg;
	__u64 start = now_us();

	many->ret = many->run(many);
	many->took = now_us() - start;
	__atomic_store_n(&many->ended, true, __ATOMIC_RELEASE);
	return NULL;
}

static int many_pair(struct many *many)
{
	int ret = ioas_map_fixed(many->fd, many->ioas_id, many->page, PAGE_SIZE,
				 PAIR_IOVA);

	if (ret)
		return ret;
	ret = ioas_unmap(many->fd, many->ioas_id, PAIR_IOVA, PAGE_SIZE, NULL);
	/* An unmap of everything may have been quicker. */
	return ret == -ENOENT ? 0 : ret;
}

/* Run the call with small pairs beside it. */
static int many_beside(struct many *many, const char *name)
{
	pthread_t thread;
	int ret;

	many->ended = false;
	many->wait = 0;
	ret = -pthread_create(&thread, NULL, many_thread, many);
	if (ret)
		return ret;
	while (!ret && !__atomic_load_n(&many->ended, __ATOMIC_ACQUIRE)) {
		__u64 start = now_us(), wait;

		ret = many_pair(many);
		wait = now_us() - start;
		if (wait > many->wait)
			many->wait = wait;
	}
	pthread_join(thread, NULL);
	ksft_print_msg("%s: %llu us, a pair beside it waited %llu us\n", name,
		       many->took, many->wait);
	return ret ? ret : many->ret;
}

static bool many_is_short(const struct many *many)
{
	return many->wait * WAIT_PART < many->took;
}

/* With @before and @after done each time, until nobody waited for long. */
#define EXPECT_SHORT_WAIT(before, fn, after) do { \
	struct many short_many = { \
		.fd = self->fd, .ioas_id = self->ioas_id, \
		.page = self->page, .run = run_ ## fn, \
	}; \
	int tries; \
	for (tries = 0; tries < WAIT_TRIES; tries++) { \
		ASSERT_EQ(0, before(&short_many)); \
		ASSERT_EQ(0, many_beside(&short_many, #fn)); \
		ASSERT_EQ(0, after(&short_many)); \
		if (many_is_short(&short_many)) \
			break; \
	} \
	EXPECT_GT(WAIT_TRIES, tries); \
} while (0)

static int nothing(struct many *many)
{
	(void)many;
	return 0;
}

TEST_F(many, h60_small_pairs_beside_copy)
{
	struct many many = {
		.fd = self->fd, .ioas_id = self->ioas_id, .page = self->page,
	};

	ASSERT_EQ(0, many_make(&many));
	EXPECT_SHORT_WAIT(nothing, copy, run_unmap_copy);
}

TEST_F(many, h60_small_pairs_beside_unmap)
{
	struct many many = {
		.fd = self->fd, .ioas_id = self->ioas_id, .page = self->page,
	};

	ASSERT_EQ(0, many_make(&many));
	EXPECT_SHORT_WAIT(run_copy, unmap_copy, nothing);
}

TEST_F(many, h60_small_pairs_beside_unmap_all)
{
	EXPECT_SHORT_WAIT(many_make, unmap_all, nothing);
}

TEST_F(many, h60_small_pairs_beside_search)
{
	struct many many = {
		.fd = self->fd, .ioas_id = self->ioas_id, .page = self->page,
	};

	ASSERT_EQ(0, many_allow(&many));
	EXPECT_SHORT_WAIT(nothing, search, nothing);
}

static int run_in_child(void *arg)
{
	struct many *many = arg;

	return many->run(many) ? 1 : 0;
}

/* How much longer it lives than until @us after its start, or an error. */
static long kill_after(struct many *many, __u64 us)
{
	pid_t pid = child_start(run_in_child, many);
	__u64 start;
	int ret;

	if (pid < 0)
		return -errno;
	usleep(us);
	kill(pid, SIGKILL);
	start = now_us();
	ret = child_wait(pid, TIMEOUT_MS);
	return ret == -EINTR ? (long)(now_us() - start) : -ECHILD;
}

/* Killed when a quarter is done, it does not do the next quarter. */
#define EXPECT_KILLED_SOON(fn, undo) do { \
	struct many killed_many = { \
		.fd = self->fd, .ioas_id = self->ioas_id, \
		.page = self->page, .run = run_ ## fn, \
	}; \
	long life = 0; \
	int tries; \
	for (tries = 0; tries < WAIT_TRIES; tries++) { \
		ASSERT_EQ(0, many_beside(&killed_many, #fn)); \
		ASSERT_EQ(0, undo(&killed_many)); \
		life = kill_after(&killed_many, killed_many.took / 4); \
		ksft_print_msg("killed, lived for %ld us\n", life); \
		if (life >= 0 && life * 4 < (long)killed_many.took) \
			break; \
		undo(&killed_many); \
	} \
	EXPECT_GT(WAIT_TRIES, tries); \
} while (0)

TEST_F(many, h60_search_killed)
{
	struct many many = {
		.fd = self->fd, .ioas_id = self->ioas_id, .page = self->page,
	};

	ASSERT_EQ(0, many_allow(&many));
	EXPECT_KILLED_SOON(search, nothing);
}

/* Stopped in the middle */

FIXTURE(stopped)
{
	struct rig rig;
	struct window window;
	struct trap trap;
	struct edu second;
};

FIXTURE_SETUP(stopped)
{
	const char *lacking;
	int ret;

	self->second.vfio.fd = -1;
	ASSERT_EQ(0, latency_create(&self->rig, &self->window, &lacking));
	if (lacking)
		SKIP(return, "%s", lacking);
	ret = trap_open_at(&self->trap, self->window.va + LARGE / 2, SZ_2M);
	if (ret == -ENOTSUP) {
		latency_destroy(&self->rig, &self->window);
		SKIP(return, "no userfaultfd");
	}
	ASSERT_EQ(0, ret);
	if (edu_open(&self->second, 1))
		self->second.vfio.fd = -1;
	else
		ASSERT_EQ(0, edu_bind(&self->second, self->rig.fd));
}

FIXTURE_TEARDOWN(stopped)
{
	trap_close(&self->trap);
	edu_close(&self->second);
	EXPECT_STREQ("", latency_destroy(&self->rig, &self->window));
}

/**
 * struct elsewhere - what somebody else does
 * @rig: the device whose IOAS is being worked on
 * @second: another device, not attached
 * @second_ioas: where to attach it
 * @window: a lot of memory
 */
struct elsewhere {
	struct rig *rig;
	struct edu *second;
	__u32 second_ioas;
	struct window *window;
};

static int use_small(struct rig *rig)
{
	struct iova_ranges ranges;
	__u32 other;
	__u64 iova;

	if (rig_map(rig, 0, 4) || ioas_alloc(rig->fd, &other))
		return 1;
	if (ioas_map_auto(rig->fd, rig->ioas_id, rig->buffer, PAGE_SIZE, &iova))
		return 2;
	if (ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges))
		return 3;
	if (rig_copy(rig, rig_iova(0), 2, rig->ioas_id, rig_iova(100)))
		return 4;
	if (rig_copy(rig, rig_iova(1), 2, other, rig_iova(0)))
		return 5;
	if (rig_unmap(rig, 0, 4) || rig_unmap(rig, 100, 2))
		return 6;
	if (ioas_unmap(rig->fd, rig->ioas_id, iova, PAGE_SIZE, NULL))
		return 7;
	return iommufd_destroy(rig->fd, other) ? 8 : 0;
}

/* What is long itself goes on as well, and with the same memory. */
static int use_large(struct rig *rig, struct window *window)
{
	if (ioas_map_fixed(rig->fd, rig->ioas_id, window->va, SZ_1G,
			   2 * LARGE_IOVA))
		return 11;
	return ioas_unmap(rig->fd, rig->ioas_id, 2 * LARGE_IOVA, SZ_1G, NULL) ?
		       12 : 0;
}

static int use_second_device(struct edu *second, __u32 ioas_id)
{
	if (second->vfio.fd < 0)
		return 0;
	if (edu_attach_ioas(second, ioas_id))
		return 21;
	return edu_detach(second) ? 22 : 0;
}

static int use_elsewhere(void *arg)
{
	struct elsewhere *elsewhere = arg;
	int ret = use_small(elsewhere->rig);

	if (!ret)
		ret = use_large(elsewhere->rig, elsewhere->window);
	if (!ret)
		ret = use_second_device(elsewhere->second,
					elsewhere->second_ioas);
	return ret;
}

/* Start, and be there when half of it is done and no more can be. */
static int start_and_stop(struct work *work, struct trap *trap)
{
	int ret = work_start(work);

	if (ret)
		return ret;
	return trap_wait(trap, TIMEOUT_MS) ? 0 : -ENOMSG;
}

/* The map holds nothing that anybody needs who does not need its IOVA. */
TEST_F(stopped, h60_map)
{
	struct rig *rig = &self->rig;
	struct work work = {
		.rig = rig, .window = &self->window,
		.run = run_map, .counter = ACQUIRED,
	};
	struct elsewhere elsewhere = {
		.rig = rig, .window = &self->window,
		.second = &self->second, .second_ioas = rig->ioas_id,
	};

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, start_and_stop(&work, &self->trap));
	EXPECT_LE(450, work_parts(&work));
	EXPECT_GE(501, work_parts(&work));
	EXPECT_EQ(0, child_run(use_elsewhere, &elsewhere, TIMEOUT_MS));
	EXPECT_FALSE(work_ended(&work));
	EXPECT_EQ(0, trap_release(&self->trap));
	EXPECT_EQ(0, work_end(&work));
	EXPECT_EQ(0, run_unmap(&work));
}

/*
 * The attach holds the list of page tables of the IOAS, so the second device
 * goes somewhere else.
 */
TEST_F(stopped, h60_attach)
{
	struct rig *rig = &self->rig;
	struct work work = {
		.rig = rig, .window = &self->window,
		.run = run_attach, .counter = ACQUIRED,
	};
	struct elsewhere elsewhere = {
		.rig = rig, .window = &self->window, .second = &self->second,
	};

	ASSERT_EQ(0, ioas_alloc(rig->fd, &elsewhere.second_ioas));
	ASSERT_EQ(0, run_map(&work));
	ASSERT_EQ(0, start_and_stop(&work, &self->trap));
	EXPECT_LE(450, work_parts(&work));
	EXPECT_GE(501, work_parts(&work));
	EXPECT_EQ(0, child_run(use_elsewhere, &elsewhere, TIMEOUT_MS));
	EXPECT_FALSE(work_ended(&work));
	EXPECT_EQ(0, trap_release(&self->trap));
	EXPECT_EQ(0, work_end(&work));
	EXPECT_EQ(0, run_detach(&work));
}

/**
 * struct unmapper - a process that unmaps what is being filled
 * @rig: in whose IOAS
 * @length: from LARGE_IOVA on
 */
struct unmapper {
	struct rig *rig;
	__u64 length;
};

static int unmapper_main(void *arg)
{
	struct unmapper *unmapper = arg;

	return ioas_unmap(unmapper->rig->fd, unmapper->rig->ioas_id, LARGE_IOVA,
			  unmapper->length, NULL) ? 1 : 2;
}

/* It has to wait, and has to die of a signal; returns child_wait(). */
static int kill_unmapper(struct rig *rig, __u64 length)
{
	struct unmapper unmapper = { .rig = rig, .length = length };
	pid_t pid = child_start(unmapper_main, &unmapper);

	if (pid < 0)
		return -errno;
	/* If it has not begun by then this tests nothing, and fails nothing. */
	usleep(300000);
	kill(pid, SIGKILL);
	return child_wait(pid, TIMEOUT_MS);
}

/* Who waits for somebody else's page fault can be killed, and changes nothing. */
TEST_F(stopped, h60_unmap_of_what_is_filled)
{
	struct rig *rig = &self->rig;
	struct work work = {
		.rig = rig, .window = &self->window,
		.run = run_attach, .counter = ACQUIRED,
	};

	ASSERT_EQ(0, run_map(&work));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, LARGE_IOVA + LARGE));
	ASSERT_EQ(0, start_and_stop(&work, &self->trap));
	/* One area, and several. */
	EXPECT_EQ(-EINTR, kill_unmapper(rig, LARGE));
	EXPECT_EQ(-EINTR, kill_unmapper(rig, LARGE + PAGE_SIZE));
	EXPECT_FALSE(work_ended(&work));
	EXPECT_EQ(0, trap_release(&self->trap));
	EXPECT_EQ(0, work_end(&work));
	EXPECT_EQ(0, run_unmap(&work));
	EXPECT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, LARGE_IOVA + LARGE,
				PAGE_SIZE, NULL));
	EXPECT_EQ(0, run_detach(&work));
}

/* Killed in the middle */

/* Pages that may still be pinned after the signal: a thousandth of LARGE. */
#define OVERRUN_PAGES	(LARGE / 1024 / PAGE_SIZE)

/* As long as no more parts than these are done, that is much less than the rest. */
#define MIDDLE_PARTS	990

FIXTURE(killed)
{
	struct rig rig;
	struct window window;
	struct usage before;
};

/* Whoever has a limit is charged, so there is something to give back. */
FIXTURE_SETUP(killed)
{
	const char *lacking;

	ASSERT_EQ(0, latency_create(&self->rig, &self->window, &lacking));
	if (lacking)
		SKIP(return, "%s", lacking);
	ASSERT_EQ(0, memlock_limit(LARGE));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	usage_read(&self->before);
}

FIXTURE_TEARDOWN(killed)
{
	EXPECT_STREQ("", latency_destroy(&self->rig, &self->window));
}

/**
 * struct victim - a process that is killed in the middle of its work
 * @work: what it does
 * @undo: what the parent does in case that it was done too soon
 * @own_window: it has memory of its own
 * @parts: of the work that were done when it was killed
 * @overrun: pages that were counted after that
 */
struct victim {
	struct work work;
	int (*undo)(struct work *work);
	bool own_window;
	unsigned int parts;
	__u64 overrun;
};

static int victim_main(void *arg)
{
	struct work *work = &((struct victim *)arg)->work;
	struct window window;

	if (((struct victim *)arg)->own_window) {
		if (window_open(&window, LARGE))
			return 1;
		work->window = &window;
	}
	return work->run(work) ? 2 : 0;
}

/* The map comes first and costs nothing, as no device is attached. */
static int run_map_and_attach(struct work *work)
{
	int ret = run_map(work);

	return ret ? ret : run_attach(work);
}

static int run_detach_and_unmap(struct work *work)
{
	int ret = run_detach(work);

	return ret ? ret : run_unmap(work);
}

/* Wait until the victim is at work; false if it never is. */
static bool victim_is_busy(struct victim *victim, pid_t pid)
{
	__u64 end = now_ms() + TIMEOUT_MS;
	siginfo_t info;

	while (now_ms() < end) {
		victim->parts = parts_since(victim->work.counter,
					    victim->work.before);
		if (victim->parts >= 100)
			return true;
		info.si_pid = 0;
		if (waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
		    info.si_pid)
			break;
	}
	return false;
}

/* Returns what became of the victim, see child_wait(). */
static int kill_one(struct victim *victim)
{
	struct work *work = &victim->work;
	__u64 at_kill;
	pid_t pid;
	int ret;

	work->before = counter_read(work->counter);
	pid = child_start(victim_main, victim);
	if (pid < 0)
		return -errno;
	if (!victim_is_busy(victim, pid))
		return child_wait(pid, 0);
	kill(pid, SIGKILL);
	at_kill = counter_read(work->counter);
	ret = child_wait(pid, TIMEOUT_MS);
	victim->parts = (at_kill - work->before) * 1000 / (LARGE / PAGE_SIZE);
	victim->overrun = counter_read(work->counter) - at_kill;
	ksft_print_msg("killed after %u of 1000 parts, %llu pages later\n",
		       victim->parts, victim->overrun);
	return ret;
}

static int kill_in_the_middle(struct victim *victim)
{
	int tries, ret = 0;

	for (tries = 0; !ret && tries < TRIES; tries++) {
		if (tries && victim->undo(&victim->work))
			return -EIO;
		ret = kill_one(victim);
	}
	return ret;
}

/* Nothing is pinned, and the user has not a page less than before. */
#define EXPECT_ALL_RELEASED() do { \
	struct rig *released_rig = &self->rig; \
	struct usage released_now; \
	usage_read(&released_now); \
	EXPECT_EQ(self->before.pins, released_now.pins); \
	EXPECT_EQ(self->before.pinned_kib, released_now.pinned_kib); \
	EXPECT_EQ(0, memlock_limit(2 * PAGE_SIZE)); \
	EXPECT_EQ(0, rig_map(released_rig, 0, 2)); \
	EXPECT_EQ(-ENOMEM, rig_map(released_rig, 2, 1)); \
	EXPECT_EQ(0, rig_unmap(released_rig, 0, 2)); \
	EXPECT_EQ(0, memlock_limit(LARGE)); \
} while (0)

TEST_F(killed, h60_map)
{
	struct victim victim = {
		.work = { .rig = &self->rig, .run = run_map,
			  .counter = ACQUIRED },
		.undo = run_unmap,
		.own_window = true,
	};
	struct rig *rig = &self->rig;
	__u64 unmapped;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(-EINTR, kill_in_the_middle(&victim));
	EXPECT_GE(MIDDLE_PARTS, victim.parts);
	EXPECT_GE(OVERRUN_PAGES, victim.overrun);
	/* The IOVA is free again, which is not so for areas in the making. */
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, &unmapped));
	EXPECT_EQ(0, unmapped);
	EXPECT_ALL_RELEASED();
	EXPECT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->window.va,
				    LARGE, LARGE_IOVA));
}

TEST_F(killed, h60_attach)
{
	struct victim victim = {
		.work = { .rig = &self->rig, .run = run_map_and_attach,
			  .counter = ACQUIRED },
		.undo = run_detach_and_unmap,
		.own_window = true,
	};
	struct rig *rig = &self->rig;
	__u64 unmapped;

	ASSERT_EQ(-EINTR, kill_in_the_middle(&victim));
	EXPECT_GE(MIDDLE_PARTS, victim.parts);
	EXPECT_GE(OVERRUN_PAGES, victim.overrun);
	/* What it had mapped is still there, but its memory is gone. */
	EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, &unmapped));
	EXPECT_EQ(LARGE, unmapped);
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_ALL_RELEASED();
}

/* An unmap cannot be taken back, so it is done to its end. */
TEST_F(killed, h60_unmap)
{
	struct victim victim = {
		.work = { .rig = &self->rig, .window = &self->window,
			  .run = run_unmap, .counter = RELEASED },
		.undo = run_map,
	};
	struct rig *rig = &self->rig;
	__u64 unmapped;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, run_map(&victim.work));
	ASSERT_EQ(-EINTR, kill_in_the_middle(&victim));
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, &unmapped));
	EXPECT_EQ(0, unmapped);
	EXPECT_ALL_RELEASED();
}

struct owner {
	struct doorbell bell;
};

/* Everything is its own, so what it leaves is taken apart as its files close. */
static int own_and_wait(void *arg)
{
	struct owner *owner = arg;
	struct window window;
	struct rig rig;

	if (rig_create(&rig, 0) || edu_attach_ioas(&rig.edu, rig.ioas_id) ||
	    window_open(&window, LARGE))
		return 1;
	if (ioas_map_fixed(rig.fd, rig.ioas_id, window.va, LARGE, LARGE_IOVA))
		return 2;
	child_ring(&owner->bell);
	return child_await(&owner->bell);
}

TEST_F(killed, h60_owner_of_all)
{
	struct rig *rig = &self->rig;
	struct owner owner;
	pid_t pid;

	edu_close(&rig->edu);
	ASSERT_EQ(0, doorbell_init(&owner.bell));
	pid = child_start(own_and_wait, &owner);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, parent_await(&owner.bell));
	kill(pid, SIGKILL);
	EXPECT_EQ(-EINTR, child_wait(pid, TIMEOUT_MS));
	doorbell_close(&owner.bell);
	/* The device is free for the next one. */
	ASSERT_EQ(0, edu_open(&rig->edu, 0));
	ASSERT_EQ(0, edu_bind(&rig->edu, rig->fd));
	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_ALL_RELEASED();
}

/* So large that the kernel has time to complain */

/**
 * struct patience - how long the kernel waits before it complains
 * @path: of the setting
 * @seconds: what is set during the test
 */
struct patience {
	const char *path;
	const char *seconds;
};

/* A soft lockup is reported after twice the time. */
static const struct patience patience[] = {
	{ "/proc/sys/kernel/watchdog_thresh", "5" },
	{ "/proc/sys/kernel/hung_task_timeout_secs", "10" },
	{ "/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout", "10" },
};

FIXTURE(huge)
{
	struct rig rig;
	struct window window;
	__u64 patience[ARRAY_SIZE(patience)];
};

/* Whatever has no such setting does not complain either. */
FIXTURE_SETUP(huge)
{
	const char *lacking;
	size_t i;

	ASSERT_EQ(0, latency_create(&self->rig, &self->window, &lacking));
	if (lacking)
		SKIP(return, "%s", lacking);
	window_close(&self->window);
	for (i = 0; i < ARRAY_SIZE(patience); i++) {
		self->patience[i] = file_number(patience[i].path, "");
		if (self->patience[i])
			ASSERT_EQ(0, file_write(patience[i].path,
						patience[i].seconds));
	}
}

FIXTURE_TEARDOWN(huge)
{
	char seconds[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(patience); i++) {
		if (!self->patience[i])
			continue;
		snprintf(seconds, sizeof(seconds), "%llu", self->patience[i]);
		file_write(patience[i].path, seconds);
	}
	EXPECT_STREQ("", latency_destroy(&self->rig, &self->window));
}

/* The largest power of two up to 1 TiB that fits in at an IOVA like it. */
static __u64 huge_length(struct rig *rig)
{
	struct iova_ranges ranges;
	__u64 length = SZ_1T;

	if (ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges) || !ranges.count)
		return 0;
	while (2 * length - 1 > ranges.range[ranges.count - 1].last)
		length /= 2;
	return length;
}

/* 1 TiB at once, or piece by piece if the IOMMU has no room for it. */
TEST_F(huge, h60_map_and_unmap)
{
	struct rig *rig = &self->rig;
	__u64 length, unmapped, done;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	length = huge_length(rig);
	ASSERT_LE(WINDOW_STEP, length);
	ASSERT_EQ(0, window_open(&self->window, length));
	ksft_print_msg("%llu GiB at once\n", length / SZ_1G);
	for (done = 0; done < SZ_1T; done += length) {
		ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id,
					    self->window.va, length, length));
		EXPECT_EQ(length / 1024, status_kib("VmPin:"));
		ASSERT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, length, length,
					&unmapped));
		EXPECT_EQ(length, unmapped);
		EXPECT_EQ(0, status_kib("VmPin:"));
	}
}

TEST_HARNESS_MAIN

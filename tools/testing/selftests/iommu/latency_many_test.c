// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Calls about many areas and ranges: how long others wait for IOVA that they do
 * not want, and that a signal ends such a call soon. What is long, the calls
 * say themselves: others wait for a small part of what one takes here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/area_checks.h"
#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/process.h"
#include "lib/usage.h"

/*
 * Enough for the whole of it to take much longer than a turn of somebody else
 * on the same processor. An instrumented kernel needs longer for each area; and
 * a search is quick, so there are more ranges.
 */
#define MANY			(1ULL << 17)
#define MANY_INSTRUMENTED	(1ULL << 14)
#define RANGES_PER_AREA		8

/* The longest wait of others has to be below this part of the whole. */
#define WAIT_PART	10

/* Of that many tries, since others may keep the processors busy. */
#define WAIT_TRIES	5

#define MANY_IOVA	0x10000000000ULL
#define MANY_COPY	(2 * MANY_IOVA)
#define PAIR_IOVA	PAGE_SIZE

/**
 * struct many - a call about many areas or ranges, and others beside it
 * @fd: the iommufd
 * @ioas_id: the IOAS
 * @page: memory to map
 * @count: of areas, a power of two
 * @name: of the call, for the report
 * @run: the call
 * @took: how long it took, microseconds
 * @wait: the longest time for a small pair beside it, microseconds
 * @ended: set when the call returns
 * @ret: what it returned
 */
struct many {
	int fd;
	__u32 ioas_id;
	void *page;
	__u64 count;
	const char *name;
	int (*run)(struct many *many);
	__u64 took;
	__u64 wait;
	bool ended;
	int ret;
};

FIXTURE(many)
{
	struct baseline baseline;
	struct many many;
	__u64 area_checks;
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
	struct many *many = &self->many;

	if (variant->one_cpu)
		ASSERT_EQ(0, stay_on_one_cpu());
	ASSERT_EQ(0, area_checks_stop(&self->area_checks));
	many->count = self->area_checks ? MANY_INSTRUMENTED : MANY;
	baseline_take(&self->baseline);
	many->fd = iommufd_open();
	ASSERT_LE(0, many->fd);
	ASSERT_EQ(0, ioas_alloc(many->fd, &many->ioas_id));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, PAGE_SIZE, &many->page));
}

FIXTURE_TEARDOWN(many)
{
	close(self->many.fd);
	memory_free_all();
	EXPECT_STREQ("", baseline_check(&self->baseline));
	EXPECT_EQ(0, area_checks_resume(self->area_checks));
}

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

	for (pages = 1; !ret && pages < many->count; pages *= 2)
		ret = many_copy(many, MANY_IOVA, MANY_IOVA + pages * PAGE_SIZE,
				pages);
	return ret;
}

static int run_copy(struct many *many)
{
	return many_copy(many, MANY_IOVA, MANY_COPY, many->count);
}

static int run_unmap_copy(struct many *many)
{
	return ioas_unmap(many->fd, many->ioas_id, MANY_COPY,
			  many->count * PAGE_SIZE, NULL);
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
	__u64 i, count = many->count * RANGES_PER_AREA;
	struct iommu_iova_range *ranges = calloc(count, sizeof(*ranges));
	int ret;

	if (!ranges)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		ranges[i].start = MANY_IOVA + 2 * i * PAGE_SIZE;
		ranges[i].last = ranges[i].start + PAGE_SIZE - 1;
	}
	ret = ioas_allow_iovas(many->fd, many->ioas_id, ranges, count);
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
static int many_beside(struct many *many)
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
	ksft_print_msg("%s: %llu us, a pair beside it waited %llu us\n",
		       many->name, many->took, many->wait);
	return ret ? ret : many->ret;
}

static bool many_is_short(const struct many *many)
{
	return many->wait * WAIT_PART < many->took;
}

/*
 * With @before and @after done each time, until nobody waited for long. Returns
 * 0, -ETIME when somebody did, or what failed.
 */
static int many_until_short(struct many *many,
			    int (*before)(struct many *many),
			    int (*after)(struct many *many))
{
	int tries, ret = 0;

	for (tries = 0; !ret && tries < WAIT_TRIES; tries++) {
		ret = before(many);
		if (!ret)
			ret = many_beside(many);
		if (!ret)
			ret = after(many);
		if (!ret && many_is_short(many))
			return 0;
	}
	return ret ? ret : -ETIME;
}

static void many_is_about(struct many *many, const char *name,
			  int (*run)(struct many *many))
{
	many->name = name;
	many->run = run;
}

static int nothing(struct many *many)
{
	(void)many;
	return 0;
}

TEST_F(many, h60_small_pairs_beside_copy)
{
	struct many *many = &self->many;

	many_is_about(many, "copy", run_copy);
	ASSERT_EQ(0, many_make(many));
	EXPECT_EQ(0, many_until_short(many, nothing, run_unmap_copy));
}

TEST_F(many, h60_small_pairs_beside_unmap)
{
	struct many *many = &self->many;

	many_is_about(many, "unmap_copy", run_unmap_copy);
	ASSERT_EQ(0, many_make(many));
	EXPECT_EQ(0, many_until_short(many, run_copy, nothing));
}

TEST_F(many, h60_small_pairs_beside_unmap_all)
{
	struct many *many = &self->many;

	many_is_about(many, "unmap_all", run_unmap_all);
	EXPECT_EQ(0, many_until_short(many, many_make, nothing));
}

TEST_F(many, h60_small_pairs_beside_search)
{
	struct many *many = &self->many;

	many_is_about(many, "search", run_search);
	ASSERT_EQ(0, many_allow(many));
	EXPECT_EQ(0, many_until_short(many, nothing, nothing));
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
static int many_killed_soon(struct many *many)
{
	int tries, ret;
	long life;

	for (tries = 0; tries < WAIT_TRIES; tries++) {
		ret = many_beside(many);
		if (ret)
			return ret;
		life = kill_after(many, many->took / 4);
		ksft_print_msg("killed, lived for %ld us\n", life);
		if (life >= 0 && life * 4 < (long)many->took)
			return 0;
	}
	return -ETIME;
}

TEST_F(many, h60_search_killed)
{
	struct many *many = &self->many;

	many_is_about(many, "search", run_search);
	ASSERT_EQ(0, many_allow(many));
	EXPECT_EQ(0, many_killed_soon(many));
}

TEST_HARNESS_MAIN

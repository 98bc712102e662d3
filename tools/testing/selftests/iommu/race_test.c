// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Several threads at once, ids guessed, files closed and processes killed at
 * bad moments. Each test runs for a fixed time; an error is what no order of
 * the calls could have given, and whatever the instrumented kernel reports.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/harness.h"
#include "lib/process.h"
#include "lib/rig.h"
#include "lib/trap.h"

#define RUN_MS		700

/* Ids are handed out from 1 on, so guessing is easy. */
#define GUESSES		8

#define WINDOW_PAGES	16

/**
 * struct race - what the threads of a test share
 * @fd: the iommufd
 * @ioas_id: an IOAS that stays
 * @other_id: another one, in the test that swings between the two
 * @buffer: WINDOW_PAGES pages
 * @edu: a device, in tests that have one
 * @stop: set when it is time to end
 * @calls: calls that were made
 * @odd: an errno that nobody expected, or 0
 * @odd_call: name of the call it came from
 */
struct race {
	int fd;
	__u32 ioas_id;
	__u32 other_id;
	char *buffer;
	struct edu *edu;
	bool stop;
	unsigned long calls;
	int odd;
	const char *odd_call;
};

struct worker {
	struct race *race;
	void (*step)(struct worker *worker);
	unsigned int seed;
	pthread_t thread;
};

static unsigned int pick(struct worker *worker, unsigned int count)
{
	return rand_r(&worker->seed) % count;
}

static __u32 guess(struct worker *worker)
{
	return 1 + pick(worker, GUESSES);
}

/* @ret is fine if it is 0 or one of @errors, which ends with 0. */
static void judge(struct worker *worker, const char *call, int ret,
		  const int *errors)
{
	struct race *race = worker->race;

	__atomic_add_fetch(&race->calls, 1, __ATOMIC_RELAXED);
	if (!ret)
		return;
	for (; *errors; errors++)
		if (ret == -*errors)
			return;
	race->odd_call = call;
	__atomic_store_n(&race->odd, ret, __ATOMIC_RELAXED);
}

#define JUDGE(call, ret, ...) \
	judge(worker, call, ret, (const int[]){ __VA_ARGS__, 0 })

static bool is_over(struct race *race)
{
	return __atomic_load_n(&race->stop, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&race->odd, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	while (!is_over(worker->race))
		worker->step(worker);
	return NULL;
}

/* Run all @steps at once, each in a thread of its own. */
static int run_race(struct race *race, void (* const *steps)(struct worker *),
		    unsigned int count, unsigned int ms)
{
	struct worker workers[8];
	unsigned int i, started = 0;
	__u64 end = now_ms() + ms;

	for (i = 0; i < count; i++) {
		workers[i] = (struct worker){
			.race = race,
			.step = steps[i],
			.seed = now_ms() * 8 + i,
		};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			break;
		started++;
	}
	while (started == count && !is_over(race) && now_ms() < end)
		usleep(10000);
	__atomic_store_n(&race->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	return started == count ? race->odd : -EAGAIN;
}

/* The steps */

static void step_alloc(struct worker *worker)
{
	__u32 id;

	JUDGE("alloc", ioas_alloc(worker->race->fd, &id), ENOMEM);
}

static void step_destroy(struct worker *worker)
{
	JUDGE("destroy", iommufd_destroy(worker->race->fd, guess(worker)),
	      ENOENT, EBUSY);
}

/* Objects come and go, and never grow many. */
static void step_alloc_destroy(struct worker *worker)
{
	__u32 id;
	int ret;

	ret = ioas_alloc(worker->race->fd, &id);
	JUDGE("alloc", ret, ENOMEM);
	if (!ret)
		JUDGE("destroy", iommufd_destroy(worker->race->fd, id), ENOENT,
		      EBUSY);
}

static void step_ranges(struct worker *worker)
{
	struct iova_ranges ranges;

	JUDGE("ranges", ioas_iova_ranges(worker->race->fd, guess(worker),
					 &ranges), ENOENT);
}

static void step_allow(struct worker *worker)
{
	struct iommu_iova_range range = { 0, SZ_2M * 1024 - 1 };

	JUDGE("allow", ioas_allow_iovas(worker->race->fd, guess(worker), &range,
					pick(worker, 2)),
	      ENOENT, EADDRINUSE);
}

static __u64 window_iova(struct worker *worker, __u64 *length)
{
	__u64 page = pick(worker, WINDOW_PAGES);

	*length = (1 + pick(worker, WINDOW_PAGES - page)) * PAGE_SIZE;
	return rig_iova(page);
}

static void step_map(struct worker *worker)
{
	struct race *race = worker->race;
	__u64 length, iova = window_iova(worker, &length);

	JUDGE("map", ioas_map_fixed(race->fd, guess(worker), race->buffer,
				    length, iova),
	      ENOENT, EEXIST, EBUSY, ENOMEM);
}

static void step_map_auto(struct worker *worker)
{
	struct race *race = worker->race;
	__u32 id = guess(worker);
	__u64 iova;
	int ret;

	ret = ioas_map_auto(race->fd, id, race->buffer, PAGE_SIZE, &iova);
	JUDGE("map", ret, ENOENT, ENOSPC, ENOMEM);
	if (!ret)
		JUDGE("unmap", ioas_unmap(race->fd, id, iova, PAGE_SIZE, NULL),
		      ENOENT, EBUSY);
}

static void step_unmap(struct worker *worker)
{
	__u64 length, iova = window_iova(worker, &length);

	JUDGE("unmap", ioas_unmap(worker->race->fd, guess(worker), iova, length,
				  NULL), ENOENT, EBUSY);
}

static void step_unmap_all(struct worker *worker)
{
	JUDGE("unmap all", ioas_unmap_all(worker->race->fd, guess(worker),
					  NULL), ENOENT, EBUSY);
}

static void step_copy(struct worker *worker)
{
	__u64 length;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = guess(worker),
		.dst_ioas_id = guess(worker),
		.src_iova = window_iova(worker, &length),
		.dst_iova = window_iova(worker, &length),
	};

	copy.length = length;
	JUDGE("copy", ioas_copy(worker->race->fd, &copy), ENOENT, EEXIST,
	      EBUSY, ENOMEM);
}

static void step_option(struct worker *worker)
{
	__u64 val;
	__u32 id = guess(worker);

	JUDGE("option get", option_get(worker->race->fd,
				       IOMMU_OPTION_HUGE_PAGES, id, &val),
	      ENOENT);
	JUDGE("option set", option_set(worker->race->fd,
				       IOMMU_OPTION_HUGE_PAGES, id,
				       pick(worker, 2)),
	      ENOENT, EINVAL);
	JUDGE("rlimit mode", option_set(worker->race->fd,
					IOMMU_OPTION_RLIMIT_MODE, 0,
					pick(worker, 2)),
	      EBUSY);
}

/* Whoever looks on is no trouble. */
static void step_fdinfo(struct worker *worker)
{
	char path[64], text[4096];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", worker->race->fd);
	file = fopen(path, "re");
	if (!file) {
		JUDGE("fdinfo", -errno, ENOMEM);
		return;
	}
	while (fread(text, 1, sizeof(text), file))
		;
	fclose(file);
	JUDGE("fdinfo", 0, ENOMEM);
}

static void step_attach(struct worker *worker)
{
	JUDGE("attach", edu_attach_ioas(worker->race->edu, guess(worker)),
	      ENOENT, EINVAL, EADDRINUSE, EBUSY, ENOMEM);
}

static void step_detach(struct worker *worker)
{
	edu_detach(worker->race->edu);
	usleep(1000);
}

/* Without a device: destroy against each ioctl */

FIXTURE(destroy)
{
	struct baseline baseline;
	struct race race;
};

FIXTURE_VARIANT(destroy)
{
	void (*step)(struct worker *worker);
};

#define AGAINST(step_fn) { .step = step_fn }

/* clang-format off */
FIXTURE_VARIANT_ADD(destroy, alloc) AGAINST(step_alloc);
FIXTURE_VARIANT_ADD(destroy, destroy) AGAINST(step_destroy);
FIXTURE_VARIANT_ADD(destroy, ranges) AGAINST(step_ranges);
FIXTURE_VARIANT_ADD(destroy, allow) AGAINST(step_allow);
FIXTURE_VARIANT_ADD(destroy, map) AGAINST(step_map);
FIXTURE_VARIANT_ADD(destroy, map_auto) AGAINST(step_map_auto);
FIXTURE_VARIANT_ADD(destroy, unmap_all) AGAINST(step_unmap_all);
FIXTURE_VARIANT_ADD(destroy, copy) AGAINST(step_copy);
FIXTURE_VARIANT_ADD(destroy, option) AGAINST(step_option);
FIXTURE_VARIANT_ADD(destroy, fdinfo) AGAINST(step_fdinfo);
/* clang-format on */

static int race_create(struct race *race)
{
	memset(race, 0, sizeof(*race));
	race->fd = iommufd_open();
	if (race->fd < 0)
		return race->fd;
	return memory_alloc(MEMORY_SMALL_PAGES, WINDOW_PAGES * PAGE_SIZE,
			    (void **)&race->buffer);
}

FIXTURE_SETUP(destroy)
{
	baseline_take(&self->baseline);
	ASSERT_EQ(0, race_create(&self->race));
}

FIXTURE_TEARDOWN(destroy)
{
	close(self->race.fd);
	memory_free_all();
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

#define EXPECT_RACE(state, ms, ...) do { \
	void (* const steps[])(struct worker *) = { __VA_ARGS__ }; \
	struct race *run = (state); \
	EXPECT_EQ(0, run_race(run, steps, ARRAY_SIZE(steps), ms)) { \
		TH_LOG("odd errno from %s", \
		       run->odd_call ? run->odd_call : "?"); \
	} \
	EXPECT_GT(run->calls, 0); \
} while (0)

TEST_F(destroy, h02_against)
{
	EXPECT_RACE(&self->race, RUN_MS, step_alloc_destroy, step_destroy,
		    variant->step, variant->step);
}

/* An id is looked for before the object behind it is complete. */
TEST_F(destroy, h01_guessed_id)
{
	EXPECT_RACE(&self->race, RUN_MS, step_alloc_destroy, variant->step,
		    variant->step, variant->step);
}

/* Map against unmap */

FIXTURE(race)
{
	struct rig rig;
	struct race race;
};

FIXTURE_VARIANT(race)
{
	bool attached;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(race, detached) {
	/* clang-format on */
	.attached = false,
};

/* clang-format off */
FIXTURE_VARIANT_ADD(race, attached) {
	/* clang-format on */
	.attached = true,
};

static int race_create_attached(struct rig *rig, struct race *race)
{
	int ret = rig_create(rig, 0);

	if (!ret)
		ret = edu_attach_ioas(&rig->edu, rig->ioas_id);
	*race = (struct race){
		.fd = rig->fd,
		.ioas_id = rig->ioas_id,
		.buffer = rig->buffer,
		.edu = &rig->edu,
	};
	return ret;
}

static int race_create_detached(struct rig *rig, struct race *race)
{
	int ret;

	baseline_take(&rig->baseline);
	rig->edu.vfio.fd = -1;
	ret = race_create(race);
	rig->fd = race->fd;
	return ret ? ret : ioas_alloc(race->fd, &race->ioas_id);
}

/* With a device if it is to be attached, and without one otherwise. */
FIXTURE_SETUP(race)
{
	int ret = variant->attached ?
		  race_create_attached(&self->rig, &self->race) :
		  race_create_detached(&self->rig, &self->race);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(race)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

/* Two that each own half of the window, and one that unmaps all of it. */

static void map_half(struct worker *worker, __u64 first)
{
	struct race *race = worker->race;
	__u64 page = first + pick(worker, WINDOW_PAGES / 2);

	JUDGE("map", ioas_map_fixed(race->fd, race->ioas_id, race->buffer,
				    PAGE_SIZE, rig_iova(page)), EEXIST);
}

static void step_map_low(struct worker *worker)
{
	map_half(worker, 0);
}

static void step_map_high(struct worker *worker)
{
	map_half(worker, WINDOW_PAGES / 2);
}

/*
 * The window as a whole cuts no area, so the only things that can be wrong
 * with its unmap are that nothing is there, or that what is there is still
 * being made.
 */
static void step_unmap_window(struct worker *worker)
{
	struct race *race = worker->race;
	__u64 unmapped;
	int ret;

	ret = ioas_unmap(race->fd, race->ioas_id, rig_iova(0),
			 WINDOW_PAGES * PAGE_SIZE, &unmapped);
	JUDGE("unmap", ret, ENOENT, EBUSY);
	/* One unmap sees each IOVA once. */
	if (!ret && (!unmapped || unmapped > WINDOW_PAGES * PAGE_SIZE))
		JUDGE("bytes of unmap", -ERANGE, ENOENT);
}

TEST_F(race, h13_unmap_against_map)
{
	EXPECT_RACE(&self->race, 2 * RUN_MS, step_map_low, step_map_high,
		    step_unmap_window);
	EXPECT_EQ(0, ioas_unmap_all(self->race.fd, self->race.ioas_id, NULL));
	/* All of the window is free. */
	EXPECT_EQ(0, ioas_map_fixed(self->race.fd, self->race.ioas_id,
				    self->race.buffer, WINDOW_PAGES * PAGE_SIZE,
				    rig_iova(0)));
}

TEST_F(race, h13_unmap_against_unmap)
{
	EXPECT_RACE(&self->race, 2 * RUN_MS, step_map_low, step_map_high,
		    step_unmap_window, step_unmap_window);
}

/* Who maps and unmaps in a place of its own never sees anyone else. */

static void own_place(struct worker *worker, __u64 page)
{
	struct race *race = worker->race;
	__u64 iova = 4 * RIG_IOVA + page * PAGE_SIZE, unmapped;

	JUDGE("own map", ioas_map_fixed(race->fd, race->ioas_id, race->buffer,
					2 * PAGE_SIZE, iova), ENOMEM);
	JUDGE("own unmap", ioas_unmap(race->fd, race->ioas_id, iova,
				      2 * PAGE_SIZE, &unmapped), ENOMEM);
	if (unmapped != 2 * PAGE_SIZE)
		JUDGE("bytes of own unmap", -ERANGE, ENOMEM);
}

static void step_own_first(struct worker *worker)
{
	own_place(worker, 0);
}

static void step_own_second(struct worker *worker)
{
	own_place(worker, 2);
}

TEST_F(race, h13_neighbours_do_not_meet)
{
	EXPECT_RACE(&self->race, 2 * RUN_MS, step_own_first, step_own_second,
		    step_map_low, step_unmap_window);
}

/* An area under construction is copied from, or not found. */
static void step_copy_window(struct worker *worker)
{
	struct race *race = worker->race;
	struct iommu_ioas_copy copy = {
		.flags = MAP_RW,
		.src_ioas_id = race->ioas_id,
		.dst_ioas_id = race->ioas_id,
		.length = PAGE_SIZE,
		.src_iova = rig_iova(pick(worker, WINDOW_PAGES)),
	};
	int ret = ioas_copy(race->fd, &copy);

	JUDGE("copy", ret, ENOENT);
	if (!ret)
		JUDGE("unmap copy", ioas_unmap(race->fd, race->ioas_id,
					       copy.dst_iova, PAGE_SIZE, NULL),
		      ENOMEM);
}

TEST_F(race, h14_copy_of_an_area_in_the_making)
{
	struct iommu_iova_range range = { 8 * RIG_IOVA, 9 * RIG_IOVA };

	ASSERT_EQ(0, ioas_allow_iovas(self->race.fd, self->race.ioas_id, &range,
				      1));
	EXPECT_RACE(&self->race, 2 * RUN_MS, step_map_low, step_map_high,
		    step_copy_window, step_unmap_window, step_fdinfo);
}

/* All at once, on guessed ids. */
TEST_F(race, h02_everything)
{
	EXPECT_RACE(&self->race, 2 * RUN_MS, step_alloc_destroy, step_map,
		    step_copy, step_unmap, step_unmap_all, step_ranges,
		    step_map_auto, step_option);
}

/* A file closed while its ioctls run: the last of them does the work. */
static int exit_while_racing(void *arg)
{
	void (* const steps[])(struct worker *) = {
		step_alloc_destroy, step_map, step_copy, step_unmap,
	};
	struct worker workers[ARRAY_SIZE(steps)];
	struct race *race = arg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		workers[i] = (struct worker){
			.race = race, .step = steps[i], .seed = i,
		};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return 1;
	}
	usleep(100000);
	/* All threads die where they are. */
	_exit(0);
}

TEST_F(race, h07_exit_in_the_middle)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, child_run(exit_while_racing, &self->race,
				       TIMEOUT_MS));
	}
}

static int exit_with_own_file(void *arg)
{
	struct race race;
	__u32 id;

	(void)arg;
	if (race_create(&race) || ioas_alloc(race.fd, &id))
		return 1;
	return exit_while_racing(&race);
}

TEST_F(race, h07_close_in_the_middle)
{
	int i;

	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, child_run(exit_with_own_file, NULL, TIMEOUT_MS));
}

/* Attach and detach against everything */

FIXTURE(attached)
{
	struct rig rig;
	struct race race;
};

FIXTURE_SETUP(attached)
{
	int ret = race_create_attached(&self->rig, &self->race);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(attached)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

static void step_attach_own(struct worker *worker)
{
	JUDGE("attach own", edu_attach_ioas(worker->race->edu,
					    worker->race->ioas_id), ENOMEM);
}

TEST_F(attached, h14_attach_against_map)
{
	EXPECT_RACE(&self->race, 3 * RUN_MS, step_attach_own, step_detach,
		    step_map_low, step_unmap_window, step_own_first);
	/* What is mapped now is pinned if and only if there is a device. */
	EXPECT_EQ(0, edu_detach(self->race.edu));
	EXPECT_EQ(0, status_kib("VmPin:"));
	EXPECT_EQ(0, edu_attach_ioas(self->race.edu, self->race.ioas_id));
	EXPECT_EQ(0, ioas_unmap_all(self->race.fd, self->race.ioas_id, NULL));
	EXPECT_EQ(0, status_kib("VmPin:"));
}

TEST_F(attached, h21_attach_detach_replace)
{
	EXPECT_RACE(&self->race, 3 * RUN_MS, step_alloc_destroy, step_attach,
		    step_attach, step_detach, step_destroy, step_map,
		    step_unmap, step_copy);
}

/* Two IOASes with shared memory, between which the device is swung. */
static void step_swing(struct worker *worker)
{
	struct race *race = worker->race;

	JUDGE("swing", edu_attach_ioas(race->edu, race->ioas_id), ENOMEM);
	JUDGE("swing", edu_attach_ioas(race->edu, race->other_id), ENOMEM);
}

static void step_copy_over(struct worker *worker)
{
	struct race *race = worker->race;
	__u64 iova = rig_iova(pick(worker, WINDOW_PAGES));
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = race->ioas_id,
		.dst_ioas_id = race->other_id,
		.length = PAGE_SIZE,
		.src_iova = iova,
		.dst_iova = iova,
	};

	JUDGE("copy over", ioas_copy(race->fd, &copy), ENOENT, EEXIST);
	if (!pick(worker, 4))
		JUDGE("clear", ioas_unmap_all(race->fd, race->other_id,
					      NULL), EBUSY);
}

TEST_F(attached, h19_replace_against_copy)
{
	ASSERT_EQ(0, ioas_alloc(self->race.fd, &self->race.other_id));
	EXPECT_RACE(&self->race, 3 * RUN_MS, step_swing, step_map_low,
		    step_map_high, step_copy_over, step_unmap_window);
	EXPECT_EQ(0, edu_detach(self->race.edu));
	EXPECT_EQ(0, status_kib("VmPin:"));
}

/* Stuck and killed */

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
	struct rig *rig = arg;
	struct iova_ranges ranges;
	__u64 iova;

	if (rig_map(rig, 0, 4))
		return 1;
	if (ioas_map_auto(rig->fd, rig->ioas_id, rig->buffer, PAGE_SIZE, &iova))
		return 2;
	if (ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges))
		return 3;
	if (rig_copy(rig, rig_iova(0), 2, rig->ioas_id, rig_iova(100)))
		return 4;
	if (rig_unmap(rig, 0, 4) || rig_unmap(rig, 100, 2))
		return 5;
	return ioas_unmap(rig->fd, rig->ioas_id, iova, PAGE_SIZE, NULL) ? 6 : 0;
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

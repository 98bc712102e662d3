// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Several threads at once, ids guessed, files closed at bad moments. Each test
 * runs for a fixed time; an error is what no order of the calls could have
 * given, and whatever the instrumented kernel reports.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/files.h"
#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/process.h"
#include "lib/rig.h"

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
 * @tracked: a page table that tracks writes, in tests that have one
 * @target: what devices come to: that, or what is nested in it
 * @mover: a device of the mock IOMMU, which goes from there to @other_id
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
	__u32 tracked;
	__u32 target;
	__u32 mover;
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

#define JUDGE(worker, call, ret, ...) \
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

	JUDGE(worker, "alloc", ioas_alloc(worker->race->fd, &id), ENOMEM);
}

static void step_destroy(struct worker *worker)
{
	JUDGE(worker, "destroy", iommufd_destroy(worker->race->fd,
						 guess(worker)), ENOENT, EBUSY);
}

/* Objects come and go, and never grow many. */
static void step_alloc_destroy(struct worker *worker)
{
	__u32 id;
	int ret;

	ret = ioas_alloc(worker->race->fd, &id);
	JUDGE(worker, "alloc", ret, ENOMEM);
	if (!ret)
		JUDGE(worker, "destroy", iommufd_destroy(worker->race->fd, id),
		      ENOENT, EBUSY);
}

static void step_ranges(struct worker *worker)
{
	struct iova_ranges ranges;

	JUDGE(worker, "ranges", ioas_iova_ranges(worker->race->fd,
						 guess(worker), &ranges),
	      ENOENT);
}

static void step_allow(struct worker *worker)
{
	struct iommu_iova_range range = { 0, SZ_2M * 1024 - 1 };

	JUDGE(worker, "allow", ioas_allow_iovas(worker->race->fd, guess(worker),
						&range, pick(worker, 2)),
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

	JUDGE(worker, "map", ioas_map_fixed(race->fd, guess(worker),
					    race->buffer, length, iova), ENOENT,
	      EEXIST, EBUSY, ENOMEM);
}

static void step_map_auto(struct worker *worker)
{
	struct race *race = worker->race;
	__u32 id = guess(worker);
	__u64 iova;
	int ret;

	ret = ioas_map_auto(race->fd, id, race->buffer, PAGE_SIZE, &iova);
	JUDGE(worker, "map", ret, ENOENT, ENOSPC, ENOMEM);
	if (!ret)
		JUDGE(worker, "unmap", ioas_unmap(race->fd, id, iova, PAGE_SIZE,
						  NULL), ENOENT, EBUSY);
}

static void step_unmap(struct worker *worker)
{
	__u64 length, iova = window_iova(worker, &length);

	JUDGE(worker, "unmap", ioas_unmap(worker->race->fd, guess(worker), iova,
					  length, NULL), ENOENT, EBUSY);
}

static void step_unmap_all(struct worker *worker)
{
	JUDGE(worker, "unmap all", ioas_unmap_all(worker->race->fd,
						  guess(worker), NULL), ENOENT,
	      EBUSY);
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
	JUDGE(worker, "copy", ioas_copy(worker->race->fd, &copy), ENOENT,
	      EEXIST, EBUSY, ENOMEM);
}

static void step_option(struct worker *worker)
{
	__u64 val;
	__u32 id = guess(worker);

	JUDGE(worker, "option get", option_get(worker->race->fd,
					       IOMMU_OPTION_HUGE_PAGES, id,
					       &val), ENOENT);
	JUDGE(worker, "option set", option_set(worker->race->fd,
					       IOMMU_OPTION_HUGE_PAGES, id,
					       pick(worker, 2)), ENOENT,
	      EINVAL);
	JUDGE(worker, "rlimit mode", option_set(worker->race->fd,
						IOMMU_OPTION_RLIMIT_MODE, 0,
						pick(worker, 2)), EBUSY);
}

/* Whoever looks on is no trouble. */
static void step_look(struct worker *worker, const char *path, const char *call)
{
	char text[4096];
	FILE *file;

	file = fopen(path, "re");
	if (!file) {
		JUDGE(worker, call, -errno, ENOMEM, ENOENT);
		return;
	}
	while (fread(text, 1, sizeof(text), file))
		;
	fclose(file);
	JUDGE(worker, call, 0, ENOMEM);
}

static void step_fdinfo(struct worker *worker)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", worker->race->fd);
	step_look(worker, path, "fdinfo");
}

/* Kernels without debugfs have none of it. */
static void step_debugfs(struct worker *worker)
{
	step_look(worker, "/sys/kernel/debug/iommufd/ioas", "debugfs ioas");
	step_look(worker, "/sys/kernel/debug/iommufd/areas", "debugfs areas");
}

static void step_attach(struct worker *worker)
{
	JUDGE(worker, "attach", edu_attach_ioas(worker->race->edu,
						guess(worker)), ENOENT, EINVAL,
	      EADDRINUSE, EBUSY, ENOMEM);
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
FIXTURE_VARIANT_ADD(destroy, debugfs) AGAINST(step_debugfs);
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

	JUDGE(worker, "map", ioas_map_fixed(race->fd, race->ioas_id,
					    race->buffer, PAGE_SIZE,
					    rig_iova(page)), EEXIST);
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
 * The window as a whole cuts no area. So the only things that can be wrong
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
	JUDGE(worker, "unmap", ret, ENOENT, EBUSY);
	/* One unmap sees each IOVA once. */
	if (!ret && (!unmapped || unmapped > WINDOW_PAGES * PAGE_SIZE))
		JUDGE(worker, "bytes of unmap", -ERANGE, ENOENT);
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

	JUDGE(worker, "own map", ioas_map_fixed(race->fd, race->ioas_id,
						race->buffer, 2 * PAGE_SIZE,
						iova), ENOMEM);
	JUDGE(worker, "own unmap", ioas_unmap(race->fd, race->ioas_id, iova,
					      2 * PAGE_SIZE, &unmapped),
	      ENOMEM);
	if (unmapped != 2 * PAGE_SIZE)
		JUDGE(worker, "bytes of own unmap", -ERANGE, ENOMEM);
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

	JUDGE(worker, "copy", ret, ENOENT);
	if (!ret)
		JUDGE(worker, "unmap copy", ioas_unmap(race->fd, race->ioas_id,
						       copy.dst_iova, PAGE_SIZE,
						       NULL), ENOMEM);
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
	JUDGE(worker, "attach own", edu_attach_ioas(worker->race->edu,
						    worker->race->ioas_id),
	      ENOMEM);
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

	JUDGE(worker, "swing", edu_attach_ioas(race->edu, race->ioas_id),
	      ENOMEM);
	JUDGE(worker, "swing", edu_attach_ioas(race->edu, race->other_id),
	      ENOMEM);
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

	JUDGE(worker, "copy over", ioas_copy(race->fd, &copy), ENOENT, EEXIST);
	if (!pick(worker, 4))
		JUDGE(worker, "clear", ioas_unmap_all(race->fd, race->other_id,
						      NULL), EBUSY);
}

/* What is looked at may go at any moment, device and page table included. */
TEST_F(attached, h02_looked_at_all_the_time)
{
	EXPECT_RACE(&self->race, 3 * RUN_MS, step_alloc_destroy, step_attach,
		    step_detach, step_destroy, step_map, step_unmap,
		    step_fdinfo, step_debugfs);
}

TEST_F(attached, h19_replace_against_copy)
{
	ASSERT_EQ(0, ioas_alloc(self->race.fd, &self->race.other_id));
	EXPECT_RACE(&self->race, 3 * RUN_MS, step_swing, step_map_low,
		    step_map_high, step_copy_over, step_unmap_window);
	EXPECT_EQ(0, edu_detach(self->race.edu));
	EXPECT_EQ(0, status_kib("VmPin:"));
}

/*
 * Tracking is switched while devices come and go. The mock IOMMU warns of one
 * that keeps what it has left, and of one that is not tracked.
 */

#define ENTRY_DELAY	"/sys/module/iommufd/parameters/mock_entry_delay"
#define ENTRY_DELAY_US	"100"

FIXTURE(tracked)
{
	struct mock_rig rig;
	struct race race;
};

FIXTURE_VARIANT(tracked)
{
	bool nested;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(tracked, plain) { .nested = false };
FIXTURE_VARIANT_ADD(tracked, nested) { .nested = true };
/* clang-format on */

static int race_create_tracked(struct mock_rig *rig, bool nested,
			       struct race *race)
{
	const struct iommu_hwpt_selftest data = {};
	__u32 flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	struct mock_device device = {};
	int ret;

	ret = mock_plug(rig->fd, rig->other_id, &device);
	if (nested)
		flags |= IOMMU_HWPT_ALLOC_NEST_PARENT;
	*race = (struct race){
		.fd = rig->fd,
		.ioas_id = rig->ioas_id,
		.other_id = rig->other_id,
		.mover = device.id,
	};
	if (!ret)
		ret = hwpt_alloc_flags(rig->fd, device.idev_id, rig->ioas_id,
				       flags, &race->tracked);
	race->target = race->tracked;
	if (!ret && nested)
		ret = hwpt_alloc_nested(rig->fd, device.idev_id, race->tracked,
					IOMMU_HWPT_DATA_SELFTEST, &data,
					sizeof(data), &race->target);
	return ret;
}

FIXTURE_SETUP(tracked)
{
	int ret = mock_rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, race_create_tracked(&self->rig, variant->nested,
					 &self->race));
	ASSERT_EQ(0, file_write(ENTRY_DELAY, ENTRY_DELAY_US));
}

FIXTURE_TEARDOWN(tracked)
{
	file_write(ENTRY_DELAY, "0");
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

static void step_switch_tracking(struct worker *worker)
{
	struct race *race = worker->race;

	JUDGE(worker, "track", dirty_track(race->fd, race->tracked, true),
	      ENOMEM);
	JUDGE(worker, "track no more",
	      dirty_track(race->fd, race->tracked, false), ENOMEM);
}

static void step_move(struct worker *worker)
{
	struct race *race = worker->race;

	JUDGE(worker, "move", mock_replace(race->fd, race->mover,
					   race->target), ENOMEM);
	JUDGE(worker, "move back", mock_replace(race->fd, race->mover,
						race->other_id), ENOMEM);
}

static void step_plug(struct worker *worker)
{
	struct race *race = worker->race;
	struct mock_device device;
	int ret = mock_plug(race->fd, race->target, &device);

	JUDGE(worker, "plug", ret, ENOMEM);
	if (!ret)
		JUDGE(worker, "unplug", iommufd_destroy(race->fd, device.id),
		      ENOMEM);
}

TEST_F(tracked, h48_devices_that_come_and_go)
{
	struct race *race = &self->race;

	EXPECT_RACE(race, 3 * RUN_MS, step_switch_tracking, step_move,
		    step_plug, step_plug);
	EXPECT_EQ(0, mock_replace(race->fd, race->mover, race->other_id));
	EXPECT_EQ(0, dirty_track(race->fd, race->tracked, true));
	EXPECT_EQ(0, variant->nested ?
			     iommufd_destroy(race->fd, race->target) : 0);
	EXPECT_EQ(0, iommufd_destroy(race->fd, race->tracked));
}

TEST_HARNESS_MAIN

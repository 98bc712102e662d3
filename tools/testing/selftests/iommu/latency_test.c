// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Work that takes long: what others can do meanwhile, and that the kernel does
 * not think it hangs.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>

#include "lib/area_checks.h"
#include "lib/harness.h"
#include "lib/process.h"
#include "lib/work.h"

#define SZ_1T		0x10000000000ULL

/* All tests show the same memory, which takes long to clear. */
static void __attribute__((constructor)) get_memory(void)
{
	window_memory();
}

/* Small maps beside long work */

/*
 * So many are to be made and undone between these two points of the long work.
 * If they had to wait for its end there were none.
 */
#define PAIRS		16
#define FIRST_PART	20
#define LAST_PART	900

FIXTURE(latency)
{
	struct rig rig;
	struct window window;
	__u64 area_checks;
};

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

FIXTURE_SETUP(latency)
{
	const char *lacking;

	ASSERT_EQ(0, work_create(&self->rig, &self->window, &lacking));
	if (lacking)
		SKIP(return, "%s", lacking);
	ASSERT_EQ(0, area_checks_stop(&self->area_checks));
	if (variant->one_cpu)
		ASSERT_EQ(0, stay_on_one_cpu());
}

FIXTURE_TEARDOWN(latency)
{
	EXPECT_STREQ("", work_destroy(&self->rig, &self->window));
	EXPECT_EQ(0, area_checks_resume(self->area_checks));
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
static int work_with_pairs(struct work *work, int *pairs)
{
	unsigned int parts;
	int ret;

	ret = work_start(work);
	if (ret)
		return ret;
	*pairs = pairs_beside(work);
	parts = work_parts(work);
	ksft_print_msg("%d pairs while %u of 1000 parts of %s were done\n",
		       *pairs, parts, work->name);
	return work_end(work);
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

/* Once more, if it has not been enough yet; what was most is in @most. */
static int try_pairs(struct work *work, int *most)
{
	int pairs, ret;

	ret = work_with_pairs(work, &pairs);
	if (ret || pairs < 0)
		return ret ? ret : pairs;
	*most = larger(*most, pairs);
	return 0;
}

/*
 * One call, and the one that undoes it, until enough was done beside each.
 * Returns how many pairs were done beside each at least, or -errno.
 */
static int pairs_beside_both(struct work *there, struct work *back)
{
	int there_most = 0, back_most = 0, tries, ret = 0;

	for (tries = 0; !ret && tries < TRIES; tries++) {
		if (there_most == PAIRS && back_most == PAIRS)
			break;
		ret = try_pairs(there, &there_most);
		if (!ret)
			ret = try_pairs(back, &back_most);
	}
	return ret ? ret : there_most < back_most ? there_most : back_most;
}

TEST_F(latency, h60_small_maps_beside_map_and_unmap)
{
	struct rig *rig = &self->rig;
	struct work map = {
		.rig = rig, .window = &self->window, .name = "map",
		.run = work_map, .counter = ACQUIRED,
	};
	struct work unmap = {
		.rig = rig, .window = &self->window, .name = "unmap",
		.run = work_unmap, .counter = RELEASED,
	};

	ASSERT_EQ(0, rig_attach(rig));
	EXPECT_EQ(PAIRS, pairs_beside_both(&map, &unmap));
}

TEST_F(latency, h60_small_maps_beside_attach_and_detach)
{
	struct rig *rig = &self->rig;
	struct work map = { .rig = rig, .window = &self->window };
	struct work attach = {
		.rig = rig, .window = &self->window, .name = "attach",
		.run = work_attach, .counter = ACQUIRED,
	};
	struct work detach = {
		.rig = rig, .window = &self->window, .name = "detach",
		.run = work_detach, .counter = RELEASED,
	};

	ASSERT_EQ(0, work_map(&map));
	EXPECT_EQ(PAIRS, pairs_beside_both(&attach, &detach));
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

	ASSERT_EQ(0, work_create(&self->rig, &self->window, &lacking));
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
	EXPECT_STREQ("", work_destroy(&self->rig, &self->window));
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

	ASSERT_EQ(0, rig_attach(rig));
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

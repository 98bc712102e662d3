// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Each allocation and each copy from or to user space is made to fail once, by
 * /proc/thread-self/fail-nth. A call that fails has changed nothing, the same
 * call then succeeds, and what takes things down needs no memory at all.
 */
#include <errno.h>
#include <sys/mman.h>

#include "lib/faults.h"
#include "lib/harness.h"
#include "lib/process.h"
#include "lib/rig.h"

#define FAULT_PAGES	40

/**
 * struct scenario - a call under test
 * @rig: the device and its IOAS
 * @other_id: a second IOAS
 * @value: what @act has to tell @undo
 * @fd: of faults_open()
 */
struct scenario {
	struct rig rig;
	__u32 other_id;
	__u64 value;
	int fd;
};

/* The calls, and what takes each of them back. */

static int nothing(struct scenario *scenario)
{
	(void)scenario;
	return 0;
}

static int attach(struct scenario *scenario)
{
	return edu_attach_ioas(&scenario->rig.edu, scenario->rig.ioas_id);
}

static int detach(struct scenario *scenario)
{
	return edu_detach(&scenario->rig.edu);
}

static int act_open(struct scenario *scenario)
{
	int fd = iommufd_open();

	scenario->value = fd;
	return fd < 0 ? fd : 0;
}

static int undo_open(struct scenario *scenario)
{
	return close(scenario->value) ? -errno : 0;
}

static int act_alloc(struct scenario *scenario)
{
	__u32 id;
	int ret = ioas_alloc(scenario->rig.fd, &id);

	if (!ret)
		scenario->value = id;
	return ret;
}

static int act_destroy(struct scenario *scenario)
{
	return iommufd_destroy(scenario->rig.fd, scenario->value);
}

static int act_allow(struct scenario *scenario)
{
	struct iommu_iova_range ranges[20];
	__u64 i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		ranges[i].start = i * 2 * SZ_1M;
		ranges[i].last = (i * 2 + 1) * SZ_1M - 1;
	}
	return ioas_allow_iovas(scenario->rig.fd, scenario->rig.ioas_id, ranges,
				ARRAY_SIZE(ranges));
}

static int undo_allow(struct scenario *scenario)
{
	return ioas_allow_iovas(scenario->rig.fd, scenario->rig.ioas_id, NULL,
				0);
}

static int act_ranges(struct scenario *scenario)
{
	struct iova_ranges ranges;

	return ioas_iova_ranges(scenario->rig.fd, scenario->rig.ioas_id,
				&ranges);
}

static int act_map(struct scenario *scenario)
{
	return rig_map(&scenario->rig, 0, FAULT_PAGES);
}

static int act_unmap(struct scenario *scenario)
{
	return rig_unmap(&scenario->rig, 0, FAULT_PAGES);
}

static int act_map_auto(struct scenario *scenario)
{
	return ioas_map_auto(scenario->rig.fd, scenario->rig.ioas_id,
			     scenario->rig.buffer, FAULT_PAGES * PAGE_SIZE,
			     &scenario->value);
}

static int undo_map_auto(struct scenario *scenario)
{
	return ioas_unmap(scenario->rig.fd, scenario->rig.ioas_id,
			  scenario->value, FAULT_PAGES * PAGE_SIZE, NULL);
}

static int act_copy(struct scenario *scenario)
{
	return rig_copy(&scenario->rig, rig_iova(3), 20, scenario->rig.ioas_id,
			rig_iova(100));
}

static int undo_copy(struct scenario *scenario)
{
	return rig_unmap(&scenario->rig, 100, 20);
}

/* Three areas, so that the second and third can fail, too. */
static int map_three(struct scenario *scenario)
{
	int ret = rig_map(&scenario->rig, 0, 10);

	if (!ret)
		ret = rig_map(&scenario->rig, 10, 10);
	return ret ? ret : rig_map(&scenario->rig, 20, 20);
}

static int map_three_and_attach(struct scenario *scenario)
{
	int ret = map_three(scenario);

	return ret ? ret : attach(scenario);
}

/* The other IOAS has two areas of its own and a copy. */
static int prepare_replace(struct scenario *scenario)
{
	struct rig *rig = &scenario->rig;
	int ret = map_three_and_attach(scenario);

	if (!ret)
		ret = rig_copy(rig, rig_iova(2), 5, scenario->other_id,
			       rig_iova(2));
	if (!ret)
		ret = ioas_map_fixed(rig->fd, scenario->other_id,
				     rig_va(rig, 40), 10 * PAGE_SIZE,
				     rig_iova(40));
	if (!ret)
		ret = ioas_map_fixed(rig->fd, scenario->other_id,
				     rig_va(rig, 50), 10 * PAGE_SIZE,
				     rig_iova(50));
	return ret;
}

static int act_replace(struct scenario *scenario)
{
	return edu_attach_ioas(&scenario->rig.edu, scenario->other_id);
}

static int act_option(struct scenario *scenario)
{
	return option_set(scenario->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scenario->rig.ioas_id, 0);
}

static int undo_option(struct scenario *scenario)
{
	return option_set(scenario->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scenario->rig.ioas_id, 1);
}

static int prepare_unmap(struct scenario *scenario)
{
	int ret = attach(scenario);

	return ret ? ret : act_map(scenario);
}

static int prepare_copy(struct scenario *scenario)
{
	return act_map(scenario);
}

FIXTURE(fault)
{
	struct scenario scenario;
};

FIXTURE_VARIANT(fault)
{
	int (*prepare)(struct scenario *scenario);
	int (*act)(struct scenario *scenario);
	int (*undo)(struct scenario *scenario);
	/* It takes something down: out of memory is no excuse. */
	bool needs_no_memory;
	/* What is done when only the reply cannot be written stays done. */
	bool done_without_reply;
	/* VFIO detaches when it cannot write its own reply. */
	bool may_detach;
};

#define FAULT(prepare_fn, act_fn, undo_fn) { \
	.prepare = prepare_fn, \
	.act = act_fn, \
	.undo = undo_fn, \
}

#define NO_FAULT(prepare_fn, act_fn, undo_fn) { \
	.prepare = prepare_fn, \
	.act = act_fn, \
	.undo = undo_fn, \
	.needs_no_memory = true, \
}

#define UNMAP_FAULT(prepare_fn) { \
	.prepare = prepare_fn, \
	.act = act_unmap, \
	.undo = act_map, \
	.needs_no_memory = true, \
	.done_without_reply = true, \
}

#define REPLACE_FAULT(prepare_fn) { \
	.prepare = prepare_fn, \
	.act = act_replace, \
	.undo = attach, \
	.may_detach = true, \
}

/* clang-format off */
FIXTURE_VARIANT_ADD(fault, open) FAULT(nothing, act_open, undo_open);
FIXTURE_VARIANT_ADD(fault, alloc) FAULT(nothing, act_alloc, act_destroy);
FIXTURE_VARIANT_ADD(fault, allow) FAULT(nothing, act_allow, undo_allow);
FIXTURE_VARIANT_ADD(fault, ranges) FAULT(attach, act_ranges, nothing);
FIXTURE_VARIANT_ADD(fault, option) FAULT(nothing, act_option, undo_option);
FIXTURE_VARIANT_ADD(fault, map_detached) FAULT(nothing, act_map, act_unmap);
FIXTURE_VARIANT_ADD(fault, map_attached) FAULT(attach, act_map, act_unmap);
FIXTURE_VARIANT_ADD(fault, map_auto) FAULT(attach, act_map_auto, undo_map_auto);
FIXTURE_VARIANT_ADD(fault, copy_detached)
	FAULT(prepare_copy, act_copy, undo_copy);
FIXTURE_VARIANT_ADD(fault, copy_attached)
	FAULT(prepare_unmap, act_copy, undo_copy);
FIXTURE_VARIANT_ADD(fault, copy_from_three_areas)
	FAULT(map_three_and_attach, act_copy, undo_copy);
FIXTURE_VARIANT_ADD(fault, attach_empty) FAULT(nothing, attach, detach);
FIXTURE_VARIANT_ADD(fault, attach_with_areas) FAULT(map_three, attach, detach);
FIXTURE_VARIANT_ADD(fault, replace) REPLACE_FAULT(prepare_replace);
FIXTURE_VARIANT_ADD(fault, destroy)
	NO_FAULT(act_alloc, act_destroy, act_alloc);
FIXTURE_VARIANT_ADD(fault, unmap_detached) UNMAP_FAULT(act_map);
FIXTURE_VARIANT_ADD(fault, unmap_attached) UNMAP_FAULT(prepare_unmap);
FIXTURE_VARIANT_ADD(fault, detach)
	NO_FAULT(map_three_and_attach, detach, attach);
/* clang-format on */

FIXTURE_SETUP(fault)
{
	struct scenario *scenario = &self->scenario;
	int ret = rig_create(&scenario->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	scenario->fd = faults_open();
	if (scenario->fd < 0) {
		rig_destroy(&scenario->rig);
		SKIP(return, "no fault injection");
	}
	ASSERT_EQ(0, ioas_alloc(scenario->rig.fd, &scenario->other_id));
	ASSERT_EQ(0, variant->prepare(scenario));
}

FIXTURE_TEARDOWN(fault)
{
	close(self->scenario.fd);
	EXPECT_STREQ("", rig_destroy(&self->scenario.rig));
}

struct call {
	struct scenario *scenario;
	int (*act)(struct scenario *scenario);
};

static int call_act(void *arg)
{
	struct call *call = arg;

	return call->act(call->scenario);
}

/* A copy that is made to fail reads as a bad pointer. */
static bool is_expected(int ret, bool needs_no_memory)
{
	return ret == -EFAULT || (ret == -ENOMEM && !needs_no_memory);
}

/* Was it just the reply that failed? Then the first page has gone. */
static bool is_unmapped(struct scenario *scenario)
{
	struct rig *rig = &scenario->rig;
	int ret = rig_copy(rig, rig_iova(0), 1, scenario->other_id,
			   rig_iova(0));

	if (!ret)
		ioas_unmap_all(rig->fd, scenario->other_id, NULL);
	return ret == -ENOENT;
}

static bool is_as_before(__u64 pinned, __u64 before, bool may_detach)
{
	return pinned == before || (may_detach && !pinned);
}

TEST_F(fault, h04_each_allocation_fails_once)
{
	struct scenario *scenario = &self->scenario;
	struct call call = { scenario, variant->act };
	__u64 pinned = status_kib("VmPin:");
	bool injected = true;
	unsigned int nth;
	int ret;

	for (nth = 1; injected && nth < NTH_MAX; nth++) {
		ret = faults_run(scenario->fd, call_act, &call, nth, &injected);
		ASSERT_NE(-EUCLEAN, ret);
		if (!injected)
			ASSERT_EQ(0, ret);
		if (ret && !(ret == -EFAULT && variant->done_without_reply &&
			     is_unmapped(scenario))) {
			EXPECT_TRUE(is_expected(ret,
						variant->needs_no_memory)) {
				TH_LOG("nth %u: got %d", nth, ret);
			}
			EXPECT_TRUE(is_as_before(status_kib("VmPin:"), pinned,
						 ret == -EFAULT &&
						 variant->may_detach)) {
				TH_LOG("nth %u: got %d", nth, ret);
			}
			ASSERT_EQ(0, variant->act(scenario)) {
				TH_LOG("nth %u: not as before", nth);
			}
		}
		ASSERT_EQ(0, variant->undo(scenario)) {
			TH_LOG("nth %u: no way back", nth);
		}
		EXPECT_EQ(pinned, status_kib("VmPin:"));
	}
	EXPECT_LT(nth, NTH_MAX);
	EXPECT_GT(nth, 1);
	TH_LOG("%u chances to fail", nth - 2);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Work that takes long, stopped in the middle: what others can do meanwhile; and
 * that a signal ends it soon.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <linux/capability.h>

#include "lib/harness.h"
#include "lib/process.h"
#include "lib/trap.h"
#include "lib/work.h"

/* All tests show the same memory, which takes long to clear. */
static void __attribute__((constructor)) get_memory(void)
{
	window_memory();
}

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
	ASSERT_EQ(0, work_create(&self->rig, &self->window, &lacking));
	if (lacking)
		SKIP(return, "%s", lacking);
	ret = trap_open_at(&self->trap, self->window.va + LARGE / 2, SZ_2M);
	if (ret == -ENOTSUP) {
		work_destroy(&self->rig, &self->window);
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
	EXPECT_STREQ("", work_destroy(&self->rig, &self->window));
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
	int ret = rig_use(elsewhere->rig);

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
		.run = work_map, .counter = ACQUIRED,
	};
	struct elsewhere elsewhere = {
		.rig = rig, .window = &self->window,
		.second = &self->second, .second_ioas = rig->ioas_id,
	};

	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(0, start_and_stop(&work, &self->trap));
	EXPECT_LE(450, work_parts(&work));
	EXPECT_GE(501, work_parts(&work));
	EXPECT_EQ(0, child_run(use_elsewhere, &elsewhere, TIMEOUT_MS));
	EXPECT_FALSE(work_ended(&work));
	EXPECT_EQ(0, trap_release(&self->trap));
	EXPECT_EQ(0, work_end(&work));
	EXPECT_EQ(0, work_unmap(&work));
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
		.run = work_attach, .counter = ACQUIRED,
	};
	struct elsewhere elsewhere = {
		.rig = rig, .window = &self->window, .second = &self->second,
	};

	ASSERT_EQ(0, ioas_alloc(rig->fd, &elsewhere.second_ioas));
	ASSERT_EQ(0, work_map(&work));
	ASSERT_EQ(0, start_and_stop(&work, &self->trap));
	EXPECT_LE(450, work_parts(&work));
	EXPECT_GE(501, work_parts(&work));
	EXPECT_EQ(0, child_run(use_elsewhere, &elsewhere, TIMEOUT_MS));
	EXPECT_FALSE(work_ended(&work));
	EXPECT_EQ(0, trap_release(&self->trap));
	EXPECT_EQ(0, work_end(&work));
	EXPECT_EQ(0, work_detach(&work));
}

static int unmap_in_child(void *arg)
{
	struct rig *rig = arg;

	return -ioas_unmap(rig->fd, rig->ioas_id, LARGE_IOVA, LARGE + PAGE_SIZE,
			   NULL);
}

/* Whoever unmaps does not wait for somebody else's page fault. */
TEST_F(stopped, h60_unmap_of_what_is_filled)
{
	struct rig *rig = &self->rig;
	struct work work = {
		.rig = rig, .window = &self->window,
		.run = work_attach, .counter = ACQUIRED,
	};

	ASSERT_EQ(0, work_map(&work));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, LARGE_IOVA + LARGE));
	ASSERT_EQ(0, start_and_stop(&work, &self->trap));
	EXPECT_EQ(0, child_run(unmap_in_child, rig, TIMEOUT_MS));
	EXPECT_FALSE(work_ended(&work));
	EXPECT_EQ(0, trap_release(&self->trap));
	EXPECT_EQ(0, work_end(&work));
	EXPECT_EQ(-ENOENT, work_unmap(&work));
	EXPECT_EQ(0, work_detach(&work));
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

	ASSERT_EQ(0, work_create(&self->rig, &self->window, &lacking));
	if (lacking)
		SKIP(return, "%s", lacking);
	ASSERT_EQ(0, memlock_limit(LARGE));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	usage_read(&self->before);
}

FIXTURE_TEARDOWN(killed)
{
	EXPECT_STREQ("", work_destroy(&self->rig, &self->window));
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
static int map_and_attach(struct work *work)
{
	int ret = work_map(work);

	return ret ? ret : work_attach(work);
}

static int detach_and_unmap(struct work *work)
{
	int ret = work_detach(work);

	return ret ? ret : work_unmap(work);
}

/* Wait until the victim is at work; false if it never is. */
static bool victim_is_busy(struct victim *victim, pid_t pid)
{
	__u64 end = now_ms() + TIMEOUT_MS;
	siginfo_t info;

	while (now_ms() < end) {
		victim->parts = work_parts_since(victim->work.counter,
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

	work->before = work_counter(work->counter);
	pid = child_start(victim_main, victim);
	if (pid < 0)
		return -errno;
	if (!victim_is_busy(victim, pid))
		return child_wait(pid, 0);
	kill(pid, SIGKILL);
	at_kill = work_counter(work->counter);
	ret = child_wait(pid, TIMEOUT_MS);
	victim->parts = (at_kill - work->before) * 1000 / (LARGE / PAGE_SIZE);
	victim->overrun = work_counter(work->counter) - at_kill;
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

/*
 * Is nothing pinned, and has the user not a page less than before? Returns the
 * empty string, or what is not so.
 */
static const char *check_released(struct rig *rig, const struct usage *before)
{
	struct usage now;

	usage_read(&now);
	if (now.pins != before->pins || now.pinned_kib != before->pinned_kib)
		return "pages are pinned";
	if (memlock_limit(2 * PAGE_SIZE))
		return "no way to limit what is charged";
	if (rig_map(rig, 0, 2))
		return "something is charged";
	if (rig_map(rig, 2, 1) != -ENOMEM)
		return "more than the limit can be charged";
	if (rig_unmap(rig, 0, 2))
		return "what was mapped cannot be unmapped";
	return memlock_limit(LARGE) ? "the limit cannot be raised" : "";
}

TEST_F(killed, h60_map)
{
	struct victim victim = {
		.work = { .rig = &self->rig, .run = work_map,
			  .counter = ACQUIRED },
		.undo = work_unmap,
		.own_window = true,
	};
	struct rig *rig = &self->rig;
	__u64 unmapped;

	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(-EINTR, kill_in_the_middle(&victim));
	EXPECT_GE(MIDDLE_PARTS, victim.parts);
	EXPECT_GE(OVERRUN_PAGES, victim.overrun);
	/* The IOVA is free again, which is not so for areas in the making. */
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, &unmapped));
	EXPECT_EQ(0, unmapped);
	EXPECT_STREQ("", check_released(rig, &self->before));
	EXPECT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->window.va,
				    LARGE, LARGE_IOVA));
}

TEST_F(killed, h60_attach)
{
	struct victim victim = {
		.work = { .rig = &self->rig, .run = map_and_attach,
			  .counter = ACQUIRED },
		.undo = detach_and_unmap,
		.own_window = true,
	};
	struct rig *rig = &self->rig;
	__u64 unmapped;

	ASSERT_EQ(-EINTR, kill_in_the_middle(&victim));
	EXPECT_GE(MIDDLE_PARTS, victim.parts);
	EXPECT_GE(OVERRUN_PAGES, victim.overrun);
	/* What it had mapped is still there, but its memory is gone. */
	EXPECT_EQ(-EFAULT, rig_attach(rig));
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, &unmapped));
	EXPECT_EQ(LARGE, unmapped);
	EXPECT_EQ(0, rig_attach(rig));
	EXPECT_STREQ("", check_released(rig, &self->before));
}

/* An unmap cannot be taken back, so it is done to its end. */
TEST_F(killed, h60_unmap)
{
	struct victim victim = {
		.work = { .rig = &self->rig, .window = &self->window,
			  .run = work_unmap, .counter = RELEASED },
		.undo = work_map,
	};
	struct rig *rig = &self->rig;
	__u64 unmapped;

	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(0, work_map(&victim.work));
	ASSERT_EQ(-EINTR, kill_in_the_middle(&victim));
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, &unmapped));
	EXPECT_EQ(0, unmapped);
	EXPECT_STREQ("", check_released(rig, &self->before));
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

	if (rig_create(&rig, 0) || rig_attach(&rig) ||
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
	ASSERT_EQ(0, rig_attach(rig));
	EXPECT_STREQ("", check_released(rig, &self->before));
}

TEST_HARNESS_MAIN

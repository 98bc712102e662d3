// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A BAR comes and goes while others map, copy, attach and unmap it. What each
 * call may say is known; what page tables show is looked at in the end, and the
 * instrumented kernel looks at locks and at memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/bar.h"
#include "lib/clock.h"
#include "lib/harness.h"

/* Of one test, and of that in which all comes together. */
#define RACE_MS		4000
#define LONG_RACE_MS	45000

#define THREADS_MAX	12

/* Areas over one BAR, so that it is not taken away from all in one step. */
#define COPIES		16

/**
 * struct scene - what the threads of a test share
 * @bar: the BAR, and two IOASes
 * @other: a device of the second IOAS
 * @stop: set when it is time to end
 * @odd: an errno that nobody expected, or 0
 * @odd_step: the step that it comes from
 * @calls: how many steps of each thread went well
 */
struct scene {
	struct bar_rig bar;
	struct mock_device other;
	bool stop;
	int odd;
	const char *odd_step;
	unsigned long calls[THREADS_MAX];
};

/**
 * struct step - what a thread does again and again
 * @name: for the report
 * @run: returns 0, or what failed
 * @errors: what may fail, up to the first 0
 */
struct step {
	const char *name;
	int (*run)(struct scene *scene, unsigned int *seed);
	int errors[5];
};

/**
 * struct actor - a thread
 * @scene: shared with others
 * @step: what it does
 * @number: of the thread
 * @thread: it
 */
struct actor {
	struct scene *scene;
	const struct step *step;
	unsigned int number;
	pthread_t thread;
};

static bool is_expected(const struct step *step, int ret)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(step->errors) && step->errors[i]; i++)
		if (ret == -step->errors[i])
			return true;
	return !ret;
}

static void *act(void *arg)
{
	struct actor *actor = arg;
	struct scene *scene = actor->scene;
	unsigned int seed = actor->number;

	while (!__atomic_load_n(&scene->stop, __ATOMIC_RELAXED)) {
		int ret = actor->step->run(scene, &seed);

		if (!ret)
			__atomic_add_fetch(&scene->calls[actor->number], 1,
					   __ATOMIC_RELAXED);
		if (is_expected(actor->step, ret))
			continue;
		scene->odd_step = actor->step->name;
		__atomic_store_n(&scene->odd, ret, __ATOMIC_RELEASE);
		break;
	}
	return NULL;
}

/* The step that has not gone well so far, or NULL. */
static const struct step *unlucky(const struct scene *scene,
				  const struct step *const *steps,
				  unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!__atomic_load_n(&scene->calls[i], __ATOMIC_RELAXED))
			return steps[i];
	return NULL;
}

/*
 * Returns the name of a step that went wrong or never went well, or "". Where
 * the BAR is away most of the time some need luck, so they get more time.
 */
static const char *play(struct scene *scene, unsigned int race_ms,
			const struct step *const *steps, unsigned int count)
{
	struct actor actors[THREADS_MAX];
	__u64 end = now_ms() + race_ms;
	const struct step *failed;
	unsigned int i, started;

	for (started = 0; started < count; started++) {
		actors[started] = (struct actor){
			.scene = scene,
			.step = steps[started],
			.number = started,
		};
		if (pthread_create(&actors[started].thread, NULL, act,
				   &actors[started]))
			break;
	}
	while (!__atomic_load_n(&scene->odd, __ATOMIC_ACQUIRE) &&
	       (now_ms() < end || (unlucky(scene, steps, started) &&
				   now_ms() < end + TIMEOUT_MS)))
		sleep_ms(10);
	__atomic_store_n(&scene->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < started; i++)
		pthread_join(actors[i].thread, NULL);
	if (scene->odd)
		return scene->odd_step;
	if (started < count)
		return "pthread_create";
	failed = unlucky(scene, steps, count);
	return failed ? failed->name : "";
}

/* Steps of whoever has the device */

static int run_decode(struct scene *scene, unsigned int *seed)
{
	int ret = bar_rig_off(&scene->bar);

	sleep_ms(rand_r(seed) % 4);
	ret |= bar_rig_on(&scene->bar);
	sleep_ms(rand_r(seed) % 60);
	return ret;
}

static const struct step decode = { "decode", run_decode, {} };

static int run_reset(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;

	sleep_ms(rand_r(seed) % 60);
	return bar_set(bar->rig.fd, bar->bar_fd, MOCK_BAR_RESET,
		       rand_r(seed) % 20);
}

static const struct step reset = { "reset", run_reset, {} };

static int run_protect(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;
	int ret = 0;

	if (mprotect(bar->va, PAGE_SIZE, PROT_READ) ||
	    mprotect(bar->va, bar->length, PROT_READ | PROT_WRITE))
		ret = -errno;
	sleep_ms(rand_r(seed) % 60);
	return ret;
}

/* ENOMEM: others have unmapped a part of it. */
static const struct step protect = { "mprotect", run_protect, { ENOMEM } };

static int run_mmap(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;

	sleep_ms(rand_r(seed) % 20);
	return mmap(bar->va, bar->length, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, bar->bar_fd,
		    0) == MAP_FAILED ? -errno : 0;
}

static const struct step map_again = { "mmap", run_mmap, {} };

/* Away, and for a moment there is nothing in its place. */
static int run_move(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;
	char *aside = mmap(NULL, bar->length, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret = 0;

	if (aside == MAP_FAILED)
		return -errno;
	sleep_ms(rand_r(seed) % 20);
	/* EFAULT: others have made several mappings of it. */
	if (mremap(bar->va, bar->length, bar->length,
		   MREMAP_MAYMOVE | MREMAP_FIXED, aside) == MAP_FAILED)
		ret = errno == EFAULT ? 0 : -errno;
	if (mmap(bar->va, bar->length, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, bar->bar_fd, 0) == MAP_FAILED)
		ret = -errno;
	munmap(aside, bar->length);
	return ret;
}

static const struct step move = { "mremap", run_move, {} };

static int run_unmap_part(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;
	char *va = bar->va + rand_r(seed) % BAR_PAGES * PAGE_SIZE;

	sleep_ms(rand_r(seed) % 20);
	return munmap(va, PAGE_SIZE) ? -errno : run_mmap(scene, seed);
}

static const struct step unmap_part = { "munmap", run_unmap_part, {} };

/* Steps of whoever maps it */

static int run_map(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;
	int ret = bar_rig_map(bar);

	if (ret)
		return ret;
	sleep_ms(rand_r(seed) % 3);
	return ioas_unmap(bar->rig.fd, bar->rig.ioas_id, BAR_IOVA, bar->length,
			  NULL);
}

/* EFAULT: it is away. */
static const struct step map_unmap = { "map", run_map, { EFAULT } };

/* To the other IOAS, where several copies lie side by side. */
static int copy_to(struct bar_rig *bar, unsigned int place)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = bar->rig.ioas_id,
		.src_iova = BAR_IOVA,
		.length = bar->length,
		.dst_ioas_id = bar->rig.other_id,
		.dst_iova = BAR_IOVA + place * bar->length,
	};

	return ioas_copy(bar->rig.fd, &copy);
}

static int run_copy(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;
	unsigned int made;
	int ret = 0;

	for (made = 0; made < COPIES; made++) {
		ret = copy_to(bar, made);
		if (ret)
			break;
	}
	sleep_ms(rand_r(seed) % 3);
	if (!made || (ret && ret != -ENOENT))
		return ret;
	ret = ioas_unmap(bar->rig.fd, bar->rig.other_id, BAR_IOVA,
			 made * bar->length, NULL);
	/* Nobody else unmaps there. */
	return ret == -ENOENT ? -EIO : ret;
}

/* ENOENT: others have unmapped it. */
static const struct step copy_unmap = { "copy", run_copy, { ENOENT } };

static int run_attach(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;
	int fd = bar->rig.fd, ret;
	__u32 hwpt_id;

	ret = hwpt_alloc(fd, bar->device.idev_id, bar->rig.ioas_id, &hwpt_id);
	if (ret)
		return ret;
	sleep_ms(rand_r(seed) % 5);
	return iommufd_destroy(fd, hwpt_id);
}

static const struct step attach = { "attach", run_attach, {} };

/* From a page table of one IOAS to one of the other, and back. */
static int run_replace(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;
	int fd = bar->rig.fd, ret;
	__u32 hwpt_id;

	ret = hwpt_alloc(fd, scene->other.idev_id, bar->rig.ioas_id, &hwpt_id);
	if (ret)
		return ret;
	ret = mock_replace(fd, scene->other.id, hwpt_id);
	sleep_ms(rand_r(seed) % 5);
	if (!ret)
		ret = mock_replace(fd, scene->other.id, bar->rig.other_id);
	return iommufd_destroy(fd, hwpt_id) ?: ret;
}

static const struct step replace = { "replace", run_replace, {} };

static int run_open_close(struct scene *scene, unsigned int *seed)
{
	struct bar_rig *bar = &scene->bar;
	struct mock_device device;
	int fd = iommufd_open();
	__u32 ioas_id;
	int ret;

	if (fd < 0)
		return fd;
	ret = ioas_alloc(fd, &ioas_id);
	if (!ret)
		ret = mock_plug(fd, ioas_id, &device);
	if (!ret)
		ret = ioas_map_fixed(fd, ioas_id, bar->va, bar->length,
				     BAR_IOVA);
	sleep_ms(rand_r(seed) % 5);
	close(fd);
	return ret;
}

static const struct step open_close = { "close", run_open_close, { EFAULT } };

/* A page table shows the BAR, or nothing, or is just being changed. */
static int run_look(struct scene *scene, unsigned int *seed)
{
	(void)seed;
	return bar_rig_check(&scene->bar);
}

static const struct step look = { "look", run_look, { ENOENT, EIO } };

/* With so much going on, hardly ever is all of it there at once. */
static int run_glance(struct scene *scene, unsigned int *seed)
{
	int ret = run_look(scene, seed);

	return ret == -ENOENT || ret == -EIO ? 0 : ret;
}

static const struct step glance = { "glance", run_glance, { 0 } };

FIXTURE(bar_race)
{
	struct scene scene;
};

FIXTURE_SETUP(bar_race)
{
	struct bar_rig *bar = &self->scene.bar;
	int ret = bar_rig_create(bar, BAR_PAGES * PAGE_SIZE, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, mock_plug(bar->rig.fd, bar->rig.other_id,
			       &self->scene.other));
}

FIXTURE_TEARDOWN(bar_race)
{
	EXPECT_STREQ("", bar_rig_destroy(&self->scene.bar));
}

#define PLAY_LONG(race_ms, ...) do { \
	const struct step *const _steps[] = { __VA_ARGS__ }; \
	EXPECT_STREQ("", play(&self->scene, race_ms, _steps, \
			      ARRAY_SIZE(_steps))); \
	EXPECT_EQ(0, self->scene.odd); \
} while (0)

#define PLAY(...) PLAY_LONG(RACE_MS, __VA_ARGS__)

/* Whatever has happened, it is there in the end, and then not any more. */
static int comes_and_goes(struct bar_rig *bar)
{
	int ret = bar_rig_on(bar);

	if (!ret)
		ret = bar_rig_await(bar, bar->device.hwpt_id, 0);
	if (ret)
		return ret;
	ret = bar_rig_off(bar);
	return ret ? ret : bar_rig_check(bar) == -ENOENT ? 0 : -EIO;
}

TEST_F(bar_race, h62_withdraw_against_map_unmap_and_copy)
{
	PLAY(&decode, &reset, &map_unmap, &copy_unmap, &look);
	ioas_unmap_all(self->scene.bar.rig.fd, self->scene.bar.rig.ioas_id,
		       NULL);
	ASSERT_EQ(0, bar_rig_on(&self->scene.bar));
	ASSERT_EQ(0, bar_rig_map(&self->scene.bar));
	EXPECT_EQ(0, comes_and_goes(&self->scene.bar));
}

TEST_F(bar_race, h62_withdraw_against_attach_and_replace)
{
	ASSERT_EQ(0, bar_rig_map(&self->scene.bar));
	PLAY(&decode, &reset, &attach, &replace, &copy_unmap, &look);
	EXPECT_EQ(0, comes_and_goes(&self->scene.bar));
}

TEST_F(bar_race, h62_changes_of_the_mapping_against_all)
{
	PLAY(&protect, &map_again, &map_unmap, &attach, &copy_unmap);
	ioas_unmap_all(self->scene.bar.rig.fd, self->scene.bar.rig.ioas_id,
		       NULL);
	ASSERT_EQ(0, bar_rig_map(&self->scene.bar));
	EXPECT_EQ(0, comes_and_goes(&self->scene.bar));
}

TEST_F(bar_race, h62_withdraw_against_close)
{
	ASSERT_EQ(0, bar_rig_map(&self->scene.bar));
	PLAY(&decode, &reset, &protect, &open_close, &look);
	EXPECT_EQ(0, comes_and_goes(&self->scene.bar));
}

/* All at once. With the tests above it takes a minute. */
TEST_F(bar_race, h62_everything_at_once)
{
	struct bar_rig *bar = &self->scene.bar;
	__u32 tables[2], ioas_ids[2] = { bar->rig.ioas_id, bar->rig.other_id };
	int i, fd = bar->rig.fd;

	PLAY_LONG(LONG_RACE_MS, &decode, &reset, &protect, &map_again, &move,
		  &unmap_part, &map_unmap, &copy_unmap, &attach, &replace,
		  &open_close, &glance);
	for (i = 0; i < 2; i++)
		ioas_unmap_all(fd, ioas_ids[i], NULL);
	ASSERT_EQ(0, bar_rig_on(bar));
	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, copy_to(bar, 0));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, hwpt_alloc(fd, self->scene.other.idev_id,
					ioas_ids[i], &tables[i]));
	EXPECT_EQ(0, comes_and_goes(bar));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(-ENOENT, bar_rig_check_in(bar, tables[i]));
	ASSERT_EQ(0, bar_rig_on(bar));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, bar_rig_await(bar, tables[i], 0));
	ASSERT_EQ(0, bar_rig_off(bar));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-ENOENT, bar_rig_check_in(bar, tables[i]));
		EXPECT_EQ(0, iommufd_destroy(fd, tables[i]));
	}
}

TEST_HARNESS_MAIN

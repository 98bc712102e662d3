// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "work.h"

#include <errno.h>

#include "files.h"

__u64 work_counter(const char *counter)
{
	return file_number("/proc/vmstat", counter);
}

const char *work_destroy(struct rig *rig, struct window *window)
{
	window_close(window);
	return rig_destroy(rig);
}

int work_create(struct rig *rig, struct window *window, const char **lacking)
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

int work_map(struct work *work)
{
	return ioas_map_fixed(work->rig->fd, work->rig->ioas_id,
			      work->window->va, LARGE, LARGE_IOVA);
}

int work_unmap(struct work *work)
{
	return ioas_unmap(work->rig->fd, work->rig->ioas_id, LARGE_IOVA, LARGE,
			  NULL);
}

int work_attach(struct work *work)
{
	return rig_attach(work->rig);
}

int work_detach(struct work *work)
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

int work_start(struct work *work)
{
	work->ended = false;
	work->before = work_counter(work->counter);
	return -pthread_create(&work->thread, NULL, work_thread, work);
}

bool work_ended(struct work *work)
{
	return __atomic_load_n(&work->ended, __ATOMIC_ACQUIRE);
}

int work_end(struct work *work)
{
	pthread_join(work->thread, NULL);
	return work->ret;
}

unsigned int work_parts_since(const char *counter, __u64 before)
{
	__u64 now = work_counter(counter);

	/* The sum over the processors may lag behind. */
	return now > before ? (now - before) * 1000 / (LARGE / PAGE_SIZE) : 0;
}

unsigned int work_parts(struct work *work)
{
	return work_ended(work) ? 1000 :
				  work_parts_since(work->counter, work->before);
}

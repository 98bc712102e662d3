// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "bar.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "memory.h"

/* Longest that anything takes which does not hang, as in harness.h. */
#define AWAIT_MS	60000

/* A large one by huge pages, if the kernel has such for PFNs. */
static int map_bar(struct bar_rig *bar)
{
	void *window = memory_window(bar->length);

	if (!window)
		return -ENOMEM;
	bar->va = mmap(window, bar->length, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, bar->bar_fd, 0);
	if (bar->va == MAP_FAILED)
		return -errno;
	/* EINVAL: it has none at all. */
	if (madvise(bar->va, bar->length, MADV_HUGEPAGE) && errno != EINVAL)
		return -errno;
	return 0;
}

int bar_rig_create(struct bar_rig *bar, __u64 length, __u32 flags)
{
	struct mock_rig *rig = &bar->rig;
	int ret;

	memset(bar, 0, sizeof(*bar));
	bar->length = length;
	ret = mock_rig_create(rig, 0);
	if (ret)
		return ret;
	bar->bar_fd = bar_create(rig->fd, length);
	if (bar->bar_fd < 0)
		return bar->bar_fd;
	ret = map_bar(bar);
	if (ret)
		return ret;
	return mock_plug_flags(rig->fd, rig->ioas_id, flags, &bar->device);
}

/* A test may have unmapped it, which is no error. */
const char *bar_rig_destroy(struct bar_rig *bar)
{
	munmap(bar->va, bar->length);
	close(bar->bar_fd);
	return mock_rig_destroy(&bar->rig);
}

int bar_rig_map(struct bar_rig *bar)
{
	return ioas_map_fixed(bar->rig.fd, bar->rig.ioas_id, bar->va,
			      bar->length, BAR_IOVA);
}

int bar_rig_off(struct bar_rig *bar)
{
	return bar_set(bar->rig.fd, bar->bar_fd, MOCK_BAR_OFF, 0);
}

int bar_rig_on(struct bar_rig *bar)
{
	return bar_set(bar->rig.fd, bar->bar_fd, MOCK_BAR_ON, 0);
}

int bar_rig_check_in(struct bar_rig *bar, __u32 hwpt_id)
{
	return bar_check(bar->rig.fd, hwpt_id, BAR_IOVA, bar->length,
			 bar->bar_fd, 0);
}

int bar_rig_check(struct bar_rig *bar)
{
	return bar_rig_check_in(bar, bar->device.hwpt_id);
}

int bar_rig_await(struct bar_rig *bar, __u32 hwpt_id, int expected)
{
	__u64 end = now_ms() + AWAIT_MS;
	int ret;

	for (;;) {
		ret = bar_rig_check_in(bar, hwpt_id);
		if (ret == expected || now_ms() > end)
			return ret;
		sleep_ms(2);
	}
}

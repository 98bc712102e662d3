// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <errno.h>
#include <unistd.h>

#define PINS	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES

int step_create_access(struct scene *scene)
{
	int fd = access_create(scene->rig.fd, scene->rig.ioas_id, PINS);

	scene->access_fd = fd;
	return fd < 0 ? fd : 0;
}

int step_close_access(struct scene *scene)
{
	return close(scene->access_fd) ? -errno : 0;
}

int step_move_access(struct scene *scene)
{
	return access_replace(scene->rig.fd, scene->access_fd,
			      scene->rig.other_id);
}

int step_move_access_back(struct scene *scene)
{
	return access_replace(scene->rig.fd, scene->access_fd,
			      scene->rig.ioas_id);
}

int step_pin(struct scene *scene)
{
	return access_pin(scene->rig.fd, scene->access_fd, mock_rig_iova(1),
			  9 * PAGE_SIZE, mock_rig_va(&scene->rig, 1), 0,
			  &scene->pages_id);
}

int step_unpin(struct scene *scene)
{
	return access_unpin(scene->rig.fd, scene->access_fd, scene->pages_id);
}

static int step_pin_part(struct scene *scene)
{
	__u32 id;

	return access_pin(scene->rig.fd, scene->access_fd, mock_rig_iova(4),
			  3 * PAGE_SIZE, NULL, 0, &id);
}

static int copy_out(struct scene *scene, __u32 flags)
{
	char buffer[3 * 4096];

	return access_rw(scene->rig.fd, scene->access_fd,
			 mock_rig_iova(2) + 100, sizeof(buffer), buffer, flags);
}

int step_rw_plain(struct scene *scene)
{
	return copy_out(scene, 0);
}

int step_rw_slow(struct scene *scene)
{
	return copy_out(scene, MOCK_ACCESS_RW_SLOW_PATH);
}

int step_rw_write(struct scene *scene)
{
	__u64 mark = mock_rig_mark(2);

	return access_rw(scene->rig.fd, scene->access_fd, mock_rig_iova(2),
			 sizeof(mark), &mark,
			 MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH);
}

int step_access_and_map(struct scene *scene)
{
	return step_both(scene, step_create_access, step_map_three);
}

int step_file_and_access(struct scene *scene)
{
	return step_both(scene, step_file_mapped, step_create_access);
}

int step_pinned(struct scene *scene)
{
	return step_both(scene, step_access_and_map, step_pin);
}

int step_access_and_domain(struct scene *scene)
{
	return step_both(scene, step_create_access, step_three_in_domain);
}

int step_part_pinned(struct scene *scene)
{
	return step_both(scene, step_access_and_map, step_pin_part);
}

int step_part_pinned_and_domain(struct scene *scene)
{
	return step_both(scene, step_access_and_domain, step_pin_part);
}

int step_pinned_and_domain(struct scene *scene)
{
	return step_both(scene, step_access_and_domain, step_pin);
}

int step_remap_and_pin(struct scene *scene)
{
	return step_both(scene, step_map_three, step_pin);
}

int step_pin_limited(struct scene *scene)
{
	return step_both(scene, step_limit_buffers, step_access_and_map);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of a BAR. */
#define BAR_BYTES	(4 * PAGE_SIZE)

/* What is mapped of contiguous memory. */
#define RUN_BYTES	(SZ_1M / 8)

int step_map(struct scene *scene)
{
	return mock_rig_map(&scene->rig, 0, SCENE_PAGES);
}

int step_unmap(struct scene *scene)
{
	return mock_rig_unmap(&scene->rig, 0, SCENE_PAGES);
}

int step_unmap_all(struct scene *scene)
{
	return ioas_unmap_all(scene->rig.fd, scene->rig.ioas_id, NULL);
}

int step_map_auto(struct scene *scene)
{
	return ioas_map_auto(scene->rig.fd, scene->rig.ioas_id,
			     scene->rig.buffer, SCENE_PAGES * PAGE_SIZE,
			     &scene->iova);
}

int step_unmap_auto(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id, scene->iova,
			  SCENE_PAGES * PAGE_SIZE, NULL);
}

int step_map_file(struct scene *scene)
{
	return ioas_map_file_fixed(scene->rig.fd, scene->rig.ioas_id,
				   scene->file, 0, SCENE_PAGES * PAGE_SIZE,
				   mock_rig_iova(0));
}

int step_change_process(struct scene *scene)
{
	return ioas_change_process(scene->rig.fd);
}

int step_map_run(struct scene *scene)
{
	return ioas_map_fixed(scene->rig.fd, scene->rig.ioas_id, scene->run,
			      RUN_BYTES, mock_rig_iova(0) + SZ_2M);
}

int step_unmap_run(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id,
			  mock_rig_iova(0) + SZ_2M, RUN_BYTES, NULL);
}

/* Where @va is NULL, at some place. */
static int make_bar(struct scene *scene, char *va)
{
	int fd = bar_create(scene->rig.fd, BAR_BYTES);

	if (fd < 0)
		return fd;
	va = mmap(va, BAR_BYTES, PROT_READ | PROT_WRITE,
		  MAP_SHARED | (va ? MAP_FIXED : 0), fd, 0);
	close(fd);
	if (va == MAP_FAILED)
		return -errno;
	scene->bar = va;
	return 0;
}

int step_make_bar(struct scene *scene)
{
	return make_bar(scene, NULL);
}

int step_make_bar_and_plug(struct scene *scene)
{
	return step_both(scene, step_make_bar, step_plug);
}

int step_make_and_map_bar(struct scene *scene)
{
	return step_both(scene, step_make_bar, step_map_bar);
}

int step_map_bar(struct scene *scene)
{
	return ioas_map_fixed(scene->rig.fd, scene->rig.ioas_id, scene->bar,
			      BAR_BYTES, mock_rig_iova(0) + SZ_2M);
}

int step_unmap_bar(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id,
			  mock_rig_iova(0) + SZ_2M, BAR_BYTES, NULL);
}

int step_map_bar_and_plug(struct scene *scene)
{
	return step_both(scene, step_make_and_map_bar, step_plug);
}

static int step_make_mixed(struct scene *scene)
{
	return make_bar(scene, (char *)scene->run + PAGE_SIZE);
}

int step_make_mixed_and_plug(struct scene *scene)
{
	return step_both(scene, step_make_mixed, step_plug);
}

int step_map_mixed(struct scene *scene)
{
	return ioas_map_fixed(scene->rig.fd, scene->rig.ioas_id, scene->run,
			      BAR_BYTES + 2 * PAGE_SIZE,
			      mock_rig_iova(0) + SZ_2M);
}

int step_unmap_mixed(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id,
			  mock_rig_iova(0) + SZ_2M, BAR_BYTES + 2 * PAGE_SIZE,
			  NULL);
}

int step_limit_buffers(struct scene *scene)
{
	return mock_memory_limit(scene->rig.fd, 32);
}

int step_map_three(struct scene *scene)
{
	struct mock_rig *rig = &scene->rig;
	int ret = mock_rig_map(rig, 0, 3);

	ret = ret ? ret : mock_rig_map(rig, 3, 4);
	return ret ? ret : mock_rig_map(rig, 7, 5);
}

int step_copy(struct scene *scene)
{
	return mock_rig_copy(&scene->rig, 2, 8);
}

int step_uncopy(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.other_id, mock_rig_iova(2),
			  8 * PAGE_SIZE, NULL);
}

/* In place of the buffer, with the same in it. */
int step_file(struct scene *scene)
{
	size_t length = MOCK_RIG_PAGES * PAGE_SIZE;
	struct mock_rig *rig = &scene->rig;
	__u64 page;

	scene->file = memory_create_file(MEMORY_MEMFD, length);
	if (scene->file < 0)
		return scene->file;
	if (mmap(rig->buffer, length, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, scene->file, 0) != rig->buffer)
		return -errno;
	for (page = 0; page < MOCK_RIG_PAGES; page++)
		*(__u64 *)mock_rig_va(rig, page) = mock_rig_mark(page);
	return 0;
}

int step_file_and_plug(struct scene *scene)
{
	return step_both(scene, step_file, step_plug);
}

int step_file_mapped(struct scene *scene)
{
	return step_both(scene, step_file, step_map_file);
}

int step_file_in_domain(struct scene *scene)
{
	return step_both(scene, step_file_and_plug, step_map_file);
}

int step_map_limited(struct scene *scene)
{
	return step_both(scene, step_limit_buffers, step_map_three);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "world.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/memory.h"
#include "lib/mock.h"

int world_create(struct world *world)
{
	int ret;

	world->fd = iommufd_open();
	if (world->fd < 0)
		return world->fd;
	world->buffer = mmap(NULL, MAPPED_PAGES * PAGE_SIZE,
			     PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (world->buffer == MAP_FAILED)
		return -errno;
	world->file = memory_create_file(MEMORY_MEMFD,
					 MAPPED_PAGES * PAGE_SIZE);
	if (world->file < 0)
		return world->file;
	ret = ioas_alloc(world->fd, &world->ioas_id);
	if (!ret)
		ret = ioas_alloc(world->fd, &world->other_id);
	if (!ret)
		ret = ioas_map_fixed(world->fd, world->ioas_id, world->buffer,
				     MAPPED_PAGES * PAGE_SIZE, MAPPED_IOVA);
	return ret;
}

int world_objects(const struct world *world)
{
	int count = 0;
	__u32 id;

	for (id = 0; id < IDS_MAX; id++)
		count += ioas_exists(world->fd, id);
	return count;
}

__u64 world_take_mapped(const struct world *world)
{
	__u64 first = 0, second = 0;

	ioas_unmap_all(world->fd, world->ioas_id, &first);
	ioas_unmap_all(world->fd, world->other_id, &second);
	return first + second;
}

__u32 world_device(struct world *world)
{
	struct mock_device device;
	__u32 ioas_id;

	if (world->device_id)
		return world->device_id;
	if (ioas_alloc(world->fd, &ioas_id) ||
	    mock_plug(world->fd, ioas_id, &device))
		abort();
	world->device_id = device.idev_id;
	return world->device_id;
}

__u32 world_hwpt(struct world *world, __u32 flags)
{
	__u32 hwpt_id;

	if (hwpt_alloc_flags(world->fd, world_device(world), world->other_id,
			     flags, &hwpt_id))
		abort();
	return hwpt_id;
}

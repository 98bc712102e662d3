// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "fill.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/memory.h"
#include "lib/mock.h"

void fill_destroy(struct world *world, void *command)
{
	struct iommu_destroy *destroy = command;

	if (ioas_alloc(world->fd, &destroy->id))
		abort();
}

void fill_ioas_alloc(struct world *world, void *command)
{
	(void)world;
	(void)command;
}

void fill_allow_iovas(struct world *world, void *command)
{
	struct iommu_ioas_allow_iovas *allow = command;

	world->range.start = 0;
	world->range.last = SZ_2M * 512 - 1;
	allow->ioas_id = world->ioas_id;
	allow->num_iovas = 1;
	allow->allowed_iovas = va_to_u64(&world->range);
}

void fill_iova_ranges(struct world *world, void *command)
{
	struct iommu_ioas_iova_ranges *query = command;

	query->ioas_id = world->ioas_id;
	query->num_iovas = 1;
	query->allowed_iovas = va_to_u64(&world->range);
}

void fill_map(struct world *world, void *command)
{
	struct iommu_ioas_map *map = command;

	map->flags = MAP_RW;
	map->ioas_id = world->ioas_id;
	map->user_va = va_to_u64(world->buffer);
	map->length = PAGE_SIZE;
}

void fill_map_file(struct world *world, void *command)
{
	struct iommu_ioas_map_file *map = command;

	map->flags = MAP_RW;
	map->ioas_id = world->ioas_id;
	map->fd = world->file;
	map->length = PAGE_SIZE;
}

/* In place of the memory of this process. */
void fill_change_process(struct world *world, void *command)
{
	(void)command;
	if (ioas_unmap_all(world->fd, world->ioas_id, NULL) ||
	    ioas_map_file_fixed(world->fd, world->ioas_id, world->file, 0,
				MAPPED_PAGES * PAGE_SIZE, MAPPED_IOVA))
		abort();
}

void fill_copy(struct world *world, void *command)
{
	struct iommu_ioas_copy *copy = command;

	copy->flags = MAP_RW;
	copy->dst_ioas_id = world->other_id;
	copy->src_ioas_id = world->ioas_id;
	copy->src_iova = MAPPED_IOVA;
	copy->length = PAGE_SIZE;
}

void fill_unmap(struct world *world, void *command)
{
	struct iommu_ioas_unmap *unmap = command;

	unmap->ioas_id = world->ioas_id;
	unmap->length = PAGE_SIZE;
	if (ioas_map_auto(world->fd, world->ioas_id, world->buffer, PAGE_SIZE,
			  (__u64 *)&unmap->iova))
		abort();
}

void fill_option_get(struct world *world, void *command)
{
	struct iommu_option *option = command;

	option->option_id = IOMMU_OPTION_HUGE_PAGES;
	option->op = IOMMU_OPTION_OP_GET;
	option->object_id = world->ioas_id;
}

void fill_option_set(struct world *world, void *command)
{
	struct iommu_option *option = command;

	fill_option_get(world, command);
	option->op = IOMMU_OPTION_OP_SET;
	option->val64 = 1;
}

void fill_vfio_ioas_set(struct world *world, void *command)
{
	struct iommu_vfio_ioas *choice = command;

	choice->ioas_id = world->ioas_id;
	choice->op = IOMMU_VFIO_IOAS_SET;
}

void fill_vfio_ioas_get(struct world *world, void *command)
{
	struct iommu_vfio_ioas *choice = command;

	choice->size = sizeof(*choice);
	fill_vfio_ioas_set(world, command);
	if (iommufd_ioctl(world->fd, IOMMU_VFIO_IOAS, choice))
		abort();
	choice->op = IOMMU_VFIO_IOAS_GET;
}

void fill_hwpt_alloc(struct world *world, void *command)
{
	struct iommu_hwpt_alloc *alloc = command;

	alloc->dev_id = world_device(world);
	alloc->pt_id = world->other_id;
}

void fill_hwpt_alloc_faults(struct world *world, void *command)
{
	struct iommu_hwpt_alloc *alloc = command;
	int file;

	fill_hwpt_alloc(world, command);
	alloc->flags = IOMMU_HWPT_FAULT_ID_VALID;
	if (fault_alloc(world->fd, &alloc->fault_id, &file))
		abort();
	/* The queue stays, and nothing keeps the kernel's file. */
	close(file);
}

void fill_fault_alloc(struct world *world, void *command)
{
	(void)world;
	(void)command;
}

void fill_hw_info(struct world *world, void *command)
{
	struct iommu_hw_info *info = command;

	info->dev_id = world_device(world);
}

void fill_set_dirty_tracking(struct world *world, void *command)
{
	struct iommu_hwpt_set_dirty_tracking *set = command;

	set->hwpt_id = world_hwpt(world, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	set->flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE;
}

void fill_get_dirty_bitmap(struct world *world, void *command)
{
	struct iommu_hwpt_get_dirty_bitmap *get = command;

	get->hwpt_id = world_hwpt(world, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	get->length = PAGE_SIZE;
	get->page_size = PAGE_SIZE;
	get->data = va_to_u64(&world->range);
	if (dirty_track(world->fd, get->hwpt_id, true))
		abort();
}

void fill_hwpt_invalidate(struct world *world, void *command)
{
	static const struct iommu_hwpt_invalidate_selftest all = {
		.flags = IOMMU_TEST_INVALIDATE_FLAG_ALL,
	};
	const struct iommu_hwpt_selftest data = {};
	struct iommu_hwpt_invalidate *invalidate = command;

	if (hwpt_alloc_nested(world->fd, world_device(world),
			      world_hwpt(world, IOMMU_HWPT_ALLOC_NEST_PARENT),
			      IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data),
			      &invalidate->hwpt_id))
		abort();
	invalidate->data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST;
	invalidate->data_uptr = va_to_u64(&all);
	invalidate->entry_len = sizeof(all);
	invalidate->entry_num = 1;
}

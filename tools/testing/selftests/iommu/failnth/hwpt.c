// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <errno.h>

int step_alloc_hwpt(struct scene *scene)
{
	return hwpt_alloc(scene->rig.fd, scene->devices[0].idev_id,
			  scene->rig.ioas_id, &scene->hwpt_id);
}

int step_destroy_hwpt(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->hwpt_id);
}

int step_move_to_hwpt(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->hwpt_id);
}

int step_ask_hw_info(struct scene *scene)
{
	struct iommu_test_hw_info data;
	struct iommu_hw_info info = {
		.data_uptr = va_to_u64(&data),
		.data_len = sizeof(data),
	};

	return hw_info(scene->rig.fd, scene->devices[0].idev_id, &info);
}

static int alloc_flags(struct scene *scene, __u32 flags)
{
	return hwpt_alloc_flags(scene->rig.fd, scene->devices[0].idev_id,
				scene->rig.ioas_id, flags, &scene->hwpt_id);
}

int step_alloc_parent(struct scene *scene)
{
	return alloc_flags(scene, IOMMU_HWPT_ALLOC_NEST_PARENT);
}

int step_alloc_tracking(struct scene *scene)
{
	return alloc_flags(scene, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
}

int step_alloc_nested(struct scene *scene)
{
	const struct iommu_hwpt_selftest data = {};

	return hwpt_alloc_nested(scene->rig.fd, scene->devices[0].idev_id,
				 scene->hwpt_id, IOMMU_HWPT_DATA_SELFTEST,
				 &data, sizeof(data), &scene->nested_id);
}

int step_destroy_nested(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->nested_id);
}

int step_move_to_nested(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->nested_id);
}

/* Whatever happens, the number is that of the entries that were done. */
int step_invalidate(struct scene *scene)
{
	const struct iommu_hwpt_invalidate_selftest entries[3] = {
		{ .iotlb_id = 1 }, { .iotlb_id = 2 }, { .iotlb_id = 3 },
	};
	struct iommu_hwpt_invalidate cmd = {
		.hwpt_id = scene->nested_id,
		.data_uptr = va_to_u64(entries),
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
		.entry_len = sizeof(entries[0]),
		.entry_num = 3,
	};
	int ret = hwpt_invalidate(scene->rig.fd, &cmd);

	return !ret && cmd.entry_num != 3 ? -EPROTO : ret;
}

int step_track(struct scene *scene)
{
	return dirty_track(scene->rig.fd, scene->hwpt_id, true);
}

int step_untrack(struct scene *scene)
{
	return dirty_track(scene->rig.fd, scene->hwpt_id, false);
}

int step_read_dirty(struct scene *scene)
{
	struct iommu_hwpt_get_dirty_bitmap get = {
		.hwpt_id = scene->hwpt_id,
		.iova = mock_rig_iova(0),
		.length = SCENE_PAGES * PAGE_SIZE,
		.page_size = PAGE_SIZE,
		.data = va_to_u64(&scene->bitmap),
	};

	return dirty_read(scene->rig.fd, &get);
}

/* All that was written has to have been read by now, though calls failed. */
int step_write_again(struct scene *scene)
{
	const __u64 all = (1ULL << SCENE_PAGES) - 1;
	__u64 seen = scene->bitmap;

	scene->bitmap = 0;
	if (seen && seen != all)
		return -EPROTO;
	return mock_write(scene->rig.fd, scene->hwpt_id, mock_rig_iova(0),
			  SCENE_PAGES * PAGE_SIZE, PAGE_SIZE, &all, NULL);
}

int step_own_hwpt(struct scene *scene)
{
	return step_both(scene, step_three_in_domain, step_alloc_hwpt);
}

int step_parent(struct scene *scene)
{
	return step_both(scene, step_three_in_domain, step_alloc_parent);
}

int step_nested(struct scene *scene)
{
	return step_both(scene, step_parent, step_alloc_nested);
}

int step_own_tracking(struct scene *scene)
{
	int ret = step_both(scene, step_three_in_domain, step_alloc_tracking);

	return ret ? ret : step_move_to_hwpt(scene);
}

int step_written(struct scene *scene)
{
	int ret = step_both(scene, step_own_tracking, step_track);

	return ret ? ret : step_write_again(scene);
}

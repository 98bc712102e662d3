// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include "../kselftest.h"

int step_alloc_spare(struct scene *scene)
{
	return ioas_alloc(scene->rig.fd, &scene->spare_id);
}

int step_destroy_spare(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->spare_id);
}

int step_alloc_and_map_spare(struct scene *scene)
{
	int ret = step_alloc_spare(scene);

	return ret ? ret : ioas_map_fixed(scene->rig.fd, scene->spare_id,
					  scene->rig.buffer,
					  SCENE_PAGES * PAGE_SIZE,
					  mock_rig_iova(0));
}

int step_allow(struct scene *scene)
{
	struct iommu_iova_range ranges[20];
	__u64 i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		ranges[i].start = mock_rig_iova(0) + i * 2 * SZ_1M;
		ranges[i].last = ranges[i].start + SZ_1M - 1;
	}
	return ioas_allow_iovas(scene->rig.fd, scene->rig.ioas_id, ranges,
				ARRAY_SIZE(ranges));
}

int step_allow_all(struct scene *scene)
{
	return ioas_allow_iovas(scene->rig.fd, scene->rig.ioas_id, NULL, 0);
}

int step_query_ranges(struct scene *scene)
{
	struct iova_ranges ranges;

	return ioas_iova_ranges(scene->rig.fd, scene->rig.ioas_id, &ranges);
}

int step_small_pages(struct scene *scene)
{
	return option_set(scene->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scene->rig.ioas_id, 0);
}

int step_large_pages(struct scene *scene)
{
	return option_set(scene->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scene->rig.ioas_id, 1);
}

int step_query_huge_pages(struct scene *scene)
{
	__u64 value;

	return option_get(scene->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scene->rig.ioas_id, &value);
}

int step_query_rlimit_mode(struct scene *scene)
{
	__u64 value;

	return option_get(scene->rig.fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value);
}

int step_reserve_spare(struct scene *scene)
{
	return mock_reserve(scene->rig.fd, scene->spare_id, SZ_1M, SZ_1M);
}

int step_renew_spare(struct scene *scene)
{
	return step_both(scene, step_destroy_spare, step_alloc_spare);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "rig.h"

#include <errno.h>
#include <string.h>

int rig_create(struct rig *rig, __u64 rlimit_mode)
{
	int ret;

	memset(rig, 0, sizeof(*rig));
	baseline_take(&rig->baseline);
	rig->fd = iommufd_open();
	if (rig->fd < 0)
		return rig->fd;
	ret = edu_open(&rig->edu, 0);
	if (ret)
		return ret;
	if (rlimit_mode)
		ret = option_set(rig->fd, IOMMU_OPTION_RLIMIT_MODE, 0,
				 rlimit_mode);
	if (!ret)
		ret = edu_bind(&rig->edu, rig->fd);
	if (!ret)
		ret = ioas_alloc(rig->fd, &rig->ioas_id);
	if (!ret)
		ret = memory_alloc(MEMORY_SMALL_PAGES, RIG_PAGES * PAGE_SIZE,
				   (void **)&rig->buffer);
	return ret;
}

const char *rig_destroy(struct rig *rig)
{
	edu_close(&rig->edu);
	if (rig->fd >= 0)
		close(rig->fd);
	memory_free_all();
	return baseline_check(&rig->baseline);
}

int rig_attach(struct rig *rig)
{
	return edu_attach_ioas(&rig->edu, rig->ioas_id);
}

int rig_map(struct rig *rig, __u64 page, __u64 count)
{
	return ioas_map_fixed(rig->fd, rig->ioas_id, rig_va(rig, page),
			      count * PAGE_SIZE, rig_iova(page));
}

int rig_unmap(struct rig *rig, __u64 page, __u64 count)
{
	return ioas_unmap(rig->fd, rig->ioas_id, rig_iova(page),
			  count * PAGE_SIZE, NULL);
}

int rig_copy(struct rig *rig, __u64 iova, __u64 count, __u32 dst_id,
	     __u64 dst_iova)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = rig->ioas_id,
		.src_iova = iova,
		.length = count * PAGE_SIZE,
		.dst_ioas_id = dst_id,
		.dst_iova = dst_iova,
	};

	return ioas_copy(rig->fd, &copy);
}

int rig_use(struct rig *rig)
{
	struct iova_ranges ranges;
	__u32 other;
	__u64 iova;

	if (rig_map(rig, 0, 4) || ioas_alloc(rig->fd, &other))
		return 1;
	if (ioas_map_auto(rig->fd, rig->ioas_id, rig->buffer, PAGE_SIZE, &iova))
		return 2;
	if (ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges))
		return 3;
	if (rig_copy(rig, rig_iova(0), 2, rig->ioas_id, rig_iova(100)))
		return 4;
	if (rig_copy(rig, rig_iova(1), 2, other, rig_iova(0)))
		return 5;
	if (rig_unmap(rig, 0, 4) || rig_unmap(rig, 100, 2))
		return 6;
	if (ioas_unmap(rig->fd, rig->ioas_id, iova, PAGE_SIZE, NULL))
		return 7;
	return iommufd_destroy(rig->fd, other) ? 8 : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "mock_rig.h"

#include <errno.h>
#include <string.h>

static int fill_in(struct mock_rig *rig, __u64 rlimit_mode)
{
	__u64 page;
	int ret = 0;

	if (rlimit_mode)
		ret = option_set(rig->fd, IOMMU_OPTION_RLIMIT_MODE, 0,
				 rlimit_mode);
	if (!ret)
		ret = ioas_alloc(rig->fd, &rig->ioas_id);
	if (!ret)
		ret = ioas_alloc(rig->fd, &rig->other_id);
	if (!ret)
		ret = memory_alloc(MEMORY_SMALL_PAGES,
				   MOCK_RIG_PAGES * PAGE_SIZE,
				   (void **)&rig->buffer);
	for (page = 0; !ret && page < MOCK_RIG_PAGES; page++)
		*(__u64 *)mock_rig_va(rig, page) = mock_rig_mark(page);
	return ret;
}

int mock_rig_create(struct mock_rig *rig, __u64 rlimit_mode)
{
	memset(rig, 0, sizeof(*rig));
	baseline_take(&rig->baseline);
	rig->fd = iommufd_open();
	if (rig->fd < 0)
		return rig->fd == -ENOENT ? -ENODEV : rig->fd;
	if (!mock_exists(rig->fd)) {
		close(rig->fd);
		return -ENODEV;
	}
	return fill_in(rig, rlimit_mode);
}

const char *mock_rig_destroy(struct mock_rig *rig)
{
	close(rig->fd);
	memory_free_all();
	return baseline_check(&rig->baseline);
}

int mock_rig_map(struct mock_rig *rig, __u64 page, __u64 count)
{
	return ioas_map_fixed(rig->fd, rig->ioas_id, mock_rig_va(rig, page),
			      count * PAGE_SIZE, mock_rig_iova(page));
}

int mock_rig_unmap(struct mock_rig *rig, __u64 page, __u64 count)
{
	return ioas_unmap(rig->fd, rig->ioas_id, mock_rig_iova(page),
			  count * PAGE_SIZE, NULL);
}

int mock_rig_copy(struct mock_rig *rig, __u64 page, __u64 count)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = rig->ioas_id,
		.src_iova = mock_rig_iova(page),
		.length = count * PAGE_SIZE,
		.dst_ioas_id = rig->other_id,
		.dst_iova = mock_rig_iova(page),
	};

	return ioas_copy(rig->fd, &copy);
}

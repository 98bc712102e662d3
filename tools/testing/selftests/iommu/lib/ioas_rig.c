// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ioas_rig.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int ioas_rig_create(struct ioas_rig *rig)
{
	int ret;

	memset(rig, 0, sizeof(*rig));
	baseline_take(&rig->baseline);
	rig->fd = iommufd_open();
	if (rig->fd < 0)
		return rig->fd;
	ret = ioas_alloc(rig->fd, &rig->ioas_id);
	return ret ? ret : memory_alloc(MEMORY_SMALL_PAGES,
					IOAS_RIG_PAGES * PAGE_SIZE,
					(void **)&rig->buffer);
}

const char *ioas_rig_destroy(struct ioas_rig *rig)
{
	close(rig->fd);
	memory_free_all();
	return baseline_check(&rig->baseline);
}

int ioas_rig_map(struct ioas_rig *rig, __u64 page, __u64 count)
{
	return ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
			      count * PAGE_SIZE, ioas_rig_iova(page));
}

int ioas_rig_unmap(struct ioas_rig *rig, __u64 page, __u64 count,
		   __u64 *unmapped)
{
	return ioas_unmap(rig->fd, rig->ioas_id, ioas_rig_iova(page),
			  count * PAGE_SIZE, unmapped);
}

long ioas_rig_take_all(struct ioas_rig *rig)
{
	__u64 unmapped;
	int ret = ioas_unmap_all(rig->fd, rig->ioas_id, &unmapped);

	if (ret)
		return ret;
	return unmapped % PAGE_SIZE ? -EIO : (long)(unmapped / PAGE_SIZE);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "space.h"

#include <unistd.h>

#include "report.h"
#include "lib/ioctls.h"

static void iommufd_space_open(struct space *space)
{
	space->fd = iommufd_open();
	MUST(space->fd);
	MUST(edu_open(&space->edu, 0));
	MUST(edu_bind(&space->edu, space->fd));
	MUST(ioas_alloc(space->fd, &space->ioas_id));
	MUST(edu_attach_ioas(&space->edu, space->ioas_id));
}

static void iommufd_space_close(struct space *space)
{
	edu_close(&space->edu);
	close(space->fd);
}

static int iommufd_space_map(struct space *space, const void *va, __u64 length,
			     __u64 iova)
{
	return ioas_map_fixed(space->fd, space->ioas_id, va, length, iova);
}

static int iommufd_space_map_anywhere(struct space *space, const void *va,
				      __u64 length, __u64 *iova)
{
	return ioas_map_auto(space->fd, space->ioas_id, va, length, iova);
}

static int iommufd_space_unmap(struct space *space, __u64 iova, __u64 length)
{
	return ioas_unmap(space->fd, space->ioas_id, iova, length, NULL);
}

const struct backend iommufd_backend = {
	.name = "iommufd",
	.open = iommufd_space_open,
	.close = iommufd_space_close,
	.map = iommufd_space_map,
	.map_anywhere = iommufd_space_map_anywhere,
	.unmap = iommufd_space_unmap,
};

/* Devices share a page table if they can: the second one has none. */
static void two_tables_space_open(struct space *space)
{
	__u32 hwpt_id;

	iommufd_space_open(space);
	MUST(hwpt_alloc(space->fd, space->edu.vfio.dev_id, space->ioas_id,
			&hwpt_id));
}

const struct backend two_tables_backend = {
	.name = "two-tables",
	.open = two_tables_space_open,
	.close = iommufd_space_close,
	.map = iommufd_space_map,
	.map_anywhere = iommufd_space_map_anywhere,
	.unmap = iommufd_space_unmap,
};

static void type1_space_open(struct space *space)
{
	MUST(container_open(&space->container, CONTAINER_TYPE1,
			    VFIO_TYPE1v2_IOMMU, STAGE_DEVICE));
}

static void type1_space_close(struct space *space)
{
	container_close(&space->container);
}

static int type1_space_map(struct space *space, const void *va, __u64 length,
			   __u64 iova)
{
	return container_map(&space->container, va, iova, length);
}

static int type1_space_unmap(struct space *space, __u64 iova, __u64 length)
{
	return container_unmap(&space->container, iova, length, NULL);
}

const struct backend type1_backend = {
	.name = "type1",
	.open = type1_space_open,
	.close = type1_space_close,
	.map = type1_space_map,
	.unmap = type1_space_unmap,
};

void space_open(struct space *space, const struct backend *backend)
{
	space->backend = backend;
	backend->open(space);
}

void space_close(struct space *space)
{
	space->backend->close(space);
}

void space_map(struct space *space, const void *va, __u64 length, __u64 iova)
{
	MUST(space->backend->map(space, va, length, iova));
}

void space_map_anywhere(struct space *space, const void *va, __u64 length,
			__u64 *iova)
{
	MUST(space->backend->map_anywhere(space, va, length, iova));
}

void space_unmap(struct space *space, __u64 iova, __u64 length)
{
	MUST(space->backend->unmap(space, iova, length));
}

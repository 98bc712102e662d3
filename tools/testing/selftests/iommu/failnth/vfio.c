// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <errno.h>
#include <sys/ioctl.h>

#include <linux/vfio.h>

static int vfio_ioctl(struct scene *scene, unsigned long request, void *arg)
{
	int ret = ioctl(scene->rig.fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static int vfio_ioas(struct scene *scene, __u32 id, __u16 op)
{
	struct iommu_vfio_ioas cmd = {
		.size = sizeof(cmd),
		.ioas_id = id,
		.op = op,
	};

	return iommufd_ioctl(scene->rig.fd, IOMMU_VFIO_IOAS, &cmd);
}

int step_vfio_ioas_set(struct scene *scene)
{
	return vfio_ioas(scene, scene->rig.ioas_id, IOMMU_VFIO_IOAS_SET);
}

int step_vfio_ioas_get(struct scene *scene)
{
	return vfio_ioas(scene, 0, IOMMU_VFIO_IOAS_GET);
}

int step_vfio_ioas_clear(struct scene *scene)
{
	return vfio_ioas(scene, 0, IOMMU_VFIO_IOAS_CLEAR);
}

int step_container_version(struct scene *scene)
{
	return vfio_ioctl(scene, VFIO_GET_API_VERSION, NULL);
}

int step_container_extension(struct scene *scene)
{
	int ret = vfio_ioctl(scene, VFIO_CHECK_EXTENSION,
			     (void *)VFIO_TYPE1v2_IOMMU);

	return ret == 1 ? 0 : -EPROTO;
}

int step_container_set_iommu(struct scene *scene)
{
	return vfio_ioctl(scene, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU);
}

int step_container_info(struct scene *scene)
{
	union {
		struct vfio_iommu_type1_info info;
		char room[1024];
	} answer = { .info.argsz = sizeof(answer) };

	return vfio_ioctl(scene, VFIO_IOMMU_GET_INFO, &answer);
}

int step_container_map(struct scene *scene)
{
	struct vfio_iommu_type1_dma_map cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = va_to_u64(scene->rig.buffer),
		.iova = mock_rig_iova(0),
		.size = SCENE_PAGES * PAGE_SIZE,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_MAP_DMA, &cmd);
}

int step_container_unmap(struct scene *scene)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.iova = mock_rig_iova(0),
		.size = SCENE_PAGES * PAGE_SIZE,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

static int dirty_pages(struct scene *scene, __u32 flags)
{
	struct vfio_iommu_type1_dirty_bitmap cmd = {
		.argsz = sizeof(cmd),
		.flags = flags,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_DIRTY_PAGES, &cmd);
}

int step_container_track(struct scene *scene)
{
	return dirty_pages(scene, VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
}

int step_container_untrack(struct scene *scene)
{
	return dirty_pages(scene, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP);
}

int step_container_dirty(struct scene *scene)
{
	struct {
		__u32 argsz;
		__u32 flags;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.get.iova = mock_rig_iova(0),
		.get.size = SCENE_PAGES * PAGE_SIZE,
		.get.bitmap.pgsize = PAGE_SIZE,
		.get.bitmap.size = sizeof(scene->bitmap),
		.get.bitmap.data = &scene->bitmap,
	};
	int ret;

	scene->bitmap = 0;
	ret = vfio_ioctl(scene, VFIO_IOMMU_DIRTY_PAGES, &cmd);
	if (ret)
		return ret;
	return scene->bitmap == (1U << SCENE_PAGES) - 1 ? 0 : -EPROTO;
}

int step_container_unmap_dirty(struct scene *scene)
{
	struct {
		__u32 argsz;
		__u32 flags;
		__u64 iova;
		__u64 size;
		struct vfio_bitmap bitmap;
	} cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.iova = mock_rig_iova(0),
		.size = SCENE_PAGES * PAGE_SIZE,
		.bitmap.pgsize = PAGE_SIZE,
		.bitmap.size = sizeof(scene->bitmap),
		.bitmap.data = &scene->bitmap,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

int step_container_invalidate(struct scene *scene)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_UNMAP_FLAG_VADDR,
		.iova = mock_rig_iova(0),
		.size = SCENE_PAGES * PAGE_SIZE,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

int step_container_give(struct scene *scene)
{
	struct vfio_iommu_type1_dma_map cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_MAP_FLAG_VADDR,
		.vaddr = va_to_u64(scene->rig.buffer),
		.iova = mock_rig_iova(0),
		.size = SCENE_PAGES * PAGE_SIZE,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_MAP_DMA, &cmd);
}

/*
 * If it is the reply that cannot be written, the address is invalid, and there
 * is nothing else to tell by. Then it is given back.
 */
int step_container_invalidate_or_not(struct scene *scene)
{
	int ret = step_container_invalidate(scene);

	if (ret == -EFAULT)
		step_container_give(scene);
	return ret;
}

int step_spare_container(struct scene *scene)
{
	int ret = step_alloc_spare(scene);

	return ret ? ret : vfio_ioas(scene, scene->spare_id,
				     IOMMU_VFIO_IOAS_SET);
}

int step_container(struct scene *scene)
{
	int ret = step_both(scene, step_vfio_ioas_set, step_container_set_iommu);

	return ret ? ret : step_plug(scene);
}

int step_container_mapped(struct scene *scene)
{
	return step_both(scene, step_container, step_container_map);
}

/* Without a device, so that what drivers touch matters. */
int step_container_pinned(struct scene *scene)
{
	int ret = step_both(scene, step_pinned, step_vfio_ioas_set);

	return ret ? ret : step_container_set_iommu(scene);
}

int step_container_tracked(struct scene *scene)
{
	return step_both(scene, step_container_mapped, step_container_track);
}

int step_tracked_access(struct scene *scene)
{
	int ret = step_both(scene, step_access_and_map, step_vfio_ioas_set);

	return ret ? ret : step_both(scene, step_container_set_iommu,
				     step_container_track);
}

/* In an IOAS that nobody has an access to. */
int step_spare_mapped(struct scene *scene)
{
	int ret = step_both(scene, step_spare_container,
			    step_container_set_iommu);

	return ret ? ret : step_container_map(scene);
}

int step_spare_invalid(struct scene *scene)
{
	return step_both(scene, step_spare_mapped, step_container_invalidate);
}

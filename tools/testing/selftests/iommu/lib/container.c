// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ioctls.h"
#include "memory.h"

int container_ioctl(const struct container *container, unsigned long request,
		    unsigned long arg)
{
	int ret = ioctl(container->fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static int open_node(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* To VFIO's container any number is invalid before VFIO_SET_IOMMU. */
static bool is_iommufd(int fd)
{
	__u64 value;

	return option_get(fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value) != -EINVAL;
}

static int open_container(struct container *container, enum container_kind kind)
{
	bool expected;

	container->fd = open_node(kind == CONTAINER_IOMMUFD ? "/dev/iommu" :
							      "/dev/vfio/vfio");
	if (container->fd < 0)
		return container->fd == -ENOENT ? -ENODEV : container->fd;
	expected = kind != CONTAINER_TYPE1;
	if (is_iommufd(container->fd) != expected)
		return -ENODEV;
	if (kind != CONTAINER_IOMMUFD)
		return 0;
	return option_set(container->fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1);
}

static int open_group(const struct pci_slot *slot)
{
	char device[128];

	snprintf(device, sizeof(device), "/sys/bus/pci/devices/%s", slot->name);
	return vfio_open_group(device, "");
}

static int open_groups(struct container *container)
{
	struct pci_slot slot;
	unsigned int i;
	int ret;

	for (i = 0; i < CONTAINER_DEVICES; i++) {
		ret = edu_give_to_vfio(i, &slot);
		if (ret)
			return ret;
		container->group[i] = open_group(&slot);
		if (container->group[i] < 0)
			return container->group[i];
	}
	return 0;
}

static int advance(struct container *container, enum container_stage stage)
{
	int ret = 0;

	if (stage >= STAGE_GROUP)
		ret = container_set_group(container, 0);
	if (!ret && stage >= STAGE_IOMMU)
		ret = container_ioctl(container, VFIO_SET_IOMMU,
				      container->type);
	if (!ret && stage >= STAGE_DEVICE)
		ret = container_open_device(container, 0);
	return ret;
}

int container_open(struct container *container, enum container_kind kind,
		   unsigned long type, enum container_stage stage)
{
	unsigned int i;
	int ret;

	*container = (struct container){ .type = type };
	for (i = 0; i < CONTAINER_DEVICES; i++) {
		container->group[i] = -1;
		container->edu[i].vfio.fd = -1;
	}
	ret = open_container(container, kind);
	if (!ret)
		ret = open_groups(container);
	if (!ret)
		ret = memory_alloc(MEMORY_SMALL_PAGES,
				   CONTAINER_PAGES * PAGE_SIZE,
				   (void **)&container->buffer);
	return ret ? ret : advance(container, stage);
}

void container_close(struct container *container)
{
	unsigned int i;

	for (i = 0; i < CONTAINER_DEVICES; i++)
		container_close_device(container, i);
	for (i = 0; i < CONTAINER_DEVICES; i++)
		if (container->group[i] >= 0)
			close(container->group[i]);
	if (container->fd >= 0)
		close(container->fd);
	memory_free_all();
}

int container_set_group(const struct container *container, unsigned int index)
{
	return vfio_group_set_container(container->group[index], container->fd);
}

int container_unset_group(const struct container *container, unsigned int index)
{
	return ioctl(container->group[index], VFIO_GROUP_UNSET_CONTAINER) ?
		       -errno : 0;
}

int container_reopen_group(struct container *container, unsigned int index)
{
	struct pci_slot slot;
	int ret;

	close(container->group[index]);
	container->group[index] = -1;
	ret = edu_give_to_vfio(index, &slot);
	if (ret)
		return ret;
	ret = open_group(&slot);
	if (ret < 0)
		return ret;
	container->group[index] = ret;
	return 0;
}

int container_open_device(struct container *container, unsigned int index)
{
	struct pci_slot slot;
	int ret;

	ret = edu_give_to_vfio(index, &slot);
	if (ret)
		return ret;
	ret = vfio_group_open_device(container->group[index], slot.name);
	if (ret < 0)
		return ret;
	container->edu[index].vfio.fd = ret;
	return 0;
}

void container_close_device(struct container *container, unsigned int index)
{
	edu_close(&container->edu[index]);
}

int container_map(const struct container *container, const void *va,
		  __u64 iova, __u64 size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = va_to_u64(va),
		.iova = iova,
		.size = size,
	};

	return container_ioctl(container, VFIO_IOMMU_MAP_DMA,
			       (unsigned long)&map);
}

static int unmap(const struct container *container, __u32 flags, __u64 iova,
		 __u64 size, __u64 *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};
	int ret = container_ioctl(container, VFIO_IOMMU_UNMAP_DMA,
				  (unsigned long)&unmap);

	if (unmapped)
		*unmapped = unmap.size;
	return ret;
}

int container_unmap(const struct container *container, __u64 iova, __u64 size,
		    __u64 *unmapped)
{
	return unmap(container, 0, iova, size, unmapped);
}

int container_unmap_all(const struct container *container, __u64 *unmapped)
{
	return unmap(container, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0, unmapped);
}

int container_invalidate_all(const struct container *container)
{
	return unmap(container,
		     VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL, 0, 0,
		     NULL);
}

int container_give(const struct container *container, const void *va,
		   __u64 iova, __u64 size)
{
	struct vfio_iommu_type1_dma_map request = {
		.argsz = sizeof(request),
		.flags = VFIO_DMA_MAP_FLAG_VADDR,
		.vaddr = va_to_u64(va),
		.iova = iova,
		.size = size,
	};

	return container_ioctl(container, VFIO_IOMMU_MAP_DMA,
			       (unsigned long)&request);
}

int container_get_info(const struct container *container,
		       union container_info *info, __u32 argsz,
		       unsigned char filler)
{
	memset(info, filler, sizeof(*info));
	info->head.argsz = argsz;
	return container_ioctl(container, VFIO_IOMMU_GET_INFO,
			       (unsigned long)info);
}

const struct vfio_info_cap_header *
container_capability(const union container_info *info, __u16 id)
{
	const struct vfio_info_cap_header *header;
	__u32 offset = info->head.cap_offset;

	if (!(info->head.flags & VFIO_IOMMU_INFO_CAPS))
		return NULL;
	while (offset && offset <= sizeof(*info) - sizeof(*header)) {
		header = (const void *)(info->bytes + offset);
		if (header->id == id)
			return header;
		offset = header->next;
	}
	return NULL;
}

long long container_mappings_left(const struct container *container)
{
	const struct vfio_iommu_type1_info_dma_avail *cap;
	union container_info info;
	int ret = container_get_info(container, &info, sizeof(info), 0);

	if (ret)
		return ret;
	cap = (const void *)container_capability(&info,
					VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	return cap ? (long long)cap->avail : -ENOENT;
}

char *container_page(const struct container *container, unsigned int index)
{
	return container->buffer + index * PAGE_SIZE;
}

__u64 container_iova(unsigned int index)
{
	return CONTAINER_IOVA + index * PAGE_SIZE;
}

int container_map_pages(const struct container *container, unsigned int index,
			unsigned int count)
{
	return container_map(container, container_page(container, index),
			     container_iova(index), count * PAGE_SIZE);
}

int container_map_page(const struct container *container, unsigned int index)
{
	return container_map_pages(container, index, 1);
}

static int vfio_ioas(int fd, __u16 op, __u32 *ioas_id)
{
	struct iommu_vfio_ioas vfio_ioas = {
		.size = sizeof(vfio_ioas),
		.op = op,
		.ioas_id = *ioas_id,
	};
	int ret = iommufd_ioctl(fd, IOMMU_VFIO_IOAS, &vfio_ioas);

	*ioas_id = vfio_ioas.ioas_id;
	return ret;
}

int vfio_ioas_get(int fd, __u32 *ioas_id)
{
	*ioas_id = 0;
	return vfio_ioas(fd, IOMMU_VFIO_IOAS_GET, ioas_id);
}

int vfio_ioas_set(int fd, __u32 ioas_id)
{
	return vfio_ioas(fd, IOMMU_VFIO_IOAS_SET, &ioas_id);
}

int vfio_ioas_clear(int fd)
{
	__u32 ioas_id = 0;

	return vfio_ioas(fd, IOMMU_VFIO_IOAS_CLEAR, &ioas_id);
}

int container_huge_pages(const struct container *container, __u64 *value)
{
	__u32 ioas_id;
	int ret = vfio_ioas_get(container->fd, &ioas_id);

	if (ret)
		return ret;
	return option_get(container->fd, IOMMU_OPTION_HUGE_PAGES, ioas_id,
			  value);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "vfio_device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#define PATH_BYTES	512

static int open_node(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* VFIO publishes the name of its node as a directory: vfio-dev/vfio0 */
int vfio_find_cdev(const char *device, char *path, size_t size)
{
	static const char prefix[] = "vfio";
	char parent[PATH_BYTES];
	struct dirent *entry;
	int ret = -ENXIO;
	DIR *directory;

	if (access(device, F_OK))
		return -ENODEV;
	snprintf(parent, sizeof(parent), "%s/vfio-dev", device);
	directory = opendir(parent);
	if (!directory)
		return -ENXIO;
	while (ret && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, size, "/dev/vfio/devices/%.64s", entry->d_name);
		ret = 0;
	}
	closedir(directory);
	return ret;
}

int vfio_open_cdev(const char *device)
{
	char path[PATH_BYTES];
	int ret = vfio_find_cdev(device, path, sizeof(path));

	if (ret)
		return ret == -ENXIO ? -ENODEV : ret;
	return open_node(path);
}

/* The last part of the link is the number of the group. */
int vfio_open_group(const char *device, const char *prefix)
{
	char path[PATH_BYTES], target[PATH_BYTES];
	const char *number;
	ssize_t length;

	snprintf(path, sizeof(path), "%s/iommu_group", device);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	number = strrchr(target, '/');
	if (!number)
		return -EINVAL;
	snprintf(path, sizeof(path), "/dev/vfio/%s%.64s", prefix, number + 1);
	return open_node(path);
}

int vfio_group_set_container(int group, int container)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ? -errno : 0;
}

int vfio_group_open_device(int group, const char *name)
{
	int fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);

	return fd < 0 ? -errno : fd;
}

static int device_ioctl(int device, unsigned long request, void *arg)
{
	return ioctl(device, request, arg) < 0 ? -errno : 0;
}

int vfio_bind(struct vfio_device *device, int iommufd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};
	int ret = device_ioctl(device->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);

	if (!ret)
		device->dev_id = bind.out_devid;
	return ret;
}

int vfio_attach(struct vfio_device *device, __u32 *pt_id)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = *pt_id,
	};
	int ret = device_ioctl(device->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
			       &attach);

	if (!ret)
		*pt_id = attach.pt_id;
	return ret;
}

int vfio_attach_ioas(struct vfio_device *device, __u32 ioas_id)
{
	return vfio_attach(device, &ioas_id);
}

int vfio_detach(struct vfio_device *device)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return device_ioctl(device->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
}

void vfio_close(struct vfio_device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
}

int vfio_region(int device, __u32 index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){
		.argsz = sizeof(*info),
		.index = index,
	};
	return device_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info);
}

int vfio_map_bar(const struct vfio_device *device, unsigned int index,
		 struct vfio_bar *bar)
{
	struct vfio_region_info region;
	void *va;
	int ret;

	ret = vfio_region(device->fd, VFIO_PCI_BAR0_REGION_INDEX + index,
			  &region);
	if (ret)
		return ret;
	if (!region.size || !(region.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return -ENOTSUP;
	va = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		  device->fd, region.offset);
	if (va == MAP_FAILED)
		return -errno;
	bar->va = va;
	bar->length = region.size;
	return 0;
}

void vfio_unmap_bar(struct vfio_bar *bar)
{
	if (bar->va)
		munmap(bar->va, bar->length);
	bar->va = NULL;
}

/* PCI is little endian; so is every machine that these devices are tried on. */
static int change_command(const struct vfio_device *device, __u16 set,
			  __u16 clear)
{
	struct vfio_region_info config;
	__u16 command;
	off_t offset;
	int ret;

	ret = vfio_region(device->fd, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	if (ret)
		return ret;
	offset = config.offset + PCI_COMMAND;
	if (pread(device->fd, &command, sizeof(command), offset) !=
	    sizeof(command))
		return -EIO;
	command = (command & ~clear) | set;
	if (pwrite(device->fd, &command, sizeof(command), offset) !=
	    sizeof(command))
		return -EIO;
	return 0;
}

int vfio_allow_dma(const struct vfio_device *device)
{
	return change_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
			      0);
}

int vfio_stop_dma(const struct vfio_device *device)
{
	return change_command(device, 0, PCI_COMMAND_MASTER);
}

int vfio_set_memory(const struct vfio_device *device, bool on)
{
	return on ? change_command(device, PCI_COMMAND_MEMORY, 0) :
		    change_command(device, 0, PCI_COMMAND_MEMORY);
}

bool vfio_can_reset(const struct vfio_device *device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return !device_ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info) &&
	       info.flags & VFIO_DEVICE_FLAGS_RESET;
}

int vfio_reset(const struct vfio_device *device)
{
	return device_ioctl(device->fd, VFIO_DEVICE_RESET, NULL);
}

struct irq_eventfd {
	struct vfio_irq_set set;
	__s32 event;
};

static int set_irqs(int device, __u32 flags, __u32 index, __s32 event)
{
	struct irq_eventfd irq = {
		.set = {
			.argsz = sizeof(irq),
			.flags = flags,
			.index = index,
			.count = 1,
		},
		.event = event,
	};

	return device_ioctl(device, VFIO_DEVICE_SET_IRQS, &irq);
}

int vfio_irq_signal(int device, __u32 index, int event)
{
	return set_irqs(device, VFIO_IRQ_SET_ACTION_TRIGGER |
			VFIO_IRQ_SET_DATA_EVENTFD, index, event);
}

int vfio_irq_unmask(int device, __u32 index)
{
	return set_irqs(device, VFIO_IRQ_SET_ACTION_UNMASK |
			VFIO_IRQ_SET_DATA_NONE, index, -1);
}

int vfio_irq_raise(int device, __u32 index)
{
	return set_irqs(device, VFIO_IRQ_SET_ACTION_TRIGGER |
			VFIO_IRQ_SET_DATA_NONE, index, -1);
}

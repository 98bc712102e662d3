// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "vfio_device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PATH_BYTES	512

static int open_node(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The entry of vfio-dev has the name of the node. */
int vfio_open_cdev(const char *device)
{
	static const char prefix[] = "vfio";
	char path[PATH_BYTES];
	struct dirent *entry;
	int ret = -ENODEV;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/vfio-dev", device);
	directory = opendir(path);
	if (!directory)
		return -ENODEV;
	while ((entry = readdir(directory))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%.64s",
			 entry->d_name);
		ret = open_node(path);
		break;
	}
	closedir(directory);
	return ret;
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

int vfio_region(int device, __u32 index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){
		.argsz = sizeof(*info),
		.index = index,
	};
	return ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
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

	return ioctl(device, VFIO_DEVICE_SET_IRQS, &irq) ? -errno : 0;
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

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "vfio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int parse_address(const char *text, char *address, size_t size)
{
	unsigned int domain, bus, slot, function;
	char rest;

	if (sscanf(text, "%x:%x:%x.%x%c", &domain, &bus, &slot, &function,
		   &rest) != 4) {
		domain = 0;
		if (sscanf(text, "%x:%x.%x%c", &bus, &slot, &function,
			   &rest) != 3)
			return -EINVAL;
	}
	if (domain > 0xffff || bus > 0xff || slot > 0x1f || function > 7)
		return -EINVAL;

	snprintf(address, size, "%04x:%02x:%02x.%x", domain, bus, slot,
		 function);
	return 0;
}

/* VFIO publishes the name of its device as a directory: vfio-dev/vfio0 */
static int find_cdev(struct vfio_device *device)
{
	struct dirent *entry;
	char path[PATH_MAX];
	int error = -ENXIO;
	DIR *directory;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s",
		 device->address);
	if (access(path, F_OK))
		return -ENODEV;

	strcat(path, "/vfio-dev");
	directory = opendir(path);
	if (!directory)
		return -ENXIO;
	while (error && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, "vfio", 4))
			continue;
		snprintf(device->cdev, sizeof(device->cdev),
			 "/dev/vfio/devices/%.32s", entry->d_name);
		error = 0;
	}
	closedir(directory);
	return error;
}

int vfio_device_open(struct vfio_device *device, const char *address)
{
	int error;

	memset(device, 0, sizeof(*device));
	device->fd = -1;

	error = parse_address(address, device->address,
			      sizeof(device->address));
	if (error)
		return error;
	error = find_cdev(device);
	if (error)
		return error;

	device->fd = open(device->cdev, O_RDWR | O_CLOEXEC);
	return device->fd < 0 ? -errno : 0;
}

int vfio_device_bind(struct vfio_device *device, int iommufd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};

	if (ioctl(device->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return -errno;
	device->dev_id = bind.out_devid;
	return 0;
}

int vfio_device_attach(struct vfio_device *device, __u32 *pt_id)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = *pt_id,
	};

	if (ioctl(device->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return -errno;
	*pt_id = attach.pt_id;
	return 0;
}

int vfio_device_detach(struct vfio_device *device)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	if (ioctl(device->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach))
		return -errno;
	return 0;
}

static int get_region(struct vfio_device *device, unsigned int index,
		      struct vfio_region_info *region)
{
	memset(region, 0, sizeof(*region));
	region->argsz = sizeof(*region);
	region->index = index;
	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, region))
		return -errno;
	return 0;
}

int vfio_device_map_bar(struct vfio_device *device, unsigned int index,
			struct vfio_bar *bar)
{
	struct vfio_region_info region;
	int error;

	error = get_region(device, VFIO_PCI_BAR0_REGION_INDEX + index, &region);
	if (error)
		return error;
	if (!region.size || !(region.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return -ENOTSUP;

	bar->va = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       device->fd, region.offset);
	if (bar->va == MAP_FAILED) {
		bar->va = NULL;
		return -errno;
	}
	bar->length = region.size;
	return 0;
}

void vfio_device_unmap_bar(struct vfio_bar *bar)
{
	if (bar->va)
		munmap(bar->va, bar->length);
	bar->va = NULL;
}

/* PCI is little endian; so is every machine that QEMU's edu is tried on. */
static int change_command(struct vfio_device *device, __u16 set, __u16 clear)
{
	struct vfio_region_info config;
	__u16 command;
	off_t offset;
	int error;

	error = get_region(device, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	if (error)
		return error;
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

int vfio_device_allow_dma(struct vfio_device *device)
{
	return change_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
			      0);
}

int vfio_device_stop_dma(struct vfio_device *device)
{
	return change_command(device, 0, PCI_COMMAND_MASTER);
}

void vfio_device_close(struct vfio_device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
}

int vfio_read_link(const struct vfio_device *device, const char *name,
		   char *target, size_t size)
{
	char path[PATH_MAX], link[PATH_MAX];
	const char *slash;
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s",
		 device->address, name);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return -errno;
	link[length] = '\0';

	slash = strrchr(link, '/');
	snprintf(target, size, "%s", slash ? slash + 1 : link);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "edu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "usage.h"
#include "vfio_device.h"

#define PCI_DEVICES	"/sys/bus/pci/devices"
#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8

#define EDU_DMA_SOURCE		0x80
#define EDU_DMA_DESTINATION	0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_COMMAND		0x98
#define EDU_DMA_START		0x1
#define EDU_DMA_TO_MEMORY	0x2
#define EDU_BUFFER		0x40000

/* A transfer takes 100 ms of the device's time. */
#define EDU_POLL_US		5000
#define EDU_POLL_MAX		2000

struct path {
	char name[512];
};

static unsigned int read_hex(const struct path *path)
{
	FILE *file = fopen(path->name, "re");
	unsigned int value = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%x", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

static struct path attribute(const char *slot, const char *name)
{
	struct path path;

	snprintf(path.name, sizeof(path.name), PCI_DEVICES "/%.32s/%.64s", slot,
		 name);
	return path;
}

static bool is_edu(const char *slot)
{
	struct path vendor = attribute(slot, "vendor");
	struct path device = attribute(slot, "device");

	return read_hex(&vendor) == EDU_VENDOR &&
	       read_hex(&device) == EDU_DEVICE;
}

static int find_slot(unsigned int index, char *slot, size_t size)
{
	int ret = -ENODEV;
	struct dirent *entry;
	DIR *directory;

	directory = opendir(PCI_DEVICES);
	if (!directory)
		return -ENODEV;
	while ((entry = readdir(directory))) {
		if (!is_edu(entry->d_name) || index--)
			continue;
		snprintf(slot, size, "%.32s", entry->d_name);
		ret = 0;
		break;
	}
	closedir(directory);
	return ret;
}

static int give_to_vfio(const char *slot)
{
	static const char probe[] = "/sys/bus/pci/drivers_probe";
	struct path override = attribute(slot, "driver_override");
	struct path unbind = attribute(slot, "driver/unbind");
	struct path vfio = attribute(slot, "vfio-dev");
	int ret;

	if (!access(vfio.name, F_OK))
		return 0;
	/* Fails when no driver has it, which is as good. */
	file_write(unbind.name, slot);
	ret = file_write(override.name, "vfio-pci");
	return ret ? ret : file_write(probe, slot);
}

int edu_give_to_vfio(unsigned int index, struct edu_slot *slot)
{
	int ret = find_slot(index, slot->name, sizeof(slot->name));

	return ret ? ret : give_to_vfio(slot->name);
}

int edu_open(struct edu *edu, unsigned int index)
{
	struct edu_slot slot;
	struct path device;
	int ret;

	memset(edu, 0, sizeof(*edu));
	edu->cdev = -1;
	ret = edu_give_to_vfio(index, &slot);
	if (ret)
		return ret;
	snprintf(device.name, sizeof(device.name), PCI_DEVICES "/%s",
		 slot.name);
	ret = vfio_open_cdev(device.name);
	if (ret < 0)
		return ret;
	edu->cdev = ret;
	return 0;
}

void edu_close(struct edu *edu)
{
	if (edu->registers)
		munmap(edu->registers, edu->length);
	edu->registers = NULL;
	if (edu->cdev >= 0)
		close(edu->cdev);
	edu->cdev = -1;
}

static int vfio_ioctl(const struct edu *edu, unsigned long request, void *arg)
{
	return ioctl(edu->cdev, request, arg) < 0 ? -errno : 0;
}

int edu_bind(struct edu *edu, int iommufd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};
	int ret = vfio_ioctl(edu, VFIO_DEVICE_BIND_IOMMUFD, &bind);

	if (!ret)
		edu->dev_id = bind.out_devid;
	return ret;
}

int edu_attach(struct edu *edu, __u32 *pt_id)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = *pt_id,
	};
	int ret = vfio_ioctl(edu, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);

	if (!ret)
		*pt_id = attach.pt_id;
	return ret;
}

int edu_attach_ioas(struct edu *edu, __u32 ioas_id)
{
	return edu_attach(edu, &ioas_id);
}

int edu_detach(struct edu *edu)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return vfio_ioctl(edu, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
}

static int enable_bus_master(struct edu *edu)
{
	struct vfio_region_info config;
	__u16 command;
	int ret;

	ret = vfio_region(edu->cdev, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	if (ret)
		return ret;
	if (pread(edu->cdev, &command, sizeof(command),
		  config.offset + PCI_COMMAND) != sizeof(command))
		return -EIO;
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(edu->cdev, &command, sizeof(command),
		   config.offset + PCI_COMMAND) != sizeof(command))
		return -EIO;
	return 0;
}

int edu_start(struct edu *edu)
{
	struct vfio_region_info bar;
	void *registers;
	int ret;

	ret = enable_bus_master(edu);
	if (ret)
		return ret;
	ret = vfio_region(edu->cdev, VFIO_PCI_BAR0_REGION_INDEX, &bar);
	if (ret)
		return ret;
	registers = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 edu->cdev, bar.offset);
	if (registers == MAP_FAILED)
		return -errno;
	edu->registers = registers;
	edu->length = bar.size;
	return 0;
}

static void edu_write(struct edu *edu, size_t offset, __u64 value)
{
	__atomic_store_n((__u64 *)(edu->registers + offset), value,
			 __ATOMIC_SEQ_CST);
}

static __u64 edu_read(struct edu *edu, size_t offset)
{
	return __atomic_load_n((__u64 *)(edu->registers + offset),
			       __ATOMIC_SEQ_CST);
}

static int edu_transfer(struct edu *edu, __u64 from, __u64 to,
			__u64 count, __u64 command)
{
	int step;

	if (!count || count > EDU_DMA_MAX)
		return -EINVAL;
	edu_write(edu, EDU_DMA_SOURCE, from);
	edu_write(edu, EDU_DMA_DESTINATION, to);
	edu_write(edu, EDU_DMA_COUNT, count);
	edu_write(edu, EDU_DMA_COMMAND, command | EDU_DMA_START);
	for (step = 0; step < EDU_POLL_MAX; step++) {
		if (!(edu_read(edu, EDU_DMA_COMMAND) & EDU_DMA_START))
			return 0;
		usleep(EDU_POLL_US);
	}
	return -ETIMEDOUT;
}

int edu_load(struct edu *edu, __u64 iova, size_t length)
{
	if (iova + length > EDU_DMA_REACH)
		return -ERANGE;
	return edu_transfer(edu, iova, EDU_BUFFER, length, 0);
}

int edu_store(struct edu *edu, __u64 iova, size_t length)
{
	if (iova + length > EDU_DMA_REACH)
		return -ERANGE;
	return edu_transfer(edu, EDU_BUFFER, iova, length, EDU_DMA_TO_MEMORY);
}

int edu_copy(struct edu *edu, __u64 from, __u64 to, size_t length)
{
	int ret = edu_load(edu, from, length);

	return ret ? ret : edu_store(edu, to, length);
}

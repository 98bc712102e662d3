// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "edu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define PCI_DEVICES	"/sys/bus/pci/devices"
#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8

#define EDU_ID			0x00
#define EDU_DMA_SOURCE		0x80
#define EDU_DMA_DESTINATION	0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_COMMAND		0x98

#define EDU_ID_MASK		0xffff
#define EDU_ID_VALUE		0x00ed

#define EDU_DMA_START		0x1
#define EDU_DMA_TO_MEMORY	0x2

/* Address of the device's memory, as its DMA engine sees it. */
#define EDU_BUFFER		0x40000

/* A transfer of any size takes 100 ms of the device's time. */
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
	edu->vfio.fd = -1;
	ret = edu_give_to_vfio(index, &slot);
	if (ret)
		return ret;
	snprintf(device.name, sizeof(device.name), PCI_DEVICES "/%s",
		 slot.name);
	ret = vfio_open_cdev(device.name);
	if (ret < 0)
		return ret;
	edu->vfio.fd = ret;
	return 0;
}

void edu_close(struct edu *edu)
{
	vfio_unmap_bar(&edu->registers);
	vfio_close(&edu->vfio);
}

int edu_start(struct edu *edu)
{
	int ret = vfio_allow_dma(&edu->vfio);

	return ret ? ret : vfio_map_bar(&edu->vfio, 0, &edu->registers);
}

/*
 * The compiler must neither merge nor repeat an access to a register, nor
 * split it: one atomic load or store of the register's width does that.
 */
static __u32 read32(const struct edu *edu, unsigned int offset)
{
	return __atomic_load_n((__u32 *)(edu->registers.va + offset),
			       __ATOMIC_SEQ_CST);
}

static void write32(const struct edu *edu, unsigned int offset, __u32 value)
{
	__atomic_store_n((__u32 *)(edu->registers.va + offset), value,
			 __ATOMIC_SEQ_CST);
}

static void write64(const struct edu *edu, unsigned int offset, __u64 value)
{
	__atomic_store_n((__u64 *)(edu->registers.va + offset), value,
			 __ATOMIC_SEQ_CST);
}

int edu_probe(struct edu *edu)
{
	const __u32 probe = 0x12345678;

	if ((read32(edu, EDU_ID) & EDU_ID_MASK) != EDU_ID_VALUE)
		return -ENODEV;
	write32(edu, EDU_LIVENESS, probe);
	return read32(edu, EDU_LIVENESS) == ~probe ? 0 : -EIO;
}

__u32 edu_liveness(const struct edu *edu)
{
	return read32(edu, EDU_LIVENESS);
}

void edu_set_liveness(const struct edu *edu, __u32 value)
{
	write32(edu, EDU_LIVENESS, value);
}

static bool is_running(const struct edu *edu)
{
	return read32(edu, EDU_DMA_COMMAND) & EDU_DMA_START;
}

static int wait_until_idle(const struct edu *edu)
{
	int step;

	for (step = 0; step < EDU_POLL_MAX; step++) {
		if (!is_running(edu))
			return 0;
		usleep(EDU_POLL_US);
	}
	return -ETIMEDOUT;
}

static int transfer(const struct edu *edu, __u64 from, __u64 to, __u64 count,
		    __u32 command)
{
	if (!count || count > EDU_DMA_MAX)
		return -EINVAL;
	/* The device ignores writes to its registers while it is running. */
	if (is_running(edu))
		return -EBUSY;
	write64(edu, EDU_DMA_SOURCE, from);
	write64(edu, EDU_DMA_DESTINATION, to);
	write64(edu, EDU_DMA_COUNT, count);
	/* What this process stored in memory is visible before the start. */
	write32(edu, EDU_DMA_COMMAND, command | EDU_DMA_START);
	return wait_until_idle(edu);
}

static bool reaches(__u64 iova, size_t length)
{
	return length <= EDU_DMA_REACH && iova <= EDU_DMA_REACH - length;
}

int edu_dma_read(struct edu *edu, __u64 iova, size_t length)
{
	if (!reaches(iova, length))
		return -ERANGE;
	return transfer(edu, iova, EDU_BUFFER, length, 0);
}

int edu_dma_write(struct edu *edu, __u64 iova, size_t length)
{
	if (!reaches(iova, length))
		return -ERANGE;
	return transfer(edu, EDU_BUFFER, iova, length, EDU_DMA_TO_MEMORY);
}

int edu_dma_copy(struct edu *edu, __u64 from, __u64 to, size_t length)
{
	int ret = edu_dma_read(edu, from, length);

	return ret ? ret : edu_dma_write(edu, to, length);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "edu.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

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

int edu_give_to_vfio(unsigned int index, struct pci_slot *slot)
{
	int ret = pci_find(EDU_VENDOR, EDU_DEVICE, index, slot);

	return ret ? ret : pci_give_to_vfio(slot);
}

int edu_open(struct edu *edu, unsigned int index)
{
	struct pci_slot slot;
	int ret;

	memset(edu, 0, sizeof(*edu));
	edu->vfio.fd = -1;
	ret = edu_give_to_vfio(index, &slot);
	if (ret)
		return ret;
	ret = pci_open_cdev(&slot);
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

bool edu_dma_is_running(const struct edu *edu)
{
	return read32(edu, EDU_DMA_COMMAND) & EDU_DMA_START;
}

static int wait_until_idle(const struct edu *edu)
{
	int step;

	for (step = 0; step < EDU_POLL_MAX; step++) {
		if (!edu_dma_is_running(edu))
			return 0;
		usleep(EDU_POLL_US);
	}
	return -ETIMEDOUT;
}

static int start(const struct edu *edu, __u64 from, __u64 to, __u64 count,
		 __u32 command)
{
	if (!count || count > EDU_DMA_MAX)
		return -EINVAL;
	/* The device ignores writes to its registers while it is running. */
	if (edu_dma_is_running(edu))
		return -EBUSY;
	write64(edu, EDU_DMA_SOURCE, from);
	write64(edu, EDU_DMA_DESTINATION, to);
	write64(edu, EDU_DMA_COUNT, count);
	/* What this process stored in memory is visible before the start. */
	write32(edu, EDU_DMA_COMMAND, command | EDU_DMA_START);
	return 0;
}

static bool reaches(__u64 iova, size_t length)
{
	return length <= EDU_DMA_REACH && iova <= EDU_DMA_REACH - length;
}

int edu_dma_read(struct edu *edu, __u64 iova, size_t length)
{
	int ret;

	if (!reaches(iova, length))
		return -ERANGE;
	ret = start(edu, iova, EDU_BUFFER, length, 0);
	return ret ? ret : wait_until_idle(edu);
}

int edu_dma_start_write(struct edu *edu, __u64 iova, size_t length)
{
	if (!reaches(iova, length))
		return -ERANGE;
	return start(edu, EDU_BUFFER, iova, length, EDU_DMA_TO_MEMORY);
}

int edu_dma_write(struct edu *edu, __u64 iova, size_t length)
{
	int ret = edu_dma_start_write(edu, iova, length);

	return ret ? ret : wait_until_idle(edu);
}

int edu_dma_copy(struct edu *edu, __u64 from, __u64 to, size_t length)
{
	int ret = edu_dma_read(edu, from, length);

	return ret ? ret : edu_dma_write(edu, to, length);
}

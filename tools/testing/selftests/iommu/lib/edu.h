/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * QEMU's "edu" PCI device (1234:11e8) through VFIO: a DMA engine with 4 KiB of
 * memory of its own. It moves bytes between system memory and that memory.
 */
#ifndef SELFTEST_IOMMU_EDU_H
#define SELFTEST_IOMMU_EDU_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#include "pci_slot.h"
#include "vfio_device.h"

/*
 * The device reaches this many bytes of IOVA from 0 on: it has 28 address lines,
 * and would drop higher bits silently.
 */
#define EDU_DMA_REACH	0x10000000ULL
/*
 * And moves at most so many of them at a time, half of its memory. A transfer up
 * to the very last byte of that makes QEMU (7.2 at least) give up the machine.
 */
#define EDU_DMA_MAX	2048

/**
 * struct edu - an open device
 * @vfio: how VFIO knows it
 * @registers: BAR 0, not mapped until edu_start()
 */
struct edu {
	struct vfio_device vfio;
	struct vfio_bar registers;
};

/*
 * Give the @index'th device to vfio-pci, if it is not there already, and tell
 * where it is. Returns 0, -ENODEV when there is no such device, or what went
 * wrong.
 */
int edu_give_to_vfio(unsigned int index, struct pci_slot *slot);

/*
 * Open the @index'th device, after having given it to vfio-pci. Returns 0,
 * -ENODEV when there is no such device, or what went wrong.
 */
int edu_open(struct edu *edu, unsigned int index);
void edu_close(struct edu *edu);

/* It is a device of VFIO: these do what those of vfio_device.h do. */
static inline int edu_bind(struct edu *edu, int iommufd)
{
	return vfio_bind(&edu->vfio, iommufd);
}

static inline int edu_attach(struct edu *edu, __u32 *pt_id)
{
	return vfio_attach(&edu->vfio, pt_id);
}

static inline int edu_attach_ioas(struct edu *edu, __u32 ioas_id)
{
	return vfio_attach_ioas(&edu->vfio, ioas_id);
}

static inline int edu_detach(struct edu *edu)
{
	return vfio_detach(&edu->vfio);
}

/* Map the registers and let the device be bus master. */
int edu_start(struct edu *edu);

/* -ENODEV when the registers are those of something else, -EIO if it is dead. */
int edu_probe(struct edu *edu);

/*
 * A register that gives back the complement of what was written last, and where
 * it is in BAR 0. So what is read there has been in the device.
 */
#define EDU_LIVENESS	0x04
__u32 edu_liveness(const struct edu *edu);
void edu_set_liveness(const struct edu *edu, __u32 value);

/**
 * edu_dma_read() - The device reads system memory into its own
 * @edu: a device that was started
 * @iova: where to read
 * @length: bytes, at most EDU_DMA_MAX
 *
 * The device has no notion of a DMA that went wrong: success means that the
 * engine has stopped, not that bytes have arrived.
 *
 * Return: 0; -EINVAL for a length and -ERANGE for an IOVA that the device cannot
 * do, -EBUSY while it is at work, -ETIMEDOUT when the engine does not stop.
 */
int edu_dma_read(struct edu *edu, __u64 iova, size_t length);

/* The device writes the bytes that it read last; the same errors. */
int edu_dma_write(struct edu *edu, __u64 iova, size_t length);

/*
 * Start edu_dma_write() and do not wait for its end. The device lets 100 ms pass,
 * writes all, and is no more running.
 */
int edu_dma_start_write(struct edu *edu, __u64 iova, size_t length);
bool edu_dma_is_running(const struct edu *edu);

/* Both: copy @length bytes at @from to @to by DMA alone. */
int edu_dma_copy(struct edu *edu, __u64 from, __u64 to, size_t length);

#endif

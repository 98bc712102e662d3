/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * QEMU's edu device (PCI ID 1234:11e8): a DMA engine with 4 KiB of memory of
 * its own. It moves bytes between system memory and that memory.
 */
#ifndef EDU_VMM_EDU_H
#define EDU_VMM_EDU_H

#include <linux/types.h>

/* The engine has 28 address lines; higher bits would be dropped silently. */
#define EDU_IOVA_LAST	0x0fffffffULL

/*
 * Half of the device's memory. A transfer up to its very last byte makes QEMU
 * (7.2 at least) give up the whole machine.
 */
#define EDU_DMA_MAX	2048

/**
 * struct edu - The device
 * @registers: BAR 0, 1 MiB
 */
struct edu {
	void *registers;
};

/**
 * edu_probe() - Check that this is an edu device and that it is alive
 * @edu: filled
 * @registers: BAR 0 as mapped into this process
 *
 * Return: 0; -ENODEV for another device, -EIO when it does not answer.
 */
int edu_probe(struct edu *edu, void *registers);

/**
 * edu_read() - The device reads system memory into its own
 * @edu: a probed device that may do DMA
 * @iova: where to read
 * @length: bytes, at most EDU_DMA_MAX
 *
 * The device has no notion of a DMA that went wrong: success means that the
 * engine has stopped, not that bytes have arrived.
 *
 * Return: 0; -EINVAL for a transfer the device cannot do, -ETIMEDOUT when the
 * engine does not stop.
 */
int edu_read(struct edu *edu, __u64 iova, __u32 length);

/**
 * edu_write() - The device writes the bytes it read last to system memory
 * @edu: a probed device that may do DMA
 * @iova: where to write
 * @length: bytes, at most EDU_DMA_MAX
 *
 * Return: as edu_read().
 */
int edu_write(struct edu *edu, __u64 iova, __u32 length);

#endif

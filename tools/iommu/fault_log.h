/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The kernel log, searched for what an IOMMU says about DMA it has blocked.
 */
#ifndef EDU_VMM_FAULT_LOG_H
#define EDU_VMM_FAULT_LOG_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* One record of /dev/kmsg is never longer. */
#define FAULT_LINE_MAX	8192

struct iommu_driver;

/**
 * struct fault_log - The part of the kernel log after a mark
 * @fd: /dev/kmsg, -1 when not open
 * @driver: how the IOMMU of the device words a fault
 * @address: PCI address of the device
 */
struct fault_log {
	int fd;
	const struct iommu_driver *driver;
	char address[16];
};

/**
 * fault_log_open() - Open the kernel log for faults of one device
 * @log: filled
 * @address: PCI address of the device, 0000:00:04.0
 * @iommu: name of its IOMMU or of the driver of it: dmar0, ivhd0, virtio_iommu
 *
 * Return: 0, or -errno when the kernel log cannot be read.
 */
int fault_log_open(struct fault_log *log, const char *address,
		   const char *iommu);

/** fault_log_close() - Close the log; does nothing when not open */
void fault_log_close(struct fault_log *log);

/** fault_log_iommu() - The kind of the IOMMU in words */
const char *fault_log_iommu(const struct fault_log *log);

/**
 * fault_log_excuse() - Why this IOMMU may leave a fault out of the log
 * @log: an open log
 *
 * Return: a remark for people, or NULL when a missing message is an error.
 */
const char *fault_log_excuse(const struct fault_log *log);

/** fault_log_mark() - Forget everything logged before this moment */
void fault_log_mark(struct fault_log *log);

/**
 * fault_log_wait() - Wait for the message about a blocked DMA
 * @log: an open log
 * @iova: an IOVA in the page the device tried to use
 * @timeout_ms: how long to wait
 * @line: filled with the message
 * @size: bytes in @line
 *
 * Return: 1 when there was a message, 0 after the timeout, or -errno.
 */
int fault_log_wait(struct fault_log *log, __u64 iova, unsigned int timeout_ms,
		   char *line, size_t size);

#endif

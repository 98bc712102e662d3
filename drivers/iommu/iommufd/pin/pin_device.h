/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PIN_DEVICE_H
#define __IOMMUFD_PIN_DEVICE_H

#include <linux/types.h>

struct mmu_interval_notifier;
struct pin_origin;
struct pin_owner;

/**
 * struct pin_piece - Addresses with memory of one kind
 * @start: user virtual address
 * @end: the first address that does not belong to it
 * @device: it is memory of a device, in one VMA; else everything that is not.
 *          Not NULL, differs from one device to another, and is not to be
 *          followed
 */
struct pin_piece {
	unsigned long start;
	unsigned long end;
	const void *device;
};

int pin_device_find(unsigned long end, bool writable, struct pin_piece *piece);
void pin_device_origin(struct pin_origin *origin, struct pin_owner *owner,
		       unsigned long address, bool writable);
int pin_device_read(const struct pin_origin *origin, unsigned long npages,
		    struct mmu_interval_notifier *notifier,
		    unsigned long seq, unsigned long *pfn);

#endif

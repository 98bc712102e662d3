/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * QEMU's "edu" PCI device through VFIO: open, bind, attach and make it do DMA.
 */
#ifndef SELFTEST_IOMMU_EDU_H
#define SELFTEST_IOMMU_EDU_H

#include <stddef.h>

#include <linux/types.h>

/* The device reaches this many bytes of IOVA from 0 on. */
#define EDU_DMA_REACH	0x10000000ULL
/* And moves at most so many of them at a time. */
#define EDU_DMA_MAX	2048

/**
 * struct edu - an open device
 * @cdev: VFIO's character device, or a file descriptor that a group gave
 * @dev_id: object id in the iommufd it is bound to
 * @registers: BAR 0, NULL until edu_start()
 * @length: bytes of BAR 0
 */
struct edu {
	int cdev;
	__u32 dev_id;
	char *registers;
	size_t length;
};

/**
 * struct edu_slot - where a device is
 * @name: of its directory in /sys/bus/pci/devices
 */
struct edu_slot {
	char name[64];
};

/*
 * Give the @index'th device to vfio-pci, if it is not there already, and tell
 * where it is. Returns 0, -ENODEV when there is no such device, or what went
 * wrong.
 */
int edu_give_to_vfio(unsigned int index, struct edu_slot *slot);

/*
 * Open the @index'th device, after having given it to vfio-pci. Returns 0,
 * -ENODEV when there is no such device, or what went wrong.
 */
int edu_open(struct edu *edu, unsigned int index);
void edu_close(struct edu *edu);

int edu_bind(struct edu *edu, int iommufd);

/* @pt_id: an IOAS or page table, on success the page table in use. */
int edu_attach(struct edu *edu, __u32 *pt_id);
int edu_attach_ioas(struct edu *edu, __u32 ioas_id);
int edu_detach(struct edu *edu);

/* Map the registers and let the device be bus master. */
int edu_start(struct edu *edu);

/* DMA from memory at @iova into the device, and from the device to memory. */
int edu_load(struct edu *edu, __u64 iova, size_t length);
int edu_store(struct edu *edu, __u64 iova, size_t length);

/* Both: copy @length bytes at @from to @to by DMA alone. */
int edu_copy(struct edu *edu, __u64 from, __u64 to, size_t length);

#endif

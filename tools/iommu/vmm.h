/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What the steps of the demonstration share: the objects, and the few
 * operations they are all made of.
 */
#ifndef EDU_VMM_VMM_H
#define EDU_VMM_VMM_H

#include <stdbool.h>

#include "lib/edu.h"
#include "lib/ioctls.h"

#include "fault_log.h"
#include "guest_memory.h"
#include "pci.h"

#define VMM_MAX_DEVICES	2

/* Mappings are placed here: edu reaches no IOVA above. */
#define VMM_IOVA_FIRST	0x00100000ULL
#define VMM_IOVA_LAST	(EDU_DMA_REACH - 1)

/* For vmm_map(): let the kernel choose the IOVA. */
#define VMM_IOVA_ANY	(~0ULL)

/*
 * Bytes of a DMA that is going to be blocked. QEMU makes a fault of each 4
 * bytes, and the kernel prints only 10 messages in 5 seconds.
 */
#define VMM_BLOCKED_LENGTH	4

#define VMM_RW		(IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)

/**
 * struct vmm_device - A device, everything opened for it
 * @pci: where it is
 * @edu: the device, as VFIO gives it to us
 * @log: the kernel log, for faults of this device
 */
struct vmm_device {
	struct pci_device pci;
	struct edu edu;
	struct fault_log log;
};

/**
 * struct vmm - Everything opened
 * @iommufd: /dev/iommu, -1 when not open
 * @ioas_a: the address space the devices are attached to between the steps
 * @ioas_b: another one
 * @ndevices: 1 or 2
 * @addresses: PCI addresses as the user wrote them
 * @devices: the devices
 * @look: command that looks from outside at what is mapped, or NULL
 */
struct vmm {
	int iommufd;
	__u32 ioas_a;
	__u32 ioas_b;
	unsigned int ndevices;
	const char *addresses[VMM_MAX_DEVICES];
	struct vmm_device devices[VMM_MAX_DEVICES];
	const char *look;
};

/**
 * struct vmm_ram - Memory and where it is mapped
 * @memory: the memory
 * @iova: IOVA of its first byte
 */
struct vmm_ram {
	struct guest_memory memory;
	__u64 iova;
};

/**
 * struct vmm_transfer - Bytes that take a trip through a device
 * @src: offset of the first byte the device reads
 * @dst: offset of the first byte the device writes
 * @length: bytes, at most EDU_DMA_MAX
 *
 * Neither may begin with the last byte of a page: the virtio-iommu of QEMU 7.2
 * looks for a mapping of that byte or the next one, and if these are mappings
 * of their own it may take the wrong one.
 */
struct vmm_transfer {
	size_t src;
	size_t dst;
	__u32 length;
};

/**
 * struct vmm_blocked_dma - DMA that must not get through
 * @iova: where the device tries it
 * @write: the device writes
 * @expect_log: the IOMMU driver has to log it, if it logs all faults
 */
struct vmm_blocked_dma {
	__u64 iova;
	bool write;
	bool expect_log;
};

/*
 * All functions below return 0 or a negative errno. An error is a call that
 * failed although it had to succeed; it has been reported. Wrong bytes are
 * reported as a failed check and are no error.
 */

/** vmm_attach() - Attach, or replace the address space of an attached device */
int vmm_attach(struct vmm_device *device, __u32 ioas_id);

/**
 * vmm_map() - Map all of some memory
 * @vmm: the VMM
 * @ioas_id: where
 * @ram: memory; ram->iova is an input, VMM_IOVA_ANY or an IOVA, and updated
 * @access: IOMMU_IOAS_MAP_READABLE, IOMMU_IOAS_MAP_WRITEABLE or both
 *
 * Return: 0, or the error of ioas_map().
 */
int vmm_map(struct vmm *vmm, __u32 ioas_id, struct vmm_ram *ram, __u32 access);

/** vmm_alloc_and_map() - Get memory and map it for DMA both ways */
int vmm_alloc_and_map(struct vmm *vmm, __u32 ioas_id, struct vmm_ram *ram,
		      enum memory_kind kind, size_t length);

/** vmm_unmap() - Unmap all of some memory and check the number of bytes */
int vmm_unmap(struct vmm *vmm, __u32 ioas_id, const struct vmm_ram *ram);

/** vmm_dma() - Let a device copy bytes inside some memory */
int vmm_dma(struct vmm_device *device, struct vmm_ram *ram,
	    const struct vmm_transfer *transfer);

/**
 * vmm_blocked_dma() - Let a device try DMA that must not get through
 * @device: the device
 * @dma: the attempt
 *
 * Looks for the fault in the kernel log; the caller checks the memory. When
 * the log holds nothing although it has to, the attempt is repeated once, after
 * the time for which the kernel may have suppressed messages.
 *
 * Return: 0, or the error of the DMA or of reading the log.
 */
int vmm_blocked_dma(struct vmm_device *device,
		    const struct vmm_blocked_dma *dma);

/** vmm_check_memory() - Check every byte of some memory */
void vmm_check_memory(const struct guest_memory *memory, const char *what);

/** vmm_check_pinned() - Check how much of this process the kernel has pinned */
void vmm_check_pinned(size_t length, const char *what);

/** vmm_close() - Close whatever is open */
void vmm_close(struct vmm *vmm);

#endif

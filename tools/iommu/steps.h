/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The steps of the demonstration, in their order. Each begins and ends with
 * all devices attached to IOAS A, nothing mapped and nothing pinned, except
 * for the first and the last one. Each returns 0, or a negative errno when
 * there is no point in going on; failed checks do not stop it.
 */
#ifndef EDU_VMM_STEPS_H
#define EDU_VMM_STEPS_H

#include "vmm.h"

/** step_open_iommufd() - /dev/iommu and its two IOASes */
int step_open_iommufd(struct vmm *vmm);

/** step_open_devices() - bind and attach each device */
int step_open_devices(struct vmm *vmm);

/** step_show_iovas() - what can be mapped now, and where we want it */
int step_show_iovas(struct vmm *vmm);

/** step_memory() - DMA to and from each kind of memory */
int step_memory(struct vmm *vmm);

/** step_readonly() - a mapping the device may only read */
int step_readonly(struct vmm *vmm);

/** step_replace() - the same IOVAs in two IOASes, and the change between them */
int step_replace(struct vmm *vmm);

/** step_copy() - one memory in two IOASes, pinned once */
int step_copy(struct vmm *vmm);

/** step_page_tables() - page tables of our own, attached and replaced by id */
int step_page_tables(struct vmm *vmm);

/** step_blocked() - no DMA after an unmap */
int step_blocked(struct vmm *vmm);

/** step_errors() - bad input is refused and changes nothing */
int step_errors(struct vmm *vmm);

/** step_two_devices() - two devices, alone and together */
int step_two_devices(struct vmm *vmm);

/** step_peer() - a device reaches the BAR of another one, while that is there */
int step_peer(struct vmm *vmm);

/** step_close() - detach, close, and leave nothing behind */
int step_close(struct vmm *vmm);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
#ifndef EDU_VMM_HINT_H
#define EDU_VMM_HINT_H

#include "lib/memory.h"
#include "pci.h"

/*
 * What to do next when a step has failed. Each function takes the negative
 * errno of the failure and returns lines separated by newlines, or NULL when
 * there is nothing to advise. The text stays valid until the next call.
 */

/** hint_iommufd_open() - for iommufd_open() */
const char *hint_iommufd_open(int error);

/** hint_device_open() - for what opens the character device of a device */
const char *hint_device_open(int error, const struct pci_device *device);

/** hint_device_bind() - for vfio_bind() */
const char *hint_device_bind(int error, const struct pci_device *device);

/** hint_memory() - for guest_memory_alloc() */
const char *hint_memory(int error, enum memory_kind kind);

/** hint_map() - for ioas_map() */
const char *hint_map(int error);

#endif

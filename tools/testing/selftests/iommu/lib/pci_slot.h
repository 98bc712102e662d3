/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Finding PCI devices, and giving them to VFIO.
 */
#ifndef SELFTEST_IOMMU_PCI_SLOT_H
#define SELFTEST_IOMMU_PCI_SLOT_H

#include <linux/types.h>

/**
 * struct pci_slot - where a device is
 * @name: of its directory in /sys/bus/pci/devices
 */
struct pci_slot {
	char name[64];
};

/*
 * The @index'th device of a kind, in the order of their addresses: those behind
 * bridges come last. 0, or -ENODEV when there is no such device.
 */
int pci_find(__u16 vendor, __u16 device, unsigned int index,
	     struct pci_slot *slot);

/* Give a device to vfio-pci, if it is not there already. 0 or -errno. */
int pci_give_to_vfio(const struct pci_slot *slot);

/* vfio_open_cdev() of a device. */
int pci_open_cdev(const struct pci_slot *slot);

#endif

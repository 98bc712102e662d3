/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A PCI device by its address, and what sysfs tells about it.
 */
#ifndef EDU_VMM_PCI_H
#define EDU_VMM_PCI_H

#include <stddef.h>

/**
 * struct pci_device - Where a device is
 * @address: PCI address with the domain: 0000:00:04.0
 * @path: its directory in sysfs
 */
struct pci_device {
	char address[16];
	char path[64];
};

/**
 * pci_parse() - Read a PCI address
 * @device: filled
 * @text: PCI address with or without domain: 0000:00:04.0 or 00:04.0
 *
 * Return: 0, or -EINVAL when @text is no PCI address.
 */
int pci_parse(struct pci_device *device, const char *text);

/**
 * pci_read_link() - Last component of a symbolic link of the device in sysfs
 * @device: the device
 * @name: the link below the device's directory: driver, iommu_group
 * @target: filled
 * @size: bytes in @target
 *
 * Return: 0, or -errno when there is no such link.
 */
int pci_read_link(const struct pci_device *device, const char *name,
		  char *target, size_t size);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "pci_slot.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "vfio_device.h"

#define PCI_DEVICES	"/sys/bus/pci/devices"

struct path {
	char name[512];
};

static unsigned int read_hex(const struct path *path)
{
	FILE *file = fopen(path->name, "re");
	unsigned int value = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%x", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

static struct path attribute(const char *slot, const char *name)
{
	struct path path;

	snprintf(path.name, sizeof(path.name), PCI_DEVICES "/%.32s/%.64s", slot,
		 name);
	return path;
}

static bool is_kind(const char *slot, __u16 vendor, __u16 device)
{
	struct path its_vendor = attribute(slot, "vendor");
	struct path its_device = attribute(slot, "device");

	return read_hex(&its_vendor) == vendor &&
	       read_hex(&its_device) == device;
}

int pci_find(__u16 vendor, __u16 device, unsigned int index,
	     struct pci_slot *slot)
{
	struct dirent **entries;
	int ret = -ENODEV;
	int count, i;

	count = scandir(PCI_DEVICES, &entries, NULL, alphasort);
	if (count < 0)
		return -ENODEV;
	for (i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (ret && is_kind(name, vendor, device) && !index--) {
			snprintf(slot->name, sizeof(slot->name), "%.32s", name);
			ret = 0;
		}
		free(entries[i]);
	}
	free(entries);
	return ret;
}

int pci_give_to_vfio(const struct pci_slot *slot)
{
	static const char probe[] = "/sys/bus/pci/drivers_probe";
	struct path override = attribute(slot->name, "driver_override");
	struct path unbind = attribute(slot->name, "driver/unbind");
	struct path vfio = attribute(slot->name, "vfio-dev");
	int ret;

	if (!access(vfio.name, F_OK))
		return 0;
	/* Fails when no driver has it, which is as good. */
	file_write(unbind.name, slot->name);
	ret = file_write(override.name, "vfio-pci");
	return ret ? ret : file_write(probe, slot->name);
}

int pci_open_cdev(const struct pci_slot *slot)
{
	char device[sizeof(PCI_DEVICES) + sizeof(slot->name)];

	snprintf(device, sizeof(device), PCI_DEVICES "/%s", slot->name);
	return vfio_open_cdev(device);
}

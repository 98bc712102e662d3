// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "pci.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int pci_parse(struct pci_device *device, const char *text)
{
	unsigned int domain, bus, slot, function;
	char rest;

	if (sscanf(text, "%x:%x:%x.%x%c", &domain, &bus, &slot, &function,
		   &rest) != 4) {
		domain = 0;
		if (sscanf(text, "%x:%x.%x%c", &bus, &slot, &function,
			   &rest) != 3)
			return -EINVAL;
	}
	if (domain > 0xffff || bus > 0xff || slot > 0x1f || function > 7)
		return -EINVAL;

	snprintf(device->address, sizeof(device->address), "%04x:%02x:%02x.%x",
		 domain, bus, slot, function);
	snprintf(device->path, sizeof(device->path), "/sys/bus/pci/devices/%s",
		 device->address);
	return 0;
}

int pci_read_link(const struct pci_device *device, const char *name,
		  char *target, size_t size)
{
	char path[PATH_MAX], link[PATH_MAX];
	const char *slash;
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", device->path, name);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return -errno;
	link[length] = '\0';

	slash = strrchr(link, '/');
	snprintf(target, size, "%s", slash ? slash + 1 : link);
	return 0;
}

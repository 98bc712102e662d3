// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "hint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char text[1024];

const char *hint_iommufd_open(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return "the driver is not loaded: modprobe iommufd\n"
		       "(when it is loaded and /dev is not a devtmpfs, make the node\n"
		       "with the numbers in /sys/class/misc/iommu/dev)";
	case -EACCES:
	case -EPERM:
		return "run as root, or give your user access to /dev/iommu";
	default:
		return NULL;
	}
}

static const char *hint_no_cdev(const struct pci_device *device)
{
	const char *address = device->address;
	char driver[64];

	if (!pci_read_link(device, "driver", driver, sizeof(driver)) &&
	    !strncmp(driver, "vfio", 4))
		return "the device has a VFIO driver, but VFIO was built without\n"
		       "CONFIG_VFIO_DEVICE_CDEV=y: load the modules that come with\n"
		       "iommufd instead of those of the distribution";

	snprintf(text, sizeof(text),
		 "give the device to vfio-pci:\n"
		 "  modprobe vfio-pci\n"
		 "  echo vfio-pci > /sys/bus/pci/devices/%s/driver_override\n"
		 "  echo %s > /sys/bus/pci/devices/%s/driver/unbind  # if bound\n"
		 "  echo %s > /sys/bus/pci/drivers_probe",
		 address, address, address, address);
	return text;
}

const char *hint_device_open(int error, const struct pci_device *device)
{
	switch (error) {
	case -EINVAL:
		return "a PCI address looks like 0000:00:04.0 or 00:04.0";
	case -ENODEV:
		return "no such PCI device; look for one with: lspci -nn -d 1234:11e8\n"
		       "QEMU has it with: -device edu,addr=4";
	case -ENXIO:
		return hint_no_cdev(device);
	case -ENOENT:
		return "VFIO has the device, but its node in /dev/vfio/devices is\n"
		       "missing: mount a devtmpfs on /dev, or run udev";
	case -EACCES:
		return "run as root, or give your user access to the node";
	case -EBUSY:
		return "another program has the device open";
	default:
		return NULL;
	}
}

const char *hint_device_bind(int error, const struct pci_device *device)
{
	switch (error) {
	case -EPERM:
		return "the IOMMU does not isolate interrupts: the device could forge\n"
		       "those of others. If you trust this device anyway:\n"
		       "  echo 1 > /sys/module/iommufd/parameters/allow_unsafe_interrupts\n"
		       "or load the module with allow_unsafe_interrupts=1";
	case -EBUSY:
		snprintf(text, sizeof(text),
			 "a device of the same IOMMU group is in use; see\n"
			 "  /sys/bus/pci/devices/%s/iommu_group/devices",
			 device->address);
		return text;
	case -EINVAL:
	case -ENODEV:
		return "either another program has the device open, or there is no\n"
		       "IOMMU: ls /sys/class/iommu should name one; boot with\n"
		       "intel_iommu=on or amd_iommu=on and see the kernel log";
	default:
		return NULL;
	}
}

const char *hint_memory(int error, enum memory_kind kind)
{
	if (kind == MEMORY_HUGETLB && error == -ENOMEM)
		return "put pages into the pool: echo 4 > /proc/sys/vm/nr_hugepages";
	if (kind == MEMORY_THP && error == -EINVAL)
		return "this kernel has no CONFIG_TRANSPARENT_HUGEPAGE";
	if (kind == MEMORY_FILE && error == -ENOENT)
		return "none of /dev/shm, /run and /tmp is a tmpfs: mount one there";
	return NULL;
}

const char *hint_map(int error)
{
	if (error == -ENOMEM)
		return "the limit of locked memory may be too low: ulimit -l";
	return NULL;
}

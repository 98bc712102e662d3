// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hint.h"
#include "report.h"

static int alloc_ioas(struct vmm *vmm, const char *name, __u32 *ioas_id)
{
	int error = report_call(ioas_alloc(vmm->iommufd, ioas_id),
				"IOMMU_IOAS_ALLOC");

	if (!error)
		report_value(name, "object id %u", *ioas_id);
	return error;
}

int step_open_iommufd(struct vmm *vmm)
{
	int error;

	report_step("/dev/iommu and two IO address spaces");
	vmm->iommufd = iommufd_open();
	if (vmm->iommufd < 0) {
		error = report_call(vmm->iommufd, "open /dev/iommu");
		report_hint(hint_iommufd_open(error));
		return error;
	}
	report_value("/dev/iommu", "file descriptor %d", vmm->iommufd);

	error = alloc_ioas(vmm, "IOAS A", &vmm->ioas_a);
	if (!error)
		error = alloc_ioas(vmm, "IOAS B", &vmm->ioas_b);
	if (error)
		return error;
	report_check(vmm->ioas_a != vmm->ioas_b,
		     "two empty IO address spaces");
	vmm_check_pinned(0, "nothing is pinned yet");
	return 0;
}

/* An IOMMU has a name of its own, dmar0, or that of a driver for a device. */
static void find_iommu(const struct pci_device *pci, char *name, size_t size)
{
	if (pci_read_link(pci, "iommu/device/driver", name, size) &&
	    pci_read_link(pci, "iommu", name, size))
		snprintf(name, size, "no IOMMU");
}

/* A device of VFIO is opened by a node in /dev/vfio/devices. */
static int open_cdev(struct vmm_device *device, const char *address,
		     char *cdev, size_t size)
{
	int error = pci_parse(&device->pci, address);

	if (!error)
		error = vfio_find_cdev(device->pci.path, cdev, size);
	if (error)
		return error;
	device->edu.vfio.fd = open(cdev, O_RDWR | O_CLOEXEC);
	return device->edu.vfio.fd < 0 ? -errno : 0;
}

static int open_device(struct vmm_device *device, const char *address)
{
	const struct pci_device *pci = &device->pci;
	char cdev[128], iommu[64], group[64] = "none";
	int error;

	error = open_cdev(device, address, cdev, sizeof(cdev));
	if (error) {
		report_check(false, "open the device %s: %s", address,
			     strerror(-error));
		report_hint(hint_device_open(error, pci));
		return error;
	}
	find_iommu(pci, iommu, sizeof(iommu));
	pci_read_link(pci, "iommu_group", group, sizeof(group));
	error = report_call(fault_log_open(&device->log, pci->address, iommu),
			    "open /dev/kmsg");
	report_value("device", "%s is %s, in group %s, behind %s (%s)",
		     pci->address, cdev, group, iommu,
		     fault_log_iommu(&device->log));
	return error;
}

static int bind_device(struct vmm *vmm, struct vmm_device *device)
{
	int error = report_call(vfio_bind(&device->edu.vfio, vmm->iommufd),
				"VFIO_DEVICE_BIND_IOMMUFD");

	if (error)
		report_hint(hint_device_bind(error, &device->pci));
	else
		report_value("bind", "object id %u", device->edu.vfio.dev_id);
	return error;
}

static int probe_edu(struct vmm_device *device)
{
	struct edu *edu = &device->edu;
	int error = report_call(vfio_map_bar(&edu->vfio, 0, &edu->registers),
				"map BAR 0");

	if (error)
		return error;
	error = report_call(vfio_allow_dma(&edu->vfio),
			    "set bus mastering in the configuration space");
	if (error)
		return error;

	error = edu_probe(edu);
	report_check(!error, "the registers of %s are those of an edu device",
		     device->pci.address);
	return error;
}

static int bring_up(struct vmm *vmm, unsigned int index)
{
	struct vmm_device *device = &vmm->devices[index];
	int error;

	error = open_device(device, vmm->addresses[index]);
	if (error)
		return error;
	error = bind_device(vmm, device);
	if (error)
		return error;
	/* No DMA before there is an address space to do it in. */
	error = vmm_attach(device, vmm->ioas_a);
	if (error)
		return error;
	return probe_edu(device);
}

int step_open_devices(struct vmm *vmm)
{
	unsigned int i;
	int error = 0;

	report_step("Bind the device, attach it to IOAS A");
	for (i = 0; i < vmm->ndevices && !error; i++)
		error = bring_up(vmm, i);
	return error;
}

static void print_iovas(const struct iommu_iova_range *ranges, __u32 nranges)
{
	__u64 next = 0;
	__u32 i;

	for (i = 0; i < nranges; i++) {
		if (ranges[i].start > next)
			report_value("not usable", "%#18llx - %#18llx", next,
				     ranges[i].start - 1);
		report_value("usable IOVAs", "%#18llx - %#18llx",
			     ranges[i].start, ranges[i].last);
		next = ranges[i].last + 1;
	}
	/* 0 again: the last range ends with the last IOVA there is. */
	if (next)
		report_value("not usable", "%#18llx - %#18llx", next, ~0ULL);
}

static bool is_usable(const struct iommu_iova_range *ranges, __u32 nranges,
		      __u64 first, __u64 last)
{
	__u32 i;

	for (i = 0; i < nranges; i++) {
		if (ranges[i].start <= first && last <= ranges[i].last)
			return true;
	}
	return false;
}

/*
 * EMSGSIZE comes with the number of entries that are needed. It may have grown
 * by the time of the next call, hence a loop. The caller frees the array, also
 * after an error.
 */
static int query_ranges(struct vmm *vmm, struct iommu_ioas_iova_ranges *query,
			struct iommu_iova_range **ranges)
{
	int error = iommufd_ioctl(vmm->iommufd, IOMMU_IOAS_IOVA_RANGES, query);

	while (error == -EMSGSIZE) {
		free(*ranges);
		*ranges = calloc(query->num_iovas, sizeof(**ranges));
		if (!*ranges)
			return -ENOMEM;
		query->allowed_iovas = va_to_u64(*ranges);
		error = iommufd_ioctl(vmm->iommufd, IOMMU_IOAS_IOVA_RANGES,
				      query);
	}
	return error;
}

static void describe_ranges(const struct iommu_ioas_iova_ranges *query,
			    const struct iommu_iova_range *ranges)
{
	__u64 alignment = query->out_iova_alignment;

	print_iovas(ranges, query->num_iovas);
	report_value("alignment", "%llu bytes", alignment);
	report_check(is_usable(ranges, query->num_iovas, VMM_IOVA_FIRST,
			       VMM_IOVA_LAST),
		     "IOAS A offers what edu can reach, %#llx - %#llx",
		     VMM_IOVA_FIRST, VMM_IOVA_LAST);
	report_check(alignment && !(alignment & (alignment - 1)) &&
		     alignment <= SMALL_PAGE,
		     "mappings can be as small as a page");
}

static int show_ranges(struct vmm *vmm)
{
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = vmm->ioas_a,
	};
	struct iommu_iova_range *ranges = NULL;
	int error = report_call(query_ranges(vmm, &query, &ranges),
				"IOMMU_IOAS_IOVA_RANGES");

	if (!error)
		describe_ranges(&query, ranges);
	free(ranges);
	return error;
}

int step_show_iovas(struct vmm *vmm)
{
	const struct iommu_iova_range window = {
		.start = VMM_IOVA_FIRST,
		.last = VMM_IOVA_LAST,
	};
	int error;

	report_step("Which IOVAs there are, and which of them we want");
	error = show_ranges(vmm);
	if (error)
		return error;
	error = ioas_allow_iovas(vmm->iommufd, vmm->ioas_a, &window, 1);
	if (!error)
		error = ioas_allow_iovas(vmm->iommufd, vmm->ioas_b, &window, 1);
	report_check(!error,
		     "IOVAs that the kernel chooses are kept below 256 MiB");
	return error;
}

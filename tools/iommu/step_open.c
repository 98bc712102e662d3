// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hint.h"
#include "report.h"

static int alloc_ioas(struct vmm *vmm, const char *name, __u32 *ioas_id)
{
	int error = report_call(iommufd_ioas_alloc(vmm->iommufd, ioas_id),
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
static void find_iommu(const struct vfio_device *vfio, char *name, size_t size)
{
	if (vfio_read_link(vfio, "iommu/device/driver", name, size) &&
	    vfio_read_link(vfio, "iommu", name, size))
		snprintf(name, size, "no IOMMU");
}

static int open_device(struct vmm_device *device, const char *address)
{
	struct vfio_device *vfio = &device->vfio;
	char iommu[64], group[64] = "none";
	int error;

	error = vfio_device_open(vfio, address);
	if (error) {
		report_check(false, "open the device %s: %s", address,
			     strerror(-error));
		report_hint(hint_device_open(error, vfio));
		return error;
	}
	find_iommu(vfio, iommu, sizeof(iommu));
	vfio_read_link(vfio, "iommu_group", group, sizeof(group));
	error = report_call(fault_log_open(&device->log, vfio->address, iommu),
			    "open /dev/kmsg");
	report_value("device", "%s is %s, in group %s, behind %s (%s)",
		     vfio->address, vfio->cdev, group, iommu,
		     fault_log_iommu(&device->log));
	return error;
}

static int bind_device(struct vmm *vmm, struct vfio_device *vfio)
{
	int error = report_call(vfio_device_bind(vfio, vmm->iommufd),
				"VFIO_DEVICE_BIND_IOMMUFD");

	if (error)
		report_hint(hint_device_bind(error, vfio));
	else
		report_value("bind", "object id %u", vfio->dev_id);
	return error;
}

static int probe_edu(struct vmm_device *device)
{
	int error = report_call(vfio_device_map_bar(&device->vfio, 0,
						    &device->bar), "map BAR 0");

	if (error)
		return error;
	error = report_call(vfio_device_allow_dma(&device->vfio),
			    "set bus mastering in the configuration space");
	if (error)
		return error;

	error = edu_probe(&device->edu, device->bar.va);
	report_check(!error, "the registers of %s are those of an edu device",
		     device->vfio.address);
	return error;
}

static int bring_up(struct vmm *vmm, unsigned int index)
{
	struct vmm_device *device = &vmm->devices[index];
	int error;

	error = open_device(device, vmm->addresses[index]);
	if (error)
		return error;
	error = bind_device(vmm, &device->vfio);
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

static int show_ranges(struct vmm *vmm)
{
	struct iommu_iova_range *ranges;
	__u64 alignment;
	__u32 nranges;
	int error;

	error = report_call(iommufd_iova_ranges(vmm->iommufd, vmm->ioas_a,
						&ranges, &nranges, &alignment),
			    "IOMMU_IOAS_IOVA_RANGES");
	if (error)
		return error;
	print_iovas(ranges, nranges);
	report_value("alignment", "%llu bytes", alignment);
	report_check(is_usable(ranges, nranges, VMM_IOVA_FIRST, VMM_IOVA_LAST),
		     "IOAS A offers what edu can reach, %#llx - %#llx",
		     VMM_IOVA_FIRST, VMM_IOVA_LAST);
	report_check(alignment && !(alignment & (alignment - 1)) &&
		     alignment <= SMALL_PAGE,
		     "mappings can be as small as a page");
	free(ranges);
	return 0;
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
	error = iommufd_allow_iovas(vmm->iommufd, vmm->ioas_a, &window, 1);
	if (!error)
		error = iommufd_allow_iovas(vmm->iommufd, vmm->ioas_b, &window,
					    1);
	report_check(!error,
		     "IOVAs that the kernel chooses are kept below 256 MiB");
	return error;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"
#include "lib/ioctls.h"

static void ask(struct bench_device *device, unsigned long request,
		void *argument)
{
	MUST(ioctl(device->driver, request, argument) ? -errno : 0);
}

void bench_device_open(struct bench_device *device, bool huge)
{
	struct bench_iommu_plug plug = { .huge = huge };

	device->iommufd = iommufd_open();
	MUST(device->iommufd);
	MUST(ioas_alloc(device->iommufd, &device->ioas_id));
	device->driver = open("/dev/" BENCH_IOMMU_NAME, O_RDWR | O_CLOEXEC);
	MUST(device->driver < 0 ? -errno : 0);
	plug.iommufd = device->iommufd;
	ask(device, BENCH_IOMMU_PLUG, &plug);
	device->dev_id = plug.out_dev_id;
}

void bench_device_close(struct bench_device *device)
{
	close(device->driver);
	close(device->iommufd);
}

void bench_device_attach(struct bench_device *device, __u32 pt_id)
{
	ask(device, BENCH_IOMMU_ATTACH, &pt_id);
}

void bench_device_write(struct bench_device *device, __u32 every)
{
	ask(device, BENCH_IOMMU_WRITE, &every);
}

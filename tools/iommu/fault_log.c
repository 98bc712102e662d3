// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "fault_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"

#define IOMMU_PAGE_SHIFT	12

/**
 * struct iommu_driver - How a driver words a DMA fault
 * @prefix: the names of its IOMMUs begin with this
 * @name: for people
 * @marker: a text that only its fault messages have
 * @iova_prefix: the text before the faulting IOVA
 * @is_device: does the message speak about this PCI function?
 * @excuse: why a fault may give no message; NULL: there is always one, unless
 *          there were too many before it
 */
struct iommu_driver {
	const char *prefix;
	const char *name;
	const char *marker;
	const char *iova_prefix;
	bool (*is_device)(const char *line, const char *address);
	const char *excuse;
};

/* DMAR: [DMA Write NO_PASID] Request device [00:04.0] fault addr 0x1000 ... */
static bool is_vtd_device(const char *line, const char *address)
{
	char tag[32];

	snprintf(tag, sizeof(tag), "device [%s]", strchr(address, ':') + 1);
	return strstr(line, tag);
}

/*
 * vfio-pci 0000:00:04.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0001
 * address=0x1000 flags=0x0020]; for a function unknown to the driver
 * "device=0000:00:04.0" is in the brackets instead.
 */
static bool is_amd_device(const char *line, const char *address)
{
	return strstr(line, address);
}

/* virtio_iommu virtio0: page fault from EP 32 at 0x1000 [W] */
static bool is_virtio_device(const char *line, const char *address)
{
	unsigned int bus, slot, function;
	char tag[32];

	if (sscanf(address, "%*x:%x:%x.%x", &bus, &slot, &function) != 3)
		return false;
	snprintf(tag, sizeof(tag), "from EP %u ",
		 bus << 8 | slot << 3 | function);
	return strstr(line, tag);
}

static bool is_any_device(const char *line, const char *address)
{
	return strstr(line, address);
}

static const struct iommu_driver drivers[] = {
	{ "dmar", "Intel VT-d", "DMAR: [DMA ", "fault addr ", is_vtd_device,
	  NULL },
	/*
	 * QEMU 7.2 walks Linux's page tables and stops at an entry that is 0,
	 * or at a last one without the right, with nothing in the event log.
	 */
	{ "ivhd", "AMD-Vi", "IO_PAGE_FAULT", "address=", is_amd_device,
	  " (the AMD-Vi of QEMU 7.2 blocks without a report)" },
	{ "virtio", "virtio-iommu", "fault from EP", " at ", is_virtio_device,
	  " (the host has to have a buffer for its report)" },
	{ "", "an IOMMU whose messages are unknown here", "fault", "0x",
	  is_any_device, "" },
};

static const struct iommu_driver *find_driver(const char *iommu)
{
	const struct iommu_driver *driver = drivers;

	while (strncmp(iommu, driver->prefix,
		       strlen(driver->prefix)))
		driver++;
	return driver;
}

int fault_log_open(struct fault_log *log, const char *address,
		   const char *iommu)
{
	log->driver = find_driver(iommu);
	snprintf(log->address, sizeof(log->address), "%s", address);
	log->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return log->fd < 0 ? -errno : 0;
}

void fault_log_close(struct fault_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

const char *fault_log_iommu(const struct fault_log *log)
{
	return log->driver->name;
}

const char *fault_log_excuse(const struct fault_log *log)
{
	return log->driver->excuse;
}

void fault_log_mark(struct fault_log *log)
{
	lseek(log->fd, 0, SEEK_END);
}

static bool is_fault(const struct fault_log *log, const char *line, __u64 iova)
{
	const struct iommu_driver *driver = log->driver;
	const char *number;

	if (!strstr(line, driver->marker) ||
	    !driver->is_device(line, log->address))
		return false;
	number = strstr(line, driver->iova_prefix);
	if (!number)
		return false;
	if (driver->iova_prefix[0] != '0')
		number += strlen(driver->iova_prefix);
	return strtoull(number, NULL, 16) >> IOMMU_PAGE_SHIFT ==
	       iova >> IOMMU_PAGE_SHIFT;
}

/*
 * A record is "priority,sequence,microseconds,flags;message\n" and may go on
 * with lines of key=value. Return: 1, 0 when there is none, or -errno.
 */
static int read_message(struct fault_log *log, char *line, size_t size)
{
	char record[FAULT_LINE_MAX];
	const char *message;
	ssize_t length;

	do {
		length = read(log->fd, record, sizeof(record) - 1);
		/* EPIPE: records were overwritten before they could be read */
	} while (length < 0 && (errno == EPIPE || errno == EINTR));
	if (length < 0)
		return errno == EAGAIN ? 0 : -errno;
	record[length] = '\0';

	message = strchr(record, ';');
	message = message ? message + 1 : record;
	snprintf(line, size, "%.*s", (int)strcspn(message, "\n"), message);
	return 1;
}

int fault_log_wait(struct fault_log *log, __u64 iova, unsigned int timeout_ms,
		   char *line, size_t size)
{
	unsigned long long end_us = now_us() + timeout_ms * 1000ULL;
	struct pollfd kmsg = { .fd = log->fd, .events = POLLIN };
	unsigned long long now;
	int result;

	for (;;) {
		while ((result = read_message(log, line, size)) > 0) {
			if (is_fault(log, line, iova))
				return 1;
		}
		now = now_us();
		if (result < 0 || now >= end_us)
			return result;
		poll(&kmsg, 1, (end_us - now) / 1000 + 1);
	}
}

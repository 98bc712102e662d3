// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "vmm.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/files.h"

#include "hint.h"
#include "report.h"

/* The kernel prints at most 10 messages of a kind in 5 seconds. */
#define LOG_WAIT_MS		1000
#define LOG_GLANCE_MS		300
#define LOG_SILENCE_MS		5500

int vmm_attach(struct vmm_device *device, __u32 ioas_id)
{
	unsigned long long start_us = now_us();
	__u32 pt_id = ioas_id;
	int error;

	error = report_call(vfio_attach(&device->edu.vfio, &pt_id),
			    "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	if (!error)
		report_value("attach", "device %u -> IOAS %u, through hw_pagetable %u, %llu us",
			     device->edu.vfio.dev_id, ioas_id, pt_id,
			     now_us() - start_us);
	return error;
}

static void describe_mapping(__u32 ioas_id, const struct vmm_ram *ram,
			     unsigned long long elapsed_us)
{
	const struct guest_memory *memory = &ram->memory;

	report_value("map", "IOAS %u IOVA %#llx-%#llx -> %p, %zu KiB, %s, %llu us",
		     ioas_id, ram->iova, ram->iova + memory->length - 1,
		     memory->va, memory->length / 1024,
		     memory_kind_name(memory->kind), elapsed_us);
}

int vmm_map(struct vmm *vmm, __u32 ioas_id, struct vmm_ram *ram, __u32 access)
{
	struct iommu_ioas_map map = {
		.ioas_id = ioas_id,
		.user_va = va_to_u64(ram->memory.va),
		.length = ram->memory.length,
		.flags = access,
	};
	unsigned long long start_us = now_us();
	int error;

	if (ram->iova != VMM_IOVA_ANY) {
		map.iova = ram->iova;
		map.flags |= IOMMU_IOAS_MAP_FIXED_IOVA;
	}
	error = report_call(ioas_map(vmm->iommufd, &map), "IOMMU_IOAS_MAP");
	if (error) {
		report_hint(hint_map(error));
		return error;
	}
	ram->iova = map.iova;
	describe_mapping(ioas_id, ram, now_us() - start_us);
	return 0;
}

int vmm_alloc_and_map(struct vmm *vmm, __u32 ioas_id, struct vmm_ram *ram,
		      enum memory_kind kind, size_t length)
{
	int error = guest_memory_alloc(&ram->memory, kind, length);

	if (error) {
		report_call(error, memory_kind_name(kind));
		report_hint(hint_memory(error, kind));
		return error;
	}
	return vmm_map(vmm, ioas_id, ram, VMM_RW);
}

int vmm_unmap(struct vmm *vmm, __u32 ioas_id, const struct vmm_ram *ram)
{
	__u64 unmapped;
	int error;

	error = report_call(ioas_unmap(vmm->iommufd, ioas_id, ram->iova,
				       ram->memory.length, &unmapped),
			    "IOMMU_IOAS_UNMAP");
	if (!error && unmapped != ram->memory.length)
		report_check(false, "unmap of %zu bytes at %#llx says %llu",
			     ram->memory.length, ram->iova, unmapped);
	return error;
}

static bool is_end_of_page(size_t offset)
{
	return offset % SMALL_PAGE == SMALL_PAGE - 1;
}

/* A copy of bytes onto equal ones would look the same if it never happened. */
static int check_transfer(const struct guest_memory *memory,
			  const struct vmm_transfer *transfer)
{
	bool differ = memcmp(memory->expected + transfer->src,
			     memory->expected + transfer->dst,
			     transfer->length);

	if (differ && !is_end_of_page(transfer->src) &&
	    !is_end_of_page(transfer->dst))
		return 0;
	report_check(false, "no transfer to learn from: %#zx to %#zx",
		     transfer->src, transfer->dst);
	return -EINVAL;
}

int vmm_dma(struct vmm_device *device, struct vmm_ram *ram,
	    const struct vmm_transfer *transfer)
{
	__u64 src = ram->iova + transfer->src;
	__u64 dst = ram->iova + transfer->dst;
	int error = check_transfer(&ram->memory, transfer);

	if (error)
		return error;
	error = report_call(edu_dma_read(&device->edu, src, transfer->length),
			    "DMA from memory");
	if (error)
		return error;
	error = report_call(edu_dma_write(&device->edu, dst, transfer->length),
			    "DMA to memory");
	if (error)
		return error;

	report_value("DMA", "%u bytes %#llx -> device -> %#llx",
		     transfer->length, src, dst);
	guest_memory_expect_copy(&ram->memory, transfer->dst, &ram->memory,
				 transfer->src, transfer->length);
	return 0;
}

/* Return: 1 when the fault has been logged, 0 when not, or -errno. */
static int try_blocked_dma(struct vmm_device *device,
			   const struct vmm_blocked_dma *dma,
			   unsigned int wait_ms)
{
	static char line[FAULT_LINE_MAX];
	int result;

	fault_log_mark(&device->log);
	if (dma->write)
		result = edu_dma_write(&device->edu, dma->iova,
				       VMM_BLOCKED_LENGTH);
	else
		result = edu_dma_read(&device->edu, dma->iova,
				      VMM_BLOCKED_LENGTH);
	if (report_call(result, "DMA to be blocked"))
		return result;

	result = fault_log_wait(&device->log, dma->iova, wait_ms, line,
				sizeof(line));
	if (result > 0)
		report_value("kernel log", "%s", line);
	else if (result)
		report_call(result, "read /dev/kmsg");
	return result;
}

int vmm_blocked_dma(struct vmm_device *device,
		    const struct vmm_blocked_dma *dma)
{
	static const char limited[] = " (the rate of messages is limited)";
	const char *excuse = fault_log_excuse(&device->log);
	bool must_log = dma->expect_log && !excuse;
	const char *verb = dma->write ? "write to" : "read from";
	unsigned int wait_ms = must_log ? LOG_WAIT_MS : LOG_GLANCE_MS;
	int result = try_blocked_dma(device, dma, wait_ms);

	if (!result && must_log) {
		report_value("kernel log", "silent, once more in %.1f s",
			     LOG_SILENCE_MS / 1000.0);
		sleep_ms(LOG_SILENCE_MS);
		result = try_blocked_dma(device, dma, wait_ms);
	}
	if (result < 0)
		return result;

	if (must_log || result)
		report_check(result, "%s logged the device's %s %#llx",
			     fault_log_iommu(&device->log), verb, dma->iova);
	else
		report_value("kernel log", "nothing about the %s %#llx within %u ms%s",
			     verb, dma->iova, wait_ms, excuse ?: limited);
	return 0;
}

void vmm_check_memory(const struct guest_memory *memory, const char *what)
{
	size_t first, last, ndifferent;

	ndifferent = guest_memory_find_differences(memory, &first, &last);
	if (!ndifferent)
		report_check(true, "%s (%zu bytes compared)", what,
			     memory->length);
	else
		report_check(false,
			     "%s: %zu bytes in %#zx-%#zx differ, the first is %#x, not %#x",
			     what, ndifferent, first, last, memory->va[first],
			     memory->expected[first]);
}

void vmm_check_pinned(size_t length, const char *what)
{
	unsigned long long pinned_kib = status_kib("VmPin:");

	if (pinned_kib == length / 1024)
		report_check(true, "VmPin is %zu KiB: %s", length / 1024, what);
	else
		report_check(false, "VmPin is %llu KiB instead of %zu KiB: %s",
			     pinned_kib, length / 1024, what);
}

static void close_device(struct vmm_device *device)
{
	edu_close(&device->edu);
	fault_log_close(&device->log);
}

void vmm_close(struct vmm *vmm)
{
	unsigned int i;

	for (i = 0; i < VMM_MAX_DEVICES; i++)
		close_device(&vmm->devices[i]);
	if (vmm->iommufd >= 0)
		close(vmm->iommufd);
	vmm->iommufd = -1;
}

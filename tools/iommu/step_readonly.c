// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include "report.h"

#define LENGTH		(4 * SMALL_PAGE)
#define READONLY_IOVA	0x02000000ULL
#define NBYTES		1024

static int map_readonly(struct vmm *vmm, struct vmm_ram *ram)
{
	int error = report_call(guest_memory_alloc(&ram->memory,
						   MEMORY_SMALL_PAGES,
						   LENGTH), "memory");

	if (error)
		return error;
	ram->iova = READONLY_IOVA;
	return vmm_map(vmm, vmm->ioas_a, ram, IOMMU_IOAS_MAP_READABLE);
}

/*
 * The write comes before the read. After a read the translation may sit in the
 * IOTLB, and QEMU's models do not report a fault that they find there.
 */
static int write_is_blocked(struct vmm_device *device, struct vmm_ram *ram)
{
	const struct vmm_blocked_dma dma = {
		.iova = ram->iova + SMALL_PAGE,
		.write = true,
		.expect_log = true,
	};
	int error = vmm_blocked_dma(device, &dma);

	if (!error)
		vmm_check_memory(&ram->memory,
				 "read-only: the device could not write");
	return error;
}

static int read_works(struct vmm_device *device, struct vmm_ram *readonly,
		      struct vmm_ram *writable)
{
	int error;

	error = report_call(edu_dma_read(&device->edu,
					 readonly->iova + SMALL_PAGE,
					 NBYTES), "DMA from read-only memory");
	if (error)
		return error;
	error = report_call(edu_dma_write(&device->edu, writable->iova, NBYTES),
			    "DMA to memory");
	if (error)
		return error;
	guest_memory_expect_copy(&writable->memory, 0, &readonly->memory,
				 SMALL_PAGE,
				 NBYTES);
	vmm_check_memory(&writable->memory,
			 "read-only: the device could read");
	return 0;
}

/* The device's own memory has to hold bytes that are not those it overwrites. */
static int load_other_bytes(struct vmm_device *device, struct vmm_ram *ram)
{
	return report_call(edu_dma_read(&device->edu, ram->iova, NBYTES),
			   "DMA from memory");
}

int step_readonly(struct vmm *vmm)
{
	struct vmm_ram writable = { .iova = VMM_IOVA_ANY };
	struct vmm_device *device = &vmm->devices[0];
	struct vmm_ram readonly = { 0 };
	int error;

	report_step("A mapping that the device may only read");
	error = vmm_alloc_and_map(vmm, vmm->ioas_a, &writable,
				  MEMORY_SMALL_PAGES,
				  LENGTH);
	if (error)
		goto out_free;
	error = map_readonly(vmm, &readonly);
	if (error)
		goto out_free;

	error = load_other_bytes(device, &writable);
	if (error)
		goto out_free;
	error = write_is_blocked(device, &readonly);
	if (error)
		goto out_free;
	error = read_works(device, &readonly, &writable);
	if (error)
		goto out_free;

	error = vmm_unmap(vmm, vmm->ioas_a, &readonly);
	if (!error)
		error = vmm_unmap(vmm, vmm->ioas_a, &writable);

out_free:
	guest_memory_free(&readonly.memory);
	guest_memory_free(&writable.memory);
	return error;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include "report.h"

#define LENGTH		(2 * HUGE_PAGE)
#define COPY_IOVA	0x08200000ULL

static const struct vmm_transfer transfers[] = {
	{ .src = 0x0ff900, .dst = 0x200123, .length = 2048 },
	{ .src = 0x3ff800, .dst = 0x1ffdef, .length = 2048 },
};

static int copy_to_b(struct vmm *vmm, const struct vmm_ram *ram)
{
	struct iommu_ioas_copy copy = {
		.src_ioas_id = vmm->ioas_a,
		.src_iova = ram->iova,
		.dst_ioas_id = vmm->ioas_b,
		.dst_iova = COPY_IOVA,
		.length = LENGTH,
		.flags = VMM_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
	};
	int error = report_call(ioas_copy(vmm->iommufd, &copy),
				"IOMMU_IOAS_COPY");

	if (!error)
		report_value("copy", "IOAS %u IOVA %#llx -> IOAS %u IOVA %#llx",
			     vmm->ioas_a, ram->iova, vmm->ioas_b, COPY_IOVA);
	return error;
}

/* The same memory, seen through the other address space. */
static int use_copy(struct vmm *vmm, struct vmm_ram *ram)
{
	struct vmm_device *device = &vmm->devices[0];
	const __u64 original = ram->iova;
	int error;

	error = vmm_attach(device, vmm->ioas_b);
	if (error)
		return error;
	ram->iova = COPY_IOVA;
	error = vmm_dma(device, ram, &transfers[0]);
	ram->iova = original;
	if (error)
		return error;
	vmm_check_memory(&ram->memory, "copy: DMA reaches the same memory");
	vmm_check_pinned(LENGTH, "mapped twice, pinned once");
	return 0;
}

/* The mapping in B does not depend on the one it was copied from. */
static int outlive_original(struct vmm *vmm, struct vmm_ram *ram)
{
	struct vmm_device *device = &vmm->devices[0];
	int error;

	error = vmm_unmap(vmm, vmm->ioas_a, ram);
	if (error)
		return error;
	ram->iova = COPY_IOVA;
	error = vmm_dma(device, ram, &transfers[1]);
	if (error)
		return error;
	vmm_check_memory(&ram->memory,
			 "copy: DMA works with the original unmapped");
	error = vmm_unmap(vmm, vmm->ioas_b, ram);
	if (error)
		return error;
	vmm_check_pinned(0, "the last mapping is gone");
	return vmm_attach(device, vmm->ioas_a);
}

int step_copy(struct vmm *vmm)
{
	struct vmm_ram ram = { .iova = VMM_IOVA_ANY };
	int error;

	report_step("Copy a mapping of A into B");
	error = vmm_alloc_and_map(vmm, vmm->ioas_a, &ram, MEMORY_THP, LENGTH);
	if (error)
		goto out_free;
	error = copy_to_b(vmm, &ram);
	if (error)
		goto out_free;
	error = use_copy(vmm, &ram);
	if (error)
		goto out_free;
	error = outlive_original(vmm, &ram);

out_free:
	guest_memory_free(&ram.memory);
	return error;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include "report.h"

#define LENGTH		(16 * SMALL_PAGE)
#define COPY_IOVA	0x06000000ULL
#define NBYTES		700

static const struct vmm_transfer by_first = {
	.src = 0x0100, .dst = 0x3ffd, .length = NBYTES,
};

static const struct vmm_transfer by_second = {
	.src = 0x5100, .dst = 0x7f01, .length = NBYTES,
};

static const struct vmm_transfer second_alone = {
	.src = 0x9100, .dst = 0xbf01, .length = NBYTES,
};

static const struct vmm_transfer first_in_a = {
	.src = 0xe000, .dst = 0x0a33, .length = NBYTES,
};

static const struct vmm_transfer second_in_b = {
	.src = 0x6800, .dst = 0x1e00, .length = NBYTES,
};

static int both_dma(struct vmm *vmm, struct vmm_ram *ram)
{
	int error = vmm_dma(&vmm->devices[0], ram, &by_first);

	if (!error)
		error = vmm_dma(&vmm->devices[1], ram, &by_second);
	if (error)
		return error;
	vmm_check_memory(&ram->memory,
			 "both in A: DMA of each, in the same memory");
	vmm_check_pinned(LENGTH, "two devices, pinned once");
	return 0;
}

static int first_is_blocked(struct vmm *vmm, struct vmm_ram *ram)
{
	const struct vmm_blocked_dma dma = {
		.iova = ram->iova + 0xd000,
		.write = true,
		.expect_log = false,
	};
	int error = vmm_blocked_dma(&vmm->devices[0], &dma);

	if (!error)
		vmm_check_memory(&ram->memory,
				 "first detached: it could not write");
	return error;
}

static int detach_first(struct vmm *vmm, struct vmm_ram *ram)
{
	struct vmm_device *first = &vmm->devices[0];
	int error;

	error = report_call(vfio_detach(&first->edu.vfio),
			    "VFIO_DEVICE_DETACH_IOMMUFD_PT");
	if (error)
		return error;
	error = vmm_dma(&vmm->devices[1], ram, &second_alone);
	if (error)
		return error;
	vmm_check_memory(&ram->memory,
			 "first detached: the second goes on working");
	error = first_is_blocked(vmm, ram);
	if (error)
		return error;
	return vmm_attach(first, vmm->ioas_a);
}

static int map_in_b(struct vmm *vmm, struct vmm_ram *ram)
{
	struct iommu_ioas_copy copy = {
		.src_ioas_id = vmm->ioas_a,
		.src_iova = ram->iova,
		.dst_ioas_id = vmm->ioas_b,
		.dst_iova = COPY_IOVA,
		.length = LENGTH,
		.flags = VMM_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
	};

	return report_call(ioas_copy(vmm->iommufd, &copy), "IOMMU_IOAS_COPY");
}

/* Each device has an IOAS of its own; the memory is in both. */
static int part_ways(struct vmm *vmm, struct vmm_ram *ram)
{
	struct vmm_device *second = &vmm->devices[1];
	struct vmm_ram in_b;
	int error;

	error = map_in_b(vmm, ram);
	if (error)
		return error;
	error = vmm_attach(second, vmm->ioas_b);
	if (error)
		return error;
	in_b = *ram;
	in_b.iova = COPY_IOVA;
	error = vmm_dma(&vmm->devices[0], ram, &first_in_a);
	if (!error)
		error = vmm_dma(second, &in_b, &second_in_b);
	if (error)
		return error;
	vmm_check_memory(&ram->memory,
			 "one in A, one in B: DMA of each, in the same memory");
	vmm_check_pinned(LENGTH, "two IOASes with a device each, pinned once");

	error = vmm_attach(second, vmm->ioas_a);
	if (!error)
		error = vmm_unmap(vmm, vmm->ioas_b, &in_b);
	return error;
}

int step_two_devices(struct vmm *vmm)
{
	struct vmm_ram ram = { .iova = VMM_IOVA_ANY };
	int error;

	report_step("Two devices");
	error = vmm_alloc_and_map(vmm, vmm->ioas_a, &ram, MEMORY_MEMFD, LENGTH);
	if (error)
		goto out_free;
	error = both_dma(vmm, &ram);
	if (error)
		goto out_free;
	error = detach_first(vmm, &ram);
	if (error)
		goto out_free;
	error = part_ways(vmm, &ram);
	if (error)
		goto out_free;
	error = vmm_unmap(vmm, vmm->ioas_a, &ram);

out_free:
	guest_memory_free(&ram.memory);
	return error;
}

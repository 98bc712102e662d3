// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <string.h>

#include "report.h"

#define LENGTH	(4 * SMALL_PAGE)
#define NBYTES	1024
#define OFFSET	0x800

static const struct vmm_transfer before = {
	.src = OFFSET, .dst = 0x2345, .length = NBYTES,
};

static const struct vmm_transfer after = {
	.src = 0x1ffd, .dst = 0x3123, .length = NBYTES,
};

static int write_is_blocked(struct vmm_device *device, struct vmm_ram *gone)
{
	const struct vmm_blocked_dma dma = {
		.iova = gone->iova + OFFSET,
		.write = true,
		.expect_log = true,
	};
	int error = vmm_blocked_dma(device, &dma);

	if (!error)
		vmm_check_memory(&gone->memory,
				 "unmapped: the device could not write");
	return error;
}

/*
 * What a device gets from a blocked read is up to the machine. Let it write
 * that to memory it may use, to see that it is not what was asked for.
 */
static int read_is_blocked(struct vmm_device *device, struct vmm_ram *gone,
			   struct vmm_ram *kept)
{
	const struct vmm_blocked_dma dma = {
		.iova = gone->iova + OFFSET,
		.write = false,
		.expect_log = true,
	};
	int error = vmm_blocked_dma(device, &dma);

	if (error)
		return error;
	error = report_call(edu_dma_write(&device->edu, kept->iova,
					  VMM_BLOCKED_LENGTH), "DMA to memory");
	if (error)
		return error;
	report_check(memcmp(kept->memory.va, gone->memory.va + OFFSET,
			    VMM_BLOCKED_LENGTH),
		     "unmapped: the device could not read");
	memcpy(kept->memory.expected, kept->memory.va, VMM_BLOCKED_LENGTH);
	vmm_check_memory(&kept->memory, "nothing else was written");
	return 0;
}

static int map_again(struct vmm *vmm, struct vmm_ram *ram)
{
	int error = vmm_map(vmm, vmm->ioas_a, ram, VMM_RW);

	if (!error)
		error = vmm_dma(&vmm->devices[0], ram, &after);
	if (error)
		return error;
	vmm_check_memory(&ram->memory, "mapped again: DMA works again");
	return vmm_unmap(vmm, vmm->ioas_a, ram);
}

static int dma_around_unmap(struct vmm *vmm, struct vmm_ram *gone,
			    struct vmm_ram *kept)
{
	struct vmm_device *device = &vmm->devices[0];
	int error;

	error = vmm_dma(device, gone, &before);
	if (error)
		return error;
	vmm_check_memory(&gone->memory, "mapped: DMA works");
	error = vmm_unmap(vmm, vmm->ioas_a, gone);
	if (error)
		return error;
	report_value("unmap", "IOVA %#llx-%#llx", gone->iova,
		     gone->iova + LENGTH - 1);

	/* Something to write that is not what is there already. */
	error = report_call(edu_dma_read(&device->edu, kept->iova, NBYTES),
			    "DMA from memory");
	if (!error)
		error = write_is_blocked(device, gone);
	if (!error)
		error = read_is_blocked(device, gone, kept);
	return error;
}

int step_blocked(struct vmm *vmm)
{
	struct vmm_ram gone = { .iova = VMM_IOVA_ANY };
	struct vmm_ram kept = { .iova = VMM_IOVA_ANY };
	int error;

	report_step("Unmap, and DMA is blocked");
	error = vmm_alloc_and_map(vmm, vmm->ioas_a, &kept, MEMORY_SMALL_PAGES,
				  LENGTH);
	if (error)
		goto out_free;
	error = vmm_alloc_and_map(vmm, vmm->ioas_a, &gone, MEMORY_SMALL_PAGES,
				  LENGTH);
	if (error)
		goto out_free;

	error = dma_around_unmap(vmm, &gone, &kept);
	if (error)
		goto out_free;
	error = map_again(vmm, &gone);
	if (error)
		goto out_free;
	error = vmm_unmap(vmm, vmm->ioas_a, &kept);

out_free:
	guest_memory_free(&gone.memory);
	guest_memory_free(&kept.memory);
	return error;
}

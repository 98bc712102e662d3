// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include "report.h"

#define LENGTH	(16 * SMALL_PAGE)
#define IOVA	0x03000000ULL
#define NBYTES	1500

static const struct vmm_transfer first = {
	.src = 0x0800, .dst = 0x2f00, .length = NBYTES,
};

static const struct vmm_transfer second = {
	.src = 0x5123, .dst = 0x8ffd, .length = NBYTES,
};

static void check_both(struct vmm_ram *a, struct vmm_ram *b, const char *what_a,
		       const char *what_b)
{
	vmm_check_memory(&a->memory, what_a);
	vmm_check_memory(&b->memory, what_b);
}

/* Read through A, write through B: the same IOVA is another memory there. */
static int cross_over(struct vmm *vmm, struct vmm_ram *a, struct vmm_ram *b)
{
	struct vmm_device *device = &vmm->devices[0];
	int error;

	error = report_call(edu_dma_read(&device->edu, IOVA, NBYTES),
			    "DMA from memory of A");
	if (error)
		return error;
	error = vmm_attach(device, vmm->ioas_b);
	if (error)
		return error;
	error = report_call(edu_dma_write(&device->edu, IOVA, NBYTES),
			    "DMA to memory of B");
	if (error)
		return error;

	report_value("DMA", "%u bytes %#llx in A -> device -> %#llx in B",
		     NBYTES, IOVA, IOVA);
	guest_memory_expect_copy(&b->memory, 0, &a->memory, 0, NBYTES);
	check_both(a, b, "A -> B: the memory of A is untouched",
		   "A -> B: what was read in A arrived in B");
	return 0;
}

/* What no device can reach is not pinned. A second device is still in A. */
static void check_pinned(struct vmm *vmm)
{
	if (vmm->ndevices == 1)
		vmm_check_pinned(LENGTH, "B only, for no device is in A");
	else
		vmm_check_pinned(2 * LENGTH, "A and B, a device is in each");
}

static int stay_and_return(struct vmm *vmm, struct vmm_ram *a,
			   struct vmm_ram *b)
{
	struct vmm_device *device = &vmm->devices[0];
	int error;

	error = vmm_dma(device, b, &first);
	if (error)
		return error;
	check_both(a, b, "in B: the memory of A is untouched",
		   "in B: DMA both ways in the memory of B");
	check_pinned(vmm);

	error = vmm_attach(device, vmm->ioas_a);
	if (error)
		return error;
	error = vmm_dma(device, a, &second);
	if (error)
		return error;
	check_both(a, b, "back in A: DMA both ways in the memory of A",
		   "back in A: the memory of B is untouched");
	return 0;
}

static int unmap_both(struct vmm *vmm, struct vmm_ram *a, struct vmm_ram *b)
{
	int error = vmm_unmap(vmm, vmm->ioas_a, a);

	if (!error)
		error = vmm_unmap(vmm, vmm->ioas_b, b);
	return error;
}

int step_replace(struct vmm *vmm)
{
	struct vmm_ram a = { .iova = IOVA }, b = { .iova = IOVA };
	int error;

	report_step("The same IOVAs in both IOASes, and a device that changes between them");
	error = vmm_alloc_and_map(vmm, vmm->ioas_a, &a, MEMORY_SMALL_PAGES,
				  LENGTH);
	if (error)
		goto out_free;
	error = vmm_alloc_and_map(vmm, vmm->ioas_b, &b, MEMORY_SMALL_PAGES,
				  LENGTH);
	if (error)
		goto out_free;

	error = vmm_dma(&vmm->devices[0], &a, &first);
	if (error)
		goto out_free;
	check_both(&a, &b, "in A: DMA both ways in the memory of A",
		   "in A: the memory of B is untouched");
	error = cross_over(vmm, &a, &b);
	if (error)
		goto out_free;
	error = stay_and_return(vmm, &a, &b);
	if (error)
		goto out_free;
	error = unmap_both(vmm, &a, &b);

out_free:
	guest_memory_free(&a.memory);
	guest_memory_free(&b.memory);
	return error;
}

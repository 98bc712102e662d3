// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <stdlib.h>

#include "lib/files.h"

#include "report.h"

#define LENGTH	(16 * SMALL_PAGE)
#define NBYTES	256

/* All devices are attached to A, and have the same memory. */
static void look_from_outside(struct vmm *vmm)
{
	if (vmm->look)
		report_check(!system(vmm->look),
			     "what is mapped is seen from outside");
}

static int detach_all(struct vmm *vmm)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < vmm->ndevices && !error; i++)
		error = report_call(vfio_detach(&vmm->devices[i].edu.vfio),
				    "VFIO_DEVICE_DETACH_IOMMUFD_PT");
	return error;
}

static int is_blocked(struct vmm_device *device, struct vmm_ram *ram)
{
	const struct vmm_blocked_dma dma = {
		.iova = ram->iova,
		.write = true,
		/* How drivers block differs, and so does what is logged. */
		.expect_log = false,
	};
	int error;

	error = vmm_blocked_dma(device, &dma);
	if (!error)
		vmm_check_memory(&ram->memory,
				 "detached: the device could not write");
	return error;
}

/* In a real VMM: stop the device before its memory is taken away. */
static int stop_and_close(struct vmm *vmm)
{
	struct vmm_device *device;
	unsigned int i;
	int error = 0;

	for (i = 0; i < vmm->ndevices && !error; i++) {
		device = &vmm->devices[i];
		error = report_call(vfio_stop_dma(&device->edu.vfio),
				    "clear bus mastering");
		edu_close(&device->edu);
	}
	return error;
}

static int destroy_both(struct vmm *vmm)
{
	int error = iommufd_destroy(vmm->iommufd, vmm->ioas_b);

	if (!error)
		error = iommufd_destroy(vmm->iommufd, vmm->ioas_a);
	report_check(!error,
		     "without devices an IOAS can be destroyed, mappings and all");
	return error;
}

static int take_down(struct vmm *vmm, struct vmm_ram *ram)
{
	struct vmm_device *device = &vmm->devices[0];
	int error;

	/* Something to write that is not what is there already. */
	error = report_call(edu_dma_read(&device->edu, ram->iova + LENGTH / 2,
					 NBYTES), "DMA from memory");
	if (error)
		return error;
	error = detach_all(vmm);
	if (error)
		return error;
	vmm_check_pinned(0, "still mapped, but no device needs the pages");
	error = is_blocked(device, ram);
	if (error)
		return error;
	error = stop_and_close(vmm);
	if (error)
		return error;
	return destroy_both(vmm);
}

int step_close(struct vmm *vmm)
{
	struct vmm_ram ram = { .iova = VMM_IOVA_ANY };
	int error;

	report_step("Detach and close");
	error = vmm_alloc_and_map(vmm, vmm->ioas_a, &ram, MEMORY_SMALL_PAGES,
				  LENGTH);
	if (error)
		goto out_free;
	vmm_check_pinned(LENGTH, "what is mapped");
	look_from_outside(vmm);
	error = take_down(vmm, &ram);
	if (error)
		goto out_free;

	vmm_close(vmm);
	vmm_check_pinned(0, "all is closed");
	report_check(status_kib("VmLck:") == 0, "VmLck is 0 as well");

out_free:
	guest_memory_free(&ram.memory);
	return error;
}

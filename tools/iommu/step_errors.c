// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <errno.h>
#include <string.h>

#include "report.h"

#define LENGTH	(16 * SMALL_PAGE)
#define IOVA	0x04000000ULL
#define HOLE	0x05000000ULL

static const struct vmm_transfer transfer = {
	.src = 0x0, .dst = 0x3f00, .length = 512,
};

/* Each maps memory that is mapped at IOVA already. */
static int map_with(struct vmm *vmm, struct vmm_ram *ram, __u64 iova,
		    __u64 length)
{
	struct iommu_ioas_map map = {
		.ioas_id = vmm->ioas_a,
		.user_va = va_to_u64(ram->memory.va),
		.length = length,
		.iova = iova,
		.flags = VMM_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
	};

	return ioas_map(vmm->iommufd, &map);
}

static int map_over(struct vmm *vmm, struct vmm_ram *ram)
{
	return map_with(vmm, ram, IOVA + LENGTH - SMALL_PAGE, LENGTH);
}

static int map_nothing(struct vmm *vmm, struct vmm_ram *ram)
{
	return map_with(vmm, ram, HOLE, 0);
}

static int map_unaligned(struct vmm *vmm, struct vmm_ram *ram)
{
	return map_with(vmm, ram, HOLE + 1, SMALL_PAGE);
}

static int map_around_end(struct vmm *vmm, struct vmm_ram *ram)
{
	return map_with(vmm, ram, 0 - (__u64)SMALL_PAGE, 2 * SMALL_PAGE);
}

static int map_without_access(struct vmm *vmm, struct vmm_ram *ram)
{
	struct iommu_ioas_map map = {
		.ioas_id = vmm->ioas_a,
		.user_va = va_to_u64(ram->memory.va),
		.length = LENGTH,
		.iova = HOLE,
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA,
	};

	return ioas_map(vmm->iommufd, &map);
}

/* The first page of the address space belongs to nobody. */
static int map_no_memory(struct vmm *vmm, struct vmm_ram *ram)
{
	struct iommu_ioas_map map = {
		.ioas_id = vmm->ioas_a,
		.length = SMALL_PAGE,
		.iova = HOLE,
		.flags = VMM_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
	};

	(void)ram;
	return ioas_map(vmm->iommufd, &map);
}

static int unmap_with(struct vmm *vmm, __u64 iova, __u64 length)
{
	return ioas_unmap(vmm->iommufd, vmm->ioas_a, iova, length, NULL);
}

static int unmap_hole(struct vmm *vmm, struct vmm_ram *ram)
{
	(void)ram;
	return unmap_with(vmm, HOLE, LENGTH);
}

static int unmap_part(struct vmm *vmm, struct vmm_ram *ram)
{
	(void)ram;
	return unmap_with(vmm, IOVA, SMALL_PAGE);
}

static int copy_hole(struct vmm *vmm, struct vmm_ram *ram)
{
	struct iommu_ioas_copy copy = {
		.src_ioas_id = vmm->ioas_a,
		.src_iova = HOLE,
		.dst_ioas_id = vmm->ioas_b,
		.dst_iova = HOLE,
		.length = LENGTH,
		.flags = VMM_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
	};

	(void)ram;
	return ioas_copy(vmm->iommufd, &copy);
}

static int destroy_in_use(struct vmm *vmm, struct vmm_ram *ram)
{
	(void)ram;
	return iommufd_destroy(vmm->iommufd, vmm->ioas_a);
}

static int destroy_unknown(struct vmm *vmm, struct vmm_ram *ram)
{
	(void)ram;
	return iommufd_destroy(vmm->iommufd, 0x7fffffff);
}

static const struct {
	const char *what;
	int (*call)(struct vmm *vmm, struct vmm_ram *ram);
	int error;
} bad_calls[] = {
	{ "map over a mapping", map_over, -EEXIST },
	{ "map 0 bytes", map_nothing, -EINVAL },
	{ "map at an IOVA that is not aligned", map_unaligned, -EINVAL },
	{ "map beyond the last IOVA", map_around_end, -EOVERFLOW },
	{ "map for neither reading nor writing", map_without_access, -EINVAL },
	{ "map an address without memory", map_no_memory, -EFAULT },
	{ "unmap where nothing is mapped", unmap_hole, -ENOENT },
	{ "unmap a part of a mapping", unmap_part, -ENOENT },
	{ "copy from where nothing is mapped", copy_hole, -ENOENT },
	{ "destroy an IOAS that has a device", destroy_in_use, -EBUSY },
	{ "destroy what does not exist", destroy_unknown, -ENOENT },
};

static void make_bad_calls(struct vmm *vmm, struct vmm_ram *ram)
{
	size_t i;
	int error;

	for (i = 0; i < sizeof(bad_calls) / sizeof(*bad_calls); i++) {
		error = bad_calls[i].call(vmm, ram);
		report_check(error == bad_calls[i].error, "%s: %s",
			     bad_calls[i].what,
			     error ? strerrorname_np(-error) : "accepted");
	}
}

int step_errors(struct vmm *vmm)
{
	struct vmm_ram ram = { .iova = IOVA };
	int error;

	report_step("Mistakes are refused and change nothing");
	error = vmm_alloc_and_map(vmm, vmm->ioas_a, &ram, MEMORY_SMALL_PAGES,
				  LENGTH);
	if (error)
		goto out_free;

	make_bad_calls(vmm, &ram);
	vmm_check_pinned(LENGTH, "the good mapping and nothing else");
	error = vmm_dma(&vmm->devices[0], &ram, &transfer);
	if (error)
		goto out_free;
	vmm_check_memory(&ram.memory, "the good mapping still works");
	error = vmm_unmap(vmm, vmm->ioas_a, &ram);

out_free:
	guest_memory_free(&ram.memory);
	return error;
}

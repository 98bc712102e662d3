// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A device that is attached to an IOAS gets a page table that the kernel makes.
 * Here the program makes the page tables, and says by id which one is used.
 */
#include "steps.h"

#include <errno.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/files.h"

#include "report.h"

#define LENGTH	(16 * SMALL_PAGE)
#define IOVA	0x07000000ULL
#define NBYTES	1200

/**
 * struct table - A page table of ours and the memory that it leads to
 * @name: of the IOAS that it is made from
 * @ioas_id: that IOAS
 * @id: the page table
 * @ram: mapped in the IOAS
 */
struct table {
	const char *name;
	__u32 ioas_id;
	__u32 id;
	struct vmm_ram ram;
};

static const struct vmm_transfer inside_b = {
	.src = 0x0800, .dst = 0x2f00, .length = NBYTES,
};

static const struct vmm_transfer inside_a = {
	.src = 0x6100, .dst = 0x9ffd, .length = NBYTES,
};

static void describe_hw_info(const struct iommu_hw_info *info,
			     const struct iommu_hw_info_vtd *vtd)
{
	if (info->out_data_type == IOMMU_HW_INFO_TYPE_INTEL_VTD)
		report_value("hardware", "type %u (VT-d), capabilities %#llx, extended %#llx",
			     info->out_data_type, vtd->cap_reg, vtd->ecap_reg);
	else
		report_value("hardware", "type %u (%s)", info->out_data_type,
			     info->out_data_type ? "unknown here" :
			     "the driver of the IOMMU has nothing to tell");
	report_value("dirty pages", "%s",
		     info->out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING ?
		     "tracked by the IOMMU" : "not tracked by this IOMMU");
}

/* What a VMM looks at before it decides how to make page tables. */
static int show_hw_info(struct vmm *vmm)
{
	struct iommu_hw_info_vtd vtd = {};
	struct iommu_hw_info info = {
		.data_uptr = va_to_u64(&vtd),
		.data_len = sizeof(vtd),
	};
	int error = report_call(hw_info(vmm->iommufd,
					vmm->devices[0].edu.vfio.dev_id, &info),
				"IOMMU_GET_HW_INFO");

	if (error)
		return error;
	describe_hw_info(&info, &vtd);
	if (info.out_data_type == IOMMU_HW_INFO_TYPE_INTEL_VTD)
		report_check(info.data_len == sizeof(vtd) && vtd.cap_reg,
			     "VT-d tells its registers (%u bytes)",
			     info.data_len);
	else if (info.out_data_type == IOMMU_HW_INFO_TYPE_NONE)
		report_check(!info.data_len, "no type, no data (%u bytes)",
			     info.data_len);
	return 0;
}

static int alloc_table(struct vmm *vmm, struct table *table)
{
	unsigned long long start_us = now_us();
	__u32 dev_id = vmm->devices[0].edu.vfio.dev_id;
	int error = report_call(hwpt_alloc(vmm->iommufd, dev_id,
					   table->ioas_id, &table->id),
				"IOMMU_HWPT_ALLOC");

	if (!error)
		report_value("page table", "object id %u, of IOAS %s, %llu us",
			     table->id, table->name, now_us() - start_us);
	return error;
}

static int attach_to_table(struct vmm *vmm, const struct table *table)
{
	struct vmm_device *device = &vmm->devices[0];
	unsigned long long start_us = now_us();
	__u32 pt_id = table->id;
	int error = report_call(vfio_attach(&device->edu.vfio, &pt_id),
				"VFIO_DEVICE_ATTACH_IOMMUFD_PT");

	if (error)
		return error;
	report_value("attach", "device %u -> page table %u, %llu us",
		     device->edu.vfio.dev_id, pt_id, now_us() - start_us);
	if (pt_id != table->id)
		report_check(false, "attached to %u instead of %u", pt_id,
			     table->id);
	return 0;
}

/*
 * Memory is pinned for a page table that has it, whether a device uses that or
 * not. Some IOMMUs settle the format when a device attaches, virtio-iommu for
 * one; there is nothing to fill before that. No device is in B.
 */
static void check_filling(void)
{
	static const char late[] =
		"A only: the page table of B gets its format from a device";

	if (status_kib("VmPin:") == LENGTH / 1024)
		vmm_check_pinned(LENGTH, late);
	else
		vmm_check_pinned(2 * LENGTH, "A and B, with no device in B");
}

/* One has memory from the start, the other one gets it when it is mapped. */
static int make_tables(struct vmm *vmm, struct table *b, struct table *a)
{
	int error;

	error = vmm_alloc_and_map(vmm, b->ioas_id, &b->ram, MEMORY_SMALL_PAGES,
				  LENGTH);
	if (!error)
		error = alloc_table(vmm, b);
	if (!error)
		error = alloc_table(vmm, a);
	if (!error)
		error = vmm_alloc_and_map(vmm, a->ioas_id, &a->ram,
					  MEMORY_SMALL_PAGES, LENGTH);
	if (error)
		return error;
	check_filling();
	return 0;
}

static void check_both(const struct table *b, const struct table *a,
		       const char *what_b, const char *what_a)
{
	vmm_check_memory(&b->ram.memory, what_b);
	vmm_check_memory(&a->ram.memory, what_a);
}

static int use_first(struct vmm *vmm, struct table *b, struct table *a)
{
	int error = attach_to_table(vmm, b);

	if (!error)
		error = vmm_dma(&vmm->devices[0], &b->ram, &inside_b);
	if (error)
		return error;
	check_both(b, a, "first page table: DMA both ways in the memory of B",
		   "first page table: the memory of A is untouched");
	return 0;
}

/* Read through the first page table, write through the second one. */
static int replace_first(struct vmm *vmm, struct table *b, struct table *a)
{
	struct vmm_device *device = &vmm->devices[0];
	int error;

	error = report_call(edu_dma_read(&device->edu, IOVA, NBYTES),
			    "DMA from memory of B");
	if (!error)
		error = attach_to_table(vmm, a);
	if (!error)
		error = report_call(edu_dma_write(&device->edu, IOVA, NBYTES),
				    "DMA to memory of A");
	if (error)
		return error;
	report_value("DMA", "%u bytes %#llx in B -> device -> %#llx in A",
		     NBYTES, IOVA, IOVA);
	guest_memory_expect_copy(&a->ram.memory, 0, &b->ram.memory, 0, NBYTES);
	check_both(b, a, "replaced: the memory of B is untouched",
		   "replaced: what was read from B arrived in A");
	vmm_check_pinned(2 * LENGTH,
			 "A and B, a page table that is left keeps its memory");
	return 0;
}

static void check_destroy(struct vmm *vmm, __u32 id, int expected,
			  const char *what)
{
	int error = iommufd_destroy(vmm->iommufd, id);

	report_check(error == expected, "destroy %s: %s", what,
		     error ? strerrorname_np(-error) : "done");
}

static void destroy_first(struct vmm *vmm, const struct table *b,
			  const struct table *a)
{
	check_destroy(vmm, a->id, -EBUSY, "the page table of the device");
	check_destroy(vmm, b->ioas_id, -EBUSY, "an IOAS that has a page table");
	check_destroy(vmm, b->id, 0, "the page table that the device has left");
	vmm_check_pinned(LENGTH, "A only");
}

static int use_second(struct vmm *vmm, struct table *b, struct table *a)
{
	int error = vmm_dma(&vmm->devices[0], &a->ram, &inside_a);

	if (error)
		return error;
	check_both(b, a, "second page table: the memory of B is untouched",
		   "second page table: DMA both ways in the memory of A");
	error = vmm_attach(&vmm->devices[0], vmm->ioas_a);
	if (error)
		return error;
	check_destroy(vmm, a->id, 0, "the second page table as well");
	return 0;
}

static int unmap_both(struct vmm *vmm, const struct table *b,
		      const struct table *a)
{
	int error = vmm_unmap(vmm, b->ioas_id, &b->ram);

	if (!error)
		error = vmm_unmap(vmm, a->ioas_id, &a->ram);
	if (error)
		return error;
	vmm_check_pinned(0, "nothing is mapped");
	return 0;
}

static int replace_by_id(struct vmm *vmm, struct table *b, struct table *a)
{
	int error = make_tables(vmm, b, a);

	if (!error)
		error = use_first(vmm, b, a);
	if (!error)
		error = replace_first(vmm, b, a);
	if (error)
		return error;
	destroy_first(vmm, b, a);
	error = use_second(vmm, b, a);
	if (error)
		return error;
	return unmap_both(vmm, b, a);
}

int step_page_tables(struct vmm *vmm)
{
	struct table b = {
		.name = "B", .ioas_id = vmm->ioas_b, .ram.iova = IOVA,
	};
	struct table a = {
		.name = "A", .ioas_id = vmm->ioas_a, .ram.iova = IOVA,
	};
	int error;

	report_step("Page tables of our own, and one replaced by the other");
	error = show_hw_info(vmm);
	if (!error)
		error = replace_by_id(vmm, &b, &a);
	guest_memory_free(&b.ram.memory);
	guest_memory_free(&a.ram.memory);
	return error;
}

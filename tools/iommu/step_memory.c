// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <stdint.h>
#include <stdio.h>

#include "report.h"

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

#define SMALL_LENGTH	(16 * SMALL_PAGE)
#define HUGE_LENGTH	(2 * HUGE_PAGE)

/* Within pages, then across page borders at different places in a page. */
static const struct vmm_transfer small_transfers[] = {
	{ .src = 0x0000, .dst = 0x4000, .length = 2048 },
	{ .src = 0x1c00, .dst = 0x6e03, .length = 2047 },
};

/* Across 4 KiB borders, across the border of huge pages, up to the last byte. */
static const struct vmm_transfer huge_transfers[] = {
	{ .src = 0x000c00, .dst = 0x0ffc01, .length = 2048 },
	{ .src = 0x1ffc00, .dst = 0x312345, .length = 2048 },
	{ .src = 0x123456, .dst = 0x3ff800, .length = 2048 },
};

/*
 * A fixed IOVA may be anywhere: the first one lies outside the allowed ranges,
 * which only tell the kernel where to look when it chooses.
 */
static const struct {
	enum memory_kind kind;
	__u64 iova;
} plan[] = {
	{ MEMORY_SMALL_PAGES, 0x00010000 },
	{ MEMORY_THP, VMM_IOVA_ANY },
	{ MEMORY_HUGETLB, VMM_IOVA_ANY },
	{ MEMORY_SHARED, 0x0c345000 },
	{ MEMORY_MEMFD, VMM_IOVA_ANY },
	{ MEMORY_FILE, VMM_IOVA_ANY },
};

static bool is_huge(enum memory_kind kind)
{
	return memory_kind_page(kind) == HUGE_PAGE;
}

static void check_backing(const struct guest_memory *memory)
{
	const char *name = memory_kind_name(memory->kind);
	long huge = guest_memory_huge_bytes(memory);

	if (is_huge(memory->kind))
		report_check(huge == (long)memory->length,
			     "%s: backed by %ld pages of 2 MiB", name,
			     huge / (long)HUGE_PAGE);
	else if (memory->kind == MEMORY_SMALL_PAGES)
		report_check(!huge, "%s: no huge page among them", name);
}

static void check_iova(const struct vmm_ram *ram, __u64 wanted)
{
	const char *name = memory_kind_name(ram->memory.kind);
	__u64 last = ram->iova + ram->memory.length - 1;

	if (wanted != VMM_IOVA_ANY)
		report_check(ram->iova == wanted,
			     "%s: mapped at the IOVA we asked for", name);
	else
		report_check(ram->iova >= VMM_IOVA_FIRST &&
			     last <= VMM_IOVA_LAST && last > ram->iova,
			     "%s: the kernel chose an allowed IOVA", name);
}

/* An IOMMU page of 2 MiB needs an IOVA and memory that begin with one. */
static void describe_alignment(const struct vmm_ram *ram)
{
	bool fits = !((ram->iova | (uintptr_t)ram->memory.va) &
		      (HUGE_PAGE - 1));

	report_value("alignment", "the IOMMU %s map this with pages of 2 MiB",
		     fits ? "could" : "cannot");
}

static int map_all(struct vmm *vmm, struct vmm_ram *rams, size_t *length)
{
	enum memory_kind kind;
	unsigned int i;
	int error;

	for (i = 0; i < COUNT(plan); i++) {
		kind = plan[i].kind;
		rams[i].iova = plan[i].iova;
		error = vmm_alloc_and_map(vmm, vmm->ioas_a, &rams[i], kind,
					  is_huge(kind) ? HUGE_LENGTH :
							  SMALL_LENGTH);
		if (error)
			return error;
		check_backing(&rams[i].memory);
		check_iova(&rams[i], plan[i].iova);
		if (is_huge(kind))
			describe_alignment(&rams[i]);
		*length += rams[i].memory.length;
	}
	return 0;
}

static int transfer_list(struct vmm *vmm, struct vmm_ram *ram,
			 const struct vmm_transfer *transfers,
			 size_t ntransfers)
{
	char what[96];
	size_t i;
	int error;

	for (i = 0; i < ntransfers; i++) {
		error = vmm_dma(&vmm->devices[0], ram, &transfers[i]);
		if (error)
			return error;
	}
	snprintf(what, sizeof(what),
		 "%s: DMA both ways moved the right bytes and no others",
		 memory_kind_name(ram->memory.kind));
	vmm_check_memory(&ram->memory, what);
	return 0;
}

static int transfer_all(struct vmm *vmm, struct vmm_ram *rams)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < COUNT(plan) && !error; i++) {
		if (is_huge(rams[i].memory.kind))
			error = transfer_list(vmm, &rams[i], huge_transfers,
					      COUNT(huge_transfers));
		else
			error = transfer_list(vmm, &rams[i], small_transfers,
					      COUNT(small_transfers));
	}
	return error;
}

static int unmap_all(struct vmm *vmm, struct vmm_ram *rams)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < COUNT(plan) && !error; i++)
		error = vmm_unmap(vmm, vmm->ioas_a, &rams[i]);
	return error;
}

int step_memory(struct vmm *vmm)
{
	struct vmm_ram rams[COUNT(plan)] = { 0 };
	size_t length = 0;
	unsigned int i;
	int error;

	report_step("Each kind of memory: map it, DMA from it and to it");
	error = map_all(vmm, rams, &length);
	if (error)
		goto out_free;
	vmm_check_pinned(length, "all that is mapped, each page once");
	error = transfer_all(vmm, rams);
	if (error)
		goto out_free;
	error = unmap_all(vmm, rams);
	vmm_check_pinned(0, "all is unmapped");

out_free:
	for (i = 0; i < COUNT(plan); i++)
		guest_memory_free(&rams[i].memory);
	return error;
}

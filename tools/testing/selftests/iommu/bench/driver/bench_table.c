// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Page tables of two levels with dirty bits, read and written as drivers of
 * real IOMMUs do it, but without hardware that has to be told. A slot of the
 * first level is 0, an IOPTE of 2 MiB, or the address of 512 IOPTEs.
 *
 * The benchmark is one thread, so nothing is locked.
 */
#include "bench_table.h"

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bench_iommu.h"

#define PRESENT		BIT_ULL(0)
#define DIRTY		BIT_ULL(1)
#define ADDRESS		(~(u64)(SZ_4K - 1))

#define NR_SLOTS	(BENCH_IOMMU_LENGTH / SZ_2M)
#define NR_SMALL	(SZ_2M / SZ_4K)

/**
 * struct bench_table - A page table
 * @domain: for the core
 * @tracking: whether dirty bits are asked for
 * @huge: IOPTEs of 2 MiB, or 0
 * @small: IOPTEs of 4 KiB in place of a huge one, or NULL
 */
struct bench_table {
	struct iommu_domain domain;
	bool tracking;
	u64 *huge;
	u64 **small;
};

static struct bench_table *table_from(struct iommu_domain *domain)
{
	return container_of(domain, struct bench_table, domain);
}

static unsigned long slot_of(unsigned long iova)
{
	return (iova - BENCH_IOMMU_IOVA) / SZ_2M;
}

static unsigned int small_of(unsigned long iova)
{
	return iova / SZ_4K % NR_SMALL;
}

/**
 * bench_table_alloc() - Make an empty page table
 * @huge: whether it may have IOPTEs of 2 MiB
 * @ops: the operations of its domain
 *
 * Context: may sleep.
 * Return: its domain, or ERR_PTR(-ENOMEM).
 */
struct iommu_domain *bench_table_alloc(bool huge,
				       const struct iommu_domain_ops *ops)
{
	struct bench_table *table = kzalloc(sizeof(*table), GFP_KERNEL);

	if (!table)
		return ERR_PTR(-ENOMEM);
	table->huge = kvcalloc(NR_SLOTS, sizeof(*table->huge), GFP_KERNEL);
	table->small = kvcalloc(NR_SLOTS, sizeof(*table->small), GFP_KERNEL);
	table->domain.type = IOMMU_DOMAIN_UNMANAGED;
	table->domain.ops = ops;
	table->domain.pgsize_bitmap = huge ? SZ_4K | SZ_2M : SZ_4K;
	table->domain.geometry = (struct iommu_domain_geometry){
		.aperture_start = BENCH_IOMMU_IOVA,
		.aperture_end = BENCH_IOMMU_IOVA + BENCH_IOMMU_LENGTH - 1,
		.force_aperture = true,
	};
	if (!table->huge || !table->small) {
		bench_table_free(&table->domain);
		return ERR_PTR(-ENOMEM);
	}
	return &table->domain;
}

/**
 * bench_table_free() - &iommu_domain_ops.free
 * @domain: of bench_table_alloc()
 *
 * Context: may sleep.
 */
void bench_table_free(struct iommu_domain *domain)
{
	struct bench_table *table = table_from(domain);
	unsigned long slot;

	for (slot = 0; table->small && slot < NR_SLOTS; slot++)
		kfree(table->small[slot]);
	kvfree(table->small);
	kvfree(table->huge);
	kfree(table);
}

/* All that there were of 4 KiB have been unmapped. */
static void map_huge(struct bench_table *table, unsigned long iova, u64 phys)
{
	unsigned long slot = slot_of(iova);

	kfree(table->small[slot]);
	table->small[slot] = NULL;
	table->huge[slot] = phys | PRESENT;
}

static int map_small(struct bench_table *table, unsigned long iova, u64 phys,
		     gfp_t gfp)
{
	u64 **small = &table->small[slot_of(iova)];

	if (!*small)
		*small = kcalloc(NR_SMALL, sizeof(**small), gfp);
	if (!*small)
		return -ENOMEM;
	(*small)[small_of(iova)] = phys | PRESENT;
	return 0;
}

/**
 * bench_table_map() - &iommu_domain_ops.map_pages
 * @domain: of bench_table_alloc()
 * @iova: first byte
 * @phys: what is to be there
 * @size: bytes in an IOPTE
 * @count: number of IOPTEs
 * @prot: ignored
 * @gfp: for IOPTEs
 * @mapped: bytes that are mapped are added
 *
 * Context: as @gfp says.
 * Return: 0, or -ENOMEM.
 */
int bench_table_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t phys, size_t size, size_t count, int prot,
		    gfp_t gfp, size_t *mapped)
{
	struct bench_table *table = table_from(domain);
	int rc = 0;

	for (; count; count--, iova += size, phys += size) {
		if (size == SZ_2M)
			map_huge(table, iova, phys);
		else
			rc = map_small(table, iova, phys, gfp);
		if (rc)
			return rc;
		*mapped += size;
	}
	return 0;
}

/* Returns the bytes that are not mapped any more. */
static size_t unmap_one(struct bench_table *table, unsigned long iova)
{
	unsigned long slot = slot_of(iova);

	if (table->huge[slot]) {
		table->huge[slot] = 0;
		return SZ_2M;
	}
	if (!table->small[slot])
		return 0;
	table->small[slot][small_of(iova)] = 0;
	return SZ_4K;
}

/**
 * bench_table_unmap() - &iommu_domain_ops.unmap_pages
 * @domain: of bench_table_alloc()
 * @iova: first byte
 * @size: bytes in an IOPTE, as far as the caller knows
 * @count: number of IOPTEs
 * @gather: ignored, there is no IOTLB
 *
 * Context: any.
 * Return: bytes that are not mapped any more.
 */
size_t bench_table_unmap(struct iommu_domain *domain, unsigned long iova,
			 size_t size, size_t count,
			 struct iommu_iotlb_gather *gather)
{
	struct bench_table *table = table_from(domain);
	size_t length = size * count;
	size_t done = 0, step;

	do {
		step = unmap_one(table, iova + done);
		done += step;
	} while (step && done < length);
	return done;
}

/* The IOPTE for an IOVA and how large it is; NULL if none can be there. */
static u64 *find(struct bench_table *table, unsigned long iova, size_t *size)
{
	unsigned long slot = slot_of(iova);

	*size = SZ_2M;
	if (table->huge[slot])
		return &table->huge[slot];
	if (!table->small[slot])
		return NULL;
	*size = SZ_4K;
	return &table->small[slot][small_of(iova)];
}

/**
 * bench_table_iova_to_phys() - &iommu_domain_ops.iova_to_phys
 * @domain: of bench_table_alloc()
 * @iova: any that is translated
 *
 * Context: any.
 * Return: the physical address, 0 if nothing is there.
 */
phys_addr_t bench_table_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	size_t size;
	u64 *iopte = find(table_from(domain), iova, &size);

	if (!iopte || !*iopte)
		return 0;
	return (*iopte & ADDRESS) + (iova & (size - 1));
}

/**
 * bench_table_write() - A device writes
 * @domain: of bench_table_alloc()
 * @every: to each so many'th IOPTE, not 0
 *
 * Context: may sleep.
 */
void bench_table_write(struct iommu_domain *domain, unsigned int every)
{
	const unsigned long end = BENCH_IOMMU_IOVA + BENCH_IOMMU_LENGTH;
	struct bench_table *table = table_from(domain);
	unsigned long iova, number = 0;
	size_t size;

	for (iova = BENCH_IOMMU_IOVA; iova < end; iova += size) {
		u64 *iopte = find(table, iova, &size);

		if (iopte && *iopte && number++ % every == 0)
			*iopte |= DIRTY;
		if (IS_ALIGNED(iova, SZ_2M))
			cond_resched();
	}
}

static int set_tracking(struct iommu_domain *domain, bool enable)
{
	table_from(domain)->tracking = enable;
	return 0;
}

static int read_and_clear(struct iommu_domain *domain, unsigned long iova,
			  size_t length, unsigned long flags,
			  struct iommu_dirty_bitmap *dirty)
{
	struct bench_table *table = table_from(domain);
	const unsigned long end = iova + length;
	size_t size;

	if (!table->tracking && dirty->bitmap)
		return -EINVAL;
	for (; iova < end; iova = ALIGN_DOWN(iova, size) + size) {
		u64 *iopte = find(table, iova, &size);

		if (!iopte || !(*iopte & DIRTY))
			continue;
		if (!(flags & IOMMU_DIRTY_NO_CLEAR))
			*iopte &= ~DIRTY;
		iommu_dirty_bitmap_record(dirty, iova, size);
	}
	return 0;
}

const struct iommu_dirty_ops bench_dirty_ops = {
	.set_dirty_tracking = set_tracking,
	.read_and_clear_dirty = read_and_clear,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 */
#include "memory_domain.h"

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/log2.h>

/* An entry is a physical address, and below it log2 of the page it is part of. */
#define ORDER_BITS 6
#define ORDER_MASK ((1UL << ORDER_BITS) - 1)

static struct memory_domain *to_memory(struct iommu_domain *domain)
{
	return container_of(domain, struct memory_domain, domain);
}

static unsigned long entry_size(void *entry)
{
	return 1UL << (xa_to_value(entry) & ORDER_MASK);
}

static void erase(struct memory_domain *memory, unsigned long iova,
		  unsigned long length)
{
	unsigned long index = iova >> memory->shift;
	unsigned long end = index + (length >> memory->shift);

	for (; index < end; index++)
		if (xa_erase(&memory->entries, index))
			memory->nentries--;
}

static int map_one(struct memory_domain *memory, unsigned long iova,
		   phys_addr_t phys, unsigned long size)
{
	unsigned long step = 1UL << memory->shift;
	unsigned long done;

	if (!memory->fail_after)
		return -ENOMEM;
	if (memory->fail_after != MEMORY_DOMAIN_NEVER)
		memory->fail_after--;

	for (done = 0; done < size; done += step) {
		unsigned long value = (phys + done) >> memory->shift;

		value = value << ORDER_BITS | ilog2(size);
		if (xa_insert(&memory->entries, (iova + done) >> memory->shift,
			      xa_mk_value(value), GFP_KERNEL)) {
			memory->errors++;
			erase(memory, iova, done);
			return -EADDRINUSE;
		}
		memory->nentries++;
	}
	memory->most_bytes = max(memory->most_bytes, size);
	return 0;
}

static int memory_map(struct iommu_domain *domain, unsigned long iova,
		      phys_addr_t phys, size_t pgsize, size_t count, int prot,
		      gfp_t gfp, size_t *mapped)
{
	for (; count; count--) {
		int rc = map_one(to_memory(domain), iova + *mapped,
				 phys + *mapped, pgsize);

		if (rc)
			return rc;
		*mapped += pgsize;
	}
	return 0;
}

static size_t memory_unmap(struct iommu_domain *domain, unsigned long iova,
			   size_t pgsize, size_t count,
			   struct iommu_iotlb_gather *gather)
{
	struct memory_domain *memory = to_memory(domain);
	size_t length = pgsize * count;
	size_t done = 0;

	while (done < length) {
		void *entry = xa_load(&memory->entries,
				      (iova + done) >> memory->shift);
		unsigned long size;

		if (!entry) {
			memory->errors++;
			break;
		}
		size = entry_size(entry);
		if (!IS_ALIGNED(iova + done, size) || size > length - done)
			memory->errors++;
		erase(memory, iova + done, size);
		done += size;
	}
	return done;
}

/**
 * memory_domain_lookup() - Translate
 * @memory: the page table
 * @iova: any
 *
 * Context: any.
 * Return: the physical address, PHYS_ADDR_MAX if nothing is mapped.
 */
phys_addr_t memory_domain_lookup(struct memory_domain *memory,
				 unsigned long iova)
{
	void *entry = xa_load(&memory->entries, iova >> memory->shift);
	phys_addr_t phys;

	if (!entry)
		return PHYS_ADDR_MAX;
	phys = xa_to_value(entry) >> ORDER_BITS;
	return (phys << memory->shift) + (iova & ((1UL << memory->shift) - 1));
}

static phys_addr_t memory_iova_to_phys(struct iommu_domain *domain,
				       dma_addr_t iova)
{
	phys_addr_t phys = memory_domain_lookup(to_memory(domain), iova);

	to_memory(domain)->lookups++;
	if (phys != PHYS_ADDR_MAX)
		return phys;
	to_memory(domain)->errors++;
	return 0;
}

static const struct iommu_domain_ops memory_ops = {
	.map_pages = memory_map,
	.unmap_pages = memory_unmap,
	.iova_to_phys = memory_iova_to_phys,
};

/**
 * memory_domain_init() - Make an empty page table
 * @memory: to be set up
 * @pgsize_bitmap: the page sizes it has
 *
 * Context: any.
 */
void memory_domain_init(struct memory_domain *memory,
			unsigned long pgsize_bitmap)
{
	*memory = (struct memory_domain){
		.domain.type = IOMMU_DOMAIN_UNMANAGED,
		.domain.ops = &memory_ops,
		.domain.pgsize_bitmap = pgsize_bitmap,
		.domain.geometry.aperture_end = ULONG_MAX,
		.shift = __ffs(pgsize_bitmap),
		.fail_after = MEMORY_DOMAIN_NEVER,
	};
	xa_init(&memory->entries);
}

/**
 * memory_domain_destroy() - Free a page table
 * @memory: in any state
 *
 * Context: may sleep.
 */
void memory_domain_destroy(struct memory_domain *memory)
{
	xa_destroy(&memory->entries);
}

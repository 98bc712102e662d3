// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 */
#include "memory_domain.h"

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/xarray.h>

/* A leaf is a physical address, and below it log2 of the page it is part of. */
#define ORDER_BITS 6
#define ORDER_MASK ((1UL << ORDER_BITS) - 1)

#define TABLE_BITS 9

/**
 * struct memory_table - One table
 * @freed: in the list of tables that nothing refers to any more
 * @base: the first IOVA
 * @last: the last IOVA, inclusive
 * @shift: log2 of what an entry covers
 * @slots: entries: NULL, an xarray value if it is a leaf, or another table
 */
struct memory_table {
	struct list_head freed;
	unsigned long base;
	unsigned long last;
	unsigned int shift;
	void *slots[1 << TABLE_BITS];
};

static struct memory_domain *to_memory(struct iommu_domain *domain)
{
	return container_of(domain, struct memory_domain, domain);
}

static struct memory_table *alloc_table(struct memory_domain *memory,
					unsigned long iova, unsigned int shift)
{
	struct memory_table *table = kzalloc(sizeof(*table), GFP_KERNEL);
	unsigned int covers = min(shift + memory->table_bits, BITS_PER_LONG);
	unsigned long mask = GENMASK(covers - 1, 0);

	if (table) {
		table->base = iova & ~mask;
		table->last = iova | mask;
		table->shift = shift;
	}
	return table;
}

static struct memory_table *alloc_root(struct memory_domain *memory)
{
	unsigned int shift = memory->shift;

	while (shift + memory->table_bits < BITS_PER_LONG)
		shift += memory->table_bits;
	return alloc_table(memory, 0, shift);
}

/* One that may be made to fail */
static struct memory_table *alloc_next(struct memory_domain *memory,
				       unsigned long iova, unsigned int shift)
{
	if (!memory->tables_left)
		return NULL;
	if (memory->tables_left != MEMORY_DOMAIN_NEVER)
		memory->tables_left--;
	return alloc_table(memory, iova, shift);
}

static void **table_slot(const struct memory_domain *memory,
			 struct memory_table *table, unsigned long iova)
{
	return &table->slots[iova >> table->shift &
			     ((1UL << memory->table_bits) - 1)];
}

static bool is_table(const void *slot)
{
	return slot && !xa_is_value(slot);
}

/* Move a table, and those below, to a list. Returns whether one was in use. */
static bool drop_table(struct memory_table *table, struct list_head *list)
{
	bool used = false;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table->slots); i++) {
		void *slot = table->slots[i];

		if (is_table(slot))
			used |= drop_table(slot, list);
		else if (slot)
			used = true;
	}
	list_add_tail(&table->freed, list);
	return used;
}

static void free_tables(struct list_head *list)
{
	struct memory_table *table, *next;

	list_for_each_entry_safe(table, next, list, freed)
		kfree(table);
	INIT_LIST_HEAD(list);
}

static struct memory_table *next_table(struct memory_domain *memory,
				       struct memory_table *table,
				       unsigned long iova)
{
	void **slot = table_slot(memory, table, iova);

	if (!*slot)
		*slot = alloc_next(memory, iova,
				   table->shift - memory->table_bits);
	return *slot;
}

/*
 * The entry for a page, with all the tables on the way; NULL without memory. May
 * be one of a larger page, for the caller to see that it is in use.
 */
static void **make_slot(struct memory_domain *memory, unsigned long iova,
			unsigned long size, unsigned int *shift)
{
	struct memory_table *table;

	if (!memory->root)
		memory->root = alloc_root(memory);
	table = memory->root;
	while (table && 1UL << table->shift > size) {
		void *slot = *table_slot(memory, table, iova);

		if (xa_is_value(slot))
			break;
		table = next_table(memory, table, iova);
	}
	if (!table)
		return NULL;
	*shift = table->shift;
	return table_slot(memory, table, iova);
}

static void write_leaf(struct memory_domain *memory, void **slot,
		       phys_addr_t phys, unsigned int order)
{
	unsigned long value = phys >> memory->shift << ORDER_BITS | order;
	LIST_HEAD(list);

	/* An empty table may have been left where a large page goes now. */
	if (is_table(*slot)) {
		if (drop_table(*slot, &list))
			memory->errors++;
		free_tables(&list);
		*slot = NULL;
	}
	if (*slot)
		memory->errors++;
	else
		*slot = xa_mk_value(value);
}

static int map_one(struct memory_domain *memory, unsigned long iova,
		   phys_addr_t phys, unsigned long size)
{
	unsigned int errors = memory->errors;
	unsigned long done;
	unsigned int shift;
	void **slot;

	if (!memory->fail_after)
		return -ENOMEM;
	slot = make_slot(memory, iova, size, &shift);
	if (!slot)
		return -ENOMEM;
	if (memory->fail_after != MEMORY_DOMAIN_NEVER)
		memory->fail_after--;
	for (done = 0; done < size; done += 1UL << shift)
		write_leaf(memory, slot++, phys + done, ilog2(size));
	if (memory->errors != errors)
		return memory->vtd ? 0 : -EADDRINUSE;
	memory->nentries += size >> memory->shift;
	memory->most_bytes = max(memory->most_bytes, size);
	return 0;
}

/* VT-d does not mind which page size it is called with. */
static unsigned long joined_size(const struct memory_domain *memory,
				 unsigned long address, unsigned long left)
{
	unsigned long pgsizes = memory->domain.pgsize_bitmap &
				GENMASK(__fls(left), 0);

	if (address)
		pgsizes &= GENMASK(__ffs(address), 0);
	return BIT(__fls(pgsizes));
}

/**
 * memory_domain_map() - Write IOPTEs, as the knobs have it
 * @domain: of a struct memory_domain
 * @iova: first IOVA, bytes
 * @phys: first physical address
 * @pgsize: of the pages, bytes
 * @count: how many
 * @prot: not looked at
 * @gfp: not looked at
 * @mapped: receives how many bytes are mapped; with @vtd all or nothing
 *
 * For the operations of a driver, as the next ones.
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM if it is to fail; -EADDRINUSE if there is an IOPTE.
 */
int memory_domain_map(struct iommu_domain *domain, unsigned long iova,
		      phys_addr_t phys, size_t pgsize, size_t count, int prot,
		      gfp_t gfp, size_t *mapped)
{
	struct memory_domain *memory = to_memory(domain);
	size_t done = 0;
	int rc = 0;

	while (done < pgsize * count && !rc) {
		unsigned long size = pgsize;

		if (memory->vtd)
			size = joined_size(memory,
					   (iova + done) | (phys + done),
					   pgsize * count - done);
		rc = map_one(memory, iova + done, phys + done, size);
		if (!rc)
			done += size;
	}
	if (!rc || !memory->vtd)
		*mapped += done;
	return rc;
}

static void *find_leaf(const struct memory_domain *memory, unsigned long iova,
		       unsigned int *shift)
{
	struct memory_table *table = memory->root;
	void *slot = NULL;

	*shift = BITS_PER_LONG - 1;
	while (table) {
		*shift = table->shift;
		slot = *table_slot(memory, table, iova);
		if (!is_table(slot))
			return slot;
		table = slot;
	}
	return NULL;
}

/* How much of a range is whole pages. */
static size_t whole_length(struct memory_domain *memory, unsigned long iova,
			   size_t length)
{
	unsigned int shift;
	size_t done = 0;

	while (done < length) {
		void *leaf = find_leaf(memory, iova + done, &shift);
		unsigned long size;

		if (!leaf) {
			memory->errors++;
			break;
		}
		size = 1UL << (xa_to_value(leaf) & ORDER_MASK);
		if (!IS_ALIGNED(iova + done, size) || size > length - done)
			memory->errors++;
		done += size;
	}
	return done;
}

/* Tables of which nothing is left go to @list. */
static void clear_range(struct memory_domain *memory,
			struct memory_table *table, unsigned long first,
			unsigned long last, struct list_head *list)
{
	unsigned long iova = max(first, table->base);
	unsigned long end = min(last, table->last);

	for (;;) {
		unsigned long mask = (1UL << table->shift) - 1;
		void **slot = table_slot(memory, table, iova);

		if (first <= (iova & ~mask) && (iova | mask) <= last) {
			if (is_table(*slot))
				drop_table(*slot, list);
			*slot = NULL;
		} else if (is_table(*slot)) {
			clear_range(memory, *slot, first, last, list);
		}
		if ((iova | mask) >= end)
			break;
		iova = (iova | mask) + 1;
	}
}

/**
 * memory_domain_unmap() - Clear IOPTEs
 * @domain: of a struct memory_domain
 * @iova: first IOVA, bytes
 * @pgsize: of the pages, bytes
 * @count: how many
 * @gather: what is to be flushed, and tables to be freed after that
 *
 * Context: may sleep.
 * Return: bytes that are cleared, whole IOPTEs up to the first hole.
 */
size_t memory_domain_unmap(struct iommu_domain *domain, unsigned long iova,
			   size_t pgsize, size_t count,
			   struct iommu_iotlb_gather *gather)
{
	struct memory_domain *memory = to_memory(domain);
	size_t length = whole_length(memory, iova, pgsize * count);
	unsigned long last = iova + length - 1;

	if (!length)
		return 0;
	clear_range(memory, memory->root, iova, last, &gather->freelist);
	memory->nentries -= length >> memory->shift;
	mtree_store_range(&memory->unflushed, iova, last, memory, GFP_KERNEL);
	/* The list of tables is there before the range, as with VT-d. */
	iommu_iotlb_gather_add_page(domain, gather, iova, length);
	return length;
}

/**
 * memory_domain_sync() - Flush what was gathered, and free its tables
 * @domain: of a struct memory_domain
 * @gather: what memory_domain_unmap() has put there
 *
 * Context: may sleep.
 */
void memory_domain_sync(struct iommu_domain *domain,
			struct iommu_iotlb_gather *gather)
{
	struct memory_domain *memory = to_memory(domain);
	struct memory_table *table;

	memory->flushes++;
	if (gather->start <= gather->end)
		mtree_store_range(&memory->unflushed, gather->start,
				  gather->end, NULL, GFP_KERNEL);
	list_for_each_entry(table, &gather->freelist, freed) {
		unsigned long iova = table->base;

		if (mt_find(&memory->unflushed, &iova, table->last))
			memory->errors++;
	}
	free_tables(&gather->freelist);
}

/**
 * memory_domain_flush_all() - Flush all that was unmapped
 * @domain: of a struct memory_domain
 *
 * Context: may sleep.
 */
void memory_domain_flush_all(struct iommu_domain *domain)
{
	struct memory_domain *memory = to_memory(domain);

	memory->flushes++;
	mtree_destroy(&memory->unflushed);
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
	unsigned int shift;
	void *leaf = find_leaf(memory, iova, &shift);
	phys_addr_t phys;

	if (!leaf)
		return PHYS_ADDR_MAX;
	phys = xa_to_value(leaf) >> ORDER_BITS;
	return (phys << memory->shift) + (iova & ((1UL << shift) - 1));
}

/**
 * memory_domain_page_size() - Tell by how large an IOPTE something is mapped
 * @memory: the page table
 * @iova: any
 *
 * Context: any.
 * Return: bytes, 0 if nothing is mapped.
 */
unsigned long memory_domain_page_size(struct memory_domain *memory,
				      unsigned long iova)
{
	unsigned int shift;
	void *leaf = find_leaf(memory, iova, &shift);

	return leaf ? 1UL << (xa_to_value(leaf) & ORDER_MASK) : 0;
}

/**
 * memory_domain_flushed() - Tell whether a device can use what was unmapped
 * @memory: the page table
 *
 * Context: any.
 * Return: true if it cannot.
 */
bool memory_domain_flushed(struct memory_domain *memory)
{
	return mtree_empty(&memory->unflushed);
}

/**
 * memory_domain_iova_to_phys() - Translate, as a driver does
 * @domain: of a struct memory_domain
 * @iova: any
 *
 * Context: any.
 * Return: the physical address, 0 if nothing is mapped; or @wrong.
 */
phys_addr_t memory_domain_iova_to_phys(struct iommu_domain *domain,
				       dma_addr_t iova)
{
	struct memory_domain *memory = to_memory(domain);
	phys_addr_t phys = memory_domain_lookup(memory, iova);

	memory->lookups++;
	if (memory->wrong != PHYS_ADDR_MAX)
		return memory->wrong;
	return phys == PHYS_ADDR_MAX ? 0 : phys;
}

static const struct iommu_domain_ops memory_ops = {
	.map_pages = memory_domain_map,
	.unmap_pages = memory_domain_unmap,
	.iotlb_sync = memory_domain_sync,
	.flush_iotlb_all = memory_domain_flush_all,
	.iova_to_phys = memory_domain_iova_to_phys,
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
		.table_bits = TABLE_BITS,
		.fail_after = MEMORY_DOMAIN_NEVER,
		.tables_left = MEMORY_DOMAIN_NEVER,
		.wrong = PHYS_ADDR_MAX,
	};
	mt_init(&memory->unflushed);
}

/**
 * memory_domain_destroy() - Free a page table
 * @memory: in any state
 *
 * Context: may sleep.
 */
void memory_domain_destroy(struct memory_domain *memory)
{
	LIST_HEAD(list);

	if (memory->root)
		drop_table(memory->root, &list);
	free_tables(&list);
	memory->root = NULL;
	mtree_destroy(&memory->unflushed);
}

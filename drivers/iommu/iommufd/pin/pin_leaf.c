// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Pinning what one entry of the process's page table maps, all at once.
 *
 * GUP writes down every page of a huge page. One of them is enough: when it is
 * pinned its folio can neither be freed nor split. If the entry that maps it
 * is a huge one, all of that is the same folio, mapped with the same rights.
 * What GUP demands of one page of an entry holds for the others.
 */
#include "pin_leaf.h"

#include <linux/irqflags.h>
#include <linux/jump_label.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "lib/way_switch.h"

/* Without this GUP takes all pins. They are the same, so it may change. */
DEFINE_STATIC_KEY_TRUE(pin_leaf_direct);
module_param_cb(direct_pin, &iommufd_way_switch_ops, &pin_leaf_direct, 0644);
MODULE_PARM_DESC(direct_pin,
		 "Pin huge pages by their page table entries, which is faster than page by page (Y)");

#ifdef CONFIG_HAVE_GUP_FAST
/* Pages from @address to the end of a leaf, if @head begins the leaf. */
static unsigned long pages_of_leaf(struct page *head, const struct page *page,
				   unsigned long address)
{
	unsigned long index = (address & ~PMD_MASK) / PAGE_SIZE;

	if (nth_page(head, index) != page)
		return 1;
	return PMD_SIZE / PAGE_SIZE - index;
}

/*
 * With interrupts off nobody frees the tables. Each entry is read once, since
 * it may become another one meanwhile.
 */
static unsigned long pin_leaf_walk(const struct page *page,
				   unsigned long address, bool write)
{
	pgd_t *pgdp = pgd_offset(current->mm, address);
	pgd_t pgd = READ_ONCE(*pgdp);
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t *pmdp, pmd;

	if (!pgd_present(pgd) || pgd_leaf(pgd))
		return 1;
	p4dp = p4d_offset_lockless(pgdp, pgd, address);
	p4d = READ_ONCE(*p4dp);
	if (!p4d_present(p4d) || p4d_leaf(p4d))
		return 1;
	pudp = pud_offset_lockless(p4dp, p4d, address);
	pud = READ_ONCE(*pudp);
	if (!pud_present(pud) || pud_leaf(pud))
		return 1;
	pmdp = pmd_offset_lockless(pudp, pud, address);
	pmd = pmdp_get_lockless(pmdp);
	if (!pmd_present(pmd) || !pmd_leaf(pmd) ||
	    !pmd_access_permitted(pmd, write))
		return 1;
	return pages_of_leaf(pmd_page(pmd), page, address);
}
#else
static unsigned long pin_leaf_walk(const struct page *page,
				   unsigned long address, bool write)
{
	return 1;
}
#endif

/**
 * pin_leaf_pages() - How far the page table entry of a pinned page reaches
 * @page: that the caller has pinned for long
 * @address: where it is mapped in the calling process
 * @write: it was pinned for writing
 *
 * Context: process context of the process that has the memory.
 * Return: number of pages, @page included, that are all of one folio and that
 * the entry maps from @address on; 1 if it is not a huge entry, or another
 * one by now.
 */
unsigned long pin_leaf_pages(struct page *page, unsigned long address,
			     bool write)
{
	struct folio *folio = page_folio(page);
	unsigned long flags, npages, left;

	if (!folio_test_large(folio) || folio_is_zone_device(folio))
		return 1;
	left = folio_nr_pages(folio) - folio_page_idx(folio, page);
	/* These are never mapped but as a whole. */
	if (folio_test_hugetlb(folio))
		return left;
	local_irq_save(flags);
	npages = pin_leaf_walk(page, address, write);
	local_irq_restore(flags);
	return min(npages, left);
}

/**
 * pin_leaf_extend() - Pin the pages of a leaf behind one that is pinned
 * @page: pinned
 * @npages: as many as there are in all, with @page; of its folio
 *
 * Each page then has a pin of its own, as if GUP had pinned it. This does what
 * folio_add_pin() does, which modules cannot call, and only for one page.
 *
 * Context: any.
 * Return: false, with nothing pinned, if the folio has so many references
 * that more could make the counter overflow.
 */
bool pin_leaf_extend(struct page *page, unsigned long npages)
{
	struct folio *folio = page_folio(page);
	int more = npages - 1;

	if (folio_ref_count(folio) > INT_MAX / 2 - more)
		return false;
	folio_ref_add(folio, more);
	atomic_add(more, &folio->_pincount);
	node_stat_mod_folio(folio, NR_FOLL_PIN_ACQUIRED, more);
	return true;
}

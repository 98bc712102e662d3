// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Looking from outside at what iommufd has done: into a page table, and at the
 * pages of a process.
 */
#include "mock_check.h"

#include <linux/align.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <uapi/linux/iommufd.h>

#include "device/hw_pagetable.h"
#include "iommufd_test.h"
#include "mock_domain.h"
#include "object/ioctl.h"

static int check_range(u64 start, u64 length, unsigned long granule)
{
	unsigned long last;

	if (!IS_ALIGNED(start, granule) || !IS_ALIGNED(length, granule))
		return -EINVAL;
	if (length && check_add_overflow(start, length - 1, &last))
		return -EOVERFLOW;
	return 0;
}

/* The page that a process has at an address now, with a reference. */
static struct page *get_page_at(unsigned long address)
{
	struct page *page;

	if (fatal_signal_pending(current))
		return ERR_PTR(-EINTR);
	cond_resched();
	if (get_user_pages_fast(address & PAGE_MASK, 1, 0, &page) != 1)
		return ERR_PTR(-EFAULT);
	return page;
}

static int check_iopte(struct iommu_domain *domain, unsigned long iova,
		       unsigned long address)
{
	struct page *page = get_page_at(address);
	phys_addr_t phys;

	if (IS_ERR(page))
		return PTR_ERR(page);
	phys = page_to_phys(page) + offset_in_page(address);
	put_page(page);
	return iommu_iova_to_phys(domain, iova) == phys ? 0 : -EINVAL;
}

static int check_ioptes(struct iommu_domain *domain,
			const struct iommu_test_cmd *cmd)
{
	unsigned long offset;
	int rc;

	for (offset = 0; offset < cmd->check_map.length;
	     offset += MOCK_IOPTE_SIZE) {
		rc = check_iopte(domain, cmd->check_map.iova + offset,
				 cmd->check_map.uptr + offset);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * mock_check_map() - MD_CHECK_MAP: compare a page table with a process
 * @call: the ioctl
 * @cmd: id of a page table; input in check_map
 *
 * Context: process context of the user, sleeps.
 * Return: 0 if every IOPTE of the range leads to what is at uptr now; -EINVAL
 * if one does not, if a number is not a multiple of the IOPTE size, or if the
 * page table is not one of the mock IOMMU; -EOVERFLOW if a range wraps; -EFAULT
 * if nothing is at uptr; -ENOENT if there is no such page table; -EINTR on a
 * fatal signal.
 */
int mock_check_map(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_object *object;
	struct iommu_domain *domain;
	int rc;

	rc = check_range(cmd->check_map.iova, cmd->check_map.length,
			 MOCK_IOPTE_SIZE);
	if (!rc)
		rc = check_range(cmd->check_map.uptr, cmd->check_map.length,
				 MOCK_IOPTE_SIZE);
	if (rc)
		return rc;
	object = iommufd_object_get(call->ictx, cmd->id,
				    IOMMUFD_OBJ_HWPT_PAGING);
	if (IS_ERR(object))
		return PTR_ERR(object);
	domain = iommufd_hwpt_from(object)->domain;
	rc = mock_domain_is(domain) ? check_ioptes(domain, cmd) : -EINVAL;
	iommufd_object_put(object);
	return rc;
}

/**
 * struct pin_check - Counts the pages in sight of one folio after the other
 * @folio: the present one with a reference, NULL without one
 * @npages: how many pages of it came by
 * @refs: how often each page shall be pinned
 */
struct pin_check {
	struct folio *folio;
	unsigned long npages;
	unsigned long refs;
};

/*
 * A large folio only has one count for all of it, so what pages outside of the
 * range have got is an unknown addition.
 */
static bool pins_match(const struct pin_check *check)
{
	struct folio *folio = check->folio;
	unsigned long expected = check->npages * check->refs;
	unsigned long pins;

	if (!folio_test_large(folio))
		return folio_ref_count(folio) / GUP_PIN_COUNTING_BIAS ==
		       expected;
	pins = atomic_read(&folio->_pincount);
	if (check->npages < folio_nr_pages(folio))
		return pins >= expected;
	return pins == expected;
}

/* Be done with the present folio, go on with another one or none. */
static int next_folio(struct pin_check *check, struct folio *folio)
{
	int rc = 0;

	if (check->folio) {
		rc = pins_match(check) ? 0 : -EIO;
		folio_put(check->folio);
	}
	check->folio = folio;
	check->npages = 0;
	return rc;
}

static int check_page(struct pin_check *check, unsigned long address)
{
	struct page *page = get_page_at(address);
	int rc = 0;

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (page_folio(page) == check->folio)
		put_page(page);
	else
		rc = next_folio(check, page_folio(page));
	check->npages++;
	return rc;
}

static int check_pins(unsigned long address, unsigned long npages, u32 refs)
{
	struct pin_check check = {
		.refs = refs,
	};
	int rc = 0, last_rc;

	for (; npages && !rc; npages--, address += PAGE_SIZE)
		rc = check_page(&check, address);
	last_rc = next_folio(&check, NULL);
	return rc ?: last_rc;
}

/**
 * mock_check_refs() - MD_CHECK_REFS: count the pins of pages of a process
 * @call: the ioctl
 * @cmd: input in check_refs
 *
 * Context: process context of the user, sleeps.
 * Return: 0 if every page is pinned refs times; -EIO if one is not; -EINVAL if
 * a number is not a multiple of PAGE_SIZE; -EOVERFLOW if the range wraps;
 * -EFAULT if there is no page; -EINTR on a fatal signal.
 */
int mock_check_refs(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	int rc = check_range(cmd->check_refs.uptr, cmd->check_refs.length,
			     PAGE_SIZE);

	return rc ?: check_pins(cmd->check_refs.uptr,
				cmd->check_refs.length / PAGE_SIZE,
				cmd->check_refs.refs);
}

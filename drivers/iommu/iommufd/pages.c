// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The life of a piece of memory, and what both ways of storing its PFNs share.
 *
 * Everything that stores goes the same way: count the pages that no tier
 * holds, charge them, read the range batch by batch, store each batch, and at
 * last enter the range into the interval tree of the tier. Before that last
 * step the range does not count as stored, so undoing is the same as emptying:
 * what no tier holds is unpinned.
 */
#include "pages.h"

#include <linux/slab.h>

#include "iopt_types.h"

/* With its area a structure of a size that kmalloc() would waste much on. */
static struct kmem_cache *pages_cache;

/**
 * iopt_pages_init() - Get ready for iopt_pages_alloc()
 *
 * Context: once, when the module is loaded.
 * Return: 0; -ENOMEM.
 */
int iopt_pages_init(void)
{
	pages_cache = KMEM_CACHE(iopt_pages, 0);
	return pages_cache ? 0 : -ENOMEM;
}

/**
 * iopt_pages_exit() - Undo iopt_pages_init()
 *
 * Context: nobody has any pages any more.
 */
void iopt_pages_exit(void)
{
	kmem_cache_destroy(pages_cache);
}

/**
 * iopt_pages_alloc() - Describe a piece of the caller's memory
 * @address: user virtual address, a multiple of PAGE_SIZE
 * @npages: size in pages, not 0
 * @writable: devices are going to write
 * @mode: how to account for it
 *
 * Pins nothing.
 *
 * Context: process context of the owner of the memory, may sleep.
 * Return: the pages, with one reference; ERR_PTR(-ENOMEM).
 */
struct iopt_pages *iopt_pages_alloc(unsigned long address, unsigned long npages,
				    bool writable, enum pin_account_mode mode)
{
	struct iopt_pages *pages;

	pages = kmem_cache_alloc(pages_cache, GFP_KERNEL_ACCOUNT);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	/* One by one: the first area is set up by who uses it. */
	kref_init(&pages->kref);
	mutex_init(&pages->mutex);
	pages->npages = npages;
	pages->npinned = 0;
	pages->writable = writable;
	pin_account_init(&pages->account, mode);
	pages->origin = (struct pin_origin){
		.mm = pages->account.mm,
		.address = address,
		.writable = writable,
	};
	xa_init_flags(&pages->pinned_pfns, XA_FLAGS_ACCOUNT);
	xa_init_flags(&pages->run_chunks, XA_FLAGS_ACCOUNT);
	pages->access_itree = RB_ROOT_CACHED;
	pages->domains_itree = RB_ROOT_CACHED;
	return pages;
}

/**
 * iopt_pages_get() - Take a reference
 * @pages: one that the caller has a reference to
 *
 * Context: any.
 */
void iopt_pages_get(struct iopt_pages *pages)
{
	kref_get(&pages->kref);
}

static void pages_release(struct kref *kref)
{
	struct iopt_pages *pages = container_of(kref, struct iopt_pages, kref);

	WARN_ON_ONCE(!RB_EMPTY_ROOT(&pages->access_itree.rb_root) ||
		     !RB_EMPTY_ROOT(&pages->domains_itree.rb_root) ||
		     pages->npinned);
	WARN_ON_ONCE(!xa_empty(&pages->pinned_pfns) ||
		     !xa_empty(&pages->run_chunks));
	mutex_destroy(&pages->mutex);
	pin_account_destroy(&pages->account);
	kmem_cache_free(pages_cache, pages);
}

/**
 * iopt_pages_put() - Give up a reference
 * @pages: may be freed; nothing is stored when the last one goes
 *
 * Context: may sleep.
 */
void iopt_pages_put(struct iopt_pages *pages)
{
	kref_put(&pages->kref, pages_release);
}

/**
 * iopt_pages_charge() - Account for pages that are going to be pinned
 * @pages: the memory
 * @npages: how many
 *
 * Context: @pages->mutex held, may sleep.
 * Return: as pin_account_charge().
 */
int iopt_pages_charge(struct iopt_pages *pages, unsigned long npages)
{
	int rc;

	lockdep_assert_held(&pages->mutex);

	rc = pin_account_charge(&pages->account, npages);
	if (!rc)
		pages->npinned += npages;
	return rc;
}

/**
 * iopt_pages_uncharge() - Undo iopt_pages_charge()
 * @pages: the memory
 * @npages: how many are not pinned any more
 *
 * Context: @pages->mutex held, may sleep.
 */
void iopt_pages_uncharge(struct iopt_pages *pages, unsigned long npages)
{
	lockdep_assert_held(&pages->mutex);

	pages->npinned -= npages;
	pin_account_uncharge(&pages->account, npages);
}

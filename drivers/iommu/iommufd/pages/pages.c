// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The life of a piece of memory, and what both ways of storing its PFNs share.
 *
 * Everything that pins goes the same way. It counts the pages that no tier
 * holds, and charges them. Batch by batch it reads, stores, and enters into
 * the interval tree of the tier. So after each batch everything is as it says,
 * and undoing a part is the same as emptying it: what no tier holds is
 * unpinned.
 */
#include "pages.h"

#include <linux/array_size.h>
#include <linux/atomic.h>
#include <linux/lockdep.h>
#include <linux/mmap_lock.h>
#include <linux/slab.h>

#include "iopt_types.h"
#include "lib/trace.h"
#include "pin/account.h"

/*
 * With its area a structure of a size that kmalloc() would waste much on. Locks
 * and trees are free and empty whenever one is freed, and are set up only once.
 */
static struct kmem_cache *pages_cache;

static void pages_construct(void *object)
{
	struct iopt_pages *pages = object;

	mutex_init(&pages->fill_mutex);
	mutex_init(&pages->mutex);
	xa_init_flags(&pages->run_chunks, XA_FLAGS_ACCOUNT);
	pages->access_itree = RB_ROOT_CACHED;
	pages->domains_itree = RB_ROOT_CACHED;
	pages->npinned = 0;
}

/**
 * iopt_pages_init() - Get ready for iopt_pages_alloc()
 *
 * Context: once, when the module is loaded.
 * Return: 0; -ENOMEM.
 */
int iopt_pages_init(void)
{
	pages_cache = kmem_cache_create("iopt_pages", sizeof(struct iopt_pages),
					__alignof__(struct iopt_pages), 0,
					pages_construct);
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

/*
 * Under the mutex nobody may wait for the mmap lock. Say so once, before anybody
 * can do it the other way round.
 */
static void pages_teach_lock_order(struct iopt_pages *pages)
{
	static bool taught;

	if (!IS_ENABLED(CONFIG_PROVE_LOCKING) || READ_ONCE(taught) ||
	    !pages->origin.owner)
		return;
	WRITE_ONCE(taught, true);
	mmap_read_lock(pages->origin.owner->mm);
	might_lock(&pages->mutex);
	mmap_read_unlock(pages->origin.owner->mm);
}

/**
 * iopt_pages_alloc() - Describe a piece of memory
 * @origin: where it comes from; on success the pages take over its references
 * @npages: size in pages, not 0
 * @spare: a structure to be used first, see iopt_pages_keep_spare(); or NULL
 *
 * Pins nothing.
 *
 * Context: may sleep.
 * Return: the pages, with one reference; ERR_PTR(-ENOMEM).
 */
struct iopt_pages *iopt_pages_alloc(const struct pin_origin *origin,
				    unsigned long npages,
				    struct iopt_pages **spare)
{
	struct iopt_pages *pages = NULL;

	if (spare && READ_ONCE(*spare))
		pages = xchg(spare, NULL);
	if (!pages)
		pages = kmem_cache_alloc(pages_cache, GFP_KERNEL_ACCOUNT);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	/* The rest is as it was constructed, and the first area comes later. */
	refcount_set(&pages->refs, 1);
	pages->npages = npages;
	pages->origin = *origin;
	pages->spare_access = NULL;
	pages->revoke = NULL;
	pages_teach_lock_order(pages);
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
	refcount_inc(&pages->refs);
}

/*
 * Free what most memory does not have. When memory runs out while an xarray
 * grows, it keeps nodes with nothing in them.
 */
static noinline void pages_free_rare(struct iopt_pages *pages)
{
	unsigned long index = 0;

	kfree(pages->spare_access);
	WARN_ON_ONCE(xa_find(&pages->run_chunks, &index, ULONG_MAX,
			     XA_PRESENT));
	xa_destroy(&pages->run_chunks);
}

/* Make it as it was constructed, which most of it is. */
static inline void pages_clean(struct iopt_pages *pages)
{
	WARN_ON_ONCE(IS_ENABLED(CONFIG_IOMMUFD_TEST) &&
		     (mutex_is_locked(&pages->mutex) ||
		      mutex_is_locked(&pages->fill_mutex)));
	if (pages->spare_access || !xa_empty(&pages->run_chunks))
		pages_free_rare(pages);
	pin_origin_release(&pages->origin);
	/* Memory of a device has given its mutex a class of its own. */
	if (IS_ENABLED(CONFIG_LOCKDEP))
		pages_construct(pages);
}

/**
 * iopt_pages_free() - Free pages that nobody refers to
 * @pages: the last reference is gone
 *
 * Context: may sleep.
 */
void iopt_pages_free(struct iopt_pages *pages)
{
	pages_clean(pages);
	kmem_cache_free(pages_cache, pages);
}

/* Give up a reference; returns true if @pages is nobody's any more. */
static inline bool pages_put(struct iopt_pages *pages)
{
	if (!refcount_dec_and_test(&pages->refs))
		return false;
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&pages->access_itree.rb_root) ||
		     !RB_EMPTY_ROOT(&pages->domains_itree.rb_root) ||
		     pages->npinned);
	if (!pages->revoke)
		return true;
	pages->revoke->retire(pages);
	return false;
}

/**
 * iopt_pages_put() - Give up a reference
 * @pages: may be freed, memory of a device a little later; nothing is stored when
 *         the last one goes
 *
 * Context: may sleep.
 */
void iopt_pages_put(struct iopt_pages *pages)
{
	if (pages_put(pages))
		iopt_pages_free(pages);
}

/**
 * iopt_pages_free_unused() - Free structures
 * @unused: the structures; none afterwards
 *
 * Context: process context.
 */
void iopt_pages_free_unused(struct iopt_pages_unused *unused)
{
	if (unused->count == 1)
		kmem_cache_free(pages_cache, unused->pages[0]);
	else if (unused->count)
		kmem_cache_free_bulk(pages_cache, unused->count,
				     (void **)unused->pages);
	unused->count = 0;
}

/**
 * iopt_pages_put_later() - iopt_pages_put(), but for freeing the structure
 * @pages: as there
 * @unused: where it goes, if it is to be freed
 *
 * Context: may sleep.
 */
void iopt_pages_put_later(struct iopt_pages *pages,
			  struct iopt_pages_unused *unused)
{
	if (!pages_put(pages))
		return;
	pages_clean(pages);
	if (unused->count == ARRAY_SIZE(unused->pages))
		iopt_pages_free_unused(unused);
	unused->pages[unused->count++] = pages;
}

/**
 * iopt_pages_keep_spare() - Keep one of some structures for iopt_pages_alloc()
 * @unused: the structures
 * @spare: where to keep it, if there is none yet; several threads may use it
 *
 * Who maps and unmaps in turns then pays once for what the structure costs, half
 * of which is its charge to the memory control group. It stays charged to that
 * of the process that it was allocated for.
 *
 * Context: any.
 */
void iopt_pages_keep_spare(struct iopt_pages_unused *unused,
			   struct iopt_pages **spare)
{
	/* For KASAN what was given up has to be freed. */
	if (IS_ENABLED(CONFIG_KASAN) || !unused->count || READ_ONCE(*spare))
		return;
	if (!cmpxchg(spare, NULL, unused->pages[unused->count - 1]))
		unused->count--;
}

/**
 * iopt_pages_free_spare() - Free what iopt_pages_keep_spare() has kept
 * @spare: used by nobody else any more
 *
 * Context: process context.
 */
void iopt_pages_free_spare(struct iopt_pages **spare)
{
	if (*spare)
		kmem_cache_free(pages_cache, *spare);
	*spare = NULL;
}

/**
 * iopt_pages_unpinned() - Count pages that were stored, and are unpinned
 * @pages: the memory
 * @npages: how many
 *
 * Context: @pages->mutex held.
 */
void iopt_pages_unpinned(struct iopt_pages *pages, unsigned long npages)
{
	lockdep_assert_held(&pages->mutex);

	if (npages && trace_iommufd_unpin_enabled())
		pin_origin_trace_unpin(&pages->origin, npages);
	pages->npinned -= npages;
	pin_origin_uncharge(&pages->origin, npages);
}

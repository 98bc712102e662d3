// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Memory of a process that is at another address from now on.
 *
 * What is pinned stays pinned, and is not looked at. So no page is touched, and
 * no IOPTE changes.
 */
#include "pages_move.h"

#include <linux/align.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>

#include "iopt_types.h"
#include "pin/account.h"
#include "pin/pin_user.h"
#include "run_chunks.h"

/*
 * Charge a new owner for what is pinned. That takes the mmap lock, so it comes
 * before the mutex. Meanwhile pages may be unpinned, but none is pinned.
 */
static int move_charge(struct iopt_pages *pages, struct pin_owner *owner,
		       unsigned long *charged)
{
	lockdep_assert_held(&pages->fill_mutex);

	mutex_lock(&pages->mutex);
	*charged = pages->npinned;
	mutex_unlock(&pages->mutex);
	return pin_owner_charge_moved(owner, pages->origin.owner, *charged);
}

/* Give back the old charge, and what is too much of the new one. */
static void move_owner(struct iopt_pages *pages, struct pin_owner *owner,
		       unsigned long charged)
{
	struct pin_owner *old = pages->origin.owner;

	lockdep_assert_held(&pages->mutex);

	pin_owner_get(owner);
	pages->origin.owner = owner;
	pin_owner_uncharge(owner, charged - pages->npinned);
	pin_owner_uncharge(old, pages->npinned);
	pin_owner_put(old);
}

/* Chunks are cut at multiples of 2 MiB of the address. */
static void move_start(struct iopt_pages *pages, unsigned long address)
{
	lockdep_assert_held(&pages->mutex);

	if (!IS_ALIGNED(address ^ pages->origin.start, RUN_CHUNK_SIZE))
		run_chunks_forget(pages, 0, pages->npages - 1);
	WRITE_ONCE(pages->origin.start, address);
}

static int pages_move_locked(struct iopt_pages *pages, unsigned long address,
			     struct pin_owner *owner)
{
	bool moves = owner->mm != pages->origin.owner->mm;
	unsigned long charged;
	int rc;

	rc = moves ? move_charge(pages, owner, &charged) : 0;
	if (rc)
		return rc;
	mutex_lock(&pages->mutex);
	if (moves)
		move_owner(pages, owner, charged);
	move_start(pages, address);
	mutex_unlock(&pages->mutex);
	return 0;
}

/**
 * iopt_pages_move() - Give memory of a process another address
 * @pages: the memory
 * @address: where it is from now on, a user virtual address, a multiple of
 *           PAGE_SIZE; the memory ends below the top of the address space
 * @owner: the process that it is in; pays for it from now on. If it is the same
 *         process, whoever has paid so far goes on
 *
 * Pages that are stored stay as they are, whatever is at the address. Others are
 * pinned from there, which goes for all areas over the memory.
 *
 * Context: process context; takes the locks of the pages, and the mmap lock of
 * the new owner.
 * Return: 0; -EINVAL if it is no memory of a process; -ENOMEM if it is more than
 * the limit of the new owner allows; -EINTR on a fatal signal. On failure nothing
 * is changed.
 */
int iopt_pages_move(struct iopt_pages *pages, unsigned long address,
		    struct pin_owner *owner)
{
	int rc;

	lockdep_assert_not_held(&pages->mutex);

	if (!pages->origin.ops->by_address)
		return -EINVAL;
	if (mutex_lock_killable(&pages->fill_mutex))
		return -EINTR;
	rc = pages_move_locked(pages, address, owner);
	mutex_unlock(&pages->fill_mutex);
	return rc;
}

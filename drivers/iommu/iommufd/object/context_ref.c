// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * References that drivers have to a context, and what goes with the last one.
 *
 * A container of type1 starts from new when its last group has left. VFIO does
 * not tell us of groups, but each has a reference to the context. So have the
 * devices that are bound, by way of a group or not, and nothing says which
 * reference is which. It need not: what the first of them has brought goes with
 * the last. Then no device uses the IOAS, and as a rule nothing is pinned for
 * one, so that it can be taken apart at once, inside of VFIO's locks.
 */
#include "context_ref.h"

#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommufd.h>

#include "context.h"
#include "ioas.h"
#include "object.h"
#include "object_destroy.h"

/**
 * iommufd_ctx_chosen_ioas() - The IOAS that containers act on
 * @ictx: context
 *
 * Context: lock of &iommufd_ctx.objects held.
 * Return: the choice; NULL if there is none, or it is just being destroyed.
 */
struct iommufd_ioas *iommufd_ctx_chosen_ioas(struct iommufd_ctx *ictx)
	__must_hold(&ictx->objects.xa_lock)
{
	struct iommufd_ioas *ioas = ictx->vfio_ioas;

	lockdep_assert_held(&ictx->objects.xa_lock);

	if (!ioas ||
	    xa_load(&ictx->objects, ioas->object.id) != &ioas->object)
		return NULL;
	return ioas;
}

/* include/linux/iommufd.h describes this and iommufd_ctx_put(). */
void iommufd_ctx_get(struct iommufd_ctx *ictx)
{
	xa_lock(&ictx->objects);
	WRITE_ONCE(ictx->drivers, ictx->drivers + 1);
	xa_unlock(&ictx->objects);
	get_file(ictx->file);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_get, IOMMUFD);

/* End the choice that the kernel made; returns the IOAS, in use by the caller. */
static struct iommufd_ioas *ctx_end_automatic_ioas(struct iommufd_ctx *ictx)
	__must_hold(&ictx->objects.xa_lock)
{
	struct iommufd_ioas *ioas = iommufd_ctx_chosen_ioas(ictx);

	lockdep_assert_held(&ictx->objects.xa_lock);

	if (!ictx->vfio_ioas_automatic)
		return NULL;
	if (ioas)
		iommufd_object_use(&ioas->object);
	ictx->vfio_ioas = NULL;
	ictx->vfio_ioas_automatic = false;
	return ioas;
}

/*
 * With the last driver goes the IOAS that was made for the first. Should a page
 * table still use it, one that the program made or that is on its way out, then
 * it goes with that.
 */
static void ctx_driver_left(struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *ioas = NULL;

	xa_lock(&ictx->objects);
	WRITE_ONCE(ictx->drivers, ictx->drivers - 1);
	if (!ictx->drivers) {
		WRITE_ONCE(ictx->no_iommu_mode, false);
		ioas = ctx_end_automatic_ioas(ictx);
	}
	xa_unlock(&ictx->objects);
	if (ioas)
		iommufd_object_disown(&ioas->object);
}

/*
 * VFIO holds locks of the group. Destroying the IOAS takes about a second at
 * most, and needs no memory.
 */
void iommufd_ctx_put(struct iommufd_ctx *ictx)
{
	ctx_driver_left(ictx);
	fput(ictx->file);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_put, IOMMUFD);

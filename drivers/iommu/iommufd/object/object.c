// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Ids and references.
 *
 * An id is reserved while its object is built. It is reserved again from the
 * moment at which the object is sure to go, see object_destroy.c. In between
 * everybody finds the object.
 */
#include "object.h"

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "context.h"

/*
 * Types that somebody lists. Among a million of others they are found by these
 * marks of the xarray, which keeps the first one to itself.
 */
#define MARK_IOAS XA_MARK_1
#define MARK_DEVICE XA_MARK_2

/**
 * iommufd_object_alloc_size() - See iommufd_object_alloc()
 * @ictx: context
 * @size: of the structure that begins with the object, bytes
 * @ops: operations of the type
 *
 * Context: sleeps.
 * Return: the object; ERR_PTR(-ENOMEM) without memory or without a free id.
 */
void *iommufd_object_alloc_size(struct iommufd_ctx *ictx, size_t size,
				const struct iommufd_object_ops *ops)
{
	struct iommufd_object *object = kzalloc(size, GFP_KERNEL_ACCOUNT);

	if (!object)
		return ERR_PTR(-ENOMEM);
	object->ops = ops;
	object->ictx = ictx;
	refcount_set(&object->users, 1);
	refcount_set(&object->shortterm_users, 1);
	/* Storing NULL reserves. */
	if (xa_alloc(&ictx->objects, &object->id, NULL, xa_limit_31b,
		     GFP_KERNEL_ACCOUNT)) {
		kfree(object);
		return ERR_PTR(-ENOMEM);
	}
	return object;
}

static bool object_mark(enum iommufd_object_type type, xa_mark_t *mark)
{
	switch (type) {
	case IOMMUFD_OBJ_IOAS:
		*mark = MARK_IOAS;
		return true;
	case IOMMUFD_OBJ_DEVICE:
		*mark = MARK_DEVICE;
		return true;
	default:
		return false;
	}
}

/* Let whoever lists objects find it, or no longer. */
static void object_list(struct iommufd_object *object, bool listed)
	__must_hold(&object->ictx->objects.xa_lock)
{
	struct iommufd_ctx *ictx = object->ictx;
	xa_mark_t mark;

	lockdep_assert_held(&ictx->objects.xa_lock);

	ictx->counts[object->ops->type] += listed ? 1 : -1;
	if (!object_mark(object->ops->type, &mark))
		return;
	if (listed)
		__xa_set_mark(&ictx->objects, object->id, mark);
	else
		__xa_clear_mark(&ictx->objects, object->id, mark);
}

/**
 * iommufd_object_publish() - Let everybody find a complete object
 * @object: of iommufd_object_alloc()
 *
 * The last step of making an object. From here on any thread may use and
 * destroy it.
 *
 * Context: any but interrupts. Cannot fail, the id has its memory.
 */
void iommufd_object_publish(struct iommufd_object *object)
{
	xa_lock(&object->ictx->objects);
	iommufd_object_publish_locked(object);
	xa_unlock(&object->ictx->objects);
}

/**
 * iommufd_object_publish_locked() - iommufd_object_publish() with more to it
 * @object: of iommufd_object_alloc()
 *
 * For whoever makes something else visible at the same moment.
 *
 * Context: lock of &iommufd_ctx.objects held. Cannot fail, the id has its
 * memory.
 */
void iommufd_object_publish_locked(struct iommufd_object *object)
	__must_hold(&object->ictx->objects.xa_lock)
{
	void *old;

	lockdep_assert_held(&object->ictx->objects.xa_lock);

	old = __xa_store(&object->ictx->objects, object->id, object,
			 GFP_ATOMIC);
	WARN_ON_ONCE(old);
	object_list(object, true);
}

/**
 * iommufd_object_abort() - Free an object that was never published
 * @object: of iommufd_object_alloc(), with everything else undone
 *
 * Context: any but interrupts.
 */
void iommufd_object_abort(struct iommufd_object *object)
{
	WARN_ON_ONCE(refcount_read(&object->users) != 1);
	xa_erase(&object->ictx->objects, object->id);
	kfree(object);
}

/**
 * iommufd_object_get() - Look up an object for the time of a call
 * @ictx: context
 * @id: from user space
 * @type: what it has to be, or IOMMUFD_OBJ_ANY
 *
 * Context: any but interrupts.
 * Return: the object, to be given up with iommufd_object_put();
 * ERR_PTR(-ENOENT) if there is none of this id and type.
 */
struct iommufd_object *iommufd_object_get(struct iommufd_ctx *ictx, u32 id,
					  enum iommufd_object_type type)
{
	XA_STATE(xas, &ictx->objects, id);
	struct iommufd_object *object;

	xa_lock(&ictx->objects);
	object = xas_load(&xas);
	if (!object || xa_is_zero(object) ||
	    (type != IOMMUFD_OBJ_ANY && object->ops->type != type))
		object = ERR_PTR(-ENOENT);
	else
		refcount_inc(&object->shortterm_users);
	xa_unlock(&ictx->objects);
	return object;
}

/**
 * iommufd_object_get_from() - Look up the next object of a type
 * @ictx: context
 * @id: the lowest that will do; receives that of the object
 * @type: IOMMUFD_OBJ_IOAS or IOMMUFD_OBJ_DEVICE
 *
 * Context: any but interrupts. Takes O(log n), whatever else there is.
 * Return: the object, to be given up with iommufd_object_put(); NULL if there is
 * no other.
 */
struct iommufd_object *iommufd_object_get_from(struct iommufd_ctx *ictx,
					       unsigned long *id,
					       enum iommufd_object_type type)
{
	struct iommufd_object *object;
	xa_mark_t mark;

	if (WARN_ON_ONCE(!object_mark(type, &mark)))
		return NULL;
	xa_lock(&ictx->objects);
	object = xa_find(&ictx->objects, id, ULONG_MAX, mark);
	if (object)
		refcount_inc(&object->shortterm_users);
	xa_unlock(&ictx->objects);
	return object;
}

/**
 * iommufd_object_count() - Tell how many objects there are of each type
 * @ictx: context
 * @counts: receives the numbers, all of one moment
 *
 * Context: any but interrupts.
 */
void iommufd_object_count(struct iommufd_ctx *ictx,
			  unsigned long counts[IOMMUFD_OBJ_TYPES])
{
	xa_lock(&ictx->objects);
	memcpy(counts, ictx->counts, sizeof(ictx->counts));
	xa_unlock(&ictx->objects);
}

/**
 * iommufd_object_hide() - Let nobody find an object any more
 * @object: published
 *
 * Its id is reserved again, for which there is memory.
 *
 * Context: lock of &iommufd_ctx.objects held.
 */
void iommufd_object_hide(struct iommufd_object *object)
	__must_hold(&object->ictx->objects.xa_lock)
{
	lockdep_assert_held(&object->ictx->objects.xa_lock);

	object_list(object, false);
	__xa_store(&object->ictx->objects, object->id, XA_ZERO_ENTRY,
		   GFP_ATOMIC);
}

/**
 * iommufd_object_hidden() - Has an object been hidden?
 * @object: that is not freed, as whoever calls is to free it
 *
 * Context: lock of &iommufd_ctx.objects held.
 * Return: whether nobody finds it any more.
 */
bool iommufd_object_hidden(struct iommufd_object *object)
	__must_hold(&object->ictx->objects.xa_lock)
{
	lockdep_assert_held(&object->ictx->objects.xa_lock);

	return xa_load(&object->ictx->objects, object->id) != object;
}

/**
 * iommufd_object_try_hide() - Hide an object if nobody uses it
 * @object: as for iommufd_object_hidden()
 *
 * Then it is sure to go.
 *
 * Context: lock of &iommufd_ctx.objects held.
 * Return: whether it is hidden, by this or before.
 */
bool iommufd_object_try_hide(struct iommufd_object *object)
	__must_hold(&object->ictx->objects.xa_lock)
{
	lockdep_assert_held(&object->ictx->objects.xa_lock);

	if (iommufd_object_hidden(object))
		return true;
	if (!iommufd_object_idle(object) || iommufd_object_used(object))
		return false;
	iommufd_object_hide(object);
	return true;
}

static void object_put_dying(struct iommufd_object *object)
{
	struct xarray *objects = &object->ictx->objects;

	xa_lock(objects);
	refcount_dec(&object->shortterm_users);
	if (object->dying)
		iommufd_object_try_hide(object);
	xa_unlock(objects);
}

/**
 * iommufd_object_put() - Give up what iommufd_object_get() returned
 * @object: may be freed at once
 *
 * Context: any but interrupts; the caller keeps the context alive.
 */
void iommufd_object_put(struct iommufd_object *object)
{
	struct iommufd_ctx *ictx = object->ictx;

	if (READ_ONCE(object->dying))
		object_put_dying(object);
	else
		refcount_dec(&object->shortterm_users);
	/* Not one touch of the object from here on. */
	if (wq_has_sleeper(&ictx->destroy_wait))
		wake_up_all(&ictx->destroy_wait);
}

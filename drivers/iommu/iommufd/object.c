// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Ids, references, and the end of objects.
 *
 * Destroying begins by reserving the id again, under the lock of the xarray:
 * nobody finds the object from then on. Short-term references go away by
 * themselves and are waited for. If in the meantime one of them became a use,
 * the id is given back its object, which needs no memory, and the object lives
 * on.
 */
#include "object.h"

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

/*
 * How long DESTROY waits for others to finish what they do with the object. A
 * map may wait for memory to migrate, so this is generous; a fatal signal ends
 * the wait.
 */
#define SHORTTERM_TIMEOUT (60 * HZ)

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

/**
 * iommufd_object_publish() - Let everybody find a complete object
 * @object: of iommufd_object_alloc()
 *
 * The last step of making an object. From here on any thread may use and
 * destroy it.
 *
 * Context: any. Cannot fail, the id has its memory.
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
 * For who makes something else visible at the same moment.
 *
 * Context: lock of &iommufd_ctx.objects held. Cannot fail, the id has its
 * memory.
 */
void iommufd_object_publish_locked(struct iommufd_object *object)
{
	void *old = __xa_store(&object->ictx->objects, object->id, object,
			       GFP_ATOMIC);

	WARN_ON_ONCE(old);
}

/**
 * iommufd_object_abort() - Free an object that was never published
 * @object: of iommufd_object_alloc(), with everything else undone
 *
 * Context: any.
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
 * Context: any.
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
 * iommufd_object_put() - Give up what iommufd_object_get() returned
 * @object: may be freed at once
 *
 * Context: any; the caller keeps the context alive.
 */
void iommufd_object_put(struct iommufd_object *object)
{
	struct iommufd_ctx *ictx = object->ictx;

	refcount_dec(&object->shortterm_users);
	/* Not one touch of the object from here on. */
	if (wq_has_sleeper(&ictx->destroy_wait))
		wake_up_all(&ictx->destroy_wait);
}

static void object_hide(struct iommufd_object *object)
{
	lockdep_assert_held(&object->ictx->objects.xa_lock);
	__xa_store(&object->ictx->objects, object->id, XA_ZERO_ENTRY,
		   GFP_ATOMIC);
}

static bool object_idle(struct iommufd_object *object)
{
	if (refcount_read(&object->shortterm_users) != 1)
		return false;
	/* Pairs with refcount_dec() in iommufd_object_put(). */
	smp_acquire__after_ctrl_dep();
	return true;
}

static void object_free(struct iommufd_object *object)
{
	object->ops->destroy(object);
	xa_erase(&object->ictx->objects, object->id);
	kfree(object);
}

/*
 * Destroy a hidden object, or bring it back if it turns out to be in use, or
 * if waiting for that ended with the error @rc.
 */
static int object_destroy_hidden(struct iommufd_object *object, int rc)
{
	struct iommufd_ctx *ictx = object->ictx;

	xa_lock(&ictx->objects);
	if (!rc && (!object_idle(object) ||
		    refcount_read(&object->users) != 1))
		rc = -EBUSY;
	/* Pairs with iommufd_object_unuse(), as object_idle() does with put. */
	smp_acquire__after_ctrl_dep();
	if (rc)
		__xa_store(&ictx->objects, object->id, object, GFP_ATOMIC);
	xa_unlock(&ictx->objects);
	if (!rc)
		object_free(object);
	return rc;
}

/**
 * iommufd_object_destroy_id() - Destroy what user space names
 * @ictx: context
 * @id: from user space
 *
 * Context: may sleep.
 * Return: 0; -ENOENT if there is no such object; -EBUSY if others depend on
 * it, a driver owns it, or another thread does not finish with it in time;
 * -EINTR on a fatal signal while waiting for such a thread.
 */
int iommufd_object_destroy_id(struct iommufd_ctx *ictx, u32 id)
{
	struct iommufd_object *object;
	int rc = 0;

	xa_lock(&ictx->objects);
	object = xa_load(&ictx->objects, id);
	if (!object)
		rc = -ENOENT;
	else if (object->ops->driver_owned ||
		 refcount_read(&object->users) != 1)
		rc = -EBUSY;
	else
		object_hide(object);
	xa_unlock(&ictx->objects);
	if (rc)
		return rc;
	if (wait_event_killable_timeout(ictx->destroy_wait, object_idle(object),
					SHORTTERM_TIMEOUT) < 0)
		rc = -EINTR;
	return object_destroy_hidden(object, rc);
}

/**
 * iommufd_object_unuse_destroy() - End a use, and the object with the last one
 * @object: that the caller got with iommufd_object_use()
 *
 * An object that somebody is just looking at survives if that turns into a
 * new use.
 *
 * Context: may sleep. Holds no lock that a user of the object may want.
 */
void iommufd_object_unuse_destroy(struct iommufd_object *object)
{
	struct iommufd_ctx *ictx = object->ictx;
	bool last;

	xa_lock(&ictx->objects);
	refcount_dec(&object->users);
	last = refcount_read(&object->users) == 1 &&
	       xa_load(&ictx->objects, object->id) == object;
	if (last)
		object_hide(object);
	xa_unlock(&ictx->objects);
	if (!last)
		return;
	wait_event_timeout(ictx->destroy_wait, object_idle(object),
			   SHORTTERM_TIMEOUT);
	object_destroy_hidden(object, 0);
}

/**
 * iommufd_object_destroy_owned() - Destroy an object on its driver's behalf
 * @object: published, and with no other users
 *
 * Context: may sleep; waits for the calls that have looked the object up.
 */
void iommufd_object_destroy_owned(struct iommufd_object *object)
{
	struct iommufd_ctx *ictx = object->ictx;

	xa_lock(&ictx->objects);
	object_hide(object);
	xa_unlock(&ictx->objects);
	wait_event(ictx->destroy_wait, object_idle(object));
	WARN_ON_ONCE(refcount_read(&object->users) != 1);
	object_free(object);
}

/**
 * iommufd_ctx_destroy_objects() - Destroy everything that is left
 * @ictx: a context that nobody can reach any more
 *
 * Context: may sleep, never needs memory.
 */
void iommufd_ctx_destroy_objects(struct iommufd_ctx *ictx)
{
	struct iommufd_object *object;
	unsigned long id;
	unsigned int type;

	for (type = IOMMUFD_OBJ_ANY + 1; type < IOMMUFD_OBJ_TYPES; type++)
		xa_for_each(&ictx->objects, id, object) {
			if (object->ops->type != type)
				continue;
			WARN_ON_ONCE(refcount_read(&object->users) != 1);
			object_free(object);
			cond_resched();
		}
	WARN_ON_ONCE(!xa_empty(&ictx->objects));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The end of objects.
 *
 * Whoever destroys an object waits for a moment at which nobody uses it. In
 * that moment, and under the lock of the xarray, the id is reserved again.
 * From then on nobody finds the object. Until then everybody does, as it may
 * have to stay. The moment comes when a short-term reference is given up, and
 * may be over before another thread runs, so it is used by whoever brings it
 * about.
 *
 * What is left to do then may need locks that somebody holds in a page fault,
 * for as long as user space likes. Those who destroy hold locks themselves, for
 * example VFIO's, and cannot wait for that. They try for a second, and leave
 * the rest to a worker, which tries again from time to time. It does not wait
 * either, as a task that waits too long is reported.
 */
#include "object_destroy.h"

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "context.h"
#include "object.h"

/*
 * How long DESTROY waits for others to finish what they do with the object. A
 * map may wait for memory to migrate, so this is generous; a fatal signal ends
 * the wait.
 */
#define SHORTTERM_TIMEOUT (60 * HZ)

/* How often what could not be destroyed at once is tried again. */
#define LATER_INTERVAL (HZ / 4)

static struct workqueue_struct *later_queue;

/**
 * iommufd_object_init() - Get ready to destroy objects
 *
 * Context: once, when the module is loaded.
 * Return: 0; -ENOMEM.
 */
int iommufd_object_init(void)
{
	later_queue = alloc_workqueue("iommufd", WQ_UNBOUND, 0);
	return later_queue ? 0 : -ENOMEM;
}

/**
 * iommufd_object_exit() - Undo iommufd_object_init()
 *
 * Context: there are no contexts any more.
 */
void iommufd_object_exit(void)
{
	destroy_workqueue(later_queue);
}

static bool object_retire(struct iommufd_object *object)
{
	return !object->ops->retire || object->ops->retire(object);
}

static void object_free(struct iommufd_object *object)
{
	object->ops->destroy(object);
	xa_erase(&object->ictx->objects, object->id);
	kfree(object);
}

/*
 * Destroy a dying object, or find that it is in use again. False if it can be
 * neither yet; else it may not be touched any more.
 */
static bool object_end(struct iommufd_object *object)
{
	struct iommufd_ctx *ictx = object->ictx;
	bool hidden, used;

	xa_lock(&ictx->objects);
	hidden = iommufd_object_try_hide(object);
	used = !hidden && iommufd_object_used(object);
	if (used)
		WRITE_ONCE(object->dying, false);
	xa_unlock(&ictx->objects);
	if (!hidden || !object_retire(object))
		return used;
	object_free(object);
	return true;
}

static void object_end_work(struct work_struct *work)
{
	struct iommufd_object *object =
		container_of(to_delayed_work(work), struct iommufd_object,
			     later);
	struct file *file = object->ictx->file;

	if (object_end(object))
		fput(file);
	else
		queue_delayed_work(later_queue, &object->later, LATER_INTERVAL);
}

/* Whoever gets here holds the context, so its file is not closing yet. */
static void object_end_later(struct iommufd_object *object)
{
	get_file(object->ictx->file);
	INIT_DELAYED_WORK(&object->later, object_end_work);
	queue_delayed_work(later_queue, &object->later, LATER_INTERVAL);
}

/* End a dying object within about a second, or later. */
static void object_end_soon(struct iommufd_object *object)
{
	unsigned int delay;

	for (delay = 1; delay < HZ; delay *= 2) {
		if (object_end(object))
			return;
		schedule_timeout_uninterruptible(delay);
	}
	object_end_later(object);
}

/**
 * iommufd_object_abort_complete() - Take apart an object that nobody has seen
 * @object: of iommufd_object_alloc(), never published, complete enough for the
 *          operations of its type
 *
 * One that cannot be undone at once goes later.
 *
 * Context: may sleep, never needs memory; may be called with locks held that
 * &iommufd_object_ops.retire needs.
 */
void iommufd_object_abort_complete(struct iommufd_object *object)
{
	might_sleep();

	if (object_retire(object)) {
		object_free(object);
		return;
	}
	object->dying = true;
	object_end_later(object);
}

/* May the wait for nobody to use a dying object end? */
static bool object_decided(struct iommufd_object *object)
{
	bool decided;

	xa_lock(&object->ictx->objects);
	decided = iommufd_object_try_hide(object) ||
		  iommufd_object_used(object);
	xa_unlock(&object->ictx->objects);
	return decided;
}

/* Wait until nobody uses a dying object; else it lives on. */
static int object_wait_unused(struct iommufd_object *object)
{
	struct iommufd_ctx *ictx = object->ictx;
	bool later = false;
	long left;
	int rc = 0;

	left = wait_event_killable_timeout(ictx->destroy_wait,
					   object_decided(object),
					   SHORTTERM_TIMEOUT);
	xa_lock(&ictx->objects);
	if (!iommufd_object_hidden(object)) {
		/* What nobody owns any more is somebody's to end. */
		later = object->unowned && !iommufd_object_used(object);
		WRITE_ONCE(object->dying, later);
		rc = left < 0 ? -EINTR : -EBUSY;
	}
	xa_unlock(&ictx->objects);
	if (later)
		object_end_later(object);
	return rc;
}

/**
 * iommufd_object_destroy_id() - Destroy what user space names
 * @ictx: context
 * @id: from user space
 *
 * Others find and use the object until nobody does any more; only from then on
 * it is gone. Then this succeeds, even if a part of the work is left for later.
 *
 * Context: may sleep.
 * Return: 0; -ENOENT if there is no such object; -EBUSY if others depend on
 * it, a driver owns it, another thread is about to destroy it, or others do not
 * finish with it in time; -EINTR on a fatal signal while waiting for those.
 */
int iommufd_object_destroy_id(struct iommufd_ctx *ictx, u32 id)
{
	struct iommufd_object *object;
	int rc = 0;

	might_sleep();

	xa_lock(&ictx->objects);
	object = xa_load(&ictx->objects, id);
	if (!object)
		rc = -ENOENT;
	else if (object->ops->driver_owned || object->dying ||
		 iommufd_object_used(object))
		rc = -EBUSY;
	else
		WRITE_ONCE(object->dying, true);
	xa_unlock(&ictx->objects);
	if (!rc)
		rc = object_wait_unused(object);
	if (!rc)
		object_end_soon(object);
	return rc;
}

/* Begin to destroy an object if nobody uses it; true if the caller has to. */
static bool object_begin_end(struct iommufd_object *object)
	__must_hold(&object->ictx->objects.xa_lock)
{
	lockdep_assert_held(&object->ictx->objects.xa_lock);

	if (object->dying || iommufd_object_used(object))
		return false;
	WRITE_ONCE(object->dying, true);
	return true;
}

/**
 * iommufd_object_unuse() - End iommufd_object_use()
 * @object: not freed by this; but if nobody owns it, it goes soon
 *
 * Context: process context; the caller may hold locks that destroying the object
 * needs.
 */
void iommufd_object_unuse(struct iommufd_object *object)
{
	struct xarray *objects = &object->ictx->objects;
	bool last;

	xa_lock(objects);
	refcount_dec(&object->users);
	last = object->unowned && object_begin_end(object);
	xa_unlock(objects);
	/* Else it may be gone by now. */
	if (last)
		object_end_later(object);
}

static void object_unuse_destroy(struct iommufd_object *object, bool disown)
{
	struct xarray *objects = &object->ictx->objects;
	bool last;

	might_sleep();

	xa_lock(objects);
	refcount_dec(&object->users);
	object->unowned |= disown;
	last = object_begin_end(object);
	xa_unlock(objects);
	if (last)
		object_end_soon(object);
}

/**
 * iommufd_object_unuse_destroy() - End a use, and the object with the last one
 * @object: that the caller got with iommufd_object_use(); all its users end
 *          their use in this way
 *
 * An object that somebody is just looking at survives if that turns into a
 * new use.
 *
 * Context: may sleep, for about a second if it has to wait for others; what
 * takes longer is done later. Holds no lock that a user of the object may want.
 */
void iommufd_object_unuse_destroy(struct iommufd_object *object)
{
	object_unuse_destroy(object, false);
}

/**
 * iommufd_object_disown() - End a use, and the object as soon as it is unused
 * @object: that the caller got with iommufd_object_use()
 *
 * For an object that other objects may still use which are on their way out,
 * or that the program has built.
 *
 * Context: as iommufd_object_unuse_destroy().
 */
void iommufd_object_disown(struct iommufd_object *object)
{
	object_unuse_destroy(object, true);
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

	might_sleep();

	xa_lock(&ictx->objects);
	iommufd_object_hide(object);
	xa_unlock(&ictx->objects);
	wait_event(ictx->destroy_wait, iommufd_object_idle(object));
	WARN_ON_ONCE(refcount_read(&object->users) != 1);
	/* Such objects have nothing that could take long. */
	WARN_ON_ONCE(object->ops->retire);
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

	might_sleep();

	/* All go now, in their order. */
	xa_for_each(&ictx->objects, id, object)
		object->unowned = false;
	for (type = IOMMUFD_OBJ_ANY + 1; type < IOMMUFD_OBJ_TYPES; type++)
		xa_for_each(&ictx->objects, id, object) {
			if (object->ops->type != type)
				continue;
			WARN_ON_ONCE(refcount_read(&object->users) != 1);
			/* Nobody is left who could hold a lock for long. */
			while (!object_retire(object))
				schedule_timeout_uninterruptible(1);
			object_free(object);
			cond_resched();
		}
	WARN_ON_ONCE(!xa_empty(&ictx->objects));
}

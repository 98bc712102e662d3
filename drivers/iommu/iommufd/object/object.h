/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_OBJECT_H
#define __IOMMUFD_OBJECT_H

#include <asm/barrier.h>
#include <linux/container_of.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "object_type.h"

struct iommufd_ctx;

struct iommufd_object;

/**
 * struct iommufd_object_ops - What the object layer asks of a type
 * @type: the type these operations serve
 * @retire: gives up all that takes a lock which somebody may hold for as long
 *          as user space likes. It only tries such locks. Returns false if it
 *          could not have one, and is called again then. Before @destroy,
 *          under the same conditions. NULL for types that need no such lock.
 * @destroy: takes the object apart; called once, when nobody can find the
 *           object and nobody uses it. May sleep, must not fail and must not
 *           need memory. The object's memory is freed by the caller.
 * @driver_owned: user space cannot destroy such objects, DESTROY gives -EBUSY
 */
struct iommufd_object_ops {
	enum iommufd_object_type type;
	bool (*retire)(struct iommufd_object *object);
	void (*destroy)(struct iommufd_object *object);
	bool driver_owned;
};

/**
 * struct iommufd_object - First member of everything that has an id
 * @ops: the type; constant
 * @ictx: the context that the id belongs to; constant
 * @id: index into &iommufd_ctx.objects; constant
 * @users: one for existing, and one for each object or driver that depends on
 *         this one for longer than a call. Rises from one only while a
 *         @shortterm_users reference or a lock of the owner keeps the object
 *         from being destroyed.
 * @shortterm_users: one for existing, and one for each call that looked the
 *                   object up; those go away by themselves and are waited for
 * @dying: somebody is about to destroy the object as soon as nobody uses it;
 *         changed under the lock of &iommufd_ctx.objects. May be read without
 *         it by whoever has a reference
 * @unowned: nobody is going to destroy the object, so it goes with its last
 *           user; the lock of &iommufd_ctx.objects
 * @later: destroys the object if that could not be done at once
 */
struct iommufd_object {
	const struct iommufd_object_ops *ops;
	struct iommufd_ctx *ictx;
	u32 id;
	refcount_t users;
	refcount_t shortterm_users;
	bool dying;
	bool unowned;
	struct delayed_work later;
};

void *iommufd_object_alloc_size(struct iommufd_ctx *ictx, size_t size,
				const struct iommufd_object_ops *ops);

/**
 * iommufd_object_alloc() - Allocate a zeroed object and reserve its id
 * @ictx: context
 * @ptr: variable of the type to allocate
 * @member: name of its struct iommufd_object, which has to come first
 * @ops: operations of the type
 *
 * The id cannot be looked up before iommufd_object_publish().
 *
 * Context: sleeps.
 * Return: the object; ERR_PTR(-ENOMEM) without memory or without a free id.
 */
#define iommufd_object_alloc(ictx, ptr, member, ops)                         \
	({                                                                   \
		static_assert(offsetof(typeof(*(ptr)), member) == 0);        \
		(typeof(ptr))iommufd_object_alloc_size((ictx), sizeof(*(ptr)), \
						       (ops));               \
	})

void iommufd_object_publish(struct iommufd_object *object);
void iommufd_object_publish_locked(struct iommufd_object *object);
void iommufd_object_abort(struct iommufd_object *object);
struct iommufd_object *iommufd_object_get(struct iommufd_ctx *ictx, u32 id,
					  enum iommufd_object_type type);
struct iommufd_object *iommufd_object_get_from(struct iommufd_ctx *ictx,
					       unsigned long *id,
					       enum iommufd_object_type type);
void iommufd_object_count(struct iommufd_ctx *ictx,
			  unsigned long counts[IOMMUFD_OBJ_TYPES]);
void iommufd_object_put(struct iommufd_object *object);
void iommufd_object_hide(struct iommufd_object *object);
bool iommufd_object_hidden(struct iommufd_object *object);
bool iommufd_object_try_hide(struct iommufd_object *object);

/**
 * iommufd_object_use() - Depend on an object for longer than this call
 * @object: one that the caller keeps alive by a short-term reference or a lock
 *
 * Context: any.
 */
static inline void iommufd_object_use(struct iommufd_object *object)
{
	refcount_inc(&object->users);
}

/**
 * iommufd_object_used() - Does another object or a driver depend on an object?
 * @object: that is not freed meanwhile
 *
 * Context: any. "No" stays true under the lock of &iommufd_ctx.objects if the
 * object is idle as well, and for one that is hidden.
 * Return: whether somebody does. If not, what they did to it can be seen.
 */
static inline bool iommufd_object_used(const struct iommufd_object *object)
{
	if (refcount_read(&object->users) != 1)
		return true;
	/* Pairs with iommufd_object_unuse(). */
	smp_acquire__after_ctrl_dep();
	return false;
}

/**
 * iommufd_object_idle() - Is there no call that has looked an object up?
 * @object: that is not freed meanwhile
 *
 * Context: any. "Yes" stays true under the lock of &iommufd_ctx.objects, and
 * for an object that is hidden.
 * Return: whether there is none. If so, what calls did to it can be seen.
 */
static inline bool iommufd_object_idle(const struct iommufd_object *object)
{
	if (refcount_read(&object->shortterm_users) != 1)
		return false;
	/* Pairs with refcount_dec() in iommufd_object_put(). */
	smp_acquire__after_ctrl_dep();
	return true;
}

#endif

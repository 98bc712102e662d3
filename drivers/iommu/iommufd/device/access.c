// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * In-kernel access to mapped memory, for devices that a driver emulates. See
 * include/linux/iommufd.h for the interface.
 *
 * Leaving an IOAS takes four steps. New pins and copies stop, and those that
 * have begun are waited for. So are threads that are just asking the driver for
 * something. The driver is asked to unpin what it has pinned, which it can still
 * do. Then the IOAS forgets the access. What the driver is asked for runs without
 * a lock that pinning or unpinning takes.
 */
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/iommufd.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/slab.h>

#include "iopt/io_pagetable.h"
#include "iopt/iopt_access.h"
#include "iopt/iopt_pin.h"
#include "object/ioas.h"
#include "object/object.h"
#include "object/object_destroy.h"

/**
 * struct access_attachment - An access and the IOAS that it acts on
 * @member: of the io_pagetable of @ioas
 * @access: the access; constant
 * @ioas: in use; constant
 */
struct access_attachment {
	struct iopt_access member;
	struct iommufd_access *access;
	struct iommufd_ioas *ioas;
};

/**
 * struct iommufd_access - An in-kernel user of memory
 * @object: its id
 * @ops: what the driver provides; constant
 * @data: for @ops; constant
 * @mutex: serialises attach, replace and detach. Held when the driver is asked
 *         to unpin, so it must not call those from there.
 * @rwsem: protects @attached and @unpin_from; held for read while something is
 *         pinned or copied, never while the driver is asked. They change under
 *         @mutex as well, so to look at them takes one of both
 * @attached: where to pin and copy, NULL while not attached
 * @unpin_from: where to unpin; differs from @attached while leaving
 */
struct iommufd_access {
	struct iommufd_object object;
	const struct iommufd_access_ops *ops;
	void *data;
	struct mutex mutex;
	struct rw_semaphore rwsem;
	struct access_attachment *attached;
	struct access_attachment *unpin_from;
};

static void access_unmap(struct iopt_access *member, unsigned long iova,
			 unsigned long length)
{
	struct iommufd_access *access =
		container_of(member, struct access_attachment, member)->access;

	access->ops->unmap(access->data, iova, length);
}

static struct access_attachment *attachment_create(struct iommufd_access *access,
						   struct iommufd_ioas *ioas)
{
	struct access_attachment *attachment;
	int rc;

	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL_ACCOUNT);
	if (!attachment)
		return ERR_PTR(-ENOMEM);
	attachment->access = access;
	attachment->ioas = ioas;
	attachment->member.unmap = access->ops->unmap ? access_unmap : NULL;
	attachment->member.alignment = access->ops->needs_pin_pages ? PAGE_SIZE :
								      1;
	rc = iopt_add_access(&ioas->iopt, &attachment->member);
	if (rc) {
		kfree(attachment);
		return ERR_PTR(rc);
	}
	iommufd_object_use(&ioas->object);
	return attachment;
}

static struct access_attachment *attachment_create_id(struct iommufd_access *access,
						      u32 ioas_id)
{
	struct access_attachment *attachment;
	struct iommufd_object *object;

	object = iommufd_object_get(access->object.ictx, ioas_id,
				    IOMMUFD_OBJ_IOAS);
	if (IS_ERR(object))
		return ERR_CAST(object);
	attachment = attachment_create(access, iommufd_ioas_from(object));
	iommufd_object_put(object);
	return attachment;
}

static void attachment_destroy(struct access_attachment *attachment)
{
	struct iommufd_ioas *ioas = attachment->ioas;

	iopt_remove_access(&ioas->iopt, &attachment->member);
	iommufd_object_unuse(&ioas->object);
	kfree(attachment);
}

static void access_enter(struct iommufd_access *access,
			 struct access_attachment *attachment)
{
	guard(rwsem_write)(&access->rwsem);
	access->attached = attachment;
	access->unpin_from = attachment;
}

/* No pin and no copy begins from here on. */
static struct access_attachment *access_stop(struct iommufd_access *access)
{
	struct access_attachment *attachment = access->attached;

	lockdep_assert_held_write(&access->rwsem);

	access->attached = NULL;
	return attachment;
}

static void access_leave(struct iommufd_access *access,
			 struct access_attachment *attachment)
{
	lockdep_assert_held(&access->mutex);

	/* Whoever is just asking the driver may be the one to unpin. */
	iopt_retire_access(&attachment->ioas->iopt, &attachment->member);
	iopt_evict_access(&attachment->ioas->iopt, &attachment->member);
	down_write(&access->rwsem);
	access->unpin_from = NULL;
	up_write(&access->rwsem);
	/* Nobody could be asked for these any more. */
	WARN_ON_ONCE(atomic_long_read(&attachment->member.npinned));
	attachment_destroy(attachment);
}

static void access_destroy_object(struct iommufd_object *object)
{
	struct iommufd_access *access =
		container_of(object, struct iommufd_access, object);

	mutex_destroy(&access->mutex);
}

static const struct iommufd_object_ops access_ops = {
	.type = IOMMUFD_OBJ_ACCESS,
	.destroy = access_destroy_object,
	.driver_owned = true,
};

static struct iommufd_access *access_alloc(struct iommufd_ctx *ictx)
{
	struct iommufd_access *access;

	access = iommufd_object_alloc(ictx, access, object, &access_ops);
	if (IS_ERR(access))
		return access;
	mutex_init(&access->mutex);
	init_rwsem(&access->rwsem);
	iommufd_ctx_get(ictx);
	return access;
}

struct iommufd_access *
iommufd_access_create(struct iommufd_ctx *ictx,
		      const struct iommufd_access_ops *ops, void *data, u32 *id)
{
	/* Without the operation nobody could be asked to unpin. */
	bool can_pin = ops->unmap || !ops->needs_pin_pages;
	struct iommufd_access *access;

	access = can_pin ? access_alloc(ictx) : ERR_PTR(-EINVAL);
	if (IS_ERR(access))
		return access;
	access->ops = ops;
	access->data = data;
	*id = access->object.id;
	iommufd_object_publish(&access->object);
	return access;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_create, IOMMUFD);

void iommufd_access_destroy(struct iommufd_access *access)
{
	struct iommufd_ctx *ictx = access->object.ictx;

	iommufd_access_detach(access);
	iommufd_object_destroy_owned(&access->object);
	iommufd_ctx_put(ictx);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_destroy, IOMMUFD);

int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id)
{
	struct access_attachment *attachment;

	int rc = 0;

	if (mutex_lock_killable(&access->mutex))
		return -EINTR;
	attachment = access->attached ? ERR_PTR(-EINVAL) :
					attachment_create_id(access, ioas_id);
	if (IS_ERR(attachment))
		rc = PTR_ERR(attachment);
	else
		access_enter(access, attachment);
	mutex_unlock(&access->mutex);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_attach, IOMMUFD);

static int access_replace_locked(struct iommufd_access *access, u32 ioas_id)
{
	struct access_attachment *attachment, *old;

	if (!access->attached)
		return -ENOENT;
	/* First what can fail. */
	attachment = attachment_create_id(access, ioas_id);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	if (attachment->ioas == access->attached->ioas) {
		attachment_destroy(attachment);
		return 0;
	}
	if (down_write_killable(&access->rwsem)) {
		attachment_destroy(attachment);
		return -EINTR;
	}
	old = access_stop(access);
	up_write(&access->rwsem);
	access_leave(access, old);
	access_enter(access, attachment);
	return 0;
}

int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id)
{
	int rc;

	if (mutex_lock_killable(&access->mutex))
		return -EINTR;
	rc = access_replace_locked(access, ioas_id);
	mutex_unlock(&access->mutex);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_replace, IOMMUFD);

void iommufd_access_detach(struct iommufd_access *access)
{
	struct access_attachment *attachment;

	guard(mutex)(&access->mutex);
	down_write(&access->rwsem);
	attachment = access_stop(access);
	up_write(&access->rwsem);
	if (attachment)
		access_leave(access, attachment);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_detach, IOMMUFD);

static int check_range(unsigned long iova, unsigned long length)
{
	if (!length)
		return -EINVAL;
	return iova + (length - 1) < iova ? -EOVERFLOW : 0;
}

static unsigned long iova_npages(unsigned long iova, unsigned long length)
{
	return (iova + (length - 1)) / PAGE_SIZE - iova / PAGE_SIZE + 1;
}

int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages,
			     unsigned int flags)
{
	unsigned int pin = flags & IOMMUFD_ACCESS_RW_WRITE ? IOPT_PIN_WRITE : 0;
	unsigned long npages = iova_npages(iova, length);
	struct access_attachment *attachment;
	int rc;

	if (flags & ~IOMMUFD_ACCESS_RW_WRITE)
		return -EOPNOTSUPP;
	if (!access->ops->needs_pin_pages)
		return -EINVAL;
	guard(rwsem_read)(&access->rwsem);
	attachment = access->attached;
	if (!attachment)
		return -ENOENT;
	rc = check_range(iova, length);
	if (rc)
		return rc;
	/* First, so that whoever finds a page pinned finds somebody to ask. */
	atomic_long_add(npages, &attachment->member.npinned);
	rc = iopt_pin_pages(&attachment->ioas->iopt, iova, length, out_pages,
			    pin);
	if (rc)
		atomic_long_sub(npages, &attachment->member.npinned);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_pin_pages, IOMMUFD);

void iommufd_access_unpin_pages(struct iommufd_access *access,
				unsigned long iova, unsigned long length)
{
	struct access_attachment *attachment;
	struct io_pagetable *iopt;

	guard(rwsem_read)(&access->rwsem);
	attachment = access->unpin_from;
	if (WARN_ON_ONCE(!attachment || check_range(iova, length)))
		return;
	/* Pages that this driver has not pinned may be those of another one. */
	if (WARN_ON_ONCE(iova_npages(iova, length) >
			 atomic_long_read(&attachment->member.npinned)))
		return;
	iopt = &attachment->ioas->iopt;
	iopt_note_unpinned(iopt, &attachment->member,
			   iopt_unpin_pages(iopt, iova, length));
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_unpin_pages, IOMMUFD);

int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t len, unsigned int flags)
{
	int rc;

	if (flags & ~(IOMMUFD_ACCESS_RW_WRITE | IOMMUFD_ACCESS_RW_KTHREAD |
		      __IOMMUFD_ACCESS_RW_SLOW_PATH))
		return -EOPNOTSUPP;
	guard(rwsem_read)(&access->rwsem);
	if (!access->attached)
		return -ENOENT;
	rc = check_range(iova, len);
	return rc ?: iopt_rw(&access->attached->ioas->iopt, iova, data, len,
			     flags);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_rw, IOMMUFD);

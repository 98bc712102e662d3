// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The ioctls of an IOAS.
 */
#include "ioas.h"

#include <linux/iommu.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "context.h"
#include "ioctl.h"
#include "iopt/iopt_iova.h"
#include "iopt/iopt_map.h"
#include "iopt/iopt_unmap.h"

/* Ranges that are copied from user space at a time. */
#define RANGES_STEP 32

static void iommufd_ioas_destroy(struct iommufd_object *object)
{
	struct iommufd_ioas *ioas = iommufd_ioas_from(object);
	unsigned long unmapped;

	xa_lock(&object->ictx->objects);
	if (object->ictx->vfio_ioas == ioas)
		object->ictx->vfio_ioas = NULL;
	xa_unlock(&object->ictx->objects);
	WARN_ON_ONCE(!list_empty(&ioas->hwpt_list));
	/* Nobody uses it, so there is nobody to wait for. */
	WARN_ON_ONCE(iopt_unmap_all(&ioas->iopt, &unmapped));
	iopt_destroy(&ioas->iopt);
	mutex_destroy(&ioas->mutex);
}

static const struct iommufd_object_ops iommufd_ioas_ops = {
	.type = IOMMUFD_OBJ_IOAS,
	.destroy = iommufd_ioas_destroy,
};

static struct iommufd_ioas *ioas_get(struct iommufd_call *call, u32 id)
{
	struct iommufd_object *object =
		iommufd_object_get(call->ictx, id, IOMMUFD_OBJ_IOAS);

	return IS_ERR(object) ? ERR_CAST(object) : iommufd_ioas_from(object);
}

static void ioas_put(struct iommufd_ioas *ioas)
{
	iommufd_object_put(&ioas->object);
}

/**
 * iommufd_ioas_create() - Make an empty IOAS
 * @ictx: context
 *
 * The caller publishes or aborts its object.
 *
 * Context: may sleep.
 * Return: the IOAS; ERR_PTR(-ENOMEM).
 */
struct iommufd_ioas *iommufd_ioas_create(struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *ioas;

	ioas = iommufd_object_alloc(ictx, ioas, object, &iommufd_ioas_ops);
	if (IS_ERR(ioas))
		return ioas;
	iopt_init(&ioas->iopt);
	ioas->iopt.context = ictx->number;
	ioas->iopt.id = ioas->object.id;
	if (ictx->as_container)
		ioas->iopt.areas_left = &ictx->areas_left;
	mutex_init(&ioas->mutex);
	INIT_LIST_HEAD(&ioas->hwpt_list);
	return ioas;
}

/**
 * iommufd_ioas_alloc() - ioctl(IOMMU_IOAS_ALLOC)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context.
 * Return: 0; -EOPNOTSUPP for flags; -ENOMEM; -EFAULT if the id cannot be told.
 */
int iommufd_ioas_alloc(struct iommufd_call *call, struct iommu_ioas_alloc *cmd)
{
	struct iommufd_ioas *ioas;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	ioas = iommufd_ioas_create(call->ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	cmd->out_ioas_id = ioas->object.id;
	rc = iommufd_call_reply(call, cmd, sizeof(*cmd));
	if (rc)
		iommufd_object_abort(&ioas->object);
	else
		iommufd_object_publish(&ioas->object);
	return rc;
}

static int allowed_add(struct iova_ranges *ranges,
		       const struct iommu_iova_range *range)
{
	if (range->start >= range->last)
		return -EINVAL;
	if (range->last > ULONG_MAX)
		return -EOVERFLOW;
	if (iova_ranges_overlap(ranges, range->start, range->last))
		return -EINVAL;
	return iova_ranges_add(ranges, range->start, range->last, NULL);
}

static int allowed_read(struct iova_ranges *ranges,
			struct iommu_iova_range __user *from, u32 count)
{
	struct iommu_iova_range buffer[RANGES_STEP];
	u32 i;

	while (count) {
		u32 step = min_t(u32, count, RANGES_STEP);

		if (fatal_signal_pending(current))
			return -EINTR;
		if (copy_from_user(buffer, from, step * sizeof(*buffer)))
			return -EFAULT;
		for (i = 0; i < step; i++) {
			int rc = allowed_add(ranges, &buffer[i]);

			if (rc)
				return rc;
		}
		from += step;
		count -= step;
		cond_resched();
	}
	return 0;
}

/**
 * iommufd_ioas_allow_iovas() - ioctl(IOMMU_IOAS_ALLOW_IOVAS)
 * @call: the ioctl
 * @cmd: its structure
 *
 * The new list replaces the old one as a whole or not at all.
 *
 * Context: process context.
 * Return: 0; -EOPNOTSUPP for a reserved field; -ENOENT without such an IOAS;
 * -EFAULT if the list cannot be read; -EINVAL if a range ends before or where
 * it begins, or overlaps another; -EOVERFLOW if it, or the list, is beyond what
 * this kernel can address; -EADDRINUSE if a range is reserved; -ENOMEM; -EINTR
 * on a fatal signal.
 */
int iommufd_ioas_allow_iovas(struct iommufd_call *call,
			     struct iommu_ioas_allow_iovas *cmd)
{
	struct iova_ranges ranges;
	struct iommufd_ioas *ioas;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->allowed_iovas > ULONG_MAX)
		return -EOVERFLOW;
	ioas = ioas_get(call, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	iova_ranges_init(&ranges);
	rc = allowed_read(&ranges, u64_to_user_ptr(cmd->allowed_iovas),
			  cmd->num_iovas);
	if (!rc)
		rc = iopt_set_allowed(&ioas->iopt, &ranges);
	ioas_put(ioas);
	iova_ranges_destroy(&ranges);
	return rc;
}

/**
 * iommufd_ioas_snapshot() - List the IOVA that areas may use, at one moment
 * @ioas: the IOAS
 * @count: receives the number of ranges
 * @alignment: receives what start and length of an area have to be a multiple
 *             of, bytes
 *
 * Context: may sleep.
 * Return: the ranges, ascending, to be freed with kvfree(), NULL if there is
 * none; ERR_PTR(-ENOMEM).
 */
struct iommu_iova_range *iommufd_ioas_snapshot(struct iommufd_ioas *ioas,
					       size_t *count,
					       unsigned long *alignment)
{
	struct iommu_iova_range *ranges = NULL;
	size_t capacity = 0;

	/* The number of ranges may change between two looks, so look again. */
	for (;;) {
		*count = iopt_usable_ranges(&ioas->iopt, ranges, capacity,
					    alignment);
		if (*count <= capacity)
			return ranges;
		kvfree(ranges);
		capacity = *count;
		ranges = kvcalloc(capacity, sizeof(*ranges),
				  GFP_KERNEL_ACCOUNT);
		if (!ranges)
			return ERR_PTR(-ENOMEM);
	}
}

/**
 * iommufd_ioas_iova_ranges() - ioctl(IOMMU_IOAS_IOVA_RANGES)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context. Touches user memory without a lock held, where a
 * page fault may take as long as user space likes.
 * Return: 0; -EOPNOTSUPP for a reserved field; -ENOENT without such an IOAS;
 * -EMSGSIZE if there are more ranges than the caller has room for, with their
 * number told; -EFAULT; -EOVERFLOW if the list is beyond what this kernel can
 * address; -ENOMEM.
 */
int iommufd_ioas_iova_ranges(struct iommufd_call *call,
			     struct iommu_ioas_iova_ranges *cmd)
{
	struct iommu_iova_range *ranges;
	struct iommufd_ioas *ioas;
	unsigned long alignment;
	u32 room = cmd->num_iovas;
	size_t count;
	int rc = 0;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->allowed_iovas > ULONG_MAX)
		return -EOVERFLOW;
	ioas = ioas_get(call, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	ranges = iommufd_ioas_snapshot(ioas, &count, &alignment);
	ioas_put(ioas);
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);

	if (copy_to_user(u64_to_user_ptr(cmd->allowed_iovas), ranges,
			 min_t(size_t, count, room) * sizeof(*ranges)))
		rc = -EFAULT;
	kvfree(ranges);
	if (rc)
		return rc;
	cmd->num_iovas = count;
	cmd->out_iova_alignment = alignment;
	rc = iommufd_call_reply(call, cmd, sizeof(*cmd));
	if (rc)
		return rc;
	return count > room ? -EMSGSIZE : 0;
}

static int ioas_map_flags(u32 flags, int *iommu_prot,
			  unsigned int *iopt_flags)
{
	if (flags & ~(IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE |
		      IOMMU_IOAS_MAP_READABLE))
		return -EOPNOTSUPP;
	/* An IOMMU has no way to say "mapped for nothing". */
	if (!(flags & (IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE)))
		return -EINVAL;
	/* All memory of processes and files is cached. */
	*iommu_prot = IOMMU_CACHE;
	if (flags & IOMMU_IOAS_MAP_WRITEABLE)
		*iommu_prot |= IOMMU_WRITE;
	if (flags & IOMMU_IOAS_MAP_READABLE)
		*iommu_prot |= IOMMU_READ;
	*iopt_flags = flags & IOMMU_IOAS_MAP_FIXED_IOVA ? IOPT_MAP_FIXED : 0;
	return 0;
}

/* What MAP and COPY do alike: the areas are added between begin and end. */
struct ioas_mapping {
	struct iopt_mapping mapping;
	struct iommufd_ioas *ioas;
};

static int ioas_mapping_begin(struct ioas_mapping *to,
			      struct iommufd_call *call, u32 ioas_id,
			      u32 flags, u64 iova, u64 length)
{
	unsigned int iopt_flags;
	int prot, rc;

	rc = ioas_map_flags(flags, &prot, &iopt_flags);
	if (rc)
		return rc;
	if (length > ULONG_MAX || (iopt_flags && iova > ULONG_MAX))
		return -EOVERFLOW;
	to->ioas = ioas_get(call, ioas_id);
	if (IS_ERR(to->ioas))
		return PTR_ERR(to->ioas);
	iopt_mapping_init(&to->mapping, &to->ioas->iopt, prot, iopt_flags);
	to->mapping.iova = iova;
	return 0;
}

/*
 * The answer is written before anybody else can use the areas, so that failing
 * to write it can still be undone. @out_iova is the member of @cmd for it.
 */
static int ioas_mapping_end(struct ioas_mapping *to, struct iommufd_call *call,
			    const void *cmd, __u64 *out_iova, int rc)
{
	if (!rc)
		rc = iopt_mapping_prepare(&to->mapping);
	if (!rc) {
		*out_iova = to->mapping.iova;
		rc = iommufd_call_reply_u64(call, cmd, out_iova);
	}
	iopt_mapping_end(&to->mapping, rc);
	ioas_put(to->ioas);
	return rc;
}

/**
 * iommufd_ioas_map() - ioctl(IOMMU_IOAS_MAP)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context.
 * Return: 0; -EOPNOTSUPP for flags or a reserved field; -EINVAL without READ
 * and WRITE; -EOVERFLOW for numbers beyond what this kernel can address;
 * -ENOENT without such an IOAS; else as iopt_mapping_add_user() and
 * iopt_mapping_prepare(); -EFAULT if the IOVA cannot be
 * told. On failure nothing is mapped.
 */
int iommufd_ioas_map(struct iommufd_call *call, struct iommu_ioas_map *cmd)
{
	struct ioas_mapping to;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->user_va > ULONG_MAX)
		return -EOVERFLOW;
	rc = ioas_mapping_begin(&to, call, cmd->ioas_id, cmd->flags, cmd->iova,
				cmd->length);
	if (rc)
		return rc;
	rc = iopt_mapping_add_user(&to.mapping, cmd->user_va, cmd->length,
				   &call->ictx->account);
	return ioas_mapping_end(&to, call, cmd, &cmd->iova, rc);
}

/**
 * iommufd_ioas_map_file() - ioctl(IOMMU_IOAS_MAP_FILE)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context.
 * Return: as iommufd_ioas_map(), with iopt_mapping_add_file() in place of
 * iopt_mapping_add_user().
 */
int iommufd_ioas_map_file(struct iommufd_call *call,
			  struct iommu_ioas_map_file *cmd)
{
	struct ioas_mapping to;
	int rc;

	if (cmd->start > ULONG_MAX)
		return -EOVERFLOW;
	rc = ioas_mapping_begin(&to, call, cmd->ioas_id, cmd->flags, cmd->iova,
				cmd->length);
	if (rc)
		return rc;
	rc = iopt_mapping_add_file(&to.mapping, cmd->fd, cmd->start,
				   cmd->length, &call->ictx->account);
	return ioas_mapping_end(&to, call, cmd, &cmd->iova, rc);
}

static int ioas_copy_add(struct iopt_mapping *mapping,
			 struct iommufd_call *call,
			 const struct iommu_ioas_copy *cmd)
{
	struct iommufd_ioas *source = ioas_get(call, cmd->src_ioas_id);
	int rc;

	if (IS_ERR(source))
		return PTR_ERR(source);
	rc = iopt_mapping_add_copy(mapping, &source->iopt, cmd->src_iova,
				   cmd->length);
	ioas_put(source);
	return rc;
}

/**
 * iommufd_ioas_copy() - ioctl(IOMMU_IOAS_COPY)
 * @call: the ioctl
 * @cmd: its structure
 *
 * Context: process context.
 * Return: as iommufd_ioas_map(), with iopt_mapping_add_copy() in place of
 * iopt_mapping_add_user().
 */
int iommufd_ioas_copy(struct iommufd_call *call, struct iommu_ioas_copy *cmd)
{
	struct ioas_mapping to;
	int rc;

	if (cmd->src_iova > ULONG_MAX)
		return -EOVERFLOW;
	rc = ioas_mapping_begin(&to, call, cmd->dst_ioas_id, cmd->flags,
				cmd->dst_iova, cmd->length);
	if (rc)
		return rc;
	rc = ioas_copy_add(&to.mapping, call, cmd);
	return ioas_mapping_end(&to, call, cmd, &cmd->dst_iova, rc);
}

static int ioas_unmap_range(struct iommufd_ioas *ioas, u64 iova, u64 length,
			    unsigned long *unmapped)
{
	u64 last;

	if (iova == 0 && length == U64_MAX)
		return iopt_unmap_all(&ioas->iopt, unmapped);
	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last) || last > ULONG_MAX)
		return -EOVERFLOW;
	return iopt_unmap(&ioas->iopt, iova, last, unmapped);
}

/**
 * iommufd_ioas_unmap() - ioctl(IOMMU_IOAS_UNMAP)
 * @call: the ioctl
 * @cmd: its structure
 *
 * What is unmapped stays so if its size cannot be told.
 *
 * Context: process context.
 * Return: 0; -ENOENT without such an IOAS; -EINVAL if the length is 0;
 * -EOVERFLOW if the range wraps; else as iopt_unmap() and iopt_unmap_all();
 * -EFAULT.
 */
int iommufd_ioas_unmap(struct iommufd_call *call, struct iommu_ioas_unmap *cmd)
{
	struct iommufd_ioas *ioas;
	unsigned long unmapped;
	int rc;

	ioas = ioas_get(call, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = ioas_unmap_range(ioas, cmd->iova, cmd->length, &unmapped);
	ioas_put(ioas);
	if (rc)
		return rc;
	cmd->length = unmapped;
	return iommufd_call_reply_u64(call, cmd, &cmd->length);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The ioctls of a VFIO container, as VFIO's own type1 IOMMU driver answers
 * them. They act on the IOAS that vfio_compat.c chooses. On purpose the errno
 * of a request that is wrong in itself is type1's, in type1's order of checks;
 * Documentation/userspace-api/iommufd.rst lists what is different.
 */
#include "vfio_ioctl.h"

#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/limits.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>
#include <uapi/linux/vfio.h>

#include "device/hwpt_paging.h"
#include "iopt/iopt_address.h"
#include "iopt/iopt_iova.h"
#include "iopt/iopt_map.h"
#include "iopt/iopt_unmap.h"
#include "lib/trace.h"
#include "object/context.h"
#include "object/ioas.h"
#include "object/object.h"
#include "vfio_compat.h"
#include "vfio_dirty.h"

/* Sizes of what user space passes, without members that were added later. */
#define INFO_MIN_SIZE offsetofend(struct vfio_iommu_type1_info, iova_pgsizes)
#define MAP_MIN_SIZE offsetofend(struct vfio_iommu_type1_dma_map, size)
#define UNMAP_MIN_SIZE offsetofend(struct vfio_iommu_type1_dma_unmap, size)

#define UNMAP_FLAGS \
	(VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR | \
	 VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)

#define MAP_RIGHTS (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

/*
 * Before a device is attached nobody knows what it will be. One that a driver
 * emulates has no page table, and the CPU does its DMA.
 */
static int ioas_all_enforce_cc(struct iommufd_ioas *ioas)
{
	struct iommufd_hwpt_paging *paging;
	int enforced;

	if (mutex_lock_killable(&ioas->mutex))
		return -EINTR;
	enforced = refcount_read(&ioas->object.users) != 1;
	list_for_each_entry(paging, &ioas->hwpt_list, entry)
		enforced &= paging->enforce_cache_coherency;
	mutex_unlock(&ioas->mutex);
	return enforced;
}

static int container_check_cc(struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *ioas = iommufd_vfio_ioas_get(ictx);
	int rc = 0;

	if (!ioas)
		return 0;
	if (READ_ONCE(ioas->vfio_type))
		rc = ioas_all_enforce_cc(ioas);
	iommufd_object_put(&ioas->object);
	return rc;
}

/* As type1, promise nothing before it is known what the container is for. */
static int container_check_vaddr(struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *ioas = iommufd_vfio_ioas_get(ictx);
	int rc;

	if (!ioas)
		return 0;
	rc = READ_ONCE(ioas->vfio_type) &&
	     iopt_may_invalidate_vaddr(&ioas->iopt);
	iommufd_object_put(&ioas->object);
	return rc;
}

static int container_check_extension(struct iommufd_ctx *ictx,
				     unsigned long extension)
{
	if (iommufd_vfio_no_iommu(ictx))
		return extension == VFIO_NOIOMMU_IOMMU;
	switch (extension) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_UPDATE_VADDR:
		return container_check_vaddr(ictx);
	case VFIO_DMA_CC_IOMMU:
		return container_check_cc(ictx);
	}
	return 0;
}

static int container_check_type(unsigned long type)
{
	switch (type) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
		return 0;
	case VFIO_TYPE1_NESTING_IOMMU:
	case VFIO_UNMAP_ALL:
		/* Type1 knows them, and then that they are no such thing. */
		return -EINVAL;
	}
	return -ENODEV;
}

/*
 * The type is set once, as in type1. But an IOAS that the program chose stays
 * when the container has come to its end, so as long as no device is attached
 * this may be a new start.
 */
static int container_set_type(struct iommufd_ioas *ioas, unsigned long type)
{
	struct iommufd_ctx *ictx = ioas->object.ictx;
	bool attached;
	int rc;

	xa_lock(&ictx->objects);
	attached = refcount_read(&ioas->object.users) != 1;
	if (ioas->vfio_type && (attached || ictx->vfio_ioas_automatic))
		rc = -EINVAL;
	else
		rc = container_check_type(type);
	if (!rc)
		WRITE_ONCE(ioas->vfio_type, type);
	xa_unlock(&ictx->objects);
	return rc;
}

static int container_set_no_iommu(unsigned long type)
{
	if (type != VFIO_NOIOMMU_IOMMU)
		return -ENODEV;
	return capable(CAP_SYS_RAWIO) ? 0 : -EPERM;
}

static int container_set_iommu(struct iommufd_ctx *ictx, unsigned long type)
{
	struct iommufd_ioas *ioas;
	int rc;

	if (iommufd_vfio_no_iommu(ictx))
		return container_set_no_iommu(type);
	/* The first group brings the IOAS. */
	ioas = iommufd_vfio_ioas_get(ictx);
	if (!ioas)
		return ictx->as_container ? -EINVAL : -ENODEV;
	rc = container_set_type(ioas, type);
	/*
	 * No rule here is against huge pages, and type1 has them. But users of
	 * /dev/iommu know v1 to switch the option off, if that can be done.
	 */
	if (!rc && type == VFIO_TYPE1_IOMMU && !ictx->as_container)
		iopt_set_huge_pages(&ioas->iopt, false);
	iommufd_object_put(&ioas->object);
	return rc;
}

/* What VFIO_IOMMU_GET_INFO answers if there is room for all of it. */
struct vfio_answer {
	struct vfio_iommu_type1_info info;
	struct vfio_iommu_type1_info_cap_migration migration;
	struct vfio_iommu_type1_info_dma_avail avail __aligned(8);
	struct vfio_iommu_type1_info_cap_iova_range iova __aligned(8);
};

static void info_fill_header(struct vfio_info_cap_header *header, u16 id,
			     u32 next)
{
	header->id = id;
	header->version = 1;
	header->next = next;
}

/*
 * By the name of /dev/iommu there is no limit to the number of mappings but
 * that their memory is charged to the control group.
 */
static u32 container_mappings_left(struct iommufd_ctx *ictx)
{
	return ictx->as_container ? atomic_long_read(&ictx->areas_left) :
				    U32_MAX;
}

/* As type1, say nothing about IOVA as long as nothing restricts it. */
static bool all_iova(const struct iommu_iova_range *ranges, size_t count)
{
	return count == 1 && !ranges->start && ranges->last == ULONG_MAX;
}

static void info_fill_migration(struct vfio_answer *answer)
{
	struct vfio_iommu_type1_info_cap_migration *cap = &answer->migration;

	info_fill_header(&cap->header, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
			 offsetof(struct vfio_answer, avail));
	/* Bitmaps are of the smallest pages and no others. */
	cap->pgsize_bitmap = BIT(__ffs(answer->info.iova_pgsizes));
	cap->max_dirty_bitmap_size = VFIO_DIRTY_BITMAP_MAX;
}

static struct vfio_answer *container_info_build(struct iommufd_ioas *ioas,
						size_t *size)
{
	struct iommu_iova_range *ranges;
	struct vfio_answer *answer;
	unsigned long alignment;
	size_t count, i;

	ranges = iommufd_ioas_snapshot(ioas, &count, &alignment);
	if (IS_ERR(ranges))
		return ERR_CAST(ranges);
	if (all_iova(ranges, count))
		count = 0;
	*size = count ? struct_size(answer, iova.iova_ranges, count) :
			offsetof(struct vfio_answer, iova);
	answer = kvzalloc(max(*size, sizeof(*answer)), GFP_KERNEL_ACCOUNT);
	if (!answer) {
		kvfree(ranges);
		return ERR_PTR(-ENOMEM);
	}
	answer->info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	answer->info.iova_pgsizes = iopt_page_sizes(&ioas->iopt);
	answer->info.cap_offset = offsetof(struct vfio_answer, migration);
	info_fill_migration(answer);
	info_fill_header(&answer->avail.header, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
			 count ? offsetof(struct vfio_answer, iova) : 0);
	answer->avail.avail = container_mappings_left(ioas->object.ictx);
	info_fill_header(&answer->iova.header,
			 VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 0);
	answer->iova.nr_iovas = count;
	for (i = 0; i < count; i++) {
		answer->iova.iova_ranges[i].start = ranges[i].start;
		answer->iova.iova_ranges[i].end = ranges[i].last;
	}
	kvfree(ranges);
	return answer;
}

/*
 * The handlers are called without an IOAS as well if nobody chose one, and then
 * say so to callers who made no other mistake.
 */
static int container_get_info(struct iommufd_ioas *ioas, void __user *arg)
{
	struct vfio_iommu_type1_info asked;
	struct vfio_answer *answer;
	size_t size;
	int rc;

	if (copy_from_user(&asked, arg, INFO_MIN_SIZE))
		return -EFAULT;
	if (asked.argsz < INFO_MIN_SIZE)
		return -EINVAL;
	if (!ioas)
		return -ENODEV;
	answer = container_info_build(ioas, &size);
	if (IS_ERR(answer))
		return PTR_ERR(answer);
	answer->info.argsz = max_t(size_t, asked.argsz, size);
	if (asked.argsz < size) {
		answer->info.cap_offset = 0;
		size = min_t(size_t, asked.argsz, sizeof(answer->info));
	}
	rc = copy_to_user(arg, answer, size) ? -EFAULT : 0;
	kvfree(answer);
	return rc;
}

static bool range_wraps(u64 start, u64 length)
{
	u64 last;

	return check_add_overflow(start, length - 1, &last) || last > ULONG_MAX;
}

static unsigned long ioas_smallest_page(struct iommufd_ioas *ioas)
{
	return BIT(__ffs(iopt_page_sizes(&ioas->iopt)));
}

static int container_check_map(struct iommufd_ioas *ioas,
			       const struct vfio_iommu_type1_dma_map *map)
{
	bool moves = map->flags & VFIO_DMA_MAP_FLAG_VADDR;

	if (map->argsz < MAP_MIN_SIZE ||
	    (map->flags & ~(MAP_RIGHTS | VFIO_DMA_MAP_FLAG_VADDR)) ||
	    moves == !!(map->flags & MAP_RIGHTS))
		return -EINVAL;
	if (!ioas)
		return -ENODEV;
	if (!map->size || !IS_ALIGNED(map->size | map->iova | map->vaddr,
				      ioas_smallest_page(ioas)))
		return -EINVAL;
	if (range_wraps(map->iova, map->size) ||
	    range_wraps(map->vaddr, map->size))
		return -EINVAL;
	return 0;
}

static int container_map_memory(struct iommufd_ioas *ioas,
				const struct vfio_iommu_type1_dma_map *map)
{
	struct iopt_mapping mapping;
	int prot = IOMMU_CACHE;
	int rc;

	if (map->flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= IOMMU_READ;
	if (map->flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= IOMMU_WRITE;
	iopt_mapping_init(&mapping, &ioas->iopt, prot, IOPT_MAP_FIXED);
	mapping.iova = map->iova;
	rc = iopt_mapping_add_user(&mapping, map->vaddr, map->size,
				   &ioas->object.ictx->account);
	/* It does not wrap, so what is wrong is that no memory can be there. */
	if (rc == -EOVERFLOW)
		rc = -EFAULT;
	if (!rc)
		rc = iopt_mapping_prepare(&mapping);
	iopt_mapping_end(&mapping, rc);
	return rc;
}

static int container_map_dma(struct iommufd_ioas *ioas, void __user *arg)
{
	struct vfio_iommu_type1_dma_map map;
	int rc;

	if (copy_from_user(&map, arg, MAP_MIN_SIZE))
		return -EFAULT;
	rc = container_check_map(ioas, &map);
	if (rc)
		return rc;
	if (map.flags & VFIO_DMA_MAP_FLAG_VADDR)
		return iopt_move(&ioas->iopt, map.iova,
				 map.iova + (map.size - 1), map.vaddr,
				 &ioas->object.ictx->account);
	return container_map_memory(ioas, &map);
}

/* What becomes of the areas, as the flags say. */
static int container_unmap_areas(struct iommufd_ioas *ioas,
				 const struct vfio_iommu_type1_dma_unmap *unmap,
				 unsigned long iova, unsigned long last,
				 const struct vfio_bitmap *bitmap,
				 unsigned long *unmapped)
{
	enum iopt_unmap_rule rule = IOPT_UNMAP_TYPE1_V2;

	if (READ_ONCE(ioas->vfio_type) == VFIO_TYPE1_IOMMU &&
	    !(unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL))
		rule = IOPT_UNMAP_TYPE1_V1;
	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		return iommufd_vfio_unmap_dirty(ioas, iova, last, bitmap,
						unmapped);
	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_VADDR)
		return iopt_invalidate_vaddr(&ioas->iopt, &ioas->mutex, iova,
					     last, rule, unmapped);
	return iopt_unmap_by(&ioas->iopt, iova, last, rule, unmapped);
}

/* Everything is checked before anything changes. */
static int container_unmap(struct iommufd_ioas *ioas,
			   const struct vfio_iommu_type1_dma_unmap *unmap,
			   const struct vfio_bitmap *bitmap,
			   unsigned long *unmapped)
{
	unsigned long iova = unmap->iova;
	unsigned long last = iova + (unmap->size - 1);
	int rc;

	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		if (unmap->iova || unmap->size)
			return -EINVAL;
		last = ULONG_MAX;
	} else if (!unmap->size || range_wraps(unmap->iova, unmap->size) ||
		   !IS_ALIGNED(unmap->iova | unmap->size,
			       ioas_smallest_page(ioas))) {
		return -EINVAL;
	}
	rc = container_unmap_areas(ioas, unmap, iova, last, bitmap, unmapped);
	/* Type1's error for a range that cuts an area; /dev/iommu's is known. */
	if (rc == -ENOENT && ioas->object.ictx->as_container)
		rc = -EINVAL;
	return rc;
}

/* The bitmap follows the request. */
static int unmap_read_bitmap(const struct vfio_iommu_type1_dma_unmap *unmap,
			     const void __user *arg, struct vfio_bitmap *bitmap)
{
	if (unmap->flags != VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP ||
	    unmap->argsz < UNMAP_MIN_SIZE + sizeof(*bitmap))
		return -EINVAL;
	if (copy_from_user(bitmap, arg + UNMAP_MIN_SIZE, sizeof(*bitmap)))
		return -EFAULT;
	return iommufd_vfio_check_bitmap(unmap->size, bitmap);
}

static int container_unmap_dma(struct iommufd_ioas *ioas, void __user *arg)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_bitmap bitmap;
	unsigned long unmapped;
	int rc = 0;

	if (copy_from_user(&unmap, arg, UNMAP_MIN_SIZE))
		return -EFAULT;
	if (unmap.argsz < UNMAP_MIN_SIZE || (unmap.flags & ~UNMAP_FLAGS))
		return -EINVAL;
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		rc = unmap_read_bitmap(&unmap, arg, &bitmap);
	if (rc)
		return rc;
	if (!ioas)
		return -ENODEV;
	if ((unmap.flags & VFIO_DMA_UNMAP_FLAG_VADDR) &&
	    !iopt_may_invalidate_vaddr(&ioas->iopt))
		return iommufd_refuse(-EBUSY, IOMMUFD_REFUSE_DRIVER, 0, 0);
	rc = container_unmap(ioas, &unmap, &bitmap, &unmapped);
	if (rc)
		return rc;
	unmap.size = unmapped;
	return copy_to_user(arg, &unmap, UNMAP_MIN_SIZE) ? -EFAULT : 0;
}

/* What only makes sense after VFIO_SET_IOMMU. */
static int container_call(struct iommufd_ctx *ictx, unsigned long arg,
			  int (*handler)(struct iommufd_ioas *ioas,
					 void __user *arg))
{
	struct iommufd_ioas *ioas;
	int rc = -EINVAL;

	if (iommufd_vfio_no_iommu(ictx))
		return -ENOTTY;
	ioas = iommufd_vfio_ioas_get(ictx);
	/* Type1 is not there yet to look at what is asked for. */
	if (ioas ? READ_ONCE(ioas->vfio_type) : !ictx->as_container)
		rc = handler(ioas, (void __user *)arg);
	if (ioas)
		iommufd_object_put(&ioas->object);
	return rc;
}

/**
 * iommufd_vfio_ioctl() - The ioctls of a VFIO container
 * @ictx: context
 * @cmd: number of the ioctl
 * @arg: its argument
 *
 * Context: process context.
 * Return: what Documentation/userspace-api/iommufd.rst says; -ENOTTY for
 * numbers that are none of a container's.
 */
int iommufd_vfio_ioctl(struct iommufd_ctx *ictx, unsigned int cmd,
		       unsigned long arg)
{
	switch (cmd) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return container_check_extension(ictx, arg);
	case VFIO_SET_IOMMU:
		return container_set_iommu(ictx, arg);
	case VFIO_IOMMU_GET_INFO:
		return container_call(ictx, arg, container_get_info);
	case VFIO_IOMMU_MAP_DMA:
		return container_call(ictx, arg, container_map_dma);
	case VFIO_IOMMU_UNMAP_DMA:
		return container_call(ictx, arg, container_unmap_dma);
	case VFIO_IOMMU_DIRTY_PAGES:
		return container_call(ictx, arg, iommufd_vfio_dirty_pages);
	}
	return -ENOTTY;
}

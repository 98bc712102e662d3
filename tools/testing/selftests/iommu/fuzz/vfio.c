// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of the ioctls of a VFIO container. What is wrong with a request in
 * itself is EINVAL, as it is with VFIO's own type1.
 */
#include "vfio.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ioas.h"
#include "maps.h"
#include "pins.h"
#include "rules.h"
#include "teardown.h"

#define E(name)		FUZZ_ERRNO(name)

static __u32 map_rights(__u32 flags)
{
	__u32 rights = 0;

	if (flags & VFIO_DMA_MAP_FLAG_READ)
		rights |= IOMMU_IOAS_MAP_READABLE;
	if (flags & VFIO_DMA_MAP_FLAG_WRITE)
		rights |= IOMMU_IOAS_MAP_WRITEABLE;
	return rights;
}

static fuzz_errnos map_request_errnos(const struct fuzz_op *op)
{
	__u32 known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	__u64 va = fuzz_op_va(op);

	/* A new address for what is mapped comes alone. */
	if (!op->length || !op->flags ||
	    (op->flags & ~known && op->flags != VFIO_DMA_MAP_FLAG_VADDR))
		return E(EINVAL);
	if ((op->iova | op->length | va) % FUZZ_PAGE)
		return E(EINVAL);
	if (fuzz_wraps(op->iova, op->length) || fuzz_wraps(va, op->length))
		return E(EINVAL);
	if (op->flags == VFIO_DMA_MAP_FLAG_VADDR)
		return 0;
	/* No process has memory in the last page. */
	return va + op->length < va || va + op->length > -FUZZ_PAGE ?
	       E(EFAULT) : 0;
}

static int map_parts(struct fuzz_model *model,
		     const struct fuzz_context *context,
		     const struct fuzz_op *op, struct fuzz_part *parts)
{
	return fuzz_map_parts(model, context, op,
			      op->flags & VFIO_DMA_MAP_FLAG_WRITE, parts);
}

static bool is_mapped(const struct fuzz_object *ioas, __u64 iova, __u64 last)
{
	unsigned int i = fuzz_ioas_first(ioas, iova);

	return i < ioas->nr_areas && ioas->areas[i]->iova <= last;
}

static fuzz_errnos predict_map(struct fuzz_model *model,
			       struct fuzz_context *context,
			       const struct fuzz_op *op)
{
	struct fuzz_object *ioas = context->vfio;
	fuzz_errnos errnos = map_request_errnos(op);
	struct fuzz_part parts[FUZZ_PARTS];
	int count;

	if (errnos)
		return errnos;
	/* Nobody has invalidated an address. */
	if (op->flags == VFIO_DMA_MAP_FLAG_VADDR)
		return is_mapped(ioas, op->iova, op->iova + op->length - 1) ?
			       E(EINVAL) : E(ENOENT);
	count = map_parts(model, context, op, parts);
	errnos = fuzz_map_errnos(parts, count) |
		 fuzz_place_errnos(context, ioas, parts, count, true, op->iova);
	if (!errnos)
		errnos = fuzz_fill_errnos(model, ioas, parts, count);
	fuzz_map_put(parts, count);
	return errnos ? errnos : FUZZ_SUCCESS;
}

/*
 * The range that is unmapped in the end. With v1, an area that begins before
 * the range ends the matter, and one that begins in it goes as a whole.
 * Returns false for nothing.
 */
static bool unmap_range(const struct fuzz_object *ioas,
			const struct fuzz_op *op, __u64 *first, __u64 *last)
{
	unsigned int i;

	*first = op->iova;
	*last = op->iova + op->length - 1;
	if (op->flags) {
		*first = 0;
		*last = UINT64_MAX;
		return true;
	}
	if (ioas->vfio_type != VFIO_TYPE1_IOMMU)
		return true;
	i = fuzz_ioas_first(ioas, *first);
	if (i < ioas->nr_areas && ioas->areas[i]->iova < *first)
		return false;
	i = fuzz_ioas_first(ioas, *last);
	if (i < ioas->nr_areas && ioas->areas[i]->iova <= *last)
		*last = ioas->areas[i]->last;
	return true;
}

static fuzz_errnos unmap_request_errnos(const struct fuzz_op *op)
{
	if (op->flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return E(EINVAL);
	if (op->flags && (op->iova || op->length))
		return E(EINVAL);
	if (!op->flags && (!op->length || fuzz_wraps(op->iova, op->length) ||
			   (op->iova | op->length) % FUZZ_PAGE))
		return E(EINVAL);
	return 0;
}

static fuzz_errnos predict_unmap(const struct fuzz_object *ioas,
				 const struct fuzz_op *op)
{
	fuzz_errnos errnos = unmap_request_errnos(op);
	__u64 first, last;
	unsigned int i;

	if (errnos)
		return errnos;
	if (!unmap_range(ioas, op, &first, &last))
		goto success;
	for (i = 0; i < ioas->nr_areas; i++) {
		const struct fuzz_area *area = ioas->areas[i];

		if (area->last < first || area->iova > last)
			continue;
		/* Type1 says EINVAL, which /dev/vfio/vfio does too. */
		if (area->iova < first || area->last > last)
			return E(ENOENT);
	}
success:
	return op->form == FUZZ_FORM_READ_ONLY ? E(EFAULT) : FUZZ_SUCCESS;
}

static fuzz_errnos predict_set_iommu(const struct fuzz_context *context,
				     const struct fuzz_op *op)
{
	const struct fuzz_object *ioas = context->vfio;

	if (!ioas)
		return E(ENODEV);
	if (ioas->vfio_type && ioas->users)
		return E(EINVAL);
	switch (op->value) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
		return FUZZ_SUCCESS;
	case VFIO_TYPE1_NESTING_IOMMU:
	case VFIO_UNMAP_ALL:
		return E(EINVAL);
	}
	return E(ENODEV);
}

static fuzz_errnos predict_ioas(struct fuzz_context *context,
				const struct fuzz_op *op)
{
	switch (op->flags) {
	case IOMMU_VFIO_IOAS_GET:
		if (!context->vfio)
			return E(ENODEV);
		return op->form == FUZZ_FORM_READ_ONLY ? E(EFAULT) :
							 FUZZ_SUCCESS;
	case IOMMU_VFIO_IOAS_SET:
		return fuzz_model_find(context,
				       fuzz_model_id(context, op->object),
				       FUZZ_IOAS) ? FUZZ_SUCCESS : E(ENOENT);
	case IOMMU_VFIO_IOAS_CLEAR:
		return FUZZ_SUCCESS;
	}
	return E(EOPNOTSUPP);
}

/* What is wrong with the request, whatever is mapped. */
static fuzz_errnos request_errnos(const struct fuzz_op *op)
{
	switch (op->form) {
	case FUZZ_FORM_UNREADABLE:
		return E(EFAULT);
	case FUZZ_FORM_SHORT:
	case FUZZ_FORM_EMPTY:
		/* The size of GET_INFO is chosen by another member. */
		if (op->kind != FUZZ_VFIO_GET_INFO || !op->value)
			return E(EINVAL);
	}
	if (op->kind == FUZZ_VFIO_MAP_DMA)
		return map_request_errnos(op);
	if (op->kind == FUZZ_VFIO_UNMAP_DMA)
		return unmap_request_errnos(op);
	return op->value && op->value < offsetof(struct vfio_iommu_type1_info,
						 cap_offset) ? E(EINVAL) : 0;
}

static fuzz_errnos predict_with_ioas(struct fuzz_model *model,
				     struct fuzz_context *context,
				     const struct fuzz_op *op)
{
	fuzz_errnos errnos = request_errnos(op);

	if (!context->vfio)
		return errnos | E(ENODEV);
	if (!context->vfio->vfio_type)
		return E(EINVAL);
	if (errnos)
		return errnos;
	if (op->kind == FUZZ_VFIO_MAP_DMA)
		return predict_map(model, context, op);
	if (op->kind == FUZZ_VFIO_UNMAP_DMA)
		return predict_unmap(context->vfio, op);
	return op->form == FUZZ_FORM_READ_ONLY ? E(EFAULT) : FUZZ_SUCCESS;
}

static fuzz_errnos dirty_request_errnos(const struct fuzz_op *op)
{
	switch (op->form) {
	case FUZZ_FORM_UNREADABLE:
		return E(EFAULT);
	case FUZZ_FORM_SHORT:
	case FUZZ_FORM_EMPTY:
		return E(EINVAL);
	}
	switch (op->flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		return 0;
	}
	/* To get a bitmap takes more than there is behind the flags. */
	return E(EINVAL);
}

static fuzz_errnos predict_dirty(const struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	fuzz_errnos errnos = dirty_request_errnos(op);

	if (!context->vfio)
		return errnos | E(ENODEV);
	if (!context->vfio->vfio_type)
		return E(EINVAL);
	if (context->vfio->vfio_type == VFIO_TYPE1_IOMMU)
		return E(EACCES);
	return errnos ? errnos : FUZZ_SUCCESS;
}

fuzz_errnos fuzz_vfio_predict(struct fuzz_model *model,
			      const struct fuzz_op *op)
{
	struct fuzz_context *context = &model->contexts[op->context];

	switch (op->kind) {
	case FUZZ_VFIO_IOAS:
		return predict_ioas(context, op);
	case FUZZ_VFIO_API_VERSION:
	case FUZZ_VFIO_CHECK_EXTENSION:
		return FUZZ_SUCCESS;
	case FUZZ_VFIO_SET_IOMMU:
		return predict_set_iommu(context, op);
	case FUZZ_VFIO_DIRTY_PAGES:
		return predict_dirty(context, op);
	}
	return predict_with_ioas(model, context, op);
}

static const char *apply_map(struct fuzz_model *model,
			     struct fuzz_context *context,
			     const struct fuzz_op *op)
{
	struct fuzz_part parts[FUZZ_PARTS];
	__u64 iova = op->iova;
	int i, count;

	count = map_parts(model, context, op, parts);
	for (i = 0; i < count; i++) {
		fuzz_ioas_insert(context->vfio, iova, &parts[i],
				 map_rights(op->flags));
		iova += parts[i].length;
	}
	if (context->vfio->domains && fuzz_fill(model, context->vfio))
		return "the model fills what it said cannot be filled";
	return NULL;
}

static const char *apply_unmap(struct fuzz_model *model,
			       struct fuzz_context *context,
			       const struct fuzz_op *op,
			       const struct fuzz_answer *answer)
{
	struct fuzz_object *ioas = context->vfio;
	__u64 first, last, gone = 0;
	unsigned int i;

	if (!unmap_range(ioas, op, &first, &last))
		goto compare;
	for (i = 0; i < ioas->nr_areas;) {
		struct fuzz_area *area = ioas->areas[i];
		__u64 length = area->last - area->iova + 1;

		if (area->last < first || area->iova > last) {
			i++;
			continue;
		}
		gone = gone + length < gone ? UINT64_MAX : gone + length;
		fuzz_ioas_erase(model, context, ioas, i);
	}
compare:
	if (!answer->ret && answer->cmd.vfio_unmap.size != gone)
		return fuzz_wrong("unmapped 0x%llx bytes, expected 0x%llx",
				  (long long)answer->cmd.vfio_unmap.size,
				  (long long)gone);
	return NULL;
}

/* The capability with an ID, NULL if the answer has none. */
static const void *find_capability(const struct fuzz_answer *answer, __u16 id,
				   __u32 argsz)
{
	const struct vfio_iommu_type1_info *info = (const void *)answer->info;
	__u32 at = info->cap_offset;

	while (at && at + sizeof(struct vfio_info_cap_header) <= argsz) {
		const struct vfio_info_cap_header *header;

		header = (const void *)(answer->info + at);
		if (header->id == id)
			return header;
		if (header->next <= at)
			break;
		at = header->next;
	}
	return NULL;
}

static const char *check_iova(const struct fuzz_object *ioas,
			      const struct fuzz_answer *answer, __u32 argsz)
{
	const struct vfio_iommu_type1_info_cap_iova_range *shown;
	struct iommu_iova_range holes[FUZZ_RANGES];
	unsigned int count = fuzz_ioas_holes(ioas, holes, FUZZ_RANGES);
	unsigned int i;

	shown = find_capability(answer, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
				argsz);
	if (count == 1 && !holes[0].start && holes[0].last == UINT64_MAX)
		return shown ? "ranges of IOVA without a restriction" : NULL;
	if (!shown)
		return count ? "no ranges of IOVA" : NULL;
	if (shown->nr_iovas != count)
		return fuzz_wrong("%u ranges of IOVA, expected %u",
				  shown->nr_iovas, count);
	for (i = 0; i < count && i < FUZZ_RANGES; i++)
		if (shown->iova_ranges[i].start != holes[i].start ||
		    shown->iova_ranges[i].end != holes[i].last)
			return fuzz_wrong("range of IOVA %u is wrong", i);
	return NULL;
}

static const char *check_info(const struct fuzz_object *ioas,
			      const struct fuzz_op *op,
			      const struct fuzz_answer *answer)
{
	const struct vfio_iommu_type1_info *info = (const void *)answer->info;
	__u32 asked = op->value ? op->value : sizeof(*info);

	if (info->argsz < asked)
		return "argsz has become smaller";
	if (asked < sizeof(*info))
		return NULL;
	if (!(info->flags & VFIO_IOMMU_INFO_PGSIZES) ||
	    (info->iova_pgsizes & -info->iova_pgsizes) != FUZZ_PAGE)
		return fuzz_wrong("page sizes 0x%llx",
				  (long long)info->iova_pgsizes);
	/* Capabilities are there only if all of them fit. */
	if (info->argsz > asked)
		return info->cap_offset ? "capabilities without room" : NULL;
	return check_iova(ioas, answer, asked);
}

static const char *apply_ioas(struct fuzz_context *context,
			      const struct fuzz_op *op,
			      const struct fuzz_answer *answer)
{
	switch (op->flags) {
	case IOMMU_VFIO_IOAS_GET:
		if (answer->cmd.vfio_ioas.ioas_id != context->vfio->id)
			return fuzz_wrong("VFIO has IOAS %u, expected %u",
					  answer->cmd.vfio_ioas.ioas_id,
					  context->vfio->id);
		return NULL;
	case IOMMU_VFIO_IOAS_SET:
		context->vfio = fuzz_model_find(context,
						fuzz_model_id(context,
							      op->object),
						FUZZ_IOAS);
		return NULL;
	}
	context->vfio = NULL;
	return NULL;
}

/* V1 switches large pages off, if that can be done now. */
static const char *apply_set_iommu(struct fuzz_object *ioas, unsigned int type)
{
	ioas->vfio_type = type;
	if (type == VFIO_TYPE1_IOMMU && !(ioas->domains && ioas->nr_areas) &&
	    !fuzz_ioas_misaligned(ioas, FUZZ_PAGE))
		ioas->small_pages = true;
	return NULL;
}

static const char *check_number(int ret, int expected)
{
	return ret == expected ? NULL :
	       fuzz_wrong("returned %d, expected %d", ret, expected);
}

/* Addresses cannot change under an in-kernel user. */
static bool may_move(const struct fuzz_context *context)
{
	unsigned int i;

	if (!context->vfio || !context->vfio->vfio_type)
		return false;
	for (i = 0; i < FUZZ_ACCESSES; i++)
		if (context->accesses[i].fd >= 0 &&
		    context->accesses[i].ioas == context->vfio)
			return false;
	return true;
}

static bool has_extension(const struct fuzz_context *context, __u64 extension)
{
	switch (extension) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return true;
	case VFIO_UPDATE_VADDR:
		return may_move(context);
	}
	return false;
}

const char *fuzz_vfio_apply(struct fuzz_model *model, const struct fuzz_op *op,
			    const struct fuzz_answer *answer)
{
	struct fuzz_context *context = &model->contexts[op->context];

	if (op->kind == FUZZ_VFIO_UNMAP_DMA &&
	    (!answer->ret || (answer->ret == -EFAULT &&
			      op->form == FUZZ_FORM_READ_ONLY)))
		return apply_unmap(model, context, op, answer);
	if (answer->ret < 0)
		return NULL;
	switch (op->kind) {
	case FUZZ_VFIO_IOAS:
		return apply_ioas(context, op, answer);
	case FUZZ_VFIO_API_VERSION:
		return check_number(answer->ret, VFIO_API_VERSION);
	case FUZZ_VFIO_CHECK_EXTENSION:
		/* Depends on the kinds of page tables, which come and go. */
		if (op->value == VFIO_DMA_CC_IOMMU)
			return NULL;
		return check_number(answer->ret, has_extension(context,
							       op->value));
	case FUZZ_VFIO_SET_IOMMU:
		return apply_set_iommu(context->vfio, op->value);
	case FUZZ_VFIO_GET_INFO:
		return check_info(context->vfio, op, answer);
	case FUZZ_VFIO_MAP_DMA:
		return apply_map(model, context, op);
	}
	return NULL;
}

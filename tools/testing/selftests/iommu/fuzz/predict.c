// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Which errnos an operation may return.
 *
 * Where several things are wrong at once nothing says which of them is
 * reported, so all their errnos are permitted. But what is checked later, like
 * memory after IOVA, is only reported when all before is right.
 */
#include "predict.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "accesses.h"
#include "devices.h"
#include "dirty.h"
#include "faults.h"
#include "files.h"
#include "hwpts.h"
#include "ioas.h"
#include "maps.h"
#include "pins.h"
#include "revoke.h"
#include "rules.h"
#include "vfio.h"

#define E(name)		FUZZ_ERRNO(name)

#define MAP_RIGHTS	(IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)
#define MAP_KNOWN	(IOMMU_IOAS_MAP_FIXED_IOVA | MAP_RIGHTS)

/* What is wrong with the structure as such; the ioctl looks no further then. */
static fuzz_errnos form_errnos(const struct fuzz_op *op)
{
	switch (op->form) {
	case FUZZ_FORM_SHORT:
	case FUZZ_FORM_EMPTY:
		return E(EINVAL);
	case FUZZ_FORM_UNREADABLE:
	case FUZZ_FORM_CUT:
		return E(EFAULT);
	case FUZZ_FORM_TAIL:
	case FUZZ_FORM_OVER_PAGE:
		return E(E2BIG);
	case FUZZ_FORM_RESERVED:
		return E(EOPNOTSUPP);
	}
	return 0;
}

/*
 * With allowed ranges that touch each other, a range of IOVA across the border
 * would be fine, and so it is to find none there.
 */
static fuzz_errnos or_no_space(const struct fuzz_object *ioas,
			       const struct fuzz_op *op)
{
	if (op->flags & IOMMU_IOAS_MAP_FIXED_IOVA || ioas->nr_allowed < 2)
		return 0;
	if (ioas->allowed[0].last + 1 == ioas->allowed[1].start ||
	    ioas->allowed[1].last + 1 == ioas->allowed[0].start)
		return E(ENOSPC);
	return 0;
}

static fuzz_errnos rights_errnos(__u32 flags)
{
	fuzz_errnos errnos = 0;

	if (flags & ~MAP_KNOWN)
		errnos |= E(EOPNOTSUPP);
	if (!(flags & MAP_RIGHTS))
		errnos |= E(EINVAL);
	return errnos;
}

static fuzz_errnos memory_errnos(__u64 va, __u64 length)
{
	if (!length)
		return E(EINVAL);
	/* The pages have to fit, not only the bytes. */
	if (va + length < va || va + length > -FUZZ_PAGE)
		return E(EOVERFLOW);
	return 0;
}

/* Which file, and with which rights */
static fuzz_errnos opened_errnos(const struct fuzz_op *op)
{
	if (fuzz_file_fd(op->memory, op->value, 0) < 0 ||
	    op->value == FUZZ_OPENED_PATH)
		return E(EBADF);
	if (op->value == FUZZ_OPENED_OTHER)
		return E(EINVAL);
	if (op->value == FUZZ_OPENED_WRITE)
		return E(EPERM);
	if (op->flags & IOMMU_IOAS_MAP_WRITEABLE &&
	    (op->value == FUZZ_OPENED_READ || fuzz_file_sealed(op->memory)))
		return E(EPERM);
	return 0;
}

static fuzz_errnos file_errnos(const struct fuzz_op *op)
{
	__u64 end = op->offset + op->length;
	fuzz_errnos errnos = opened_errnos(op);

	if (!op->length)
		return errnos | E(EINVAL);
	if (end < op->length || end > -FUZZ_PAGE - 1)
		return errnos | E(EOVERFLOW);
	if (end > fuzz_file_size(op->memory))
		errnos |= E(EINVAL);
	return errnos;
}

static fuzz_errnos predict_map(struct fuzz_model *model,
			       struct fuzz_context *context,
			       const struct fuzz_op *op)
{
	struct fuzz_object *ioas = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_IOAS);
	__u64 va = fuzz_op_va(op);
	fuzz_errnos errnos = rights_errnos(op->flags);
	struct fuzz_part parts[FUZZ_PARTS];
	int count;

	if (!ioas)
		errnos |= E(ENOENT);
	errnos |= op->kind == FUZZ_MAP_FILE ? file_errnos(op) :
					      memory_errnos(va, op->length);
	if (errnos)
		return errnos;
	count = fuzz_map_parts(model, context, op,
			       op->flags & IOMMU_IOAS_MAP_WRITEABLE, parts);
	errnos = fuzz_map_errnos(parts, count) |
		 fuzz_place_errnos(context, ioas, parts, count,
				   op->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
				   op->iova);
	if (!errnos)
		errnos = fuzz_fill_errnos(model, ioas, parts, count);
	fuzz_map_put(parts, count);
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS | or_no_space(ioas, op);
}

static fuzz_errnos copy_errnos(const struct fuzz_object *source,
			       const struct fuzz_op *op,
			       struct fuzz_part *parts, int *count)
{
	fuzz_errnos errnos = 0;
	bool whole;
	int i;

	*count = fuzz_ioas_parts(source, op->iova2, op->iova2 + op->length - 1,
				 parts, &whole);
	if (!whole)
		errnos |= E(ENOENT);
	for (i = 0; i < *count; i++)
		if (op->flags & IOMMU_IOAS_MAP_WRITEABLE &&
		    !parts[i].pages->writable)
			errnos |= E(EPERM);
	return errnos;
}

static fuzz_errnos predict_copy(struct fuzz_model *model,
				struct fuzz_context *context,
				const struct fuzz_op *op)
{
	struct fuzz_object *ioas = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_IOAS);
	struct fuzz_object *source = fuzz_model_find(context,
				fuzz_model_id(context, op->object2), FUZZ_IOAS);
	fuzz_errnos errnos = rights_errnos(op->flags);
	struct fuzz_part parts[FUZZ_PARTS];
	int count = 0;

	if (!ioas || !source)
		errnos |= E(ENOENT);
	if (!op->length)
		errnos |= E(EINVAL);
	else if (fuzz_wraps(op->iova2, op->length))
		errnos |= E(EOVERFLOW);
	else if (source)
		errnos |= copy_errnos(source, op, parts, &count);
	if (count < 0)
		return 0;
	if (errnos)
		return errnos;
	errnos = fuzz_place_errnos(context, ioas, parts, count,
				   op->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
				   op->iova);
	if (!errnos)
		errnos = fuzz_fill_errnos(model, ioas, parts, count);
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS | or_no_space(ioas, op);
}

static fuzz_errnos predict_unmap(struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	struct fuzz_object *ioas = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_IOAS);
	__u64 last = op->iova + op->length - 1;
	fuzz_errnos errnos = 0;
	unsigned int i;
	bool any = false;

	if (!ioas)
		errnos |= E(ENOENT);
	if (!op->iova && op->length == UINT64_MAX)
		goto out;
	if (!op->length)
		errnos |= E(EINVAL);
	else if (fuzz_wraps(op->iova, op->length))
		errnos |= E(EOVERFLOW);
	if (errnos)
		goto out;
	for (i = 0; i < ioas->nr_areas; i++) {
		struct fuzz_area *area = ioas->areas[i];

		if (area->last < op->iova || area->iova > last)
			continue;
		any = true;
		if (area->iova < op->iova || area->last > last)
			errnos |= E(ENOENT);
	}
	if (!any)
		errnos |= E(ENOENT);
out:
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS;
}

static fuzz_errnos predict_allow(struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	struct fuzz_object *ioas = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_IOAS);
	struct iommu_iova_range range[2] = {
		{ op->iova, op->iova + op->length - 1 },
		{ op->iova2, op->iova2 + op->length2 - 1 },
	};
	fuzz_errnos errnos = 0;
	__u64 i;

	if (!ioas)
		errnos |= E(ENOENT);
	if (op->form == FUZZ_FORM_BAD_POINTER && op->value)
		return errnos | E(EFAULT);
	for (i = 0; i < op->value; i++) {
		if (range[i].start >= range[i].last)
			errnos |= E(EINVAL);
		else if (ioas && fuzz_ioas_reserved(ioas, range[i].start,
						    range[i].last))
			errnos |= E(EADDRINUSE);
	}
	if (op->value == 2 && range[0].start <= range[1].last &&
	    range[1].start <= range[0].last)
		errnos |= E(EINVAL);
	return errnos ? errnos : FUZZ_SUCCESS;
}

static fuzz_errnos predict_ranges(struct fuzz_context *context,
				  const struct fuzz_op *op)
{
	struct fuzz_object *ioas = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_IOAS);

	if (!ioas)
		return E(ENOENT);
	if (op->form == FUZZ_FORM_READ_ONLY)
		return E(EFAULT);
	if (op->form == FUZZ_FORM_BAD_POINTER && op->value &&
	    fuzz_ioas_holes(ioas, NULL, 0))
		return E(EFAULT);
	if (fuzz_ioas_holes(ioas, NULL, 0) > op->value)
		return E(EMSGSIZE);
	return FUZZ_SUCCESS;
}

static fuzz_errnos predict_rlimit_mode(struct fuzz_context *context,
				       const struct fuzz_op *op)
{
	fuzz_errnos errnos = 0;

	if (fuzz_model_id(context, op->object))
		errnos |= E(EOPNOTSUPP);
	if (op->flags == IOMMU_OPTION_OP_SET) {
		if (op->value > 1)
			errnos |= E(EINVAL);
		if (!fuzz_model_empty(context))
			errnos |= E(EBUSY);
	}
	return errnos;
}

static fuzz_errnos predict_huge_pages(struct fuzz_context *context,
				      const struct fuzz_op *op)
{
	struct fuzz_object *ioas = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_IOAS);
	fuzz_errnos errnos = 0;

	if (!ioas)
		errnos |= E(ENOENT);
	if (op->flags == IOMMU_OPTION_OP_SET) {
		if (op->value > 1)
			errnos |= E(EINVAL);
		if (ioas && !op->value && ioas->domains && ioas->nr_areas)
			errnos |= E(EINVAL);
		else if (ioas && !op->value &&
			 fuzz_ioas_misaligned(ioas, FUZZ_PAGE))
			errnos |= E(EADDRINUSE);
	}
	return errnos;
}

static fuzz_errnos predict_option(struct fuzz_context *context,
				  const struct fuzz_op *op)
{
	fuzz_errnos errnos;

	if (op->flags > IOMMU_OPTION_OP_GET || op->kind == FUZZ_OPTION_UNKNOWN)
		return E(EOPNOTSUPP);
	errnos = op->kind == FUZZ_OPTION_HUGE_PAGES ?
		 predict_huge_pages(context, op) :
		 predict_rlimit_mode(context, op);
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY && fuzz_has_reply(op))
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS;
}

static fuzz_errnos predict_destroy(struct fuzz_context *context,
				   const struct fuzz_op *op)
{
	__u32 id = fuzz_model_id(context, op->object);
	struct fuzz_object *object = fuzz_model_find(context, id, FUZZ_NOTHING);

	if (object) {
		if (object->users || object->type == FUZZ_BINDING)
			return E(EBUSY);
		return FUZZ_SUCCESS;
	}
	/* The ID may have gone to an object that we do not know. */
	if (op->object < FUZZ_SLOTS && fuzz_model_hides_ids(context))
		return E(ENOENT) | E(EBUSY);
	return E(ENOENT);
}

static fuzz_errnos predict_reserve(struct fuzz_context *context,
				   const struct fuzz_op *op)
{
	struct fuzz_object *ioas = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_IOAS);
	__u64 last = op->iova + op->length - 1;
	fuzz_errnos errnos = 0;
	unsigned int i;

	if (!op->length)
		errnos |= E(EINVAL);
	if (fuzz_wraps(op->iova, op->length))
		errnos |= E(EOVERFLOW);
	if (!ioas)
		errnos |= E(ENOENT);
	if (errnos)
		return errnos;
	if (ioas->nr_reserved == FUZZ_RANGES)
		return 0;
	i = fuzz_ioas_first(ioas, op->iova);
	if ((i < ioas->nr_areas && ioas->areas[i]->iova <= last) ||
	    fuzz_overlap(ioas->allowed, ioas->nr_allowed, op->iova, last))
		return E(EADDRINUSE);
	return FUZZ_SUCCESS;
}

/* Compare what one IOPTE leads to with what is at an address. */
static fuzz_errnos iopte_errnos(const struct fuzz_object *ioas, __u64 iova,
				__u64 va)
{
	struct fuzz_page *page = fuzz_memory_page(va);
	unsigned int i = fuzz_ioas_first(ioas, iova);
	struct fuzz_area *area;
	__u64 byte;

	if (!page || !page->mapped || !page->readable)
		return E(EFAULT);
	if (i == ioas->nr_areas || ioas->areas[i]->iova > iova)
		return E(EINVAL);
	area = ioas->areas[i];
	byte = area->start + (iova - area->iova);
	if (byte % FUZZ_PAGE != va % FUZZ_PAGE ||
	    fuzz_pages_frame(area->pages, byte / FUZZ_PAGE) != page->frame)
		return E(EINVAL);
	return 0;
}

static fuzz_errnos predict_check_map(struct fuzz_context *context,
				     const struct fuzz_op *op)
{
	struct fuzz_object *hwpt = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_HWPT);
	__u64 va = fuzz_op_va(op);
	fuzz_errnos errnos = 0;
	__u64 offset;

	if ((op->iova | op->length | va) % FUZZ_IOPTE)
		errnos |= E(EINVAL);
	if (fuzz_wraps(op->iova, op->length) || fuzz_wraps(va, op->length))
		errnos |= E(EOVERFLOW);
	if (!hwpt)
		errnos |= E(ENOENT);
	for (offset = 0; !errnos && offset < op->length; offset += FUZZ_IOPTE)
		errnos = iopte_errnos(hwpt->ioas, op->iova + offset,
				      va + offset);
	return errnos ? errnos : FUZZ_SUCCESS;
}

static fuzz_errnos predict_check_refs(const struct fuzz_op *op)
{
	__u64 va = fuzz_op_va(op);
	fuzz_errnos errnos = 0;
	bool vague = false;
	__u64 offset;

	if ((op->length | va) % FUZZ_PAGE)
		return fuzz_wraps(va, op->length) ? E(EINVAL) | E(EOVERFLOW) :
					       E(EINVAL);
	if (fuzz_wraps(va, op->length))
		return E(EOVERFLOW);
	/* The page that ends the walk may come after one that does not match. */
	for (offset = 0; !(errnos & E(EFAULT)) && offset < op->length;
	     offset += FUZZ_PAGE) {
		struct fuzz_page *page = fuzz_memory_page(va + offset);

		if (!page || !page->mapped || !page->readable)
			errnos |= E(EFAULT);
		else if (!page->small)
			vague = true;
		else if (page->frame->pins != (__u32)op->value)
			errnos |= E(EIO);
	}
	if (vague)
		return errnos | E(EIO) | (errnos ? 0 : FUZZ_SUCCESS);
	return errnos ? errnos : FUZZ_SUCCESS;
}

static fuzz_errnos predict_alloc(struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	if (fuzz_model_full(context, 1))
		return 0;
	if (op->flags)
		return E(EOPNOTSUPP);
	return op->form == FUZZ_FORM_READ_ONLY ? E(EFAULT) : FUZZ_SUCCESS;
}

/* Whoever calls pays already, and again after another process has. */
static fuzz_errnos predict_change_process(const struct fuzz_context *context)
{
	unsigned int i, j;

	for (i = 0; i < FUZZ_SLOTS; i++) {
		const struct fuzz_object *ioas = &context->objects[i];

		if (ioas->type != FUZZ_IOAS)
			continue;
		for (j = 0; j < ioas->nr_areas; j++)
			if (!ioas->areas[j]->pages->file)
				return E(EINVAL);
	}
	return FUZZ_SUCCESS;
}

static fuzz_errnos predict_seal(void)
{
	int ret = fuzz_file_seal_result();

	return ret ? FUZZ_ERRNO(-ret) : FUZZ_SUCCESS;
}

/* Would the operation make more areas than the model has room for? */
static bool too_many_areas(struct fuzz_context *context,
			   const struct fuzz_op *op)
{
	struct fuzz_object *ioas = op->kind == FUZZ_VFIO_MAP_DMA ?
				   context->vfio :
				   fuzz_model_find(context,
						   fuzz_model_id(context,
								 op->object),
						   FUZZ_IOAS);

	if (op->kind != FUZZ_MAP && op->kind != FUZZ_MAP_FILE &&
	    op->kind != FUZZ_COPY && op->kind != FUZZ_VFIO_MAP_DMA)
		return false;
	return ioas && ioas->nr_areas > FUZZ_AREAS - FUZZ_PARTS;
}

/* Other operations on the process always succeed. */
static fuzz_errnos predict_kind(struct fuzz_model *model,
				struct fuzz_context *context,
				const struct fuzz_op *op)
{
	switch (op->kind) {
	case FUZZ_IOAS_ALLOC:
		return predict_alloc(context, op);
	case FUZZ_DESTROY:
		return predict_destroy(context, op);
	case FUZZ_MAP:
	case FUZZ_MAP_FILE:
		return predict_map(model, context, op);
	case FUZZ_COPY:
		return predict_copy(model, context, op);
	case FUZZ_UNMAP:
		return predict_unmap(context, op);
	case FUZZ_CHANGE_PROCESS:
		return predict_change_process(context);
	case FUZZ_FILE_SEAL:
		return predict_seal();
	case FUZZ_ALLOW_IOVAS:
		return predict_allow(context, op);
	case FUZZ_IOVA_RANGES:
		return predict_ranges(context, op);
	case FUZZ_OPTION_HUGE_PAGES:
	case FUZZ_OPTION_RLIMIT_MODE:
	case FUZZ_OPTION_UNKNOWN:
		return predict_option(context, op);
	case FUZZ_UNKNOWN_FLAG:
		return E(EOPNOTSUPP);
	case FUZZ_MOCK_DOMAIN:
	case FUZZ_MOCK_DOMAIN_REPLACE:
	case FUZZ_HW_INFO:
		return fuzz_device_predict(model, op);
	case FUZZ_HWPT_ALLOC:
	case FUZZ_INVALIDATE:
	case FUZZ_CHECK_IOTLB:
		return fuzz_hwpt_predict(model, op);
	case FUZZ_SET_DIRTY:
	case FUZZ_DIRTY_WRITE:
	case FUZZ_GET_DIRTY:
		return fuzz_dirty_predict(context, op);
	case FUZZ_QUEUE_ALLOC:
	case FUZZ_QUEUE_CLOSE:
	case FUZZ_FAULT:
	case FUZZ_FAULT_READ:
	case FUZZ_FAULT_ANSWER:
		return fuzz_fault_predict(context, op);
	case FUZZ_ADD_RESERVED:
		return predict_reserve(context, op);
	case FUZZ_CHECK_MAP:
		return predict_check_map(context, op);
	case FUZZ_CHECK_REFS:
		return predict_check_refs(op);
	case FUZZ_CHECK_BAR:
		return fuzz_revoke_predict(context, op);
	case FUZZ_CREATE_ACCESS:
	case FUZZ_CLOSE_ACCESS:
	case FUZZ_ACCESS_PAGES:
	case FUZZ_DESTROY_ACCESS_PAGES:
	case FUZZ_ACCESS_RW:
	case FUZZ_ACCESS_REPLACE:
		return fuzz_access_predict(model, op);
	}
	return FUZZ_SUCCESS;
}

fuzz_errnos fuzz_predict(struct fuzz_model *model, const struct fuzz_op *op)
{
	struct fuzz_context *context = &model->contexts[op->context];
	fuzz_errnos errnos;

	if (context->fd < 0 || too_many_areas(context, op))
		return 0;
	if (op->kind >= FUZZ_VFIO_API_VERSION &&
	    op->kind <= FUZZ_VFIO_DIRTY_PAGES)
		return fuzz_vfio_predict(model, op);
	if (op->kind == FUZZ_UNKNOWN_IOCTL)
		return E(ENOTTY);
	errnos = fuzz_has_structure(op->kind) ? form_errnos(op) : 0;
	if (errnos)
		return errnos;
	return op->kind == FUZZ_VFIO_IOAS ? fuzz_vfio_predict(model, op) :
					    predict_kind(model, context, op);
}

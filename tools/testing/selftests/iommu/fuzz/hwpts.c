// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of page tables that the program asks for, and of what it has
 * nested in them.
 */
#include "hwpts.h"

#include <errno.h>
#include <string.h>

#include "devices.h"
#include "requests.h"

#define E(name)		FUZZ_ERRNO(name)

#define PARENT_FLAGS \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
#define KNOWN_FLAGS	(PARENT_FLAGS | IOMMU_HWPT_FAULT_ID_VALID)
#define NEVER_BOTH \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_FAULT_ID_VALID)

#define ENTRIES_MAX	(1U << 19)

static struct fuzz_object *object_of(struct fuzz_context *context,
				     unsigned int selector, enum fuzz_type type)
{
	return fuzz_model_find(context, fuzz_model_id(context, selector), type);
}

static struct fuzz_object *device_of(struct fuzz_context *context,
				     const struct fuzz_op *op)
{
	return fuzz_device_bound(context, fuzz_model_id(context, op->object));
}

/* What is wrong whatever it is over. */
static fuzz_errnos alloc_request_errnos(const struct fuzz_op *op)
{
	struct fuzz_hwpt_data data = fuzz_hwpt_data(op);
	fuzz_errnos errnos = 0;

	if (op->flags & ~(__u32)KNOWN_FLAGS ||
	    (op->flags & NEVER_BOTH) == NEVER_BOTH)
		errnos |= E(EOPNOTSUPP);
	if (data.type ? !data.length : data.length || data.present)
		errnos |= E(EINVAL);
	return errnos;
}

static fuzz_errnos paging_errnos(const struct fuzz_object *device,
				 const struct fuzz_op *op)
{
	if (fuzz_hwpt_data(op).length)
		return E(EOPNOTSUPP);
	if (op->flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING && device &&
	    device->no_dirty)
		return E(EOPNOTSUPP);
	return 0;
}

static fuzz_errnos nested_errnos(const struct fuzz_object *parent,
				 const struct fuzz_op *op)
{
	struct fuzz_hwpt_data data = fuzz_hwpt_data(op);
	fuzz_errnos errnos = 0;

	if (op->flags & PARENT_FLAGS || !data.length)
		errnos |= E(EOPNOTSUPP);
	if (!parent->nest_parent)
		errnos |= E(EINVAL);
	if (errnos)
		return errnos;
	if (data.type != IOMMU_HWPT_DATA_SELFTEST)
		return E(EOPNOTSUPP);
	if (data.length != sizeof(struct iommu_hwpt_selftest))
		return E(EINVAL);
	return op->form == FUZZ_FORM_BAD_POINTER ? E(EFAULT) : 0;
}

/* What is wrong with what it is to be over. */
static fuzz_errnos over_errnos(struct fuzz_context *context,
			       const struct fuzz_object *device,
			       const struct fuzz_op *op)
{
	const struct fuzz_object *over = object_of(context, op->object2,
						   FUZZ_NOTHING);

	if (!over) {
		/* The ID may have gone to an object that we do not know. */
		return op->object2 < FUZZ_SLOTS &&
		       fuzz_model_hides_ids(context) ? E(ENOENT) | E(EINVAL) :
						       E(ENOENT);
	}
	switch (over->type) {
	case FUZZ_IOAS:
		return paging_errnos(device, op);
	case FUZZ_HWPT:
		return nested_errnos(over, op);
	default:
		return E(EINVAL);
	}
}

static fuzz_errnos predict_alloc(struct fuzz_model *model,
				 struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	const struct fuzz_object *device = device_of(context, op);
	struct fuzz_object *ioas = object_of(context, op->object2, FUZZ_IOAS);
	fuzz_errnos errnos = alloc_request_errnos(op);

	if (fuzz_model_full(context, 1))
		return 0;
	if (!device)
		errnos |= E(ENOENT);
	errnos |= over_errnos(context, device, op);
	if (op->flags & IOMMU_HWPT_FAULT_ID_VALID &&
	    !object_of(context, op->object3, FUZZ_QUEUE))
		errnos |= E(ENOENT);
	if (!errnos && ioas)
		errnos = fuzz_table_errnos(model, ioas, device->huge,
					   op->flags &
					   IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS;
}

static fuzz_errnos invalidate_request_errnos(const struct fuzz_op *op)
{
	if (op->form == FUZZ_FORM_RESERVED)
		return E(EOPNOTSUPP);
	if (op->value && (op->flags & FUZZ_INVALIDATE_NULL || !op->length))
		return E(EINVAL);
	if (op->value > ENTRIES_MAX || op->length > FUZZ_PAGE)
		return E(EINVAL);
	return 0;
}

static fuzz_errnos entry_errnos(const struct fuzz_op *op, unsigned int index)
{
	struct iommu_hwpt_invalidate_selftest what =
		fuzz_invalidate_entry(op, index);

	if (op->length != sizeof(what))
		return E(EINVAL);
	if (op->form == FUZZ_FORM_BAD_POINTER)
		return E(EFAULT);
	if (what.flags & ~IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return E(EOPNOTSUPP);
	return !what.flags && what.iotlb_id > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX ?
	       E(EINVAL) : 0;
}

/* How many entries are done before one is wrong, and what is wrong with it. */
static fuzz_errnos invalidate_errnos(struct fuzz_context *context,
				     const struct fuzz_op *op,
				     unsigned int *done)
{
	fuzz_errnos errnos = invalidate_request_errnos(op);

	*done = 0;
	if (!object_of(context, op->object, FUZZ_NESTED))
		errnos |= E(ENOENT);
	if (!errnos && op->flags & FUZZ_INVALIDATE_TYPE)
		errnos = E(EINVAL);
	while (!errnos && *done < op->value) {
		errnos = entry_errnos(op, *done);
		*done += !errnos;
	}
	return errnos;
}

static fuzz_errnos predict_invalidate(struct fuzz_context *context,
				      const struct fuzz_op *op)
{
	unsigned int done;
	fuzz_errnos errnos = invalidate_errnos(context, op, &done);

	if (op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS;
}

static fuzz_errnos predict_check_iotlb(struct fuzz_context *context,
				       const struct fuzz_op *op)
{
	const struct fuzz_object *nested = object_of(context, op->object,
						     FUZZ_NESTED);

	if (!nested)
		return E(ENOENT);
	if (op->value > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX ||
	    nested->iotlb[op->value] != (__u32)op->length2)
		return E(EINVAL);
	return FUZZ_SUCCESS;
}

fuzz_errnos fuzz_hwpt_predict(struct fuzz_model *model,
			      const struct fuzz_op *op)
{
	struct fuzz_context *context = &model->contexts[op->context];

	switch (op->kind) {
	case FUZZ_HWPT_ALLOC:
		return predict_alloc(model, context, op);
	case FUZZ_INVALIDATE:
		return predict_invalidate(context, op);
	}
	return predict_check_iotlb(context, op);
}

static void nest(struct fuzz_object *nested, struct fuzz_object *parent,
		 const struct fuzz_op *op)
{
	int i;

	nested->parent = parent;
	nested->ioas = parent->ioas;
	parent->users++;
	for (i = 0; i < MOCK_NESTED_DOMAIN_IOTLB_NUM; i++)
		nested->iotlb[i] = op->length2;
}

static const char *apply_alloc(struct fuzz_model *model,
			       struct fuzz_context *context,
			       const struct fuzz_op *op,
			       const struct fuzz_answer *answer)
{
	struct fuzz_object *over = object_of(context, op->object2,
					     FUZZ_NOTHING);
	struct fuzz_object *queue = object_of(context, op->object3, FUZZ_QUEUE);
	const struct fuzz_object *device = device_of(context, op);
	bool nested = over->type == FUZZ_HWPT;
	__u32 id = answer->cmd.hwpt_alloc.out_hwpt_id;
	struct fuzz_object *hwpt = NULL;

	if (id)
		hwpt = fuzz_model_add(context, op->result,
				      nested ? FUZZ_NESTED : FUZZ_HWPT, id);
	if (!hwpt)
		return fuzz_wrong("%u is no ID for a new page table", id);
	if (op->flags & IOMMU_HWPT_FAULT_ID_VALID) {
		hwpt->queue = queue;
		queue->users++;
	}
	if (nested) {
		nest(hwpt, over, op);
		return NULL;
	}
	hwpt->huge = device->huge;
	hwpt->nest_parent = op->flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	hwpt->trackable = op->flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	return fuzz_table_fill(model, hwpt, over);
}

static void invalidate(struct fuzz_object *nested, const struct fuzz_op *op,
		       unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct iommu_hwpt_invalidate_selftest what =
			fuzz_invalidate_entry(op, i);

		if (what.flags)
			memset(nested->iotlb, 0, sizeof(nested->iotlb));
		else
			nested->iotlb[what.iotlb_id] = 0;
	}
}

/* What comes before an entry that is wrong is done all the same. */
static const char *apply_invalidate(struct fuzz_context *context,
				    const struct fuzz_op *op,
				    const struct fuzz_answer *answer)
{
	unsigned int done;

	if (op->form != FUZZ_FORM_PLAIN && op->form != FUZZ_FORM_LONG &&
	    op->form != FUZZ_FORM_READ_ONLY && op->form < FUZZ_FORM_RESERVED)
		return NULL;
	invalidate_errnos(context, op, &done);
	if (done)
		invalidate(object_of(context, op->object, FUZZ_NESTED), op,
			   done);
	if (op->form == FUZZ_FORM_READ_ONLY ||
	    answer->cmd.invalidate.entry_num == done)
		return NULL;
	return fuzz_wrong("invalidation of %u entries, expected %u",
			  answer->cmd.invalidate.entry_num, done);
}

const char *fuzz_hwpt_apply(struct fuzz_model *model, const struct fuzz_op *op,
			    const struct fuzz_answer *answer)
{
	struct fuzz_context *context = &model->contexts[op->context];

	if (op->kind == FUZZ_INVALIDATE)
		return apply_invalidate(context, op, answer);
	if (answer->ret || op->kind != FUZZ_HWPT_ALLOC)
		return NULL;
	return apply_alloc(model, context, op, answer);
}

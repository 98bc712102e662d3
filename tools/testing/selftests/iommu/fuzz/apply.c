// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What an operation does to the model, and whether the kernel's answer fits.
 */
#include "apply.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "dirty.h"
#include "faults.h"
#include "hwpts.h"
#include "ioas.h"
#include "maps.h"
#include "pins.h"
#include "rules.h"
#include "teardown.h"
#include "vfio.h"

#define RIGHTS	(IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)

static struct fuzz_object *object_of(struct fuzz_context *context,
				     unsigned int selector, enum fuzz_type type)
{
	return fuzz_model_find(context, fuzz_model_id(context, selector), type);
}

static const char *bad_id(__u32 id)
{
	return fuzz_wrong("%u is no ID for a new object", id);
}

static const char *check_place(const struct fuzz_context *context,
			       const struct fuzz_object *ioas,
			       const struct fuzz_part *parts, int count,
			       __u64 iova, __u64 length)
{
	__u64 last = iova + length - 1;
	unsigned int i;

	if (fuzz_place_errnos(context, ioas, parts, count, true, iova))
		return fuzz_wrong("IOVA 0x%llx cannot be used",
				  (long long)iova);
	for (i = 0; i < ioas->nr_allowed; i++)
		if (ioas->allowed[i].start <= iova &&
		    ioas->allowed[i].last >= last)
			return NULL;
	if (!ioas->nr_allowed)
		return NULL;
	/* Two ranges that touch each other are as good as one. */
	if (ioas->nr_allowed == 2 && !fuzz_overlap(ioas->allowed, 0, 0, 0) &&
	    fuzz_overlap(ioas->allowed, 2, iova, iova) &&
	    fuzz_overlap(ioas->allowed, 2, last, last) &&
	    (ioas->allowed[0].last + 1 == ioas->allowed[1].start ||
	     ioas->allowed[1].last + 1 == ioas->allowed[0].start))
		return NULL;
	return fuzz_wrong("IOVA 0x%llx is not allowed", (long long)iova);
}

/* New areas one behind the other. */
static const char *insert_parts(struct fuzz_model *model,
				struct fuzz_context *context,
				struct fuzz_object *ioas,
				const struct fuzz_part *parts, int count,
				const struct fuzz_op *op, __u64 iova)
{
	const char *wrong = NULL;
	__u64 length = 0;
	int i;

	for (i = 0; i < count; i++)
		length += parts[i].length;
	if (op->flags & IOMMU_IOAS_MAP_FIXED_IOVA && iova != op->iova)
		wrong = "the fixed IOVA has changed";
	else if (!(op->flags & IOMMU_IOAS_MAP_FIXED_IOVA))
		wrong = check_place(context, ioas, parts, count, iova, length);
	if (wrong)
		return wrong;
	for (i = 0; i < count; i++) {
		fuzz_ioas_insert(ioas, iova, &parts[i], op->flags & RIGHTS);
		iova += parts[i].length;
	}
	if (ioas->domains && fuzz_fill(model, ioas))
		return "the model fills what it said cannot be filled";
	return NULL;
}

static const char *apply_map(struct fuzz_model *model,
			     struct fuzz_context *context,
			     const struct fuzz_op *op,
			     const struct fuzz_answer *answer)
{
	struct fuzz_part parts[FUZZ_PARTS];
	int count;

	count = fuzz_map_parts(model, context, op,
			       op->flags & IOMMU_IOAS_MAP_WRITEABLE, parts);
	return insert_parts(model, context,
			    object_of(context, op->object, FUZZ_IOAS), parts,
			    count, op, op->kind == FUZZ_MAP ?
				       answer->cmd.map.iova :
				       answer->cmd.map_file.iova);
}

static const char *apply_copy(struct fuzz_model *model,
			      struct fuzz_context *context,
			      const struct fuzz_op *op,
			      const struct fuzz_answer *answer)
{
	struct fuzz_object *source = object_of(context, op->object2, FUZZ_IOAS);
	struct fuzz_part parts[FUZZ_PARTS];
	bool whole;
	int count;

	count = fuzz_ioas_parts(source, op->iova2, op->iova2 + op->length - 1,
				parts, &whole);
	return insert_parts(model, context,
			    object_of(context, op->object, FUZZ_IOAS), parts,
			    count, op, answer->cmd.copy.dst_iova);
}

static const char *apply_unmap(struct fuzz_model *model,
			       struct fuzz_context *context,
			       const struct fuzz_op *op,
			       const struct fuzz_answer *answer)
{
	struct fuzz_object *ioas = object_of(context, op->object, FUZZ_IOAS);
	__u64 last = op->length == UINT64_MAX && !op->iova ?
		     UINT64_MAX : op->iova + op->length - 1;
	unsigned int i = fuzz_ioas_first(ioas, op->iova);
	__u64 gone = 0;

	while (i < ioas->nr_areas && ioas->areas[i]->iova <= last) {
		__u64 length = ioas->areas[i]->last - ioas->areas[i]->iova + 1;

		gone = gone + length < gone ? UINT64_MAX : gone + length;
		fuzz_ioas_erase(model, context, ioas, i);
	}
	if (!answer->ret && answer->cmd.unmap.length != gone)
		return fuzz_wrong("unmapped 0x%llx bytes, expected 0x%llx",
				  (long long)answer->cmd.unmap.length,
				  (long long)gone);
	return NULL;
}

static const char *apply_allow(struct fuzz_context *context,
			       const struct fuzz_op *op)
{
	struct fuzz_object *ioas = object_of(context, op->object, FUZZ_IOAS);

	ioas->nr_allowed = op->value;
	ioas->allowed[0].start = op->iova;
	ioas->allowed[0].last = op->iova + op->length - 1;
	ioas->allowed[1].start = op->iova2;
	ioas->allowed[1].last = op->iova2 + op->length2 - 1;
	return NULL;
}

/* Also when there was not room for all ranges. */
static const char *check_ranges(struct fuzz_context *context,
				const struct fuzz_op *op,
				const struct fuzz_answer *answer)
{
	struct fuzz_object *ioas = object_of(context, op->object, FUZZ_IOAS);
	const struct iommu_ioas_iova_ranges *got = &answer->cmd.iova_ranges;
	__u64 alignment = fuzz_ioas_alignment(context, ioas);
	struct iommu_iova_range holes[FUZZ_RANGES];
	unsigned int count = fuzz_ioas_holes(ioas, holes, FUZZ_RANGES);
	unsigned int i;

	if (got->num_iovas != count)
		return fuzz_wrong("%u ranges, expected %u", got->num_iovas,
				  count);
	if (got->out_iova_alignment != alignment)
		return fuzz_wrong("alignment %llu, expected %llu",
				  (long long)got->out_iova_alignment,
				  (long long)alignment);
	for (i = 0; i < count && i < op->value && i < FUZZ_RANGES; i++)
		if (answer->ranges[i].start != holes[i].start ||
		    answer->ranges[i].last != holes[i].last)
			return fuzz_wrong("range %u is 0x%llx-0x%llx, expected 0x%llx-0x%llx",
					  i, (long long)answer->ranges[i].start,
					  (long long)answer->ranges[i].last,
					  (long long)holes[i].start,
					  (long long)holes[i].last);
	return NULL;
}

static const char *apply_option(struct fuzz_context *context,
				const struct fuzz_op *op,
				const struct fuzz_answer *answer)
{
	struct fuzz_object *ioas = object_of(context, op->object, FUZZ_IOAS);
	bool huge = op->kind == FUZZ_OPTION_HUGE_PAGES;
	__u64 expected = huge ? !ioas->small_pages : context->process;

	if (op->flags == IOMMU_OPTION_OP_GET)
		return answer->cmd.option.val64 == expected ? NULL :
		       fuzz_wrong("the option is %llu",
				  (long long)answer->cmd.option.val64);
	if (huge)
		ioas->small_pages = !op->value;
	else
		context->process = op->value;
	return NULL;
}

static const char *apply_destroy(struct fuzz_model *model,
				 struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	struct fuzz_object *object = object_of(context, op->object,
					       FUZZ_NOTHING);

	switch (object->type) {
	case FUZZ_DEVICE:
		fuzz_model_detach(model, object);
		object->binding->type = FUZZ_NOTHING;
		break;
	case FUZZ_HWPT:
	case FUZZ_NESTED:
		fuzz_model_drop_table(model, object);
		break;
	default:
		break;
	}
	while (object->type == FUZZ_IOAS && object->nr_areas)
		fuzz_ioas_erase(model, context, object, 0);
	if (context->vfio == object)
		context->vfio = NULL;
	object->type = FUZZ_NOTHING;
	return NULL;
}

static const char *apply_create_access(struct fuzz_context *context,
				       const struct fuzz_op *op,
				       const struct fuzz_answer *answer)
{
	struct fuzz_access *access =
		&context->accesses[op->result % FUZZ_ACCESSES];

	memset(access, 0, sizeof(*access));
	access->fd = answer->cmd.test.create_access.out_access_fd;
	access->ioas = object_of(context, op->object, FUZZ_IOAS);
	access->pinning = op->flags & MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES;
	access->ioas->users++;
	return access->fd < 0 ? "no file descriptor" : NULL;
}

static const char *apply_pin(struct fuzz_model *model,
			     struct fuzz_access *access,
			     const struct fuzz_op *op,
			     const struct fuzz_answer *answer)
{
	__u32 id = answer->cmd.test.access_pages.out_access_pages_id;
	struct fuzz_part parts[FUZZ_PARTS];
	struct fuzz_pin *pin = NULL;
	bool whole;
	int i;

	for (i = 0; i < FUZZ_PINS; i++) {
		if (!access->pins[i].used)
			pin = &access->pins[i];
		else if (access->pins[i].id == id)
			return bad_id(id);
	}
	pin->used = true;
	pin->id = id;
	pin->iova = op->iova;
	pin->last = op->iova + op->length - 1;
	i = fuzz_ioas_parts(access->ioas, pin->iova, pin->last, parts, &whole);
	if (fuzz_pin_parts(model, parts, i))
		return "the model pins what it said cannot be pinned";
	return NULL;
}

/* The step from @offset to the end of its page, or of the part. */
static __u64 step_in_page(const struct fuzz_part *part, __u64 offset)
{
	__u64 step = FUZZ_PAGE - (part->start + offset) % FUZZ_PAGE;

	return step < part->length - offset ? step : part->length - offset;
}

static const char *compare_bytes(const struct fuzz_frame *frame, __u64 start,
				 const unsigned char *data, __u64 length,
				 __u64 iova)
{
	__u64 i;

	if (frame->unknown || !memcmp(frame->bytes + start, data, length))
		return NULL;
	for (i = 0; frame->bytes[start + i] == data[i]; i++)
		continue;
	return fuzz_wrong("IOVA 0x%llx has 0x%02x, expected 0x%02x",
			  (long long)(iova + i), data[i],
			  frame->bytes[start + i]);
}

/*
 * A write that failed may have changed any of its bytes, but no others. Which,
 * the model does not say, so nothing looks at the page any more.
 */
static void forget_bytes(const struct fuzz_part *part)
{
	__u64 offset, step;
	int slow;

	for (offset = 0; offset < part->length; offset += step) {
		step = step_in_page(part, offset);
		for (slow = 0; slow < 2; slow++) {
			struct fuzz_frame *frame;

			frame = fuzz_rw_frame(part, offset, slow, true);
			if (frame)
				frame->unknown = true;
		}
		if (offset / FUZZ_PAGE > FUZZ_PAGES_MAX)
			break;
	}
}

static const char *apply_rw(struct fuzz_access *access,
			    const struct fuzz_op *op,
			    const struct fuzz_answer *answer)
{
	bool write = op->flags & MOCK_ACCESS_RW_WRITE;
	bool slow = op->flags & MOCK_ACCESS_RW_SLOW_PATH;
	const unsigned char *data = answer->data;
	struct fuzz_part parts[FUZZ_PARTS];
	const char *wrong = NULL;
	__u64 offset, step;
	bool whole;
	int i, count;

	count = fuzz_ioas_parts(access->ioas, op->iova,
				op->iova + op->length - 1, parts, &whole);
	for (i = 0; i < count && answer->ret && write; i++)
		forget_bytes(&parts[i]);
	if (answer->ret)
		return NULL;
	for (i = 0; i < count; i++) {
		for (offset = 0; !wrong && offset < parts[i].length;
		     offset += step, data += step) {
			struct fuzz_frame *frame;
			__u64 start = (parts[i].start + offset) % FUZZ_PAGE;

			step = step_in_page(&parts[i], offset);
			frame = fuzz_rw_frame(&parts[i], offset, slow, write);
			if (write)
				memcpy(frame->bytes + start, data, step);
			else
				wrong = compare_bytes(frame, start, data, step,
						      op->iova + (data -
								  answer->data));
		}
	}
	return wrong;
}

static const char *apply_access_replace(struct fuzz_model *model,
					struct fuzz_context *context,
					struct fuzz_access *access,
					const struct fuzz_op *op)
{
	struct fuzz_object *ioas = object_of(context, op->object2, FUZZ_IOAS);

	if (ioas == access->ioas)
		return NULL;
	fuzz_access_notify(model, access, 0, UINT64_MAX);
	access->ioas->users--;
	access->ioas = ioas;
	ioas->users++;
	return NULL;
}

static const char *apply_access(struct fuzz_model *model,
				struct fuzz_context *context,
				const struct fuzz_op *op,
				const struct fuzz_answer *answer)
{
	struct fuzz_access *access = fuzz_model_access(context, op->object);

	switch (op->kind) {
	case FUZZ_CREATE_ACCESS:
		return apply_create_access(context, op, answer);
	case FUZZ_CLOSE_ACCESS:
		fuzz_access_notify(model, access, 0, UINT64_MAX);
		access->ioas->users--;
		access->fd = -1;
		return NULL;
	case FUZZ_ACCESS_PAGES:
		return apply_pin(model, access, op, answer);
	case FUZZ_DESTROY_ACCESS_PAGES:
		fuzz_pin_forget(model, access, &access->pins[op->object2]);
		return NULL;
	case FUZZ_ACCESS_RW:
		return apply_rw(access, op, answer);
	}
	return apply_access_replace(model, context, access, op);
}

static const char *apply_alloc(struct fuzz_context *context,
			       const struct fuzz_op *op,
			       const struct fuzz_answer *answer)
{
	__u32 id = answer->cmd.ioas_alloc.out_ioas_id;

	if (!id || !fuzz_model_add(context, op->result, FUZZ_IOAS, id))
		return bad_id(id);
	return NULL;
}

static const char *apply_reserve(struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	struct fuzz_object *ioas = object_of(context, op->object, FUZZ_IOAS);

	ioas->reserved[ioas->nr_reserved].start = op->iova;
	ioas->reserved[ioas->nr_reserved].last = op->iova + op->length - 1;
	ioas->nr_reserved++;
	return NULL;
}

/* Errors after which something has changed all the same. */
static const char *apply_failure(struct fuzz_model *model,
				 struct fuzz_context *context,
				 const struct fuzz_op *op,
				 const struct fuzz_answer *answer)
{
	struct fuzz_access *access = fuzz_model_access(context, op->object);

	if (op->kind == FUZZ_UNMAP && op->form == FUZZ_FORM_READ_ONLY &&
	    answer->ret == -EFAULT)
		return apply_unmap(model, context, op, answer);
	if (op->kind == FUZZ_IOVA_RANGES && answer->ret == -EMSGSIZE)
		return check_ranges(context, op, answer);
	if (op->kind == FUZZ_ACCESS_RW && access && op->length &&
	    (op->form == FUZZ_FORM_PLAIN || op->form == FUZZ_FORM_LONG ||
	     op->form == FUZZ_FORM_READ_ONLY) && answer->ret != -EOPNOTSUPP &&
	    answer->ret != -EOVERFLOW && answer->ret != -ENOMEM)
		return apply_rw(access, op, answer);
	return NULL;
}

const char *fuzz_apply(struct fuzz_model *model, const struct fuzz_op *op,
		       const struct fuzz_answer *answer)
{
	struct fuzz_context *context = &model->contexts[op->context];

	if (op->kind >= FUZZ_VFIO_IOAS && op->kind <= FUZZ_VFIO_DIRTY_PAGES)
		return fuzz_vfio_apply(model, op, answer);
	switch (op->kind) {
	case FUZZ_MOCK_DOMAIN:
	case FUZZ_MOCK_DOMAIN_REPLACE:
	case FUZZ_HW_INFO:
		return fuzz_device_apply(model, op, answer);
	case FUZZ_HWPT_ALLOC:
	case FUZZ_INVALIDATE:
	case FUZZ_CHECK_IOTLB:
		return fuzz_hwpt_apply(model, op, answer);
	case FUZZ_SET_DIRTY:
	case FUZZ_DIRTY_WRITE:
	case FUZZ_GET_DIRTY:
		return fuzz_dirty_apply(context, op, answer);
	case FUZZ_QUEUE_ALLOC:
	case FUZZ_QUEUE_CLOSE:
	case FUZZ_FAULT:
	case FUZZ_FAULT_READ:
	case FUZZ_FAULT_ANSWER:
		return fuzz_fault_apply(model, op, answer);
	}
	if (answer->ret)
		return apply_failure(model, context, op, answer);
	switch (op->kind) {
	case FUZZ_IOAS_ALLOC:
		return apply_alloc(context, op, answer);
	case FUZZ_DESTROY:
		return apply_destroy(model, context, op);
	case FUZZ_MAP:
	case FUZZ_MAP_FILE:
		return apply_map(model, context, op, answer);
	case FUZZ_COPY:
		return apply_copy(model, context, op, answer);
	case FUZZ_UNMAP:
		return apply_unmap(model, context, op, answer);
	case FUZZ_ALLOW_IOVAS:
		return apply_allow(context, op);
	case FUZZ_IOVA_RANGES:
		return check_ranges(context, op, answer);
	case FUZZ_OPTION_HUGE_PAGES:
	case FUZZ_OPTION_RLIMIT_MODE:
		return apply_option(context, op, answer);
	case FUZZ_ADD_RESERVED:
		return apply_reserve(context, op);
	case FUZZ_CREATE_ACCESS:
	case FUZZ_CLOSE_ACCESS:
	case FUZZ_ACCESS_PAGES:
	case FUZZ_DESTROY_ACCESS_PAGES:
	case FUZZ_ACCESS_RW:
	case FUZZ_ACCESS_REPLACE:
		return apply_access(model, context, op, answer);
	}
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "generate_hwpts.h"

#include "pick.h"
#include "requests.h"

/* Where most areas are, bytes. */
#define BUSY_BYTES	0x20000

static bool is_device(const struct fuzz_object *object)
{
	return object->type == FUZZ_BINDING;
}

/* Is there a queue that somebody can read? */
static bool is_served(const struct fuzz_object *object)
{
	return object->queue && object->queue->fd >= 0;
}

static bool can_ask(const struct fuzz_object *object)
{
	return is_device(object) && is_served(object->binding->hwpt);
}

static bool is_nested(const struct fuzz_object *object)
{
	return object->type == FUZZ_NESTED;
}

static bool is_parent(const struct fuzz_object *object)
{
	return object->nest_parent;
}

static bool is_trackable(const struct fuzz_object *object)
{
	return object->trackable;
}

static bool is_tracking(const struct fuzz_object *object)
{
	return object->tracking;
}

static bool is_writable(const struct fuzz_object *object)
{
	return is_tracking(object) && object->ioas->nr_areas;
}

static bool is_mapped(const struct fuzz_object *object)
{
	return object->type == FUZZ_IOAS && object->nr_areas;
}

static bool is_queue(const struct fuzz_object *object)
{
	return object->type == FUZZ_QUEUE;
}

static bool is_open(const struct fuzz_object *object)
{
	return is_queue(object) && object->fd >= 0;
}

static bool can_read(const struct fuzz_object *object)
{
	const struct fuzz_group *group = object->groups;

	while (group && group->read)
		group = group->next;
	return is_open(object) && group;
}

static bool can_answer(const struct fuzz_object *object)
{
	const struct fuzz_group *group = object->groups;

	while (group && !group->read)
		group = group->next;
	return is_open(object) && group;
}

/* A slot that fits, or nearly always one of the type. */
static unsigned int pick(struct fuzz_random *random,
			 const struct fuzz_model *model, const struct fuzz_op *op,
			 enum fuzz_type type,
			 bool (*fits)(const struct fuzz_object *object))
{
	int slot = -1;

	if (model && fuzz_random_percent(random, 90))
		slot = fuzz_pick_where(random, &model->contexts[op->context],
				       fits);
	return slot < 0 ? fuzz_pick_object(random, model, op->context, type) :
			  (unsigned int)slot;
}

/* Without a model nobody knows, so perhaps. */
static bool has_any(const struct fuzz_model *model, const struct fuzz_op *op,
		    bool (*fits)(const struct fuzz_object *object))
{
	struct fuzz_random random = {};

	return !model || fuzz_pick_where(&random, &model->contexts[op->context],
					 fits) >= 0;
}

static void generate_info(struct fuzz_random *random,
			  const struct fuzz_model *model, struct fuzz_op *op)
{
	static const __u32 types[] = {
		IOMMU_HW_INFO_TYPE_DEFAULT, IOMMU_HW_INFO_TYPE_SELFTEST,
		IOMMU_HW_INFO_TYPE_SELFTEST, IOMMU_HW_INFO_TYPE_INTEL_VTD,
	};

	op->object = pick(random, model, op, FUZZ_BINDING, is_device);
	op->flags = fuzz_random_percent(random, 40);
	if (fuzz_random_percent(random, 3))
		op->flags |= 2;
	op->value = fuzz_random_pick(random, types);
	op->length = fuzz_random_below(random, fuzz_random_percent(random, 70) ?
				       24 : FUZZ_INFO_BYTES);
}

static void generate_nested(struct fuzz_random *random,
			    const struct fuzz_model *model, struct fuzz_op *op)
{
	op->object2 = pick(random, model, op, FUZZ_HWPT, is_parent);
	op->flags = fuzz_random_percent(random, 40) ?
		    IOMMU_HWPT_FAULT_ID_VALID : 0;
	op->value = FUZZ_DATA_GOOD;
}

static void generate_paging(struct fuzz_random *random,
			    const struct fuzz_model *model, struct fuzz_op *op)
{
	static const unsigned char flags[] = { 0, 1, 1, 2, 2, 3, 3, 4, 4, 6 };

	op->object2 = fuzz_random_percent(random, 70) ?
		      pick(random, model, op, FUZZ_IOAS, is_mapped) :
		      fuzz_pick_object(random, model, op->context, FUZZ_IOAS);
	op->flags = fuzz_random_pick(random, flags);
	op->value = FUZZ_DATA_NONE;
}

static void generate_alloc(struct fuzz_random *random,
			   const struct fuzz_model *model, struct fuzz_op *op)
{
	op->object = pick(random, model, op, FUZZ_BINDING, is_device);
	op->object3 = pick(random, model, op, FUZZ_QUEUE, is_queue);
	if (fuzz_random_percent(random, 40) && has_any(model, op, is_parent))
		generate_nested(random, model, op);
	else
		generate_paging(random, model, op);
	if (!has_any(model, op, is_queue) && fuzz_random_percent(random, 80))
		op->flags &= ~IOMMU_HWPT_FAULT_ID_VALID;
	if (fuzz_random_percent(random, 3))
		op->flags = fuzz_random_below(random, 16);
	if (fuzz_random_percent(random, 5))
		op->value = fuzz_random_below(random, FUZZ_DATA_KINDS);
	if (fuzz_random_percent(random, 2))
		op->object2 = fuzz_random_below(random, FUZZ_SELECTORS);
	op->length2 = IOMMU_TEST_IOTLB_DEFAULT + fuzz_random_below(random, 4);
}

static void generate_invalidate(struct fuzz_random *random,
				const struct fuzz_model *model,
				struct fuzz_op *op)
{
	static const __u32 lengths[] = { 0, 1, 4, 7, 12, 16, 4096, 4097, ~0U };
	static const __u32 numbers[] = { 0, (1U << 19) + 1, ~0U };

	op->object = pick(random, model, op, FUZZ_NESTED, is_nested);
	op->flags = fuzz_random_percent(random, 4) ? FUZZ_INVALIDATE_TYPE : 0;
	if (fuzz_random_percent(random, 2))
		op->flags |= FUZZ_INVALIDATE_NULL;
	op->length = sizeof(struct iommu_hwpt_invalidate_selftest);
	if (fuzz_random_percent(random, 10))
		op->length = fuzz_random_pick(random, lengths);
	op->value = fuzz_random_below(random, 10);
	if (fuzz_random_percent(random, 20))
		op->value = fuzz_random_below(random, FUZZ_ENTRIES);
	if (fuzz_random_percent(random, 3))
		op->value = fuzz_random_pick(random, numbers);
	op->offset = fuzz_random_below(random, 1 << 30);
}

static void generate_check_iotlb(struct fuzz_random *random,
				 const struct fuzz_model *model,
				 struct fuzz_op *op)
{
	const struct fuzz_object *nested;

	op->object = pick(random, model, op, FUZZ_NESTED, is_nested);
	op->value = fuzz_random_below(random, MOCK_NESTED_DOMAIN_IOTLB_NUM);
	op->length2 = 0;
	if (model && op->object < FUZZ_SLOTS && fuzz_random_percent(random, 80)) {
		nested = &model->contexts[op->context].objects[op->object];
		op->length2 = nested->iotlb[op->value];
	}
	if (fuzz_random_percent(random, 3))
		op->value += MOCK_NESTED_DOMAIN_IOTLB_NUM;
}

static __u64 pick_page_size(struct fuzz_random *random)
{
	static const __u64 odd[] = { 0, 1, 256, 1000, 1ULL << 31, 1ULL << 63 };
	static const __u64 sizes[] = {
		0x800, 0x800, 0x800, 0x800, 0x1000, 0x1000, 0x1000, 0x200,
		0x400, 0x2000, 0x10000, 0x200000,
	};

	return fuzz_random_percent(random, 4) ? fuzz_random_pick(random, odd) :
						fuzz_random_pick(random, sizes);
}

static unsigned int pick_tracking(struct fuzz_random *random,
				  const struct fuzz_model *model,
				  const struct fuzz_op *op)
{
	return pick(random, model, op, FUZZ_HWPT,
		    has_any(model, op, is_writable) ? is_writable :
						      is_tracking);
}

/* Several areas with the holes between them, or something about one. */
static void pick_range(struct fuzz_random *random,
		       const struct fuzz_model *model, struct fuzz_op *op,
		       unsigned int bits)
{
	__u64 size = op->value ? op->value : 1;

	if (fuzz_random_percent(random, 50)) {
		op->iova = MOCK_APERTURE_START;
		op->length = BUSY_BYTES;
	} else {
		fuzz_aim_at_area(random, fuzz_pick_ioas(model, op, op->object),
				 &op->iova, &op->length, 50);
	}
	if (fuzz_random_percent(random, 95))
		op->iova -= op->iova % size;
	/* What is rounded up later still has to fit. */
	if (op->length / bits >= size)
		op->length = size * bits;
}

static void generate_write(struct fuzz_random *random,
			   const struct fuzz_model *model, struct fuzz_op *op)
{
	op->object = pick_tracking(random, model, op);
	op->flags = fuzz_random_percent(random, 2);
	op->value = FUZZ_IOPTE << fuzz_random_below(random, 2);
	if (fuzz_random_percent(random, 15))
		op->value = pick_page_size(random);
	pick_range(random, model, op, FUZZ_WRITE_BITS);
	if (op->value && fuzz_random_percent(random, 95))
		op->length += -op->length % op->value;
	op->offset = fuzz_random_below(random, 1 << 20);
}

static void generate_get(struct fuzz_random *random,
			 const struct fuzz_model *model, struct fuzz_op *op)
{
	op->object = pick_tracking(random, model, op);
	op->flags = fuzz_random_percent(random, 35);
	if (fuzz_random_percent(random, 2))
		op->flags |= 1U << 7;
	op->value = pick_page_size(random);
	pick_range(random, model, op, FUZZ_BITMAP_BITS);
	op->offset = fuzz_random_below(random, 1 << 20);
}

static void generate_fault(struct fuzz_random *random,
			   const struct fuzz_model *model, struct fuzz_op *op)
{
	op->object = pick(random, model, op, FUZZ_BINDING, can_ask);
	op->flags = fuzz_random_below(random, 16);
	if (fuzz_random_percent(random, 30))
		op->flags |= MOCK_FLAGS_IOPF_MORE;
	if (fuzz_random_percent(random, 2))
		op->flags |= 1U << 4;
	op->value = fuzz_random_below(random, 6);
	op->length2 = fuzz_random_percent(random, 15) ?
		      1 + fuzz_random_below(random, 3) : 0;
}

static void generate_read(struct fuzz_random *random,
			  const struct fuzz_model *model, struct fuzz_op *op)
{
	const unsigned int record = sizeof(struct iommu_hwpt_pgfault);

	op->object = pick(random, model, op, FUZZ_QUEUE, can_read);
	op->length = fuzz_random_below(random, 9) * record;
	if (fuzz_random_percent(random, 4))
		op->length = fuzz_random_below(random, 8 * record);
	op->flags = fuzz_random_percent(random, 15) ? FUZZ_READ_CUT : 0;
	op->value = fuzz_random_below(random, 6) * record;
	if (fuzz_random_percent(random, 30))
		op->value += fuzz_random_below(random, record);
}

static void generate_answer(struct fuzz_random *random,
			    const struct fuzz_model *model, struct fuzz_op *op)
{
	const unsigned int answer = sizeof(struct iommu_hwpt_page_response);
	unsigned int i;

	op->object = pick(random, model, op, FUZZ_QUEUE, can_answer);
	op->length = fuzz_random_below(random, FUZZ_ANSWERS + 1) * answer;
	if (fuzz_random_percent(random, 50))
		op->length = answer;
	if (fuzz_random_percent(random, 4))
		op->length = fuzz_random_below(random, FUZZ_ANSWERS * answer);
	op->value = fuzz_random_u64(random) & ~0U;
	op->flags = 0;
	for (i = 0; i < FUZZ_ANSWERS; i++)
		op->flags |= (fuzz_random_percent(random, 92) ?
			      fuzz_random_below(random, 2) :
			      fuzz_random_below(random, 16)) << 4 * i;
}

void fuzz_generate_hwpt(struct fuzz_random *random,
			const struct fuzz_model *model, struct fuzz_op *op)
{
	switch (op->kind) {
	case FUZZ_HW_INFO:
		generate_info(random, model, op);
		return;
	case FUZZ_HWPT_ALLOC:
		generate_alloc(random, model, op);
		return;
	case FUZZ_INVALIDATE:
		generate_invalidate(random, model, op);
		return;
	case FUZZ_CHECK_IOTLB:
		generate_check_iotlb(random, model, op);
		return;
	case FUZZ_SET_DIRTY:
		op->object = pick(random, model, op, FUZZ_HWPT, is_trackable);
		op->flags = fuzz_random_percent(random, 85);
		return;
	case FUZZ_DIRTY_WRITE:
		generate_write(random, model, op);
		return;
	case FUZZ_GET_DIRTY:
		generate_get(random, model, op);
		return;
	case FUZZ_QUEUE_ALLOC:
		op->flags = fuzz_random_percent(random, 3);
		return;
	case FUZZ_QUEUE_CLOSE:
		op->object = pick(random, model, op, FUZZ_QUEUE, is_open);
		return;
	case FUZZ_FAULT:
		generate_fault(random, model, op);
		return;
	case FUZZ_FAULT_READ:
		generate_read(random, model, op);
		return;
	}
	generate_answer(random, model, op);
}

static unsigned int needed_table(struct fuzz_random *random,
				 const struct fuzz_context *context,
				 unsigned int kind)
{
	return fuzz_pick_where(random, context, is_device) >= 0 ?
	       kind : FUZZ_MOCK_DOMAIN;
}

static unsigned int needed_tracking(struct fuzz_random *random,
				    const struct fuzz_context *context,
				    unsigned int kind)
{
	if (fuzz_pick_where(random, context, is_trackable) < 0)
		return needed_table(random, context, FUZZ_HWPT_ALLOC);
	return fuzz_pick_where(random, context, is_tracking) >= 0 ?
	       kind : FUZZ_SET_DIRTY;
}

/* For a device to ask it has to use a page table with a queue. */
static unsigned int needed_fault(struct fuzz_random *random,
				 const struct fuzz_context *context)
{
	if (fuzz_pick_where(random, context, can_ask) >= 0)
		return FUZZ_FAULT;
	if (fuzz_pick_where(random, context, is_open) < 0)
		return FUZZ_QUEUE_ALLOC;
	if (fuzz_pick_where(random, context, is_served) < 0)
		return needed_table(random, context, FUZZ_HWPT_ALLOC);
	return needed_table(random, context, FUZZ_MOCK_DOMAIN_REPLACE);
}

int fuzz_pick_served(struct fuzz_random *random,
		     const struct fuzz_context *context)
{
	return fuzz_pick_where(random, context, is_served);
}

unsigned int fuzz_needed_hwpt(struct fuzz_random *random,
			      const struct fuzz_context *context,
			      unsigned int kind)
{
	switch (kind) {
	case FUZZ_HW_INFO:
	case FUZZ_HWPT_ALLOC:
		return needed_table(random, context, kind);
	case FUZZ_INVALIDATE:
	case FUZZ_CHECK_IOTLB:
		return fuzz_pick_where(random, context, is_nested) >= 0 ?
		       kind : needed_table(random, context, FUZZ_HWPT_ALLOC);
	case FUZZ_SET_DIRTY:
	case FUZZ_DIRTY_WRITE:
	case FUZZ_GET_DIRTY:
		return needed_tracking(random, context, kind);
	case FUZZ_FAULT:
		return needed_fault(random, context);
	case FUZZ_FAULT_READ:
		return fuzz_pick_where(random, context, can_read) >= 0 ?
		       kind : needed_fault(random, context);
	case FUZZ_FAULT_ANSWER:
		if (fuzz_pick_where(random, context, can_answer) >= 0)
			return kind;
		return fuzz_pick_where(random, context, can_read) >= 0 ?
		       FUZZ_FAULT_READ : needed_fault(random, context);
	}
	return kind;
}

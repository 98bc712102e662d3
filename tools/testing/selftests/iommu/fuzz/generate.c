// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "generate.h"

#include <string.h>

#include "bar.h"
#include "generate_hwpts.h"
#include "generate_sources.h"
#include "maps.h"
#include "pick.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof(*(array)))

/* How often each kind comes, in thousandths or so. */
static const unsigned char weights[FUZZ_KINDS] = {
	[FUZZ_IOAS_ALLOC] = 20,
	[FUZZ_DESTROY] = 45,
	[FUZZ_MAP] = 120,
	[FUZZ_MAP_FILE] = 45,
	[FUZZ_COPY] = 70,
	[FUZZ_UNMAP] = 110,
	[FUZZ_CHANGE_PROCESS] = 10,
	[FUZZ_ALLOW_IOVAS] = 15,
	[FUZZ_IOVA_RANGES] = 20,
	[FUZZ_OPTION_HUGE_PAGES] = 12,
	[FUZZ_OPTION_RLIMIT_MODE] = 8,
	[FUZZ_OPTION_UNKNOWN] = 3,
	[FUZZ_VFIO_IOAS] = 20,
	[FUZZ_VFIO_API_VERSION] = 2,
	[FUZZ_VFIO_CHECK_EXTENSION] = 4,
	[FUZZ_VFIO_SET_IOMMU] = 15,
	[FUZZ_VFIO_GET_INFO] = 8,
	[FUZZ_VFIO_MAP_DMA] = 30,
	[FUZZ_VFIO_UNMAP_DMA] = 30,
	[FUZZ_VFIO_DIRTY_PAGES] = 6,
	[FUZZ_UNKNOWN_FLAG] = 4,
	[FUZZ_UNKNOWN_IOCTL] = 3,
	[FUZZ_MOCK_DOMAIN] = 15,
	[FUZZ_MOCK_DOMAIN_REPLACE] = 30,
	[FUZZ_ADD_RESERVED] = 6,
	[FUZZ_CHECK_MAP] = 20,
	[FUZZ_CHECK_REFS] = 15,
	[FUZZ_CHECK_BAR] = 20,
	[FUZZ_CREATE_ACCESS] = 25,
	[FUZZ_CLOSE_ACCESS] = 15,
	[FUZZ_ACCESS_PAGES] = 60,
	[FUZZ_DESTROY_ACCESS_PAGES] = 40,
	[FUZZ_ACCESS_RW] = 100,
	[FUZZ_ACCESS_REPLACE] = 20,
	[FUZZ_HW_INFO] = 8,
	[FUZZ_HWPT_ALLOC] = 45,
	[FUZZ_INVALIDATE] = 30,
	[FUZZ_CHECK_IOTLB] = 10,
	[FUZZ_SET_DIRTY] = 15,
	[FUZZ_DIRTY_WRITE] = 45,
	[FUZZ_GET_DIRTY] = 45,
	[FUZZ_QUEUE_ALLOC] = 6,
	[FUZZ_QUEUE_CLOSE] = 4,
	[FUZZ_FAULT] = 45,
	[FUZZ_FAULT_READ] = 30,
	[FUZZ_FAULT_ANSWER] = 35,
	[FUZZ_MEMORY_LIMIT] = 4,
	[FUZZ_REOPEN] = 2,
	[FUZZ_SOURCE_MUNMAP] = 6,
	[FUZZ_SOURCE_MMAP] = 12,
	[FUZZ_SOURCE_PROTECT] = 10,
	[FUZZ_SOURCE_DISCARD] = 8,
	[FUZZ_SOURCE_WRITE] = 20,
	[FUZZ_FILE_TRUNCATE] = 8,
	[FUZZ_FILE_PUNCH] = 8,
	[FUZZ_FILE_SEAL] = 2,
	[FUZZ_BAR_MUNMAP] = 3,
	[FUZZ_BAR_MMAP] = 8,
	[FUZZ_BAR_PROTECT] = 8,
	[FUZZ_BAR_MREMAP] = 4,
	[FUZZ_BAR_SET] = 20,
};

static unsigned int pick_kind(struct fuzz_random *random)
{
	unsigned int i, total = 0;
	__u64 at;

	for (i = 0; i < FUZZ_KINDS; i++)
		total += weights[i];
	at = fuzz_random_below(random, total);
	for (i = 0; at >= weights[i]; i++)
		at -= weights[i];
	return i;
}

static unsigned int pick_form(struct fuzz_random *random, const struct fuzz_op *op)
{
	unsigned int form;

	if ((op->kind == FUZZ_FAULT_READ || op->kind == FUZZ_FAULT_ANSWER) &&
	    fuzz_random_percent(random, 4))
		return FUZZ_FORM_BAD_POINTER;
	if (!fuzz_has_structure(op->kind) || !fuzz_random_percent(random, 6))
		return FUZZ_FORM_PLAIN;
	form = fuzz_random_below(random, FUZZ_FORMS);
	switch (op->kind) {
	case FUZZ_MAP:
	case FUZZ_OPTION_HUGE_PAGES:
	case FUZZ_OPTION_RLIMIT_MODE:
	case FUZZ_CHANGE_PROCESS:
	case FUZZ_VFIO_IOAS:
	case FUZZ_SET_DIRTY:
		return form == FUZZ_FORM_BAD_POINTER ? FUZZ_FORM_PLAIN : form;
	case FUZZ_ALLOW_IOVAS:
	case FUZZ_IOVA_RANGES:
	case FUZZ_HW_INFO:
	case FUZZ_HWPT_ALLOC:
	case FUZZ_INVALIDATE:
	case FUZZ_GET_DIRTY:
		return form;
	case FUZZ_ACCESS_RW:
	case FUZZ_DIRTY_WRITE:
		return form == FUZZ_FORM_RESERVED ? FUZZ_FORM_PLAIN : form;
	case FUZZ_VFIO_GET_INFO:
	case FUZZ_VFIO_MAP_DMA:
	case FUZZ_VFIO_UNMAP_DMA:
	case FUZZ_VFIO_DIRTY_PAGES:
		return form == FUZZ_FORM_SHORT || form == FUZZ_FORM_EMPTY ||
		       form == FUZZ_FORM_UNREADABLE ||
		       form == FUZZ_FORM_READ_ONLY ? form : FUZZ_FORM_PLAIN;
	}
	return form < FUZZ_FORM_RESERVED ? form : FUZZ_FORM_READ_ONLY;
}

static unsigned int pick_access(struct fuzz_random *random,
				struct fuzz_model *model, unsigned int context)
{
	unsigned int i, start = fuzz_random_below(random, FUZZ_ACCESSES);

	if (!model || fuzz_random_percent(random, 3))
		return fuzz_random_below(random, FUZZ_ACCESSES + 2);
	for (i = 0; i < FUZZ_ACCESSES; i++) {
		unsigned int slot = (start + i) % FUZZ_ACCESSES;

		if (model->contexts[context].accesses[slot].fd >= 0)
			return slot;
	}
	return start;
}

static void generate_map(struct fuzz_random *random, struct fuzz_model *model,
			 struct fuzz_op *op)
{
	static const __u32 rights[] = { 2, 4, 6, 6, 6, 6, 6, 6 };

	op->flags = fuzz_random_pick(random, rights);
	if (fuzz_random_percent(random, 75))
		op->flags |= IOMMU_IOAS_MAP_FIXED_IOVA;
	if (fuzz_random_percent(random, 2))
		op->flags = fuzz_random_below(random, 16);
	op->object = fuzz_pick_object(random, model, op->context, FUZZ_IOAS);
	op->object2 = fuzz_pick_object(random, model, op->context, FUZZ_IOAS);
	if (op->kind == FUZZ_MAP_FILE)
		fuzz_pick_file(random, op);
	if (op->kind == FUZZ_COPY)
		fuzz_aim_at_area(random, fuzz_pick_ioas(model, op, op->object2),
				 &op->iova2, &op->length, 40);
}

static void generate_unmap(struct fuzz_random *random, struct fuzz_model *model,
			   struct fuzz_op *op)
{
	const struct fuzz_object *ioas;

	if (op->kind == FUZZ_VFIO_UNMAP_DMA) {
		ioas = model ? model->contexts[op->context].vfio : NULL;
		op->flags = fuzz_random_percent(random, 3) ?
			    fuzz_random_below(random, 4) : 0;
	} else {
		op->object = fuzz_pick_object(random, model, op->context, FUZZ_IOAS);
		ioas = fuzz_pick_ioas(model, op, op->object);
	}
	fuzz_aim_at_area(random, ioas, &op->iova, &op->length, 50);
	if (fuzz_random_percent(random, 3)) {
		op->iova = 0;
		op->length = -1ULL;
	}
	if (op->flags & VFIO_DMA_UNMAP_FLAG_ALL &&
	    fuzz_random_percent(random, 80)) {
		op->iova = 0;
		op->length = 0;
	}
}

static void generate_option(struct fuzz_random *random,
			    struct fuzz_model *model, struct fuzz_op *op)
{
	op->value = fuzz_random_below(random, 2);
	if (fuzz_random_percent(random, 5))
		op->value = fuzz_pick_edge(random);
	op->flags = fuzz_random_below(random, 2);
	if (fuzz_random_percent(random, 4))
		op->flags = fuzz_random_below(random, 5);
	if (op->kind == FUZZ_OPTION_RLIMIT_MODE &&
	    fuzz_random_percent(random, 90))
		op->object = FUZZ_SLOT_ZERO;
	else
		op->object = fuzz_pick_object(random, model, op->context, FUZZ_IOAS);
	if (op->kind == FUZZ_OPTION_UNKNOWN)
		op->value = fuzz_random_below(random, 100);
}

static void generate_vfio(struct fuzz_random *random, struct fuzz_model *model,
			  struct fuzz_op *op)
{
	static const unsigned char types[] = { 1, 1, 3, 3, 3, 3, 6, 9 };
	static const unsigned char ioas_ops[] = { 0, 0, 1, 1, 1, 1, 1, 2 };

	switch (op->kind) {
	case FUZZ_VFIO_IOAS:
		op->flags = fuzz_random_pick(random, ioas_ops);
		if (fuzz_random_percent(random, 3))
			op->flags = fuzz_random_below(random, 0x10000);
		op->object = fuzz_pick_object(random, model, op->context, FUZZ_IOAS);
		break;
	case FUZZ_VFIO_SET_IOMMU:
		op->value = fuzz_random_pick(random, types);
		if (fuzz_random_percent(random, 10))
			op->value = fuzz_random_below(random, 16);
		break;
	case FUZZ_VFIO_CHECK_EXTENSION:
		op->value = fuzz_random_below(random, 16);
		break;
	case FUZZ_VFIO_GET_INFO:
		op->value = fuzz_random_percent(random, 50) ? 1000 :
			    fuzz_random_below(random, 200);
		break;
	case FUZZ_VFIO_MAP_DMA:
		op->flags = fuzz_random_percent(random, 5) ?
			    fuzz_random_below(random, 8) :
			    1 + fuzz_random_below(random, 3);
		break;
	case FUZZ_VFIO_DIRTY_PAGES:
		op->flags = fuzz_random_percent(random, 10) ?
			    fuzz_random_below(random, 16) :
			    1 + fuzz_random_below(random, 2);
		break;
	}
}

static bool is_table(const struct fuzz_object *object)
{
	return object->type == FUZZ_HWPT || object->type == FUZZ_NESTED;
}

/* Mostly an IOAS; else a page table, rather one with a queue. */
static unsigned int pick_target(struct fuzz_random *random,
				const struct fuzz_model *model,
				unsigned int number)
{
	const struct fuzz_context *context;
	int slot = -1;

	if (model && fuzz_random_percent(random, 55)) {
		context = &model->contexts[number];
		if (fuzz_random_percent(random, 50))
			slot = fuzz_pick_served(random, context);
		if (slot < 0)
			slot = fuzz_pick_where(random, context, is_table);
	}
	return slot < 0 ? fuzz_pick_object(random, model, number, FUZZ_IOAS) :
			  (unsigned int)slot;
}

static void generate_device(struct fuzz_random *random,
			    struct fuzz_model *model, struct fuzz_op *op)
{
	if (op->kind == FUZZ_MOCK_DOMAIN_REPLACE)
		op->object = fuzz_pick_object(random, model, op->context,
					      FUZZ_DEVICE);
	else
		op->object = pick_target(random, model, op->context);
	op->object2 = pick_target(random, model, op->context);
	if (fuzz_random_percent(random, 20))
		op->flags = MOCK_FLAGS_DEVICE_HUGE_IOVA;
	if (fuzz_random_percent(random, 15))
		op->flags |= MOCK_FLAGS_DEVICE_NO_DIRTY;
	if (fuzz_random_percent(random, 2))
		op->flags |= 1U << 31;
}

/* Often a map that is right. */
static void generate_check_map(struct fuzz_random *random,
			       struct fuzz_model *model, struct fuzz_op *op)
{
	const struct fuzz_object *ioas;
	const struct fuzz_area *area;

	op->object = fuzz_pick_object(random, model, op->context, FUZZ_HWPT);
	ioas = fuzz_pick_ioas(model, op, op->object);
	if (!ioas || !ioas->nr_areas || fuzz_random_percent(random, 20))
		return;
	area = ioas->areas[fuzz_random_below(random, ioas->nr_areas)];
	op->iova = area->iova;
	op->memory = FUZZ_SMALL;
	op->offset = area->pages->va + area->start - fuzz_memory_va(FUZZ_SMALL);
	if (op->length > 0x10000 || fuzz_random_percent(random, 50))
		op->length = area->last - area->iova + 1;
}

/* Mostly a BAR that is mapped, and the right place in it. */
static void generate_check_bar(struct fuzz_random *random,
			       struct fuzz_model *model, struct fuzz_op *op)
{
	const struct fuzz_object *ioas;
	unsigned int i, start;

	op->object = fuzz_pick_object(random, model, op->context, FUZZ_HWPT);
	op->value = fuzz_pick_opened(random, 95);
	op->offset = fuzz_random_below(random, FUZZ_BAR_PAGES) * FUZZ_PAGE;
	ioas = fuzz_pick_ioas(model, op, op->object);
	if (!ioas || !ioas->nr_areas || fuzz_random_percent(random, 10))
		return;
	start = fuzz_random_below(random, ioas->nr_areas);
	for (i = 0; i < ioas->nr_areas; i++) {
		const struct fuzz_area *area =
			ioas->areas[(start + i) % ioas->nr_areas];

		if (!area->pages->bar)
			continue;
		op->iova = area->iova;
		op->offset = fuzz_bar_area_offset(area);
		op->length = area->last - area->iova + 1;
		if (fuzz_random_percent(random, 20))
			op->length += FUZZ_PAGE;
		return;
	}
}

static void generate_access(struct fuzz_random *random,
			    struct fuzz_model *model, struct fuzz_op *op)
{
	const struct fuzz_access *access = NULL;

	op->object = pick_access(random, model, op->context);
	op->object2 = fuzz_pick_object(random, model, op->context, FUZZ_IOAS);
	if (model)
		access = fuzz_model_access(&model->contexts[op->context],
					   op->object);
	switch (op->kind) {
	case FUZZ_CREATE_ACCESS:
		op->object = op->object2;
		op->flags = fuzz_random_percent(random, 65);
		if (fuzz_random_percent(random, 2))
			op->flags = 2;
		break;
	case FUZZ_ACCESS_PAGES:
		op->flags = fuzz_random_percent(random, 30);
		if (fuzz_random_percent(random, 2))
			op->flags |= 1U << 5;
		op->value = fuzz_random_percent(random, 15);
		if (op->length > FUZZ_PAGE && fuzz_random_percent(random, 30))
			op->length = 1 + fuzz_random_below(random, 0x3000);
		fuzz_aim_at_area(random, access ? access->ioas : NULL,
				 &op->iova, &op->length, 20);
		break;
	case FUZZ_DESTROY_ACCESS_PAGES:
		op->object2 = fuzz_random_below(random, FUZZ_PINS + 2);
		break;
	case FUZZ_ACCESS_RW:
		op->flags = fuzz_random_below(random, 8);
		if (fuzz_random_percent(random, 2))
			op->flags |= 1U << 9;
		if (fuzz_random_percent(random, 60))
			op->length = fuzz_random_below(random, 0x2000);
		fuzz_aim_at_area(random, access ? access->ioas : NULL,
				 &op->iova, &op->length, 5);
		if (op->length > FUZZ_RW_BYTES && op->length <= 1ULL << 32)
			op->length = FUZZ_RW_BYTES;
		op->value = fuzz_random_below(random, 1 << 20);
		break;
	}
}

static void generate_ranges(struct fuzz_random *random,
			    struct fuzz_model *model, struct fuzz_op *op)
{
	op->object = fuzz_pick_object(random, model, op->context, FUZZ_IOAS);
	op->value = fuzz_random_below(random, FUZZ_ARRAY_MAX);
	if (op->kind == FUZZ_IOVA_RANGES)
		return;
	op->value = fuzz_random_below(random, 3);
	if (fuzz_random_percent(random, 60)) {
		op->iova = MOCK_APERTURE_START;
		op->length = 0x40000;
	}
	op->length2 = fuzz_pick_length(random);
}

static void generate_kind(struct fuzz_random *random, struct fuzz_model *model,
			  struct fuzz_op *op)
{
	if (op->kind >= FUZZ_SOURCE_MUNMAP) {
		fuzz_generate_source(random, model, op);
		return;
	}
	if (op->kind >= FUZZ_HW_INFO && op->kind <= FUZZ_FAULT_ANSWER) {
		fuzz_generate_hwpt(random, model, op);
		return;
	}
	if (op->kind >= FUZZ_CREATE_ACCESS && op->kind <= FUZZ_ACCESS_REPLACE) {
		generate_access(random, model, op);
		return;
	}
	switch (op->kind) {
	case FUZZ_MAP:
	case FUZZ_MAP_FILE:
	case FUZZ_COPY:
		generate_map(random, model, op);
		return;
	case FUZZ_UNMAP:
	case FUZZ_VFIO_UNMAP_DMA:
		generate_unmap(random, model, op);
		return;
	case FUZZ_ALLOW_IOVAS:
	case FUZZ_IOVA_RANGES:
		generate_ranges(random, model, op);
		return;
	case FUZZ_OPTION_HUGE_PAGES:
	case FUZZ_OPTION_RLIMIT_MODE:
	case FUZZ_OPTION_UNKNOWN:
		generate_option(random, model, op);
		return;
	case FUZZ_MOCK_DOMAIN:
	case FUZZ_MOCK_DOMAIN_REPLACE:
		generate_device(random, model, op);
		return;
	case FUZZ_CHECK_MAP:
		generate_check_map(random, model, op);
		return;
	case FUZZ_CHECK_BAR:
		generate_check_bar(random, model, op);
		return;
	case FUZZ_CHANGE_PROCESS:
		op->value = fuzz_random_percent(random, 60);
		return;
	}
	generate_vfio(random, model, op);
}

/* What nobody uses and is no IOAS, or anything. */
static bool is_idle(const struct fuzz_object *object)
{
	return !object->users && object->type != FUZZ_IOAS &&
	       object->type != FUZZ_BINDING;
}

static unsigned int pick_victim(struct fuzz_random *random,
				const struct fuzz_model *model,
				unsigned int context)
{
	int slot = -1;

	if (model && fuzz_random_percent(random, 40))
		slot = fuzz_pick_where(random, &model->contexts[context],
				       is_idle);
	return slot < 0 ? fuzz_random_below(random, FUZZ_SELECTORS) :
			  (unsigned int)slot;
}

/* Nothing much can be done in a context without an IOAS, or without accesses */
static unsigned int needed_first(struct fuzz_random *random,
				 const struct fuzz_context *context,
				 unsigned int kind)
{
	unsigned int i, found = 0;

	if (!fuzz_random_percent(random, kind < FUZZ_HW_INFO ? 60 : 85))
		return kind;
	for (i = 0; i < FUZZ_SLOTS; i++)
		found += context->objects[i].type == FUZZ_IOAS;
	if (!found && kind < FUZZ_SOURCE_MUNMAP)
		return FUZZ_IOAS_ALLOC;
	if (kind >= FUZZ_CLOSE_ACCESS && kind <= FUZZ_ACCESS_REPLACE &&
	    !fuzz_model_has_access(context))
		return FUZZ_CREATE_ACCESS;
	return fuzz_needed_hwpt(random, context, kind);
}

void fuzz_generate(struct fuzz_random *random, struct fuzz_model *model,
		   struct fuzz_op *op)
{
	static const __u32 limits[] = {
		0, 64, 4096, 4096, 65536, 65536, FUZZ_NO_LIMIT,
	};

	memset(op, 0, sizeof(*op));
	op->kind = pick_kind(random);
	op->context = fuzz_random_percent(random, 80) ? 0 : 1;
	if (op->kind == FUZZ_CHANGE_PROCESS && fuzz_random_percent(random, 60))
		op->context = 1;
	if (model)
		op->kind = needed_first(random, &model->contexts[op->context],
					op->kind);
	if (model && model->only_files && op->context &&
	    (op->kind == FUZZ_MAP || op->kind == FUZZ_VFIO_MAP_DMA))
		op->kind = FUZZ_MAP_FILE;
	op->result = fuzz_random_below(random, FUZZ_SLOTS);
	op->object = fuzz_pick_object(random, model, op->context, FUZZ_IOAS);
	op->iova = fuzz_pick_iova(random);
	op->iova2 = fuzz_pick_iova(random);
	op->length = fuzz_pick_length(random);
	fuzz_pick_memory(random, op);
	op->value = fuzz_random_below(random, 4);
	if (op->kind == FUZZ_UNKNOWN_FLAG || op->kind == FUZZ_UNKNOWN_IOCTL)
		op->value = fuzz_random_below(random, 18);
	if (op->kind == FUZZ_DESTROY)
		op->object = pick_victim(random, model, op->context);
	if (op->kind == FUZZ_MEMORY_LIMIT)
		op->value = fuzz_random_pick(random, limits);
	if (op->kind == FUZZ_IOAS_ALLOC && fuzz_random_percent(random, 3))
		op->flags = 1;
	if (op->kind == FUZZ_CHECK_REFS && fuzz_random_percent(random, 90)) {
		op->offset &= -FUZZ_PAGE;
		op->length &= -FUZZ_PAGE;
	}
	generate_kind(random, model, op);
	op->form = pick_form(random, op);
}

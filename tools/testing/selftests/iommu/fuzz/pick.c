// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "pick.h"

#include <stddef.h>

#include "ops.h"

#define HUGE_BYTES	0x200000ULL

static const __u64 edges[] = {
	0, 1, 0x7ff, 0x800, 0xfff, 0x1000, 0x1001, 0x2000, 0xff0000, 0xffe000,
	0xfff000, 0x1001000, 0x7ffff000, 0x7ffff800, 0x80000000, 0xfffff000,
	0x100000000, 0x7ffffffffffff000, 0x8000000000000000,
	0xffffffff80000000, 0xfffffffffffe0000, 0xffffffffffffe000,
	0xfffffffffffff000, 0xfffffffffffff800, 0xffffffffffffffff,
};

static const __u64 small_lengths[] = {
	0x1000, 0x1000, 0x1000, 0x1000, 0x2000, 0x2000, 0x3000, 0x4000, 0x8000,
	0x10000, 0x1800, 0x800,
};

__u64 fuzz_pick_edge(struct fuzz_random *random)
{
	return fuzz_random_pick(random, edges);
}

/* Mostly few neighbouring pages, so that everything is in the way. */
__u64 fuzz_pick_iova(struct fuzz_random *random)
{
	__u64 way = fuzz_random_below(random, 100);

	if (way < 80)
		return MOCK_APERTURE_START +
		       fuzz_random_below(random, 24) * FUZZ_PAGE;
	if (way < 88)
		return MOCK_APERTURE_START +
		       fuzz_random_below(random, 48) * FUZZ_IOPTE;
	if (way < 93)
		return MOCK_APERTURE_START +
		       fuzz_random_below(random, 4) * HUGE_BYTES;
	return fuzz_random_pick(random, edges);
}

__u64 fuzz_pick_length(struct fuzz_random *random)
{
	__u64 way = fuzz_random_below(random, 100);

	if (way < 92)
		return fuzz_random_pick(random, small_lengths);
	if (way < 95)
		return fuzz_random_pick(random, edges);
	if (way < 98)
		return HUGE_BYTES;
	return fuzz_random_below(random, 0x3000);
}

/* A slot with an object of a type, or some other slot. */
unsigned int fuzz_pick_object(struct fuzz_random *random,
			      const struct fuzz_model *model,
			      unsigned int context, enum fuzz_type type)
{
	unsigned int i, start = fuzz_random_below(random, FUZZ_SLOTS);

	if (fuzz_random_percent(random, 3))
		return fuzz_random_below(random, FUZZ_SELECTORS);
	if (!model)
		return 1 + fuzz_random_below(random, 20);
	for (i = 0; i < FUZZ_SLOTS; i++) {
		unsigned int slot = (start + i) % FUZZ_SLOTS;

		if (model->contexts[context].objects[slot].type == type)
			return slot;
	}
	return start;
}

int fuzz_pick_where(struct fuzz_random *random,
		    const struct fuzz_context *context,
		    bool (*fits)(const struct fuzz_object *object))
{
	unsigned int i, start = fuzz_random_below(random, FUZZ_SLOTS);

	for (i = 0; i < FUZZ_SLOTS; i++) {
		unsigned int slot = (start + i) % FUZZ_SLOTS;
		const struct fuzz_object *object = &context->objects[slot];

		if (object->type != FUZZ_NOTHING && fits(object))
			return slot;
	}
	return -1;
}

/* Make the range touch what is mapped: all of an area, a part, or several. */
void fuzz_aim_at_area(struct fuzz_random *random,
		      const struct fuzz_object *ioas, __u64 *iova,
		      __u64 *length, unsigned int exact_percent)
{
	const struct fuzz_area *area;
	__u64 size;

	if (!ioas || !ioas->nr_areas || fuzz_random_percent(random, 15))
		return;
	area = ioas->areas[fuzz_random_below(random, ioas->nr_areas)];
	size = area->last - area->iova + 1;
	*iova = area->iova;
	if (fuzz_random_percent(random, exact_percent)) {
		*length = size;
		return;
	}
	switch (fuzz_random_below(random, 6)) {
	case 0:
		*length = size + FUZZ_PAGE;
		break;
	case 1:
		*iova += fuzz_random_below(random, size / FUZZ_IOPTE + 1) *
			 FUZZ_IOPTE;
		break;
	case 2:
		*iova += fuzz_random_below(random, size);
		*length = fuzz_random_below(random, 0x3000);
		break;
	case 3:
		*iova -= FUZZ_PAGE;
		*length = size + 2 * FUZZ_PAGE;
		break;
	case 4:
		*length = fuzz_random_below(random, 8) * FUZZ_PAGE;
		break;
	case 5:
		*length = size - 1;
		break;
	}
}

/* The IOAS behind a selector. */
const struct fuzz_object *fuzz_pick_ioas(const struct fuzz_model *model,
					 const struct fuzz_op *op,
					 unsigned int selector)
{
	const struct fuzz_object *object;

	if (!model || selector >= FUZZ_SLOTS)
		return NULL;
	object = &model->contexts[op->context].objects[selector];
	return object->type == FUZZ_HWPT ? object->ioas :
	       object->type == FUZZ_IOAS ? object : NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Compare all that can be seen from outside with the model. Most of it is done
 * with operations, whose answers the model predicts like any other.
 */
#include "check.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/files.h"

#include "faults.h"
#include "maps.h"
#include "pins.h"
#include "requests.h"

/* Of areas larger than twice this, look at the beginning and the end only. */
#define LOOK_BYTES	(8 * FUZZ_PAGE)

static const char *read_range(struct fuzz_state *state, unsigned int context,
			      unsigned int access, __u64 iova, __u64 length)
{
	struct fuzz_op op = {
		.kind = FUZZ_ACCESS_RW,
		.context = context,
		.object = access,
		.iova = iova,
		.length = length,
		.flags = MOCK_ACCESS_RW_SLOW_PATH,
	};

	return fuzz_execute(state, &op);
}

static const char *read_areas(struct fuzz_state *state, unsigned int context,
			      unsigned int access,
			      const struct fuzz_object *ioas)
{
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; !wrong && i < ioas->nr_areas; i++) {
		const struct fuzz_area *area = ioas->areas[i];
		__u64 length = area->last - area->iova + 1;

		if (length <= 2 * LOOK_BYTES) {
			wrong = read_range(state, context, access, area->iova,
					   length);
			continue;
		}
		wrong = read_range(state, context, access, area->iova,
				   LOOK_BYTES);
		if (!wrong)
			wrong = read_range(state, context, access,
					   area->last - LOOK_BYTES + 1,
					   LOOK_BYTES);
	}
	return wrong;
}

/* With an access that was there, or else one for the purpose. */
static const char *check_bytes(struct fuzz_state *state, unsigned int number,
			       unsigned int slot)
{
	struct fuzz_context *context = &state->model.contexts[number];
	struct fuzz_object *ioas = &context->objects[slot];
	struct fuzz_op op = {
		.kind = FUZZ_CREATE_ACCESS,
		.context = number,
		.object = slot,
	};
	unsigned int i;
	const char *wrong;

	for (i = 0; i < FUZZ_ACCESSES; i++)
		if (context->accesses[i].fd >= 0 &&
		    context->accesses[i].ioas == ioas)
			return read_areas(state, number, i, ioas);
	for (i = 0; i < FUZZ_ACCESSES && context->accesses[i].fd >= 0; i++)
		continue;
	if (i == FUZZ_ACCESSES)
		return NULL;
	op.result = i;
	wrong = fuzz_execute(state, &op);
	if (!wrong)
		wrong = read_areas(state, number, i, ioas);
	op.kind = FUZZ_CLOSE_ACCESS;
	op.object = i;
	return wrong ? wrong : fuzz_execute(state, &op);
}

/* Does the process still show what is pinned? */
static bool shown(const struct fuzz_area *area, __u64 offset)
{
	__u64 at = (area->start + offset) / FUZZ_PAGE;
	struct fuzz_page *page;

	page = fuzz_memory_page(area->pages->va + at * FUZZ_PAGE);
	return page && page->mapped && page->readable &&
	       page->frame == fuzz_pages_frame(area->pages, at);
}

static const char *compare_iopte(struct fuzz_state *state,
				 struct fuzz_op *op, const struct fuzz_area *area,
				 __u64 offset, __u64 length)
{
	op->iova = area->iova + offset;
	op->length = length;
	op->memory = FUZZ_SMALL;
	op->offset = area->pages->va + area->start + offset -
		     fuzz_memory_va(FUZZ_SMALL);
	return fuzz_execute(state, op);
}

static const char *check_area(struct fuzz_state *state, struct fuzz_op *op,
			      const struct fuzz_area *area)
{
	__u64 offset, length = area->last - area->iova + 1, step;
	const char *wrong = NULL;

	for (offset = 0; !wrong && offset < length; offset += step) {
		step = FUZZ_PAGE - (area->start + offset) % FUZZ_PAGE;
		if (step > length - offset)
			step = length - offset;
		if (!shown(area, offset))
			continue;
		while (offset + step < length && step < LOOK_BYTES &&
		       shown(area, offset + step))
			step += FUZZ_PAGE;
		if (step > length - offset)
			step = length - offset;
		wrong = compare_iopte(state, op, area, offset, step);
		if (length - offset > 4 * LOOK_BYTES)
			step = length - offset - LOOK_BYTES;
	}
	if (wrong || area->last == UINT64_MAX)
		return wrong;
	/* And nothing behind it, unless there is another area. */
	op->iova = area->last + 1;
	op->length = FUZZ_IOPTE;
	op->memory = FUZZ_SMALL;
	op->offset = 0;
	return fuzz_execute(state, op);
}

/* All of it, or nothing. */
static const char *check_bar(struct fuzz_state *state, unsigned int number,
			     unsigned int slot, const struct fuzz_area *area)
{
	struct fuzz_op op = {
		.kind = FUZZ_CHECK_BAR,
		.context = number,
		.object = slot,
		.iova = area->iova,
		.length = area->last - area->iova + 1,
		.offset = fuzz_bar_area_offset(area),
	};

	return fuzz_execute(state, &op);
}

static const char *check_page_table(struct fuzz_state *state,
				    unsigned int number, unsigned int slot)
{
	struct fuzz_object *hwpt = &state->model.contexts[number].objects[slot];
	struct fuzz_op op = {
		.kind = FUZZ_CHECK_MAP,
		.context = number,
		.object = slot,
	};
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; !wrong && hwpt->id && i < hwpt->ioas->nr_areas; i++) {
		const struct fuzz_area *area = hwpt->ioas->areas[i];

		wrong = area->pages->bar ?
			check_bar(state, number, slot, area) :
			check_area(state, &op, area);
	}
	return wrong;
}

/* Several areas with the holes between them, as far as there is room. */
static const char *check_dirty(struct fuzz_state *state, unsigned int number,
			       unsigned int slot)
{
	struct fuzz_object *hwpt = &state->model.contexts[number].objects[slot];
	const struct fuzz_object *ioas = hwpt->ioas;
	struct fuzz_op op = {
		.kind = FUZZ_GET_DIRTY,
		.context = number,
		.object = slot,
		.flags = IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR,
		.value = FUZZ_IOPTE,
	};
	const char *wrong = NULL;
	unsigned int i = 0;
	__u64 bits = 0;

	while (!wrong && hwpt->tracking && i < ioas->nr_areas) {
		op.iova = ioas->areas[i]->iova;
		do {
			op.length = ioas->areas[i]->last - op.iova + 1;
			if (++i < ioas->nr_areas)
				bits = (ioas->areas[i]->last - op.iova) /
				       FUZZ_IOPTE;
		} while (i < ioas->nr_areas && bits < FUZZ_BITMAP_BITS);
		wrong = fuzz_execute(state, &op);
	}
	return wrong;
}

static const char *check_iotlb(struct fuzz_state *state, unsigned int number,
			       unsigned int slot)
{
	struct fuzz_object *nested =
		&state->model.contexts[number].objects[slot];
	struct fuzz_op op = {
		.kind = FUZZ_CHECK_IOTLB,
		.context = number,
		.object = slot,
	};
	const char *wrong = NULL;

	for (; !wrong && op.value < MOCK_NESTED_DOMAIN_IOTLB_NUM; op.value++) {
		op.length2 = nested->iotlb[op.value];
		wrong = fuzz_execute(state, &op);
	}
	return wrong;
}

static const char *check_ranges(struct fuzz_state *state, unsigned int number,
				unsigned int slot)
{
	struct fuzz_op op = {
		.kind = FUZZ_IOVA_RANGES,
		.context = number,
		.object = slot,
		.value = FUZZ_RANGES,
	};

	return fuzz_execute(state, &op);
}

/* Runs of pages that are pinned as often as their neighbours. */
static const char *check_pins(struct fuzz_state *state, unsigned int source)
{
	struct fuzz_op op = { .kind = FUZZ_CHECK_REFS, .memory = source };
	unsigned int i = 0, npages = fuzz_memory_pages(source);
	const char *wrong = NULL;

	while (!wrong && i < npages) {
		__u64 va = fuzz_memory_va(source);
		struct fuzz_page *page = fuzz_memory_page(va + i * FUZZ_PAGE);
		unsigned int first = i++;

		if (!page->mapped || !page->readable)
			continue;
		while (i < npages && page[i - first].mapped &&
		       page[i - first].readable &&
		       page[i - first].frame->pins == page->frame->pins)
			i++;
		op.offset = first * FUZZ_PAGE;
		op.length = (i - first) * FUZZ_PAGE;
		op.value = page->frame->pins;
		wrong = fuzz_execute(state, &op);
	}
	return wrong;
}

static const char *check_accounts(const struct fuzz_model *model)
{
	__u64 pinned = status_kib("VmPin:") * 1024 / FUZZ_PAGE;
	__u64 locked = status_kib("VmLck:") * 1024 / FUZZ_PAGE;

	if (pinned != model->pinned)
		return fuzz_wrong("VmPin is %llu pages, expected %llu",
				  (long long)pinned, (long long)model->pinned);
	if (locked != model->charged_process)
		return fuzz_wrong("VmLck is %llu pages, expected %llu",
				  (long long)locked,
				  (long long)model->charged_process);
	return NULL;
}

static const char *check_line(struct fuzz_context *context, const char *line,
			      unsigned int *count)
{
	unsigned long areas, mapped, domains;
	struct fuzz_object *ioas;
	unsigned int i, id;
	__u64 bytes = 0;

	if (sscanf(line, "iommufd-ioas: %u areas %lu mapped-bytes %lu domains %lu",
		   &id, &areas, &mapped, &domains) != 4)
		return NULL;
	ioas = fuzz_model_find(context, id, FUZZ_IOAS);
	if (!ioas)
		return fuzz_wrong("fdinfo shows IOAS %u", id);
	for (i = 0; i < ioas->nr_areas; i++)
		bytes += ioas->areas[i]->last - ioas->areas[i]->iova + 1;
	if (areas != ioas->nr_areas || mapped != bytes ||
	    domains != ioas->domains)
		return fuzz_wrong("fdinfo: %s expected %u areas, %llu bytes, %u domains",
				  line, ioas->nr_areas, (long long)bytes,
				  ioas->domains);
	++*count;
	return NULL;
}

static const char *check_fdinfo(struct fuzz_context *context)
{
	unsigned int i, shown = 0, expected = 0;
	const char *wrong = NULL;
	char text[128];
	FILE *file;

	for (i = 0; i < FUZZ_SLOTS; i++)
		expected += context->objects[i].type == FUZZ_IOAS;
	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", context->fd);
	file = fopen(text, "re");
	if (!file)
		return "fdinfo cannot be read";
	while (!wrong && fgets(text, sizeof(text), file))
		wrong = check_line(context, text, &shown);
	fclose(file);
	if (!wrong && shown != expected)
		wrong = fuzz_wrong("fdinfo shows %u IOAS, expected %u", shown,
				   expected);
	return wrong;
}

static const char *check_context(struct fuzz_state *state, unsigned int number)
{
	struct fuzz_context *context = &state->model.contexts[number];
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; !wrong && i < FUZZ_SLOTS; i++) {
		switch (context->objects[i].type) {
		case FUZZ_IOAS:
			wrong = check_ranges(state, number, i);
			if (!wrong)
				wrong = check_bytes(state, number, i);
			break;
		case FUZZ_HWPT:
			wrong = check_page_table(state, number, i);
			if (!wrong)
				wrong = check_dirty(state, number, i);
			break;
		case FUZZ_NESTED:
			wrong = check_iotlb(state, number, i);
			break;
		default:
			break;
		}
	}
	return wrong ? wrong : check_fdinfo(context);
}

const char *fuzz_check(struct fuzz_state *state)
{
	const char *wrong = NULL;
	unsigned int i;

	state->checking = true;
	for (i = 0; !wrong && i < FUZZ_CONTEXTS; i++)
		wrong = check_context(state, i);
	for (i = 0; !wrong && i < FUZZ_THP; i++)
		wrong = check_pins(state, i);
	if (!wrong)
		wrong = check_accounts(&state->model);
	if (!wrong)
		wrong = fuzz_fault_check(&state->model);
	if (!wrong)
		wrong = fuzz_memory_check();
	state->checking = false;
	return wrong;
}

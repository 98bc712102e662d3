// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What goes, and all that goes with it.
 */
#include "teardown.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "marks.h"
#include "pins.h"
#include "queue.h"

/* Accesses let go of the area first, then domains. */
void fuzz_ioas_erase(struct fuzz_model *model, struct fuzz_context *context,
		     struct fuzz_object *ioas, unsigned int index)
{
	struct fuzz_area *area = ioas->areas[index];
	struct fuzz_part part = {
		.pages = area->pages,
		.start = area->start,
		.length = area->last - area->iova + 1,
	};
	int i;

	for (i = 0; i < FUZZ_ACCESSES; i++)
		if (context->accesses[i].fd >= 0 &&
		    context->accesses[i].ioas == ioas)
			fuzz_access_notify(model, &context->accesses[i],
					   area->iova, area->last);
	if (area->filled)
		fuzz_unpin_parts(model, &part, 1);
	ioas->nr_areas--;
	memmove(&ioas->areas[index], &ioas->areas[index + 1],
		(ioas->nr_areas - index) * sizeof(*ioas->areas));
	fuzz_marks_forget_area(area);
	fuzz_pages_put(area->pages);
	free(area);
}

static void leave_ioas(struct fuzz_model *model, struct fuzz_object *hwpt)
{
	struct fuzz_object *ioas = hwpt->ioas;

	fuzz_marks_forget_table(hwpt);
	ioas->users--;
	ioas->domains--;
	ioas->apertures -= !hwpt->huge;
	ioas->trackers -= hwpt->trackable;
	if (!ioas->domains)
		fuzz_unfill(model, ioas);
}

void fuzz_model_drop_table(struct fuzz_model *model, struct fuzz_object *hwpt)
{
	hwpt->type = FUZZ_NOTHING;
	if (hwpt->queue)
		hwpt->queue->users--;
	if (hwpt->parent)
		hwpt->parent->users--;
	else
		leave_ioas(model, hwpt);
}

void fuzz_model_leave(struct fuzz_model *model, struct fuzz_object *device,
		      struct fuzz_object *hwpt)
{
	if (hwpt->queue)
		fuzz_queue_give_up(model, hwpt->queue, device);
	if (!--hwpt->users && hwpt->automatic)
		fuzz_model_drop_table(model, hwpt);
}

void fuzz_model_detach(struct fuzz_model *model, struct fuzz_object *device)
{
	fuzz_model_leave(model, device, device->hwpt);
	fuzz_faults_forget(device);
	device->hwpt = NULL;
}

/* Files first, for the sake of those that page tables have. */
static void clear_queues(struct fuzz_model *model, struct fuzz_context *context)
{
	int i;

	for (i = 0; i < FUZZ_SLOTS; i++) {
		struct fuzz_object *object = &context->objects[i];

		if (object->type == FUZZ_QUEUE && object->fd >= 0)
			fuzz_queue_close(model, object);
	}
}

/* What is nested goes before its parent. */
static void clear_tables(struct fuzz_model *model, struct fuzz_context *context,
			 enum fuzz_type type)
{
	int i;

	for (i = 0; i < FUZZ_SLOTS; i++)
		if (context->objects[i].type == type)
			fuzz_model_drop_table(model, &context->objects[i]);
}

void fuzz_model_clear_context(struct fuzz_model *model,
			      struct fuzz_context *context)
{
	int i;

	for (i = 0; i < FUZZ_ACCESSES; i++) {
		if (context->accesses[i].fd < 0)
			continue;
		fuzz_access_notify(model, &context->accesses[i], 0, UINT64_MAX);
		context->accesses[i].fd = -1;
	}
	for (i = 0; i < FUZZ_SLOTS; i++)
		if (context->objects[i].type == FUZZ_DEVICE)
			fuzz_model_detach(model, &context->objects[i]);
	clear_queues(model, context);
	clear_tables(model, context, FUZZ_NESTED);
	clear_tables(model, context, FUZZ_HWPT);
	for (i = 0; i < FUZZ_SLOTS; i++) {
		struct fuzz_object *object = &context->objects[i];

		while (object->type == FUZZ_IOAS && object->nr_areas)
			fuzz_ioas_erase(model, context, object, 0);
	}
	memset(context->objects, 0, sizeof(context->objects));
	context->vfio = NULL;
	context->process = false;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The objects of the model.
 */
#include "model.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN_ID	0x7fff0000

const char *fuzz_wrong(const char *format, ...)
{
	static char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return text;
}

void fuzz_model_init(struct fuzz_model *model)
{
	int i, j;

	memset(model, 0, sizeof(*model));
	for (i = 0; i < FUZZ_CONTEXTS; i++) {
		model->contexts[i].fd = -1;
		for (j = 0; j < FUZZ_ACCESSES; j++)
			model->contexts[i].accesses[j].fd = -1;
	}
}

/* A page table made by REPLACE, of which the kernel does not tell the ID */
static bool hides_page_table(const struct fuzz_context *context)
{
	int i;

	for (i = 0; i < FUZZ_SLOTS; i++)
		if (context->objects[i].type == FUZZ_HWPT &&
		    !context->objects[i].id)
			return true;
	return false;
}

bool fuzz_model_has_access(const struct fuzz_context *context)
{
	int i;

	for (i = 0; i < FUZZ_ACCESSES; i++)
		if (context->accesses[i].fd >= 0)
			return true;
	return false;
}

/* Are there objects with an ID that is not known here? */
bool fuzz_model_hides_ids(const struct fuzz_context *context)
{
	return hides_page_table(context) || fuzz_model_has_access(context);
}

/* The ID that a selector stands for; that of an object that is gone may be. */
__u32 fuzz_model_id(const struct fuzz_context *context, unsigned int selector)
{
	const struct fuzz_object *object;

	if (selector == FUZZ_SLOT_ZERO)
		return 0;
	if (selector == FUZZ_SLOT_HUGE)
		return UINT32_MAX;
	if (selector >= FUZZ_SLOTS)
		return UNKNOWN_ID;
	object = &context->objects[selector];
	if (!object->id)
		return UNKNOWN_ID;
	if (object->type == FUZZ_NOTHING && hides_page_table(context))
		return UNKNOWN_ID;
	return object->id;
}

/* @type is FUZZ_NOTHING for any */
struct fuzz_object *fuzz_model_find(struct fuzz_context *context, __u32 id,
				    enum fuzz_type type)
{
	int i;

	for (i = 0; id && i < FUZZ_SLOTS; i++) {
		struct fuzz_object *object = &context->objects[i];

		if (object->type == FUZZ_NOTHING || object->id != id)
			continue;
		return type && object->type != type ? NULL : object;
	}
	return NULL;
}

struct fuzz_access *fuzz_model_access(struct fuzz_context *context,
				      unsigned int selector)
{
	if (selector >= FUZZ_ACCESSES || context->accesses[selector].fd < 0)
		return NULL;
	return &context->accesses[selector];
}

/* Enter a new object, in the slot or the next free one; NULL for a bad ID. */
struct fuzz_object *fuzz_model_add(struct fuzz_context *context,
				   unsigned int slot, enum fuzz_type type,
				   __u32 id)
{
	struct fuzz_object *object;

	if (fuzz_model_find(context, id, FUZZ_NOTHING))
		return NULL;
	do {
		object = &context->objects[slot++ % FUZZ_SLOTS];
	} while (object->type != FUZZ_NOTHING);
	memset(object, 0, sizeof(*object));
	object->type = type;
	object->id = id;
	return object;
}

bool fuzz_model_full(const struct fuzz_context *context, unsigned int needed)
{
	unsigned int i, count = 0;

	for (i = 0; i < FUZZ_SLOTS; i++)
		count += context->objects[i].type == FUZZ_NOTHING;
	return count < needed;
}

bool fuzz_model_empty(const struct fuzz_context *context)
{
	return !fuzz_model_full(context, FUZZ_SLOTS) &&
	       !fuzz_model_has_access(context);
}

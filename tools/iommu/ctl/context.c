// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "text.h"

const char * const context_object_types[CONTEXT_OBJECT_TYPES] = {
	"ioas", "hwpt-paging", "hwpt-nested", "device", "access", "fault-queue",
};

const char * const context_omitted_types[CONTEXT_OMITTED_TYPES] = {
	"ioas", "device", "charge",
};

/* Each of these gets what stands behind the name of its line. */
static void parse_objects(struct context *context, const char *line)
{
	unsigned int i;

	for (i = 0; i < CONTEXT_OBJECT_TYPES; i++)
		text_number(line, context_object_types[i], &context->objects[i]);
}

static void parse_omitted(struct context *context, const char *line)
{
	unsigned int i;

	for (i = 0; i < CONTEXT_OMITTED_TYPES; i++)
		text_number(line, context_omitted_types[i], &context->omitted[i]);
}

static void parse_charge(struct context *context, const char *line)
{
	struct charge charge = {};
	char limit[8];

	text_number(line, "pid", &charge.pid);
	text_number(line, "pages", &charge.pages);
	text_word(line, "mode", charge.mode, sizeof(charge.mode));
	text_word(line, "limit", limit, sizeof(limit));
	charge.limited = !strcmp(limit, "yes");
	LIST_ADD(context->charges, context->ncharges, charge);
}

static void parse_ioas(struct context *context, const char *line)
{
	struct ioas ioas = { .id = strtoul(line, NULL, 10) };

	text_number(line, "areas", &ioas.areas);
	text_number(line, "mapped-bytes", &ioas.mapped);
	text_number(line, "domains", &ioas.domains);
	text_number(line, "device-pages", &ioas.device_pages);
	text_number(line, "access-pages", &ioas.access_pages);
	LIST_ADD(context->ioas, context->nioas, ioas);
}

static void parse_device(struct context *context, const char *line)
{
	struct device device = { .id = strtoul(line, NULL, 10) };
	char name[sizeof(device.name)];

	text_word(line, "name", name, sizeof(name));
	text_clean(device.name, sizeof(device.name), name);
	/* Behind the name is the IOAS, or a word that says why not. */
	if (text_number(line, "ioas", &device.ioas) &&
	    text_number(line, "hwpt", &device.hwpt))
		snprintf(device.state, sizeof(device.state), "attached");
	else
		text_word(line, name, device.state, sizeof(device.state));
	LIST_ADD(context->devices, context->ndevices, device);
}

static void parse_line(struct context *context, const char *line)
{
	static const struct {
		const char *start;
		void (*parse)(struct context *context, const char *line);
	} kinds[] = {
		{ "iommufd-objects:", parse_objects },
		{ "iommufd-charge:", parse_charge },
		{ "iommufd-ioas:", parse_ioas },
		{ "iommufd-device:", parse_device },
		{ "iommufd-omitted:", parse_omitted },
	};
	unsigned int i;
	size_t length;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		length = strlen(kinds[i].start);
		if (!strncmp(line, kinds[i].start, length))
			kinds[i].parse(context, line + length);
	}
}

bool context_parse(struct context *context, const char *text)
{
	const char *line = text_find_line(text, "iommufd-context:");

	*context = (struct context){};
	if (!line || !text_number(line, "iommufd-context:", &context->number))
		return false;
	for (; line; line = text_next_line(line))
		parse_line(context, line);
	return true;
}

void context_free(struct context *context)
{
	free(context->charges);
	free(context->ioas);
	free(context->devices);
}

void context_sum(const struct context *context, struct context_sums *sums)
{
	unsigned int i;

	*sums = (struct context_sums){};
	for (i = 0; i < context->nioas; i++) {
		sums->areas += context->ioas[i].areas;
		sums->mapped += context->ioas[i].mapped;
	}
	for (i = 0; i < context->ncharges; i++) {
		sums->pinned += context->charges[i].pages;
		if (strcmp(context->charges[i].mode, "none"))
			sums->charged += context->charges[i].pages;
	}
}

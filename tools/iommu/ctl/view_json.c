// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "view_json.h"

#include <string.h>
#include <unistd.h>

#include "area.h"
#include "json.h"

static void write_counts(const char *key, const char *const *types,
			 const unsigned long *counts, unsigned int ntypes)
{
	unsigned int i;

	json_open_object(key);
	for (i = 0; i < ntypes; i++)
		json_number(types[i], counts[i]);
	json_close();
}

/* A process that is gone has no number. */
static void write_charge(const struct charge *charge)
{
	json_open_object(NULL);
	if (charge->pid)
		json_number("pid", charge->pid);
	else
		json_null("pid");
	json_string("mode", charge->mode);
	json_bool("limited", charge->limited);
	json_number("pages", charge->pages);
	json_close();
}

static void write_ioas(const struct ioas *ioas)
{
	json_open_object(NULL);
	json_number("id", ioas->id);
	json_number("areas", ioas->areas);
	json_number("mapped_bytes", ioas->mapped);
	json_number("page_tables", ioas->domains);
	json_number("device_pages", ioas->device_pages);
	json_number("access_pages", ioas->access_pages);
	json_close();
}

static void write_device(const struct device *device)
{
	json_open_object(NULL);
	json_number("id", device->id);
	json_string("name", device->name);
	json_string("state", device->state);
	if (!strcmp(device->state, "attached")) {
		json_number("ioas", device->ioas);
		json_number("hwpt", device->hwpt);
	}
	json_close();
}

static void write_lists(const struct context *context)
{
	unsigned int i;

	json_open_array("charges");
	for (i = 0; i < context->ncharges; i++)
		write_charge(&context->charges[i]);
	json_close();
	json_open_array("ioas");
	for (i = 0; i < context->nioas; i++)
		write_ioas(&context->ioas[i]);
	json_close();
	json_open_array("devices");
	for (i = 0; i < context->ndevices; i++)
		write_device(&context->devices[i]);
	json_close();
}

static void write_sums(const struct context *context)
{
	struct context_sums sums;

	context_sum(context, &sums);
	json_number("areas", sums.areas);
	json_number("mapped_bytes", sums.mapped);
	json_number("pinned_pages", sums.pinned);
	json_number("charged_pages", sums.charged);
}

static void write_area(const struct area *area, void *data)
{
	(void)data;
	json_open_object(NULL);
	json_number("ioas", area->ioas);
	json_address("iova", area->iova);
	json_address("last", area->last);
	json_string("rights", area->rights);
	json_string("state", area->state);
	json_string("content", area->content);
	json_number("pages", area->pages);
	json_number("access_pages", area->accesses);
	json_number("memory_pages", area->memory_pages);
	json_number("memory_pinned", area->memory_pinned);
	json_close();
}

static int write_areas(const struct context *context)
{
	int ret;

	json_open_array("area_list");
	ret = areas_read(context->number, write_area, NULL);
	json_close();
	return ret;
}

static int write_holder(const struct holder *holder, bool areas)
{
	const struct context *context = &holder->context;
	unsigned int i;
	int ret = 0;

	json_open_object(NULL);
	json_number("pid", holder->pid);
	json_string("program", holder->program);
	json_open_array("fds");
	for (i = 0; i < holder->nfds; i++)
		json_number(NULL, holder->fds[i]);
	json_close();
	json_number("context", context->number);
	write_sums(context);
	write_counts("objects", context_object_types, context->objects,
		     CONTEXT_OBJECT_TYPES);
	write_lists(context);
	write_counts("omitted", context_omitted_types, context->omitted,
		     CONTEXT_OMITTED_TYPES);
	if (areas)
		ret = write_areas(context);
	json_close();
	return ret;
}

int view_json(const struct holders *holders, bool areas, bool in_one_line)
{
	unsigned int i;
	int ret = 0;

	json_begin(in_one_line);
	json_open_object(NULL);
	json_number("page_size", sysconf(_SC_PAGESIZE));
	json_number("hidden_processes", holders->hidden);
	json_open_array("contexts");
	for (i = 0; i < holders->count && !ret; i++)
		ret = write_holder(&holders->list[i], areas);
	json_close();
	json_close();
	json_end();
	return ret;
}

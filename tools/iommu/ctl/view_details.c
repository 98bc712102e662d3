// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "view.h"

#include <stdio.h>
#include <string.h>

#include "area.h"
#include "memlock.h"
#include "text.h"

static void show_objects(struct page *page, const struct holder *holder)
{
	const struct context *context = &holder->context;
	unsigned int i;

	page_table(page);
	page_line(page, 2, "%s", "");
	for (i = 0; i < CONTEXT_OBJECT_TYPES; i++)
		page_cell(page, "%s", context_object_types[i]);
	page_line(page, 2, "%d %lu objects", holder->pid, context->number);
	for (i = 0; i < CONTEXT_OBJECT_TYPES; i++)
		page_cell(page, "%lu", context->objects[i]);
}

static void payer_text(char *text, size_t size, unsigned long pid)
{
	char name[64];

	root_read_line(name, sizeof(name), "/proc/%lu/comm", pid);
	text_clean(text, size, name);
}

static const char *limit_text(const struct charge *charge, char text[16])
{
	unsigned long long bytes;
	char process[24];

	snprintf(process, sizeof(process), "%lu", charge->pid);
	if (!charge->limited)
		return "none";
	if (memlock_read(process, &bytes))
		return memlock_text(bytes, text);
	return "yes";
}

static void show_charge(struct page *page, const struct holder *holder,
			const struct charge *charge, unsigned int index)
{
	char text[64];

	page_line(page, 2, "%d %lu charge %lu %s %d %u", holder->pid,
		  holder->context.number, charge->pid, charge->mode,
		  charge->limited, charge->pid ? 0 : index);
	if (charge->pid)
		page_cell(page, "%lu", charge->pid);
	else
		page_cell(page, "gone");
	payer_text(text, sizeof(text), charge->pid);
	page_cell(page, "%s", charge->pid ? text : "-");
	page_cell(page, "%s", text_pages(charge->pages, text));
	page_cell(page, "%s", charge->mode);
	page_cell(page, "%s", limit_text(charge, text));
}

static void show_charges(struct page *page, const struct holder *holder)
{
	static const char * const heads[] = {
		"PAYS", "PROGRAM", "PINNED", "MODE", "LIMIT", NULL,
	};
	const struct context *context = &holder->context;
	unsigned int i;

	page_table(page);
	page_line(page, 2, "%s", "");
	page_cells(page, heads);
	for (i = 0; i < context->ncharges; i++)
		show_charge(page, holder, &context->charges[i], i);
}

static void show_ioas(struct page *page, const struct holder *holder)
{
	static const char * const heads[] = {
		"IOAS", "AREAS", "MAPPED", "PAGE TABLES", "FOR DEVICES",
		"FOR DRIVERS", NULL,
	};
	const struct context *context = &holder->context;
	const struct ioas *ioas;
	unsigned int i;
	char text[16];

	page_table(page);
	page_line(page, 2, "%s", "");
	page_cells(page, heads);
	for (i = 0; i < context->nioas; i++) {
		ioas = &context->ioas[i];
		page_line(page, 2, "%d %lu ioas %lu", holder->pid,
			  context->number, ioas->id);
		page_cell(page, "%lu", ioas->id);
		page_cell(page, "%lu", ioas->areas);
		page_cell(page, "%s", text_bytes(ioas->mapped, text));
		page_cell(page, "%lu", ioas->domains);
		page_cell(page, "%s", text_pages(ioas->device_pages, text));
		page_cell(page, "%s", text_pages(ioas->access_pages, text));
	}
}

static void show_device(struct page *page, const struct holder *holder,
			const struct device *device)
{
	page_line(page, 2, "%d %lu device %lu", holder->pid,
		  holder->context.number, device->id);
	page_cell(page, "%lu", device->id);
	page_cell(page, "%s", device->name);
	if (strcmp(device->state, "attached")) {
		page_cell(page, "-");
		page_cell(page, "%s", device->state);
	} else {
		page_cell(page, "%lu", device->ioas);
		page_cell(page, "%lu", device->hwpt);
	}
}

static void show_devices(struct page *page, const struct holder *holder)
{
	static const char * const heads[] = {
		"DEVICE", "NAME", "IOAS", "PAGE TABLE", NULL,
	};
	const struct context *context = &holder->context;
	unsigned int i;

	page_table(page);
	page_line(page, 2, "%s", "");
	page_cells(page, heads);
	for (i = 0; i < context->ndevices; i++)
		show_device(page, holder, &context->devices[i]);
}

static void show_omitted(struct page *page, const struct holder *holder)
{
	const struct context *context = &holder->context;
	unsigned int i;

	page_table(page);
	for (i = 0; i < CONTEXT_OMITTED_TYPES; i++) {
		if (!context->omitted[i])
			continue;
		page_line(page, 2, "%d %lu omitted %u", holder->pid,
			  context->number, i);
		page_cell(page, "and %lu more of type %s, which the kernel does not list",
			  context->omitted[i], context_omitted_types[i]);
	}
}

static void show_area(const struct area *area, void *data)
{
	struct page *page = data;

	page_line(page, 2, "%lu area %lu %llx", area->context, area->ioas,
		  area->iova);
	page_cell(page, "%lu", area->ioas);
	page_cell(page, "%#llx-%#llx", area->iova, area->last);
	page_cell(page, "%s", area->rights);
	page_cell(page, "%s", area->state);
	page_cell(page, "%s", area->content);
	page_cell(page, "%lu", area->pages);
	page_cell(page, "%lu", area->memory_pinned);
}

static int show_areas(struct page *page, const struct holder *holder)
{
	static const char * const heads[] = {
		"IOAS", "IOVA", "RIGHTS", "STATE", "CONTENT", "PAGES",
		"OF MEMORY PINNED", NULL,
	};

	page_table(page);
	page_line(page, 2, "%s", "");
	page_cells(page, heads);
	return areas_read(holder->context.number, show_area, page);
}

static void show_title(struct page *page, const struct holder *holder)
{
	char text[256];

	page_table(page);
	holder_fds_text(text, sizeof(text), holder);
	page_line(page, 0, "%s", "");
	page_cell(page, "process %d %s, file descriptor %s, context %lu",
		  holder->pid, holder->program, text, holder->context.number);
}

static void show_lists(struct page *page, const struct holder *holder)
{
	const struct context *context = &holder->context;

	show_objects(page, holder);
	if (context->ncharges)
		show_charges(page, holder);
	if (context->nioas)
		show_ioas(page, holder);
	if (context->ndevices)
		show_devices(page, holder);
	show_omitted(page, holder);
}

int view_details(struct page *page, const struct holders *holders, bool areas)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < holders->count && !ret; i++) {
		show_title(page, &holders->list[i]);
		show_lists(page, &holders->list[i]);
		if (areas)
			ret = show_areas(page, &holders->list[i]);
	}
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "view.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

/* Lines of both kinds stand in turn. */
enum { TABLE_OF_HOLDERS, TABLE_OF_DEVICES };

static bool same_place(const struct device *one, const struct device *other)
{
	return one->hwpt == other->hwpt && !strcmp(one->state, other->state);
}

static bool listed_before(const struct context *context, unsigned int index)
{
	const struct device *devices = context->devices;
	unsigned int i;

	for (i = 0; i < index; i++)
		if (same_place(&devices[i], &devices[index]))
			return true;
	return false;
}

/* The names of all devices where this one is. */
static void names_text(char *text, size_t size, const struct context *context,
		       const struct device *device)
{
	size_t length = 0;
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < context->ndevices && length < size; i++)
		if (same_place(&context->devices[i], device))
			length += snprintf(text + length, size - length, "%s%s",
					   length ? " " : "",
					   context->devices[i].name);
}

static void list_devices(struct page *page, const struct holder *holder)
{
	const struct context *context = &holder->context;
	const struct device *device;
	unsigned int i;
	char text[4096];

	for (i = 0; i < context->ndevices; i++) {
		device = &context->devices[i];
		if (listed_before(context, i))
			continue;
		page_line(page, 4, "%d %lu hwpt %lu %s", holder->pid,
			  context->number, device->hwpt, device->state);
		if (strcmp(device->state, "attached"))
			page_cell(page, "%s", device->state);
		else
			page_cell(page, "page table %lu of IOAS %lu",
				  device->hwpt, device->ioas);
		names_text(text, sizeof(text), context, device);
		page_cell(page, "%s", text);
	}
}

static void list_holder(struct page *page, const struct holder *holder)
{
	const struct context *context = &holder->context;
	struct context_sums sums;
	char text[256];

	context_sum(context, &sums);
	page_line(page, 0, "%d %lu", holder->pid, context->number);
	page_cell(page, "%d", holder->pid);
	page_cell(page, "%s", holder->program);
	holder_fds_text(text, sizeof(text), holder);
	page_cell(page, "%s", text);
	page_cell(page, "%lu", context->number);
	page_cell(page, "%lu", sums.areas);
	page_cell(page, "%s", text_bytes(sums.mapped, text));
	page_cell(page, "%s", text_pages(sums.pinned, text));
	page_cell(page, "%s", text_pages(sums.charged, text));
}

void view_list(struct page *page, const struct holders *holders)
{
	static const char * const heads[] = {
		"PID", "PROGRAM", "FD", "CONTEXT", "AREAS", "MAPPED", "PINNED",
		"CHARGED", NULL,
	};
	unsigned int i;

	page_line(page, 0, "%s", "");
	page_cells(page, heads);
	for (i = 0; i < holders->count; i++) {
		page->table = TABLE_OF_HOLDERS;
		list_holder(page, &holders->list[i]);
		page->table = TABLE_OF_DEVICES;
		list_devices(page, &holders->list[i]);
	}
}

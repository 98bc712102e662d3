// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "page.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "status.h"
#include "style.h"
#include "text.h"

#define GAP	2

void page_table(struct page *page)
{
	page->table++;
}

__printf(1, 0)
static char *format_text(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		err(STATUS_CANNOT, "a page");
	return text;
}

void page_line(struct page *page, unsigned int indent, const char *format, ...)
{
	struct page_line line = { .indent = indent, .table = page->table };
	va_list args;

	va_start(args, format);
	line.key = format_text(format, args);
	va_end(args);
	LIST_ADD(page->lines, page->count, line);
}

/* A cell behind which there is another one. */
static void widen(struct page *page, const struct page_line *line,
		  unsigned int column)
{
	unsigned int *width, needed = text_columns(line->cells[column]);

	while (page->ntables <= line->table)
		LIST_ADD(page->widths, page->ntables, (struct page_widths){});
	width = &page->widths[line->table].columns[column];
	if (*width < needed)
		*width = needed;
}

void page_cell(struct page *page, const char *format, ...)
{
	struct page_line *line = &page->lines[page->count - 1];
	va_list args;
	char *text;

	if (line->ncells)
		widen(page, line, line->ncells - 1);
	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	LIST_ADD(line->cells, line->ncells, text);
}

void page_cells(struct page *page, const char *const *texts)
{
	for (; *texts; texts++)
		page_cell(page, "%s", *texts);
}

static const struct page_line *find_line(const struct page *page, const char *key)
{
	unsigned int i;

	for (i = 0; i < page->count; i++)
		if (!strcmp(page->lines[i].key, key))
			return &page->lines[i];
	return NULL;
}

static bool cell_differs(const struct page_line *line,
			 const struct page_line *before, unsigned int column)
{
	return !before || column >= before->ncells ||
	       strcmp(line->cells[column], before->cells[column]);
}

static bool line_differs(const struct page_line *line,
			 const struct page_line *before)
{
	unsigned int i;

	for (i = 0; i < line->ncells; i++)
		if (cell_differs(line, before, i))
			return true;
	return false;
}

static void print_cells(const struct page *page, const struct page_line *line,
			const struct page_line *before)
{
	unsigned int i, width;
	enum style style;

	for (i = 0; i < line->ncells; i++) {
		style = !*line->key ? STYLE_HEAD :
			cell_differs(line, before, i) ? STYLE_CHANGED :
							STYLE_PLAIN;
		style_print(style, line->cells[i]);
		if (i + 1 == line->ncells)
			break;
		width = page->widths[line->table].columns[i] + GAP;
		printf("%*s", (int)(width - text_columns(line->cells[i])), "");
	}
}

/* Without an earlier page, or for a heading, nothing has changed. */
static void print_line(const struct page *page, const struct page_line *line,
		       const struct page *before)
{
	const struct page_line *same = line;

	if (before && *line->key)
		same = find_line(before, line->key);
	if (before && !style_on())
		fputs(line_differs(line, same) ? "* " : "  ", stdout);
	printf("%*s", (int)line->indent, "");
	print_cells(page, line, same);
}

void page_print(const struct page *page, const struct page *before)
{
	unsigned int i;

	for (i = 0; i < page->count; i++) {
		print_line(page, &page->lines[i], before);
		/* What stood here before may be longer. */
		fputs(before && style_on() ? "\033[K\n" : "\n", stdout);
	}
}

void page_free(struct page *page)
{
	unsigned int i, j;

	for (i = 0; i < page->count; i++) {
		for (j = 0; j < page->lines[i].ncells; j++)
			free(page->lines[i].cells[j]);
		free(page->lines[i].cells);
		free(page->lines[i].key);
	}
	free(page->lines);
	free(page->widths);
}

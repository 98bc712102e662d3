/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Text for people: lines of cells, which stand in columns. A line has a key, so
 * that what has changed since an earlier page can be shown.
 */
#ifndef IOMMUFDCTL_PAGE_H
#define IOMMUFDCTL_PAGE_H

#include <stdbool.h>

#include "root.h"

#define PAGE_MAX_COLUMNS	12

/**
 * struct page_widths - How wide the columns of a table are
 * @columns: of each but the last of a line, which needs no room for others
 */
struct page_widths {
	unsigned int columns[PAGE_MAX_COLUMNS];
};

/**
 * struct page_line - A line
 * @key: by which it is found in another page; "" for a heading
 * @indent: number of blanks before it
 * @table: number of the table that it belongs to
 * @ncells: number of @cells
 * @cells: the text
 */
struct page_line {
	char *key;
	unsigned int indent;
	unsigned int table;
	unsigned int ncells;
	char **cells;
};

/**
 * struct page - Lines
 * @count: number of @lines
 * @lines: the lines
 * @table: number of the table that is being written
 * @ntables: number of @widths
 * @widths: of tables, by number
 */
struct page {
	unsigned int count;
	struct page_line *lines;
	unsigned int table;
	unsigned int ntables;
	struct page_widths *widths;
};

/* Lines from here on have columns of their own. */
void page_table(struct page *page);

/**
 * page_line() - Begin a line
 * @page: the page
 * @indent: number of blanks before it
 * @format: printf format of its key, which no other line has; "" for a heading
 */
__printf(3, 4)
void page_line(struct page *page, unsigned int indent, const char *format, ...);

/* Add a cell to the line that was begun last, of PAGE_MAX_COLUMNS at most. */
__printf(2, 3)
void page_cell(struct page *page, const char *format, ...);

/* Add a cell for each of the texts, up to NULL. */
void page_cells(struct page *page, const char *const *texts);

/**
 * page_print() - Print a page on standard output
 * @page: the page
 * @before: an earlier one; what differs is highlighted, or, without colours, gets
 *	    a star in front of the line. May be NULL
 */
void page_print(const struct page *page, const struct page *before);
void page_free(struct page *page);

#endif

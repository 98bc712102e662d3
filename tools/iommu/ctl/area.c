// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "area.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "root.h"

static const char *value_of(const char *word, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(word, name, length) && word[length] == '=' ?
		       word + length + 1 :
		       NULL;
}

static void parse_number(struct area *area, const char *word)
{
	const struct {
		const char *name;
		unsigned long *number;
	} numbers[] = {
		{ "context", &area->context },
		{ "ioas", &area->ioas },
		{ "pages", &area->pages },
		{ "accesses", &area->accesses },
		{ "memory-pages", &area->memory_pages },
		{ "memory-pinned", &area->memory_pinned },
	};
	const char *value;
	unsigned int i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		value = value_of(word, numbers[i].name);
		if (value)
			*numbers[i].number = strtoul(value, NULL, 0);
	}
}

static void parse_text(struct area *area, const char *word)
{
	const char *value;

	value = value_of(word, "rights");
	if (value)
		snprintf(area->rights, sizeof(area->rights), "%s", value);
	value = value_of(word, "state");
	if (value)
		snprintf(area->state, sizeof(area->state), "%s", value);
	value = value_of(word, "content");
	if (value)
		snprintf(area->content, sizeof(area->content), "%s", value);
}

static void parse_address(struct area *area, const char *word)
{
	const char *value;

	value = value_of(word, "iova");
	if (value)
		area->iova = strtoull(value, NULL, 0);
	value = value_of(word, "last");
	if (value)
		area->last = strtoull(value, NULL, 0);
}

static void parse_area(struct area *area, char *line)
{
	char *word, *rest;

	*area = (struct area){};
	for (word = strtok_r(line, "\n ", &rest); word;
	     word = strtok_r(NULL, "\n ", &rest)) {
		parse_number(area, word);
		parse_text(area, word);
		parse_address(area, word);
	}
}

int areas_read(unsigned long context,
	       void (*see)(const struct area *area, void *data), void *data)
{
	char path[PATH_MAX], *line = NULL;
	struct area area;
	size_t size = 0;
	FILE *file;

	root_path(path, "/sys/kernel/debug/iommufd/areas");
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (getline(&line, &size, file) > 0) {
		parse_area(&area, line);
		if (area.context == context)
			see(&area, data);
	}
	free(line);
	fclose(file);
	return 0;
}

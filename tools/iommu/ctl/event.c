// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "event.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/*
 * Before the name stand: program-thread [processor] flags seconds.micros:
 * A program may call itself anything, so all but its name is found from behind.
 */
static const char start_of_name[] = ": iommufd_";

static const char *skip_digits_back(const char *line, const char *at)
{
	while (at > line && isdigit((unsigned char)at[-1]))
		at--;
	return at;
}

/* @at is behind "[processor]": where that begins, or NULL. */
static const char *find_processor(const char *line, const char *at)
{
	if (at == line || at[-1] != ']')
		return NULL;
	at = skip_digits_back(line, at - 1);
	return at > line && at[-1] == '[' ? at - 1 : NULL;
}

static const char *skip_back(const char *line, const char *at, bool blanks)
{
	while (at > line && (at[-1] == ' ') == blanks)
		at--;
	return at;
}

/* The group of the thread stands behind it, "(    812) ", if that is traced. */
static const char *skip_group(const char *line, const char *end)
{
	const char *at = end;

	if (at == line || at[-1] != ')')
		return end;
	at = skip_digits_back(line, at - 1);
	at = skip_back(line, at, true);
	return at > line && at[-1] == '(' ? skip_back(line, at - 1, true) : end;
}

static bool parse_time(struct event *event, const char *text)
{
	unsigned long long seconds, micros;

	if (sscanf(text, "%llu.%6llu:", &seconds, &micros) != 2)
		return false;
	event->time_us = seconds * 1000000 + micros;
	return true;
}

static bool parse_thread(struct event *event, const char *line, const char *end)
{
	char program[64];
	const char *at;

	end = skip_group(line, skip_back(line, end, true));
	at = skip_digits_back(line, end);
	if (at == end || at == line || at[-1] != '-')
		return false;
	event->pid = strtoul(at, NULL, 10);
	line += strspn(line, " ");
	snprintf(program, sizeof(program), "%.*s", (int)(at - 1 - line), line);
	text_clean(event->program, sizeof(event->program), program);
	return true;
}

/* @name is the colon before it. */
static bool parse_head(struct event *event, const char *line, const char *name)
{
	const char *at = skip_back(line, name, false);

	if (!parse_time(event, at))
		return false;
	/* Flags may be missing. */
	at = skip_back(line, at, true);
	if (at > line && at[-1] != ']')
		at = skip_back(line, skip_back(line, at, false), true);
	at = find_processor(line, at);
	return at && parse_thread(event, line, at);
}

static void parse_field(struct event *event, const char *word, size_t length)
{
	struct event_field *field = &event->fields[event->nfields];
	const char *equals = memchr(word, '=', length);
	char value[sizeof(field->value)];
	int skipped;

	if (!equals || event->nfields == EVENT_MAX_FIELDS)
		return;
	skipped = equals - word;
	snprintf(field->name, sizeof(field->name), "%.*s", skipped, word);
	snprintf(value, sizeof(value), "%.*s", (int)length - skipped - 1,
		 equals + 1);
	text_clean(field->value, sizeof(field->value), value);
	event->nfields++;
}

static void parse_fields(struct event *event, const char *text)
{
	size_t length;

	for (text += strspn(text, "\n "); *text; text += strspn(text, "\n ")) {
		length = strcspn(text, "\n ");
		parse_field(event, text, length);
		text += length;
	}
}

static bool parse_at(struct event *event, const char *line, const char *at)
{
	const char *name = at + 2;
	size_t length = strcspn(name, ":\n");

	*event = (struct event){};
	if (name[length] != ':' || length >= sizeof(event->name) ||
	    !parse_head(event, line, at))
		return false;
	snprintf(event->name, sizeof(event->name), "%.*s", (int)length, name);
	parse_fields(event, name + length + 1);
	return true;
}

bool event_parse(struct event *event, const char *line)
{
	const char *at = line;

	while ((at = strstr(at, start_of_name))) {
		if (parse_at(event, line, at))
			return true;
		at++;
	}
	return false;
}

const char *event_text(const struct event *event, const char *name)
{
	unsigned int i;

	for (i = 0; i < event->nfields; i++)
		if (!strcmp(event->fields[i].name, name))
			return event->fields[i].value;
	return "";
}

unsigned long long event_number(const struct event *event, const char *name)
{
	const char *text = event_text(event, name);

	return strtoull(text + (*text == '-'), NULL, 0);
}

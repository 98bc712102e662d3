// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * trace: what happens, in plain words, as it happens.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "event.h"
#include "event_words.h"
#include "json.h"
#include "status.h"
#include "stop.h"
#include "style.h"
#include "tracefs.h"

#define WORDS_SIZE	512

/* Addresses stay text. */
static void write_field(const struct event_field *field)
{
	const char *digits = field->value + (*field->value == '-');

	if (*digits && !digits[strspn(digits, "0123456789")])
		json_integer(field->name, strtoll(field->value, NULL, 10));
	else
		json_string(field->name, field->value);
}

static void write_event(const struct event *event, const char *words)
{
	unsigned int i;

	json_begin(true);
	json_open_object(NULL);
	json_number("time_us", event->time_us);
	json_number("pid", event->pid);
	json_string("program", event->program);
	json_string("event", event->name);
	json_open_object("fields");
	for (i = 0; i < event->nfields; i++)
		write_field(&event->fields[i]);
	json_close();
	json_string("words", words);
	json_close();
	json_end();
}

static void print_event(const struct event *event, const char *words)
{
	printf("%6llu.%06llu  %s[%lu]  ", event->time_us / 1000000,
	       event->time_us % 1000000, event->program, event->pid);
	style_print(event_is_trouble(event) ? STYLE_BAD : STYLE_PLAIN, words);
	putchar('\n');
	fflush(stdout);
}

/* Returns how many events the line is. */
static unsigned int handle_line(const struct options *options, const char *line)
{
	char words[WORDS_SIZE];
	struct event event;

	if (!event_parse(&event, line) ||
	    !(options->all || event_is_trouble(&event)))
		return 0;
	event_words(words, sizeof(words), &event);
	if (options->json)
		write_event(&event, words);
	else
		print_event(&event, words);
	return 1;
}

static void follow(const struct options *options, FILE *lines)
{
	unsigned long count = 0;
	char *line = NULL;
	size_t size = 0;

	while (!stop_wanted() && (!options->count || count < options->count) &&
	       getline(&line, &size, lines) > 0)
		count += handle_line(options, line);
	free(line);
}

static int follow_kernel(const struct options *options)
{
	FILE *lines = tracefs_open(options->all ? NULL : event_troubles);

	if (!lines)
		return STATUS_CANNOT;
	stop_catch_signals();
	follow(options, lines);
	tracefs_close(lines);
	return STATUS_GOOD;
}

static int follow_file(const struct options *options)
{
	bool standard = !strcmp(options->input, "-");
	FILE *lines = standard ? stdin : fopen(options->input, "re");

	if (!lines) {
		warn("%s", options->input);
		return STATUS_CANNOT;
	}
	follow(options, lines);
	if (!standard)
		fclose(lines);
	return STATUS_GOOD;
}

int command_trace(const struct options *options, char **arguments)
{
	(void)arguments;
	return options->input ? follow_file(options) : follow_kernel(options);
}

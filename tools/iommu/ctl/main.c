// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * iommufdctl: who uses /dev/iommu and for what, what is refused and why, and
 * whether a device can be used.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_table.h"
#include "commands.h"
#include "help.h"
#include "root.h"
#include "status.h"
#include "style.h"
#include "text.h"

/* Options that every command knows. */
#define COMMON_OPTIONS	"chr"

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "color", required_argument, NULL, 'c' },
	{ "areas", no_argument, NULL, 'a' },
	{ "all", no_argument, NULL, 'A' },
	{ "input", required_argument, NULL, 'i' },
	{ "interval", required_argument, NULL, 'n' },
	{ "count", required_argument, NULL, 'k' },
	{ "memory", required_argument, NULL, 'm' },
	{ "user", required_argument, NULL, 'u' },
	{ "root", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char *long_name(int option)
{
	unsigned int i;

	for (i = 0; long_options[i].name; i++)
		if (long_options[i].val == option)
			return long_options[i].name;
	return "?";
}

static void wrong_value(int option, const char *value)
{
	errx(STATUS_USAGE, "--%s cannot be %s", long_name(option), value);
}

static void take_interval(struct options *options, const char *value)
{
	char *end;

	options->interval = strtod(value, &end);
	/* Written so that it is also true for what is no number. */
	if (end == value || *end ||
	    !(options->interval >= 0.1 && options->interval <= 86400))
		wrong_value('n', value);
}

static void take_count(struct options *options, const char *value)
{
	unsigned long long count;

	if (!text_parse_bytes(value, &count) || !count)
		wrong_value('k', value);
	options->count = count;
}

static void take_memory(struct options *options, const char *value)
{
	if (!text_parse_bytes(value, &options->memory) || !options->memory)
		wrong_value('m', value);
}

static void take_value(struct options *options, int option, const char *value)
{
	switch (option) {
	case 'n':
		take_interval(options, value);
		break;
	case 'k':
		take_count(options, value);
		break;
	case 'm':
		take_memory(options, value);
		break;
	case 'c':
		if (!style_choose(value))
			wrong_value('c', value);
		break;
	case 'i':
		options->input = value;
		break;
	case 'u':
		options->user = value;
		break;
	case 'r':
		root_set(value);
		break;
	}
}

static void take_flag(struct options *options, int option)
{
	switch (option) {
	case 'j':
		options->json = true;
		break;
	case 'a':
		options->areas = true;
		break;
	case 'A':
		options->all = true;
		break;
	case 'h':
		options->help = true;
		break;
	}
}

/* Receives in @taken what there was. */
static void take_options(struct options *options, int argc, char **argv,
			 char *taken, size_t size)
{
	size_t count = 0;
	int option;

	while ((option = getopt_long(argc, argv, "jhn:", long_options, NULL)) !=
	       -1) {
		if (option == '?')
			errx(STATUS_USAGE, "try: iommufdctl help");
		if (count + 1 < size)
			taken[count++] = option;
		if (optarg)
			take_value(options, option, optarg);
		else
			take_flag(options, option);
	}
	taken[count] = '\0';
}

static void refuse_options(const struct command *command, const char *taken)
{
	for (; *taken; taken++)
		if (!strchr(COMMON_OPTIONS, *taken) &&
		    !strchr(command->options, *taken))
			errx(STATUS_USAGE, "%s has no option --%s",
			     command->name, long_name(*taken));
}

static void refuse_arguments(const struct command *command, unsigned int count)
{
	if (count < command->least || count > command->most)
		errx(STATUS_USAGE, "usage: iommufdctl %s %s", command->name,
		     command->usage);
}

int main(int argc, char **argv)
{
	struct options options = { .interval = 2 };
	const struct command *command;
	char taken[32];

	style_choose("auto");
	take_options(&options, argc, argv, taken, sizeof(taken));
	argv += optind;
	if (!*argv || options.help) {
		help_print(*argv ? command_find(*argv) : NULL);
		return options.help ? STATUS_GOOD : STATUS_USAGE;
	}
	command = command_find(*argv);
	if (!command)
		errx(STATUS_USAGE, "no command %s; try: iommufdctl help", *argv);
	refuse_options(command, taken);
	refuse_arguments(command, argc - optind - 1);
	return command->run(&options, argv + 1);
}

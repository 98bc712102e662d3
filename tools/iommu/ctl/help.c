// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "help.h"

#include <err.h>
#include <stdio.h>

#include "status.h"

static void print_commands(void)
{
	const struct command *command;

	puts("iommufdctl: who uses /dev/iommu and for what, and whether a device can be used\n"
	     "\n"
	     "Usage: iommufdctl COMMAND [ARGUMENT] [OPTION...]\n");
	for (command = command_table; command->name; command++)
		printf("  %-6s %s\n", command->name, command->summary);
	puts("\n"
	     "  -j, --json    for programs (watch and trace: a line for each)\n"
	     "  --color WHEN  auto (at a terminal), always or never\n"
	     "  --root DIR    look at /proc, /sys and /dev below a directory\n"
	     "  -h, --help    this text, or all about the command\n"
	     "\n"
	     "Exit status: 0 good, 1 nothing found or something is wrong, 2 wrong usage,\n"
	     "3 it could not be looked at.");
}

void help_print(const struct command *command)
{
	if (!command) {
		print_commands();
		return;
	}
	printf("iommufdctl %s: %s\n\nUsage: iommufdctl %s %s\n", command->name,
	       command->summary, command->name, command->usage);
	if (*command->help)
		printf("\n%s", command->help);
}

int command_help(const struct options *options, char **arguments)
{
	const struct command *command = NULL;

	(void)options;
	if (*arguments)
		command = command_find(*arguments);
	if (*arguments && !command) {
		warnx("no command %s; try: iommufdctl help", *arguments);
		return STATUS_USAGE;
	}
	help_print(command);
	return STATUS_GOOD;
}

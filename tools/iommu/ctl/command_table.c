// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "command_table.h"

#include <stddef.h>
#include <string.h>

const struct command command_table[] = {
	{
		.name = "list",
		.usage = "[--json]",
		.options = "j",
		.run = command_list,
		.summary = "who has iommufds open, and which devices",
		.help = "AREAS and MAPPED are of all its address spaces together, PINNED is what\n"
			"somebody pays for, CHARGED what is charged to a user or a process.\n"
			"Processes of others are shown to root only.\n",
	},
	{
		.name = "show",
		.usage = "PID [--areas] [--json]",
		.least = 1,
		.most = 1,
		.options = "ja",
		.run = command_show,
		.summary = "all about the iommufds of a process",
		.help = "  --areas  also each area: needs root and debugfs\n"
			"\n"
			"The exit status is 1 if the process has no iommufd open.\n",
	},
	{
		.name = "watch",
		.usage = "[PID] [--interval SECONDS] [--count N] [--json]",
		.most = 1,
		.options = "jnk",
		.run = command_watch,
		.summary = "list or show again and again, changes highlighted",
		.help = "  -n, --interval SECONDS  between two looks, 2 if not given\n"
			"  --count N               end after N looks\n"
			"\n"
			"Where there are no colours, lines that have changed begin with a star.\n",
	},
	{
		.name = "trace",
		.usage = "[--all] [--input FILE] [--count N] [--json]",
		.options = "jAik",
		.run = command_trace,
		.summary = "what is refused and why, as it happens",
		.help = "  --all         whatever happens: maps, pins, devices, page faults\n"
			"  --input FILE  what trace_pipe or trace-cmd has written, - for standard input\n"
			"  --count N     end after N events\n"
			"\n"
			"Needs root and tracefs, unless there is an input.\n",
	},
	{
		.name = "check",
		.usage = "[BDF] [--memory SIZE] [--user NAME] [--json]",
		.most = 1,
		.options = "jmu",
		.run = command_check,
		.summary = "can a device be used, and what to do if not",
		.help = "BDF is the address of a PCI device, as 0000:01:00.0 or 01:00.0. Without\n"
			"it the machine is looked at.\n"
			"\n"
			"  --memory SIZE  how much is going to be mapped, as 16G\n"
			"  --user NAME    for whom; otherwise for whoever asks\n"
			"\n"
			"The exit status is 1 if something stands in the way.\n",
	},
	{
		.name = "help",
		.usage = "[COMMAND]",
		.most = 1,
		.options = "",
		.run = command_help,
		.summary = "this text, or all about a command",
		.help = "",
	},
	{ 0 },
};

const struct command *command_find(const char *name)
{
	const struct command *command;

	for (command = command_table; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

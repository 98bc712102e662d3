/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Which commands there are.
 */
#ifndef IOMMUFDCTL_COMMAND_TABLE_H
#define IOMMUFDCTL_COMMAND_TABLE_H

#include "commands.h"

/**
 * struct command - A command
 * @name: its name
 * @usage: its arguments, for people
 * @least: smallest number of arguments
 * @most: largest number of arguments
 * @options: the options that it has, as main.c calls them
 * @run: does it; arguments end with NULL
 * @summary: what it does, in a line
 * @help: all about it
 */
struct command {
	const char *name;
	const char *usage;
	unsigned int least;
	unsigned int most;
	const char *options;
	int (*run)(const struct options *options, char **arguments);
	const char *summary;
	const char *help;
};

/* Ends with one that has no name. */
extern const struct command command_table[];

/* The command of that name, or NULL. */
const struct command *command_find(const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The commands. Each returns an exit status, see status.h, and has been given as
 * many arguments as it wants.
 */
#ifndef IOMMUFDCTL_COMMANDS_H
#define IOMMUFDCTL_COMMANDS_H

#include <stdbool.h>

/**
 * struct options - What the user asked for
 * @json: output for programs
 * @areas: list each area
 * @all: all that is traced, not only what is refused
 * @input: where recorded events are, NULL for the kernel
 * @interval: seconds between two looks
 * @count: number of looks, 0 for no end
 * @memory: bytes that are going to be mapped, 0 if not said
 * @user: who is going to do it, NULL for whoever asks
 * @help: only say how the command is used
 */
struct options {
	bool json;
	bool areas;
	bool all;
	const char *input;
	double interval;
	unsigned long count;
	unsigned long long memory;
	const char *user;
	bool help;
};

int command_list(const struct options *options, char **arguments);
int command_show(const struct options *options, char **arguments);
int command_watch(const struct options *options, char **arguments);
int command_trace(const struct options *options, char **arguments);
int command_check(const struct options *options, char **arguments);
int command_help(const struct options *options, char **arguments);

#endif

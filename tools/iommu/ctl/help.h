/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * How the program is used.
 */
#ifndef IOMMUFDCTL_HELP_H
#define IOMMUFDCTL_HELP_H

#include "command_table.h"

/* Print all about a command, or, for NULL, what commands there are. */
void help_print(const struct command *command);

#endif

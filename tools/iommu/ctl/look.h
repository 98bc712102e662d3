/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Finding the iommufds that a command is about, and saying why there are none.
 */
#ifndef IOMMUFDCTL_LOOK_H
#define IOMMUFDCTL_LOOK_H

#include "holder.h"

/* Stands for an argument that is no process. */
#define LOOK_WRONG	(-1)

/* The process that an argument names, 0 for none, or LOOK_WRONG, with a message. */
pid_t look_parse_pid(const char *argument);

/**
 * look() - Look at a process, or all, and say what went wrong
 * @holders: receives what was found; for holders_free()
 * @pid: the process, or 0
 *
 * Return: 0 or a negative errno.
 */
int look(struct holders *holders, pid_t pid);

/* Say how many processes were not looked at, if there are any. */
void look_print_hidden(const struct holders *holders);

#endif

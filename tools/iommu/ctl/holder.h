/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Who has iommufds open.
 */
#ifndef IOMMUFDCTL_HOLDER_H
#define IOMMUFDCTL_HOLDER_H

#include <stddef.h>
#include <sys/types.h>

#include "context.h"

/**
 * struct holder - A process, and an iommufd that it has open
 * @pid: the process
 * @program: what it calls itself
 * @nfds: number of @fds
 * @fds: descriptors of the same open file, ascending
 * @context: the iommufd
 */
struct holder {
	pid_t pid;
	char program[64];
	unsigned int nfds;
	int *fds;
	struct context context;
};

/**
 * struct holders - What was found
 * @count: number of @list
 * @list: by process, then by number of the iommufd
 * @hidden: number of processes that we may not look at
 */
struct holders {
	unsigned int count;
	struct holder *list;
	unsigned int hidden;
};

/**
 * holders_find() - Look at all processes
 * @holders: receives what was found; for holders_free()
 *
 * Return: 0 or a negative errno of /proc.
 */
int holders_find(struct holders *holders);

/**
 * holders_find_process() - Look at one process
 * @holders: receives what was found; for holders_free()
 * @pid: the process
 *
 * Return: 0; %-ESRCH if there is none, %-EACCES if we may not look at it.
 */
int holders_find_process(struct holders *holders, pid_t pid);
void holders_free(struct holders *holders);

/* Write the descriptors with blanks between them. */
void holder_fds_text(char *text, size_t size, const struct holder *holder);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * How much memory a process may lock.
 */
#ifndef IOMMUFDCTL_MEMLOCK_H
#define IOMMUFDCTL_MEMLOCK_H

#include <stdbool.h>

/* Stands for no limit. */
#define MEMLOCK_UNLIMITED	(~0ULL)

/**
 * memlock_read() - Read RLIMIT_MEMLOCK of a process
 * @process: its number, or "self"
 * @bytes: receives the limit
 *
 * Return: whether it can be read.
 */
bool memlock_read(const char *process, unsigned long long *bytes);

/* A limit for people; @text is room for it. */
const char *memlock_text(unsigned long long bytes, char text[16]);

/* Whether a process has CAP_IPC_LOCK, to which the limit does not apply. */
bool memlock_exempt(const char *process);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Events of iommufd as they happen, in a buffer of tracefs of our own.
 */
#ifndef IOMMUFDCTL_TRACEFS_H
#define IOMMUFDCTL_TRACEFS_H

#include <stdio.h>

/**
 * tracefs_open() - Let the kernel write down events from now on
 * @events: their names, up to NULL; NULL for all of iommufd
 *
 * What is wrong is said.
 *
 * Return: where to read lines, for tracefs_close(); or NULL.
 */
FILE *tracefs_open(const char *const *events);
void tracefs_close(FILE *lines);

#endif

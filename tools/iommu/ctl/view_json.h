/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What list and show say to programs.
 */
#ifndef IOMMUFDCTL_VIEW_JSON_H
#define IOMMUFDCTL_VIEW_JSON_H

#include <stdbool.h>

#include "holder.h"

/**
 * view_json() - Write a document about iommufds of processes
 * @holders: the processes
 * @areas: list each area as well; only root may see them
 * @in_one_line: as whoever reads a stream of them wants it
 *
 * Return: 0, or a negative errno of the file with the areas. The document is
 * complete also then.
 */
int view_json(const struct holders *holders, bool areas, bool in_one_line);

#endif

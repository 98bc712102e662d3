/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What list and show say to people.
 */
#ifndef IOMMUFDCTL_VIEW_H
#define IOMMUFDCTL_VIEW_H

#include "holder.h"
#include "page.h"

/* A line for each iommufd of each process, and one for each page table. */
void view_list(struct page *page, const struct holders *holders);

/**
 * view_details() - All that is known of the iommufds of processes
 * @page: receives it
 * @holders: the processes
 * @areas: list each area as well; only root may see them
 *
 * Return: 0, or a negative errno of the file with the areas.
 */
int view_details(struct page *page, const struct holders *holders, bool areas);

#endif

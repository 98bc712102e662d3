/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Areas, as debugfs shows them to root.
 */
#ifndef IOMMUFDCTL_AREA_H
#define IOMMUFDCTL_AREA_H

/**
 * struct area - An area
 * @context: number of the iommufd
 * @ioas: ID of the IOAS
 * @iova: first IOVA
 * @last: last IOVA
 * @rights: what devices may: "r", "w", "rw" or ""
 * @state: how far its map or unmap has come
 * @content: what page tables have of it
 * @pages: number of pages
 * @accesses: pages of it that users in the kernel have pinned
 * @memory_pages: pages of the memory that it shows a part of
 * @memory_pinned: how many of them are pinned
 */
struct area {
	unsigned long context;
	unsigned long ioas;
	unsigned long long iova;
	unsigned long long last;
	char rights[8];
	char state[16];
	char content[16];
	unsigned long pages;
	unsigned long accesses;
	unsigned long memory_pages;
	unsigned long memory_pinned;
};

/**
 * areas_read() - Look at all areas of an iommufd
 * @context: its number
 * @see: is called for each, in the order of IOAS and IOVA
 * @data: its second argument
 *
 * Return: 0; %-EACCES if we may not, %-ENOENT without debugfs.
 */
int areas_read(unsigned long context,
	       void (*see)(const struct area *area, void *data), void *data);

#endif

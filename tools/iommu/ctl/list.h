/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Lists that grow. Without memory the program ends, and says so.
 */
#ifndef IOMMUFDCTL_LIST_H
#define IOMMUFDCTL_LIST_H

#include <stddef.h>

/**
 * list_grow() - Make room for one more
 * @list: the list, NULL for an empty one
 * @count: how many are in it
 * @size: size of one
 *
 * Return: the list, which may have moved.
 */
void *list_grow(void *list, unsigned int count, size_t size);

/* Put a copy of @element at the end of @list, which has @count. */
#define LIST_ADD(list, count, element) do { \
	(list) = list_grow((list), (count), sizeof(*(list))); \
	(list)[(count)++] = (element); \
} while (0)

/* As strdup(). */
char *list_copy_text(const char *text);

#endif

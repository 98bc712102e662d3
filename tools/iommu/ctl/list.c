// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "list.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

void *list_grow(void *list, unsigned int count, size_t size)
{
	/* Its size is doubled whenever it is a power of two. */
	if (count & (count - 1))
		return list;
	list = reallocarray(list, count ? 2 * (size_t)count : 1, size);
	if (!list)
		err(STATUS_CANNOT, "a list of %u", count);
	return list;
}

char *list_copy_text(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		err(STATUS_CANNOT, "text");
	return copy;
}

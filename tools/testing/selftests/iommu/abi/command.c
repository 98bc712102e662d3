// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int run_sized(struct world *world, unsigned long request,
	      const char *template, __u32 size)
{
	size_t length = size > COMMAND_MAX ? size : COMMAND_MAX;
	char *command = calloc(1, length);
	int ret;

	memcpy(command, template, COMMAND_MAX);
	memcpy(command, &size, sizeof(size));
	ret = iommufd_ioctl(world->fd, request, command);
	free(command);
	return ret;
}

int run_with(struct world *world, unsigned long request,
	     const char *template, size_t offset, const void *bytes,
	     size_t length)
{
	char command[COMMAND_MAX];

	memcpy(command, template, sizeof(command));
	memcpy(command + offset, bytes, length);
	return iommufd_ioctl(world->fd, request, command);
}

char *read_only_copy(const char *command)
{
	char *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	memcpy(page, command, COMMAND_MAX);
	return mprotect(page, PAGE_SIZE, PROT_READ) ? NULL : page;
}

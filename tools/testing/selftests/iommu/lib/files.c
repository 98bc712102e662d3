// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__u64 file_number(const char *path, const char *field)
{
	unsigned long long value = 0;
	char line[256];
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, strlen(field)))
			continue;
		value = strtoull(line + strlen(field), NULL, 10);
		break;
	}
	fclose(file);
	return value;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

__u64 status_kib(const char *field)
{
	return file_number("/proc/self/status", field);
}

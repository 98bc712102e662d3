// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *root = "";

void root_set(const char *directory)
{
	root = directory;
}

__printf(2, 0)
static void make_path(char path[PATH_MAX], const char *format, va_list args)
{
	int length = snprintf(path, PATH_MAX, "%s", root);

	if (length < PATH_MAX)
		vsnprintf(path + length, PATH_MAX - length, format, args);
}

/* Of a function's own arguments. */
#define MAKE_PATH(path, format) do { \
	va_list args_; \
	va_start(args_, format); \
	make_path(path, format, args_); \
	va_end(args_); \
} while (0)

static int read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t count;

	do {
		count = read(fd, text + length, size - 1 - length);
		if (count < 0)
			return -errno;
		length += count;
	} while (count && length < size - 1);
	text[length] = '\0';
	return length;
}

static int read_path(char *text, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	ret = read_all(fd, text, size);
	close(fd);
	return ret;
}

int root_read(char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];

	MAKE_PATH(path, format);
	return read_path(text, size, path);
}

int root_read_line(char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	int ret;

	MAKE_PATH(path, format);
	ret = read_path(text, size, path);
	if (ret < 0)
		return ret;
	text[strcspn(text, "\n")] = '\0';
	return strlen(text);
}

static int read_link(char *target, size_t size, const char *path)
{
	ssize_t length = readlink(path, target, size - 1);

	target[length < 0 ? 0 : length] = '\0';
	return length < 0 ? -errno : 0;
}

int root_link(char *target, size_t size, const char *format, ...)
{
	char path[PATH_MAX];

	MAKE_PATH(path, format);
	return read_link(target, size, path);
}

int root_link_name(char *name, size_t size, const char *format, ...)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *slash;
	int ret;

	MAKE_PATH(path, format);
	ret = read_link(target, sizeof(target), path);
	slash = strrchr(target, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : target);
	return ret;
}

bool root_there(const char *format, ...)
{
	char path[PATH_MAX];
	struct stat status;

	MAKE_PATH(path, format);
	return !lstat(path, &status);
}

int root_stat(struct stat *status, const char *format, ...)
{
	char path[PATH_MAX];

	MAKE_PATH(path, format);
	return stat(path, status) ? -errno : 0;
}

DIR *root_opendir(const char *format, ...)
{
	char path[PATH_MAX];

	MAKE_PATH(path, format);
	return opendir(path);
}

int root_first(char *name, size_t size, const char *format, ...)
{
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *directory;

	MAKE_PATH(path, format);
	name[0] = '\0';
	directory = opendir(path);
	if (!directory)
		return -errno;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.' &&
		    (!name[0] || strcmp(entry->d_name, name) < 0))
			snprintf(name, size, "%s", entry->d_name);
	closedir(directory);
	return name[0] ? 0 : -ENOENT;
}

void root_path(char path[PATH_MAX], const char *format, ...)
{
	MAKE_PATH(path, format);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "fdinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fdinfo_read(struct fdinfo *info, pid_t pid, int fd)
{
	size_t length = 0;
	ssize_t count;
	char path[64];
	int file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	do {
		count = read(file, info->text + length,
			     sizeof(info->text) - 1 - length);
		length += count > 0 ? count : 0;
	} while (count > 0);
	info->text[length] = '\0';
	close(file);
	return length + 1 < sizeof(info->text) ? 0 : -EMSGSIZE;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : NULL;
}

static const char *find_line(const char *line, const char *start)
{
	while (line && strncmp(line, start, strlen(start)))
		line = next_line(line);
	return line;
}

const char *fdinfo_line(const struct fdinfo *info, const char *start)
{
	return find_line(info->text, start);
}

unsigned int fdinfo_context(const struct fdinfo *info)
{
	const char *line = fdinfo_line(info, "iommufd-context:");

	return line ? strtoul(strchr(line, ':') + 1, NULL, 10) : 0;
}

unsigned int fdinfo_count(const struct fdinfo *info, const char *start)
{
	const char *line = fdinfo_line(info, start);
	unsigned int count = 0;

	for (; line; line = find_line(next_line(line), start))
		count++;
	return count;
}

/* Where in a line words stand, NULL if they do not. */
static const char *find_words(const char *line, const char *words)
{
	const char *end = line ? strchr(line, '\n') : NULL;
	const char *at;

	for (at = line; end && (at = strstr(at, words)) && at < end; at++)
		if (at > line && strchr(" \t", at[-1]) &&
		    strchr("\n ", at[strlen(words)]))
			return at;
	return NULL;
}

long long fdinfo_number(const struct fdinfo *info, const char *start,
			const char *word)
{
	const char *at = find_words(fdinfo_line(info, start), word);

	return at ? strtoll(at + strlen(word), NULL, 10) : -1;
}

long long fdinfo_ioas(const struct fdinfo *info, unsigned int id,
		      const char *word)
{
	char start[40];

	snprintf(start, sizeof(start), "iommufd-ioas:\t%u ", id);
	return fdinfo_number(info, start, word);
}

bool fdinfo_has(const struct fdinfo *info, const char *start,
		const char *words)
{
	return find_words(fdinfo_line(info, start), words);
}

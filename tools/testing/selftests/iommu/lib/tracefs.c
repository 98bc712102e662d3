// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define TRACEFS		"/sys/kernel/tracing"
#define INSTANCE	TRACEFS "/instances/iommufd-selftest"
#define EVENTS		"/events/iommufd"

/* The text of a buffer is never longer than that in these tests. */
#define TEXT_SIZE	(4UL << 20)

static bool there(const char *path)
{
	return !access(path, F_OK);
}

int tracing_start(struct tracing *tracing)
{
	int ret;

	tracing->text = NULL;
	if (!there(TRACEFS "/instances"))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	if (!there(TRACEFS EVENTS))
		return -ENOTSUP;
	/* One that a test which was killed has left. */
	rmdir(INSTANCE);
	if (mkdir(INSTANCE, 0700))
		return -errno;
	ret = file_write(INSTANCE EVENTS "/enable", "1");
	if (ret)
		rmdir(INSTANCE);
	return ret;
}

static int read_text(char *text)
{
	int fd = open(INSTANCE "/trace", O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t count;

	if (fd < 0)
		return -errno;
	do {
		count = read(fd, text + length, TEXT_SIZE - 1 - length);
		length += count > 0 ? count : 0;
	} while (count > 0);
	close(fd);
	text[length] = '\0';
	return length + 1 < TEXT_SIZE ? 0 : -EMSGSIZE;
}

int tracing_stop(struct tracing *tracing)
{
	int ret = file_write(INSTANCE EVENTS "/enable", "0");

	tracing->text = malloc(TEXT_SIZE);
	if (!ret)
		ret = tracing->text ? read_text(tracing->text) : -ENOMEM;
	if (rmdir(INSTANCE) && !ret)
		ret = -errno;
	return ret;
}

void tracing_free(struct tracing *tracing)
{
	free(tracing->text);
	tracing->text = NULL;
}

/* The next line of an event, cut out; NULL at the end. */
static const char *next_event(const char **text, const char *event,
			      const char *words, char *line, size_t size)
{
	char name[64];

	snprintf(name, sizeof(name), " %s: ", event);
	while (**text) {
		size_t length = strcspn(*text, "\n");
		const char *at;

		snprintf(line, size, "%.*s ", (int)length, *text);
		*text += length + ((*text)[length] == '\n');
		at = strstr(line, name);
		if (line[0] != '#' && at && strstr(at, words))
			return at;
	}
	return NULL;
}

unsigned long tracing_count(const struct tracing *tracing, const char *event,
			    const char *words)
{
	const char *text = tracing->text;
	unsigned long count = 0;
	char line[512];

	while (next_event(&text, event, words, line, sizeof(line)))
		count++;
	return count;
}

unsigned long long tracing_sum(const struct tracing *tracing,
			       const char *event, const char *words,
			       const char *field)
{
	const char *text = tracing->text, *at;
	unsigned long long sum = 0;
	char line[512];

	while ((at = next_event(&text, event, words, line, sizeof(line)))) {
		at = strstr(at, field);
		sum += at ? strtoull(at + strlen(field), NULL, 0) : 0;
	}
	return sum;
}

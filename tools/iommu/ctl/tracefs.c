// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "tracefs.h"

#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root.h"

#define TRACING		"/sys/kernel/tracing"
#define EVENTS		"/events/iommufd"

/* A path in our own buffer. */
static void instance_path(char path[PATH_MAX], const char *rest)
{
	root_path(path, TRACING "/instances/iommufdctl-%d%s", getpid(), rest);
}

static void complain(int error)
{
	/* Only root may look even whether it is empty. */
	if (error == EACCES)
		warnx(TRACING ": %s; try as root", strerror(error));
	else if (!root_there(TRACING "/instances"))
		warnx(TRACING " is empty; as root: mount -t tracefs none " TRACING);
	else if (!root_there(TRACING EVENTS))
		warnx("no events of iommufd in " TRACING "; is it loaded?");
	else
		warnx(TRACING ": %s", strerror(error));
}

static bool turn_on(const char *event)
{
	char path[PATH_MAX], name[80];
	FILE *file;
	bool good;

	snprintf(name, sizeof(name), EVENTS "%s%s/enable", event ? "/" : "",
		 event ? event : "");
	instance_path(path, name);
	file = fopen(path, "we");
	if (!file)
		return false;
	good = fputs("1", file) >= 0;
	return !fclose(file) && good;
}

static bool turn_all_on(const char *const *events)
{
	if (!events)
		return turn_on(NULL);
	for (; *events; events++)
		if (!turn_on(*events))
			return false;
	return true;
}

static FILE *open_pipe(const char *const *events)
{
	char path[PATH_MAX];

	if (!turn_all_on(events))
		return NULL;
	instance_path(path, "/trace_pipe");
	return fopen(path, "re");
}

static void remove_instance(void)
{
	char path[PATH_MAX];

	instance_path(path, "");
	rmdir(path);
}

FILE *tracefs_open(const char *const *events)
{
	char path[PATH_MAX];
	FILE *lines;

	instance_path(path, "");
	if (mkdir(path, 0700)) {
		complain(errno);
		return NULL;
	}
	lines = open_pipe(events);
	if (!lines) {
		complain(errno);
		remove_instance();
	}
	return lines;
}

void tracefs_close(FILE *lines)
{
	fclose(lines);
	remove_instance();
}

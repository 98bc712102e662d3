// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../root.h"

bool machine_has_iommufd(void)
{
	return root_there("/sys/module/iommufd");
}

static bool has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	while (*line) {
		size_t here = strcspn(line, "\n ");

		if (here == length && !strncmp(line, word, length))
			return true;
		line += here + (line[here] != '\0');
	}
	return false;
}

const char *machine_parameter(const char *const *words)
{
	char line[4096];

	root_read(line, sizeof(line), "/proc/cmdline");
	for (; *words; words++)
		if (has_word(line, *words))
			return *words;
	return NULL;
}

static bool in_folder(const char *path, const char *const *folders)
{
	if (!folders)
		return true;
	for (; *folders; folders++)
		if (!strncmp(path, *folders, strlen(*folders)))
			return true;
	return false;
}

/* A line is "path/of/module.ko.xz: what it needs". */
static bool line_names(char *line, const char *name, const char *const *folders)
{
	const char *slash;

	line[strcspn(line, ":\n")] = '\0';
	slash = strrchr(line, '/');
	slash = slash ? slash + 1 : line;
	return !strncmp(slash, name, strlen(name)) &&
	       strchr(".", slash[strlen(name)]) && in_folder(line, folders);
}

/* Where the modules are of the kernel that runs. */
static void modules_path(char path[PATH_MAX], const char *file)
{
	char release[80];

	root_read_line(release, sizeof(release), "/proc/sys/kernel/osrelease");
	root_path(path, "/lib/modules/%s/%s", release, file);
}

static bool find_module(char found[PATH_MAX], const char *name,
			const char *const *folders)
{
	char path[PATH_MAX], *line = NULL;
	bool is_found = false;
	size_t size = 0;
	FILE *lines;

	modules_path(path, "modules.dep");
	lines = fopen(path, "re");
	while (lines && !is_found && getline(&line, &size, lines) > 0)
		is_found = line_names(line, name, folders);
	if (is_found)
		modules_path(found, line);
	free(line);
	if (lines)
		fclose(lines);
	return is_found;
}

bool machine_module_file(const char *name, const char *const *folders)
{
	char path[PATH_MAX];

	return find_module(path, name, folders);
}

/* A signature is at the end, and these words are behind it. */
static bool has_signature(FILE *file)
{
	static const char mark[] = "~Module signature appended~\n";
	char end[sizeof(mark)] = "";

	return !fseek(file, 1 - (long)sizeof(mark), SEEK_END) &&
	       fread(end, 1, sizeof(mark) - 1, file) == sizeof(mark) - 1 &&
	       !strcmp(end, mark);
}

bool machine_module_unsigned(const char *name)
{
	char path[PATH_MAX];
	const char *dot;
	bool is_signed;
	FILE *file;

	if (!find_module(path, name, NULL))
		return false;
	dot = strrchr(path, '.');
	file = dot && !strcmp(dot, ".ko") ? fopen(path, "re") : NULL;
	if (!file)
		return false;
	is_signed = has_signature(file);
	fclose(file);
	return !is_signed;
}

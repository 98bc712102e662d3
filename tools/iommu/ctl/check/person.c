// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "person.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../root.h"

#define LINE_SIZE	4096

/* A part of a line between colons, cut out; NULL if there are not so many. */
static char *part(char *line, unsigned int index)
{
	char *end;

	for (; index; index--) {
		line = strchr(line, ':');
		if (!line)
			return NULL;
		line++;
	}
	end = strpbrk(line, ":\n");
	if (end)
		*end = '\0';
	return line;
}

/*
 * Find in a file of such lines the one that has @wanted as a part, and copy
 * another part of it. The later part is cut out first.
 */
static bool find_part(const char *file, unsigned int key, const char *wanted,
		      unsigned int index, char *value, size_t size)
{
	char path[PATH_MAX], line[LINE_SIZE], copy[LINE_SIZE];
	bool found = false;
	const char *text;
	FILE *lines;

	root_path(path, "%s", file);
	lines = fopen(path, "re");
	while (lines && !found && fgets(line, sizeof(line), lines)) {
		memcpy(copy, line, sizeof(copy));
		text = part(copy, key);
		found = text && !strcmp(text, wanted);
	}
	if (lines)
		fclose(lines);
	text = found ? part(line, index) : NULL;
	snprintf(value, size, "%s", text ? text : "");
	return text;
}

static void add_group(struct person *person, gid_t gid)
{
	if (person->ngroups < PERSON_MAX_GROUPS)
		person->groups[person->ngroups++] = gid;
}

void person_self(struct person *person)
{
	gid_t groups[PERSON_MAX_GROUPS];
	int i, count = getgroups(PERSON_MAX_GROUPS, groups);
	char number[16];

	*person = (struct person){ .is_self = true, .uid = geteuid() };
	add_group(person, getegid());
	for (i = 0; i < count; i++)
		add_group(person, groups[i]);
	snprintf(number, sizeof(number), "%u", person->uid);
	if (!find_part("/etc/passwd", 2, number, 0, person->name,
		       sizeof(person->name)))
		snprintf(person->name, sizeof(person->name), "%s", number);
}

static bool is_among(const char *names, const char *name)
{
	size_t length = strlen(name);

	while (*names) {
		size_t here = strcspn(names, ",");

		if (here == length && !strncmp(names, name, length))
			return true;
		names += here + (names[here] == ',');
	}
	return false;
}

static void add_group_of_line(struct person *person, char *line)
{
	char *members = part(line, 3), *gid;

	if (!members || !is_among(members, person->name))
		return;
	gid = part(line, 2);
	add_group(person, strtoul(gid, NULL, 10));
}

static void add_groups(struct person *person)
{
	char path[PATH_MAX], line[LINE_SIZE];
	FILE *lines;

	root_path(path, "/etc/group");
	lines = fopen(path, "re");
	while (lines && fgets(line, sizeof(line), lines))
		add_group_of_line(person, line);
	if (lines)
		fclose(lines);
}

bool person_find(struct person *person, const char *name)
{
	char number[16];

	*person = (struct person){};
	snprintf(person->name, sizeof(person->name), "%s", name);
	if (!find_part("/etc/passwd", 0, name, 3, number, sizeof(number)))
		return false;
	add_group(person, strtoul(number, NULL, 10));
	find_part("/etc/passwd", 0, name, 2, number, sizeof(number));
	person->uid = strtoul(number, NULL, 10);
	add_groups(person);
	return true;
}

static bool has_group(const struct person *person, gid_t gid)
{
	unsigned int i;

	for (i = 0; i < person->ngroups; i++)
		if (person->groups[i] == gid)
			return true;
	return false;
}

static bool mode_allows(const struct person *person, const struct stat *status)
{
	mode_t needed = 06;

	if (!person->uid)
		return true;
	if (person->uid == status->st_uid)
		needed <<= 6;
	else if (has_group(person, status->st_gid))
		needed <<= 3;
	return (status->st_mode & needed) == needed;
}

bool person_may_use(const struct person *person, const char *path)
{
	char full[PATH_MAX];
	struct stat status;

	root_path(full, "%s", path);
	/* The kernel knows of access control lists, too. */
	if (person->is_self)
		return !faccessat(AT_FDCWD, full, R_OK | W_OK, AT_EACCESS);
	return !root_stat(&status, "%s", path) && mode_allows(person, &status);
}

void person_group_name(char *name, size_t size, gid_t gid)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", gid);
	if (!find_part("/etc/group", 2, number, 0, name, size))
		snprintf(name, size, "%s", number);
}

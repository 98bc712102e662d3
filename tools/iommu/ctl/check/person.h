/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Somebody, and what files let them do.
 */
#ifndef IOMMUFDCTL_PERSON_H
#define IOMMUFDCTL_PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PERSON_MAX_GROUPS	64

/**
 * struct person - Somebody
 * @name: the name, or the number of who has none
 * @is_self: it is who runs this program
 * @uid: the number
 * @ngroups: number of @groups
 * @groups: the groups
 */
struct person {
	char name[64];
	bool is_self;
	uid_t uid;
	unsigned int ngroups;
	gid_t groups[PERSON_MAX_GROUPS];
};

/* Who runs this program. */
void person_self(struct person *person);

/* Somebody of /etc/passwd and /etc/group; returns whether there is such a one. */
bool person_find(struct person *person, const char *name);

/* Whether they may open a file, below the root, to read and write. */
bool person_may_use(const struct person *person, const char *path);

/* The name of a group; its number if it has none. */
void person_group_name(char *name, size_t size, gid_t gid);

#endif

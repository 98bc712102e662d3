// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "holder.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "root.h"
#include "text.h"

/* More than the kernel shows at most. */
#define FDINFO_SIZE	65536

/* Looking at all files of all processes would take long. */
static bool may_be_iommufd(const char *target)
{
	const char *slash = strrchr(target, '/');

	return !strncmp(target, "/dev/", 5) ||
	       (slash && (!strcmp(slash, "/iommu") || !strcmp(slash, "/vfio")));
}

static bool read_context(struct context *context, pid_t pid, int fd)
{
	static char text[FDINFO_SIZE];
	char target[PATH_MAX];

	return !root_link(target, sizeof(target), "/proc/%d/fd/%d", pid, fd) &&
	       may_be_iommufd(target) &&
	       root_read(text, sizeof(text), "/proc/%d/fdinfo/%d", pid, fd) > 0 &&
	       context_parse(context, text);
}

static void read_program(struct holder *holder)
{
	char name[64];

	root_read_line(name, sizeof(name), "/proc/%d/comm", holder->pid);
	text_clean(holder->program, sizeof(holder->program), name);
}

static struct holder *known_holder(struct holders *holders, pid_t pid,
				   unsigned long number)
{
	unsigned int i;

	for (i = 0; i < holders->count; i++)
		if (holders->list[i].pid == pid &&
		    holders->list[i].context.number == number)
			return &holders->list[i];
	return NULL;
}

static void look_at_fd(struct holders *holders, pid_t pid, int fd)
{
	struct holder new = { .pid = pid }, *holder;

	if (!read_context(&new.context, pid, fd))
		return;
	holder = known_holder(holders, pid, new.context.number);
	if (holder) {
		context_free(&new.context);
	} else {
		read_program(&new);
		LIST_ADD(holders->list, holders->count, new);
		holder = &holders->list[holders->count - 1];
	}
	LIST_ADD(holder->fds, holder->nfds, fd);
}

static bool is_number(const char *name)
{
	return isdigit((unsigned char)*name);
}

static int look_at_process(struct holders *holders, pid_t pid)
{
	DIR *directory = root_opendir("/proc/%d/fd", pid);
	struct dirent *entry;

	if (!directory)
		return -errno;
	while ((entry = readdir(directory)))
		if (is_number(entry->d_name))
			look_at_fd(holders, pid, atoi(entry->d_name));
	closedir(directory);
	return 0;
}

static int compare_fds(const void *first, const void *second)
{
	return *(const int *)first - *(const int *)second;
}

static int compare_holders(const void *first, const void *second)
{
	const struct holder *one = first, *other = second;

	if (one->pid != other->pid)
		return one->pid < other->pid ? -1 : 1;
	return one->context.number < other->context.number ? -1 : 1;
}

static void sort(struct holders *holders)
{
	unsigned int i;

	for (i = 0; i < holders->count; i++)
		qsort(holders->list[i].fds, holders->list[i].nfds,
		      sizeof(int), compare_fds);
	if (holders->count)
		qsort(holders->list, holders->count, sizeof(*holders->list),
		      compare_holders);
}

/* Kernel threads have no command line, nor files that matter. */
static bool is_program(pid_t pid)
{
	char text[2];

	return root_read(text, sizeof(text), "/proc/%d/cmdline", pid) > 0;
}

int holders_find(struct holders *holders)
{
	DIR *directory = root_opendir("/proc");
	struct dirent *entry;
	pid_t pid;

	*holders = (struct holders){};
	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		if (!is_number(entry->d_name))
			continue;
		pid = atoi(entry->d_name);
		if (look_at_process(holders, pid) == -EACCES && is_program(pid))
			holders->hidden++;
	}
	closedir(directory);
	sort(holders);
	return 0;
}

int holders_find_process(struct holders *holders, pid_t pid)
{
	int ret;

	*holders = (struct holders){};
	ret = look_at_process(holders, pid);
	sort(holders);
	return ret == -ENOENT ? -ESRCH : ret;
}

void holders_free(struct holders *holders)
{
	unsigned int i;

	for (i = 0; i < holders->count; i++) {
		context_free(&holders->list[i].context);
		free(holders->list[i].fds);
	}
	free(holders->list);
}

void holder_fds_text(char *text, size_t size, const struct holder *holder)
{
	size_t length = 0;
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < holder->nfds && length < size; i++)
		length += snprintf(text + length, size - length, "%s%d",
				   i ? " " : "", holder->fds[i]);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "look.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "style.h"

pid_t look_parse_pid(const char *argument)
{
	unsigned long pid;
	char *end;

	if (!argument)
		return 0;
	pid = strtoul(argument, &end, 10);
	if (isdigit((unsigned char)*argument) && !*end && pid && pid <= INT_MAX)
		return pid;
	warnx("%s is not the number of a process", argument);
	return LOOK_WRONG;
}

static void complain(int error, pid_t pid)
{
	if (error == -ESRCH)
		warnx("there is no process %d", pid);
	else if (error == -EACCES)
		warnx("process %d is somebody else's; try as root", pid);
	else
		warnx("/proc: %s", strerror(-error));
}

int look(struct holders *holders, pid_t pid)
{
	int ret = pid ? holders_find_process(holders, pid) :
			holders_find(holders);

	if (ret)
		complain(ret, pid);
	return ret;
}

void look_print_hidden(const struct holders *holders)
{
	char text[80];

	if (!holders->hidden)
		return;
	snprintf(text, sizeof(text),
		 "%u %s somebody else's and not looked at.", holders->hidden,
		 holders->hidden > 1 ? "processes are" : "process is");
	style_print(STYLE_NOTE, text);
	putchar('\n');
}

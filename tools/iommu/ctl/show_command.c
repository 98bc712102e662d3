// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * show: all that is known of the iommufds of a process.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "holder.h"
#include "look.h"
#include "page.h"
#include "status.h"
#include "view.h"
#include "view_json.h"

static int print_details(const struct holders *holders, bool areas)
{
	struct page page = {};
	int ret = view_details(&page, holders, areas);

	page_print(&page, NULL);
	page_free(&page);
	return ret;
}

static int print(const struct options *options, const struct holders *holders)
{
	int ret = options->json ?
			  view_json(holders, options->areas, false) :
			  print_details(holders, options->areas);

	if (ret)
		warnx("areas, in /sys/kernel/debug/iommufd: %s%s",
		      strerror(-ret), ret == -EACCES ? "; try as root" : "");
	return ret ? STATUS_CANNOT : STATUS_GOOD;
}

int command_show(const struct options *options, char **arguments)
{
	pid_t pid = look_parse_pid(arguments[0]);
	struct holders holders;
	int status;

	if (pid == LOOK_WRONG)
		return STATUS_USAGE;
	if (look(&holders, pid))
		return STATUS_CANNOT;
	if (!holders.count)
		warnx("process %d has no iommufd open", pid);
	status = print(options, &holders);
	if (!status && !holders.count)
		status = STATUS_BAD;
	holders_free(&holders);
	return status;
}

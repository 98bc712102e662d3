// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * list: who has iommufds open.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>

#include "commands.h"
#include "holder.h"
#include "look.h"
#include "page.h"
#include "status.h"
#include "view.h"
#include "view_json.h"

static void print_list(const struct holders *holders)
{
	struct page page = {};

	if (holders->count)
		view_list(&page, holders);
	else
		puts("No process has an iommufd open.");
	page_print(&page, NULL);
	page_free(&page);
	look_print_hidden(holders);
}

int command_list(const struct options *options, char **arguments)
{
	struct holders holders;

	(void)arguments;
	if (look(&holders, 0))
		return STATUS_CANNOT;
	if (options->json)
		view_json(&holders, false, false);
	else
		print_list(&holders);
	holders_free(&holders);
	return STATUS_GOOD;
}

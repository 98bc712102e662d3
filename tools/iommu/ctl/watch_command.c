// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * watch: list or show again and again, with what has changed highlighted.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "holder.h"
#include "look.h"
#include "page.h"
#include "status.h"
#include "stop.h"
#include "style.h"
#include "view.h"
#include "view_json.h"

/* On a terminal each page takes the place of the one before. */
static bool in_place(void)
{
	return isatty(STDOUT_FILENO) && style_on();
}

static void print_over(const struct page *page, const struct page *before)
{
	if (in_place())
		fputs("\033[H", stdout);
	page_print(page, before);
	if (in_place())
		fputs("\033[J", stdout);
	else
		putchar('\n');
	fflush(stdout);
}

static void make_page(struct page *page, const struct holders *holders,
		      pid_t pid)
{
	if (pid)
		view_details(page, holders, false);
	else
		view_list(page, holders);
}

/* The page becomes the one before. */
static void next_page(struct page *before, const struct holders *holders,
		      pid_t pid, bool first)
{
	struct page page = {};

	make_page(&page, holders, pid);
	print_over(&page, first ? NULL : before);
	page_free(before);
	*before = page;
}

/* Returns whether there will be a next time. */
static bool wait_interval(const struct options *options, unsigned long looks)
{
	struct timespec time = {
		.tv_sec = (time_t)options->interval,
		.tv_nsec = (options->interval - (time_t)options->interval) * 1e9,
	};

	if (options->count && looks >= options->count)
		return false;
	if (!stop_wanted())
		nanosleep(&time, NULL);
	return !stop_wanted();
}

static int watch(const struct options *options, pid_t pid, struct page *before)
{
	struct holders holders;
	unsigned long looks = 0;

	do {
		/* A process that is watched may end, which is no error. */
		if (look(&holders, pid))
			return looks ? STATUS_GOOD : STATUS_CANNOT;
		if (options->json)
			view_json(&holders, false, true);
		else
			next_page(before, &holders, pid, !looks);
		holders_free(&holders);
	} while (wait_interval(options, ++looks));
	return STATUS_GOOD;
}

int command_watch(const struct options *options, char **arguments)
{
	pid_t pid = look_parse_pid(arguments[0]);
	bool terminal = !options->json && in_place();
	struct page before = {};
	int status;

	if (pid == LOOK_WRONG)
		return STATUS_USAGE;
	stop_catch_signals();
	/* An empty screen without a cursor. */
	if (terminal)
		fputs("\033[2J\033[?25l", stdout);
	status = watch(options, pid, &before);
	if (terminal)
		fputs("\033[?25h", stdout);
	page_free(&before);
	return status;
}

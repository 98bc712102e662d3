// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "style.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool on;

static bool wanted(void)
{
	const char *unwanted = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(unwanted && *unwanted) &&
	       !(terminal && !strcmp(terminal, "dumb"));
}

bool style_choose(const char *when)
{
	if (!strcmp(when, "auto"))
		on = wanted();
	else if (!strcmp(when, "always"))
		on = true;
	else if (!strcmp(when, "never"))
		on = false;
	else
		return false;
	return true;
}

bool style_on(void)
{
	return on;
}

void style_print(enum style style, const char *text)
{
	static const char * const codes[STYLE_COUNT] = {
		[STYLE_PLAIN] = "",
		[STYLE_HEAD] = "\033[1m",
		[STYLE_GOOD] = "\033[32m",
		[STYLE_NOTE] = "\033[33m",
		[STYLE_BAD] = "\033[1;31m",
		[STYLE_CHANGED] = "\033[7m",
	};

	if (on && style != STYLE_PLAIN && *text)
		printf("%s%s\033[0m", codes[style], text);
	else
		fputs(text, stdout);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_bool wanted;

static void note(int number)
{
	(void)number;
	wanted = true;
}

void stop_catch_signals(void)
{
	const struct sigaction action = { .sa_handler = note };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool stop_wanted(void)
{
	return wanted;
}

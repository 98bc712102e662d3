// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* For RCU, work queues and whoever else waits for a moment of rest. */
#define SETTLE_US	100000

static bool silenced;
static const char *added = "";

int must(int ret, const char *call, const char *file, int line)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, call, strerror(-ret));
	exit(1);
}

void settle(void)
{
	usleep(SETTLE_US);
}

void report_silence(bool silent)
{
	silenced = silent;
}

void report_variant(const char *variant)
{
	added = variant;
}

/*
 * A serial line sends while the program goes on, with interrupts that would be
 * part of the next measurement: wait for the last character.
 */
static void drain(void)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
}

static void print(double value, const char *unit, const char *format,
		  va_list args)
{
	if (silenced)
		return;
	vprintf(format, args);
	printf("%s\t%.2f\t%s\n", added, value, unit);
	drain();
}

void report_value(double value, const char *unit, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(value, unit, format, args);
	va_end(args);
}

void report(__u64 total, __u64 count, const char *unit, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print((double)total / count, unit, format, args);
	va_end(args);
}

void report_point(__u64 x, __u64 total, __u64 count, const char *unit,
		  const char *work)
{
	if (silenced)
		return;
	printf("%s%s\t%.2f\t%s\t%llu\n", work, added, (double)total / count,
	       unit, (unsigned long long)x);
	drain();
}

/* Two functions with the same code could become one. */
void profile_begin(void)
{
	asm volatile("# begin" ::: "memory");
}

void profile_end(void)
{
	asm volatile("# end" ::: "memory");
}

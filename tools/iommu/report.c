// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"

static struct {
	bool quiet;
	const char *step;
	unsigned int nsteps;
	unsigned int npassed;
	unsigned int nfailed;
	unsigned long long start_us;
	unsigned long long step_start_us;
} report;

void report_start(bool quiet)
{
	report.quiet = quiet;
	report.start_us = now_us();
	/* Lines of the kernel and ours appear in the order of the events. */
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static void end_step(void)
{
	unsigned long long elapsed_us = now_us() - report.step_start_us;

	if (report.step && !report.quiet)
		printf("      %.1f ms\n", elapsed_us / 1000.0);
}

void report_step(const char *title)
{
	end_step();
	report.step = title;
	report.nsteps++;
	if (!report.quiet)
		printf("\n[%u] %s\n", report.nsteps, title);
	report.step_start_us = now_us();
}

void report_value(const char *label, const char *format, ...)
{
	va_list args;

	if (report.quiet)
		return;
	printf("      %-16s ", label);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

bool report_check(bool passed, const char *format, ...)
{
	va_list args;

	if (passed)
		report.npassed++;
	else
		report.nfailed++;
	if (passed && report.quiet)
		return passed;
	if (report.quiet)
		printf("[%u] %s\n", report.nsteps, report.step);

	printf("%s  ", passed ? "PASS" : "FAIL");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return passed;
}

int report_call(int error, const char *name)
{
	if (error)
		report_check(false, "%s: %s", name, strerror(-error));
	return error;
}

void report_hint(const char *text)
{
	const char *end;

	while (text && *text) {
		end = strchrnul(text, '\n');
		printf("   -> %.*s\n", (int)(end - text), text);
		text = *end ? end + 1 : end;
	}
}

int report_finish(bool complete)
{
	unsigned long long elapsed_us = now_us() - report.start_us;
	bool passed = complete && report.npassed && !report.nfailed;

	end_step();
	if (!complete)
		printf("\nStopped in step %u, the steps after it were not run.\n",
		       report.nsteps);
	printf("\n%s: %u checks passed, %u failed, %.1f s\n",
	       passed ? "PASS" : "FAIL", report.npassed, report.nfailed,
	       elapsed_us / 1e6);
	return passed ? 0 : 1;
}

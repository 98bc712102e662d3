/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
#ifndef EDU_VMM_REPORT_H
#define EDU_VMM_REPORT_H

#include <stdbool.h>

#define __printf(a, b)	__attribute((format(printf, a, b)))

/**
 * report_start() - Begin the report and its clock
 * @quiet: print nothing but failed checks, hints and the summary
 */
void report_start(bool quiet);

/**
 * report_step() - Begin a step; the one before gets its elapsed time printed
 * @title: what is going to be shown; must stay valid until the next step
 */
void report_step(const char *title);

/**
 * report_value() - Print one fact of the current step
 * @label: name of the fact, a short word or two
 * @format: printf format of the fact
 */
__printf(2, 3)
void report_value(const char *label, const char *format, ...);

/**
 * report_check() - Print and count a check
 * @passed: the outcome
 * @format: printf format of what has been checked
 *
 * Return: @passed.
 */
__printf(2, 3)
bool report_check(bool passed, const char *format, ...);

/**
 * report_call() - Count a call that has to succeed
 * @error: what the call returned, 0 or a negative errno
 * @name: the call, for the reader
 *
 * Prints nothing when the call succeeded.
 *
 * Return: @error.
 */
int report_call(int error, const char *name);

/**
 * report_hint() - Tell the user what to do about a failure
 * @text: one or more lines separated by newlines, or NULL for no advice
 */
void report_hint(const char *text);

/**
 * report_finish() - Print the summary
 * @complete: every step has been run
 *
 * Return: the exit status: 0 when complete and no check failed, otherwise 1.
 */
int report_finish(bool complete);

#endif

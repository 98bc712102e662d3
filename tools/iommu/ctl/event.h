/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * An event, as tracefs writes it.
 */
#ifndef IOMMUFDCTL_EVENT_H
#define IOMMUFDCTL_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#define EVENT_MAX_FIELDS	8

/**
 * struct event_field - A name and its value
 * @name: as "context"
 * @value: as "7" or "0x1000"
 */
struct event_field {
	char name[16];
	char value[80];
};

/**
 * struct event - Something that happened
 * @time_us: when, in microseconds since the kernel was started
 * @pid: the thread in which it happened
 * @program: what that calls itself
 * @name: of the tracepoint
 * @nfields: number of @fields
 * @fields: what it says
 */
struct event {
	unsigned long long time_us;
	unsigned long pid;
	char program[64];
	char name[32];
	unsigned int nfields;
	struct event_field fields[EVENT_MAX_FIELDS];
};

/**
 * event_parse() - Understand a line of trace_pipe
 * @event: receives it
 * @line: the line
 *
 * Return: whether it is an event of iommufd.
 */
bool event_parse(struct event *event, const char *line);

/* The value of a field, "" if the event has none of that name. */
const char *event_text(const struct event *event, const char *name);

/* The same as a number, 0 if it is none; negative ones become positive. */
unsigned long long event_number(const struct event *event, const char *name);

#endif

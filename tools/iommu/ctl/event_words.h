/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Events in plain words.
 */
#ifndef IOMMUFDCTL_EVENT_WORDS_H
#define IOMMUFDCTL_EVENT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "event.h"

/* Say what happened; an event that is not known is said as the kernel does. */
void event_words(char *text, size_t size, const struct event *event);

/* Whether somebody was refused something, or lost it. */
bool event_is_trouble(const struct event *event);

/* The tracepoints of which that is true, up to NULL. */
extern const char * const event_troubles[];

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Colours, for people who sit at a terminal.
 */
#ifndef IOMMUFDCTL_STYLE_H
#define IOMMUFDCTL_STYLE_H

#include <stdbool.h>

enum style {
	STYLE_PLAIN,
	STYLE_HEAD,
	STYLE_GOOD,
	STYLE_NOTE,
	STYLE_BAD,
	STYLE_CHANGED,
	STYLE_COUNT,
};

/**
 * style_choose() - Decide whether there are colours
 * @when: "always", "never", or "auto": if standard output is a terminal, and
 *	  NO_COLOR is not set
 *
 * Return: whether @when is one of these.
 */
bool style_choose(const char *when);

/* Whether there are. */
bool style_on(void);

/* Print text in a style, on standard output. */
void style_print(enum style style, const char *text);

#endif

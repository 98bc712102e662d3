/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What has been found out, by name, and texts that refer to it.
 */
#ifndef IOMMUFDCTL_FACTS_H
#define IOMMUFDCTL_FACTS_H

#include <stddef.h>

#include "../root.h"

#define FACTS_MAX	48

struct fact {
	const char *name;
	char value[512];
};

struct facts {
	unsigned int count;
	struct fact facts[FACTS_MAX];
};

/**
 * facts_set() - Note a fact, or another value of it
 * @facts: the facts
 * @name: its name; must stay valid
 * @format: printf format of its value
 */
__printf(3, 4)
void facts_set(struct facts *facts, const char *name, const char *format, ...);

/* The value of a fact, "" if there is none of that name. */
const char *facts_get(const struct facts *facts, const char *name);

/**
 * facts_fill_in() - Write a text with facts in it
 * @facts: the facts
 * @text: receives it
 * @size: of @text
 * @template: the text, in which {name} stands for the value of a fact
 */
void facts_fill_in(const struct facts *facts, char *text, size_t size,
		   const char *template);

#endif

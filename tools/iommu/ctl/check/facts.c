// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "facts.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../status.h"

static struct fact *find(const struct facts *facts, const char *name,
			 size_t length)
{
	const struct fact *fact;

	for (fact = facts->facts; fact < facts->facts + facts->count; fact++)
		if (!strncmp(fact->name, name, length) && !fact->name[length])
			return (struct fact *)fact;
	return NULL;
}

void facts_set(struct facts *facts, const char *name, const char *format, ...)
{
	struct fact *fact = find(facts, name, strlen(name));
	va_list args;

	if (!fact) {
		if (facts->count == FACTS_MAX)
			errx(STATUS_CANNOT, "too many facts");
		fact = &facts->facts[facts->count++];
		fact->name = name;
	}
	va_start(args, format);
	vsnprintf(fact->value, sizeof(fact->value), format, args);
	va_end(args);
}

const char *facts_get(const struct facts *facts, const char *name)
{
	const struct fact *fact = find(facts, name, strlen(name));

	return fact ? fact->value : "";
}

/* The fact that a template names at a brace, or NULL. */
static const struct fact *named(const struct facts *facts, const char *brace)
{
	const char *end = strchr(brace, '}');

	return *brace == '{' && end ?
		       find(facts, brace + 1, end - brace - 1) :
		       NULL;
}

void facts_fill_in(const struct facts *facts, char *text, size_t size,
		   const char *template)
{
	const struct fact *fact;
	size_t length = 0, plain;

	text[0] = '\0';
	while (*template && length < size) {
		fact = named(facts, template);
		plain = fact ? 0 : 1 + strcspn(template + 1, "{");
		length += snprintf(text + length, size - length, "%.*s%s",
				   (int)plain, template,
				   fact ? fact->value : "");
		template = fact ? strchr(template, '}') + 1 : template + plain;
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "json.h"

#include <stdio.h>

#include "text.h"

#define MAX_DEPTH	16

static struct {
	bool in_one_line;
	bool filled[MAX_DEPTH];		/* there is a value already */
	char closes[MAX_DEPTH];		/* what ends it */
	unsigned int depth;
} json;

void json_begin(bool in_one_line)
{
	json.in_one_line = in_one_line;
	json.depth = 0;
	json.filled[0] = false;
}

void json_end(void)
{
	putchar('\n');
	fflush(stdout);
}

static void new_line(void)
{
	unsigned int i;

	if (json.in_one_line)
		return;
	putchar('\n');
	for (i = 0; i < json.depth; i++)
		fputs("  ", stdout);
}

static void write_character(unsigned int character)
{
	char text[5];

	if (character == '"' || character == '\\')
		printf("\\%c", character);
	else if (character < 0x20 || character == 0x7f)
		printf("\\u%04x", character);
	else
		fputs(text_encode(character, text), stdout);
}

static void write_string(const char *text)
{
	putchar('"');
	while (*text)
		write_character(text_decode(&text));
	putchar('"');
}

/* All that stands before a value. */
static void begin_value(const char *key)
{
	if (json.filled[json.depth])
		putchar(',');
	if (json.depth)
		new_line();
	json.filled[json.depth] = true;
	if (!key)
		return;
	write_string(key);
	putchar(':');
	if (!json.in_one_line)
		putchar(' ');
}

static void open_value(const char *key, char opens, char closes)
{
	begin_value(key);
	putchar(opens);
	json.depth++;
	json.filled[json.depth] = false;
	json.closes[json.depth] = closes;
}

void json_open_object(const char *key)
{
	open_value(key, '{', '}');
}

void json_open_array(const char *key)
{
	open_value(key, '[', ']');
}

void json_close(void)
{
	char closes = json.closes[json.depth];
	bool filled = json.filled[json.depth];

	json.depth--;
	if (filled)
		new_line();
	putchar(closes);
}

void json_string(const char *key, const char *text)
{
	begin_value(key);
	write_string(text);
}

void json_number(const char *key, unsigned long long number)
{
	begin_value(key);
	printf("%llu", number);
}

void json_integer(const char *key, long long number)
{
	begin_value(key);
	printf("%lld", number);
}

void json_address(const char *key, unsigned long long address)
{
	begin_value(key);
	printf("\"%#llx\"", address);
}

void json_bool(const char *key, bool value)
{
	begin_value(key);
	fputs(value ? "true" : "false", stdout);
}

void json_null(const char *key)
{
	begin_value(key);
	fputs("null", stdout);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many bytes a character has whose first is this one; 0 if none begins so. */
static unsigned int sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* Neither longer than needed, nor half of a pair of UTF-16, nor too large. */
static bool is_character(unsigned int character, unsigned int length)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	return character >= least[length] && character <= 0x10ffff &&
	       (character < 0xd800 || character > 0xdfff);
}

unsigned int text_decode(const char **text)
{
	const unsigned char *bytes = (const unsigned char *)*text;
	unsigned int length = sequence_length(bytes[0]);
	unsigned int character = bytes[0], i;

	(*text)++;
	if (length == 1)
		return character;
	character &= 0x7f >> length;
	/* The zero at the end is not one of these either. */
	for (i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return TEXT_WRONG;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (!length || !is_character(character, length))
		return TEXT_WRONG;
	*text += length - 1;
	return character;
}

const char *text_encode(unsigned int character, char text[5])
{
	unsigned int length = character < 0x80 ? 1 : character < 0x800 ? 2 :
			      character < 0x10000 ? 3 : 4;
	unsigned int i;

	text[length] = '\0';
	for (i = length - 1; i; i--, character >>= 6)
		text[i] = 0x80 | (character & 0x3f);
	text[0] = length == 1 ? character : (0xf00 >> length) | character;
	return text;
}

size_t text_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += (*text & 0xc0) != 0x80;
	return columns;
}

static bool is_control(unsigned int character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

void text_clean(char *clean, size_t size, const char *text)
{
	unsigned int character;
	char encoded[5];
	size_t length = 0, more;

	clean[0] = '\0';
	while (*text) {
		character = text_decode(&text);
		text_encode(is_control(character) ? '?' : character, encoded);
		more = strlen(encoded);
		if (length + more >= size)
			return;
		memcpy(clean + length, encoded, more + 1);
		length += more;
	}
}

static const char units[] = "KMGTPE";

const char *text_bytes(unsigned long long bytes, char text[16])
{
	const char *unit = units;
	double value = bytes / 1024.0;

	if (bytes < 1024) {
		snprintf(text, 16, "%llu B", bytes);
		return text;
	}
	/* 1023.95 would be written as 1024.0. */
	for (; value >= 1023.95 && unit[1]; unit++)
		value /= 1024;
	snprintf(text, 16, "%.1f %ciB", value, *unit);
	return text;
}

const char *text_pages(unsigned long pages, char text[16])
{
	return text_bytes((unsigned long long)pages * sysconf(_SC_PAGESIZE),
			  text);
}

bool text_parse_bytes(const char *text, unsigned long long *bytes)
{
	const char *unit = "";
	unsigned int shift;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*bytes = strtoull(text, &end, 10);
	if (*end)
		unit = strchr(units, toupper((unsigned char)*end));
	if (!unit || (*end && end[1]))
		return false;
	shift = *end ? (unit - units + 1) * 10 : 0;
	if (*bytes > ULLONG_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

static const char blanks[] = " \t";

/* Where the word behind a word begins, NULL if it is not there. */
static const char *find_behind(const char *line, const char *word)
{
	size_t length = strlen(word);
	bool found = false;

	while (*line && *line != '\n') {
		size_t here = strcspn(line, " \t\n");

		if (found && here)
			return line;
		found = found || (here == length && !strncmp(line, word, here));
		line += here;
		line += strspn(line, blanks);
	}
	return NULL;
}

bool text_number(const char *line, const char *word, unsigned long *number)
{
	const char *at = find_behind(line, word);

	if (!at || !isdigit((unsigned char)*at))
		return false;
	*number = strtoul(at, NULL, 10);
	return true;
}

bool text_word(const char *line, const char *word, char *value, size_t size)
{
	const char *at = find_behind(line, word);
	size_t length = at ? strcspn(at, " \t\n") : 0;

	snprintf(value, size, "%.*s", (int)length, at ? at : "");
	return at;
}

const char *text_next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end && end[1] ? end + 1 : NULL;
}

const char *text_find_line(const char *line, const char *start)
{
	while (line && strncmp(line, start, strlen(start)))
		line = text_next_line(line);
	return line;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Text of others, which may hold anything, and how sizes are written.
 */
#ifndef IOMMUFDCTL_TEXT_H
#define IOMMUFDCTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Stands for bytes that are no UTF-8. */
#define TEXT_WRONG	0xfffd

/**
 * text_decode() - Read a character of UTF-8
 * @text: where it begins, not at the end; moved behind it
 *
 * Return: the character. Of bytes that are none, one is skipped, and the return
 * value is %TEXT_WRONG.
 */
unsigned int text_decode(const char **text);

/**
 * text_encode() - Write a character in UTF-8
 * @character: what text_decode() has returned
 * @text: receives it
 *
 * Return: @text.
 */
const char *text_encode(unsigned int character, char text[5]);

/* How many columns of a terminal text without control characters takes. */
size_t text_columns(const char *text);

/**
 * text_clean() - Make text of others harmless for a terminal
 * @clean: receives it, with control characters replaced
 * @size: of @clean
 * @text: any bytes up to a zero
 */
void text_clean(char *clean, size_t size, const char *text);

/**
 * text_bytes() - Write a number of bytes for people, as "1.5 MiB"
 *
 * Return: @text.
 */
const char *text_bytes(unsigned long long bytes, char text[16]);

/* The same of a number of pages. */
const char *text_pages(unsigned long pages, char text[16]);

/**
 * text_parse_bytes() - Read a size as people write it
 * @text: a whole number, and nothing or one of K, M, G, T behind it
 * @bytes: receives it
 *
 * Return: whether it is one.
 */
bool text_parse_bytes(const char *text, unsigned long long *bytes);

/**
 * text_number() - The number behind a word
 * @line: words and numbers in turn, to the end of the line
 * @word: the word
 * @number: receives it, unless the word or its number is not there
 *
 * Return: whether it is there.
 */
bool text_number(const char *line, const char *word, unsigned long *number);

/* The word behind a word, "" if it is not there; returns whether it is. */
bool text_word(const char *line, const char *word, char *value, size_t size);

/* The line after this one, NULL at the end. */
const char *text_next_line(const char *line);

/* The first line, from this one on, that begins in a way; or NULL. */
const char *text_find_line(const char *line, const char *start);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Writes JSON (RFC 8259) on standard output, and nothing else there.
 *
 * A value in an object has a key; one in an array, or the outermost, has NULL.
 */
#ifndef IOMMUFDCTL_JSON_H
#define IOMMUFDCTL_JSON_H

#include <stdbool.h>

/**
 * json_begin() - Begin a document
 * @in_one_line: as whoever reads a stream of them wants it
 */
void json_begin(bool in_one_line);

/* End the document, in which all objects and arrays have been closed. */
void json_end(void);

void json_open_object(const char *key);
void json_open_array(const char *key);

/* Close the object or array that was opened last. */
void json_close(void);

/**
 * json_string() - Write a string
 * @key: its key or NULL
 * @text: any bytes up to a zero; those that are no UTF-8 become U+FFFD
 */
void json_string(const char *key, const char *text);
void json_number(const char *key, unsigned long long number);
void json_integer(const char *key, long long number);

/**
 * json_address() - Write an address, as a string in hexadecimal digits
 *
 * Many a reader takes a number for one of floating point, of which an address
 * is too large.
 */
void json_address(const char *key, unsigned long long address);
void json_bool(const char *key, bool value);
void json_null(const char *key);

#endif

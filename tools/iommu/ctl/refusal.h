/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Why the kernel refuses something, in plain words.
 */
#ifndef IOMMUFDCTL_REFUSAL_H
#define IOMMUFDCTL_REFUSAL_H

#include <stddef.h>

/**
 * refusal_words() - Say why something was refused
 * @text: receives it
 * @size: of @text
 * @reason: the word of the tracepoint
 * @first: its first number
 * @second: its second number
 */
void refusal_words(char *text, size_t size, const char *reason,
		   unsigned long long first, unsigned long long second);

/* Name and meaning of an errno, as "EEXIST, File exists". */
void errno_words(char *text, size_t size, int error);

#endif

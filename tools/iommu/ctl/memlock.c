// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "memlock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/capability.h>

#include "root.h"
#include "text.h"

bool memlock_read(const char *process, unsigned long long *bytes)
{
	static const char name[] = "Max locked memory";
	const char *line;
	char text[4096];

	if (root_read(text, sizeof(text), "/proc/%s/limits", process) < 0)
		return false;
	line = text_find_line(text, name);
	if (!line)
		return false;
	line += strlen(name);
	line += strspn(line, " ");
	*bytes = strncmp(line, "unlimited", 9) ? strtoull(line, NULL, 10) :
						 MEMLOCK_UNLIMITED;
	return true;
}

const char *memlock_text(unsigned long long bytes, char text[16])
{
	return bytes == MEMLOCK_UNLIMITED ? "unlimited" : text_bytes(bytes, text);
}

bool memlock_exempt(const char *process)
{
	const char *line;
	char text[8192];

	if (root_read(text, sizeof(text), "/proc/%s/status", process) < 0)
		return false;
	line = text_find_line(text, "CapEff:");
	return line && strtoull(line + 7, NULL, 16) & (1ULL << CAP_IPC_LOCK);
}

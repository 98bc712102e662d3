/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What several subjects ask of the machine.
 */
#ifndef IOMMUFDCTL_MACHINE_H
#define IOMMUFDCTL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether iommufd is there, as a module or built into the kernel. */
bool machine_has_iommufd(void);

/**
 * machine_parameter() - Find a word of the kernel command line
 * @words: those that are looked for, up to NULL
 *
 * Return: the first of them that is there, or NULL.
 */
const char *machine_parameter(const char *const *words);

/**
 * machine_module_file() - Whether the running kernel has a module file
 * @name: its name, as "iommufd.ko"
 * @folders: only in one of these folders, up to NULL; NULL for anywhere
 */
bool machine_module_file(const char *name, const char *const *folders);

/* Whether it has one without a signature; a compressed file is not looked into. */
bool machine_module_unsigned(const char *name);

#endif

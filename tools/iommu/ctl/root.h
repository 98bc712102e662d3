/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Files of the kernel: small, read whole, and below a directory of our choice.
 */
#ifndef IOMMUFDCTL_ROOT_H
#define IOMMUFDCTL_ROOT_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define __printf(a, b)	__attribute((format(printf, a, b)))

/**
 * root_set() - Choose where /proc, /sys and /dev are
 * @directory: what is put before each path, "" for the machine itself
 */
void root_set(const char *directory);

/**
 * root_read() - Read a file
 * @text: receives what it holds, with a terminating zero
 * @size: of @text; what does not fit is left out
 * @format: printf format of the path
 *
 * Return: number of bytes, or a negative errno.
 */
__printf(3, 4)
int root_read(char *text, size_t size, const char *format, ...);

/**
 * root_read_line() - Read the first line of a file, without its end
 *
 * As root_read().
 */
__printf(3, 4)
int root_read_line(char *text, size_t size, const char *format, ...);

/**
 * root_link() - Read a symbolic link
 * @target: receives what it says
 * @size: of @target
 * @format: printf format of the path
 *
 * Return: 0 or a negative errno.
 */
__printf(3, 4)
int root_link(char *target, size_t size, const char *format, ...);

/**
 * root_link_name() - Read the last component of a symbolic link
 *
 * As root_link().
 */
__printf(3, 4)
int root_link_name(char *name, size_t size, const char *format, ...);

/* Whether a path is there, also if it may not be opened. */
__printf(1, 2)
bool root_there(const char *format, ...);

/* 0 or a negative errno. */
__printf(2, 3)
int root_stat(struct stat *status, const char *format, ...);

/* For closedir(); NULL with errno. */
DIR *root_opendir(const char *format, ...) __printf(1, 2);

/**
 * root_first() - The name in a directory that sorts first
 * @name: receives it
 * @size: of @name
 * @format: printf format of the directory's path
 *
 * Return: 0, or a negative errno: %-ENOENT also if it is empty.
 */
__printf(3, 4)
int root_first(char *name, size_t size, const char *format, ...);

/**
 * root_path() - The path as the machine itself knows it
 * @path: receives it
 * @format: printf format of the path below the root
 */
__printf(2, 3)
void root_path(char path[PATH_MAX], const char *format, ...);

#endif

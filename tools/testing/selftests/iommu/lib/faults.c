// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"

/*
 * Nobody is to be told of a fault; unless the environment has VERBOSE=2, for a
 * stack trace of each.
 */
static int hush(const char *capability)
{
	const char *verbose = getenv("VERBOSE");
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s/verbose", capability);
	return file_write(path, verbose ? verbose : "0");
}

int faults_open(void)
{
	int fd;

	if (hush("failslab") || hush("fail_page_alloc") ||
	    hush("fail_usercopy"))
		return -ENOTSUP;
	/* Only a kernel with the mock IOMMU has these. */
	hush("fail_iommufd");
	file_write(DEBUGFS "failslab/ignore-gfp-wait", "N");
	file_write(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	file_write(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	file_write(DEBUGFS "fail_page_alloc/min-order", "0");
	fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -ENOTSUP : fd;
}

/*
 * Reading and writing the file copies from and to user space, too. A chance
 * that is still open is then taken there, so it may need a second try.
 */
static int faults_off(int fd)
{
	int tries;

	for (tries = 0; tries < 3; tries++)
		if (pwrite(fd, "0", 1, 0) == 1)
			return 0;
	return -errno;
}

int faults_run(int fd, int (*act)(void *arg), void *arg, unsigned int nth,
	       bool *injected)
{
	char text[16] = {}, left[16] = {};
	int ret;

	snprintf(text, sizeof(text), "%u", nth);
	if (pwrite(fd, text, strlen(text), 0) < 0)
		return -EUCLEAN;
	ret = act(arg);
	/* "0" says that the chance was taken before we came to read this. */
	*injected = pread(fd, left, sizeof(left) - 1, 0) > 0 &&
		    atoi(left) == 0;
	return faults_off(fd) ? -EUCLEAN : ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "window.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "memory.h"

#define STEP_PAGES	(WINDOW_STEP / SZ_2M)

/* Has no factor in common with STEP_PAGES, so that each page gets its turn. */
#define STRIDE		201

static int memory_fd = -ENOTSUP;

/* Pages that are neighbours in the window shall not be so in memory. */
static void touch_scattered(char *va)
{
	unsigned int i;

	for (i = 0; i < STEP_PAGES; i++)
		va[i * STRIDE % STEP_PAGES * SZ_2M] = 1;
}

static int memory_file(void)
{
	int fd = memfd_create("window", MFD_CLOEXEC | MFD_HUGETLB);
	char *va;

	if (fd < 0)
		return -ENOTSUP;
	if (ftruncate(fd, WINDOW_STEP))
		goto err_close;
	/* This fails unless there is a page for each that will be touched. */
	va = mmap(NULL, WINDOW_STEP, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (va == MAP_FAILED)
		goto err_close;
	touch_scattered(va);
	munmap(va, WINDOW_STEP);
	return fd;

err_close:
	close(fd);
	return -ENOTSUP;
}

/* Nobody shall run out of memory because so much of it becomes huge pages. */
static bool have_memory(void)
{
	if (file_number("/proc/meminfo", "HugePages_Free:") >= STEP_PAGES)
		return true;
	if (file_number("/proc/meminfo", "MemAvailable:") <
	    2 * WINDOW_STEP / 1024)
		return false;
	/* And as many as memory_alloc() wants beside these. */
	memory_reserve_huge_pages(STEP_PAGES + 32);
	return true;
}

int window_memory(void)
{
	if (memory_fd < 0 && have_memory())
		memory_fd = memory_file();
	return memory_fd < 0 ? memory_fd : 0;
}

/* Address space that nobody uses, on a boundary of WINDOW_STEP. */
static char *free_space(__u64 length)
{
	char *va = mmap(NULL, length + WINDOW_STEP, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (va == MAP_FAILED)
		return NULL;
	munmap(va, length + WINDOW_STEP);
	return (char *)(((uintptr_t)va + WINDOW_STEP - 1) & -WINDOW_STEP);
}

int window_open(struct window *window, __u64 length)
{
	memset(window, 0, sizeof(*window));
	if (memory_fd < 0)
		return memory_fd;
	window->va = free_space(length);
	if (!window->va)
		return -ENOMEM;
	while (window->length < length) {
		if (mmap(window->va + window->length, WINDOW_STEP,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 memory_fd, 0) == MAP_FAILED) {
			int ret = -errno;

			window_close(window);
			return ret;
		}
		window->length += WINDOW_STEP;
	}
	return 0;
}

void window_close(struct window *window)
{
	if (window->length)
		munmap(window->va, window->length);
	window->length = 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/falloc.h>

#include "lib/memory.h"

#define FILE_PAGES	16
#define SEALABLE_PAGES	4
#define HUGE_PAGES	(SZ_2M / FUZZ_PAGE)

/* Whoever has a huge page pinned keeps it, and the pool is small. */
#define HUGE_CHANGES	8

/**
 * struct file - a file
 * @fds: opened in each way, -1 if not
 * @npages: at most
 * @size: bytes now
 * @sealed: nobody can write
 * @writers: mappings through which devices may write
 * @changes: how often pages may be taken out of it in this run
 */
struct file {
	int fds[FUZZ_OPENED_WAYS];
	unsigned int npages;
	__u64 size;
	bool sealed;
	int writers;
	unsigned int changes;
};

static struct file files[FUZZ_SOURCES];

static struct file *file_of(unsigned int source)
{
	return files[source].npages ? &files[source] : NULL;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

static void close_all(struct file *file)
{
	int i;

	for (i = 0; i <= FUZZ_OPENED_PATH; i++)
		if (file->npages && file->fds[i] >= 0)
			close(file->fds[i]);
}

static int open_all(struct file *file, int fd)
{
	static const int modes[] = {
		[FUZZ_OPENED_READ] = O_RDONLY,
		[FUZZ_OPENED_WRITE] = O_WRONLY,
		[FUZZ_OPENED_PATH] = O_PATH,
	};
	char path[64];
	int i;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	file->fds[FUZZ_OPENED_RW] = fd;
	for (i = FUZZ_OPENED_READ; i <= FUZZ_OPENED_PATH; i++) {
		file->fds[i] = open(path, modes[i] | O_CLOEXEC);
		if (file->fds[i] < 0)
			return -errno;
	}
	return 0;
}

/* Replaces the file that was there. */
static int make(unsigned int source, int fd, unsigned int npages, bool writable)
{
	struct file *file = &files[source];
	int ret;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, npages * FUZZ_PAGE))
		return -errno;
	close_all(file);
	file->npages = npages;
	file->size = npages * FUZZ_PAGE;
	file->sealed = false;
	ret = open_all(file, fd);
	if (ret)
		return ret;
	return fuzz_memory_place(source,
				 file->fds[writable ? FUZZ_OPENED_RW :
						      FUZZ_OPENED_READ],
				 npages, writable);
}

/* A process that could write would keep it from being sealed. */
static int make_sealable(void)
{
	return make(FUZZ_SEALABLE,
		    memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING),
		    SEALABLE_PAGES, false);
}

/* The pool may be empty; then there is no such file. */
static int make_huge(void)
{
	int fd = memory_create_file(MEMORY_MEMFD_HUGETLB, SZ_2M);

	if (fd < 0 || fallocate(fd, 0, 0, SZ_2M)) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	return make(FUZZ_HUGE_FILE, fd, HUGE_PAGES, true);
}

int fuzz_files_init(void)
{
	int ret = make(FUZZ_FILE, memfd_create("fuzz", MFD_CLOEXEC),
		       FILE_PAGES, true);

	if (!ret)
		ret = make_sealable();
	return ret ? ret : make_huge();
}

void fuzz_files_reset(void)
{
	struct file *huge = file_of(FUZZ_HUGE_FILE);

	fuzz_file_truncate(FUZZ_FILE, 0);
	fuzz_file_truncate(FUZZ_FILE, FILE_PAGES * FUZZ_PAGE);
	if (huge) {
		huge->changes = HUGE_CHANGES;
		fuzz_file_truncate(FUZZ_HUGE_FILE, SZ_2M);
	}
	must(!make_sealable(), "memfd");
}

int fuzz_file_fd(unsigned int source, unsigned int opened, int other)
{
	const struct file *file = file_of(source % FUZZ_SOURCES);

	if (opened == FUZZ_OPENED_OTHER)
		return other;
	return file && opened <= FUZZ_OPENED_PATH ? file->fds[opened] : -1;
}

__u64 fuzz_file_size(unsigned int source)
{
	const struct file *file = file_of(source % FUZZ_SOURCES);

	return file ? file->size : 0;
}

bool fuzz_file_sealed(unsigned int source)
{
	return files[source].sealed;
}

void fuzz_file_add_writers(unsigned int source, int more)
{
	files[source].writers += more;
}

static struct fuzz_page *page_of(unsigned int source, __u64 index)
{
	return fuzz_memory_page(fuzz_memory_va(source) + index * FUZZ_PAGE);
}

/* What is cut is the same page, with zeroes. */
static void clear_part(unsigned int source, __u64 from, __u64 to)
{
	struct fuzz_page *page = page_of(source, from / FUZZ_PAGE);

	if (page->frame)
		memset(page->frame->bytes + from % FUZZ_PAGE, 0, to - from);
}

/* @offset to @end, exclusive, at most up to the end of the file. */
static void punch_frames(unsigned int source, __u64 offset, __u64 end)
{
	while (offset < end) {
		__u64 next = (offset / FUZZ_PAGE + 1) * FUZZ_PAGE;

		if (next > end)
			next = end;
		if (next - offset == FUZZ_PAGE)
			fuzz_memory_renew(page_of(source, offset / FUZZ_PAGE),
					  true);
		else
			clear_part(source, offset, next);
		offset = next;
	}
}

static __u64 file_pages(__u64 size)
{
	return (size + FUZZ_PAGE - 1) / FUZZ_PAGE;
}

/* Pages that are not there before are holes, and of that size afterwards. */
static void resize_frames(unsigned int source, __u64 before, __u64 size)
{
	__u64 i, end = file_pages(size) * FUZZ_PAGE;

	if (size <= before && size < end)
		clear_part(source, size, end);
	for (i = file_pages(before); i < file_pages(size); i++)
		fuzz_memory_renew(page_of(source, i), true);
	for (i = file_pages(size); i < file_pages(before); i++)
		fuzz_memory_renew(page_of(source, i), false);
}

/* With the pages of a huge one, which the process is going to look at. */
static void fill_huge(const struct file *file)
{
	must(!fallocate(file->fds[FUZZ_OPENED_RW], 0, 0, SZ_2M), "fallocate");
}

static bool may_change(struct file *file, bool huge)
{
	if (!fuzz_memory_has_room(file->npages))
		return false;
	if (!huge)
		return true;
	if (!file->changes)
		return false;
	file->changes--;
	return true;
}

/* Only what makes it shorter costs a page of the pool. */
static bool may_resize(struct file *file, bool huge, __u64 size)
{
	if (huge && size == file->size)
		return false;
	return size > file->size || may_change(file, huge);
}

void fuzz_file_truncate(unsigned int source, __u64 size)
{
	struct file *file = file_of(source % FUZZ_SOURCES);
	bool huge = source == FUZZ_HUGE_FILE;

	if (!file || source == FUZZ_SEALABLE)
		return;
	if (size > file->npages * FUZZ_PAGE)
		size = file->npages * FUZZ_PAGE;
	if (huge && size < SZ_2M)
		size = 0;
	if (!may_resize(file, huge, size))
		return;
	must(!ftruncate(file->fds[FUZZ_OPENED_RW], size), "ftruncate");
	if (huge && size)
		fill_huge(file);
	resize_frames(source, file->size, size);
	file->size = size;
}

static void punch(const struct file *file, __u64 offset, __u64 length)
{
	must(!fallocate(file->fds[FUZZ_OPENED_RW],
			FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
			length), "fallocate");
}

void fuzz_file_punch(unsigned int source, __u64 offset, __u64 length)
{
	struct file *file = file_of(source % FUZZ_SOURCES);
	bool huge = source == FUZZ_HUGE_FILE;
	__u64 end;

	if (!file || source == FUZZ_SEALABLE || offset >= file->size ||
	    !length || !may_change(file, huge))
		return;
	if (huge) {
		offset = 0;
		length = SZ_2M;
	}
	end = length < file->size - offset ? offset + length : file->size;
	punch(file, offset, end - offset);
	if (huge)
		fill_huge(file);
	punch_frames(source, offset, end);
}

static bool is_pinned(unsigned int source)
{
	__u64 i;

	for (i = 0; i < files[source].npages; i++)
		if (page_of(source, i)->frame->pins)
			return true;
	return false;
}

int fuzz_file_seal_result(void)
{
	const struct file *file = &files[FUZZ_SEALABLE];

	/* What is sealed already is not looked at again. */
	if (file->sealed)
		return 0;
	return file->writers || is_pinned(FUZZ_SEALABLE) ? -EBUSY : 0;
}

int fuzz_file_seal(void)
{
	struct file *file = &files[FUZZ_SEALABLE];

	if (fcntl(file->fds[FUZZ_OPENED_RW], F_ADD_SEALS, F_SEAL_WRITE))
		return -errno;
	file->sealed = true;
	return 0;
}

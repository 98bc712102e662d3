// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "bar.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/ioctls.h"
#include "lib/mock.h"

/**
 * struct bar_page - what is at a page of FUZZ_BAR
 * @there: the BAR is
 * @begins: a mapping begins here. They never merge again
 * @rights: 0 none, 1 to read, 2 to read and write
 */
struct bar_page {
	bool there;
	bool begins;
	unsigned int rights;
};

static struct {
	int iommufd;
	int fd;
	bool enabled;
	bool resetting;
	__u32 reset_ms;
	pthread_t thread;
	struct bar_page pages[FUZZ_BAR_PAGES];
} bar = { .iommufd = -1, .fd = -1 };

static const int rights_bits[] = {
	PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

static __u64 page_va(unsigned int page)
{
	return fuzz_memory_va(FUZZ_BAR) + page * FUZZ_PAGE;
}

int fuzz_bar_init(void)
{
	bar.iommufd = iommufd_open();
	if (bar.iommufd < 0)
		return bar.iommufd;
	bar.fd = bar_create(bar.iommufd, FUZZ_BAR_BYTES);
	if (bar.fd < 0)
		return bar.fd;
	fuzz_bar_reset();
	return 0;
}

void fuzz_bar_reset(void)
{
	fuzz_bar_end_reset();
	fuzz_bar_set(MOCK_BAR_ON, 0);
	fuzz_bar_mmap(0, FUZZ_BAR_PAGES);
}

int fuzz_bar_fd(void)
{
	return bar.fd;
}

bool fuzz_bar_enabled(void)
{
	return bar.enabled;
}

/* Cut a range to pages of the BAR. */
static struct fuzz_change cut(__u64 offset, __u64 npages)
{
	__u64 first = offset / FUZZ_PAGE;

	if (first >= FUZZ_BAR_PAGES)
		return (struct fuzz_change){};
	if (npages > FUZZ_BAR_PAGES - first)
		npages = FUZZ_BAR_PAGES - first;
	return (struct fuzz_change){ first, first + npages };
}

/* End of the mapping that a page is in, or of the hole. */
static unsigned int mapping_end(unsigned int page)
{
	bool there = bar.pages[page].there;

	for (page++; page < FUZZ_BAR_PAGES; page++)
		if (bar.pages[page].there != there || bar.pages[page].begins)
			break;
	return page;
}

/* From then on there is an edge before a page. */
static void split_before(unsigned int page)
{
	if (page < FUZZ_BAR_PAGES)
		bar.pages[page].begins = bar.pages[page].there;
}

__u64 fuzz_bar_piece(__u64 va, __u64 end, bool *is_bar)
{
	__u64 start = page_va(0);
	__u64 at = va < start ? start : va;
	unsigned int page = (at - start) / FUZZ_PAGE;

	*is_bar = false;
	if (end <= start || (at - start) / FUZZ_PAGE >= FUZZ_BAR_PAGES)
		return end;
	if (bar.pages[page].there) {
		*is_bar = va >= start;
		at = *is_bar ? page_va(mapping_end(page)) : start;
		return at < end ? at : end;
	}
	page = mapping_end(page);
	return page < FUZZ_BAR_PAGES && page_va(page) < end ? page_va(page) :
							      end;
}

__u64 fuzz_bar_offset(__u64 va)
{
	return va - page_va(0);
}

bool fuzz_bar_is_near(__u64 va, __u64 npages)
{
	return va < page_va(FUZZ_BAR_PAGES) &&
	       (va >= page_va(0) || (page_va(0) - va) / FUZZ_PAGE < npages);
}

bool fuzz_bar_reachable(__u64 va, __u64 npages, bool writable)
{
	__u64 i, first = fuzz_bar_offset(va) / FUZZ_PAGE;

	for (i = first; i < first + npages; i++)
		if (!bar.pages[i].there ||
		    bar.pages[i].rights < (writable ? 2 : 1))
			return false;
	return bar.enabled;
}

struct fuzz_change fuzz_bar_munmap(__u64 offset, __u64 npages)
{
	struct fuzz_change change = cut(offset, npages);
	unsigned int i;

	if (change.first == change.end)
		return change;
	fuzz_memory_fence(page_va(change.first), change.end - change.first);
	for (i = change.first; i < change.end; i++)
		bar.pages[i] = (struct bar_page){};
	split_before(change.end);
	return change;
}

static void show(unsigned int first, unsigned int end)
{
	void *va = (void *)page_va(first);

	must(mmap(va, (end - first) * FUZZ_PAGE, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_FIXED, bar.fd, first * FUZZ_PAGE) == va,
	     "mmap of a BAR");
}

struct fuzz_change fuzz_bar_mmap(__u64 offset, __u64 npages)
{
	struct fuzz_change change = cut(offset, npages);
	unsigned int i;

	if (change.first == change.end)
		return change;
	show(change.first, change.end);
	for (i = change.first; i < change.end; i++)
		bar.pages[i] = (struct bar_page){ true, false, 2 };
	split_before(change.first);
	split_before(change.end);
	return change;
}

/* In one mapping. */
static void protect(unsigned int first, unsigned int end, unsigned int rights)
{
	unsigned int i;

	must(!mprotect((void *)page_va(first), (end - first) * FUZZ_PAGE,
		       rights_bits[rights]), "mprotect of a BAR");
	for (i = first; i < end; i++)
		bar.pages[i].rights = rights;
	split_before(first);
	split_before(end);
}

struct fuzz_change fuzz_bar_protect(__u64 offset, __u64 npages,
				    unsigned int rights)
{
	struct fuzz_change range = cut(offset, npages), change = {};
	unsigned int page, end;

	for (page = range.first; page < range.end; page = end) {
		end = mapping_end(page);
		if (end > range.end)
			end = range.end;
		if (!bar.pages[page].there ||
		    bar.pages[page].rights == rights % 3)
			continue;
		protect(page, end, rights % 3);
		if (change.first == change.end)
			change.first = page;
		change.end = end;
	}
	return change;
}

static void move(__u64 from, __u64 to, __u64 npages)
{
	must(mremap((void *)from, npages * FUZZ_PAGE, npages * FUZZ_PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED,
		    (void *)to) == (void *)to, "mremap of a BAR");
}

/* Away and back. What comes back is another mapping. */
struct fuzz_change fuzz_bar_mremap(__u64 offset, __u64 npages)
{
	struct fuzz_change change = cut(offset, npages);
	__u64 va, aside = fuzz_memory_aside();

	if (change.first == change.end || !bar.pages[change.first].there)
		return (struct fuzz_change){};
	if (change.end > mapping_end(change.first))
		change.end = mapping_end(change.first);
	npages = change.end - change.first;
	va = page_va(change.first);
	move(va, aside, npages);
	move(aside, va, npages);
	fuzz_memory_fence(aside, npages);
	split_before(change.first);
	split_before(change.end);
	return change;
}

unsigned int fuzz_bar_rights(__u64 offset)
{
	struct fuzz_change at = cut(offset, 1);

	return at.first < at.end ? bar.pages[at.first].rights : 0;
}

void fuzz_bar_set(__u32 action, __u32 reset_ms)
{
	must(!bar_set(bar.iommufd, bar.fd, action, reset_ms), "SET_BAR");
	if (action != MOCK_BAR_RESET)
		bar.enabled = action == MOCK_BAR_ON;
}

static void *reset(void *arg)
{
	(void)arg;
	must(!bar_set(bar.iommufd, bar.fd, MOCK_BAR_RESET, bar.reset_ms),
	     "SET_BAR");
	return NULL;
}

void fuzz_bar_begin_reset(__u32 reset_ms)
{
	if (bar.resetting)
		return;
	bar.reset_ms = reset_ms;
	must(!pthread_create(&bar.thread, NULL, reset, NULL), "pthread_create");
	bar.resetting = true;
}

bool fuzz_bar_end_reset(void)
{
	if (!bar.resetting)
		return false;
	pthread_join(bar.thread, NULL);
	bar.resetting = false;
	return true;
}

/* While it is aside, others would put something else in its place. */
static void disturb_place(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	void *va = (void *)page_va(0), *aside = (void *)fuzz_memory_aside();

	pthread_mutex_lock(&lock);
	if (mremap(va, FUZZ_BAR_BYTES, FUZZ_BAR_BYTES,
		   MREMAP_MAYMOVE | MREMAP_FIXED, aside) == aside)
		fuzz_memory_fence((uintptr_t)aside, FUZZ_BAR_PAGES);
	show(0, FUZZ_BAR_PAGES);
	pthread_mutex_unlock(&lock);
}

void fuzz_bar_disturb_mapping(__u64 offset, unsigned int way)
{
	struct fuzz_change change = cut(offset % FUZZ_BAR_BYTES, 2);
	unsigned int npages = change.end - change.first;

	switch (way % 4) {
	case 0:
		fuzz_memory_fence(page_va(change.first), npages);
		return;
	case 1:
		show(0, FUZZ_BAR_PAGES);
		return;
	case 2:
		/* What is there without the BAR has no rights to lose. */
		mprotect((void *)page_va(change.first), npages * FUZZ_PAGE,
			 rights_bits[offset / FUZZ_PAGE % 3]);
		return;
	}
	disturb_place();
}

void fuzz_bar_disturb_device(__u32 action, __u32 reset_ms)
{
	must(!bar_set(bar.iommufd, bar.fd, action, reset_ms), "SET_BAR");
}

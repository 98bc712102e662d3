// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/memory.h"

/* Everything is in here, so that a wrong address hits nothing of the program */
#define ARENA_BYTES	(16ULL << 30)
#define VOLATILE_PAGES	24

/* In there, where no source is. */
#define ASIDE		(12 * SZ_2M)

/*
 * Where the sources are. All that are not huge, but for the alias, touch each
 * other, so a range can run from one kind of memory into another.
 */
static const struct {
	enum memory_kind kind;
	__u64 offset;
	unsigned int npages;
} layout[FUZZ_SOURCES] = {
	[FUZZ_SMALL] = { MEMORY_SMALL_PAGES, 2 * SZ_2M, 48 },
	[FUZZ_SHARED] = { MEMORY_MEMFD, 2 * SZ_2M + 48 * FUZZ_PAGE, 16 },
	[FUZZ_READ_ONLY] = { MEMORY_SMALL_PAGES, 2 * SZ_2M + 64 * FUZZ_PAGE, 16 },
	[FUZZ_VOLATILE] = { MEMORY_SMALL_PAGES, 2 * SZ_2M + 80 * FUZZ_PAGE,
			    VOLATILE_PAGES },
	[FUZZ_ALIAS] = { MEMORY_MEMFD, 4 * SZ_2M, 16 },
	[FUZZ_BAR] = { MEMORY_MEMFD, 2 * SZ_2M + 104 * FUZZ_PAGE, 8 },
	[FUZZ_FILE] = { MEMORY_MEMFD, 2 * SZ_2M + 112 * FUZZ_PAGE, 16 },
	[FUZZ_SEALABLE] = { MEMORY_MEMFD, 2 * SZ_2M + 128 * FUZZ_PAGE, 4 },
	[FUZZ_THP] = { MEMORY_THP, 6 * SZ_2M, SZ_2M / FUZZ_PAGE },
	[FUZZ_HUGETLB] = { MEMORY_HUGETLB, 8 * SZ_2M, 0 },
	[FUZZ_HUGE_FILE] = { MEMORY_MEMFD_HUGETLB, 14 * SZ_2M, 0 },
	[FUZZ_NOWHERE] = { MEMORY_SMALL_PAGES, 10 * SZ_2M, 0 },
};

static struct {
	__u64 va;
	unsigned int npages;
	struct fuzz_page *pages;
} sources[FUZZ_SOURCES];

static struct fuzz_page all_pages[FUZZ_PAGES_MAX];
static unsigned int nr_pages;

/* Frames of volatile memory that nobody will look at after this run. */
#define OLD_FRAMES_MAX	8192
static struct fuzz_frame *old_frames[OLD_FRAMES_MAX];
static unsigned int nr_old_frames;

void fuzz_memory_pattern(unsigned char *bytes, __u64 length, __u64 seed)
{
	__u64 word = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	__u64 i, step;

	/* In words, for the emulated processor is slow. */
	for (i = 0; i < length; i += step) {
		word = (word ^ word >> 29) * 0xbf58476d1ce4e5b9ULL + i;
		step = length - i < sizeof(word) ? length - i : sizeof(word);
		memcpy(bytes + i, &word, step);
	}
}

static struct fuzz_frame *frame_alloc(void)
{
	struct fuzz_frame *frame = calloc(1, sizeof(*frame));

	if (frame)
		frame->bytes = calloc(1, FUZZ_PAGE);
	if (!frame || !frame->bytes) {
		perror("fuzz");
		abort();
	}
	return frame;
}

static void frame_free(struct fuzz_frame *frame)
{
	free(frame->bytes);
	free(frame);
}

/* Somebody may have the frame pinned, so it lives until the run is over. */
static void retire(struct fuzz_page *page)
{
	if (page->frame && nr_old_frames < OLD_FRAMES_MAX)
		old_frames[nr_old_frames++] = page->frame;
	page->frame = NULL;
}

bool fuzz_memory_has_room(unsigned int npages)
{
	return nr_old_frames + npages <= OLD_FRAMES_MAX;
}

void fuzz_memory_renew(struct fuzz_page *page, bool mapped)
{
	retire(page);
	page->mapped = mapped;
	if (mapped)
		page->frame = frame_alloc();
}

static __u64 arena_base(void)
{
	return sources[FUZZ_NOWHERE].va - layout[FUZZ_NOWHERE].offset;
}

__u64 fuzz_memory_aside(void)
{
	return arena_base() + ASIDE;
}

static int arena_alloc(void)
{
	void *va = mmap(NULL, ARENA_BYTES, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	__u64 base;
	int i;

	if (va == MAP_FAILED)
		return -errno;
	base = ((uintptr_t)va + SZ_2M - 1) & ~(SZ_2M - 1);
	for (i = 0; i < FUZZ_SOURCES; i++)
		sources[i].va = base + layout[i].offset;
	return 0;
}

static int place(unsigned int source, void *from, size_t from_length,
		 size_t length)
{
	void *va = mremap(from, from_length, length,
			  MREMAP_MAYMOVE | MREMAP_FIXED,
			  (void *)sources[source].va);

	return va == MAP_FAILED ? -errno : 0;
}

static void add_pages(unsigned int source, unsigned int npages)
{
	sources[source].npages = npages;
	sources[source].pages = &all_pages[nr_pages];
	nr_pages += npages;
}

static void describe(unsigned int source, unsigned int npages, bool small)
{
	unsigned int i;

	add_pages(source, npages);
	for (i = 0; i < npages; i++) {
		struct fuzz_page *page = &sources[source].pages[i];
		char *va = (char *)sources[source].va + i * FUZZ_PAGE;

		page->mapped = true;
		page->readable = true;
		page->writable = true;
		page->small = small;
		page->frame = frame_alloc();
		fuzz_memory_pattern(page->frame->bytes, FUZZ_PAGE,
				    source * 1000 + i);
		memcpy(va, page->frame->bytes, FUZZ_PAGE);
	}
}

static int make(unsigned int source, unsigned int npages)
{
	size_t length = npages * FUZZ_PAGE;
	void *va;
	int ret;

	ret = memory_alloc(layout[source].kind, length, &va);
	if (!ret)
		ret = place(source, va, length, length);
	if (!ret)
		describe(source, npages, npages * FUZZ_PAGE < SZ_2M);
	return ret;
}

/* A shared mapping can be seen at two places, with the same frames. */
static int make_alias(void)
{
	unsigned int npages = sources[FUZZ_SHARED].npages;
	unsigned int i;
	int ret;

	ret = place(FUZZ_ALIAS, (void *)sources[FUZZ_SHARED].va, 0,
		    npages * FUZZ_PAGE);
	if (ret)
		return ret;
	add_pages(FUZZ_ALIAS, npages);
	for (i = 0; i < npages; i++)
		sources[FUZZ_ALIAS].pages[i] = sources[FUZZ_SHARED].pages[i];
	return 0;
}

int fuzz_memory_place(unsigned int source, int fd, unsigned int npages,
		      bool writable)
{
	char *va = (char *)sources[source].va;
	unsigned int i;

	if (mmap(va, npages * FUZZ_PAGE,
		 writable ? PROT_READ | PROT_WRITE : PROT_READ,
		 MAP_SHARED | MAP_FIXED, fd, 0) != va)
		return -errno;
	if (!sources[source].pages)
		add_pages(source, npages);
	for (i = 0; i < npages; i++) {
		struct fuzz_page *page = &sources[source].pages[i];

		fuzz_memory_renew(page, true);
		page->readable = true;
		page->writable = writable;
		page->small = npages * FUZZ_PAGE < SZ_2M;
	}
	return 0;
}

static int make_read_only(void)
{
	unsigned int i;
	int ret;

	ret = make(FUZZ_READ_ONLY, layout[FUZZ_READ_ONLY].npages);
	if (ret)
		return ret;
	for (i = 0; i < sources[FUZZ_READ_ONLY].npages; i++)
		sources[FUZZ_READ_ONLY].pages[i].writable = false;
	if (mprotect((void *)sources[FUZZ_READ_ONLY].va,
		     sources[FUZZ_READ_ONLY].npages * FUZZ_PAGE, PROT_READ))
		return -errno;
	return 0;
}

int fuzz_memory_init(void)
{
	int ret = arena_alloc();

	if (!ret)
		ret = make(FUZZ_SMALL, layout[FUZZ_SMALL].npages);
	if (!ret)
		ret = make(FUZZ_SHARED, layout[FUZZ_SHARED].npages);
	if (!ret)
		ret = make_read_only();
	if (!ret)
		ret = make(FUZZ_VOLATILE, layout[FUZZ_VOLATILE].npages);
	if (!ret)
		ret = make_alias();
	/* To whoever pins, a BAR is as good as nothing. */
	if (!ret)
		add_pages(FUZZ_BAR, layout[FUZZ_BAR].npages);
	if (!ret)
		ret = make(FUZZ_THP, layout[FUZZ_THP].npages);
	if (!ret) {
		/* The pool may be empty. */
		ret = make(FUZZ_HUGETLB, SZ_2M / FUZZ_PAGE);
		if (ret == -ENOTSUP || ret == -ENOMEM)
			ret = 0;
	}
	return ret;
}

__u64 fuzz_memory_va(unsigned int source)
{
	return sources[source].va;
}

unsigned int fuzz_memory_pages(unsigned int source)
{
	return sources[source].npages;
}

struct fuzz_page *fuzz_memory_page(__u64 va)
{
	int i;

	if (va < arena_base())
		return NULL;
	for (i = 0; i < FUZZ_SOURCES; i++) {
		__u64 page = (va - sources[i].va) / FUZZ_PAGE;

		if (va >= sources[i].va && page < sources[i].npages)
			return &sources[i].pages[page];
	}
	return NULL;
}

unsigned int fuzz_memory_number(const struct fuzz_page *page)
{
	return page - all_pages;
}

/* Cut a range to the volatile pages; returns the first page, or NULL. */
static struct fuzz_page *volatile_range(__u64 offset, __u64 *npages, void **va)
{
	__u64 first = offset / FUZZ_PAGE;

	if (first >= VOLATILE_PAGES)
		return NULL;
	if (*npages > VOLATILE_PAGES - first)
		*npages = VOLATILE_PAGES - first;
	if (!*npages)
		return NULL;
	*va = (char *)sources[FUZZ_VOLATILE].va + first * FUZZ_PAGE;
	return &sources[FUZZ_VOLATILE].pages[first];
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

static void *remap(void *va, __u64 npages, int rights)
{
	return mmap(va, npages * FUZZ_PAGE, rights,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
		    (rights ? 0 : MAP_NORESERVE), -1, 0);
}

void fuzz_memory_fence(__u64 va, __u64 npages)
{
	void *at = (void *)va;

	must(remap(at, npages, PROT_NONE) == at, "mmap");
}

void fuzz_memory_munmap(__u64 offset, __u64 npages)
{
	struct fuzz_page *page;
	void *va;
	__u64 i;

	page = volatile_range(offset, &npages, &va);
	if (!page)
		return;
	fuzz_memory_fence((uintptr_t)va, npages);
	for (i = 0; i < npages; i++) {
		retire(&page[i]);
		page[i].mapped = false;
	}
}

void fuzz_memory_mmap(__u64 offset, __u64 npages, __u64 seed)
{
	struct fuzz_page *page;
	void *va;
	__u64 i;

	page = volatile_range(offset, &npages, &va);
	if (!page || !fuzz_memory_has_room(npages))
		return;
	must(remap(va, npages, PROT_READ | PROT_WRITE) == va, "mmap");
	must(!madvise(va, npages * FUZZ_PAGE, MADV_NOHUGEPAGE), "madvise");
	for (i = 0; i < npages; i++) {
		retire(&page[i]);
		page[i].frame = frame_alloc();
		page[i].mapped = true;
		page[i].readable = true;
		page[i].writable = true;
		fuzz_memory_pattern(page[i].frame->bytes, FUZZ_PAGE, seed + i);
		memcpy((char *)va + i * FUZZ_PAGE, page[i].frame->bytes,
		       FUZZ_PAGE);
	}
}

/* @rights: 0 none, 1 to read, 2 to read and write */
void fuzz_memory_protect(__u64 offset, __u64 npages, unsigned int rights)
{
	static const int bits[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	struct fuzz_page *page;
	void *va;
	__u64 i;

	page = volatile_range(offset, &npages, &va);
	for (i = 0; page && i < npages; i++) {
		if (!page[i].mapped)
			continue;
		must(!mprotect((char *)va + i * FUZZ_PAGE, FUZZ_PAGE,
			       bits[rights % 3]), "mprotect");
		page[i].readable = rights % 3 > 0;
		page[i].writable = rights % 3 > 1;
	}
}

/* The process gets new pages; whoever pinned the old ones keeps those. */
void fuzz_memory_discard(__u64 offset, __u64 npages)
{
	struct fuzz_page *page;
	void *va;
	__u64 i;

	page = volatile_range(offset, &npages, &va);
	if (!page || !fuzz_memory_has_room(npages))
		return;
	for (i = 0; i < npages; i++) {
		if (!page[i].mapped)
			continue;
		must(!madvise((char *)va + i * FUZZ_PAGE, FUZZ_PAGE,
			      MADV_DONTNEED), "madvise");
		retire(&page[i]);
		page[i].frame = frame_alloc();
	}
}

void fuzz_memory_write(unsigned int source, __u64 offset, __u64 length,
		       __u64 seed)
{
	__u64 i, size = sources[source].npages * FUZZ_PAGE;

	for (i = offset; i < size && i - offset < length; i++) {
		struct fuzz_page *page = &sources[source].pages[i / FUZZ_PAGE];
		unsigned char byte = (seed + i) * 37 >> 3;

		if (!page->mapped || !page->writable)
			continue;
		((unsigned char *)sources[source].va)[i] = byte;
		page->frame->bytes[i % FUZZ_PAGE] = byte;
	}
}

/* Nothing is in the way of looking at what a frame has come to hold. */
static void learn(struct fuzz_page *page, const char *va)
{
	if (!page->frame)
		return;
	if (page->frame->unknown)
		memcpy(page->frame->bytes, va, FUZZ_PAGE);
	page->frame->unknown = false;
	page->frame->pins = 0;
}

void fuzz_memory_reset(void)
{
	unsigned int i, j;

	while (nr_old_frames)
		frame_free(old_frames[--nr_old_frames]);
	fuzz_memory_mmap(0, VOLATILE_PAGES, 5);
	for (i = 0; i < FUZZ_SOURCES; i++)
		for (j = 0; j < sources[i].npages; j++)
			learn(&sources[i].pages[j],
			      (char *)sources[i].va + j * FUZZ_PAGE);
}

/* Large sources take long, so each look is at another part of them. */
#define LOOKS	16

const char *fuzz_memory_check(void)
{
	static unsigned int turn;
	static char report[96];
	unsigned int i, j;

	turn++;
	for (i = 0; i < FUZZ_SOURCES; i++) {
		unsigned int step = i < FUZZ_THP ? 1 : LOOKS;

		for (j = turn % step; j < sources[i].npages; j += step) {
			struct fuzz_page *page = &sources[i].pages[j];
			char *va = (char *)sources[i].va + j * FUZZ_PAGE;

			if (!page->mapped || !page->readable ||
			    page->frame->unknown ||
			    !memcmp(va, page->frame->bytes, FUZZ_PAGE))
				continue;
			snprintf(report, sizeof(report),
				 "page %u of memory %u has other bytes", j, i);
			return report;
		}
	}
	return NULL;
}

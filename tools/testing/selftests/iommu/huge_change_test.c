// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Memory that huge page table entries mapped until a moment ago. Neighbours of
 * one huge page belong to something else, or are about to: they are replaced,
 * shared with a child, or change all the time. Each test looks at every page
 * from the side of the device: by DMA, or into the page table of the mock IOMMU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "lib/huge_fixture.h"
#include "lib/process.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* A page of two huge ones is not what it was any more, or none of them is. */

static char *fresh_page(struct huge *huge, char *va)
{
	char *page = mmap(va, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | (va ? MAP_FIXED : 0),
			  -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	huge_mark(huge, page, 0);
	return page;
}

static char *replace_page(struct huge *huge, char *va, __u64 page)
{
	return fresh_page(huge, va + page * PAGE_SIZE) ? va : NULL;
}

static char *replace_by_file(struct huge *huge, char *va, __u64 page)
{
	int fd = memfd_create("huge", MFD_CLOEXEC);
	char *to = va + page * PAGE_SIZE;

	(void)huge;
	if (fd < 0 || ftruncate(fd, PAGE_SIZE) ||
	    mmap(to, PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE, fd, 0) != to)
		return NULL;
	close(fd);
	return va;
}

static char *move_page_in(struct huge *huge, char *va, __u64 page)
{
	char *to = va + page * PAGE_SIZE;
	char *from = fresh_page(huge, NULL);

	if (!from || mremap(from, PAGE_SIZE, PAGE_SIZE,
			    MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		return NULL;
	return va;
}

static char *move_page_out(struct huge *huge, char *va, __u64 page)
{
	char *to = fresh_page(huge, NULL);

	if (!to || mremap(va + page * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE,
			  MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		return NULL;
	return replace_page(huge, va, page);
}

/* Two pages change places, and are still of one folio. */
static char *exchange_pages(struct huge *huge, char *va, __u64 page)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	char *one = va + page * PAGE_SIZE, *other = va + 200 * PAGE_SIZE;
	char *between = fresh_page(huge, NULL);

	if (!between ||
	    mremap(one, PAGE_SIZE, PAGE_SIZE, flags, between) != between ||
	    mremap(other, PAGE_SIZE, PAGE_SIZE, flags, one) != one ||
	    mremap(between, PAGE_SIZE, PAGE_SIZE, flags, other) != other)
		return NULL;
	return va;
}

static char *drop_page(struct huge *huge, char *va, __u64 page)
{
	(void)huge;
	return madvise(va + page * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED) ? NULL :
									  va;
}

/* Only the entry is split; the folio is as before. */
static char *split_entry(struct huge *huge, char *va, __u64 page)
{
	char *at = va + page * PAGE_SIZE;

	(void)huge;
	if (mprotect(at, PAGE_SIZE, PROT_READ) ||
	    mprotect(at, PAGE_SIZE, PROT_READ | PROT_WRITE))
		return NULL;
	return va;
}

static char *exchange_blocks(struct huge *huge, char *va, __u64 page)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	char *between;

	(void)page;
	if (memory_alloc(MEMORY_THP, SZ_2M, (void **)&between))
		return NULL;
	huge_mark_all(huge, between, HUGE_PAGES);
	if (mremap(va, SZ_2M, SZ_2M, flags, between) != between ||
	    mremap(va + SZ_2M, SZ_2M, SZ_2M, flags, va) != va ||
	    mremap(between, SZ_2M, SZ_2M, flags, va + SZ_2M) != va + SZ_2M)
		return NULL;
	return va;
}

/* To where no huge entry can map it; one huge page lies in two blocks. */
static char *move_askew(struct huge *huge, char *va, __u64 page)
{
	char *to;

	(void)huge;
	if (memory_alloc(MEMORY_SMALL_PAGES, 4 * SZ_2M, (void **)&to))
		return NULL;
	to += (page ? page : 1) * PAGE_SIZE;
	if (mremap(va, 2 * SZ_2M, 2 * SZ_2M, MREMAP_MAYMOVE | MREMAP_FIXED,
		   to) != to)
		return NULL;
	return to;
}

static const struct change {
	const char *name;
	char *(*apply)(struct huge *huge, char *va, __u64 page);
} changes[] = {
	{ "another page", replace_page },
	{ "page of a file", replace_by_file },
	{ "page moved in", move_page_in },
	{ "page moved out", move_page_out },
	{ "pages exchanged", exchange_pages },
	{ "page dropped", drop_page },
	{ "entry split", split_entry },
	{ "blocks exchanged", exchange_blocks },
	{ "moved askew", move_askew },
};

static const __u64 odd_pages[] = { 100, 0, 31, 511, 512 };

static const char *check_change(struct huge *huge, const struct change *change,
				__u64 page, __u32 flags)
{
	const char *wrong;
	char *va;

	if (huge_alloc_marked(huge, MEMORY_THP, 2, &va))
		return huge_say(huge, "no memory");
	va = change->apply(huge, va, page);
	if (!va)
		return huge_say(huge, "no change");
	wrong = huge_check_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA, flags,
			       page);
	/* And from its neighbour on, in both directions. */
	if (!*wrong && page && !huge->has_edu)
		wrong = huge_check_map(huge, va, page, EVEN_IOVA, flags, 0);
	if (!*wrong && !huge->has_edu)
		wrong = huge_check_map(huge, va + (page + 1) * PAGE_SIZE,
				       2 * HUGE_PAGES - page - 1, EVEN_IOVA,
				       flags, 0);
	return wrong;
}

/* Every change, each to @count odd pages. */
static const char *check_changes(struct huge *huge, size_t count, __u32 flags)
{
	const char *wrong;
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		for (n = 0; n < count; n++) {
			size_t k = (i + n) % ARRAY_SIZE(odd_pages);

			wrong = check_change(huge, &changes[i], odd_pages[k],
					     flags);
			if (*wrong)
				return huge_say_where(huge, "%s at %llu",
						      changes[i].name,
						      odd_pages[k]);
			memory_free_all();
		}
	}
	return "";
}

TEST_F(huge, changed_before_the_map)
{
	size_t count = self->huge.has_edu ? 1 : ARRAY_SIZE(odd_pages);

	EXPECT_STREQ("", check_changes(&self->huge, count, MAP_RW));
}

TEST_F(huge, changed_before_a_read_only_map)
{
	EXPECT_STREQ("", check_changes(&self->huge, 1, MAP_READ));
}

/* What is mapped already stays what it is. */
TEST_F(huge, h33_changed_after_the_map)
{
	const struct change *change;
	struct huge *huge = &self->huge;
	__u64 before;
	char *va;

	if (!huge->has_edu)
		SKIP(return, "needs DMA");
	for (change = changes; change < changes + ARRAY_SIZE(changes);
	     change++) {
		ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_THP, 2, &va));
		before = *huge_mark_at(va, 100);
		ASSERT_EQ(0, huge_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA,
				      MAP_RW));
		ASSERT_NE(NULL, change->apply(huge, va, 100));
		EXPECT_EQ(before, huge_mark_by_dma(huge, EVEN_IOVA +
						   100 * PAGE_SIZE)) {
			TH_LOG("%s", change->name);
		}
		EXPECT_STREQ("", huge_check_unmap(huge, EVEN_IOVA,
						  2 * HUGE_PAGES));
		memory_free_all();
	}
}

/* Copy on write */

static const __u64 written[] = { 0, 1, 100, 511, 512, 700, 1023 };

/**
 * struct cow - memory that a child shares until one of the two writes
 * @bell: between the two
 * @va: the memory
 */
struct cow {
	struct doorbell bell;
	char *va;
};

/* Write when told to, and keep the memory until told that it is over. */
static int write_as_child(void *arg)
{
	struct cow *cow = arg;
	size_t i;

	if (child_await(&cow->bell))
		return 1;
	for (i = 0; i < ARRAY_SIZE(written); i++)
		*huge_mark_at(cow->va, written[i]) = 0xc417d;
	child_ring(&cow->bell);
	return child_await(&cow->bell) ? 2 : 0;
}

static int let_child_write(struct cow *cow)
{
	parent_ring(&cow->bell);
	return parent_await(&cow->bell);
}

static void write_as_parent(struct huge *huge, struct cow *cow)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(written); i++)
		huge_mark(huge, cow->va, written[i]);
}

/* When the child writes, and what is mapped when. */
enum cow_order {
	FORK_MAP_PARENT_CHILD,
	FORK_MAP_CHILD_PARENT,
	FORK_CHILD_MAP_PARENT,
	MAP_FORK_PARENT_CHILD,
	MAP_FORK_CHILD_PARENT,
	COW_ORDERS,
};

static int cow_steps(struct huge *huge, struct cow *cow, enum cow_order order,
		     __u32 flags)
{
	int ret = 0;

	if (order == FORK_CHILD_MAP_PARENT)
		ret = let_child_write(cow);
	if (!ret && order <= FORK_CHILD_MAP_PARENT)
		ret = huge_map(huge, cow->va, 2 * HUGE_PAGES, EVEN_IOVA, flags);
	if (!ret && (order == FORK_MAP_CHILD_PARENT ||
		     order == MAP_FORK_CHILD_PARENT))
		ret = let_child_write(cow);
	if (ret)
		return ret;
	write_as_parent(huge, cow);
	if (order == FORK_MAP_PARENT_CHILD || order == MAP_FORK_PARENT_CHILD)
		ret = let_child_write(cow);
	return ret;
}

static const char *check_cow(struct huge *huge, char *va, enum cow_order order,
			     __u32 flags)
{
	struct cow cow = { .va = va };
	const char *wrong = "";
	pid_t pid;
	int ret = 0;

	if (doorbell_init(&cow.bell))
		return huge_say(huge, "no doorbell");
	if (order > FORK_CHILD_MAP_PARENT)
		ret = huge_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA, flags);
	pid = child_start(write_as_child, &cow);
	if (!ret)
		ret = cow_steps(huge, &cow, order, flags);
	wrong = ret ? huge_say(huge, "error %d", ret) :
		      huge_check_shown(huge, va, EVEN_IOVA, 2 * HUGE_PAGES,
				       700);
	parent_ring(&cow.bell);
	ret = child_wait(pid, TIMEOUT_MS);
	if (!*wrong && ret)
		wrong = huge_say(huge, "child: %d", ret);
	/* The same without the child. */
	if (!*wrong)
		wrong = huge_check_shown(huge, va, EVEN_IOVA, 2 * HUGE_PAGES,
					 100);
	doorbell_close(&cow.bell);
	return *wrong ? wrong : huge_check_unmap(huge, EVEN_IOVA,
						 2 * HUGE_PAGES);
}

static const char *check_cow_orders(struct huge *huge, enum memory_kind kind,
				    __u32 flags)
{
	enum cow_order order;
	const char *wrong;
	char *va;

	for (order = 0; order < COW_ORDERS; order++) {
		if (huge_alloc_marked(huge, kind, 2, &va))
			return huge_say(huge, "no memory");
		wrong = check_cow(huge, va, order, flags);
		if (*wrong)
			return huge_say_where(huge, "order %d", order);
		memory_free_all();
	}
	return "";
}

TEST_F(huge, shared_by_fork)
{
	struct huge *huge = &self->huge;

	EXPECT_STREQ("", check_cow_orders(huge, MEMORY_THP, MAP_READ));
	EXPECT_STREQ("", check_cow_orders(huge, MEMORY_THP, MAP_RW));
}

TEST_F(huge, hugetlb_shared_by_fork)
{
	struct huge *huge = &self->huge;

	EXPECT_STREQ("", check_cow_orders(huge, MEMORY_HUGETLB, MAP_READ));
	EXPECT_STREQ("", check_cow_orders(huge, MEMORY_HUGETLB, MAP_RW));
	EXPECT_STREQ("", check_cow_orders(huge, MEMORY_MEMFD_HUGETLB,
					  MAP_READ));
}

/* Changing all the time */

#define RACE_BLOCKS	3
#define RACE_PAGES	(RACE_BLOCKS * HUGE_PAGES)
#define RACE_MS		4000

/**
 * struct storm - what the threads of a race share
 * @huge: where to map
 * @va: the memory that changes
 * @stop: set when it is time to end
 * @odd: an errno that no order of the calls explains, or 0
 * @maps: maps that worked
 * @refused: maps that met a hole
 * @changes: changes of the memory
 */
struct storm {
	struct huge *huge;
	char *va;
	bool stop;
	int odd;
	unsigned long maps;
	unsigned long refused;
	unsigned long changes;
};

/**
 * struct stormer - one of its threads
 * @storm: what it takes part in
 * @run: what it does
 * @seed: of its random numbers
 * @number: tells threads apart
 * @thread: itself
 */
struct stormer {
	struct storm *storm;
	void (*run)(struct stormer *stormer);
	unsigned int seed;
	unsigned int number;
	pthread_t thread;
};

static __u64 pick(struct stormer *stormer, __u64 count)
{
	return rand_r(&stormer->seed) % count;
}

static char *pick_page(struct stormer *stormer)
{
	return stormer->storm->va + pick(stormer, RACE_PAGES) * PAGE_SIZE;
}

static char *pick_block(struct stormer *stormer)
{
	return stormer->storm->va + pick(stormer, RACE_BLOCKS) * SZ_2M;
}

/* Each thread maps at an IOVA of its own, and so has nobody in its way. */
static void map_and_unmap(struct stormer *stormer)
{
	struct storm *storm = stormer->storm;
	__u64 iova = EVEN_IOVA + stormer->number * 4 * SZ_2M;
	__u64 first = pick(stormer, 2) ? pick(stormer, RACE_PAGES - 100) :
					 pick(stormer,
					      RACE_BLOCKS) * HUGE_PAGES;
	__u64 count = 32 + pick(stormer, 68);
	__u32 flags = pick(stormer, 3) ? MAP_RW : MAP_READ;
	int ret = huge_map(storm->huge, storm->va + first * PAGE_SIZE, count,
			   iova, flags);

	if (!ret) {
		ret = huge_unmap(storm->huge, iova, count);
		storm->maps++;
	} else if (ret == -EFAULT || ret == -ENOMEM) {
		storm->refused++;
		ret = 0;
	}
	if (ret)
		storm->odd = ret;
}

static void exchange_any(struct stormer *stormer, __u64 length)
{
	char *from = length == SZ_2M ? pick_block(stormer) : pick_page(stormer);
	char *to = length == SZ_2M ? pick_block(stormer) : pick_page(stormer);

	if (from == to)
		return;
	if (mremap(from, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
	    MAP_FAILED)
		return;
	/* What was there is gone, and where it was is a hole for a moment. */
	if (mmap(from, length, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != from)
		abort();
	madvise(from, length, MADV_HUGEPAGE);
}

static void renew(char *va, __u64 length)
{
	if (mmap(va, length, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != va)
		abort();
	madvise(va, length, MADV_HUGEPAGE);
}

static void protect_for_a_moment(char *va, __u64 length)
{
	mprotect(va, length, PROT_READ);
	mprotect(va, length, PROT_READ | PROT_WRITE);
}

/* A child that has a copy of it all makes the pages shared for a while. */
static void fork_for_a_moment(struct stormer *stormer)
{
	char *at = pick_page(stormer);
	pid_t pid = fork();

	if (!pid) {
		/* Another thread may just have a hole there. */
		madvise(at, PAGE_SIZE, MADV_POPULATE_WRITE);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void change_memory(struct stormer *stormer)
{
	/* What is done to whole blocks takes long. */
	switch (pick(stormer, 24)) {
	default:
		renew(pick_page(stormer), PAGE_SIZE);
		break;
	case 1:
		renew(pick_block(stormer), SZ_2M);
		break;
	case 2:
	case 12 ... 15:
		madvise(pick_page(stormer), PAGE_SIZE, MADV_DONTNEED);
		break;
	case 3:
		madvise(pick_block(stormer), SZ_2M, MADV_DONTNEED);
		break;
	case 4:
	case 16 ... 19:
		protect_for_a_moment(pick_page(stormer), PAGE_SIZE);
		break;
	case 5:
		protect_for_a_moment(pick_block(stormer), SZ_2M);
		break;
	case 6:
		exchange_any(stormer, PAGE_SIZE);
		break;
	case 7:
		exchange_any(stormer, SZ_2M);
		break;
	case 8:
		madvise(pick_block(stormer), SZ_2M, MADV_COLLAPSE);
		break;
	case 9:
		madvise(pick_page(stormer), PAGE_SIZE, MADV_POPULATE_WRITE);
		break;
	case 10:
		madvise(pick_block(stormer), SZ_2M, MADV_POPULATE_READ);
		break;
	case 11:
		fork_for_a_moment(stormer);
		break;
	}
	stormer->storm->changes++;
}

static void *take_part(void *arg)
{
	struct stormer *stormer = arg;
	struct storm *storm = stormer->storm;

	while (!__atomic_load_n(&storm->stop, __ATOMIC_RELAXED) && !storm->odd)
		stormer->run(stormer);
	return NULL;
}

static int run_storm(struct storm *storm, unsigned int ms)
{
	static void (* const runs[])(struct stormer *stormer) = {
		map_and_unmap, change_memory, map_and_unmap, change_memory,
	};
	struct stormer stormers[ARRAY_SIZE(runs)];
	size_t i, started;

	for (started = 0; started < ARRAY_SIZE(runs); started++) {
		struct stormer *stormer = &stormers[started];

		*stormer = (struct stormer){
			.storm = storm,
			.run = runs[started],
			.seed = now_ms() + started,
			.number = started,
		};
		if (pthread_create(&stormer->thread, NULL, take_part, stormer))
			break;
	}
	if (started == ARRAY_SIZE(runs))
		usleep(ms * 1000);
	__atomic_store_n(&storm->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < started; i++)
		pthread_join(stormers[i].thread, NULL);
	return started == ARRAY_SIZE(runs) ? storm->odd : -EAGAIN;
}

TEST_F(huge, h33_changed_during_the_map)
{
	struct huge *huge = &self->huge;
	struct storm storm = { .huge = huge };

	ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_THP, RACE_BLOCKS,
				       &storm.va));
	EXPECT_EQ(0, run_storm(&storm, RACE_MS));
	TH_LOG("%lu maps, %lu refused, %lu changes", storm.maps, storm.refused,
	       storm.changes);
	EXPECT_NE(0, storm.maps);
	EXPECT_STREQ("", huge_check_pins(huge, 0));
	/* After all that it works as ever. */
	renew(storm.va, RACE_BLOCKS * SZ_2M);
	huge_mark_all(huge, storm.va, RACE_PAGES);
	EXPECT_STREQ("", huge_check_map(huge, storm.va, RACE_PAGES, EVEN_IOVA,
					MAP_RW, 700));
}

TEST_HARNESS_MAIN

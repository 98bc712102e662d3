// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Memory that huge page table entries map, or did so until a moment ago. Such an
 * entry is pinned all at once, which is right only for what it really maps. So
 * each test has memory where neighbours of one huge page belong to something
 * else, or are about to, and then looks at every page from the side of the
 * device: by DMA, or into the page table of the mock IOMMU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/userfaultfd.h>

#include "lib/faults.h"
#include "lib/harness.h"
#include "lib/mock.h"
#include "lib/process.h"
#include "lib/rig.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define HUGE_PAGES	512ULL		/* small pages in a huge one */

/* Where large IOPTEs fit. */
#define EVEN_IOVA	(2 * RIG_IOVA)
#define SCRATCH_IOVA	RIG_IOVA

#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define GIGANTIC	"/sys/kernel/mm/hugepages/hugepages-1048576kB/"

/* What a transfer moves; it takes the device 100 ms, however little it is. */
#define CHUNK		64

/**
 * struct huge - an IOAS with one device or two
 * @baseline: taken before anything else
 * @fd: the iommufd
 * @ioas_id: what the devices are attached to
 * @mock: a device of the mock IOMMU, if @has_mock
 * @edu: a device that does DMA, if @has_edu
 * @has_mock: see @mock
 * @has_edu: see @edu
 * @scratch: a page at SCRATCH_IOVA
 * @marks: how many marks were set so far
 * @pins: page pins when none of the tested memory is mapped
 * @report: what check_map() and others have to say
 */
struct huge {
	struct baseline baseline;
	int fd;
	__u32 ioas_id;
	struct mock_device mock;
	struct edu edu;
	bool has_mock;
	bool has_edu;
	char *scratch;
	__u64 marks;
	__u64 pins;
	char report[256];
};

static __u64 pins_now(void)
{
	struct usage usage;

	usage_read(&usage);
	return usage.pins;
}

static int plug_in(struct huge *huge)
{
	int ret = 0;

	if (huge->has_mock)
		ret = mock_exists(huge->fd) ?
		      mock_plug(huge->fd, huge->ioas_id, &huge->mock) : -ENODEV;
	if (ret || !huge->has_edu)
		return ret;
	ret = edu_open(&huge->edu, 0);
	if (!ret)
		ret = edu_bind(&huge->edu, huge->fd);
	if (!ret)
		ret = edu_start(&huge->edu);
	return ret ? ret : edu_attach_ioas(&huge->edu, huge->ioas_id);
}

/* -ENOTSUP without huge pages of both kinds */
static int try_memory(void)
{
	void *va;
	int ret;

	ret = memory_alloc(MEMORY_THP, SZ_2M, &va);
	if (!ret)
		ret = memory_alloc(MEMORY_HUGETLB, SZ_2M, &va);
	memory_free_all();
	return ret;
}

static int huge_create(struct huge *huge, bool with_mock, bool with_edu)
{
	int ret = try_memory();

	if (ret)
		return ret;

	memset(huge, 0, sizeof(*huge));
	huge->edu.vfio.fd = -1;
	baseline_take(&huge->baseline);
	huge->has_mock = with_mock;
	huge->has_edu = with_edu;
	huge->fd = iommufd_open();
	if (huge->fd < 0)
		return huge->fd;
	huge->scratch = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (huge->scratch == MAP_FAILED)
		return -ENOMEM;
	ret = ioas_alloc(huge->fd, &huge->ioas_id);
	if (!ret)
		ret = plug_in(huge);
	if (!ret)
		ret = ioas_map_fixed(huge->fd, huge->ioas_id, huge->scratch,
				     PAGE_SIZE, SCRATCH_IOVA);
	huge->pins = pins_now();
	return ret;
}

static const char *huge_destroy(struct huge *huge)
{
	edu_close(&huge->edu);
	close(huge->fd);
	memory_free_all();
	return baseline_check(&huge->baseline);
}

/* The beginning of each page says which one it is. */

static __u64 *mark_at(char *va, __u64 page)
{
	return (__u64 *)(va + page * PAGE_SIZE);
}

static void mark(struct huge *huge, char *va, __u64 page)
{
	*mark_at(va, page) = 0x6d61726b00000000ULL + ++huge->marks;
}

static void mark_all(struct huge *huge, char *va, __u64 count)
{
	__u64 page;

	for (page = 0; page < count; page++)
		mark(huge, va, page);
}

static int alloc_marked(struct huge *huge, enum memory_kind kind, __u64 blocks,
			char **va)
{
	int ret = memory_alloc(kind, blocks * SZ_2M, (void **)va);

	if (!ret)
		mark_all(huge, *va, blocks * HUGE_PAGES);
	return ret;
}

/* Nobody has ever touched it. */
static int alloc_fresh(enum memory_kind kind, __u64 blocks, char **va)
{
	int ret = memory_alloc(kind, blocks * SZ_2M, (void **)va);

	if (!ret && madvise(*va, blocks * SZ_2M, MADV_DONTNEED))
		return -errno;
	return ret;
}

/* Looking from the side of the device */

static const char *say(struct huge *huge, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(huge->report, sizeof(huge->report), format, args);
	va_end(args);
	return huge->report;
}

/* Add where that was to what say() has said. */
static const char *say_where(struct huge *huge, const char *format, ...)
{
	size_t used = strlen(huge->report);
	va_list args;

	used += snprintf(huge->report + used, sizeof(huge->report) - used,
			 "; ");
	va_start(args, format);
	vsnprintf(huge->report + used, sizeof(huge->report) - used, format,
		  args);
	va_end(args);
	return huge->report;
}

/* What the device finds at an IOVA; 0 if it cannot be asked. */
static __u64 mark_by_dma(struct huge *huge, __u64 iova)
{
	memset(huge->scratch, 0, CHUNK);
	if (edu_dma_copy(&huge->edu, iova, SCRATCH_IOVA, CHUNK))
		return 0;
	return *mark_at(huge->scratch, 0);
}

static bool shows_by_dma(struct huge *huge, char *va, __u64 iova, __u64 page)
{
	return mark_by_dma(huge, iova + page * PAGE_SIZE) == *mark_at(va, page);
}

static bool shows_by_table(struct huge *huge, char *va, __u64 iova, __u64 page,
			   __u64 count)
{
	return !mock_check_map(huge->fd, huge->mock.hwpt_id,
			       iova + page * PAGE_SIZE, count * PAGE_SIZE,
			       va + page * PAGE_SIZE);
}

/*
 * Does the device reach what the process has? Asked by DMA for page @odd and, if
 * that is all there is, for the end, in the page table for all. Returns the first
 * page where it does not, or -1.
 */
static long wrong_page(struct huge *huge, char *va, __u64 iova, __u64 count,
		       __u64 odd)
{
	const __u64 places[] = { odd, count - 1 };
	size_t nplaces = huge->has_mock ? 1 : ARRAY_SIZE(places);
	__u64 page;
	size_t i;

	if (huge->has_mock && !shows_by_table(huge, va, iova, 0, count))
		for (page = 0; page < count; page++)
			if (!shows_by_table(huge, va, iova, page, 1))
				return page;
	for (i = 0; huge->has_edu && i < nplaces; i++)
		if (places[i] < count &&
		    !shows_by_dma(huge, va, iova, places[i]))
			return places[i];
	return -1;
}

static int map(struct huge *huge, char *va, __u64 count, __u64 iova,
	       __u32 flags)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | flags,
		.ioas_id = huge->ioas_id,
		.user_va = va_to_u64(va),
		.length = count * PAGE_SIZE,
		.iova = iova,
	};

	return ioas_map(huge->fd, &map);
}

static int unmap(struct huge *huge, __u64 iova, __u64 count)
{
	return ioas_unmap(huge->fd, huge->ioas_id, iova, count * PAGE_SIZE,
			  NULL);
}

/* Each page is pinned once, and paid for. */
static const char *check_pins(struct huge *huge, __u64 count)
{
	__u64 kib = (count + 1) * PAGE_SIZE / 1024;
	__u64 pins = pins_now() - huge->pins;

	if (pins != count)
		return say(huge, "%lld pins for %lld pages", pins, count);
	if (status_kib("VmPin:") != kib)
		return say(huge, "VmPin %lld KiB, not %lld",
			   status_kib("VmPin:"), kib);
	return "";
}

static const char *check_shown(struct huge *huge, char *va, __u64 iova,
			       __u64 count, __u64 odd)
{
	long page = wrong_page(huge, va, iova, count, odd);

	if (page >= 0)
		return say(huge, "page %ld is another one", page);
	return check_pins(huge, count);
}

static const char *check_unmap(struct huge *huge, __u64 iova, __u64 count)
{
	int ret = unmap(huge, iova, count);

	if (ret)
		return say(huge, "unmap: %d", ret);
	return check_pins(huge, 0);
}

/* Map, look, and unmap; page @odd is where something special is. */
static const char *check_map(struct huge *huge, char *va, __u64 count,
			     __u64 iova, __u32 flags, __u64 odd)
{
	const char *wrong;
	int ret = map(huge, va, count, iova, flags);

	if (ret)
		return say(huge, "map: %d", ret);
	wrong = check_shown(huge, va, iova, count, odd);
	return *wrong ? wrong : check_unmap(huge, iova, count);
}

/* A map that has to fail leaves nothing. */
static const char *check_refused(struct huge *huge, char *va, __u64 count,
				 int error)
{
	int ret = map(huge, va, count, EVEN_IOVA, MAP_RW);

	if (ret != error)
		return say(huge, "map: %d", ret);
	return check_pins(huge, 0);
}

FIXTURE(huge)
{
	struct huge huge;
};

FIXTURE_VARIANT(huge)
{
	bool with_mock;
	bool with_edu;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(huge, mock) { .with_mock = true };
FIXTURE_VARIANT_ADD(huge, dma) { .with_edu = true };
FIXTURE_VARIANT_ADD(huge, both) { .with_mock = true, .with_edu = true };
/* clang-format on */

FIXTURE_SETUP(huge)
{
	int ret = huge_create(&self->huge, variant->with_mock,
			      variant->with_edu);

	if (ret == -ENODEV)
		SKIP(return, "no such device");
	if (ret == -ENOTSUP)
		SKIP(return, "no huge pages");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(huge)
{
	EXPECT_STREQ("", huge_destroy(&self->huge));
}

/* Maps that begin and end anywhere in huge pages */

static const __u64 edges[] = {
	0, 1, 31, 32, 33, 479, 480, 481, 510, 511, 512, 513, 543, 544, 992,
	1023, 1024,
};

static const __u64 lengths[] = {
	1, 2, 31, 32, 33, 64, 511, 512, 513, 1024, 1200,
};

/* All of them would take too long, and with DMA much too long. */
static bool is_sample(const struct huge *huge, unsigned int number)
{
	return number % (huge->has_edu ? 29 : 4) == 3;
}

/* On the way over @count pages, everything that the tables above can ask for. */
static const char *check_edges(struct huge *huge, char *va, __u64 count,
			       __u32 flags)
{
	unsigned int number = 0;
	const char *wrong;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (k = 0; k < ARRAY_SIZE(lengths); k++) {
			__u64 skew = number % 3 ? edges[i] % HUGE_PAGES : 7;

			if (edges[i] + lengths[k] > count ||
			    !is_sample(huge, number++))
				continue;
			wrong = check_map(huge, va + edges[i] * PAGE_SIZE,
					  lengths[k],
					  EVEN_IOVA + skew * PAGE_SIZE, flags,
					  lengths[k] / 2);
			if (*wrong)
				return say_where(huge, "%llu pages from %llu",
						 lengths[k], edges[i]);
		}
	}
	return "";
}

TEST_F(huge, edges_of_thp_and_small_pages)
{
	struct huge *huge = &self->huge;
	char *va;

	ASSERT_EQ(0, alloc_marked(huge, MEMORY_THP, 3, &va));
	/* The last third becomes small pages. */
	ASSERT_EQ(0, madvise(va + 2 * SZ_2M, SZ_2M, MADV_NOHUGEPAGE));
	ASSERT_EQ(0, madvise(va + 2 * SZ_2M, SZ_2M, MADV_DONTNEED));
	mark_all(huge, va + 2 * SZ_2M, HUGE_PAGES);
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_READ));
}

TEST_F(huge, edges_of_hugetlb)
{
	struct huge *huge = &self->huge;
	char *va;

	ASSERT_EQ(0, alloc_marked(huge, MEMORY_HUGETLB, 3, &va));
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
}

TEST_F(huge, edges_of_shared_hugetlb)
{
	struct huge *huge = &self->huge;
	char *va;

	ASSERT_EQ(0, alloc_marked(huge, MEMORY_MEMFD_HUGETLB, 3, &va));
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_READ));
}

/* Huge pages of shared memory, where a setting of the system allows them. */
static int alloc_shared_thp(struct huge *huge, __u64 blocks, char **va)
{
	int prot = PROT_READ | PROT_WRITE;
	int ret = memory_alloc(MEMORY_SHARED, blocks * SZ_2M, (void **)va);

	if (ret || file_write(THP "shmem_enabled", "advise"))
		return ret ? ret : -ENOTSUP;
	if (mmap(*va, blocks * SZ_2M, prot,
		 MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, -1, 0) != *va ||
	    madvise(*va, blocks * SZ_2M, MADV_HUGEPAGE))
		return -errno;
	mark_all(huge, *va, blocks * HUGE_PAGES);
	file_write(THP "shmem_enabled", "never");
	if (file_number("/proc/self/smaps_rollup", "ShmemPmdMapped:") <
	    blocks * SZ_2M / 1024)
		return -ENOTSUP;
	return 0;
}

TEST_F(huge, edges_of_shared_thp)
{
	struct huge *huge = &self->huge;
	char *va;
	int ret;

	ret = alloc_shared_thp(huge, 3, &va);
	if (ret == -ENOTSUP)
		SKIP(return, "no shared huge pages");
	ASSERT_EQ(0, ret);
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
	/* One page is cut out of the file, and comes back as another one. */
	ASSERT_EQ(0, madvise(va + 100 * PAGE_SIZE, PAGE_SIZE, MADV_REMOVE));
	mark(huge, va, 100);
	EXPECT_STREQ("", check_map(huge, va, 3 * HUGE_PAGES, EVEN_IOVA, MAP_RW,
				   100));
}

/* A page of two huge ones is not what it was any more, or none of them is. */

static char *fresh_page(struct huge *huge, char *va)
{
	char *page = mmap(va, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | (va ? MAP_FIXED : 0),
			  -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	mark(huge, page, 0);
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
	mark_all(huge, between, HUGE_PAGES);
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

	if (alloc_marked(huge, MEMORY_THP, 2, &va))
		return say(huge, "no memory");
	va = change->apply(huge, va, page);
	if (!va)
		return say(huge, "no change");
	wrong = check_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA, flags, page);
	/* And from its neighbour on, in both directions. */
	if (!*wrong && page && !huge->has_edu)
		wrong = check_map(huge, va, page, EVEN_IOVA, flags, 0);
	if (!*wrong && !huge->has_edu)
		wrong = check_map(huge, va + (page + 1) * PAGE_SIZE,
				  2 * HUGE_PAGES - page - 1, EVEN_IOVA, flags,
				  0);
	return wrong;
}

static const char *check_changes(struct huge *huge, __u32 flags)
{
	size_t count = huge->has_edu ? 1 : ARRAY_SIZE(odd_pages);
	const char *wrong;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		for (k = 0; k < count; k++) {
			wrong = check_change(huge, &changes[i], odd_pages[k],
					     flags);
			if (*wrong)
				return say_where(huge, "%s at %llu",
						 changes[i].name, odd_pages[k]);
			memory_free_all();
		}
	}
	return "";
}

TEST_F(huge, changed_before_the_map)
{
	EXPECT_STREQ("", check_changes(&self->huge, MAP_RW));
}

TEST_F(huge, changed_before_a_read_only_map)
{
	EXPECT_STREQ("", check_changes(&self->huge, MAP_READ));
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
		ASSERT_EQ(0, alloc_marked(huge, MEMORY_THP, 2, &va));
		before = *mark_at(va, 100);
		ASSERT_EQ(0, map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA, MAP_RW));
		ASSERT_NE(NULL, change->apply(huge, va, 100));
		EXPECT_EQ(before, mark_by_dma(huge, EVEN_IOVA +
						      100 * PAGE_SIZE)) {
			TH_LOG("%s", change->name);
		}
		EXPECT_STREQ("", check_unmap(huge, EVEN_IOVA, 2 * HUGE_PAGES));
		memory_free_all();
	}
}

/* A huge page in the middle of which a range of the pool is something else. */
TEST_F(huge, changed_hugetlb)
{
	struct huge *huge = &self->huge;
	char *va, *block;

	ASSERT_EQ(0, alloc_marked(huge, MEMORY_HUGETLB, 3, &va));
	block = va + SZ_2M;
	ASSERT_EQ(block, mmap(block, SZ_2M, PROT_READ | PROT_WRITE,
			      MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	mark_all(huge, block, HUGE_PAGES);
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
}

/* Memory that is not there before the map */

TEST_F(huge, never_touched)
{
	static const enum memory_kind kinds[] = {
		MEMORY_THP, MEMORY_HUGETLB, MEMORY_MEMFD_HUGETLB,
		MEMORY_FILE_PRIVATE,
	};
	static const __u32 rights[] = { MAP_RW, MAP_READ };
	struct huge *huge = &self->huge;
	size_t i, k;
	char *va;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (k = 0; k < ARRAY_SIZE(rights); k++) {
			if (alloc_fresh(kinds[i], 2, &va))
				continue;
			ASSERT_EQ(0, map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA,
					 rights[k]));
			/* Even with no right to write the process can. */
			mark_all(huge, va, 2 * HUGE_PAGES);
			EXPECT_STREQ("", check_shown(huge, va, EVEN_IOVA,
						     2 * HUGE_PAGES, 700)) {
				TH_LOG("kind %d, rights %x", kinds[i],
				       rights[k]);
			}
			EXPECT_STREQ("", check_unmap(huge, EVEN_IOVA,
						     2 * HUGE_PAGES));
			memory_free_all();
		}
	}
}

/* The huge zero page, or that of a file, until the process writes. */
TEST_F(huge, only_read_so_far)
{
	static const enum memory_kind kinds[] = {
		MEMORY_THP, MEMORY_FILE_PRIVATE, MEMORY_HUGETLB,
	};
	struct huge *huge = &self->huge;
	size_t i;
	char *va;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (alloc_fresh(kinds[i], 2, &va))
			continue;
		ASSERT_EQ(0, madvise(va, 2 * SZ_2M, MADV_POPULATE_READ));
		ASSERT_EQ(0, map(huge, va + 5 * PAGE_SIZE, 1000, EVEN_IOVA,
				 MAP_READ));
		mark_all(huge, va, 2 * HUGE_PAGES);
		EXPECT_STREQ("", check_shown(huge, va + 5 * PAGE_SIZE,
					     EVEN_IOVA, 1000, 700)) {
			TH_LOG("kind %d", kinds[i]);
		}
		EXPECT_STREQ("", check_unmap(huge, EVEN_IOVA, 1000));
		memory_free_all();
	}
}

/* Small pages cannot become a huge one while a device has them. */
TEST_F(huge, collapsed)
{
	struct huge *huge = &self->huge;
	char *va;

	ASSERT_EQ(0, alloc_marked(huge, MEMORY_SMALL_PAGES, 2, &va));
	ASSERT_EQ(0, madvise(va, 2 * SZ_2M, MADV_HUGEPAGE));
	ASSERT_EQ(0, map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA, MAP_RW));
	EXPECT_NE(0, madvise(va, 2 * SZ_2M, MADV_COLLAPSE));
	EXPECT_STREQ("", check_shown(huge, va, EVEN_IOVA, 2 * HUGE_PAGES, 9));
	EXPECT_STREQ("", check_unmap(huge, EVEN_IOVA, 2 * HUGE_PAGES));
	if (madvise(va, 2 * SZ_2M, MADV_COLLAPSE))
		SKIP(return, "no collapsing here");
	EXPECT_STREQ("", check_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA, MAP_RW,
				   600));
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
		*mark_at(cow->va, written[i]) = 0xc417d;
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
		mark(huge, cow->va, written[i]);
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
		ret = map(huge, cow->va, 2 * HUGE_PAGES, EVEN_IOVA, flags);
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
		return say(huge, "no doorbell");
	if (order > FORK_CHILD_MAP_PARENT)
		ret = map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA, flags);
	pid = child_start(write_as_child, &cow);
	if (!ret)
		ret = cow_steps(huge, &cow, order, flags);
	wrong = ret ? say(huge, "error %d", ret) :
		      check_shown(huge, va, EVEN_IOVA, 2 * HUGE_PAGES, 700);
	parent_ring(&cow.bell);
	ret = child_wait(pid, TIMEOUT_MS);
	if (!*wrong && ret)
		wrong = say(huge, "child: %d", ret);
	/* The same without the child. */
	if (!*wrong)
		wrong = check_shown(huge, va, EVEN_IOVA, 2 * HUGE_PAGES, 100);
	doorbell_close(&cow.bell);
	return *wrong ? wrong : check_unmap(huge, EVEN_IOVA, 2 * HUGE_PAGES);
}

static const char *check_cow_orders(struct huge *huge, enum memory_kind kind,
				    __u32 flags)
{
	enum cow_order order;
	const char *wrong;
	char *va;

	for (order = 0; order < COW_ORDERS; order++) {
		if (alloc_marked(huge, kind, 2, &va))
			return say(huge, "no memory");
		wrong = check_cow(huge, va, order, flags);
		if (*wrong)
			return say_where(huge, "order %d", order);
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

/* Rights of the process */

TEST_F(huge, protected)
{
	static const enum memory_kind kinds[] = {
		MEMORY_THP, MEMORY_HUGETLB, MEMORY_MEMFD_HUGETLB,
	};
	struct huge *huge = &self->huge;
	size_t i;
	char *va;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (alloc_marked(huge, kinds[i], 2, &va))
			continue;
		/* The second half of it, and all. */
		ASSERT_EQ(0, mprotect(va + SZ_2M, SZ_2M, PROT_READ));
		EXPECT_STREQ("", check_refused(huge, va, 2 * HUGE_PAGES,
					       -EFAULT));
		EXPECT_STREQ("", check_refused(huge, va + 100 * PAGE_SIZE, 413,
					       -EFAULT));
		EXPECT_STREQ("", check_map(huge, va, 512, EVEN_IOVA, MAP_RW,
					   9));
		EXPECT_STREQ("", check_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA,
					   MAP_READ, 700));
		ASSERT_EQ(0, mprotect(va, SZ_2M, PROT_READ));
		EXPECT_STREQ("", check_refused(huge, va, 2 * HUGE_PAGES,
					       -EFAULT));
		EXPECT_STREQ("", check_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA,
					   MAP_READ, 700));
		memory_free_all();
	}
}

TEST_F(huge, protected_in_the_middle)
{
	struct huge *huge = &self->huge;
	static const int rights[] = { PROT_READ, PROT_NONE };
	__u64 page;
	char *va;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		for (page = 99; page < 2 * HUGE_PAGES; page += 413) {
			ASSERT_EQ(0, alloc_marked(huge, MEMORY_THP, 2, &va));
			ASSERT_EQ(0, mprotect(va + page * PAGE_SIZE, PAGE_SIZE,
					      rights[i]));
			EXPECT_STREQ("", check_refused(huge, va, 2 * HUGE_PAGES,
						       -EFAULT));
			EXPECT_STREQ("", check_refused(huge, va, page + 1,
						       -EFAULT));
			EXPECT_STREQ("", check_map(huge, va, page, EVEN_IOVA,
						   MAP_RW, 9));
			memory_free_all();
		}
	}
}

/* A hole behind which the rest of the huge page goes on. */
TEST_F(huge, hole_in_the_middle)
{
	struct huge *huge = &self->huge;
	__u64 page;
	char *va;

	for (page = 0; page < 2 * HUGE_PAGES; page += 341) {
		ASSERT_EQ(0, alloc_marked(huge, MEMORY_THP, 2, &va));
		ASSERT_EQ(0, munmap(va + page * PAGE_SIZE, PAGE_SIZE));
		EXPECT_STREQ("", check_refused(huge, va, 2 * HUGE_PAGES,
					       -EFAULT));
		memory_free_all();
	}
}

/* Write protection that another thread lifts when it is asked to */

static void *lift_protection(void *arg)
{
	int uffd = *(int *)arg;
	struct pollfd pollfd = { .fd = uffd, .events = POLLIN };
	struct uffdio_writeprotect protect = {};
	struct uffd_msg msg;

	while (poll(&pollfd, 1, -1) == 1 &&
	       read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		if (!msg.arg.pagefault.address)
			break;
		protect.range.start = msg.arg.pagefault.address & ~(SZ_2M - 1);
		protect.range.len = SZ_2M;
		ioctl(uffd, UFFDIO_WRITEPROTECT, &protect);
	}
	return NULL;
}

static int uffd_protect(int uffd, char *va, __u64 length, char *at,
			__u64 protected)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	struct uffdio_register range = {
		.range = { va_to_u64(va), length },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect protect = {
		.range = { va_to_u64(at), protected },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	if (ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &range))
		return -ENOTSUP;
	return ioctl(uffd, UFFDIO_WRITEPROTECT, &protect) ? -errno : 0;
}

TEST_F(huge, write_protected_by_userfaultfd)
{
	const __u64 lengths[] = { PAGE_SIZE, SZ_2M };
	struct huge *huge = &self->huge;
	pthread_t thread;
	size_t i;
	int uffd, ret;
	char *va;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, alloc_marked(huge, MEMORY_THP, 2, &va));
		uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
		if (uffd < 0)
			SKIP(return, "no userfaultfd");
		ret = uffd_protect(uffd, va, 2 * SZ_2M, va + i * SZ_2M,
				   lengths[i]);
		if (ret == -ENOTSUP)
			SKIP(return, "no write protection by userfaultfd");
		ASSERT_EQ(0, ret);
		/* Reading does not ask. */
		EXPECT_STREQ("", check_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA,
					   MAP_READ, 700));
		ASSERT_EQ(0, pthread_create(&thread, NULL, lift_protection,
					    &uffd));
		EXPECT_STREQ("", check_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA,
					   MAP_RW, 700));
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		close(uffd);
		memory_free_all();
	}
}

/* Pinned for a process by another one, in whose memory are other pages. */

struct visitor {
	int fd;
	__u32 ioas_id;
	struct mock_device device;
};

static int plug_in_as_visitor(void *arg)
{
	struct visitor *visitor = arg;

	return -mock_plug(visitor->fd, visitor->ioas_id, &visitor->device);
}

TEST_F(huge, pinned_by_another_process)
{
	struct huge *huge = &self->huge;
	struct visitor *visitor;
	char *va;

	if (!huge->has_mock)
		SKIP(return, "needs the mock IOMMU");
	visitor = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)visitor);
	ASSERT_EQ(0, alloc_marked(huge, MEMORY_THP, 2, &va));
	visitor->fd = huge->fd;
	ASSERT_EQ(0, ioas_alloc(huge->fd, &visitor->ioas_id));
	ASSERT_EQ(0, ioas_map_fixed(huge->fd, visitor->ioas_id, va, 2 * SZ_2M,
				    EVEN_IOVA));
	EXPECT_STREQ("", check_pins(huge, 0));
	ASSERT_EQ(0, child_run(plug_in_as_visitor, visitor, TIMEOUT_MS));
	EXPECT_EQ(0, mock_check_map(huge->fd, visitor->device.hwpt_id,
				    EVEN_IOVA, 2 * SZ_2M, va));
	EXPECT_STREQ("", check_pins(huge, 2 * HUGE_PAGES));
	ASSERT_EQ(0, iommufd_destroy(huge->fd, visitor->device.id));
	EXPECT_STREQ("", check_pins(huge, 0));
}

/* The same memory again and again: pins add up, page by page. */
TEST_F(huge, mapped_by_several_ranges)
{
	struct huge *huge = &self->huge;
	__u64 i, pins = 0;
	char *va;

	ASSERT_EQ(0, alloc_marked(huge, MEMORY_THP, 2, &va));
	for (i = 0; i < 6; i++) {
		__u64 first = 90 * i, count = HUGE_PAGES + 64 - 7 * i;

		ASSERT_EQ(0, map(huge, va + first * PAGE_SIZE, count,
				 EVEN_IOVA + i * 2 * SZ_2M, MAP_RW));
		pins += count;
		EXPECT_STREQ("", check_pins(huge, pins));
	}
	if (huge->has_mock) {
		/* Only here are all of the ranges. */
		EXPECT_EQ(0, mock_check_refs(huge->fd,
					     va + 505 * PAGE_SIZE,
					     PAGE_SIZE, 6));
	}
	/* In another order than they came. */
	for (i = 1; i <= 6; i++) {
		__u64 number = 5 * i % 7 - 1;
		__u64 count = HUGE_PAGES + 64 - 7 * number;

		ASSERT_EQ(0, unmap(huge, EVEN_IOVA + number * 2 * SZ_2M,
				   count));
		pins -= count;
		EXPECT_STREQ("", check_pins(huge, pins));
	}
}

/* A map that fails at any of its steps */

struct failing {
	struct huge *huge;
	char *va;
};

static int map_failing(void *arg)
{
	struct failing *failing = arg;

	return map(failing->huge, failing->va, 2 * HUGE_PAGES, EVEN_IOVA,
		   MAP_RW);
}

static const char *check_failures(struct huge *huge, char *va, int faults)
{
	struct failing failing = { .huge = huge, .va = va };
	bool injected = true;
	const char *wrong;
	unsigned int nth;
	int ret;

	for (nth = 1; injected && nth < NTH_MAX; nth++) {
		ret = faults_run(faults, map_failing, &failing, nth, &injected);
		/* Some failures only make it slower. */
		if (!ret)
			ret = unmap(huge, EVEN_IOVA, 2 * HUGE_PAGES);
		else if (injected)
			ret = 0;
		wrong = ret ? say(huge, "error %d", ret) : check_pins(huge, 0);
		if (*wrong)
			return say_where(huge, "fault %u", nth);
	}
	return nth > 3 && nth < NTH_MAX ? "" : say(huge, "%u faults", nth);
}

TEST_F(huge, h18_fails_anywhere)
{
	struct huge *huge = &self->huge;
	char *va;
	int fd;

	if (!huge->has_mock || huge->has_edu)
		SKIP(return, "needs the mock IOMMU alone");
	fd = faults_open();
	if (fd < 0)
		SKIP(return, "no fault injection");
	ASSERT_EQ(0, alloc_marked(huge, MEMORY_THP, 2, &va));
	EXPECT_STREQ("", check_failures(huge, va, fd));
	/* A buffer has room for one run, while the next huge page is pinned. */
	ASSERT_EQ(0, mock_memory_limit(huge->fd, 1));
	EXPECT_STREQ("", check_failures(huge, va, fd));
	ASSERT_EQ(0, mock_memory_limit(huge->fd, 0));
	close(fd);
}

/* Pages of 1 GiB, if the machine was started with one */
TEST_F(huge, gigantic_page)
{
	static const __u64 first[] = { 0, 1, 511, 513, 100000, 262143 };
	struct huge *huge = &self->huge;
	char *va, *at;
	size_t i;

	if (!file_number(GIGANTIC "free_hugepages", ""))
		SKIP(return, "no page of 1 GiB");
	va = mmap(NULL, SZ_1G, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 30 << 26, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)va);
	for (i = 0; i < ARRAY_SIZE(first); i++) {
		__u64 count = SZ_1G / PAGE_SIZE - first[i];

		at = va + first[i] * PAGE_SIZE;
		if (count > 5000)
			count = 5000;
		mark_all(huge, at, count);
		EXPECT_STREQ("", check_map(huge, at, count, EVEN_IOVA,
					   MAP_RW, count / 2));
		EXPECT_STREQ("", check_map(huge, at, count,
					   EVEN_IOVA + first[i] % HUGE_PAGES *
						       PAGE_SIZE,
					   MAP_READ, count / 3));
	}
	/* All of it; what is looked at is within the reach of the device. */
	ASSERT_EQ(0, map(huge, va, SZ_1G / PAGE_SIZE, SZ_1G, MAP_RW));
	EXPECT_STREQ("", check_pins(huge, SZ_1G / PAGE_SIZE));
	EXPECT_STREQ("", check_unmap(huge, SZ_1G, SZ_1G / PAGE_SIZE));
	munmap(va, SZ_1G);
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
					 pick(stormer, RACE_BLOCKS) * HUGE_PAGES;
	__u64 count = 32 + pick(stormer, 68);
	__u32 flags = pick(stormer, 3) ? MAP_RW : MAP_READ;
	int ret = map(storm->huge, storm->va + first * PAGE_SIZE, count, iova,
		      flags);

	if (!ret) {
		ret = unmap(storm->huge, iova, count);
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

	ASSERT_EQ(0, alloc_marked(huge, MEMORY_THP, RACE_BLOCKS, &storm.va));
	EXPECT_EQ(0, run_storm(&storm, RACE_MS));
	TH_LOG("%lu maps, %lu refused, %lu changes", storm.maps, storm.refused,
	       storm.changes);
	EXPECT_NE(0, storm.maps);
	EXPECT_STREQ("", check_pins(huge, 0));
	/* After all that it works as ever. */
	renew(storm.va, RACE_BLOCKS * SZ_2M);
	mark_all(huge, storm.va, RACE_PAGES);
	EXPECT_STREQ("", check_map(huge, storm.va, RACE_PAGES, EVEN_IOVA,
				   MAP_RW, 700));
}

TEST_HARNESS_MAIN

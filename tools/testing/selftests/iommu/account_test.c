// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Who pays for pinned pages: VmPin, VmLck, RLIMIT_MEMLOCK, CAP_IPC_LOCK, in
 * both modes of IOMMU_OPTION_RLIMIT_MODE. Pages are pinned once a device is
 * attached, so all of this needs one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/capability.h>

#include "lib/harness.h"
#include "lib/process.h"
#include "lib/rig.h"

#define LIMIT_PAGES	16

#define MODE_USER	0
#define MODE_PROCESS	1

FIXTURE(account)
{
	struct rig rig;
};

FIXTURE_VARIANT(account)
{
	__u64 mode;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(account, by_user) {
	/* clang-format on */
	.mode = MODE_USER,
};

/* clang-format off */
FIXTURE_VARIANT_ADD(account, by_process) {
	/* clang-format on */
	.mode = MODE_PROCESS,
};

FIXTURE_SETUP(account)
{
	int ret = rig_create(&self->rig, variant->mode);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(account)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

/*
 * What this process has to show for some pinned pages. The user's counter
 * is not to be seen anywhere; tests probe it with the limit.
 */
#define EXPECT_CHARGED(rlimit_mode, pages) do { \
	__u64 kib = (pages) * KIB_PER_PAGE; \
	EXPECT_EQ(kib, status_kib("VmPin:")); \
	EXPECT_EQ((rlimit_mode) == MODE_PROCESS ? kib : 0, \
		  status_kib("VmLck:")); \
} while (0)

static int limit_without_privilege(void)
{
	int ret = memlock_limit(LIMIT_PAGES * PAGE_SIZE);

	return ret ? ret : capability_drop(CAP_IPC_LOCK);
}

/* What is charged */

TEST_F(account, charges_what_is_pinned)
{
	ASSERT_EQ(0, rig_attach(&self->rig));
	EXPECT_CHARGED(variant->mode, 0);
	ASSERT_EQ(0, rig_map(&self->rig, 0, 10));
	EXPECT_CHARGED(variant->mode, 10);
	ASSERT_EQ(0, rig_map(&self->rig, 10, 1));
	EXPECT_CHARGED(variant->mode, 11);
	ASSERT_EQ(0, rig_unmap(&self->rig, 0, 10));
	EXPECT_CHARGED(variant->mode, 1);
	ASSERT_EQ(0, rig_unmap(&self->rig, 10, 1));
	EXPECT_CHARGED(variant->mode, 0);
}

TEST_F(account, without_a_domain_nothing_is_pinned)
{
	ASSERT_EQ(0, rig_map(&self->rig, 0, 10));
	EXPECT_CHARGED(variant->mode, 0);
	ASSERT_EQ(0, rig_attach(&self->rig));
	EXPECT_CHARGED(variant->mode, 10);
	ASSERT_EQ(0, edu_detach(&self->rig.edu));
	EXPECT_CHARGED(variant->mode, 0);
	ASSERT_EQ(0, rig_attach(&self->rig));
	EXPECT_CHARGED(variant->mode, 10);
}

TEST_F(account, read_only_is_charged_too)
{
	struct iommu_ioas_map map = {
		.flags = MAP_READ,
		.ioas_id = self->rig.ioas_id,
		.user_va = va_to_u64(self->rig.buffer),
		.length = 3 * PAGE_SIZE,
	};

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, ioas_map(self->rig.fd, &map));
	EXPECT_CHARGED(variant->mode, 3);
}

TEST_F(account, huge_pages_are_charged_by_page)
{
	const enum memory_kind kinds[] = { MEMORY_THP, MEMORY_HUGETLB };
	size_t i, tried = 0;

	ASSERT_EQ(0, rig_attach(&self->rig));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		void *va;

		if (memory_alloc(kinds[i], SZ_2M, &va))
			continue;
		tried++;
		ASSERT_EQ(0, ioas_map_fixed(self->rig.fd, self->rig.ioas_id, va,
					    SZ_2M, 2 * RIG_IOVA));
		EXPECT_CHARGED(variant->mode, SZ_2M / PAGE_SIZE);
		ASSERT_EQ(0, ioas_unmap(self->rig.fd, self->rig.ioas_id,
					2 * RIG_IOVA, SZ_2M, NULL));
		EXPECT_CHARGED(variant->mode, 0);
	}
	if (!tried)
		SKIP(return, "no huge pages of any kind");
}

/* munmap() does not unpin, so it does not pay back either. */
TEST_F(account, h33_charged_until_unmapped)
{
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(&self->rig, 0, 10));
	ASSERT_EQ(0, munmap(self->rig.buffer, 10 * PAGE_SIZE));
	EXPECT_CHARGED(variant->mode, 10);
	ASSERT_EQ(0, rig_unmap(&self->rig, 0, 10));
	EXPECT_CHARGED(variant->mode, 0);
}

/* What is charged once */

TEST_F(account, h36_copies_are_charged_once)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 10));
	ASSERT_EQ(0, rig_copy(rig, rig_iova(0), 10, rig->ioas_id,
			      rig_iova(100)));
	ASSERT_EQ(0, rig_copy(rig, rig_iova(2), 4, rig->ioas_id,
			      rig_iova(200)));
	EXPECT_CHARGED(variant->mode, 10);
	ASSERT_EQ(0, rig_unmap(rig, 0, 10));
	EXPECT_CHARGED(variant->mode, 10);
	ASSERT_EQ(0, rig_unmap(rig, 100, 10));
	EXPECT_CHARGED(variant->mode, 4);
	ASSERT_EQ(0, rig_copy(rig, rig_iova(201), 2, rig->ioas_id,
			      rig_iova(0)));
	EXPECT_CHARGED(variant->mode, 4);
	ASSERT_EQ(0, rig_unmap(rig, 200, 4));
	EXPECT_CHARGED(variant->mode, 2);
	ASSERT_EQ(0, rig_unmap(rig, 0, 2));
	EXPECT_CHARGED(variant->mode, 0);
}

TEST_F(account, h36_copies_stay_within_the_limit)
{
	struct rig *rig = &self->rig;
	int i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, limit_without_privilege());
	ASSERT_EQ(0, rig_map(rig, 0, LIMIT_PAGES));
	for (i = 1; i < 5; i++) {
		EXPECT_EQ(0, rig_copy(rig, rig_iova(0), LIMIT_PAGES,
				      rig->ioas_id, rig_iova(100 * i)));
	}
	EXPECT_CHARGED(variant->mode, LIMIT_PAGES);
	EXPECT_EQ(-ENOMEM, rig_map(rig, 50, 1));
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	EXPECT_CHARGED(variant->mode, 0);
	EXPECT_EQ(0, rig_map(rig, 0, LIMIT_PAGES));
}

TEST_F(account, h36_replace_is_charged_once)
{
	struct rig *rig = &self->rig;
	__u32 other;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, limit_without_privilege());
	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, rig_map(rig, 0, LIMIT_PAGES));
	ASSERT_EQ(0, rig_copy(rig, rig_iova(0), LIMIT_PAGES, other,
			      rig_iova(0)));
	EXPECT_CHARGED(variant->mode, LIMIT_PAGES);
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, other));
	EXPECT_CHARGED(variant->mode, LIMIT_PAGES);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_CHARGED(variant->mode, LIMIT_PAGES);
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_CHARGED(variant->mode, 0);
}

/* The same memory named twice by IOAS_MAP is two pieces of memory. */
TEST_F(account, two_maps_are_charged_twice)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 5));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    5 * PAGE_SIZE, rig_iova(100)));
	EXPECT_CHARGED(variant->mode, 10);
}

/* The limit */

/* Small ones and large ones, whose pages do not fit into one batch, in turn. */
TEST_F(account, many_are_unmapped_at_once)
{
	const __u64 sizes[] = { 1, 40, 1, 1, 20 };
	__u64 unmapped, page = 0;
	size_t i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, rig_map(&self->rig, page, sizes[i]));
		page += sizes[i];
	}
	EXPECT_CHARGED(variant->mode, page);
	EXPECT_EQ(0, ioas_unmap(self->rig.fd, self->rig.ioas_id, rig_iova(0),
				page * PAGE_SIZE, &unmapped));
	EXPECT_EQ(page * PAGE_SIZE, unmapped);
	EXPECT_CHARGED(variant->mode, 0);
}

TEST_F(account, limit_is_exact)
{
	struct rig *rig = &self->rig;
	int i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, limit_without_privilege());
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, rig_map(rig, 0, LIMIT_PAGES - 1));
		EXPECT_EQ(-ENOMEM, rig_map(rig, 20, 2));
		ASSERT_EQ(0, rig_map(rig, 20, 1));
		EXPECT_EQ(-ENOMEM, rig_map(rig, 30, 1));
		EXPECT_CHARGED(variant->mode, LIMIT_PAGES);
		ASSERT_EQ(0, rig_unmap(rig, 0, LIMIT_PAGES - 1));
		ASSERT_EQ(0, rig_unmap(rig, 20, 1));
		EXPECT_CHARGED(variant->mode, 0);
	}
}

TEST_F(account, h37_refused_map_leaves_nothing)
{
	struct rig *rig = &self->rig;
	int i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, limit_without_privilege());
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-ENOMEM, rig_map(rig, 0, LIMIT_PAGES + 1));
		EXPECT_CHARGED(variant->mode, 0);
	}
	EXPECT_EQ(0, rig_map(rig, 0, LIMIT_PAGES));
	EXPECT_CHARGED(variant->mode, LIMIT_PAGES);
}

#define BIG_LENGTH	(8 * SZ_2M)

/* A map far over the limit is refused without pinning all of it first. */
TEST_F(account, h37_limit_comes_before_the_work)
{
	struct rig *rig = &self->rig;
	__u64 before, pinned;
	void *va;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, BIG_LENGTH, &va));
	ASSERT_EQ(0, limit_without_privilege());
	before = pins_acquired();
	EXPECT_EQ(-ENOMEM, ioas_map_fixed(rig->fd, rig->ioas_id, va, BIG_LENGTH,
					  2 * RIG_IOVA));
	pinned = pins_acquired() - before;
	EXPECT_LE(pinned, LIMIT_PAGES + SZ_2M / PAGE_SIZE);
	EXPECT_CHARGED(variant->mode, 0);
	EXPECT_EQ(0, rig_map(rig, 0, LIMIT_PAGES));
}

/* Without a domain the limit shows at the attach. */
TEST_F(account, h18_attach_over_the_limit)
{
	struct rig *rig = &self->rig;
	struct iova_ranges ranges;
	int i;

	ASSERT_EQ(0, limit_without_privilege());
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, rig_map(rig, i * 6, 6));
	EXPECT_EQ(-ENOMEM, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_CHARGED(variant->mode, 0);
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	EXPECT_EQ(1, ranges.count);
	EXPECT_EQ(UINT64_MAX, ranges.range[0].last);
	/* Two of the four areas, and then it fits. */
	ASSERT_EQ(0, rig_unmap(rig, 0, 6));
	ASSERT_EQ(0, rig_unmap(rig, 18, 6));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_CHARGED(variant->mode, 12);
}

/* A replace that does not fit keeps what there was. */
TEST_F(account, h22_replace_over_the_limit)
{
	struct rig *rig = &self->rig;
	__u32 other;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, limit_without_privilege());
	ASSERT_EQ(0, rig_map(rig, 0, LIMIT_PAGES / 2));
	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, other, rig_va(rig, 20),
				    LIMIT_PAGES * PAGE_SIZE, RIG_IOVA));
	EXPECT_EQ(-ENOMEM, edu_attach_ioas(&rig->edu, other));
	EXPECT_CHARGED(variant->mode, LIMIT_PAGES / 2);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, other));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->ioas_id));
}

TEST_F(account, limit_of_zero)
{
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, memlock_limit(0));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	EXPECT_EQ(-ENOMEM, rig_map(&self->rig, 0, 1));
	EXPECT_CHARGED(variant->mode, 0);
}

TEST_F(account, limit_without_end)
{
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, memlock_limit(~0ULL));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	EXPECT_EQ(0, rig_map(&self->rig, 0, RIG_PAGES));
	EXPECT_CHARGED(variant->mode, RIG_PAGES);
}

/* CAP_IPC_LOCK lifts the limit; what is pinned is still shown. */
TEST_F(account, h36_privilege_lifts_the_limit_only)
{
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, memlock_limit(LIMIT_PAGES * PAGE_SIZE));
	EXPECT_EQ(0, rig_map(&self->rig, 0, 4 * LIMIT_PAGES));
	EXPECT_CHARGED(variant->mode, 4 * LIMIT_PAGES);
}

/* A charge goes back the way it came, whatever the privilege is by then. */
TEST_F(account, h35_privilege_lost_in_between)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, memlock_limit(LIMIT_PAGES * PAGE_SIZE));
	ASSERT_EQ(0, rig_map(rig, 0, 2 * LIMIT_PAGES));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	ASSERT_EQ(0, rig_unmap(rig, 0, 2 * LIMIT_PAGES));
	EXPECT_CHARGED(variant->mode, 0);
	EXPECT_EQ(0, rig_map(rig, 0, LIMIT_PAGES));
	EXPECT_EQ(-ENOMEM, rig_map(rig, 40, 1));
}

TEST_F(account, h35_privilege_gained_in_between)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, limit_without_privilege());
	ASSERT_EQ(0, rig_map(rig, 0, LIMIT_PAGES));
	ASSERT_EQ(0, capability_raise(CAP_IPC_LOCK));
	ASSERT_EQ(0, rig_unmap(rig, 0, LIMIT_PAGES));
	EXPECT_CHARGED(variant->mode, 0);
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	EXPECT_EQ(0, rig_map(rig, 0, LIMIT_PAGES));
	EXPECT_EQ(-ENOMEM, rig_map(rig, 40, 1));
}

/* Several processes */

struct mapper {
	struct rig *rig;
	struct doorbell bell;
	uid_t uid;
	__u64 page;
	__u64 count;
};

/* Map as @uid with the limit; the exit status is the errno. */
static int map_as_user(void *arg)
{
	struct mapper *mapper = arg;

	if (memlock_limit(LIMIT_PAGES * PAGE_SIZE) || setuid(mapper->uid))
		return 255;
	return -rig_map(mapper->rig, mapper->page, mapper->count);
}

static int map_as_user_and_stay(void *arg)
{
	struct mapper *mapper = arg;
	int ret = map_as_user(arg);

	child_ring(&mapper->bell);
	return child_await(&mapper->bell) ? 254 : ret;
}

/* One counter for a uid in one mode, one for a process in the other. */
TEST_F(account, h38_who_shares_a_limit)
{
	struct mapper first = { &self->rig, .uid = 1000, .count = LIMIT_PAGES };
	struct mapper same_user = {
		&self->rig, .uid = 1000, .page = 20, .count = 1,
	};
	struct mapper other_user = {
		&self->rig, .uid = 1001, .page = 30, .count = LIMIT_PAGES,
	};
	int expected = variant->mode == MODE_USER ? ENOMEM : 0;
	pid_t pid;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, doorbell_init(&first.bell));
	pid = child_start(map_as_user_and_stay, &first);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, parent_await(&first.bell));
	EXPECT_EQ(expected, child_run(map_as_user, &same_user, TIMEOUT_MS));
	EXPECT_EQ(0, child_run(map_as_user, &other_user, TIMEOUT_MS));
	parent_ring(&first.bell);
	EXPECT_EQ(0, child_wait(pid, TIMEOUT_MS));
	doorbell_close(&first.bell);

	/* Nothing of it is ours, and all of it comes back. */
	EXPECT_CHARGED(variant->mode, 0);
	EXPECT_EQ(0, ioas_unmap_all(self->rig.fd, self->rig.ioas_id, NULL));
	EXPECT_EQ(0, child_run(map_as_user, &first, TIMEOUT_MS));
	EXPECT_EQ(0, ioas_unmap_all(self->rig.fd, self->rig.ioas_id, NULL));
}

/* A charge of the user outlives the process, for the pages do too. */
TEST_F(account, h38_charge_outlives_the_process)
{
	struct mapper first = { &self->rig, .uid = 1002, .count = LIMIT_PAGES };
	struct mapper second = {
		&self->rig, .uid = 1002, .page = 20, .count = 1,
	};
	int expected = variant->mode == MODE_USER ? ENOMEM : 0;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, child_run(map_as_user, &first, TIMEOUT_MS));
	EXPECT_EQ(expected, child_run(map_as_user, &second, TIMEOUT_MS));
	ASSERT_EQ(0, ioas_unmap_all(self->rig.fd, self->rig.ioas_id, NULL));
	EXPECT_EQ(0, child_run(map_as_user, &second, TIMEOUT_MS));
}

static int map_and_copy(void *arg)
{
	struct rig *rig = arg;

	if (rig_map(rig, 0, 8))
		return 1;
	return rig_copy(rig, rig_iova(0), 8, rig->ioas_id, rig_iova(100)) ?
	       2 : 0;
}

/*
 * The process that mapped is gone when pages are unpinned, and again when they
 * should be pinned anew.
 */
TEST_F(account, h34_mapper_is_gone)
{
	struct rig *rig = &self->rig;
	int i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, child_run(map_and_copy, rig, TIMEOUT_MS));
	EXPECT_CHARGED(variant->mode, 0);
	EXPECT_EQ(0, rig_unmap(rig, 0, 8));
	EXPECT_EQ(0, rig_copy(rig, rig_iova(100), 8, rig->ioas_id,
			      rig_iova(200)));
	EXPECT_EQ(0, edu_detach(&rig->edu));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_CHARGED(variant->mode, 0);
}

/* The mapper is gone before anything was pinned. */
TEST_F(account, h34_mapper_is_gone_before_the_attach)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, child_run(map_and_copy, rig, TIMEOUT_MS));
	EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_EQ(0, rig_unmap(rig, 100, 8));
	EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_EQ(0, rig_unmap(rig, 0, 8));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
}

/* Close all files while the mapper is gone. */
TEST_F(account, h34_close_after_the_mapper)
{
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, child_run(map_and_copy, &self->rig, TIMEOUT_MS));
}

struct shared_map {
	struct rig *rig;
	struct doorbell bell;
};

static int map_and_watch(void *arg)
{
	struct shared_map *shared = arg;
	__u64 kib = 8 * KIB_PER_PAGE;

	if (rig_map(shared->rig, 0, 8))
		return 1;
	if (status_kib("VmPin:") != kib)
		return 2;
	child_ring(&shared->bell);
	if (child_await(&shared->bell))
		return 3;
	if (status_kib("VmPin:") || status_kib("VmLck:"))
		return 4;
	return 0;
}

/* Another process unmaps: the one that was charged gets it back. */
TEST_F(account, h35_unmapped_by_another_process)
{
	struct shared_map shared = { .rig = &self->rig };
	pid_t pid;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, doorbell_init(&shared.bell));
	pid = child_start(map_and_watch, &shared);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, parent_await(&shared.bell));
	EXPECT_CHARGED(variant->mode, 0);
	EXPECT_EQ(0, rig_unmap(&self->rig, 0, 8));
	EXPECT_CHARGED(variant->mode, 0);
	parent_ring(&shared.bell);
	EXPECT_EQ(0, child_wait(pid, TIMEOUT_MS));
	doorbell_close(&shared.bell);
}

static int unmap_in_child(void *arg)
{
	struct rig *rig = arg;

	if (status_kib("VmPin:") || status_kib("VmLck:"))
		return 1;
	if (rig_unmap(rig, 0, 8))
		return 2;
	return status_kib("VmPin:") || status_kib("VmLck:") ? 3 : 0;
}

TEST_F(account, h35_unmapped_by_a_forked_child)
{
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(&self->rig, 0, 8));
	EXPECT_EQ(0, child_run(unmap_in_child, &self->rig, TIMEOUT_MS));
	EXPECT_CHARGED(variant->mode, 0);
}

static int attach_in_child(void *arg)
{
	struct rig *rig = arg;

	if (edu_attach_ioas(&rig->edu, rig->ioas_id))
		return 1;
	return status_kib("VmPin:") || status_kib("VmLck:") ? 2 : 0;
}

/* Whoever attaches, the one who mapped pays. */
TEST_F(account, h35_attached_by_another_process)
{
	ASSERT_EQ(0, rig_map(&self->rig, 0, 8));
	EXPECT_EQ(0, child_run(attach_in_child, &self->rig, TIMEOUT_MS));
	EXPECT_CHARGED(variant->mode, 8);
	EXPECT_EQ(0, edu_detach(&self->rig.edu));
	EXPECT_CHARGED(variant->mode, 0);
}

/* After exec: the second half of this test runs in main(). */

#define EXEC_ENVIRONMENT	"IOMMUFD_TEST_EXEC"

static int map_and_exec(void *arg)
{
	struct rig *rig = arg;
	char state[64];
	/* Unlike the first one it stays open. */
	int fd = dup(rig->fd);

	if (rig_map(rig, 0, 8))
		return 1;
	snprintf(state, sizeof(state), "%d %u", fd, rig->ioas_id);
	setenv(EXEC_ENVIRONMENT, state, 1);
	execl("/proc/self/exe", "account_test", NULL);
	return 2;
}

static int after_exec(const char *state)
{
	__u32 ioas_id;
	int fd;

	if (sscanf(state, "%d %u", &fd, &ioas_id) != 2)
		return 10;
	if (status_kib("VmPin:") || status_kib("VmLck:"))
		return 11;
	if (ioas_unmap_all(fd, ioas_id, NULL))
		return 12;
	return status_kib("VmPin:") || status_kib("VmLck:") ? 13 : 0;
}

TEST_F(account, h35_unmapped_after_exec)
{
	ASSERT_EQ(0, rig_attach(&self->rig));
	EXPECT_EQ(0, child_run(map_and_exec, &self->rig, TIMEOUT_MS));
	EXPECT_CHARGED(variant->mode, 0);
}

int main(int argc, char **argv)
{
	const char *state = getenv(EXEC_ENVIRONMENT);

	return state ? after_exec(state) : test_harness_run(argc, argv);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Page tables of the program's own, nested in page tables over an IOAS, and
 * what it says when it has changed them. Only the mock IOMMU has such here.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/trap.h"

#define IOTLB_ENTRIES	MOCK_NESTED_DOMAIN_IOTLB_NUM

/* More than the kernel hands to a driver at once, and not a multiple of it. */
#define MANY		200

/* What the kernel takes at most. */
#define ENTRIES_MAX	(1U << 19)

/**
 * struct nest - an IOMMU that nests
 * @rig: with one page mapped in the first IOAS
 * @device: attached to the other IOAS
 * @parent: over the first IOAS, for others to be nested in
 */
struct nest {
	struct mock_rig rig;
	struct mock_device device;
	__u32 parent;
};

FIXTURE(nested)
{
	struct nest nest;
};

FIXTURE_SETUP(nested)
{
	struct nest *nest = &self->nest;
	int ret = mock_rig_create(&nest->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, mock_rig_map(&nest->rig, 0, 1));
	ASSERT_EQ(0, mock_plug(nest->rig.fd, nest->rig.other_id,
			       &nest->device));
	ASSERT_EQ(0, hwpt_alloc_flags(nest->rig.fd, nest->device.idev_id,
				      nest->rig.ioas_id,
				      IOMMU_HWPT_ALLOC_NEST_PARENT,
				      &nest->parent));
}

FIXTURE_TEARDOWN(nested)
{
	EXPECT_STREQ("", mock_rig_destroy(&self->nest.rig));
}

static int nest_in(const struct nest *nest, __u32 parent, __u32 *hwpt_id)
{
	const struct iommu_hwpt_selftest data = {
		.iotlb = IOMMU_TEST_IOTLB_DEFAULT,
	};

	return hwpt_alloc_nested(nest->rig.fd, nest->device.idev_id, parent,
				 IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data),
				 hwpt_id);
}

TEST_F(nested, attach_and_replace_between_all_kinds)
{
	struct nest *nest = &self->nest;
	int fd = nest->rig.fd;
	struct mock_device another;
	__u32 first, second, plain;

	ASSERT_EQ(0, nest_in(nest, nest->parent, &first));
	ASSERT_EQ(0, nest_in(nest, nest->parent, &second));
	EXPECT_NE(first, second);
	ASSERT_EQ(0, hwpt_alloc(fd, nest->device.idev_id, nest->rig.other_id,
				&plain));
	ASSERT_EQ(0, mock_plug(fd, first, &another));
	EXPECT_EQ(first, another.hwpt_id);
	/*
	 * From an automatic one, to a sibling, the parent, another IOAS, back
	 */
	EXPECT_EQ(0, mock_replace(fd, nest->device.id, first));
	EXPECT_EQ(-ENOENT, iommufd_destroy(fd, nest->device.hwpt_id));
	EXPECT_EQ(0, mock_replace(fd, nest->device.id, second));
	EXPECT_EQ(0, mock_replace(fd, nest->device.id, nest->parent));
	EXPECT_EQ(0, mock_replace(fd, nest->device.id, second));
	EXPECT_EQ(0, mock_replace(fd, nest->device.id, plain));
	EXPECT_EQ(0, mock_replace(fd, nest->device.id, second));
	EXPECT_EQ(0, mock_replace(fd, nest->device.id, second));
	EXPECT_EQ(-EBUSY, iommufd_destroy(fd, second));
	/* Attaching to the IOAS makes another page table. */
	EXPECT_EQ(0, mock_replace(fd, nest->device.id, nest->rig.ioas_id));
	EXPECT_EQ(0, iommufd_destroy(fd, second));
	EXPECT_EQ(-ENOENT, mock_replace(fd, nest->device.id, second));
	EXPECT_EQ(0, iommufd_destroy(fd, another.id));
	EXPECT_EQ(0, iommufd_destroy(fd, first));
	EXPECT_EQ(0, iommufd_destroy(fd, nest->parent));
}

/* What it leads to is what the IOAS maps, and follows it. */
TEST_F(nested, h49_keeps_its_parent)
{
	struct nest *nest = &self->nest;
	struct mock_rig *rig = &nest->rig;
	__u32 nested;

	ASSERT_EQ(0, nest_in(nest, nest->parent, &nested));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, nest->parent));
	ASSERT_EQ(0, mock_replace(rig->fd, nest->device.id, nested));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, nest->parent));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->ioas_id));
	ASSERT_EQ(0, mock_rig_map(rig, 1, 3));
	EXPECT_EQ(0, mock_check_map(rig->fd, nest->parent, mock_rig_iova(0),
				    4 * PAGE_SIZE, mock_rig_va(rig, 0)));
	EXPECT_PINNED(4);
	/* It translates to no memory by itself. */
	EXPECT_EQ(-ENOENT, mock_check_map(rig->fd, nested, mock_rig_iova(0),
					  PAGE_SIZE, mock_rig_va(rig, 0)));
	ASSERT_EQ(0, mock_replace(rig->fd, nest->device.id, rig->other_id));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, nest->parent));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, nested));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, nest->parent));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
}

/* The teardown counts what is left. */
TEST_F(nested, left_for_close)
{
	struct nest *nest = &self->nest;
	__u32 attached, idle;

	ASSERT_EQ(0, nest_in(nest, nest->parent, &attached));
	ASSERT_EQ(0, nest_in(nest, nest->parent, &idle));
	EXPECT_EQ(0, mock_replace(nest->rig.fd, nest->device.id, attached));
}

TEST_F(nested, h49_what_nothing_can_be_nested_in)
{
	struct nest *nest = &self->nest;
	int fd = nest->rig.fd;
	__u32 nested, plain, id;

	ASSERT_EQ(0, hwpt_alloc(fd, nest->device.idev_id, nest->rig.ioas_id,
				&plain));
	EXPECT_EQ(-EINVAL, nest_in(nest, plain, &id));
	EXPECT_EQ(-EINVAL, nest_in(nest, nest->device.hwpt_id, &id));
	ASSERT_EQ(0, nest_in(nest, nest->parent, &nested));
	EXPECT_EQ(-EINVAL, nest_in(nest, nested, &id));
	/* Over an IOAS there is a format, and nobody has another one. */
	EXPECT_EQ(-EOPNOTSUPP, nest_in(nest, nest->rig.ioas_id, &id));
	EXPECT_EQ(-EINVAL, nest_in(nest, nest->device.idev_id, &id));
	EXPECT_EQ(-ENOENT, nest_in(nest, 0x7fffffff, &id));
	EXPECT_EQ(0, iommufd_destroy(fd, nested));
	EXPECT_EQ(0, iommufd_destroy(fd, plain));
	EXPECT_EQ(0, iommufd_destroy(fd, nest->parent));
}

TEST_F(nested, flags_of_its_parent_only)
{
	struct nest *nest = &self->nest;
	struct iommu_hwpt_selftest data = {};
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.dev_id = nest->device.idev_id,
		.pt_id = nest->parent,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = va_to_u64(&data),
	};
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		/* Of those for a queue of page faults, other tests know. */
		if (1U << bit == IOMMU_HWPT_FAULT_ID_VALID)
			continue;
		alloc.flags = 1U << bit;
		EXPECT_EQ(-EOPNOTSUPP, iommufd_ioctl(nest->rig.fd,
						     IOMMU_HWPT_ALLOC,
						     &alloc)) {
			TH_LOG("flag %u", bit);
		}
	}
	alloc.flags = 0;
	alloc.__reserved2 = 1;
	EXPECT_EQ(-EOPNOTSUPP, iommufd_ioctl(nest->rig.fd, IOMMU_HWPT_ALLOC,
					     &alloc));
	EXPECT_EQ(0, iommufd_destroy(nest->rig.fd, nest->parent));
}

static int nest_with(const struct nest *nest, __u32 type, const void *data,
		     __u32 length)
{
	__u32 id;

	return hwpt_alloc_nested(nest->rig.fd, nest->device.idev_id,
				 nest->parent, type, data, length, &id);
}

TEST_F(nested, data_for_the_driver)
{
	const __u32 others[] = { IOMMU_HWPT_DATA_VTD_S1, 2, 0xffffffff };
	struct nest *nest = &self->nest;
	__u32 data[4] = {}, length;
	char *page;
	size_t i;

	EXPECT_EQ(-EOPNOTSUPP, nest_with(nest, IOMMU_HWPT_DATA_NONE, NULL, 0));
	EXPECT_EQ(-EINVAL, nest_with(nest, IOMMU_HWPT_DATA_NONE, data, 4));
	EXPECT_EQ(-EINVAL, nest_with(nest, IOMMU_HWPT_DATA_NONE, data, 0));
	EXPECT_EQ(-EINVAL, nest_with(nest, IOMMU_HWPT_DATA_NONE, NULL, 4));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EOPNOTSUPP, nest_with(nest, others[i], data, 4));
	for (length = 0; length <= sizeof(data); length++) {
		EXPECT_EQ(length == 4 ? 0 : -EINVAL,
			  nest_with(nest, IOMMU_HWPT_DATA_SELFTEST, data,
				    length)) {
			TH_LOG("%u bytes", length);
		}
	}
	EXPECT_EQ(-EFAULT, nest_with(nest, IOMMU_HWPT_DATA_SELFTEST, NULL, 4));
	EXPECT_EQ(-EFAULT, nest_with(nest, IOMMU_HWPT_DATA_SELFTEST,
				     (void *)-PAGE_SIZE, 4));
	/* Not there yet, only to read, and ending where there is nothing */
	page = memory_anonymous(2 * PAGE_SIZE, PROT_READ);
	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, munmap(page + PAGE_SIZE, PAGE_SIZE));
	EXPECT_EQ(0, nest_with(nest, IOMMU_HWPT_DATA_SELFTEST, page, 4));
	EXPECT_EQ(-EFAULT, nest_with(nest, IOMMU_HWPT_DATA_SELFTEST,
				     page + PAGE_SIZE - 2, 4));
	munmap(page, PAGE_SIZE);
}

/*
 * What the driver does not know tells whether it was asked. Longer data would
 * keep it busy if it looked for zeroes behind its structure.
 */
TEST_F(nested, data_of_more_than_a_page)
{
	const __u32 unknown = IOMMU_HWPT_DATA_VTD_S1;
	struct nest *nest = &self->nest;
	const __u32 known = IOMMU_HWPT_DATA_SELFTEST;
	char *zeroes;

	zeroes = memory_anonymous(2 * PAGE_SIZE, PROT_READ);
	ASSERT_NE(NULL, zeroes);
	EXPECT_EQ(-EOPNOTSUPP, nest_with(nest, unknown, zeroes, PAGE_SIZE));
	EXPECT_EQ(-EINVAL, nest_with(nest, unknown, zeroes, PAGE_SIZE + 1));
	EXPECT_EQ(-EINVAL, nest_with(nest, unknown, zeroes, 0xffffffff));
	/* Its structure has one length, whatever is behind it. */
	EXPECT_EQ(-EINVAL, nest_with(nest, known, zeroes, PAGE_SIZE));
	EXPECT_EQ(-EINVAL, nest_with(nest, known, zeroes, PAGE_SIZE + 1));
	EXPECT_EQ(-EINVAL, nest_with(nest, known, zeroes, 0xffffffff));
	EXPECT_EQ(0, nest_with(nest, known, zeroes, 4));
	munmap(zeroes, 2 * PAGE_SIZE);
}

TEST_F(nested, h05_id_that_cannot_be_told)
{
	struct nest *nest = &self->nest;
	const struct iommu_hwpt_selftest data = {};
	struct iommu_hwpt_alloc *alloc;

	alloc = (void *)memory_anonymous(PAGE_SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, alloc);
	*alloc = (struct iommu_hwpt_alloc){
		.size = sizeof(*alloc),
		.dev_id = nest->device.idev_id,
		.pt_id = nest->parent,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = va_to_u64(&data),
	};
	ASSERT_EQ(0, mprotect(alloc, PAGE_SIZE, PROT_READ));
	EXPECT_EQ(-EFAULT, iommufd_ioctl(nest->rig.fd, IOMMU_HWPT_ALLOC,
					 alloc));
	/* Nothing depends on it. */
	EXPECT_EQ(0, iommufd_destroy(nest->rig.fd, nest->parent));
	munmap(alloc, PAGE_SIZE);
}

/* Devices that cannot use the parent cannot use what is nested in it. */
TEST_F(nested, device_that_does_not_fit)
{
	struct nest *nest = &self->nest;
	int fd = nest->rig.fd;
	struct mock_device odd;
	__u32 tracked, nested;

	ASSERT_EQ(0, nest_in(nest, nest->parent, &nested));
	EXPECT_EQ(-EINVAL, mock_plug_flags(fd, nested,
					   MOCK_FLAGS_DEVICE_HUGE_IOVA, &odd));
	EXPECT_EQ(0, mock_plug_flags(fd, nested, MOCK_FLAGS_DEVICE_NO_DIRTY,
				     &odd));
	ASSERT_EQ(0, iommufd_destroy(fd, odd.id));
	ASSERT_EQ(0, iommufd_destroy(fd, nested));
	ASSERT_EQ(0, hwpt_alloc_flags(fd, nest->device.idev_id,
				      nest->rig.ioas_id,
				      IOMMU_HWPT_ALLOC_NEST_PARENT |
				      IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
				      &tracked));
	ASSERT_EQ(0, nest_in(nest, tracked, &nested));
	EXPECT_EQ(-EINVAL, mock_plug_flags(fd, nested,
					   MOCK_FLAGS_DEVICE_NO_DIRTY, &odd));
	EXPECT_EQ(0, mock_replace(fd, nest->device.id, nested));
}

struct allocation {
	const struct nest *nest;
	const void *data;
	int ret;
};

static void *allocate(void *argument)
{
	struct allocation *allocation = argument;

	allocation->ret = nest_with(allocation->nest, IOMMU_HWPT_DATA_SELFTEST,
				    allocation->data, 4);
	return NULL;
}

/* The driver copies the data, and nobody else may have to wait for it. */
TEST_F(nested, h60_device_goes_while_data_is_faulted_in)
{
	struct nest *nest = &self->nest;
	struct allocation allocation = { .nest = nest };
	struct trap trap;
	pthread_t thread;

	if (trap_open(&trap, PAGE_SIZE) == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	allocation.data = trap.va;
	ASSERT_EQ(0, pthread_create(&thread, NULL, allocate, &allocation));
	ASSERT_EQ(1, trap_wait(&trap, TIMEOUT_MS));
	EXPECT_EQ(0, iommufd_destroy(nest->rig.fd, nest->device.id));
	EXPECT_EQ(0, iommufd_destroy(nest->rig.fd, nest->parent));
	ASSERT_EQ(0, trap_release(&trap));
	pthread_join(thread, NULL);
	EXPECT_EQ(-ENOENT, allocation.ret);
	trap_close(&trap);
}

TEST_F(nested, data_that_takes_its_time)
{
	struct allocation allocation = { .nest = &self->nest };
	struct trap trap;
	pthread_t thread;

	if (trap_open(&trap, PAGE_SIZE) == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	allocation.data = trap.va;
	ASSERT_EQ(0, pthread_create(&thread, NULL, allocate, &allocation));
	ASSERT_EQ(1, trap_wait(&trap, TIMEOUT_MS));
	ASSERT_EQ(0, trap_release(&trap));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, allocation.ret);
	trap_close(&trap);
}

/* Invalidation */

FIXTURE(invalidate)
{
	struct nest nest;
	__u32 hwpt;
	struct iommu_hwpt_invalidate_selftest array[MANY];
};

FIXTURE_SETUP(invalidate)
{
	struct nest *nest = &self->nest;
	int ret = mock_rig_create(&nest->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, mock_plug(nest->rig.fd, nest->rig.other_id,
			       &nest->device));
	ASSERT_EQ(0, hwpt_alloc_flags(nest->rig.fd, nest->device.idev_id,
				      nest->rig.ioas_id,
				      IOMMU_HWPT_ALLOC_NEST_PARENT,
				      &nest->parent));
	ASSERT_EQ(0, nest_in(nest, nest->parent, &self->hwpt));
}

FIXTURE_TEARDOWN(invalidate)
{
	EXPECT_STREQ("", mock_rig_destroy(&self->nest.rig));
}

static struct iommu_hwpt_invalidate request(__u32 hwpt, const void *array,
					    __u32 count)
{
	return (struct iommu_hwpt_invalidate){
		.hwpt_id = hwpt,
		.data_uptr = va_to_u64(array),
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
		.entry_len = sizeof(struct iommu_hwpt_invalidate_selftest),
		.entry_num = count,
	};
}

/* A bit for each entry of the IOTLB that was not invalidated, or -1. */
static int kept(const struct nest *nest, __u32 hwpt)
{
	int bits = 0;
	__u32 i;

	for (i = 0; i < IOTLB_ENTRIES; i++) {
		if (!mock_check_iotlb(nest->rig.fd, hwpt, i,
				      IOMMU_TEST_IOTLB_DEFAULT))
			bits |= 1 << i;
		else if (mock_check_iotlb(nest->rig.fd, hwpt, i, 0))
			return -1;
	}
	return bits;
}

TEST_F(invalidate, entry_by_entry_and_all)
{
	struct nest *nest = &self->nest;
	struct iommu_hwpt_invalidate cmd = request(self->hwpt, self->array, 2);
	__u32 other;

	ASSERT_EQ(0, nest_in(nest, nest->parent, &other));
	EXPECT_EQ(0xf, kept(nest, self->hwpt));
	EXPECT_EQ(-EINVAL, mock_check_iotlb(nest->rig.fd, self->hwpt,
					    IOTLB_ENTRIES, 0));
	self->array[0].iotlb_id = 2;
	self->array[1].iotlb_id = 0;
	EXPECT_EQ(0, hwpt_invalidate(nest->rig.fd, &cmd));
	EXPECT_EQ(2, cmd.entry_num);
	EXPECT_EQ(0xa, kept(nest, self->hwpt));
	self->array[0].flags = IOMMU_TEST_INVALIDATE_FLAG_ALL;
	self->array[0].iotlb_id = 99;
	cmd.entry_num = 1;
	EXPECT_EQ(0, hwpt_invalidate(nest->rig.fd, &cmd));
	EXPECT_EQ(1, cmd.entry_num);
	EXPECT_EQ(0, kept(nest, self->hwpt));
	EXPECT_EQ(0xf, kept(nest, other));
}

/* Wherever it stops it says how far it has come, and goes no further. */
TEST_F(invalidate, h50_reports_what_was_done)
{
	const __u32 stops[] = { 0, 1, 62, 63, 64, 65, 127, 128, MANY - 1 };
	struct nest *nest = &self->nest;
	struct iommu_hwpt_invalidate cmd;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stops); i++) {
		struct iommu_hwpt_invalidate_selftest *stop =
			&self->array[stops[i]];

		stop->flags = 0x80000000;
		cmd = request(self->hwpt, self->array, MANY);
		EXPECT_EQ(-EOPNOTSUPP, hwpt_invalidate(nest->rig.fd, &cmd));
		EXPECT_EQ(stops[i], cmd.entry_num);
		stop->flags = 0;
		stop->iotlb_id = IOTLB_ENTRIES;
		cmd = request(self->hwpt, self->array, MANY);
		EXPECT_EQ(-EINVAL, hwpt_invalidate(nest->rig.fd, &cmd));
		EXPECT_EQ(stops[i], cmd.entry_num);
		stop->iotlb_id = 0;
	}
	cmd = request(self->hwpt, self->array, MANY);
	EXPECT_EQ(0, hwpt_invalidate(nest->rig.fd, &cmd));
	EXPECT_EQ(MANY, cmd.entry_num);
	EXPECT_EQ(0xe, kept(nest, self->hwpt));
	self->array[MANY - 1].iotlb_id = 3;
	self->array[MANY - 2].flags = 2;
	cmd = request(self->hwpt, self->array, MANY);
	EXPECT_EQ(-EOPNOTSUPP, hwpt_invalidate(nest->rig.fd, &cmd));
	EXPECT_EQ(0xe, kept(nest, self->hwpt));
}

TEST_F(invalidate, array_that_ends_in_nothing)
{
	const size_t length = sizeof(self->array[0]);
	struct nest *nest = &self->nest;
	struct iommu_hwpt_invalidate cmd;
	size_t there;
	char *page;

	page = memory_anonymous(2 * PAGE_SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, munmap(page + PAGE_SIZE, PAGE_SIZE));
	for (there = 0; there < MANY * length; there += 41) {
		cmd = request(self->hwpt, page + PAGE_SIZE - there, MANY);
		EXPECT_EQ(-EFAULT, hwpt_invalidate(nest->rig.fd, &cmd));
		EXPECT_EQ(there / length, cmd.entry_num);
	}
	cmd = request(self->hwpt, (void *)-PAGE_SIZE, MANY);
	EXPECT_EQ(-EFAULT, hwpt_invalidate(nest->rig.fd, &cmd));
	EXPECT_EQ(0, cmd.entry_num);
	munmap(page, PAGE_SIZE);
}

/* Refuses with @error, and reports that nothing was done. */
#define EXPECT_REFUSED(self, error, cmd) do { \
	EXPECT_EQ(error, hwpt_invalidate((self)->nest.rig.fd, &(cmd))); \
	EXPECT_EQ(0, (cmd).entry_num); \
	EXPECT_EQ(0xf, kept(&(self)->nest, (self)->hwpt)); \
} while (0)

TEST_F(invalidate, h50_what_is_refused)
{
	const __u32 lengths[] = { 0, 1, 4, 7, 9, 16, PAGE_SIZE, PAGE_SIZE + 1,
				  0xffffffff };
	const __u32 counts[] = { ENTRIES_MAX + 1, 0x7fffffff, 0xffffffff };
	struct iommu_hwpt_invalidate cmd;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		cmd = request(self->hwpt, self->array, 1);
		cmd.entry_len = lengths[i];
		EXPECT_REFUSED(self, -EINVAL, cmd);
	}
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		cmd = request(self->hwpt, self->array, counts[i]);
		EXPECT_REFUSED(self, -EINVAL, cmd);
	}
	cmd = request(self->hwpt, NULL, 1);
	EXPECT_REFUSED(self, -EINVAL, cmd);
	cmd = request(self->hwpt, self->array, 1);
	cmd.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_INVALID;
	EXPECT_REFUSED(self, -EINVAL, cmd);
	cmd = request(self->hwpt, self->array, 1);
	cmd.data_type = IOMMU_HWPT_INVALIDATE_DATA_VTD_S1;
	EXPECT_REFUSED(self, -EINVAL, cmd);
	cmd = request(self->hwpt, self->array, 1);
	cmd.__reserved = 1;
	EXPECT_REFUSED(self, -EOPNOTSUPP, cmd);
	/* Nothing that is not nested, or nobody owns */
	cmd = request(self->nest.parent, self->array, 1);
	EXPECT_REFUSED(self, -ENOENT, cmd);
	cmd = request(self->nest.rig.ioas_id, self->array, 1);
	EXPECT_REFUSED(self, -ENOENT, cmd);
	cmd = request(0, self->array, 1);
	EXPECT_REFUSED(self, -ENOENT, cmd);
	/* So many are possible: the first one is what it is about. */
	self->array[0].flags = 2;
	cmd = request(self->hwpt, self->array, ENTRIES_MAX);
	EXPECT_REFUSED(self, -EOPNOTSUPP, cmd);
}

/* Without entries it is a question about the type. */
TEST_F(invalidate, no_entries)
{
	struct iommu_hwpt_invalidate cmd = request(self->hwpt, NULL, 0);

	cmd.entry_len = 0;
	EXPECT_REFUSED(self, 0, cmd);
	cmd = request(self->hwpt, self->array, 0);
	EXPECT_REFUSED(self, 0, cmd);
	cmd.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_INVALID;
	EXPECT_REFUSED(self, -EINVAL, cmd);
	cmd = request(self->nest.parent, NULL, 0);
	EXPECT_REFUSED(self, -ENOENT, cmd);
}

TEST_F(invalidate, count_that_cannot_be_told)
{
	struct iommu_hwpt_invalidate *cmd;

	cmd = (void *)memory_anonymous(PAGE_SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, cmd);
	*cmd = request(self->hwpt, self->array, 1);
	cmd->size = sizeof(*cmd);
	ASSERT_EQ(0, mprotect(cmd, PAGE_SIZE, PROT_READ));
	EXPECT_EQ(-EFAULT, iommufd_ioctl(self->nest.rig.fd,
					 IOMMU_HWPT_INVALIDATE, cmd));
	munmap(cmd, PAGE_SIZE);
}

TEST_HARNESS_MAIN

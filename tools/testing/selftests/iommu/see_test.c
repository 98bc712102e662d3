// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What can be seen from outside: fdinfo says what was mapped, what is pinned, who
 * pays and where devices are, at once and to nobody else.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "lib/fdinfo.h"
#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/process.h"
#include "lib/trap.h"

#define PINS		MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES
#define MODE_PROCESS	1
#define NOBODY		65534

/* "At once", on the slowest machine: nothing was waited for. */
#define SOON_MS		5000

/* What fdinfo lists at most, as the document says. */
#define SHOWN		64

FIXTURE(see)
{
	struct mock_rig rig;
	struct fdinfo info;
};

FIXTURE_VARIANT(see)
{
	__u64 mode;
	const char *name;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(see, by_user) {
	/* clang-format on */
	.mode = 0,
	.name = "mode user limit yes",
};

/* clang-format off */
FIXTURE_VARIANT_ADD(see, by_process) {
	/* clang-format on */
	.mode = MODE_PROCESS,
	.name = "mode process limit yes",
};

FIXTURE_SETUP(see)
{
	int ret = mock_rig_create(&self->rig, variant->mode);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(see)
{
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

/* For tests: what the kernel says now is in self->info. */
#define LOOK(self) \
	ASSERT_EQ(0, fdinfo_read(&(self)->info, getpid(), (self)->rig.fd))

/* For tests: the line of an IOAS, and what all processes pay. */
#define EXPECT_IOAS(self, id, areas, pages, domains, device_pages) do { \
	LOOK(self); \
	EXPECT_EQ((areas), fdinfo_ioas(&(self)->info, (id), "areas")); \
	EXPECT_EQ((pages) * (long long)PAGE_SIZE, \
		  fdinfo_ioas(&(self)->info, (id), "mapped-bytes")); \
	EXPECT_EQ((domains), fdinfo_ioas(&(self)->info, (id), "domains")); \
	EXPECT_EQ((device_pages), \
		  fdinfo_ioas(&(self)->info, (id), "device-pages")); \
} while (0)

#define EXPECT_CHARGE(self, pages) do { \
	LOOK(self); \
	EXPECT_EQ((pages) ? (pages) : -1, \
		  fdinfo_number(&(self)->info, "iommufd-charge:", "pages")); \
} while (0)

#define EXPECT_COUNT(self, type, count) do { \
	LOOK(self); \
	EXPECT_EQ((count), \
		  fdinfo_number(&(self)->info, "iommufd-objects:", (type))); \
} while (0)

/* Memory and who pays */

TEST_F(see, pages_of_devices)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;

	EXPECT_IOAS(self, rig->ioas_id, 0, 0, 0, 0);
	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, mock_rig_map(rig, 8, 1));
	EXPECT_IOAS(self, rig->ioas_id, 2, 5, 0, 0);
	EXPECT_CHARGE(self, 0);
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	EXPECT_IOAS(self, rig->ioas_id, 2, 5, 1, 5);
	EXPECT_CHARGE(self, 5);
	ASSERT_EQ(0, mock_rig_unmap(rig, 8, 1));
	EXPECT_IOAS(self, rig->ioas_id, 1, 4, 1, 4);
	EXPECT_CHARGE(self, 4);
	/* A map that fails leaves nothing behind. */
	EXPECT_EQ(-EEXIST, mock_rig_map(rig, 3, 4));
	EXPECT_IOAS(self, rig->ioas_id, 1, 4, 1, 4);
	EXPECT_CHARGE(self, 4);
	ASSERT_EQ(0, iommufd_destroy(rig->fd, device.id));
	EXPECT_IOAS(self, rig->ioas_id, 1, 4, 0, 0);
	EXPECT_CHARGE(self, 0);
	ASSERT_EQ(0, mock_rig_unmap(rig, 0, 4));
	EXPECT_IOAS(self, rig->ioas_id, 0, 0, 0, 0);
}

/* What two IOASes show is counted in both, and paid once. */
TEST_F(see, copies_are_paid_once)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device first, second;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &first));
	ASSERT_EQ(0, mock_plug(rig->fd, rig->other_id, &second));
	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, mock_rig_copy(rig, 1, 2));
	EXPECT_IOAS(self, rig->ioas_id, 1, 4, 1, 4);
	EXPECT_IOAS(self, rig->other_id, 1, 2, 1, 2);
	EXPECT_CHARGE(self, 4);
	ASSERT_EQ(0, mock_rig_unmap(rig, 0, 4));
	EXPECT_IOAS(self, rig->ioas_id, 0, 0, 1, 0);
	EXPECT_IOAS(self, rig->other_id, 1, 2, 1, 2);
	EXPECT_CHARGE(self, 2);
}

TEST_F(see, pages_of_accesses)
{
	struct mock_rig *rig = &self->rig;
	__u32 pages_id, again_id;
	int access_fd;

	access_fd = access_create(rig->fd, rig->ioas_id, PINS);
	ASSERT_GE(access_fd, 0);
	EXPECT_COUNT(self, "access", 1);
	ASSERT_EQ(0, mock_rig_map(rig, 0, 4));
	ASSERT_EQ(0, access_pin(rig->fd, access_fd, mock_rig_iova(0),
				3 * PAGE_SIZE, NULL, 0, &pages_id));
	ASSERT_EQ(0, access_pin(rig->fd, access_fd, mock_rig_iova(2), PAGE_SIZE,
				NULL, 0, &again_id));
	/* Pinned twice, and paid once. */
	EXPECT_IOAS(self, rig->ioas_id, 1, 4, 0, 0);
	EXPECT_EQ(4, fdinfo_ioas(&self->info, rig->ioas_id, "access-pages"));
	EXPECT_CHARGE(self, 3);
	ASSERT_EQ(0, access_unpin(rig->fd, access_fd, pages_id));
	LOOK(self);
	EXPECT_EQ(1, fdinfo_ioas(&self->info, rig->ioas_id, "access-pages"));
	EXPECT_CHARGE(self, 1);
	ASSERT_EQ(0, access_unpin(rig->fd, access_fd, again_id));
	LOOK(self);
	EXPECT_EQ(0, fdinfo_ioas(&self->info, rig->ioas_id, "access-pages"));
	EXPECT_CHARGE(self, 0);
	close(access_fd);
	EXPECT_COUNT(self, "access", 0);
}

TEST_F(see, mode_and_limit)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	ASSERT_EQ(0, memlock_limit(16 * PAGE_SIZE));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	ASSERT_EQ(0, mock_rig_map(rig, 0, 2));
	EXPECT_CHARGE(self, 2);
	EXPECT_EQ(getpid(),
		  fdinfo_number(&self->info, "iommufd-charge:", "pid"));
	EXPECT_TRUE(fdinfo_has(&self->info, "iommufd-charge:", variant->name));
	/* With the capability it is another way to pay. */
	ASSERT_EQ(0, capability_raise(CAP_IPC_LOCK));
	ASSERT_EQ(0, mock_rig_map(rig, 2, 3));
	LOOK(self);
	EXPECT_EQ(2, fdinfo_count(&self->info, "iommufd-charge:"));
	EXPECT_TRUE(fdinfo_has(&self->info, "iommufd-charge:",
			       variant->mode ? "mode process limit no" :
					       "mode none limit no"));
	ASSERT_EQ(0, mock_rig_unmap(rig, 2, 3));
	EXPECT_CHARGE(self, 2);
	EXPECT_TRUE(fdinfo_has(&self->info, "iommufd-charge:", variant->name));
}

struct mapper {
	struct mock_rig *rig;
	struct doorbell bell;
};

static int map_and_leave(void *arg)
{
	struct mapper *mapper = arg;

	if (mock_rig_map(mapper->rig, 0, 4))
		return 1;
	child_ring(&mapper->bell);
	return child_await(&mapper->bell) ? 2 : 0;
}

/* Another process that has the file maps, and goes. */
TEST_F(see, who_pays)
{
	struct mapper mapper = { .rig = &self->rig };
	struct mock_device device;
	pid_t pid;

	ASSERT_EQ(0, mock_plug(self->rig.fd, self->rig.ioas_id, &device));
	ASSERT_EQ(0, doorbell_init(&mapper.bell));
	ASSERT_EQ(0, mock_rig_map(&self->rig, 8, 1));
	pid = child_start(map_and_leave, &mapper);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, parent_await(&mapper.bell));
	EXPECT_CHARGE(self, 4);
	EXPECT_EQ(pid, fdinfo_number(&self->info, "iommufd-charge:", "pid"));
	EXPECT_EQ(2, fdinfo_count(&self->info, "iommufd-charge:"));
	parent_ring(&mapper.bell);
	EXPECT_EQ(0, child_wait(pid, TIMEOUT_MS));
	/* Its memory is still pinned, and its number means nobody. */
	EXPECT_CHARGE(self, 4);
	EXPECT_EQ(0, fdinfo_number(&self->info, "iommufd-charge:", "pid"));
	ASSERT_EQ(0, mock_rig_unmap(&self->rig, 0, 4));
	EXPECT_CHARGE(self, 1);
	EXPECT_EQ(getpid(),
		  fdinfo_number(&self->info, "iommufd-charge:", "pid"));
	doorbell_close(&mapper.bell);
}

static int take_over_and_leave(void *arg)
{
	struct mapper *mapper = arg;

	if (ioas_change_process(mapper->rig->fd))
		return 1;
	child_ring(&mapper->bell);
	return child_await(&mapper->bell) ? 2 : 0;
}

/* Files are paid by whoever takes them over, and no longer by whoever mapped. */
TEST_F(see, who_pays_for_files)
{
	struct mapper mapper = { .rig = &self->rig };
	int file = memory_create_file(MEMORY_MEMFD, 4 * PAGE_SIZE);
	struct mock_device device;
	pid_t pid;

	ASSERT_GE(file, 0);
	ASSERT_EQ(0, mock_plug(self->rig.fd, self->rig.ioas_id, &device));
	ASSERT_EQ(0, doorbell_init(&mapper.bell));
	ASSERT_EQ(0, ioas_map_file_fixed(self->rig.fd, self->rig.ioas_id, file,
					 0, 4 * PAGE_SIZE, mock_rig_iova(0)));
	EXPECT_CHARGE(self, 4);
	EXPECT_EQ(getpid(),
		  fdinfo_number(&self->info, "iommufd-charge:", "pid"));
	pid = child_start(take_over_and_leave, &mapper);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, parent_await(&mapper.bell));
	EXPECT_CHARGE(self, 4);
	EXPECT_EQ(pid, fdinfo_number(&self->info, "iommufd-charge:", "pid"));
	EXPECT_EQ(1, fdinfo_count(&self->info, "iommufd-charge:"));
	parent_ring(&mapper.bell);
	EXPECT_EQ(0, child_wait(pid, TIMEOUT_MS));
	ASSERT_EQ(0, mock_rig_unmap(&self->rig, 0, 4));
	EXPECT_CHARGE(self, 0);
	doorbell_close(&mapper.bell);
	close(file);
}

/* Objects and devices */

TEST_F(see, objects_by_type)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	__u32 hwpt_id, fault_id;
	int fault_fd;

	EXPECT_COUNT(self, "ioas", 2);
	EXPECT_COUNT(self, "device", 0);
	EXPECT_COUNT(self, "hwpt-paging", 0);
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	EXPECT_COUNT(self, "device", 1);
	EXPECT_COUNT(self, "hwpt-paging", 1);
	ASSERT_EQ(0, hwpt_alloc(rig->fd, device.idev_id, rig->ioas_id,
				&hwpt_id));
	EXPECT_COUNT(self, "hwpt-paging", 2);
	ASSERT_EQ(0, fault_alloc(rig->fd, &fault_id, &fault_fd));
	EXPECT_COUNT(self, "fault-queue", 1);
	close(fault_fd);
	ASSERT_EQ(0, iommufd_destroy(rig->fd, fault_id));
	EXPECT_COUNT(self, "fault-queue", 0);
	ASSERT_EQ(0, iommufd_destroy(rig->fd, hwpt_id));
	EXPECT_COUNT(self, "hwpt-paging", 1);
	/* What cannot be destroyed stays, and is counted. */
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_COUNT(self, "ioas", 2);
	ASSERT_EQ(0, iommufd_destroy(rig->fd, device.id));
	EXPECT_COUNT(self, "device", 0);
	EXPECT_COUNT(self, "hwpt-paging", 0);
	ASSERT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_COUNT(self, "ioas", 1);
	EXPECT_EQ(-1, fdinfo_ioas(&self->info, rig->ioas_id, "areas"));
	EXPECT_EQ(0, fdinfo_ioas(&self->info, rig->other_id, "areas"));
}

TEST_F(see, where_a_device_is)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	char start[40];
	__u32 hwpt_id;

	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	snprintf(start, sizeof(start), "iommufd-device:\t%u name ",
		 device.idev_id);
	LOOK(self);
	EXPECT_EQ(rig->ioas_id, fdinfo_number(&self->info, start, "ioas"));
	EXPECT_EQ(device.hwpt_id, fdinfo_number(&self->info, start, "hwpt"));
	ASSERT_EQ(0, hwpt_alloc(rig->fd, device.idev_id, rig->other_id,
				&hwpt_id));
	ASSERT_EQ(0, mock_replace(rig->fd, device.id, hwpt_id));
	LOOK(self);
	EXPECT_EQ(rig->other_id, fdinfo_number(&self->info, start, "ioas"));
	EXPECT_EQ(hwpt_id, fdinfo_number(&self->info, start, "hwpt"));
	ASSERT_EQ(0, iommufd_destroy(rig->fd, device.id));
	LOOK(self);
	EXPECT_EQ(NULL, fdinfo_line(&self->info, start));
}

/* Bounds */

TEST_F(see, says_how_many_it_leaves_out)
{
	struct mock_rig *rig = &self->rig;
	__u32 id;
	int i;

	LOOK(self);
	EXPECT_EQ(NULL, fdinfo_line(&self->info, "iommufd-omitted:"));
	for (i = 2; i < SHOWN; i++)
		ASSERT_EQ(0, ioas_alloc(rig->fd, &id));
	LOOK(self);
	EXPECT_EQ(SHOWN, fdinfo_count(&self->info, "iommufd-ioas:"));
	EXPECT_EQ(NULL, fdinfo_line(&self->info, "iommufd-omitted:"));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, ioas_alloc(rig->fd, &id));
	LOOK(self);
	EXPECT_EQ(SHOWN, fdinfo_count(&self->info, "iommufd-ioas:"));
	EXPECT_EQ(10, fdinfo_number(&self->info, "iommufd-omitted:", "ioas"));
	EXPECT_EQ(0, fdinfo_number(&self->info, "iommufd-omitted:", "device"));
	EXPECT_EQ(0, fdinfo_number(&self->info, "iommufd-omitted:", "charge"));
	EXPECT_EQ(SHOWN + 10,
		  fdinfo_number(&self->info, "iommufd-objects:", "ioas"));
}

/* Who may see it */

struct reader {
	pid_t pid;
	int fd;
	bool root;
};

static int read_as(void *arg)
{
	struct reader *reader = arg;
	struct fdinfo info;

	if (!reader->root && setuid(NOBODY))
		return 255;
	return -fdinfo_read(&info, reader->pid, reader->fd);
}

TEST_F(see, not_for_other_users)
{
	struct reader reader = { .pid = getpid(), .fd = self->rig.fd };

	EXPECT_EQ(EACCES, child_run(read_as, &reader, TIMEOUT_MS));
	reader.root = true;
	EXPECT_EQ(0, child_run(read_as, &reader, TIMEOUT_MS));
}

/* Nobody is waited for */

struct stuck {
	struct mock_rig *rig;
	struct trap trap;
	struct mock_device device;
	int ret;
};

static void *map_the_trap(void *arg)
{
	struct stuck *stuck = arg;

	stuck->ret = ioas_map_fixed(stuck->rig->fd, stuck->rig->ioas_id,
				    stuck->trap.va, stuck->trap.length,
				    mock_rig_iova(0));
	return NULL;
}

static void *attach_to_the_trap(void *arg)
{
	struct stuck *stuck = arg;

	stuck->ret = mock_plug(stuck->rig->fd, stuck->rig->ioas_id,
			       &stuck->device);
	return NULL;
}

TEST_F(see, h60_map_that_waits)
{
	struct stuck stuck = { .rig = &self->rig };
	struct mock_rig *rig = &self->rig;
	pthread_t thread;
	__u64 start;

	if (trap_open(&stuck.trap, 4 * PAGE_SIZE) == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &stuck.device));
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_the_trap, &stuck));
	ASSERT_TRUE(trap_wait(&stuck.trap, TIMEOUT_MS));
	start = now_ms();
	EXPECT_IOAS(self, rig->ioas_id, 1, 4, 1, 0);
	EXPECT_EQ(rig->ioas_id,
		  fdinfo_number(&self->info, "iommufd-device:", "ioas"));
	EXPECT_LT(now_ms() - start, SOON_MS);
	/* The memory is paid for before it is pinned. */
	EXPECT_CHARGE(self, 4);
	EXPECT_EQ(0, trap_release(&stuck.trap));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, stuck.ret);
	EXPECT_IOAS(self, rig->ioas_id, 1, 4, 1, 4);
	ASSERT_EQ(0, mock_rig_unmap(rig, 0, 4));
	trap_close(&stuck.trap);
}

TEST_F(see, h60_attach_that_waits)
{
	struct stuck stuck = { .rig = &self->rig };
	struct mock_rig *rig = &self->rig;
	pthread_t thread;
	__u64 start;

	if (trap_open(&stuck.trap, 4 * PAGE_SIZE) == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	map_the_trap(&stuck);
	ASSERT_EQ(0, stuck.ret);
	ASSERT_EQ(0, pthread_create(&thread, NULL, attach_to_the_trap, &stuck));
	ASSERT_TRUE(trap_wait(&stuck.trap, TIMEOUT_MS));
	start = now_ms();
	LOOK(self);
	EXPECT_LT(now_ms() - start, SOON_MS);
	EXPECT_TRUE(fdinfo_has(&self->info, "iommufd-device:", "busy"));
	EXPECT_EQ(0, trap_release(&stuck.trap));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, stuck.ret);
	LOOK(self);
	EXPECT_FALSE(fdinfo_has(&self->info, "iommufd-device:", "busy"));
	EXPECT_EQ(stuck.device.hwpt_id,
		  fdinfo_number(&self->info, "iommufd-device:", "hwpt"));
	ASSERT_EQ(0, mock_rig_unmap(rig, 0, 4));
	trap_close(&stuck.trap);
}

/* debugfs */

#define DEBUGFS	"/sys/kernel/debug/iommufd/"

/* What a line of an area says. */
struct seen_area {
	unsigned long long iova;
	unsigned long long last;
	unsigned long pages;
	unsigned long pinned;
	char rights[4];
	char state[16];
	char content[16];
};

static unsigned long number_behind(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at ? strtoul(at + strlen(word), NULL, 10) : ~0UL;
}

static bool parse_area(const char *line, unsigned int context, __u32 ioas_id,
		       struct seen_area *area)
{
	char start[40];
	int length = snprintf(start, sizeof(start), "context=%u ioas=%u ",
			      context, ioas_id);

	if (strncmp(line, start, length))
		return false;
	area->pages = number_behind(line, " pages=");
	area->pinned = number_behind(line, " memory-pinned=");
	return sscanf(line + length,
		      "iova=%llx last=%llx rights=%3s state=%15s content=%15s ",
		      &area->iova, &area->last, area->rights, area->state,
		      area->content) == 5;
}

/*
 * How many areas of an IOAS there are to see, each at a higher IOVA than the one
 * before; -1 if not. @area receives the last.
 */
static int count_areas(unsigned int context, __u32 ioas_id,
		       struct seen_area *area)
{
	FILE *file = fopen(DEBUGFS "areas", "re");
	struct seen_area next;
	char line[512];
	int count = 0;

	if (!file)
		return -1;
	while (count >= 0 && fgets(line, sizeof(line), file)) {
		if (!parse_area(line, context, ioas_id, &next))
			continue;
		count = count && next.iova <= area->last ? -1 : count + 1;
		*area = next;
	}
	fclose(file);
	return count;
}

/* The number behind a word in the line of an IOAS; -1 if there is no line. */
static long long see_ioas(unsigned int context, __u32 ioas_id, const char *word)
{
	FILE *file = fopen(DEBUGFS "ioas", "re");
	long long number = -1;
	char line[512], start[40];
	const char *at;

	if (!file)
		return -1;
	snprintf(start, sizeof(start), "context=%u ioas=%u ", context, ioas_id);
	while (fgets(line, sizeof(line), file)) {
		at = strstr(line, word);
		if (!strncmp(line, start, strlen(start)) && at)
			number = strtoull(at + strlen(word), NULL, 10);
	}
	fclose(file);
	return number;
}

TEST_F(see, areas_in_debugfs)
{
	struct mock_rig *rig = &self->rig;
	struct mock_device device;
	struct seen_area area;
	unsigned int context;

	if (access(DEBUGFS, F_OK))
		SKIP(return, "no debugfs");
	LOOK(self);
	context = fdinfo_context(&self->info);
	EXPECT_EQ(0, count_areas(context, rig->ioas_id, &area));
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &device));
	ASSERT_EQ(0, mock_rig_map(rig, 4, 1));
	ASSERT_EQ(0, mock_rig_map(rig, 8, 4));
	EXPECT_EQ(2, count_areas(context, rig->ioas_id, &area));
	EXPECT_EQ(mock_rig_iova(8), area.iova);
	EXPECT_EQ(mock_rig_iova(12) - 1, area.last);
	EXPECT_EQ(4, area.pages);
	EXPECT_EQ(4, area.pinned);
	EXPECT_STREQ("rw", area.rights);
	EXPECT_STREQ("live", area.state);
	EXPECT_STREQ("filled", area.content);
	EXPECT_EQ(0, count_areas(context, rig->other_id, &area));
	EXPECT_EQ(2, see_ioas(context, rig->ioas_id, "areas="));
	EXPECT_EQ(5, see_ioas(context, rig->ioas_id, "device-pages="));
	EXPECT_EQ(0, see_ioas(context, rig->other_id, "areas="));
	ASSERT_EQ(0, mock_rig_unmap(rig, 8, 4));
	EXPECT_EQ(1, count_areas(context, rig->ioas_id, &area));
	EXPECT_EQ(mock_rig_iova(4), area.iova);
}

/* So many that a reader has to come back for more. */
#define MANY_AREAS	300

TEST_F(see, many_areas_in_debugfs)
{
	struct mock_rig *rig = &self->rig;
	struct seen_area area;
	unsigned int context;
	__u64 i;

	if (access(DEBUGFS, F_OK))
		SKIP(return, "no debugfs");
	LOOK(self);
	context = fdinfo_context(&self->info);
	/* One page each, and another page in between. */
	for (i = 0; i < MANY_AREAS; i++)
		ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					    PAGE_SIZE, 2 * i * PAGE_SIZE));
	/* At the very end, behind which there is nothing. */
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, -PAGE_SIZE));
	EXPECT_EQ(MANY_AREAS + 1, count_areas(context, rig->ioas_id, &area));
	EXPECT_EQ(~0ULL, area.last);
	EXPECT_EQ(~0ULL - (2 * MANY_AREAS - 1) * PAGE_SIZE - PAGE_SIZE + 1,
		  (__u64)see_ioas(context, rig->ioas_id, "largest-gap="));
}

/* What is just being mapped is seen, without waiting for it. */
TEST_F(see, h60_debugfs_beside_a_map_that_waits)
{
	struct stuck stuck = { .rig = &self->rig };
	struct mock_rig *rig = &self->rig;
	struct seen_area area;
	pthread_t thread;
	__u64 start;

	if (access(DEBUGFS, F_OK))
		SKIP(return, "no debugfs");
	if (trap_open(&stuck.trap, 4 * PAGE_SIZE) == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	LOOK(self);
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &stuck.device));
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_the_trap, &stuck));
	ASSERT_TRUE(trap_wait(&stuck.trap, TIMEOUT_MS));
	start = now_ms();
	EXPECT_EQ(1, count_areas(fdinfo_context(&self->info), rig->ioas_id,
				 &area));
	EXPECT_LT(now_ms() - start, SOON_MS);
	EXPECT_STREQ("setup", area.state);
	EXPECT_STREQ("filling", area.content);
	EXPECT_EQ(0, area.pinned);
	EXPECT_EQ(0, trap_release(&stuck.trap));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, stuck.ret);
	ASSERT_EQ(0, mock_rig_unmap(rig, 0, 4));
	trap_close(&stuck.trap);
}

static int open_debugfs(void *arg)
{
	FILE *file;

	(void)arg;
	if (setuid(NOBODY))
		return 255;
	file = fopen(DEBUGFS "areas", "re");
	return file ? 0 : errno;
}

TEST_F(see, debugfs_is_for_root)
{
	if (access(DEBUGFS, F_OK))
		SKIP(return, "no debugfs");
	EXPECT_EQ(EACCES, child_run(open_debugfs, NULL, TIMEOUT_MS));
}

TEST_HARNESS_MAIN

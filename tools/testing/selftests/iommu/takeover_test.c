// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * IOMMU_IOAS_CHANGE_PROCESS: a process takes an iommufd over from another one,
 * with all that is mapped and with devices that go on working.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/capability.h>

#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/process.h"
#include "lib/rig.h"
#include "lib/trap.h"

#define FILE_PAGES	16ULL
#define FILE_BYTES	(FILE_PAGES * PAGE_SIZE)

#define MODE_PROCESS	1

/* How often a process takes over from another one. */
#define ROUNDS		200

/*
 * What a child does not find as it should be; its exit status says that there was
 * something.
 */
#define NEED(condition) do { \
	if (!(condition)) { \
		fprintf(stderr, "# line %d: %s\n", __LINE__, #condition); \
		_exit(1); \
	} \
} while (0)

/*
 * Does this process show so many pages, by both counters? What another process
 * gives back may take a moment.
 */
static bool charged(__u64 pages)
{
	__u64 end = now_ms() + TIMEOUT_MS;
	__u64 kib = pages * KIB_PER_PAGE;

	while (status_kib("VmLck:") != kib && now_ms() < end)
		sleep_ms(1);
	return status_kib("VmPin:") == kib && status_kib("VmLck:") == kib;
}

/* Two IOASes and a file, with processes as payers */

FIXTURE(takeover)
{
	struct mock_rig rig;
	struct mock_device device;
	int file;
};

FIXTURE_SETUP(takeover)
{
	struct mock_rig *rig = &self->rig;
	int ret = mock_rig_create(rig, MODE_PROCESS);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	self->file = memory_create_file(MEMORY_MEMFD, FILE_BYTES);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &self->device));
}

FIXTURE_TEARDOWN(takeover)
{
	close(self->file);
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

static int map_file(struct mock_rig *rig, int file, __u32 ioas_id, __u64 page)
{
	return ioas_map_file_fixed(rig->fd, ioas_id, file, 0, FILE_BYTES,
				   mock_rig_iova(page));
}

static int take_over(void *arg)
{
	struct mock_rig *rig = arg;

	return -ioas_change_process(rig->fd);
}

TEST_F(takeover, nothing_to_take_over)
{
	EXPECT_EQ(0, ioas_change_process(self->rig.fd));
	EXPECT_EQ(0, child_run(take_over, &self->rig, TIMEOUT_MS));
	EXPECT_TRUE(charged(0));
}

static int take_over_and_look(void *arg)
{
	struct mock_rig *rig = arg;

	NEED(charged(0));
	NEED(!ioas_change_process(rig->fd));
	NEED(charged(FILE_PAGES));
	/* Once more is no more. */
	NEED(!ioas_change_process(rig->fd));
	NEED(charged(FILE_PAGES));
	return 0;
}

TEST_F(takeover, h59_charge_moves_and_comes_back)
{
	struct mock_rig *rig = &self->rig;

	ASSERT_EQ(0, map_file(rig, self->file, rig->ioas_id, 0));
	EXPECT_TRUE(charged(FILE_PAGES));
	EXPECT_EQ(0, child_run(take_over_and_look, rig, TIMEOUT_MS));
	/* The child has exited, and still it has paid. */
	EXPECT_TRUE(charged(0));
	/* Whoever maps pays, but nothing is pinned of this. */
	ASSERT_EQ(0, map_file(rig, self->file, rig->other_id, 0));
	EXPECT_TRUE(charged(0));
	EXPECT_EQ(0, ioas_change_process(rig->fd));
	EXPECT_TRUE(charged(FILE_PAGES));
	EXPECT_EQ(0, mock_rig_unmap(rig, 0, FILE_PAGES));
	EXPECT_TRUE(charged(0));
}

/* Memory of a process cannot be paid by another, in whatever IOAS it is. */
TEST_F(takeover, h59_files_only)
{
	struct mock_rig *rig = &self->rig;

	ASSERT_EQ(0, map_file(rig, self->file, rig->ioas_id, 0));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->other_id, rig->buffer,
				    PAGE_SIZE, mock_rig_iova(20)));
	EXPECT_EQ(EINVAL, child_run(take_over, rig, TIMEOUT_MS));
	EXPECT_EQ(-EINVAL, ioas_change_process(rig->fd));
	EXPECT_TRUE(charged(FILE_PAGES));
	ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->other_id, NULL));
	/* Behind many files, in the same IOAS */
	ASSERT_EQ(0, map_file(rig, self->file, rig->ioas_id, 20));
	ASSERT_EQ(0, map_file(rig, self->file, rig->ioas_id, 40));
	ASSERT_EQ(0, map_file(rig, self->file, rig->ioas_id, 60));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, mock_rig_iova(100)));
	EXPECT_EQ(EINVAL, child_run(take_over, rig, TIMEOUT_MS));
	EXPECT_TRUE(charged(4 * FILE_PAGES + 1));
	ASSERT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, mock_rig_iova(100),
				PAGE_SIZE, NULL));
	EXPECT_EQ(0, child_run(take_over, rig, TIMEOUT_MS));
	EXPECT_TRUE(charged(0));
}

static int take_over_limited(void *arg)
{
	struct mock_rig *rig = arg;

	NEED(!memlock_limit((2 * FILE_PAGES - 1) * PAGE_SIZE));
	NEED(!capability_drop(CAP_IPC_LOCK));
	NEED(ioas_change_process(rig->fd) == -ENOMEM);
	NEED(charged(0));
	NEED(!capability_raise(CAP_IPC_LOCK));
	NEED(!memlock_limit(2 * FILE_PAGES * PAGE_SIZE));
	NEED(!capability_drop(CAP_IPC_LOCK));
	NEED(!ioas_change_process(rig->fd));
	NEED(charged(2 * FILE_PAGES));
	return 0;
}

/* Two files, of which each alone is below the limit */
TEST_F(takeover, h59_all_or_nothing)
{
	struct mock_rig *rig = &self->rig;

	ASSERT_EQ(0, map_file(rig, self->file, rig->ioas_id, 0));
	ASSERT_EQ(0, map_file(rig, self->file, rig->ioas_id, 20));
	EXPECT_TRUE(charged(2 * FILE_PAGES));
	EXPECT_EQ(0, child_run(take_over_limited, rig, TIMEOUT_MS));
	EXPECT_TRUE(charged(0));
	/* Whoever has taken over pays for what comes, dead or not. */
	EXPECT_EQ(0, mock_rig_unmap(rig, 20, FILE_PAGES));
	EXPECT_EQ(0, ioas_change_process(rig->fd));
	EXPECT_TRUE(charged(FILE_PAGES));
}

/**
 * struct takeover_turn - what one of many processes does
 * @rig: the iommufd
 * @file: what it maps
 * @page: where, a multiple of 20; the turns before have mapped all before
 */
struct takeover_turn {
	struct mock_rig *rig;
	int file;
	__u64 page;
};

/* Maps one more file, and takes over what all others have mapped. */
static int map_and_take_over(void *arg)
{
	struct takeover_turn *turn = arg;

	NEED(!map_file(turn->rig, turn->file, turn->rig->ioas_id,
		       turn->page));
	NEED(charged(FILE_PAGES));
	NEED(!ioas_change_process(turn->rig->fd));
	NEED(charged((turn->page / 20 + 1) * FILE_PAGES));
	return 0;
}

/* However many have paid for a part of it, the last one pays for all. */
TEST_F(takeover, h59_processes_take_turns)
{
	struct mock_rig *rig = &self->rig;
	struct takeover_turn turn = { .rig = rig, .file = self->file };
	__u64 pages = 0;

	for (turn.page = 0; turn.page < 200; turn.page += 20) {
		ASSERT_EQ(0, child_run(map_and_take_over, &turn, TIMEOUT_MS));
		EXPECT_TRUE(charged(0));
		pages += FILE_PAGES;
	}
	EXPECT_EQ(0, ioas_change_process(rig->fd));
	EXPECT_TRUE(charged(pages));
	while (pages) {
		turn.page -= 20;
		pages -= FILE_PAGES;
		EXPECT_EQ(0, mock_rig_unmap(rig, turn.page, FILE_PAGES));
		EXPECT_TRUE(charged(pages));
	}
}

struct stuck_map {
	struct mock_rig *rig;
	struct trap *trap;
	pthread_t thread;
	int ret;
};

static void *map_the_trap(void *arg)
{
	struct stuck_map *stuck = arg;

	stuck->ret = ioas_map_fixed(stuck->rig->fd, stuck->rig->ioas_id,
				    stuck->trap->va, PAGE_SIZE,
				    mock_rig_iova(50));
	return NULL;
}

TEST_F(takeover, h59_while_something_is_mapped)
{
	struct mock_rig *rig = &self->rig;
	struct trap trap;
	struct stuck_map stuck = { .rig = rig, .trap = &trap };

	if (trap_open(&trap, PAGE_SIZE))
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, map_file(rig, self->file, rig->ioas_id, 0));
	ASSERT_EQ(0, pthread_create(&stuck.thread, NULL, map_the_trap, &stuck));
	ASSERT_EQ(1, trap_wait(&trap, TIMEOUT_MS));
	EXPECT_EQ(-EBUSY, ioas_change_process(rig->fd));
	EXPECT_EQ(EBUSY, child_run(take_over, rig, TIMEOUT_MS));
	EXPECT_EQ(0, trap_release(&trap));
	pthread_join(stuck.thread, NULL);
	EXPECT_EQ(0, stuck.ret);
	EXPECT_EQ(-EINVAL, ioas_change_process(rig->fd));
	EXPECT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, mock_rig_iova(50),
				PAGE_SIZE, NULL));
	EXPECT_EQ(0, ioas_change_process(rig->fd));
	trap_close(&trap);
}

/**
 * struct race - what goes on while processes take over from each other
 * @rig: the iommufd
 * @file: what is mapped
 * @stop: shared with a child: has to stop
 * @ret: what went wrong first
 */
struct race {
	struct mock_rig *rig;
	int file;
	atomic_bool *stop;
	atomic_int ret;
};

static void race_note(struct race *race, int ret)
{
	int none = 0;

	if (ret)
		atomic_compare_exchange_strong(&race->ret, &none, ret);
}

static void *race_map(void *arg)
{
	struct race *race = arg;
	struct mock_rig *rig = race->rig;
	__u64 round;

	for (round = 0; !atomic_load(race->stop); round++) {
		__u64 page = round % 4 * 20;

		race_note(race, map_file(rig, race->file, rig->ioas_id, page));
		race_note(race, mock_rig_unmap(rig, page, FILE_PAGES));
	}
	return NULL;
}

/* From an area that stays. */
static void *race_copy(void *arg)
{
	struct race *race = arg;
	struct mock_rig *rig = race->rig;

	while (!atomic_load(race->stop)) {
		struct iommu_ioas_copy copy = {
			.flags = MAP_FIXED_RW,
			.src_ioas_id = rig->ioas_id,
			.src_iova = mock_rig_iova(200),
			.length = FILE_BYTES,
			.dst_ioas_id = rig->other_id,
			.dst_iova = mock_rig_iova(0),
		};

		race_note(race, ioas_copy(rig->fd, &copy));
		race_note(race, ioas_unmap_all(rig->fd, rig->other_id, NULL));
	}
	return NULL;
}

static void *race_destroy(void *arg)
{
	struct race *race = arg;
	struct mock_rig *rig = race->rig;
	struct mock_device device;
	__u32 ioas_id;

	while (!atomic_load(race->stop)) {
		race_note(race, ioas_alloc(rig->fd, &ioas_id));
		race_note(race, map_file(rig, race->file, ioas_id, 0));
		race_note(race, mock_plug(rig->fd, ioas_id, &device));
		race_note(race, iommufd_destroy(rig->fd, device.id));
		race_note(race, iommufd_destroy(rig->fd, ioas_id));
	}
	return NULL;
}

static int race_take_over(void *arg)
{
	struct race *race = arg;

	while (!atomic_load(race->stop)) {
		int ret = ioas_change_process(race->rig->fd);

		NEED(!ret || ret == -EBUSY);
	}
	return 0;
}

TEST_F(takeover, h59_races_with_all_that_maps)
{
	void *(*const runs[])(void *) = { race_map, race_copy, race_destroy };
	struct race race = { .rig = &self->rig, .file = self->file };
	pthread_t threads[ARRAY_SIZE(runs)];
	unsigned int i, done = 0;
	pid_t child;

	race.stop = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)race.stop);
	ASSERT_EQ(0, map_file(race.rig, race.file, race.rig->ioas_id, 200));
	child = child_start(race_take_over, &race);
	ASSERT_GT(child, 0);
	for (i = 0; i < ARRAY_SIZE(runs); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, runs[i], &race));
	for (i = 0; i < ROUNDS; i++) {
		int ret = ioas_change_process(race.rig->fd);

		EXPECT_TRUE(!ret || ret == -EBUSY);
		done += !ret;
	}
	atomic_store(race.stop, true);
	for (i = 0; i < ARRAY_SIZE(runs); i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, child_wait(child, TIMEOUT_MS));
	EXPECT_EQ(0, race.ret);
	EXPECT_GT(done, 0);
	EXPECT_EQ(0, ioas_change_process(race.rig->fd));
	EXPECT_TRUE(charged(FILE_PAGES));
	EXPECT_EQ(0, mock_rig_unmap(race.rig, 200, FILE_PAGES));
	EXPECT_TRUE(charged(0));
	munmap(race.stop, PAGE_SIZE);
}

/* A live update: the old process hands all over, and exits */

/**
 * struct machine - what is handed over
 * @fds: an iommufd, the memory, and the device if it is a real one
 * @count: of these
 * @ioas_id: where the memory is mapped
 * @hwpt_id: the page table of a device of the mock IOMMU
 * @dev_id: of a real device
 * @iova: of the memory
 * @real: is there a device that does DMA?
 */
struct machine {
	int fds[3];
	int count;
	__u32 ioas_id;
	__u32 hwpt_id;
	__u32 dev_id;
	__u64 iova;
	bool real;
};

static int machine_send(int socket, const struct machine *machine)
{
	char control[CMSG_SPACE(sizeof(machine->fds))] = {};
	struct iovec data = { (void *)machine, sizeof(*machine) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(machine->count * sizeof(int)),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(machine->count * sizeof(int));
	memcpy(CMSG_DATA(header), machine->fds, machine->count * sizeof(int));
	return sendmsg(socket, &message, 0) == sizeof(*machine) ? 0 : -errno;
}

static int machine_receive(int socket, struct machine *machine)
{
	char control[CMSG_SPACE(sizeof(machine->fds))] = {};
	struct iovec data = { machine, sizeof(*machine) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != sizeof(*machine))
		return -EIO;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(machine->fds, CMSG_DATA(header), machine->count * sizeof(int));
	return 0;
}

static char *machine_memory(const struct machine *machine)
{
	void *va = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			machine->fds[1], 0);

	return va == MAP_FAILED ? NULL : va;
}

/**
 * struct party - one of the two processes
 * @socket: to the other one
 * @peer: what the other one has of it, to be closed
 * @real: take a device that does DMA
 */
struct party {
	int socket;
	int peer;
	bool real;
};

static int machine_create(struct machine *machine, struct edu *edu, bool real)
{
	struct mock_device device;

	machine->real = real;
	machine->fds[0] = iommufd_open();
	NEED(machine->fds[0] >= 0);
	NEED(!option_set(machine->fds[0], IOMMU_OPTION_RLIMIT_MODE, 0,
			 MODE_PROCESS));
	NEED(!ioas_alloc(machine->fds[0], &machine->ioas_id));
	machine->fds[1] = memory_create_file(MEMORY_MEMFD, FILE_BYTES);
	NEED(machine->fds[1] >= 0);
	machine->count = real ? 3 : 2;
	machine->iova = real ? RIG_IOVA : MOCK_APERTURE_START;
	if (!real) {
		NEED(!mock_plug(machine->fds[0], machine->ioas_id, &device));
		machine->hwpt_id = device.hwpt_id;
		return 0;
	}
	NEED(!edu_open(edu, 0));
	NEED(!edu_bind(edu, machine->fds[0]));
	NEED(!edu_attach_ioas(edu, machine->ioas_id));
	NEED(!edu_start(edu));
	machine->fds[2] = edu->vfio.fd;
	machine->dev_id = edu->vfio.dev_id;
	return 0;
}

static int machine_map(const struct machine *machine)
{
	return ioas_map_file_fixed(machine->fds[0], machine->ioas_id,
				   machine->fds[1], 0, FILE_BYTES,
				   machine->iova);
}

/* The device moves what is in one page of the memory to another. */
static bool device_moves(const struct machine *machine, struct edu *edu,
			 char *va, unsigned int round)
{
	__u64 from = round % 8 * PAGE_SIZE, to = (8 + round % 8) * PAGE_SIZE;
	const size_t length = 512;

	if (!machine->real)
		return !mock_check_map(machine->fds[0], machine->hwpt_id,
				       machine->iova, FILE_BYTES, va);
	memory_fill(va + from, length, round);
	memset(va + to, 0, length);
	return !edu_dma_copy(edu, machine->iova + from, machine->iova + to,
			     length) &&
	       memory_compare(va + to, length, round) < 0;
}

/**
 * struct engine - a device that is kept at work
 * @machine: what it belongs to
 * @edu: the device
 * @va: the memory
 * @stop: has to stop
 * @rounds: done so far
 * @failed: not all bytes came where they should
 */
struct engine {
	const struct machine *machine;
	struct edu *edu;
	char *va;
	atomic_bool stop;
	atomic_uint rounds;
	atomic_bool failed;
};

static void *engine_run(void *arg)
{
	struct engine *engine = arg;

	while (!atomic_load(&engine->stop)) {
		unsigned int round = atomic_fetch_add(&engine->rounds, 1);

		if (!device_moves(engine->machine, engine->edu, engine->va,
				  round))
			atomic_store(&engine->failed, true);
	}
	return NULL;
}

/* One byte says "go on". */
static bool say(int socket)
{
	return write(socket, "!", 1) == 1;
}

static bool hear(int socket)
{
	char byte;

	return read(socket, &byte, 1) == 1;
}

static int old_process(void *arg)
{
	struct party *party = arg;
	struct machine machine = {};
	struct engine engine = { .machine = &machine };
	struct edu edu = {};
	pthread_t thread;
	unsigned int before;

	close(party->peer);
	NEED(!machine_create(&machine, &edu, party->real));
	engine.edu = &edu;
	engine.va = machine_memory(&machine);
	NEED(engine.va);
	NEED(!machine_map(&machine));
	NEED(charged(FILE_PAGES));
	NEED(!pthread_create(&thread, NULL, engine_run, &engine));
	while (!atomic_load(&engine.rounds))
		sleep_ms(1);
	NEED(!machine_send(party->socket, &machine));
	/* The other one has taken over, and nothing has stopped for that. */
	NEED(hear(party->socket));
	NEED(charged(0));
	before = atomic_load(&engine.rounds);
	while (atomic_load(&engine.rounds) < before + 2)
		sleep_ms(1);
	atomic_store(&engine.stop, true);
	pthread_join(thread, NULL);
	NEED(!atomic_load(&engine.failed));
	NEED(charged(0));
	/* What is left open goes with the process. */
	NEED(say(party->socket));
	return 0;
}

static int new_process(void *arg)
{
	struct party *party = arg;
	struct machine machine = {};
	struct edu edu = {};
	unsigned int i;
	char *va;

	close(party->peer);
	NEED(charged(0));
	NEED(!machine_receive(party->socket, &machine));
	va = machine_memory(&machine);
	NEED(va);
	NEED(charged(0));
	NEED(!ioas_change_process(machine.fds[0]));
	NEED(charged(FILE_PAGES));
	NEED(say(party->socket));
	NEED(hear(party->socket));
	/* The other one has exited: nobody has its end any more. */
	NEED(!hear(party->socket));
	NEED(charged(FILE_PAGES));
	if (machine.real) {
		edu.vfio.fd = machine.fds[2];
		edu.vfio.dev_id = machine.dev_id;
		NEED(!edu_start(&edu));
	}
	for (i = 0; i < 3; i++)
		NEED(device_moves(&machine, &edu, va, i));
	NEED(charged(FILE_PAGES));
	NEED(!ioas_unmap(machine.fds[0], machine.ioas_id, machine.iova,
			 FILE_BYTES, NULL));
	NEED(charged(0));
	NEED(!machine_map(&machine));
	NEED(charged(FILE_PAGES));
	NEED(device_moves(&machine, &edu, va, i));
	return 0;
}

FIXTURE(update)
{
	struct baseline baseline;
};

FIXTURE_VARIANT(update)
{
	bool real;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(update, mock) { .real = false };
FIXTURE_VARIANT_ADD(update, dma) { .real = true };
/* clang-format on */

static bool device_exists(bool real)
{
	struct pci_slot slot;
	bool exists;
	int fd;

	if (real)
		return !edu_give_to_vfio(0, &slot);
	fd = iommufd_open();
	exists = fd >= 0 && mock_exists(fd);
	close(fd);
	return exists;
}

FIXTURE_SETUP(update)
{
	baseline_take(&self->baseline);
	if (!device_exists(variant->real))
		SKIP(return, "no such device");
}

FIXTURE_TEARDOWN(update)
{
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

TEST_F(update, h59_devices_go_on)
{
	int ends[2];
	pid_t old, new;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		ASSERT_EQ(EAFNOSUPPORT, errno);
		SKIP(return, "the kernel has no Unix sockets");
	}
	old = child_start(old_process, &(struct party){
		.socket = ends[0],
		.peer = ends[1],
		.real = variant->real,
	});
	ASSERT_GT(old, 0);
	new = child_start(new_process, &(struct party){
		.socket = ends[1],
		.peer = ends[0],
		.real = variant->real,
	});
	ASSERT_GT(new, 0);
	/* Whoever waits for an end that has gone gets to know it. */
	close(ends[0]);
	close(ends[1]);
	EXPECT_EQ(0, child_wait(old, TIMEOUT_MS));
	EXPECT_EQ(0, child_wait(new, TIMEOUT_MS));
}

TEST_HARNESS_MAIN

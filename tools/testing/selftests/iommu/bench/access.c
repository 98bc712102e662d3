// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Access from inside of the kernel. The driver in driver/ measures around
 * the calls of the kAPI, so no system call is part of these figures.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "access.h"
#include "driver/bench_access.h"
#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "lib/ioctls.h"

#define REPEAT		1000
#define REPEAT_LARGE	8
#define SZ_64K		0x10000ULL
#define ALL_PAGES	(BENCH_BYTES / SZ_4K)

/**
 * struct reach - accesses, and memory that they reach
 * @driver: the open driver, attached
 * @other: the same once more, a second user of the memory
 * @space: the IOAS and its device
 * @name: the kind of memory
 */
struct reach {
	int driver;
	int other;
	struct space space;
	const char *name;
};

int access_open(const struct space *space)
{
	struct bench_access_attach attach = {
		.iommufd = space->fd,
		.ioas_id = space->ioas_id,
	};
	int driver = open("/dev/" BENCH_ACCESS_NAME, O_RDWR | O_CLOEXEC);

	MUST(driver < 0 ? -errno : 0);
	MUST(ioctl(driver, BENCH_ACCESS_ATTACH, &attach) ? -errno : 0);
	return driver;
}

static void reach_open(struct reach *reach, const struct backend *backend,
		       const struct bench_kind *kind)
{
	reach->name = kind->name;
	space_open(&reach->space, backend);
	space_map(&reach->space, bench_memory(kind->kind, BENCH_BYTES),
		  BENCH_BYTES, BENCH_IOVA);
	reach->driver = access_open(&reach->space);
	reach->other = access_open(&reach->space);
}

static void reach_close(struct reach *reach)
{
	close(reach->other);
	close(reach->driver);
	space_close(&reach->space);
	memory_free_all();
}

static void ask(int driver, unsigned long request,
		struct bench_access_call *call)
{
	call->iova = BENCH_IOVA;
	MUST(ioctl(driver, request, call) ? -errno : 0);
}

static void measure(const struct reach *reach, unsigned long request,
		    struct bench_access_call *call)
{
	settle();
	ask(reach->driver, request, call);
}

void access_hold(int driver, __u64 length)
{
	struct bench_access_call hold = { .length = length, .write = true };

	ask(driver, BENCH_ACCESS_HOLD, &hold);
}

void access_let_go(int driver)
{
	MUST(ioctl(driver, BENCH_ACCESS_RELEASE) ? -errno : 0);
}

void access_read(int driver, __u64 length)
{
	struct bench_access_call read = { .length = length, .repeat = 1 };

	ask(driver, BENCH_ACCESS_RW, &read);
}

/* @who is else there: a device, or another access. */
static void pin_small(struct reach *reach, __u64 length, const char *size,
		      const char *who)
{
	struct bench_access_call pin = {
		.length = length,
		.repeat = REPEAT,
		.write = true,
	};

	measure(reach, BENCH_ACCESS_PIN, &pin);
	report(pin.out_ns, REPEAT, "per call", "access: pin %s, %s, %s", size,
	       who, reach->name);
	report(pin.out_unpin_ns, REPEAT, "per call", "access: unpin %s, %s, %s",
	       size, who, reach->name);
}

static void pin_all(struct reach *reach, const char *who)
{
	struct bench_access_call pin = {
		.length = BENCH_BYTES,
		.repeat = 1,
		.write = true,
	};

	measure(reach, BENCH_ACCESS_PIN, &pin);
	report(pin.out_ns, ALL_PAGES, "per 4 KiB",
	       "access: pin 256 MiB, %s, %s", who, reach->name);
	report(pin.out_unpin_ns, ALL_PAGES, "per 4 KiB",
	       "access: unpin 256 MiB, %s, %s", who, reach->name);
}

static void pin_each_size(struct reach *reach, const char *who)
{
	pin_small(reach, SZ_4K, "one page", who);
	pin_small(reach, SZ_64K, "64 KiB", who);
	pin_all(reach, who);
}

/* A second user of the range, which one holds already. */
static void pin_what_is_held(struct reach *reach)
{
	access_hold(reach->other, BENCH_BYTES);
	pin_each_size(reach, "another access holds it");
	access_let_go(reach->other);
}

static void copy(struct reach *reach, __u64 length, const char *size,
		 bool write, bool kernel_thread)
{
	struct bench_access_call copy = {
		.length = length,
		.repeat = length > SZ_64K ? REPEAT_LARGE : REPEAT,
		.write = write,
		.kernel_thread = kernel_thread,
	};

	measure(reach, BENCH_ACCESS_RW, &copy);
	report(copy.out_ns, copy.repeat, "per call", "access: %s %s%s, %s",
	       write ? "write" : "read", size,
	       kernel_thread ? " in a kernel thread" : "", reach->name);
}

/* Small ones meet a single page, whatever it is a part of. */
static void copy_each_size(struct reach *reach, bool small)
{
	int write, kernel_thread;

	for (kernel_thread = 0; kernel_thread < 2; kernel_thread++) {
		for (write = 0; write < 2; write++) {
			if (small) {
				copy(reach, 64, "64 B", write, kernel_thread);
				copy(reach, SZ_4K, "4 KiB", write,
				     kernel_thread);
			}
			copy(reach, SZ_2M, "2 MiB", write, kernel_thread);
		}
	}
}

/* Take the only page table away, and fill it again, while memory is pinned. */
static void move_under_access(struct reach *reach, __u64 length,
			      const char *what)
{
	__u64 start, detached, attach, attached;

	access_hold(reach->driver, length);
	start = start_ns();
	MUST(edu_detach(&reach->space.edu));
	detached = now_ns();
	attach = start_ns();
	MUST(edu_attach_ioas(&reach->space.edu, reach->space.ioas_id));
	attached = now_ns();
	access_let_go(reach->driver);
	report(detached - start, ALL_PAGES, "per 4 KiB",
	       "detach from 256 MiB, an access holds %s, %s", what,
	       reach->name);
	report(attached - attach, ALL_PAGES, "per 4 KiB",
	       "attach to 256 MiB, an access holds %s, %s", what, reach->name);
}

static void measure_kind(struct reach *reach, enum memory_kind kind)
{
	copy_each_size(reach, kind == MEMORY_SMALL_PAGES);
	pin_each_size(reach, "device attached");
	pin_what_is_held(reach);
	move_under_access(reach, SZ_4K, "a page");
	move_under_access(reach, BENCH_BYTES, "all of it");
	MUST(edu_detach(&reach->space.edu));
	pin_each_size(reach, "no device");
}

void bench_access(const struct backend *backend)
{
	struct reach reach;
	unsigned int i;

	for (i = 0; i < NR_BENCH_KINDS; i++) {
		if (bench_kinds[i].kind != MEMORY_SMALL_PAGES &&
		    bench_kinds[i].kind != MEMORY_HUGETLB)
			continue;
		reach_open(&reach, backend, &bench_kinds[i]);
		measure_kind(&reach, bench_kinds[i].kind);
		reach_close(&reach);
	}
}

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

#include "driver/bench_access.h"
#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "lib/ioctls.h"

#define REPEAT		1000
#define ALL_PAGES	(BENCH_BYTES / SZ_4K)

/**
 * struct reach - an access, and memory that it reaches
 * @driver: the open driver, attached
 * @space: the IOAS and its device
 * @name: the kind of memory
 */
struct reach {
	int driver;
	struct space space;
	const char *name;
};

static void reach_open(struct reach *reach, const struct backend *backend,
		       const struct bench_kind *kind)
{
	struct bench_access_attach attach;

	reach->name = kind->name;
	space_open(&reach->space, backend);
	space_map(&reach->space, bench_memory(kind->kind, BENCH_BYTES),
		  BENCH_BYTES, BENCH_IOVA);
	reach->driver = open("/dev/" BENCH_ACCESS_NAME, O_RDWR | O_CLOEXEC);
	MUST(reach->driver < 0 ? -errno : 0);
	attach = (struct bench_access_attach){
		.iommufd = reach->space.fd,
		.ioas_id = reach->space.ioas_id,
	};
	MUST(ioctl(reach->driver, BENCH_ACCESS_ATTACH, &attach) ? -errno : 0);
}

static void reach_close(struct reach *reach)
{
	close(reach->driver);
	space_close(&reach->space);
	memory_free_all();
}

static struct bench_access_call call(struct reach *reach, unsigned long request,
				     __u64 length, __u32 repeat, bool write)
{
	struct bench_access_call call = {
		.iova = BENCH_IOVA,
		.length = length,
		.repeat = repeat,
		.write = write,
	};

	settle();
	MUST(ioctl(reach->driver, request, &call) ? -errno : 0);
	return call;
}

static void pin_one(struct reach *reach, const char *devices)
{
	struct bench_access_call done = call(reach, BENCH_ACCESS_PIN, SZ_4K,
					     REPEAT, true);

	report(done.out_ns, REPEAT, "per call", "access: pin one page, %s, %s",
	       devices, reach->name);
	report(done.out_unpin_ns, REPEAT, "per call",
	       "access: unpin one page, %s, %s", devices, reach->name);
}

static void pin_all(struct reach *reach, const char *devices)
{
	struct bench_access_call done = call(reach, BENCH_ACCESS_PIN,
					     BENCH_BYTES, 1, true);

	report(done.out_ns, ALL_PAGES, "per 4 KiB",
	       "access: pin 256 MiB, %s, %s", devices, reach->name);
	report(done.out_unpin_ns, ALL_PAGES, "per 4 KiB",
	       "access: unpin 256 MiB, %s, %s", devices, reach->name);
}

static void read_and_write(struct reach *reach)
{
	report(call(reach, BENCH_ACCESS_RW, SZ_4K, REPEAT, false).out_ns,
	       REPEAT, "per call", "access: read 4 KiB, %s", reach->name);
	report(call(reach, BENCH_ACCESS_RW, SZ_4K, REPEAT, true).out_ns,
	       REPEAT, "per call", "access: write 4 KiB, %s", reach->name);
}

/* Take the only page table away, and fill it again, while memory is pinned. */
static void move_under_access(struct reach *reach, __u64 length,
			      const char *what)
{
	__u64 start, detached, attach, attached;

	call(reach, BENCH_ACCESS_HOLD, length, 1, true);
	start = start_ns();
	MUST(edu_detach(&reach->space.edu));
	detached = now_ns();
	attach = start_ns();
	MUST(edu_attach_ioas(&reach->space.edu, reach->space.ioas_id));
	attached = now_ns();
	MUST(ioctl(reach->driver, BENCH_ACCESS_RELEASE) ? -errno : 0);
	report(detached - start, ALL_PAGES, "per 4 KiB",
	       "detach from 256 MiB, an access holds %s, %s", what,
	       reach->name);
	report(attached - attach, ALL_PAGES, "per 4 KiB",
	       "attach to 256 MiB, an access holds %s, %s", what, reach->name);
}

static void measure(struct reach *reach)
{
	read_and_write(reach);
	pin_one(reach, "device attached");
	pin_all(reach, "device attached");
	move_under_access(reach, SZ_4K, "a page");
	move_under_access(reach, BENCH_BYTES, "all of it");
	MUST(edu_detach(&reach->space.edu));
	pin_one(reach, "no device");
	pin_all(reach, "no device");
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
		measure(&reach);
		reach_close(&reach);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "trap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

static int trap_register(struct trap *trap)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)trap->va, trap->length },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(trap->fd, UFFDIO_API, &api) ||
	    ioctl(trap->fd, UFFDIO_REGISTER, &range))
		return -errno;
	return 0;
}

int trap_open_at(struct trap *trap, void *va, size_t length)
{
	int ret;

	trap->length = length;
	trap->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (trap->fd < 0)
		return -ENOTSUP;
	trap->va = mmap(va, length, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | (va ? MAP_FIXED : 0), -1,
			0);
	if (trap->va == MAP_FAILED) {
		close(trap->fd);
		return -ENOMEM;
	}
	ret = trap_register(trap);
	if (ret)
		trap_close(trap);
	return ret;
}

int trap_open(struct trap *trap, size_t length)
{
	return trap_open_at(trap, NULL, length);
}

int trap_wait(struct trap *trap, int timeout_ms)
{
	struct pollfd pollfd = { .fd = trap->fd, .events = POLLIN };

	return poll(&pollfd, 1, timeout_ms) == 1 && (pollfd.revents & POLLIN);
}

int trap_release(struct trap *trap)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)trap->va, trap->length },
	};

	return ioctl(trap->fd, UFFDIO_ZEROPAGE, &zero) ? -errno : 0;
}

void trap_close(struct trap *trap)
{
	if (trap->fd < 0)
		return;
	munmap(trap->va, trap->length);
	/* Wakes everybody who still waits, for what is not there any more. */
	close(trap->fd);
	trap->fd = -1;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

/* No doorbell in these tests is rung later than this. */
#define DOORBELL_TIMEOUT_MS	120000

static int capability_change(int capability, bool on)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	__u32 bit = 1U << (capability % 32);
	__u32 *word = &data[capability / 32].effective;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*word = on ? *word | bit : *word & ~bit;
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int capability_drop(int capability)
{
	return capability_change(capability, false);
}

int capability_raise(int capability)
{
	return capability_change(capability, true);
}

int memlock_limit(__u64 bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}

int stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

pid_t child_start(int (*fn)(void *arg), void *arg)
{
	pid_t pid;

	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (!pid) {
		/* Nobody is left behind when the test itself is killed. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(arg));
	}
	return pid;
}

int child_wait(pid_t pid, unsigned int timeout_ms)
{
	__u64 end = now_ms() + timeout_ms;
	int status;
	pid_t done;

	for (;;) {
		done = waitpid(pid, &status, WNOHANG);
		if (done < 0)
			return -errno;
		if (done == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
		if (now_ms() > end)
			break;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -ETIMEDOUT;
}

int child_run(int (*fn)(void *arg), void *arg, unsigned int timeout_ms)
{
	pid_t pid = child_start(fn, arg);

	return pid < 0 ? -errno : child_wait(pid, timeout_ms);
}

int doorbell_init(struct doorbell *bell)
{
	if (pipe2(bell->to_child, O_CLOEXEC) || pipe2(bell->to_parent, O_CLOEXEC))
		return -errno;
	return 0;
}

void doorbell_close(struct doorbell *bell)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(bell->to_child[i]);
		close(bell->to_parent[i]);
	}
}

static void ring(int fd)
{
	if (write(fd, "!", 1) != 1)
		perror("doorbell");
}

static int await(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char byte;

	if (poll(&pollfd, 1, DOORBELL_TIMEOUT_MS) != 1)
		return -ETIMEDOUT;
	return read(fd, &byte, 1) == 1 ? 0 : -EIO;
}

void child_ring(struct doorbell *bell)
{
	ring(bell->to_parent[1]);
}

int child_await(struct doorbell *bell)
{
	return await(bell->to_child[0]);
}

void parent_ring(struct doorbell *bell)
{
	ring(bell->to_child[1]);
}

int parent_await(struct doorbell *bell)
{
	return await(bell->to_parent[0]);
}

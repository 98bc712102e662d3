// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "watch.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/process.h"

#define LOOK_US	5000

void fuzz_watch_begin(struct fuzz_watched *watched, pid_t pid,
		      const __u64 *beats, unsigned int nr_beats)
{
	unsigned int i;

	memset(watched, 0, sizeof(*watched));
	watched->pid = pid;
	watched->beats = beats;
	watched->nr_beats = nr_beats;
	for (i = 0; i < nr_beats; i++)
		watched->since[i] = now_ms();
}

/* A beat of all ones belongs to a thread that is done. */
static bool hangs(struct fuzz_watched *watched)
{
	unsigned int i;

	for (i = 0; i < watched->nr_beats; i++) {
		__u64 beat = __atomic_load_n(&watched->beats[i],
					     __ATOMIC_RELAXED);

		if (beat != watched->seen[i]) {
			watched->seen[i] = beat;
			watched->since[i] = now_ms();
		} else if (beat != ~0ULL &&
			   now_ms() - watched->since[i] > FUZZ_HANG_MS) {
			return true;
		}
	}
	return false;
}

int fuzz_watch_look(struct fuzz_watched *watched,
		    enum fuzz_watch_result *result)
{
	int status;

	if (waitpid(watched->pid, &status, WNOHANG) == watched->pid) {
		*result = WIFSIGNALED(status) ? FUZZ_WATCH_DIED :
			  WEXITSTATUS(status) ? FUZZ_WATCH_BAD :
						FUZZ_WATCH_GOOD;
		return true;
	}
	if (!hangs(watched))
		return false;
	/* A child that hangs in the kernel may not die of this either. */
	kill(watched->pid, SIGKILL);
	*result = FUZZ_WATCH_HUNG;
	return true;
}

enum fuzz_watch_result fuzz_watch(int (*fn)(void *arg), void *arg,
				  const __u64 *beats, unsigned int nr_beats)
{
	enum fuzz_watch_result result;
	struct fuzz_watched watched;
	pid_t pid = child_start(fn, arg);

	if (pid < 0)
		return FUZZ_WATCH_BAD;
	fuzz_watch_begin(&watched, pid, beats, nr_beats);
	while (!fuzz_watch_look(&watched, &result))
		usleep(LOOK_US);
	return result;
}

void *fuzz_shared_alloc(size_t size)
{
	void *va = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (va == MAP_FAILED) {
		perror("fuzz");
		abort();
	}
	return va;
}

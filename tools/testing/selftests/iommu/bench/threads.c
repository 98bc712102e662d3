// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What a second thread on a second processor adds. Both do the same amount of
 * work in one address space, each with memory and IOVA of its own. The result
 * is a ratio of times: 2 when neither ever waits for the other, 1 when they
 * take turns. One work without any mapping shows what the machine itself gives.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"

#define THREADS		2
#define ROUNDS		5

/* The best of so many times counts: what disturbs the host only takes longer. */
#define TRIES		5

/* One thread alone takes at least so long, which hides start and end. */
#define LEAST_NS	50000000ULL

/* So that no two meet in one page of an I/O page table. */
#define IOVA_STRIDE	SZ_1G

struct thread;

/**
 * struct work - what a thread does again and again
 * @name: of the result
 * @kind: of the memory
 * @length: bytes of it for each thread, 0 if there is none
 * @step: do it once
 */
struct work {
	const char *name;
	enum memory_kind kind;
	__u64 length;
	void (*step)(struct thread *thread);
};

/**
 * struct thread - one of the threads, also when it is alone
 * @work: what it does
 * @space: where
 * @va: its memory
 * @iova: its place
 * @cpu: its processor
 * @repeat: how often it does it
 * @gate: where the threads wait for each other at the beginning
 * @start: when it began
 * @end: when it was ready
 * @id: for pthread_join()
 */
struct thread {
	const struct work *work;
	struct space *space;
	void *va;
	__u64 iova;
	int cpu;
	__u64 repeat;
	pthread_barrier_t *gate;
	__u64 start;
	__u64 end;
	pthread_t id;
};

static void system_call(struct thread *thread)
{
	(void)thread;
	syscall(SYS_getppid);
}

static void map_and_unmap(struct thread *thread)
{
	space_map(thread->space, thread->va, thread->work->length,
		  thread->iova);
	space_unmap(thread->space, thread->iova, thread->work->length);
}

static const struct work works[] = {
	{ "no mapping, only getppid()", MEMORY_SMALL_PAGES, 0, system_call },
	{ "map and unmap 4 KiB", MEMORY_SMALL_PAGES, SZ_4K, map_and_unmap },
	{ "map and unmap 2 MiB of scattered 4 KiB pages", MEMORY_SMALL_PAGES,
	  SZ_2M, map_and_unmap },
	{ "map and unmap 2 MiB of hugetlb", MEMORY_HUGETLB, SZ_2M,
	  map_and_unmap },
};

static void stay_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	MUST(-pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus));
}

static void *thread_main(void *data)
{
	struct thread *thread = data;
	__u64 i;

	stay_on(thread->cpu);
	pthread_barrier_wait(thread->gate);
	thread->start = now_ns();
	for (i = 0; i < thread->repeat; i++)
		thread->work->step(thread);
	thread->end = now_ns();
	return NULL;
}

/* From when the first one starts to when the last one is ready. */
static __u64 time_threads(struct thread *threads, unsigned int count)
{
	__u64 start = ~0ULL, end = 0;
	pthread_barrier_t gate;
	unsigned int i;

	MUST(-pthread_barrier_init(&gate, NULL, count));
	for (i = 0; i < count; i++) {
		threads[i].gate = &gate;
		MUST(-pthread_create(&threads[i].id, NULL, thread_main,
				     &threads[i]));
	}
	for (i = 0; i < count; i++) {
		pthread_join(threads[i].id, NULL);
		if (threads[i].start < start)
			start = threads[i].start;
		if (threads[i].end > end)
			end = threads[i].end;
	}
	pthread_barrier_destroy(&gate);
	return end - start;
}

static void choose_repeat(struct thread *threads)
{
	__u64 repeat = 1;

	do {
		repeat *= 2;
		threads[0].repeat = repeat;
	} while (time_threads(threads, 1) < LEAST_NS);
	threads[1].repeat = repeat;
}

static void prepare(struct thread *threads, const struct work *work,
		    struct space *space, __u64 iova)
{
	char *va = NULL;
	unsigned int i;

	if (work->length)
		va = bench_memory(work->kind, THREADS * work->length);
	for (i = 0; i < THREADS; i++)
		threads[i] = (struct thread){
			.work = work,
			.space = space,
			.va = va + i * work->length,
			.iova = iova + i * IOVA_STRIDE,
			.cpu = i,
		};
	choose_repeat(threads);
}

static void keep_least(__u64 *least, __u64 time)
{
	if (time < *least)
		*least = time;
}

/* Either thread alone, and then both at once. */
static void one_round(struct thread *threads, unsigned int round)
{
	__u64 alone[THREADS] = { ~0ULL, ~0ULL }, together = ~0ULL;
	char name[128];
	int try, i;

	for (try = 0; try < TRIES; try++) {
		for (i = 0; i < THREADS; i++)
			keep_least(&alone[i], time_threads(&threads[i], 1));
		keep_least(&together, time_threads(threads, THREADS));
	}
	snprintf(name, sizeof(name), "two threads: %s", threads[0].work->name);
	report_point(round, alone[0] + alone[1], together, "two/one", name);
}

/*
 * All works in each round: when the host has something else to do for a while
 * that shows in all of them, and not as a property of one.
 */
void bench_threads(const struct backend *backend)
{
	struct thread threads[ARRAY_SIZE(works)][THREADS];
	struct space space;
	unsigned int i, round;

	space_open(&space, backend);
	for (i = 0; i < ARRAY_SIZE(works); i++)
		prepare(threads[i], &works[i], &space,
			BENCH_IOVA + i * THREADS * IOVA_STRIDE);
	for (round = 1; round <= ROUNDS; round++)
		for (i = 0; i < ARRAY_SIZE(works); i++)
			one_round(threads[i], round);
	space_close(&space);
	memory_free_all();
}

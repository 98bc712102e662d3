// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Random operations on /dev/iommu, compared with a plain model, and random
 * operations from many threads at once.
 *
 *	fuzz_test [--seed N] [--ops N] [--threads N]
 *		  [--model-ops N] [--threads-ops N]
 *
 * or FUZZ_SEED, FUZZ_OPS and FUZZ_THREADS in the environment. The number of
 * operations is shared by both tests, unless each is given its own; of none,
 * the one with the model still does a run. Run number i has
 * the seed N + i, so what is reported as the seed of a run brings it back with
 * --seed and --ops 1.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest.h"
#include "fuzz/ops.h"
#include "fuzz/run.h"
#include "fuzz/shrink.h"
#include "fuzz/sources.h"
#include "fuzz/threads.h"
#include "fuzz/watch.h"
#include "lib/ioctls.h"
#include "lib/process.h"

#define DEFAULT_SEED		20260101
#define MODEL_OPS		26000
#define THREADS_OPS		25000
#define ROUND_OPS		15000
#define DEFAULT_THREADS		4

/**
 * struct options - what was asked for
 * @seed: of the first run
 * @model_ops: operations to compare with the model
 * @threads_ops: operations of many threads
 * @threads: how many
 */
struct options {
	__u64 seed;
	__u64 model_ops;
	__u64 threads_ops;
	unsigned int threads;
};

/**
 * struct job - runs to do in a child
 * @board: shared with it
 * @seed: of the first run
 * @operations: how many to do
 */
struct job {
	struct fuzz_board *board;
	__u64 seed;
	__u64 operations;
};

static void print_counts(const char *what, const struct fuzz_counts *counts)
{
	unsigned int i;

	ksft_print_msg("%s: %llu operations, %llu checks in %llu ms\n", what,
		       (long long)counts->operations,
		       (long long)counts->checks,
		       (long long)counts->check_microseconds / 1000);
	for (i = 0; i < FUZZ_KINDS; i++)
		if (counts->by_kind[i])
			ksft_print_msg("  %-24s %llu in %llu ms\n",
				       fuzz_kind_name(i),
				       (long long)counts->by_kind[i],
				       (long long)counts->microseconds[i] / 1000);
	for (i = 0; i < FUZZ_ERRNOS; i++)
		if (counts->by_errno[i])
			ksft_print_msg("  %-24s %llu\n",
				       i ? strerrorname_np(i) : "success",
				       (long long)counts->by_errno[i]);
}

static int do_runs(void *arg)
{
	struct job *job = arg;
	struct fuzz_board *board = job->board;
	__u64 seed = job->seed;

	if (fuzz_sources_init()) {
		snprintf(board->report.text, sizeof(board->report.text),
			 "no memory to map");
		return 1;
	}
	do {
		fuzz_run_seed(board, seed++);
		if (board->report.failed)
			return 1;
	} while (board->counts.operations < job->operations);
	return 0;
}

static bool test_model(const struct options *options)
{
	struct fuzz_board *board = fuzz_shared_alloc(sizeof(*board));
	struct job job = {
		.board = board,
		.seed = options->seed,
		.operations = options->model_ops,
	};
	enum fuzz_watch_result result;
	__u64 begin = now_ms();

	result = fuzz_watch(do_runs, &job, &board->beat, 1);
	print_counts("compared with the model", &board->counts);
	ksft_print_msg("seeds %llu to %llu, %llu ms\n",
		       (long long)options->seed, (long long)board->seed,
		       (long long)(now_ms() - begin));
	if (result == FUZZ_WATCH_GOOD)
		return true;
	if (result != FUZZ_WATCH_BAD) {
		board->report.at = board->sequence.count - 1;
		snprintf(board->report.text, sizeof(board->report.text), "%s",
			 result == FUZZ_WATCH_HUNG ? FUZZ_HUNG : FUZZ_DIED);
	}
	fflush(stdout);
	fuzz_shrink_and_print(board);
	return false;
}

static bool test_threads(const struct options *options)
{
	struct fuzz_counts counts = {};
	__u64 begin = now_ms(), seed = options->seed;
	const char *wrong = NULL;

	while (!wrong && counts.operations < options->threads_ops)
		wrong = fuzz_threads_round(&counts, seed++, ROUND_OPS,
					   options->threads);
	print_counts("many threads", &counts);
	ksft_print_msg("seeds %llu to %llu, %u threads, %llu ms\n",
		       (long long)options->seed, (long long)seed - 1,
		       options->threads, (long long)(now_ms() - begin));
	if (wrong)
		ksft_print_msg("seed %llu: %s\n", (long long)seed - 1, wrong);
	return !wrong;
}

static bool test_shrinker(const struct options *options)
{
	const char *wrong = fuzz_shrink_selftest(options->seed);

	if (wrong)
		ksft_print_msg("%s\n", wrong);
	return !wrong;
}

/* Without the mock IOMMU hardly anything would be tested. */
static bool test_mock(void)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT,
		.memory_limit.limit = 65536,
	};
	int fd = iommufd_open();
	int ret;

	if (fd < 0) {
		ksft_print_msg("/dev/iommu: %s\n", strerror(-fd));
		return false;
	}
	ret = iommufd_ioctl(fd, IOMMU_TEST_CMD, &cmd);
	close(fd);
	if (ret)
		ksft_print_msg("IOMMU_TEST_CMD: %s\n", strerror(-ret));
	return !ret;
}

static __u64 number(const char *text, __u64 fallback)
{
	return text && *text ? strtoull(text, NULL, 0) : fallback;
}

/* The larger part of it is compared with the model. */
static void set_operations(struct options *options, const char *text)
{
	__u64 total = number(text, MODEL_OPS + THREADS_OPS);

	options->threads_ops = total * 16 / 41;
	options->model_ops = total - options->threads_ops;
}

static void read_options(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "ops", required_argument, NULL, 'o' },
		{ "threads", required_argument, NULL, 't' },
		{ "model-ops", required_argument, NULL, 'm' },
		{ "threads-ops", required_argument, NULL, 'p' },
		{}
	};
	int option;

	options->seed = number(getenv("FUZZ_SEED"), DEFAULT_SEED);
	options->threads = number(getenv("FUZZ_THREADS"), DEFAULT_THREADS);
	set_operations(options, getenv("FUZZ_OPS"));
	while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (option == 's')
			options->seed = number(optarg, DEFAULT_SEED);
		else if (option == 'o')
			set_operations(options, optarg);
		else if (option == 'm')
			options->model_ops = number(optarg, MODEL_OPS);
		else if (option == 'p')
			options->threads_ops = number(optarg, THREADS_OPS);
		else if (option == 't')
			options->threads = number(optarg, DEFAULT_THREADS);
		else
			ksft_exit_fail_msg("unknown option\n");
	}
	if (options->threads > FUZZ_THREADS_MAX)
		ksft_exit_fail_msg("at most %d threads\n", FUZZ_THREADS_MAX);
}

int main(int argc, char **argv)
{
	struct options options;
	bool mock;

	read_options(&options, argc, argv);
	ksft_print_header();
	ksft_set_plan(4);
	ksft_test_result(test_shrinker(&options),
			 "sequences shrink to what a failure needs\n");
	mock = test_mock();
	ksft_test_result(mock, "the mock IOMMU is there\n");
	ksft_test_result(mock && test_model(&options),
			 "random operations do what the model says\n");
	if (options.threads)
		ksft_test_result(mock && test_threads(&options),
				 "random operations of many threads leave nothing\n");
	else
		ksft_test_result_skip("no threads are wanted\n");
	ksft_finished();
}

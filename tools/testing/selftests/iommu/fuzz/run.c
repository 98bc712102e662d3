// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "run.h"

#include <stdio.h>

#include <linux/capability.h>

#include "lib/clock.h"
#include "lib/process.h"
#include "lib/usage.h"

#include "bar.h"
#include "check.h"
#include "execute.h"
#include "files.h"
#include "generate.h"
#include "sources.h"

/* Operations from one look at everything to the next. */
#define FUZZ_CHECK_EVERY	270

static void fail(struct fuzz_board *board, unsigned int at, const char *text)
{
	board->report.failed = true;
	board->report.at = at;
	snprintf(board->report.text, sizeof(board->report.text), "%s", text);
}

static const char *execute_timed(struct fuzz_state *state,
				 const struct fuzz_op *op)
{
	struct fuzz_counts *counts = &state->board->counts;
	__u64 begin = now_us();
	const char *wrong = fuzz_execute(state, op);

	counts->microseconds[op->kind] += now_us() - begin;
	return wrong;
}

static const char *check_timed(struct fuzz_state *state)
{
	__u64 begin = now_us();
	const char *wrong = fuzz_check(state);

	state->board->counts.check_microseconds += now_us() - begin;
	return wrong;
}

/* One run in one state; @random is NULL for a replay. */
static const char *run_ops(struct fuzz_state *state, struct fuzz_random *random,
			   unsigned int *at)
{
	struct fuzz_sequence *sequence = &state->board->sequence;
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; !wrong && i < (random ? FUZZ_RUN_OPS : sequence->count);
	     i++) {
		*at = i;
		if (random) {
			fuzz_generate(random, &state->model, &sequence->ops[i]);
			sequence->count = i + 1;
		}
		wrong = execute_timed(state, &sequence->ops[i]);
		if (!wrong && (i + 1) % FUZZ_CHECK_EVERY == 0)
			wrong = check_timed(state);
	}
	return wrong ? wrong : check_timed(state);
}

/* A limit only counts for those who may not exceed it. */
static int set_limit(__u64 pages)
{
	int ret = pages ? capability_drop(CAP_IPC_LOCK) :
			  capability_raise(CAP_IPC_LOCK);

	return ret ? ret : memlock_limit(pages ? pages * FUZZ_PAGE : 1ULL << 40);
}

static void run(struct fuzz_board *board, struct fuzz_random *random)
{
	static struct fuzz_state state;
	struct baseline baseline;
	const char *wrong = NULL;
	unsigned int i, at = 0;

	if (!state.stage.data && fuzz_stage_init(&state.stage)) {
		fail(board, 0, "no memory for the stage");
		return;
	}
	fuzz_sources_reset();
	baseline_take(&baseline);
	state.board = board;
	fuzz_model_init(&state.model);
	state.model.limit = board->sequence.memlock;
	state.model.only_files = random && fuzz_random_percent(random, 35);
	if (set_limit(board->sequence.memlock))
		wrong = "the limit cannot be set";
	for (i = 0; !wrong && i < FUZZ_CONTEXTS; i++)
		if (fuzz_context_open(&state.model.contexts[i]))
			wrong = "/dev/iommu cannot be opened";
	if (!wrong) {
		fuzz_reset_memory_limit(state.model.contexts[0].fd);
		if (mock_answers(state.model.contexts[0].fd,
				 &state.model.answers))
			wrong = "answers to devices cannot be counted";
	}
	if (!wrong)
		wrong = run_ops(&state, random, &at);
	/* A model that is wrong is of no more use, not even to be emptied. */
	if (wrong) {
		fail(board, at, wrong);
		return;
	}
	for (i = 0; i < FUZZ_CONTEXTS; i++)
		if (state.model.contexts[i].fd >= 0)
			fuzz_context_close(&state.model,
					   &state.model.contexts[i], i);
	/* A huge page of a file may be missing. */
	fuzz_bar_end_reset();
	fuzz_files_reset();
	wrong = baseline_check(&baseline);
	if (*wrong)
		fail(board, at, wrong);
}

void fuzz_run_seed(struct fuzz_board *board, __u64 seed)
{
	struct fuzz_random random = { .state = seed };

	board->seed = seed;
	board->report.failed = false;
	board->sequence.count = 0;
	board->sequence.memlock = 0;
	if (fuzz_random_percent(&random, 25))
		board->sequence.memlock = 8 + fuzz_random_below(&random, 100);
	run(board, &random);
}

void fuzz_run_replay(struct fuzz_board *board)
{
	board->report.failed = false;
	run(board, NULL);
}

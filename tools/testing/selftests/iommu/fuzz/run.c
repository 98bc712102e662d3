// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "run.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/capability.h>

#include "generate.h"
#include "lib/ioctls.h"
#include "lib/process.h"
#include "lib/usage.h"

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

static int open_context(struct fuzz_context *context)
{
	context->fd = iommufd_open();
	return context->fd < 0 ? context->fd : 0;
}

/* Accesses keep a context alive, so either order has to work. */
static void close_context(struct fuzz_model *model,
			  struct fuzz_context *context, bool accesses_first)
{
	int i;

	if (!accesses_first)
		close(context->fd);
	for (i = 0; i < FUZZ_ACCESSES; i++)
		if (context->accesses[i].fd >= 0)
			close(context->accesses[i].fd);
	if (accesses_first)
		close(context->fd);
	fuzz_model_clear_context(model, context);
	context->fd = -1;
}

static const char *execute_local(struct fuzz_model *model,
				 const struct fuzz_op *op)
{
	struct fuzz_context *context = &model->contexts[op->context];

	switch (op->kind) {
	case FUZZ_CLOSE_ACCESS:
		close(context->accesses[op->object].fd);
		break;
	case FUZZ_REOPEN:
		close_context(model, context, op->value & 1);
		return open_context(context) ? "/dev/iommu cannot be opened" :
					       NULL;
	case FUZZ_SOURCE_MUNMAP:
		fuzz_memory_munmap(op->offset, op->length);
		break;
	case FUZZ_SOURCE_MMAP:
		fuzz_memory_mmap(op->offset, op->length, op->value);
		break;
	case FUZZ_SOURCE_PROTECT:
		fuzz_memory_protect(op->offset, op->length, op->flags);
		break;
	case FUZZ_SOURCE_DISCARD:
		fuzz_memory_discard(op->offset, op->length);
		break;
	case FUZZ_SOURCE_WRITE:
		fuzz_memory_write(op->memory, op->offset, op->length, op->value);
		break;
	}
	return NULL;
}

static struct fuzz_numbers numbers_of(struct fuzz_context *context,
				      const struct fuzz_op *op)
{
	struct fuzz_access *access = fuzz_model_access(context, op->object);
	struct fuzz_numbers numbers = {
		.fd = context->fd,
		.id = fuzz_model_id(context, op->object),
		.id2 = fuzz_model_id(context, op->object2),
		.access = op->object < FUZZ_ACCESSES ? -1 : context->fd,
		.pin = UINT32_MAX,
	};

	if (access)
		numbers.access = access->fd;
	if (access && op->object2 < FUZZ_PINS)
		numbers.pin = access->pins[op->object2].used ?
			      access->pins[op->object2].id : UINT32_MAX;
	return numbers;
}

static void count(struct fuzz_state *state, const struct fuzz_op *op, int ret)
{
	struct fuzz_counts *counts = &state->board->counts;

	if (state->checking) {
		counts->checks++;
		return;
	}
	counts->operations++;
	counts->by_kind[op->kind]++;
	counts->by_errno[ret < 0 && ret > -FUZZ_ERRNOS ? -ret : 0]++;
}

static const char *wrong_errno(const struct fuzz_op *op, int ret,
			       fuzz_errnos errnos)
{
	static char text[384];
	int i, used;

	used = snprintf(text, sizeof(text), "%s returned %s, expected",
			fuzz_kind_name(op->kind),
			ret < 0 ? strerrorname_np(-ret) : "success");
	for (i = 0; i < FUZZ_ERRNOS; i++)
		if (errnos & FUZZ_ERRNO(i))
			used += snprintf(text + used, sizeof(text) - used,
					 " %s", i ? strerrorname_np(i) :
						    "success");
	snprintf(text + used, sizeof(text) - used, " (%s)", fuzz_describe(op));
	return text;
}

static const char *compare(struct fuzz_state *state, const struct fuzz_op *op,
			   const struct fuzz_answer *answer, fuzz_errnos errnos)
{
	int ret = answer->ret;

	count(state, op, ret);
	if (ret <= -FUZZ_ERRNOS ||
	    !(errnos & FUZZ_ERRNO(ret < 0 ? -ret : 0)))
		return wrong_errno(op, ret, errnos);
	return fuzz_apply(&state->model, op, answer);
}

const char *fuzz_execute(struct fuzz_state *state, const struct fuzz_op *op)
{
	struct fuzz_context *context = &state->model.contexts[op->context];
	static struct fuzz_answer answer;
	struct fuzz_numbers numbers;
	fuzz_errnos errnos;
	const char *wrong;

	state->board->beat++;
	errnos = fuzz_predict(&state->model, op);
	if (!errnos)
		return NULL;
	if (op->kind == FUZZ_CLOSE_ACCESS || op->kind >= FUZZ_REOPEN) {
		answer.ret = 0;
		wrong = execute_local(&state->model, op);
		return wrong ? wrong : compare(state, op, &answer, errnos);
	}
	numbers = numbers_of(context, op);
	fuzz_issue(op, &numbers, &state->stage, &answer);
	return compare(state, op, &answer, errnos);
}

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
	fuzz_memory_reset();
	baseline_take(&baseline);
	state.board = board;
	fuzz_model_init(&state.model);
	state.model.limit = board->sequence.memlock;
	if (set_limit(board->sequence.memlock))
		wrong = "the limit cannot be set";
	for (i = 0; !wrong && i < FUZZ_CONTEXTS; i++)
		if (open_context(&state.model.contexts[i]))
			wrong = "/dev/iommu cannot be opened";
	if (!wrong) {
		fuzz_reset_memory_limit(state.model.contexts[0].fd);
		wrong = run_ops(&state, random, &at);
	}
	/* A model that is wrong is of no more use, not even to be emptied. */
	if (wrong) {
		fail(board, at, wrong);
		return;
	}
	for (i = 0; i < FUZZ_CONTEXTS; i++)
		if (state.model.contexts[i].fd >= 0)
			close_context(&state.model, &state.model.contexts[i],
				      i);
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

// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "execute.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/ioctls.h"

#include "apply.h"
#include "bar.h"
#include "faults.h"
#include "files.h"
#include "predict.h"
#include "revoke.h"
#include "takeover.h"
#include "teardown.h"

int fuzz_context_open(struct fuzz_context *context)
{
	context->fd = iommufd_open();
	return context->fd < 0 ? context->fd : 0;
}

/* All that keep a context alive */
static void close_files(struct fuzz_context *context)
{
	int i;

	for (i = 0; i < FUZZ_ACCESSES; i++)
		if (context->accesses[i].fd >= 0)
			close(context->accesses[i].fd);
	for (i = 0; i < FUZZ_SLOTS; i++)
		if (fuzz_queue_of(context, i))
			close(context->objects[i].fd);
}

void fuzz_context_close(struct fuzz_model *model, struct fuzz_context *context,
			bool accesses_first)
{
	if (!accesses_first)
		close(context->fd);
	close_files(context);
	if (accesses_first)
		close(context->fd);
	fuzz_model_clear_context(model, context);
	context->fd = -1;
}

/* What the process does to its memory and files; returns 0 or -errno. */
static int change_source(const struct fuzz_op *op)
{
	switch (op->kind) {
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
	case FUZZ_FILE_TRUNCATE:
		fuzz_file_truncate(op->memory, op->length);
		break;
	case FUZZ_FILE_PUNCH:
		fuzz_file_punch(op->memory, op->offset, op->length);
		break;
	case FUZZ_FILE_SEAL:
		return fuzz_file_seal();
	}
	return 0;
}

static const char *execute_local(struct fuzz_model *model,
				 const struct fuzz_op *op, int *ret)
{
	struct fuzz_context *context = &model->contexts[op->context];

	*ret = 0;
	if (op->kind >= FUZZ_BAR_MUNMAP)
		return fuzz_revoke_execute(model, op);
	switch (op->kind) {
	case FUZZ_CLOSE_ACCESS:
		close(context->accesses[op->object].fd);
		break;
	case FUZZ_QUEUE_CLOSE:
		close(context->objects[op->object].fd);
		break;
	case FUZZ_REOPEN:
		fuzz_context_close(model, context, op->value & 1);
		return fuzz_context_open(context) ?
		       "/dev/iommu cannot be opened" : NULL;
	default:
		*ret = change_source(op);
		break;
	}
	return NULL;
}

static struct fuzz_numbers numbers_of(struct fuzz_context *context,
				      const struct fuzz_op *op)
{
	struct fuzz_access *access = fuzz_model_access(context, op->object);
	struct fuzz_object *queue = fuzz_queue_of(context, op->object);
	struct fuzz_numbers numbers = {
		.fd = context->fd,
		.id = fuzz_model_id(context, op->object),
		.id2 = fuzz_model_id(context, op->object2),
		.id3 = fuzz_model_id(context, op->object3),
		.access = op->object < FUZZ_ACCESSES ? -1 : context->fd,
		.pin = UINT32_MAX,
		.queue = queue ? queue->fd : -1,
		.file = fuzz_op_file(op, context->fd),
	};

	if (access)
		numbers.access = access->fd;
	if (access && op->object2 < FUZZ_PINS)
		numbers.pin = access->pins[op->object2].used ?
			      access->pins[op->object2].id : UINT32_MAX;
	if (queue && op->kind == FUZZ_FAULT_ANSWER)
		fuzz_fault_cookies(queue, op, numbers.cookies);
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

/* What has to be done before an operation, if it is going to succeed. */
static const char *prepare(struct fuzz_state *state, const struct fuzz_op *op,
			   fuzz_errnos errnos)
{
	struct fuzz_context *context = &state->model.contexts[op->context];

	if (op->kind == FUZZ_CHANGE_PROCESS && op->value &&
	    errnos == FUZZ_SUCCESS)
		return fuzz_take_over(&state->model, context);
	return NULL;
}

static bool is_local(const struct fuzz_op *op)
{
	return op->kind == FUZZ_CLOSE_ACCESS || op->kind == FUZZ_QUEUE_CLOSE ||
	       op->kind >= FUZZ_REOPEN;
}

const char *fuzz_execute(struct fuzz_state *state, const struct fuzz_op *op)
{
	struct fuzz_context *context = &state->model.contexts[op->context];
	static struct fuzz_answer answer;
	struct fuzz_numbers numbers;
	fuzz_errnos errnos;
	const char *wrong = NULL;

	state->board->beat++;
	if (fuzz_revoke_shows(op))
		wrong = fuzz_revoke_settle(&state->model);
	errnos = fuzz_predict(&state->model, op);
	if (wrong || !errnos)
		return wrong;
	if (is_local(op)) {
		wrong = execute_local(&state->model, op, &answer.ret);
		return wrong ? wrong : compare(state, op, &answer, errnos);
	}
	wrong = prepare(state, op, errnos);
	if (wrong)
		return wrong;
	numbers = numbers_of(context, op);
	fuzz_issue(op, &numbers, &state->stage, &answer);
	return compare(state, op, &answer, errnos);
}

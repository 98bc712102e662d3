// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "run.h"
#include "sources.h"
#include "watch.h"

/* A guest takes about half a second for a replay. */
#define TRIES	300

static void remove_piece(struct fuzz_sequence *sequence, unsigned int first,
			 unsigned int count)
{
	memmove(&sequence->ops[first], &sequence->ops[first + count],
		(sequence->count - first - count) * sizeof(*sequence->ops));
	sequence->count -= count;
}

/* One pass with pieces of @size, from the end; returns true if one went. */
static bool remove_pieces(struct fuzz_sequence *sequence, unsigned int size,
			  fuzz_oracle oracle, void *arg, unsigned int *tries)
{
	struct fuzz_sequence *shorter = malloc(sizeof(*shorter));
	unsigned int end = sequence->count;
	bool removed = false;

	while (shorter && end && *tries) {
		unsigned int first = end > size ? end - size : 0;

		*shorter = *sequence;
		remove_piece(shorter, first, end - first);
		--*tries;
		if (oracle(shorter, arg)) {
			*sequence = *shorter;
			removed = true;
		}
		end = first;
	}
	free(shorter);
	return removed;
}

unsigned int fuzz_shrink(struct fuzz_sequence *sequence, fuzz_oracle oracle,
			 void *arg, unsigned int tries)
{
	unsigned int left = tries;
	unsigned int size = (sequence->count + 1) / 2;

	while (size && left) {
		bool removed = remove_pieces(sequence, size, oracle, arg, &left);

		/* With single operations, go on until none can go. */
		if (size > 1)
			size = (size + 1) / 2;
		else if (!removed)
			break;
	}
	return tries - left;
}

static int replay(void *arg)
{
	struct fuzz_board *board = arg;

	if (fuzz_sources_init())
		return 2;
	fuzz_run_replay(board);
	return board->report.failed;
}

/**
 * struct again - a failure to look for
 * @board: shared with the child that replays
 * @wanted: what was wrong; empty for anything
 */
struct again {
	struct fuzz_board *board;
	char wanted[512];
};

/* Two failures are the same if their texts begin with the same two words. */
static bool same_failure(const char *a, const char *b)
{
	int spaces = 0;

	for (; *a == *b && *a; a++, b++)
		if (*a == ' ' && ++spaces == 2)
			return true;
	return *a == *b;
}

static const char *how_it_ended(struct fuzz_board *board,
				enum fuzz_watch_result result)
{
	switch (result) {
	case FUZZ_WATCH_DIED:
		return FUZZ_DIED;
	case FUZZ_WATCH_HUNG:
		return FUZZ_HUNG;
	default:
		return board->report.text;
	}
}

static bool replay_fails(const struct fuzz_sequence *sequence, void *arg)
{
	struct again *again = arg;
	struct fuzz_board *board = again->board;
	enum fuzz_watch_result result;

	board->sequence = *sequence;
	memset(&board->report, 0, sizeof(board->report));
	result = fuzz_watch(replay, board, &board->beat, 1);
	return result != FUZZ_WATCH_GOOD &&
	       same_failure(how_it_ended(board, result), again->wanted);
}

static void print_sequence(const struct fuzz_sequence *sequence)
{
	unsigned int i;

	printf("# limit of %llu pages\n", (long long)sequence->memlock);
	for (i = 0; i < sequence->count; i++)
		printf("# %3u %s\n", i, fuzz_describe(&sequence->ops[i]));
}

void fuzz_shrink_and_print(const struct fuzz_board *board)
{
	struct fuzz_sequence *sequence = malloc(sizeof(*sequence));
	struct again again = {
		.board = fuzz_shared_alloc(sizeof(*again.board)),
	};
	unsigned int tries;

	printf("# run with seed %llu, operation %u: %s\n",
	       (long long)board->seed, board->report.at, board->report.text);
	if (!sequence)
		return;
	snprintf(again.wanted, sizeof(again.wanted), "%s", board->report.text);
	*sequence = board->sequence;
	if (board->report.at + 1 < sequence->count)
		sequence->count = board->report.at + 1;
	if (!replay_fails(sequence, &again)) {
		printf("# a replay of the run does not fail; its end was:\n");
		if (sequence->count > 30)
			remove_piece(sequence, 0, sequence->count - 30);
		print_sequence(sequence);
		free(sequence);
		return;
	}
	tries = fuzz_shrink(sequence, replay_fails, &again, TRIES);
	replay_fails(sequence, &again);
	printf("# shrunk to %u operations with %u replays: %s\n",
	       sequence->count, tries, *again.board->report.text ?
	       again.board->report.text : again.wanted);
	print_sequence(sequence);
	fflush(stdout);
	free(sequence);
}

/* A bug that needs three operations on one context, in this order. */
static bool planted_order(const struct fuzz_sequence *sequence, void *arg)
{
	static const unsigned char wanted[] = {
		FUZZ_MAP, FUZZ_UNMAP, FUZZ_ACCESS_RW,
	};
	unsigned int i, found = 0;

	(void)arg;
	for (i = 0; i < sequence->count && found < 3; i++)
		if (sequence->ops[i].kind == wanted[found] &&
		    !sequence->ops[i].context)
			found++;
	return found == 3;
}

/* A bug that needs ten maps, whichever. */
static bool planted_number(const struct fuzz_sequence *sequence, void *arg)
{
	unsigned int i, found = 0;

	(void)arg;
	for (i = 0; i < sequence->count; i++)
		found += sequence->ops[i].kind == FUZZ_MAP;
	return found >= 10;
}

/* A bug that hides while something else is there, so that more is less. */
static bool planted_hidden(const struct fuzz_sequence *sequence, void *arg)
{
	unsigned int i, maps = 0, unmaps = 0;

	(void)arg;
	for (i = 0; i < sequence->count; i++) {
		maps += sequence->ops[i].kind == FUZZ_MAP;
		unmaps += sequence->ops[i].kind == FUZZ_UNMAP;
	}
	return maps && maps >= unmaps;
}

static const char *shrinks_to(struct fuzz_random *random, fuzz_oracle oracle,
			      unsigned int expected)
{
	struct fuzz_sequence *sequence = calloc(1, sizeof(*sequence));
	unsigned int i, count;

	if (!sequence)
		return "no memory";
	do {
		for (i = 0; i < FUZZ_RUN_OPS; i++)
			fuzz_generate(random, NULL, &sequence->ops[i]);
		sequence->count = FUZZ_RUN_OPS;
	} while (!oracle(sequence, NULL));
	fuzz_shrink(sequence, oracle, NULL, 20000);
	count = oracle(sequence, NULL) ? sequence->count : 0;
	free(sequence);
	return count == expected ? NULL :
	       fuzz_wrong("%u operations are left of %u", count, expected);
}

const char *fuzz_shrink_selftest(__u64 seed)
{
	struct fuzz_random random = { .state = seed };
	const char *wrong;

	wrong = shrinks_to(&random, planted_order, 3);
	if (!wrong)
		wrong = shrinks_to(&random, planted_number, 10);
	if (!wrong)
		wrong = shrinks_to(&random, planted_hidden, 1);
	return wrong;
}

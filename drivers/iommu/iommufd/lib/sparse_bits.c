// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Bits of which few are set, in a space that is too large for a bitmap.
 */
#include "sparse_bits.h"

#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/sched.h>

/* Words that are looked at before others get their turn. */
#define WORDS_STEP 1024

/**
 * sparse_bits_init() - Set up an empty set
 * @bits: to be set up
 *
 * Context: any.
 */
void sparse_bits_init(struct sparse_bits *bits)
{
	xa_init_flags(&bits->words, XA_FLAGS_ACCOUNT);
}

/* The bits from @first to @last that are in the word at @index. */
static unsigned long word_mask(unsigned long index, unsigned long first,
			       unsigned long last)
{
	unsigned long base = index * SPARSE_WORD_BITS;
	unsigned long low = first > base ? first - base : 0;
	unsigned long high = min(last - base, SPARSE_WORD_BITS - 1UL);

	return GENMASK(high, low);
}

/* Set bits of one word; @add says what to do if it is not there. */
static int word_set(struct sparse_bits *bits, unsigned long index,
		    unsigned long mask, bool add, gfp_t gfp)
{
	XA_STATE(xas, &bits->words, index);

	do {
		unsigned long value = 0;
		void *entry;

		xas_lock(&xas);
		entry = xas_load(&xas);
		if (entry)
			value = xa_to_value(entry);
		if (entry || add)
			xas_store(&xas, xa_mk_value(value | mask));
		xas_unlock(&xas);
	} while (xas_nomem(&xas, gfp));
	return xas_error(&xas);
}

static int words_set(struct sparse_bits *bits, unsigned long first,
		     unsigned long last, bool add, gfp_t gfp)
{
	unsigned long index = first / SPARSE_WORD_BITS;

	for (;; index++) {
		int rc = word_set(bits, index, word_mask(index, first, last),
				  add, gfp);

		if (rc || index == last / SPARSE_WORD_BITS)
			return rc;
		cond_resched();
	}
}

/**
 * sparse_bits_set() - Set neighbouring bits
 * @bits: the set
 * @first: the first bit
 * @last: the last bit, inclusive
 * @gfp: to take memory with; may sleep
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM, with some bits set.
 */
int sparse_bits_set(struct sparse_bits *bits, unsigned long first,
		    unsigned long last, gfp_t gfp)
{
	return words_set(bits, first, last, true, gfp);
}

/**
 * sparse_bits_set_again() - Set bits that were set before
 * @bits: the set
 * @first: the first bit
 * @last: the last bit, inclusive
 *
 * Bits whose word was forgotten meanwhile stay clear.
 *
 * Context: may sleep, never needs memory.
 */
void sparse_bits_set_again(struct sparse_bits *bits, unsigned long first,
			   unsigned long last)
{
	words_set(bits, first, last, false, 0);
}

/**
 * sparse_bits_find() - Find the first bits that are set in a range
 * @bits: the set
 * @first: the first bit of the range
 * @last: the last bit, inclusive
 * @clear: clear those that are found
 * @word: receives what is set of the range in the first word that has any
 *
 * Takes as long as there are words in the range, under a spinlock.
 *
 * Context: any but interrupts, never needs memory.
 * Return: false if no bit is set.
 */
bool sparse_bits_find(struct sparse_bits *bits, unsigned long first,
		      unsigned long last, bool clear, struct sparse_word *word)
{
	XA_STATE(xas, &bits->words, first / SPARSE_WORD_BITS);
	void *entry;

	word->bits = 0;
	xas_lock(&xas);
	xas_for_each(&xas, entry, last / SPARSE_WORD_BITS) {
		unsigned long value = xa_to_value(entry);

		word->bits = value & word_mask(xas.xa_index, first, last);
		if (!word->bits)
			continue;
		word->first = xas.xa_index * SPARSE_WORD_BITS;
		if (clear)
			xas_store(&xas, xa_mk_value(value & ~word->bits));
		break;
	}
	xas_unlock(&xas);
	return word->bits;
}

/**
 * sparse_bits_forget() - Clear bits, and give back the memory
 * @bits: the set
 * @first: the first bit
 * @last: the last bit, inclusive
 *
 * The words at the ends stay if other bits of them are set.
 *
 * Context: may sleep, never needs memory.
 */
void sparse_bits_forget(struct sparse_bits *bits, unsigned long first,
			unsigned long last)
{
	XA_STATE(xas, &bits->words, first / SPARSE_WORD_BITS);
	unsigned int count = 0;
	void *entry;

	xas_lock(&xas);
	xas_for_each(&xas, entry, last / SPARSE_WORD_BITS) {
		unsigned long left = xa_to_value(entry) &
				     ~word_mask(xas.xa_index, first, last);

		xas_store(&xas, left ? xa_mk_value(left) : NULL);
		if (++count % WORDS_STEP)
			continue;
		/* xas_pause() skips what comes behind a node that went. */
		xas_set(&xas, xas.xa_index + 1);
		xas_unlock(&xas);
		cond_resched();
		xas_lock(&xas);
	}
	xas_unlock(&xas);
}

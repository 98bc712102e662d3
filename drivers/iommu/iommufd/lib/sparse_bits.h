/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_SPARSE_BITS_H
#define __IOMMUFD_SPARSE_BITS_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/xarray.h>

/* An xarray value has one bit less than a long. */
#define SPARSE_WORD_BITS (BITS_PER_LONG / 2)

/**
 * struct sparse_bits - Bits of which few are set
 * @words: values of SPARSE_WORD_BITS bits each
 *
 * Memory is taken where bits are set, and kept until they are forgotten: a word
 * without bits stays. So whoever clears a bit can set it again without memory.
 * Each word changes at one moment, under the lock of the xarray, so any number
 * of threads may do so.
 */
struct sparse_bits {
	struct xarray words;
};

/**
 * struct sparse_word - Bits that are close together
 * @first: number of the bit that is the lowest of @bits
 * @bits: SPARSE_WORD_BITS of them
 */
struct sparse_word {
	unsigned long first;
	unsigned long bits;
};

void sparse_bits_init(struct sparse_bits *bits);
int sparse_bits_set(struct sparse_bits *bits, unsigned long first,
		    unsigned long last, gfp_t gfp);
void sparse_bits_set_again(struct sparse_bits *bits, unsigned long first,
			   unsigned long last);
bool sparse_bits_find(struct sparse_bits *bits, unsigned long first,
		      unsigned long last, bool clear, struct sparse_word *word);
void sparse_bits_forget(struct sparse_bits *bits, unsigned long first,
			unsigned long last);

/**
 * sparse_bits_empty() - Tell whether no memory is taken
 * @bits: to look at
 *
 * Context: any. Without the caller keeping others from it, somebody may just
 * set a bit.
 * Return: true if no bit is set, and none was before it was forgotten.
 */
static inline bool sparse_bits_empty(const struct sparse_bits *bits)
{
	/*
	 * No lock: bits that the caller cares for are set before, or are seen
	 * by nobody. For all others each of two answers is right.
	 */
	return data_race(xa_empty(&bits->words));
}

#endif

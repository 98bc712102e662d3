// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "disturb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/falloc.h>

#include "lib/mock.h"

#include "bar.h"
#include "files.h"
#include "memory.h"

static void disturb_memory(const struct fuzz_op *op)
{
	static const int rights[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
	};
	char *va = (char *)fuzz_memory_va(FUZZ_VOLATILE) +
		   op->offset % (24 * FUZZ_PAGE);
	int right = rights[op->flags % 3];

	switch (op->kind) {
	case FUZZ_SOURCE_MUNMAP:
	case FUZZ_SOURCE_MMAP:
		right = op->kind == FUZZ_SOURCE_MMAP ? PROT_READ | PROT_WRITE :
						       PROT_NONE;
		if (mmap(va, FUZZ_PAGE, right,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != va)
			perror("mmap");
		return;
	case FUZZ_SOURCE_PROTECT:
		if (mprotect(va, FUZZ_PAGE, right))
			perror("mprotect");
		return;
	case FUZZ_SOURCE_DISCARD:
		if (madvise(va, FUZZ_PAGE, MADV_DONTNEED))
			perror("madvise");
		return;
	}
	*((char *)fuzz_memory_va(FUZZ_SMALL) +
	  op->value % (48 * FUZZ_PAGE)) = op->value;
}

/* The pool of huge pages may be empty, and the file may be sealed already. */
static void disturb_file(const struct fuzz_op *op)
{
	int fd = fuzz_file_fd(op->memory, FUZZ_OPENED_RW, -1);
	int ret;

	switch (op->kind) {
	case FUZZ_FILE_TRUNCATE:
		ret = ftruncate(fd, op->memory == FUZZ_HUGE_FILE ?
				    op->length & -0x200000ULL : op->length);
		break;
	case FUZZ_FILE_PUNCH:
		ret = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				op->offset, op->length ? op->length : 1);
		break;
	default:
		fd = fuzz_file_fd(FUZZ_SEALABLE, FUZZ_OPENED_RW, -1);
		ret = op->result ? 0 : fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE);
		break;
	}
	if (ret && fd >= 0 && errno != EBUSY)
		perror(op->kind == FUZZ_FILE_SEAL ? "seal" : "truncate");
}

static void disturb_device(const struct fuzz_op *op)
{
	switch (op->flags) {
	case FUZZ_BAR_OFF:
		fuzz_bar_disturb_device(MOCK_BAR_OFF, 0);
		return;
	case FUZZ_BAR_BLINK:
		fuzz_bar_disturb_device(MOCK_BAR_OFF, 0);
		fuzz_bar_disturb_device(MOCK_BAR_ON, 0);
		return;
	case FUZZ_BAR_ON:
		fuzz_bar_disturb_device(MOCK_BAR_ON, 0);
		return;
	}
	fuzz_bar_disturb_device(MOCK_BAR_RESET, op->value % 3);
}

void fuzz_disturb(const struct fuzz_op *op)
{
	switch (op->kind) {
	case FUZZ_FILE_TRUNCATE:
	case FUZZ_FILE_PUNCH:
	case FUZZ_FILE_SEAL:
		disturb_file(op);
		return;
	case FUZZ_BAR_SET:
		disturb_device(op);
		return;
	}
	if (op->kind >= FUZZ_BAR_MUNMAP)
		fuzz_bar_disturb_mapping(op->offset, op->kind - FUZZ_BAR_MUNMAP);
	else
		disturb_memory(op);
}

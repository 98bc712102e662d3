// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ops.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bar.h"
#include "files.h"
#include "memory.h"
#include "requests.h"

/* Added to the size of a structure that is too long. */
#define TOO_LONG	16

#define UNKNOWN_FLAG	0x80000000U

static const char * const kind_names[FUZZ_KINDS] = {
	[FUZZ_IOAS_ALLOC] = "IOAS_ALLOC",
	[FUZZ_DESTROY] = "DESTROY",
	[FUZZ_MAP] = "IOAS_MAP",
	[FUZZ_MAP_FILE] = "IOAS_MAP_FILE",
	[FUZZ_COPY] = "IOAS_COPY",
	[FUZZ_UNMAP] = "IOAS_UNMAP",
	[FUZZ_CHANGE_PROCESS] = "CHANGE_PROCESS",
	[FUZZ_ALLOW_IOVAS] = "ALLOW_IOVAS",
	[FUZZ_IOVA_RANGES] = "IOVA_RANGES",
	[FUZZ_OPTION_HUGE_PAGES] = "OPTION/HUGE_PAGES",
	[FUZZ_OPTION_RLIMIT_MODE] = "OPTION/RLIMIT_MODE",
	[FUZZ_OPTION_UNKNOWN] = "OPTION/unknown",
	[FUZZ_VFIO_IOAS] = "VFIO_IOAS",
	[FUZZ_VFIO_API_VERSION] = "VFIO/API_VERSION",
	[FUZZ_VFIO_CHECK_EXTENSION] = "VFIO/CHECK_EXTENSION",
	[FUZZ_VFIO_SET_IOMMU] = "VFIO/SET_IOMMU",
	[FUZZ_VFIO_GET_INFO] = "VFIO/GET_INFO",
	[FUZZ_VFIO_MAP_DMA] = "VFIO/MAP_DMA",
	[FUZZ_VFIO_UNMAP_DMA] = "VFIO/UNMAP_DMA",
	[FUZZ_VFIO_DIRTY_PAGES] = "VFIO/DIRTY_PAGES",
	[FUZZ_UNKNOWN_FLAG] = "unknown flag",
	[FUZZ_UNKNOWN_IOCTL] = "unknown ioctl",
	[FUZZ_MOCK_DOMAIN] = "MOCK_DOMAIN",
	[FUZZ_MOCK_DOMAIN_REPLACE] = "MOCK_DOMAIN_REPLACE",
	[FUZZ_ADD_RESERVED] = "ADD_RESERVED",
	[FUZZ_CHECK_MAP] = "MD_CHECK_MAP",
	[FUZZ_CHECK_REFS] = "MD_CHECK_REFS",
	[FUZZ_CHECK_BAR] = "MD_CHECK_BAR",
	[FUZZ_CREATE_ACCESS] = "CREATE_ACCESS",
	[FUZZ_CLOSE_ACCESS] = "close access",
	[FUZZ_ACCESS_PAGES] = "ACCESS_PAGES",
	[FUZZ_DESTROY_ACCESS_PAGES] = "DESTROY_ACCESS_PAGES",
	[FUZZ_ACCESS_RW] = "ACCESS_RW",
	[FUZZ_ACCESS_REPLACE] = "ACCESS_REPLACE_IOAS",
	[FUZZ_HW_INFO] = "GET_HW_INFO",
	[FUZZ_HWPT_ALLOC] = "HWPT_ALLOC",
	[FUZZ_INVALIDATE] = "HWPT_INVALIDATE",
	[FUZZ_CHECK_IOTLB] = "MD_CHECK_IOTLB",
	[FUZZ_SET_DIRTY] = "SET_DIRTY_TRACKING",
	[FUZZ_DIRTY_WRITE] = "DIRTY",
	[FUZZ_GET_DIRTY] = "GET_DIRTY_BITMAP",
	[FUZZ_QUEUE_ALLOC] = "FAULT_QUEUE_ALLOC",
	[FUZZ_QUEUE_CLOSE] = "close queue",
	[FUZZ_FAULT] = "TRIGGER_IOPF",
	[FUZZ_FAULT_READ] = "read faults",
	[FUZZ_FAULT_ANSWER] = "write answers",
	[FUZZ_MEMORY_LIMIT] = "SET_TEMP_MEMORY_LIMIT",
	[FUZZ_REOPEN] = "close and open",
	[FUZZ_SOURCE_MUNMAP] = "munmap",
	[FUZZ_SOURCE_MMAP] = "mmap",
	[FUZZ_SOURCE_PROTECT] = "mprotect",
	[FUZZ_SOURCE_DISCARD] = "madvise",
	[FUZZ_SOURCE_WRITE] = "write memory",
	[FUZZ_FILE_TRUNCATE] = "truncate",
	[FUZZ_FILE_PUNCH] = "punch hole",
	[FUZZ_FILE_SEAL] = "seal",
	[FUZZ_BAR_MUNMAP] = "munmap BAR",
	[FUZZ_BAR_MMAP] = "mmap BAR",
	[FUZZ_BAR_PROTECT] = "mprotect BAR",
	[FUZZ_BAR_MREMAP] = "mremap BAR",
	[FUZZ_BAR_SET] = "set BAR",
};

static const char * const form_names[FUZZ_FORMS] = {
	[FUZZ_FORM_PLAIN] = "",
	[FUZZ_FORM_SHORT] = " short",
	[FUZZ_FORM_EMPTY] = " size 0",
	[FUZZ_FORM_LONG] = " long",
	[FUZZ_FORM_TAIL] = " garbage at the end",
	[FUZZ_FORM_OVER_PAGE] = " over a page",
	[FUZZ_FORM_UNREADABLE] = " unreadable",
	[FUZZ_FORM_CUT] = " cut",
	[FUZZ_FORM_READ_ONLY] = " read-only",
	[FUZZ_FORM_RESERVED] = " reserved member",
	[FUZZ_FORM_BAD_POINTER] = " bad pointer",
};

const char *fuzz_kind_name(unsigned int kind)
{
	return kind_names[kind];
}

const char *fuzz_form_name(unsigned int form)
{
	return form_names[form];
}

int fuzz_stage_init(struct fuzz_stage *stage)
{
	int fd = memfd_create("fuzz-stage", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, FUZZ_PAGE))
		return -errno;
	stage->writable = mmap(NULL, 2 * FUZZ_PAGE, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stage->writable == MAP_FAILED ||
	    mmap(stage->writable, FUZZ_PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		return -errno;
	stage->read_only = mmap(NULL, FUZZ_PAGE, PROT_READ, MAP_SHARED, fd, 0);
	stage->data = mmap(NULL, FUZZ_RW_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	close(fd);
	if (stage->read_only == MAP_FAILED || stage->data == MAP_FAILED)
		return -errno;
	return 0;
}

bool fuzz_has_structure(unsigned int kind)
{
	switch (kind) {
	case FUZZ_VFIO_API_VERSION:
	case FUZZ_VFIO_CHECK_EXTENSION:
	case FUZZ_VFIO_SET_IOMMU:
	case FUZZ_UNKNOWN_IOCTL:
	case FUZZ_CLOSE_ACCESS:
	case FUZZ_QUEUE_CLOSE:
	case FUZZ_FAULT_READ:
	case FUZZ_FAULT_ANSWER:
		return false;
	}
	return kind < FUZZ_REOPEN;
}

bool fuzz_has_reply(const struct fuzz_op *op)
{
	switch (op->kind) {
	case FUZZ_IOAS_ALLOC:
	case FUZZ_MAP:
	case FUZZ_MAP_FILE:
	case FUZZ_COPY:
	case FUZZ_UNMAP:
	case FUZZ_IOVA_RANGES:
	case FUZZ_VFIO_GET_INFO:
	case FUZZ_VFIO_UNMAP_DMA:
	case FUZZ_MOCK_DOMAIN:
	case FUZZ_CREATE_ACCESS:
	case FUZZ_ACCESS_PAGES:
	case FUZZ_HW_INFO:
	case FUZZ_HWPT_ALLOC:
	case FUZZ_INVALIDATE:
	case FUZZ_DIRTY_WRITE:
	case FUZZ_QUEUE_ALLOC:
		return true;
	case FUZZ_OPTION_HUGE_PAGES:
	case FUZZ_OPTION_RLIMIT_MODE:
		return op->flags == IOMMU_OPTION_OP_GET;
	case FUZZ_VFIO_IOAS:
		return op->flags == IOMMU_VFIO_IOAS_GET;
	}
	return false;
}

__u64 fuzz_op_va(const struct fuzz_op *op)
{
	return fuzz_memory_va(op->memory) + op->offset;
}

static __u64 bad_pointer(void)
{
	return fuzz_memory_va(FUZZ_NOWHERE);
}

int fuzz_op_file(const struct fuzz_op *op, int other)
{
	if (op->kind == FUZZ_MAP_FILE)
		return fuzz_file_fd(op->memory, op->value, other);
	return op->value == FUZZ_OPENED_OTHER ? other :
	       op->value ? -1 : fuzz_bar_fd();
}

static struct fuzz_request build_map(const struct fuzz_op *op,
				     const struct fuzz_numbers *numbers,
				     union fuzz_cmd *cmd)
{
	cmd->map.flags = op->flags;
	cmd->map.ioas_id = numbers->id;
	cmd->map.__reserved = op->form == FUZZ_FORM_RESERVED;
	cmd->map.user_va = fuzz_op_va(op);
	cmd->map.length = op->length;
	cmd->map.iova = op->iova;
	return FUZZ_REQUEST(IOMMU_IOAS_MAP, map, iova);
}

static struct fuzz_request build_map_file(const struct fuzz_op *op,
					  const struct fuzz_numbers *numbers,
					  union fuzz_cmd *cmd)
{
	cmd->map_file.flags = op->flags;
	cmd->map_file.ioas_id = numbers->id;
	cmd->map_file.fd = numbers->file;
	cmd->map_file.start = op->offset;
	cmd->map_file.length = op->length;
	cmd->map_file.iova = op->iova;
	return FUZZ_REQUEST(IOMMU_IOAS_MAP_FILE, map_file, iova);
}

static struct fuzz_request build_copy(const struct fuzz_op *op,
				      const struct fuzz_numbers *numbers,
				      union fuzz_cmd *cmd)
{
	cmd->copy.flags = op->flags;
	cmd->copy.dst_ioas_id = numbers->id;
	cmd->copy.src_ioas_id = numbers->id2;
	cmd->copy.length = op->length;
	cmd->copy.dst_iova = op->iova;
	cmd->copy.src_iova = op->iova2;
	return FUZZ_REQUEST(IOMMU_IOAS_COPY, copy, src_iova);
}

static struct fuzz_request build_ranges(const struct fuzz_op *op,
					const struct fuzz_numbers *numbers,
					union fuzz_cmd *cmd,
					struct iommu_iova_range *ranges)
{
	__u64 array = op->form == FUZZ_FORM_BAD_POINTER ? bad_pointer() :
							  (uintptr_t)ranges;

	if (op->kind == FUZZ_IOVA_RANGES) {
		cmd->iova_ranges.ioas_id = numbers->id;
		cmd->iova_ranges.num_iovas = op->value;
		cmd->iova_ranges.__reserved = op->form == FUZZ_FORM_RESERVED;
		cmd->iova_ranges.allowed_iovas = array;
		return FUZZ_REQUEST(IOMMU_IOAS_IOVA_RANGES, iova_ranges,
			       out_iova_alignment);
	}
	ranges[0].start = op->iova;
	ranges[0].last = op->iova + op->length - 1;
	ranges[1].start = op->iova2;
	ranges[1].last = op->iova2 + op->length2 - 1;
	cmd->allow_iovas.ioas_id = numbers->id;
	cmd->allow_iovas.num_iovas = op->value;
	cmd->allow_iovas.__reserved = op->form == FUZZ_FORM_RESERVED;
	cmd->allow_iovas.allowed_iovas = array;
	return FUZZ_REQUEST(IOMMU_IOAS_ALLOW_IOVAS, allow_iovas, allowed_iovas);
}

static struct fuzz_request build_option(const struct fuzz_op *op,
					const struct fuzz_numbers *numbers,
					union fuzz_cmd *cmd)
{
	cmd->option.op = op->flags;
	cmd->option.__reserved = op->form == FUZZ_FORM_RESERVED;
	cmd->option.object_id = numbers->id;
	cmd->option.val64 = op->value;
	cmd->option.option_id = op->kind == FUZZ_OPTION_RLIMIT_MODE ?
				IOMMU_OPTION_RLIMIT_MODE : IOMMU_OPTION_HUGE_PAGES;
	if (op->kind == FUZZ_OPTION_UNKNOWN)
		cmd->option.option_id += 1 + op->value;
	return FUZZ_REQUEST(IOMMU_OPTION, option, val64);
}

static struct fuzz_request build_object(const struct fuzz_op *op,
					const struct fuzz_numbers *numbers,
					union fuzz_cmd *cmd)
{
	switch (op->kind) {
	case FUZZ_IOAS_ALLOC:
		cmd->ioas_alloc.flags = op->flags;
		return FUZZ_REQUEST(IOMMU_IOAS_ALLOC, ioas_alloc, out_ioas_id);
	case FUZZ_UNMAP:
		cmd->unmap.ioas_id = numbers->id;
		cmd->unmap.iova = op->iova;
		cmd->unmap.length = op->length;
		return FUZZ_REQUEST(IOMMU_IOAS_UNMAP, unmap, length);
	case FUZZ_CHANGE_PROCESS:
		cmd->change_process.__reserved = op->form == FUZZ_FORM_RESERVED;
		return FUZZ_REQUEST(IOMMU_IOAS_CHANGE_PROCESS, change_process,
				    __reserved);
	case FUZZ_VFIO_IOAS:
		cmd->vfio_ioas.op = op->flags;
		cmd->vfio_ioas.ioas_id = numbers->id;
		cmd->vfio_ioas.__reserved = op->form == FUZZ_FORM_RESERVED;
		return FUZZ_REQUEST(IOMMU_VFIO_IOAS, vfio_ioas, __reserved);
	}
	cmd->destroy.id = numbers->id;
	return FUZZ_REQUEST(IOMMU_DESTROY, destroy, id);
}

/* A flag that nobody knows: always the same answer. */
static struct fuzz_request build_bad_flag(const struct fuzz_op *op,
					  const struct fuzz_numbers *numbers,
					  union fuzz_cmd *cmd)
{
	switch (op->value % 3) {
	case 0:
		cmd->set_dirty_tracking.hwpt_id = numbers->id;
		cmd->set_dirty_tracking.flags = 2;
		return FUZZ_REQUEST(IOMMU_HWPT_SET_DIRTY_TRACKING,
			       set_dirty_tracking, __reserved);
	case 1:
		cmd->get_dirty_bitmap.hwpt_id = numbers->id;
		cmd->get_dirty_bitmap.flags = 2;
		return FUZZ_REQUEST(IOMMU_HWPT_GET_DIRTY_BITMAP, get_dirty_bitmap,
			       data);
	}
	cmd->fault_alloc.flags = 1;
	return FUZZ_REQUEST(IOMMU_FAULT_QUEUE_ALLOC, fault_alloc, out_fault_fd);
}

static struct fuzz_request build_vfio(const struct fuzz_op *op, union fuzz_cmd *cmd)
{
	switch (op->kind) {
	case FUZZ_VFIO_MAP_DMA:
		cmd->vfio_map.flags = op->flags;
		cmd->vfio_map.vaddr = fuzz_op_va(op);
		cmd->vfio_map.iova = op->iova;
		cmd->vfio_map.size = op->length;
		return FUZZ_REQUEST(VFIO_IOMMU_MAP_DMA, vfio_map, size);
	case FUZZ_VFIO_UNMAP_DMA:
		cmd->vfio_unmap.flags = op->flags;
		cmd->vfio_unmap.iova = op->iova;
		cmd->vfio_unmap.size = op->length;
		return FUZZ_REQUEST(VFIO_IOMMU_UNMAP_DMA, vfio_unmap, size);
	case FUZZ_VFIO_DIRTY_PAGES:
		cmd->vfio_dirty.flags = op->flags;
		return FUZZ_REQUEST(VFIO_IOMMU_DIRTY_PAGES, vfio_dirty, flags);
	}
	return FUZZ_REQUEST(VFIO_IOMMU_GET_INFO, vfio_info, iova_pgsizes);
}

static void build_test_device(const struct fuzz_op *op,
			      const struct fuzz_numbers *numbers,
			      struct iommu_test_cmd *test)
{
	switch (op->kind) {
	case FUZZ_MOCK_DOMAIN:
		test->op = IOMMU_TEST_OP_MOCK_DOMAIN;
		if (op->flags)
			test->op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS;
		test->mock_domain_flags.dev_flags = op->flags;
		break;
	case FUZZ_MOCK_DOMAIN_REPLACE:
		test->op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE;
		test->mock_domain_replace.pt_id = numbers->id2;
		break;
	case FUZZ_ADD_RESERVED:
		test->op = IOMMU_TEST_OP_ADD_RESERVED;
		test->add_reserved.start = op->iova;
		test->add_reserved.length = op->length;
		break;
	case FUZZ_CHECK_MAP:
		test->op = IOMMU_TEST_OP_MD_CHECK_MAP;
		test->check_map.iova = op->iova;
		test->check_map.length = op->length;
		test->check_map.uptr = fuzz_op_va(op);
		break;
	case FUZZ_CHECK_REFS:
		test->op = IOMMU_TEST_OP_MD_CHECK_REFS;
		test->check_refs.length = op->length;
		test->check_refs.uptr = fuzz_op_va(op);
		test->check_refs.refs = op->value;
		break;
	case FUZZ_CHECK_BAR:
		test->op = IOMMU_TEST_OP_MD_CHECK_BAR;
		test->check_bar.iova = op->iova;
		test->check_bar.length = op->length;
		test->check_bar.offset = op->offset;
		test->check_bar.fd = numbers->file;
		break;
	case FUZZ_MEMORY_LIMIT:
		test->op = IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT;
		test->memory_limit.limit = op->value;
		break;
	}
}

static void build_test_access(const struct fuzz_op *op,
			      const struct fuzz_numbers *numbers,
			      struct fuzz_stage *stage,
			      struct iommu_test_cmd *test)
{
	if (op->kind >= FUZZ_ACCESS_PAGES && op->kind <= FUZZ_ACCESS_REPLACE)
		test->id = numbers->access;
	switch (op->kind) {
	case FUZZ_CREATE_ACCESS:
		test->op = IOMMU_TEST_OP_CREATE_ACCESS;
		test->create_access.flags = op->flags;
		break;
	case FUZZ_ACCESS_PAGES:
		test->op = IOMMU_TEST_OP_ACCESS_PAGES;
		test->access_pages.flags = op->flags;
		test->access_pages.iova = op->iova;
		test->access_pages.length = op->length;
		test->access_pages.uptr = op->value ? fuzz_op_va(op) : 0;
		break;
	case FUZZ_DESTROY_ACCESS_PAGES:
		test->op = IOMMU_TEST_OP_DESTROY_ACCESS_PAGES;
		test->destroy_access_pages.access_pages_id = numbers->pin;
		break;
	case FUZZ_ACCESS_RW:
		test->op = IOMMU_TEST_OP_ACCESS_RW;
		test->access_rw.flags = op->flags;
		test->access_rw.iova = op->iova;
		test->access_rw.length = op->length;
		test->access_rw.uptr = op->form == FUZZ_FORM_BAD_POINTER ?
				       bad_pointer() : (uintptr_t)stage->data;
		break;
	case FUZZ_ACCESS_REPLACE:
		test->op = IOMMU_TEST_OP_ACCESS_REPLACE_IOAS;
		test->access_replace_ioas.ioas_id = numbers->id2;
		break;
	}
}

static struct fuzz_request build(const struct fuzz_op *op,
				 const struct fuzz_numbers *numbers,
				 struct fuzz_stage *stage,
				 struct fuzz_answer *answer)
{
	union fuzz_cmd *cmd = &answer->cmd;

	switch (op->kind) {
	case FUZZ_IOAS_ALLOC:
	case FUZZ_DESTROY:
	case FUZZ_UNMAP:
	case FUZZ_CHANGE_PROCESS:
	case FUZZ_VFIO_IOAS:
		return build_object(op, numbers, cmd);
	case FUZZ_MAP:
		return build_map(op, numbers, cmd);
	case FUZZ_MAP_FILE:
		return build_map_file(op, numbers, cmd);
	case FUZZ_COPY:
		return build_copy(op, numbers, cmd);
	case FUZZ_ALLOW_IOVAS:
	case FUZZ_IOVA_RANGES:
		return build_ranges(op, numbers, cmd, answer->ranges);
	case FUZZ_OPTION_HUGE_PAGES:
	case FUZZ_OPTION_RLIMIT_MODE:
	case FUZZ_OPTION_UNKNOWN:
		return build_option(op, numbers, cmd);
	case FUZZ_UNKNOWN_FLAG:
		return build_bad_flag(op, numbers, cmd);
	case FUZZ_VFIO_GET_INFO:
	case FUZZ_VFIO_MAP_DMA:
	case FUZZ_VFIO_UNMAP_DMA:
	case FUZZ_VFIO_DIRTY_PAGES:
		return build_vfio(op, cmd);
	}
	if (op->kind >= FUZZ_HW_INFO && op->kind <= FUZZ_FAULT)
		return fuzz_build_hwpt(op, numbers, stage, cmd);
	cmd->test.id = numbers->id;
	build_test_device(op, numbers, &cmd->test);
	build_test_access(op, numbers, stage, &cmd->test);
	return FUZZ_REQUEST(IOMMU_TEST_CMD, test, last);
}

static __u32 size_in_form(const struct fuzz_request *request, unsigned int form)
{
	switch (form) {
	case FUZZ_FORM_SHORT:
		return request->first_size - 1;
	case FUZZ_FORM_EMPTY:
		return 0;
	case FUZZ_FORM_LONG:
	case FUZZ_FORM_TAIL:
		return request->size + TOO_LONG;
	case FUZZ_FORM_OVER_PAGE:
		return FUZZ_PAGE + 1;
	}
	return request->size;
}

static int call(int fd, unsigned long number, void *argument)
{
	int ret = ioctl(fd, number, argument);

	return ret < 0 ? -errno : ret;
}

/* Put the structure where its form wants it, and call. */
static void issue_structure(const struct fuzz_op *op, const struct fuzz_request *request,
			    int fd, struct fuzz_stage *stage,
			    struct fuzz_answer *answer)
{
	char *at = stage->writable;
	void *argument;

	memset(at, 0, request->size + TOO_LONG);
	if (op->form == FUZZ_FORM_CUT)
		at += FUZZ_PAGE - request->size / 2;
	/* VFIO tells how much it needs and writes as much as there is. */
	answer->cmd.size = op->kind == FUZZ_VFIO_GET_INFO && op->value ?
			   (__u32)op->value : size_in_form(request, op->form);
	memcpy(at, &answer->cmd, op->form == FUZZ_FORM_CUT ? request->size / 2 :
							     request->size);
	if (op->form == FUZZ_FORM_TAIL)
		at[request->size + TOO_LONG - 1] = 1;
	argument = at;
	if (op->form == FUZZ_FORM_UNREADABLE)
		argument = (void *)(uintptr_t)bad_pointer();
	if (op->form == FUZZ_FORM_READ_ONLY)
		argument = stage->read_only;
	answer->ret = call(fd, request->number, argument);
	if (op->form == FUZZ_FORM_CUT)
		return;
	memcpy(&answer->cmd, at, request->size);
	if (op->kind == FUZZ_VFIO_GET_INFO)
		memcpy(answer->info, at, sizeof(answer->info));
}

static unsigned long unknown_ioctl(const struct fuzz_op *op)
{
	static const unsigned long numbers[] = {
		_IO(IOMMUFD_TYPE, 0), _IO(IOMMUFD_TYPE, 0x7f),
		_IO(IOMMUFD_TYPE, 0x90), _IO(IOMMUFD_TYPE, 0xff),
		_IOW(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP, int),
		_IO('?', IOMMUFD_CMD_IOAS_MAP), 0, ~0U,
		_IO(VFIO_TYPE, VFIO_BASE + 16),
	};

	return numbers[op->value % (sizeof(numbers) / sizeof(*numbers))];
}

void fuzz_issue(const struct fuzz_op *op, const struct fuzz_numbers *numbers,
		struct fuzz_stage *stage, struct fuzz_answer *answer)
{
	struct fuzz_request request;

	answer->data = stage->data;
	switch (op->kind) {
	case FUZZ_UNKNOWN_IOCTL:
		answer->ret = call(numbers->fd, unknown_ioctl(op),
				   stage->writable);
		return;
	case FUZZ_VFIO_API_VERSION:
		answer->ret = call(numbers->fd, VFIO_GET_API_VERSION, NULL);
		return;
	case FUZZ_VFIO_CHECK_EXTENSION:
		answer->ret = call(numbers->fd, VFIO_CHECK_EXTENSION,
				   (void *)(uintptr_t)op->value);
		return;
	case FUZZ_VFIO_SET_IOMMU:
		answer->ret = call(numbers->fd, VFIO_SET_IOMMU,
				   (void *)(uintptr_t)op->value);
		return;
	case FUZZ_FAULT_READ:
	case FUZZ_FAULT_ANSWER:
		fuzz_issue_file(op, numbers, stage, answer);
		return;
	}
	if (op->kind == FUZZ_ACCESS_RW && op->length <= FUZZ_RW_BYTES)
		fuzz_memory_pattern(stage->data, op->length, op->value);
	memset(&answer->cmd, 0, sizeof(answer->cmd));
	request = build(op, numbers, stage, answer);
	issue_structure(op, &request, numbers->fd, stage, answer);
}

void fuzz_reset_memory_limit(int fd)
{
	struct iommu_test_cmd test = {
		.size = sizeof(test),
		.op = IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT,
		.memory_limit.limit = FUZZ_NO_LIMIT,
	};

	if (call(fd, IOMMU_TEST_CMD, &test))
		perror("SET_TEMP_MEMORY_LIMIT");
}

const char *fuzz_describe(const struct fuzz_op *op)
{
	static char text[288];

	snprintf(text, sizeof(text),
		 "%s%s: context %u object %u/%u/%u result %u memory %u+0x%llx iova 0x%llx length 0x%llx iova2 0x%llx length2 0x%llx flags 0x%x value 0x%llx",
		 kind_names[op->kind], form_names[op->form], op->context,
		 op->object, op->object2, op->object3, op->result, op->memory,
		 (unsigned long long)op->offset, (unsigned long long)op->iova,
		 (unsigned long long)op->length, (unsigned long long)op->iova2,
		 (unsigned long long)op->length2, op->flags,
		 (unsigned long long)op->value);
	return text;
}

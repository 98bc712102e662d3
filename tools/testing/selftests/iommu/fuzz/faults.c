// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of the file of a queue: what is read from it, and which answers it
 * takes. Every group gets one answer.
 */
#include "faults.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "devices.h"
#include "queue.h"
#include "requests.h"

#define E(name)		FUZZ_ERRNO(name)

#define KNOWN_PERM							\
	(IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE |		\
	 IOMMU_PGFAULT_PERM_EXEC | IOMMU_PGFAULT_PERM_PRIV |		\
	 MOCK_FLAGS_IOPF_MORE)

#define RECORD		sizeof(struct iommu_hwpt_pgfault)
#define ANSWER		sizeof(struct iommu_hwpt_page_response)

#define NO_COOKIE	0x7fffffff

struct fuzz_object *fuzz_queue_of(struct fuzz_context *context,
				  unsigned int selector)
{
	struct fuzz_object *queue;

	if (selector >= FUZZ_SLOTS)
		return NULL;
	queue = &context->objects[selector];
	return queue->type == FUZZ_QUEUE && queue->fd >= 0 ? queue : NULL;
}

static fuzz_errnos predict_queue_alloc(struct fuzz_context *context,
				       const struct fuzz_op *op)
{
	if (fuzz_model_full(context, 1))
		return 0;
	if (op->flags)
		return E(EOPNOTSUPP);
	return op->form == FUZZ_FORM_READ_ONLY ? E(EFAULT) : FUZZ_SUCCESS;
}

static struct fuzz_object *device_of(struct fuzz_context *context,
				     const struct fuzz_op *op)
{
	return fuzz_device_bound(context, fuzz_model_id(context, op->object));
}

static bool is_last(const struct fuzz_op *op)
{
	return !(op->flags & MOCK_FLAGS_IOPF_MORE);
}

/* With a PASID only what is nested has a handler for page faults. */
static bool has_handler(const struct fuzz_object *hwpt,
			const struct fuzz_op *op)
{
	return !op->length2 || hwpt->type == FUZZ_NESTED;
}

static fuzz_errnos predict_fault(struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	const struct fuzz_object *device = device_of(context, op);
	fuzz_errnos errnos = 0;

	if (op->flags & ~(__u32)KNOWN_PERM)
		errnos |= E(EOPNOTSUPP);
	if (!device)
		errnos |= E(ENOENT);
	if (errnos)
		return errnos;
	if (!device->hwpt->queue)
		return E(EINVAL);
	if (is_last(op) && fuzz_queue_asked(device->hwpt->queue, device,
					    op->value))
		return E(EBUSY);
	return has_handler(device->hwpt, op) ? FUZZ_SUCCESS : E(EINVAL);
}

/* Bytes from where a read puts them on that can be written. */
static __u64 writable_bytes(const struct fuzz_op *op)
{
	if (op->form == FUZZ_FORM_BAD_POINTER)
		return 0;
	return op->flags & FUZZ_READ_CUT ? op->value : FUZZ_RW_BYTES;
}

/* Bytes of the groups that are read, and why it ends; 0 if it is at its end */
static __u64 readable_bytes(struct fuzz_object *queue,
			    const struct fuzz_op *op, fuzz_errnos *errnos)
{
	struct fuzz_group *group = NULL;
	__u64 done = 0;

	*errnos = 0;
	while (done < op->length &&
	       (group = fuzz_queue_waiting(queue, group))) {
		__u64 size = fuzz_group_count(group) * RECORD;

		if (size > op->length - done)
			*errnos = E(EINVAL);
		else if (done + size > writable_bytes(op))
			*errnos = E(EFAULT);
		if (*errnos)
			break;
		done += size;
	}
	return done;
}

static fuzz_errnos predict_read(struct fuzz_object *queue,
				const struct fuzz_op *op)
{
	fuzz_errnos errnos;

	if (op->length % RECORD)
		return E(ESPIPE);
	if (readable_bytes(queue, op, &errnos) || !errnos)
		return FUZZ_SUCCESS;
	return errnos;
}

static __u32 code_of(const struct fuzz_op *op, unsigned int index)
{
	return op->flags >> 4 * index & 15;
}

/* The cookie of the group that was read as number @number, round and round. */
static __u32 read_cookie(const struct fuzz_object *queue, unsigned int number)
{
	const struct fuzz_group *group;
	unsigned int count = 0;

	for (group = queue->groups; group; group = group->next)
		count += group->read;
	if (!count)
		return queue->answered;
	number %= count;
	for (group = queue->groups; !group->read || number; group = group->next)
		number -= group->read;
	return group->cookie;
}

/* Mostly what can be answered; else what was, what will be, or nothing. */
static __u32 choose_cookie(const struct fuzz_object *queue, unsigned int way)
{
	if (way < 170)
		return read_cookie(queue, way);
	if (way < 210)
		return queue->answered;
	if (way < 230)
		return queue->newest + 1;
	return way < 240 ? 0 : NO_COOKIE;
}

void fuzz_fault_cookies(const struct fuzz_object *queue,
			const struct fuzz_op *op, __u32 *cookies)
{
	unsigned int i;

	for (i = 0; i < FUZZ_ANSWERS; i++)
		cookies[i] = choose_cookie(queue, op->value >> 8 * i & 255);
}

static struct fuzz_group *answerable(const struct fuzz_object *queue,
				     __u32 cookie, __u32 code)
{
	if (code != IOMMUFD_PAGE_RESP_SUCCESS &&
	    code != IOMMUFD_PAGE_RESP_INVALID)
		return NULL;
	return fuzz_queue_find(queue, cookie);
}

static fuzz_errnos predict_answer(const struct fuzz_object *queue,
				  const struct fuzz_op *op)
{
	__u32 cookies[FUZZ_ANSWERS];

	if (op->length > FUZZ_ANSWERS * ANSWER)
		return 0;
	if (op->length % ANSWER)
		return E(ESPIPE);
	if (op->length && op->form == FUZZ_FORM_BAD_POINTER)
		return E(EFAULT);
	fuzz_fault_cookies(queue, op, cookies);
	return !op->length || answerable(queue, cookies[0], code_of(op, 0)) ?
	       FUZZ_SUCCESS : E(EINVAL);
}

fuzz_errnos fuzz_fault_predict(struct fuzz_context *context,
			       const struct fuzz_op *op)
{
	struct fuzz_object *queue = fuzz_queue_of(context, op->object);

	if (op->kind == FUZZ_QUEUE_ALLOC)
		return predict_queue_alloc(context, op);
	if (op->kind == FUZZ_FAULT)
		return predict_fault(context, op);
	if (!queue)
		return 0;
	switch (op->kind) {
	case FUZZ_FAULT_READ:
		return predict_read(queue, op);
	case FUZZ_FAULT_ANSWER:
		return predict_answer(queue, op);
	}
	return FUZZ_SUCCESS;
}

static const char *apply_queue_alloc(struct fuzz_context *context,
				     const struct fuzz_op *op,
				     const struct fuzz_answer *answer)
{
	const struct iommu_fault_alloc *got = &answer->cmd.fault_alloc;
	struct fuzz_object *queue = NULL;

	if (got->out_fault_id)
		queue = fuzz_model_add(context, op->result, FUZZ_QUEUE,
				       got->out_fault_id);
	if (!queue)
		return fuzz_wrong("%u is no ID for a queue", got->out_fault_id);
	queue->fd = got->out_fault_fd;
	queue->users = 1;
	return queue->fd < 0 ? "no file descriptor" : NULL;
}

static const char *apply_fault(struct fuzz_model *model,
			       struct fuzz_object *device,
			       const struct fuzz_op *op,
			       const struct fuzz_answer *answer)
{
	struct fuzz_object *hwpt = device ? device->hwpt : NULL;

	if (!answer->ret) {
		struct fuzz_fault *fault = fuzz_fault_alloc(op);

		if (is_last(op))
			fuzz_queue_arrive(model, hwpt->queue, device, fault);
		else
			fuzz_fault_append(&device->partial, fault);
	} else if (answer->ret == -EINVAL && hwpt && hwpt->queue &&
		   op->form != FUZZ_FORM_SHORT && op->form != FUZZ_FORM_EMPTY &&
		   is_last(op)) {
		/* The kernel refuses what has no handler. */
		model->answers.groups++;
		model->answers.invalid++;
	}
	return NULL;
}

static const char *compare_record(const struct fuzz_group *group,
				  const struct fuzz_fault *fault,
				  const struct iommu_hwpt_pgfault *got)
{
	struct iommu_hwpt_pgfault expected = {
		.dev_id = group->device->binding->id,
		.pasid = fault->pasid,
		.grpid = fault->grpid,
		.perm = fault->perm,
		.addr = fault->addr,
		.cookie = group->cookie,
	};

	if (fault->pasid)
		expected.flags |= IOMMU_PGFAULT_FLAGS_PASID_VALID;
	if (!fault->next)
		expected.flags |= IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	if (!memcmp(got, &expected, sizeof(expected)))
		return NULL;
	return fuzz_wrong("fault is %u/%u 0x%llx flags %u %u, expected %u/%u 0x%llx %u %u",
			  got->dev_id, got->grpid, (long long)got->addr,
			  got->flags, got->cookie, expected.dev_id,
			  expected.grpid, (long long)expected.addr,
			  expected.flags, expected.cookie);
}

static const char *compare_group(struct fuzz_object *queue,
				 struct fuzz_group *group,
				 const unsigned char *data)
{
	const struct fuzz_fault *fault;
	struct iommu_hwpt_pgfault got;
	const char *wrong = NULL;

	memcpy(&got, data, sizeof(got));
	if (!got.cookie || fuzz_queue_find(queue, got.cookie))
		return fuzz_wrong("cookie %u is no new one", got.cookie);
	group->cookie = got.cookie;
	group->read = true;
	queue->newest = got.cookie;
	for (fault = group->faults; !wrong && fault; fault = fault->next) {
		memcpy(&got, data, sizeof(got));
		wrong = compare_record(group, fault, &got);
		data += sizeof(got);
	}
	return wrong;
}

static const char *apply_read(struct fuzz_object *queue,
			      const struct fuzz_op *op,
			      const struct fuzz_answer *answer)
{
	fuzz_errnos errnos;
	__u64 expected = readable_bytes(queue, op, &errnos);
	const unsigned char *data = answer->data;
	const char *wrong = NULL;

	if (answer->ret < 0)
		return NULL;
	if ((__u64)answer->ret != expected)
		return fuzz_wrong("read gave %d bytes, expected %llu",
				  answer->ret, (long long)expected);
	while (!wrong && data < answer->data + expected) {
		struct fuzz_group *group = fuzz_queue_waiting(queue, NULL);

		wrong = compare_group(queue, group, data);
		data += fuzz_group_count(group) * RECORD;
	}
	return wrong;
}

static void answer_group(struct fuzz_model *model, struct fuzz_object *queue,
			 struct fuzz_group *group, __u32 code)
{
	if (code == IOMMUFD_PAGE_RESP_SUCCESS)
		model->answers.success++;
	else
		model->answers.invalid++;
	queue->answered = group->cookie;
	fuzz_queue_remove(queue, group);
}

static const char *apply_answer(struct fuzz_model *model,
				struct fuzz_object *queue,
				const struct fuzz_op *op,
				const struct fuzz_answer *answer)
{
	__u32 cookies[FUZZ_ANSWERS];
	unsigned int i;

	if (answer->ret < 0)
		return NULL;
	fuzz_fault_cookies(queue, op, cookies);
	for (i = 0; i < op->length / ANSWER; i++) {
		__u32 code = code_of(op, i);
		struct fuzz_group *group = answerable(queue, cookies[i], code);

		if (!group)
			break;
		answer_group(model, queue, group, code);
	}
	if ((size_t)answer->ret != i * ANSWER)
		return fuzz_wrong("write took %zu answers, expected %u",
				  answer->ret / ANSWER, i);
	return NULL;
}

const char *fuzz_fault_apply(struct fuzz_model *model, const struct fuzz_op *op,
			     const struct fuzz_answer *answer)
{
	struct fuzz_context *context = &model->contexts[op->context];
	struct fuzz_object *queue = fuzz_queue_of(context, op->object);

	switch (op->kind) {
	case FUZZ_QUEUE_ALLOC:
		return answer->ret ? NULL :
		       apply_queue_alloc(context, op, answer);
	case FUZZ_FAULT:
		return apply_fault(model, device_of(context, op), op, answer);
	case FUZZ_FAULT_READ:
		return apply_read(queue, op, answer);
	case FUZZ_FAULT_ANSWER:
		return apply_answer(model, queue, op, answer);
	}
	fuzz_queue_close(model, queue);
	return NULL;
}

static const char *check_file(struct fuzz_object *queue)
{
	struct pollfd pollfd = { .fd = queue->fd, .events = POLLIN };
	bool waits = fuzz_queue_waiting(queue, NULL);

	if ((poll(&pollfd, 1, 0) == 1) == waits)
		return NULL;
	return waits ? "a queue hides a fault" : "a queue shows no fault";
}

static const char *check_answers(const struct fuzz_model *model)
{
	const struct mock_answers *expected = &model->answers;
	struct mock_answers got;

	if (mock_answers(model->contexts[0].fd, &got))
		return "answers to devices cannot be counted";
	if (!memcmp(&got, expected, sizeof(got)))
		return NULL;
	return fuzz_wrong("faults answered %u: %u %u %u, expected %u: %u %u %u",
			  got.groups, got.success, got.invalid, got.failure,
			  expected->groups, expected->success,
			  expected->invalid, expected->failure);
}

const char *fuzz_fault_check(struct fuzz_model *model)
{
	const char *wrong = check_answers(model);
	unsigned int i, j;

	for (i = 0; i < FUZZ_CONTEXTS; i++) {
		for (j = 0; !wrong && j < FUZZ_SLOTS; j++) {
			struct fuzz_object *queue =
				fuzz_queue_of(&model->contexts[i], j);

			if (queue)
				wrong = check_file(queue);
		}
	}
	return wrong;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Page faults on their way through a queue: every group is answered once, and
 * read in order, whatever happens to those that read, answer, and ask.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "check/fault_check.h"
#include "context.h"
#include "device/fault_device.h"
#include "device/fault_queue.h"
#include "device/hw_pagetable.h"
#include "object/object.h"
#include "object/object_destroy.h"
#include "test_random.h"

#define ASKERS 3
#define WISHES 600
#define STEPS 3000
#define MAX_FAULTS 4

struct subject;

/**
 * struct asker - A device as the IOMMU core knows it, with nothing behind it
 * @subject: whose it is
 * @dev: the device
 * @iommu: of the device
 * @param: what the core has for its faults; one reference for each group
 * @handle: of its attach
 * @source: what the queue knows it by
 * @joined: it does
 */
struct asker {
	struct subject *subject;
	struct device dev;
	struct dev_iommu iommu;
	struct iommu_fault_param *param;
	struct iommu_attach_handle handle;
	struct iommufd_fault_source source;
	bool joined;
};

enum wish_state {
	WISH_WAITING,
	WISH_READING,
	WISH_READ,
	WISH_ANSWERED,
};

/**
 * struct wish - A group in the model; its number is that of the group
 * @asker: who asks
 * @nfaults: for how many pages
 * @state: how far it is
 * @cookie: its name
 * @group: as long as somebody reads it
 * @answers: how many there were
 * @code: the last of them
 */
struct wish {
	struct asker *asker;
	size_t nfaults;
	enum wish_state state;
	u32 cookie;
	struct iommufd_fault_group *group;
	unsigned int answers;
	u32 code;
};

/**
 * struct subject - A queue and its model
 * @ictx: the context
 * @queue: the queue
 * @domain: of the page table that it serves
 * @asker: devices
 * @wish: what they have asked for so far
 * @nwishes: how many that are
 * @random: decides
 */
struct subject {
	struct iommufd_ctx *ictx;
	struct iommufd_fault_queue *queue;
	struct iommu_domain domain;
	struct asker asker[ASKERS];
	struct wish wish[WISHES];
	unsigned int nwishes;
	struct test_random random;
};

static void note_answer(struct device *dev, struct iopf_fault *fault,
			struct iommu_page_response *response)
{
	struct asker *asker = container_of(dev, struct asker, dev);
	struct wish *wish = &asker->subject->wish[response->grpid];

	wish->answers++;
	wish->code = response->code;
}

static const struct iommu_ops asker_ops = {
	.page_response = note_answer,
};

static struct iommu_device asker_iommu = {
	.ops = &asker_ops,
};

static void join(struct subject *subject, struct asker *asker)
{
	iommufd_fault_queue_join(subject->queue, &asker->source);
	asker->joined = true;
}

static void asker_init(struct kunit *test, struct asker *asker, u32 dev_id)
{
	struct subject *subject = test->priv;

	asker->subject = subject;
	asker->iommu.iommu_dev = &asker_iommu;
	asker->dev.iommu = &asker->iommu;
	asker->param = kzalloc(sizeof(*asker->param), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, asker->param);
	mutex_init(&asker->param->lock);
	refcount_set(&asker->param->users, 1);
	asker->param->dev = &asker->dev;
	asker->handle.domain = &subject->domain;
	asker->source.handle = &asker->handle;
	asker->source.dev = &asker->dev;
	asker->source.dev_id = dev_id;
	join(subject, asker);
}

static int subject_init(struct kunit *test)
{
	struct subject *subject = kunit_kzalloc(test, sizeof(*subject),
						GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, subject);
	test->priv = subject;
	subject->ictx = context_new(test);
	subject->queue = iommufd_fault_queue_alloc(subject->ictx);
	KUNIT_ASSERT_FALSE(test, IS_ERR(subject->queue));
	iommufd_object_publish(&subject->queue->object);
	subject->domain.fault_data = subject->queue;
	for (i = 0; i < ASKERS; i++)
		asker_init(test, &subject->asker[i], 10 + i);
	subject->random.state = test_seed();
	return 0;
}

static struct iopf_fault *fault_new(struct kunit *test, u32 grpid)
{
	struct iopf_fault *fault = kzalloc(sizeof(*fault), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fault);
	fault->fault.prm.grpid = grpid;
	return fault;
}

/* As the core builds it. */
static struct iopf_group *iopf_new(struct kunit *test, struct asker *asker,
				   u32 grpid, size_t nfaults)
{
	struct iopf_group *iopf = kzalloc(sizeof(*iopf), GFP_KERNEL);
	size_t i;

	KUNIT_ASSERT_NOT_NULL(test, iopf);
	INIT_LIST_HEAD(&iopf->faults);
	INIT_LIST_HEAD(&iopf->pending_node);
	for (i = 1; i < nfaults; i++)
		list_add_tail(&fault_new(test, grpid)->list, &iopf->faults);
	iopf->last_fault.fault.prm.grpid = grpid;
	iopf->last_fault.fault.prm.flags = IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE;
	list_add_tail(&iopf->last_fault.list, &iopf->faults);
	iopf->fault_count = nfaults;
	iopf->attach_handle = &asker->handle;
	refcount_inc(&asker->param->users);
	iopf->fault_param = asker->param;
	return iopf;
}

static void expect_answer(struct kunit *test, const struct wish *wish, u32 code)
{
	KUNIT_EXPECT_EQ(test, wish->answers, 1);
	KUNIT_EXPECT_EQ(test, wish->code, code);
}

/* Let a device ask; @nfaults is what the group says, @real what it has. */
static struct wish *arrive(struct kunit *test, struct asker *asker,
			   size_t nfaults, size_t real)
{
	struct subject *subject = test->priv;
	u32 grpid = subject->nwishes++;
	struct wish *wish = &subject->wish[grpid];
	struct iopf_group *iopf = iopf_new(test, asker, grpid, real);

	iopf->fault_count = nfaults;
	wish->asker = asker;
	wish->nfaults = nfaults;
	KUNIT_EXPECT_EQ(test, iommufd_fault_queue_arrive(iopf), 0);
	if (wish->answers) {
		expect_answer(test, wish, IOMMU_PAGE_RESP_INVALID);
		wish->state = WISH_ANSWERED;
	} else {
		wish->state = WISH_WAITING;
		wish->cookie = list_last_entry(&subject->queue->waiting,
					       struct iommufd_fault_group,
					       entry)->cookie;
		KUNIT_EXPECT_NE(test, wish->cookie, 0);
	}
	return wish;
}

static struct wish *first_waiting(struct subject *subject)
{
	unsigned int i;

	for (i = 0; i < subject->nwishes; i++)
		if (subject->wish[i].state == WISH_WAITING)
			return &subject->wish[i];
	return NULL;
}

/* What has been read so far is known by its number. */
static void take(struct kunit *test, size_t room)
{
	struct subject *subject = test->priv;
	struct wish *wish = first_waiting(subject);
	struct iommufd_fault_group *group;

	group = iommufd_fault_queue_take(subject->queue, room);
	if (!wish) {
		KUNIT_EXPECT_NULL(test, group);
	} else if (wish->nfaults > room) {
		KUNIT_EXPECT_PTR_EQ(test, group, ERR_PTR(-EINVAL));
	} else {
		KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(group));
		KUNIT_EXPECT_EQ(test, group->iopf->last_fault.fault.prm.grpid,
				wish - subject->wish);
		KUNIT_EXPECT_EQ(test, group->cookie, wish->cookie);
		KUNIT_EXPECT_EQ(test, group->dev_id,
				wish->asker->source.dev_id);
		wish->group = group;
		wish->state = WISH_READING;
	}
}

static void settle(struct subject *subject, struct wish *wish, bool copied)
{
	iommufd_fault_queue_settle(subject->queue, wish->group, copied);
	wish->group = NULL;
	if (wish->state == WISH_READING)
		wish->state = copied ? WISH_READ : WISH_WAITING;
}

static void answer(struct kunit *test, struct wish *wish, u32 code)
{
	struct subject *subject = test->priv;
	bool good = wish->state == WISH_READ &&
		    code <= IOMMUFD_PAGE_RESP_INVALID;

	KUNIT_EXPECT_EQ(test, iommufd_fault_queue_answer(subject->queue,
							 wish->cookie, code),
			good ? 0 : -EINVAL);
	if (!good)
		return;
	wish->state = WISH_ANSWERED;
	expect_answer(test, wish, code == IOMMUFD_PAGE_RESP_SUCCESS ?
					  IOMMU_PAGE_RESP_SUCCESS :
					  IOMMU_PAGE_RESP_INVALID);
}

/* Nobody answers for @asker any more; for all of them if it is NULL. */
static void expect_given_up(struct kunit *test, const struct asker *asker)
{
	struct subject *subject = test->priv;
	unsigned int i;

	for (i = 0; i < subject->nwishes; i++) {
		struct wish *wish = &subject->wish[i];

		if (wish->state == WISH_ANSWERED ||
		    (asker && wish->asker != asker))
			continue;
		expect_answer(test, wish, IOMMU_PAGE_RESP_INVALID);
		wish->state = WISH_ANSWERED;
	}
}

static void leave(struct kunit *test, struct asker *asker)
{
	struct subject *subject = test->priv;
	struct iommufd_fault_source *source;

	source = iommufd_fault_queue_leave(subject->queue, &asker->handle,
					   &asker->dev);
	KUNIT_EXPECT_PTR_EQ(test, source,
			    asker->joined ? &asker->source : NULL);
	asker->joined = false;
	expect_given_up(test, asker);
}

static void subject_exit(struct kunit *test)
{
	struct subject *subject = test->priv;
	unsigned int i;

	iommufd_fault_queue_close(subject->queue);
	expect_given_up(test, NULL);
	for (i = 0; i < subject->nwishes; i++) {
		if (subject->wish[i].group)
			settle(subject, &subject->wish[i], false);
		KUNIT_EXPECT_EQ(test, subject->wish[i].answers, 1);
	}
	for (i = 0; i < ASKERS; i++) {
		leave(test, &subject->asker[i]);
		/* Every group has been freed. */
		KUNIT_EXPECT_EQ(test,
				refcount_read(&subject->asker[i].param->users),
				1);
		kfree(subject->asker[i].param);
	}
	KUNIT_EXPECT_TRUE(test, fault_queue_valid(subject->queue));
	context_end(test, subject->ictx);
}

static struct wish *random_wish(struct subject *subject)
{
	u32 recent = min(subject->nwishes, 20);

	return &subject->wish[subject->nwishes - 1 -
			      test_random_below(&subject->random, recent)];
}

static void random_step(struct kunit *test)
{
	struct subject *subject = test->priv;
	struct test_random *random = &subject->random;
	struct asker *asker =
		&subject->asker[test_random_below(random, ASKERS)];
	u32 nfaults = 1 + test_random_below(random, MAX_FAULTS);
	struct wish *wish = NULL;

	if (subject->nwishes)
		wish = random_wish(subject);
	switch (test_random_below(random, 6)) {
	case 0:
		if (subject->nwishes < WISHES)
			arrive(test, asker, nfaults, nfaults);
		break;
	case 1:
		take(test, test_random_below(random, MAX_FAULTS + 1));
		break;
	case 2:
	case 3:
		if (wish && wish->group)
			settle(subject, wish, !test_random_chance(random, 3));
		break;
	case 4:
		if (wish)
			answer(test, wish, test_random_below(random, 4));
		break;
	default:
		if (!asker->joined)
			join(subject, asker);
		else if (test_random_chance(random, 5))
			leave(test, asker);
	}
}

/* Each has one answer exactly if it should have had it by now. */
static void expect_answers(struct kunit *test, unsigned int step)
{
	struct subject *subject = test->priv;
	unsigned int i, expected;

	for (i = 0; i < subject->nwishes; i++) {
		expected = subject->wish[i].state == WISH_ANSWERED;
		if (subject->wish[i].answers != expected)
			KUNIT_FAIL(test, "step %u: wish %u has %u answers",
				   step, i, subject->wish[i].answers);
	}
}

static void h51_random_steps(struct kunit *test)
{
	struct subject *subject = test->priv;
	unsigned int i;

	for (i = 0; i < STEPS; i++) {
		random_step(test);
		if (!fault_queue_valid(subject->queue)) {
			KUNIT_FAIL(test, "step %u", i);
			return;
		}
		expect_answers(test, i);
	}
}

static void h53_put_back_in_order(struct kunit *test)
{
	struct subject *subject = test->priv;
	struct wish *wish = subject->wish;
	unsigned int i;

	for (i = 0; i < 4; i++)
		arrive(test, &subject->asker[i % 2], 1, 1);
	for (i = 0; i < 3; i++)
		take(test, 1);
	/* The last reader fails first, and the one in the middle does not. */
	settle(subject, &wish[2], false);
	settle(subject, &wish[1], true);
	settle(subject, &wish[0], false);
	for (i = 0; i < 4; i++)
		take(test, 1);
	KUNIT_EXPECT_EQ(test, wish[0].state, WISH_READING);
	KUNIT_EXPECT_EQ(test, wish[2].state, WISH_READING);
	KUNIT_EXPECT_EQ(test, wish[3].state, WISH_READING);
	answer(test, &wish[1], IOMMUFD_PAGE_RESP_SUCCESS);
	answer(test, &wish[1], IOMMUFD_PAGE_RESP_SUCCESS);
}

/* The reader has no lock that would keep the device from leaving. */
static void h52_leaves_while_read(struct kunit *test)
{
	struct subject *subject = test->priv;
	struct wish *failed = arrive(test, &subject->asker[0], 2, 2);
	struct wish *copied = arrive(test, &subject->asker[0], 1, 1);
	struct wish *other = arrive(test, &subject->asker[1], 1, 1);

	take(test, MAX_FAULTS);
	take(test, MAX_FAULTS);
	leave(test, &subject->asker[0]);
	KUNIT_EXPECT_EQ(test, other->answers, 0);
	/* What was read of it is still there. */
	KUNIT_EXPECT_EQ(test, list_count_nodes(&failed->group->iopf->faults),
			2);
	settle(subject, failed, false);
	settle(subject, copied, true);
	answer(test, copied, IOMMUFD_PAGE_RESP_SUCCESS);
	take(test, MAX_FAULTS);
	KUNIT_EXPECT_EQ(test, other->state, WISH_READING);
	/* It is there no more. */
	KUNIT_EXPECT_EQ(test, arrive(test, &subject->asker[0], 1, 1)->answers,
			1);
}

static void h54_full(struct kunit *test)
{
	struct subject *subject = test->priv;
	struct asker *asker = &subject->asker[0];
	struct wish *first;

	KUNIT_EXPECT_EQ(test, arrive(test, asker, IOMMUFD_FAULTS_MAX + 1,
				     1)->answers, 1);
	first = arrive(test, asker, IOMMUFD_FAULTS_MAX - 1, 1);
	KUNIT_EXPECT_EQ(test, first->answers, 0);
	KUNIT_EXPECT_EQ(test, arrive(test, asker, 2, 2)->answers, 1);
	KUNIT_EXPECT_EQ(test, arrive(test, asker, 1, 1)->answers, 0);
	KUNIT_EXPECT_EQ(test, arrive(test, asker, 1, 1)->answers, 1);
	/* Reading makes no room, answering does. */
	take(test, IOMMUFD_FAULTS_MAX);
	settle(subject, first, true);
	KUNIT_EXPECT_EQ(test, arrive(test, asker, 1, 1)->answers, 1);
	answer(test, first, IOMMUFD_PAGE_RESP_SUCCESS);
	KUNIT_EXPECT_EQ(test, arrive(test, asker, 2, 2)->answers, 0);
}

static void h54_closed(struct kunit *test)
{
	struct subject *subject = test->priv;

	arrive(test, &subject->asker[0], 1, 1);
	iommufd_fault_queue_close(subject->queue);
	expect_given_up(test, NULL);
	KUNIT_EXPECT_EQ(test, arrive(test, &subject->asker[1], 1, 1)->answers,
			1);
}

/* An answer that comes too late meets nobody else's group. */
static void h54_cookies_are_not_used_again(struct kunit *test)
{
	struct subject *subject = test->priv;
	struct wish *first = arrive(test, &subject->asker[0], 1, 1);
	struct wish *second;

	take(test, 1);
	settle(subject, first, true);
	answer(test, first, IOMMUFD_PAGE_RESP_INVALID);
	second = arrive(test, &subject->asker[0], 1, 1);
	take(test, 1);
	settle(subject, second, true);
	KUNIT_EXPECT_NE(test, first->cookie, second->cookie);
	answer(test, first, IOMMUFD_PAGE_RESP_SUCCESS);
	KUNIT_EXPECT_EQ(test, second->answers, 0);
	/* Around the end of the numbers, too. */
	subject->queue->next_cookie = U32_MAX;
	KUNIT_EXPECT_EQ(test, arrive(test, &subject->asker[0], 1, 1)->cookie,
			U32_MAX);
	KUNIT_EXPECT_EQ(test, arrive(test, &subject->asker[0], 1, 1)->cookie,
			first->cookie);
	/* What is not answered keeps its own. */
	KUNIT_EXPECT_EQ(test, second->cookie, first->cookie + 1);
	KUNIT_EXPECT_EQ(test, arrive(test, &subject->asker[0], 1, 1)->cookie,
			second->cookie + 1);
}

/* The same device by two attaches, as in the middle of a replace. */
static void h52_leaves_the_old_page_table_only(struct kunit *test)
{
	struct subject *subject = test->priv;
	struct asker *old = &subject->asker[0];
	struct iommu_attach_handle handle = { .domain = &subject->domain };
	struct iommufd_fault_source source = {
		.handle = &handle,
		.dev = &old->dev,
		.dev_id = old->source.dev_id,
	};
	struct iopf_group *iopf;
	struct wish *by_old, *by_new;

	iommufd_fault_queue_join(subject->queue, &source);
	by_old = arrive(test, old, 1, 1);
	by_new = &subject->wish[subject->nwishes];
	iopf = iopf_new(test, old, subject->nwishes++, 1);
	iopf->attach_handle = &handle;
	iommufd_fault_queue_arrive(iopf);
	KUNIT_EXPECT_PTR_EQ(test, &old->source,
			    iommufd_fault_queue_leave(subject->queue,
						      &old->handle, &old->dev));
	old->joined = false;
	expect_answer(test, by_old, IOMMU_PAGE_RESP_INVALID);
	by_old->state = WISH_ANSWERED;
	KUNIT_EXPECT_EQ(test, by_new->answers, 0);
	KUNIT_EXPECT_PTR_EQ(test, &source,
			    iommufd_fault_queue_leave(subject->queue, &handle,
						      &old->dev));
	expect_answer(test, by_new, IOMMU_PAGE_RESP_INVALID);
	by_new->state = WISH_ANSWERED;
}

static void drivers_without_page_faults(struct kunit *test)
{
	static const struct iommu_ops without;
	struct subject *subject = test->priv;
	struct iommu_domain domain = { .owner = &without };
	struct iommufd_hw_pagetable hwpt = {
		.object.ictx = subject->ictx,
		.domain = &domain,
	};
	u32 id = subject->queue->object.id;

	KUNIT_EXPECT_EQ(test, iommufd_fault_queue_serve(&hwpt, id),
			-EOPNOTSUPP);
	KUNIT_EXPECT_NULL(test, hwpt.fault_queue);
	iommufd_fault_queue_unserve(&hwpt);
	domain.owner = &asker_ops;
	KUNIT_EXPECT_EQ(test, iommufd_fault_queue_serve(&hwpt, id + 1),
			-ENOENT);
	KUNIT_EXPECT_NULL(test, domain.iopf_handler);
	KUNIT_EXPECT_EQ(test, iommufd_fault_queue_serve(&hwpt, id), 0);
	KUNIT_EXPECT_EQ(test, iommufd_object_destroy_id(subject->ictx, id),
			-EBUSY);
	iommufd_fault_queue_unserve(&hwpt);
}

static void h54_virtual_functions(struct kunit *test)
{
	struct subject *subject = test->priv;
	struct pci_dev *function, *physical;

	function = kunit_kzalloc(test, sizeof(*function), GFP_KERNEL);
	physical = kunit_kzalloc(test, sizeof(*physical), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, function);
	KUNIT_ASSERT_NOT_NULL(test, physical);
	KUNIT_EXPECT_EQ(test, iommufd_fault_check(&subject->asker[0].dev), 0);
	function->dev.bus = &pci_bus_type;
	KUNIT_EXPECT_EQ(test, iommufd_fault_check(&function->dev), 0);
#if defined(CONFIG_PCI_IOV) && defined(CONFIG_PCI_PRI)
	function->is_virtfn = 1;
	function->physfn = physical;
	KUNIT_EXPECT_EQ(test, iommufd_fault_check(&function->dev), 0);
	physical->pri_cap = 1;
	KUNIT_EXPECT_EQ(test, iommufd_fault_check(&function->dev), -EINVAL);
	physical->dev.bus = &pci_bus_type;
	KUNIT_EXPECT_EQ(test, iommufd_fault_check(&physical->dev), 0);
#elif defined(CONFIG_PCI_PRI)
	/* Without PCI_IOV a function counts as its own physical one. */
	function->is_virtfn = 1;
	KUNIT_EXPECT_EQ(test, iommufd_fault_check(&function->dev), 0);
	function->pri_cap = 1;
	KUNIT_EXPECT_EQ(test, iommufd_fault_check(&function->dev), -EINVAL);
#endif
}

static struct kunit_case fault_queue_cases[] = {
	KUNIT_CASE(h51_random_steps),
	KUNIT_CASE(h52_leaves_while_read),
	KUNIT_CASE(h52_leaves_the_old_page_table_only),
	KUNIT_CASE(h53_put_back_in_order),
	KUNIT_CASE(h54_full),
	KUNIT_CASE(h54_closed),
	KUNIT_CASE(h54_cookies_are_not_used_again),
	KUNIT_CASE(h54_virtual_functions),
	KUNIT_CASE(drivers_without_page_faults),
	{}
};

static struct kunit_suite fault_queue_suite = {
	.name = "iommufd_fault_queue",
	.init = subject_init,
	.exit = subject_exit,
	.test_cases = fault_queue_cases,
};

kunit_test_suite(fault_queue_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Ids, references, and the end of objects.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "context.h"
#include "object/context.h"
#include "object/object.h"
#include "object/object_destroy.h"

#define MANY 20
#define ALWAYS UINT_MAX

/**
 * struct log - What happened to objects
 * @ictx: their context
 * @refusals: how often more they refuse to retire; ALWAYS without end
 * @retired: how often one was asked to
 * @ndestroyed: how many are destroyed
 * @destroyed: their types, in that order
 */
struct log {
	struct iommufd_ctx *ictx;
	unsigned int refusals;
	unsigned int retired;
	unsigned int ndestroyed;
	enum iommufd_object_type destroyed[MANY];
};

/**
 * struct thing - An object
 * @object: its first member, as the layer asks for
 * @log: what happens to it
 */
struct thing {
	struct iommufd_object object;
	struct log *log;
};

static void thing_destroy(struct iommufd_object *object)
{
	struct thing *thing = container_of(object, struct thing, object);
	struct log *log = thing->log;

	log->destroyed[log->ndestroyed % MANY] = object->ops->type;
	/* Pairs with the waits of the tests. */
	smp_store_release(&log->ndestroyed, log->ndestroyed + 1);
}

static bool thing_retire(struct iommufd_object *object)
{
	struct log *log = container_of(object, struct thing, object)->log;
	unsigned int refusals = READ_ONCE(log->refusals);

	log->retired++;
	if (refusals && refusals != ALWAYS)
		WRITE_ONCE(log->refusals, refusals - 1);
	return !refusals;
}

static const struct iommufd_object_ops device_ops = {
	.type = IOMMUFD_OBJ_DEVICE,
	.destroy = thing_destroy,
	.driver_owned = true,
};

static const struct iommufd_object_ops hwpt_ops = {
	.type = IOMMUFD_OBJ_HWPT_PAGING,
	.retire = thing_retire,
	.destroy = thing_destroy,
};

static const struct iommufd_object_ops ioas_ops = {
	.type = IOMMUFD_OBJ_IOAS,
	.destroy = thing_destroy,
};

static int object_init(struct kunit *test)
{
	struct log *log = kunit_kzalloc(test, sizeof(*log), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, log);
	log->ictx = context_new(test);
	test->priv = log;
	return 0;
}

static void object_exit(struct kunit *test)
{
	struct log *log = test->priv;

	context_end(test, log->ictx);
}

static struct thing *thing_alloc(struct kunit *test,
				 const struct iommufd_object_ops *ops)
{
	struct log *log = test->priv;
	struct thing *thing;

	thing = iommufd_object_alloc(log->ictx, thing, object, ops);
	KUNIT_ASSERT_FALSE(test, IS_ERR(thing));
	thing->log = log;
	return thing;
}

static struct thing *thing_new(struct kunit *test,
			       const struct iommufd_object_ops *ops)
{
	struct thing *thing = thing_alloc(test, ops);

	iommufd_object_publish(&thing->object);
	return thing;
}

static bool found(struct log *log, u32 id, enum iommufd_object_type type)
{
	struct iommufd_object *object = iommufd_object_get(log->ictx, id, type);

	if (IS_ERR(object))
		return false;
	iommufd_object_put(object);
	return true;
}

static int destroy(struct log *log, u32 id)
{
	return iommufd_object_destroy_id(log->ictx, id);
}

/* What is left for later is done, and holds the context no longer. */
static bool settles(struct log *log, unsigned int ndestroyed)
{
	unsigned long end = jiffies + 20 * HZ;

	/* Pairs with thing_destroy(). */
	while (smp_load_acquire(&log->ndestroyed) != ndestroyed ||
	       file_count(log->ictx->file) != 1) {
		if (time_after(jiffies, end))
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

static void id_is_reserved_until_it_is_published(struct kunit *test)
{
	struct log *log = test->priv;
	struct thing *thing = thing_alloc(test, &ioas_ops);
	u32 id = thing->object.id;

	KUNIT_EXPECT_NE(test, id, 0);
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, destroy(log, id), -ENOENT);
	KUNIT_EXPECT_NE(test, thing_new(test, &ioas_ops)->object.id, id);
	iommufd_object_publish(&thing->object);
	KUNIT_EXPECT_TRUE(test, found(log, id, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, destroy(log, id), 0);
}

static void aborted_id_is_used_again(struct kunit *test)
{
	struct log *log = test->priv;
	struct thing *thing = thing_alloc(test, &ioas_ops);
	u32 id = thing->object.id;

	iommufd_object_abort(&thing->object);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 0);
	KUNIT_EXPECT_EQ(test, thing_new(test, &ioas_ops)->object.id, id);
}

static void destroyed_id_is_used_again(struct kunit *test)
{
	struct log *log = test->priv;
	u32 id = thing_new(test, &ioas_ops)->object.id;
	u32 other = thing_new(test, &ioas_ops)->object.id;

	KUNIT_EXPECT_EQ(test, destroy(log, id), 0);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 1);
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, destroy(log, id), -ENOENT);
	KUNIT_EXPECT_TRUE(test, found(log, other, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, thing_new(test, &ioas_ops)->object.id, id);
}

static void type_has_to_fit(struct kunit *test)
{
	struct log *log = test->priv;
	u32 id = thing_new(test, &ioas_ops)->object.id;

	KUNIT_EXPECT_TRUE(test, found(log, id, IOMMUFD_OBJ_IOAS));
	KUNIT_EXPECT_TRUE(test, found(log, id, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_DEVICE));
	KUNIT_EXPECT_FALSE(test, found(log, id + 1, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_FALSE(test, found(log, 0, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_FALSE(test, found(log, U32_MAX, IOMMUFD_OBJ_ANY));
}

static void used_object_stays(struct kunit *test)
{
	struct log *log = test->priv;
	struct iommufd_object *object = &thing_new(test, &ioas_ops)->object;
	u32 id = object->id;

	iommufd_object_use(object);
	KUNIT_EXPECT_EQ(test, destroy(log, id), -EBUSY);
	KUNIT_EXPECT_TRUE(test, found(log, id, IOMMUFD_OBJ_IOAS));
	/* Nobody destroys it but whoever is asked to. */
	iommufd_object_unuse(object);
	KUNIT_EXPECT_TRUE(test, found(log, id, IOMMUFD_OBJ_IOAS));
	KUNIT_EXPECT_EQ(test, destroy(log, id), 0);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 1);
}

static void drivers_object_stays(struct kunit *test)
{
	struct log *log = test->priv;
	struct iommufd_object *object = &thing_new(test, &device_ops)->object;
	u32 id = object->id;

	KUNIT_EXPECT_EQ(test, destroy(log, id), -EBUSY);
	KUNIT_EXPECT_TRUE(test, found(log, id, IOMMUFD_OBJ_DEVICE));
	iommufd_object_destroy_owned(object);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 1);
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_ANY));
}

/**
 * struct caller - A call that has looked an object up
 * @work: it
 * @object: what it has
 * @waits: until somebody begins to destroy the object
 * @uses: it begins to depend on the object
 * @second: what another attempt to destroy returned meanwhile
 */
struct caller {
	struct delayed_work work;
	struct iommufd_object *object;
	bool waits;
	bool uses;
	int second;
};

static void caller_work(struct work_struct *work)
{
	struct caller *caller = container_of(to_delayed_work(work),
					     struct caller, work);

	while (caller->waits && !READ_ONCE(caller->object->dying))
		schedule_timeout_uninterruptible(1);
	caller->second = iommufd_object_destroy_id(caller->object->ictx,
						   caller->object->id);
	if (caller->uses)
		iommufd_object_use(caller->object);
	iommufd_object_put(caller->object);
}

static void caller_start(struct kunit *test, struct caller *caller, u32 id)
{
	struct log *log = test->priv;

	caller->object = iommufd_object_get(log->ictx, id, IOMMUFD_OBJ_ANY);
	KUNIT_ASSERT_FALSE(test, IS_ERR(caller->object));
	INIT_DELAYED_WORK_ONSTACK(&caller->work, caller_work);
	schedule_delayed_work(&caller->work, HZ / 20);
}

static void caller_end(struct caller *caller)
{
	flush_delayed_work(&caller->work);
	destroy_delayed_work_on_stack(&caller->work);
}

static void destroy_waits_for_calls(struct kunit *test)
{
	struct log *log = test->priv;
	u32 id = thing_new(test, &ioas_ops)->object.id;
	struct caller caller = { .waits = true };

	caller_start(test, &caller, id);
	KUNIT_EXPECT_EQ(test, destroy(log, id), 0);
	caller_end(&caller);
	/* Only one of those who destroy can. */
	KUNIT_EXPECT_EQ(test, caller.second, -EBUSY);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 1);
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_ANY));
}

static void object_that_gets_used_meanwhile_lives(struct kunit *test)
{
	struct log *log = test->priv;
	struct iommufd_object *object = &thing_new(test, &ioas_ops)->object;
	struct caller caller = { .waits = true, .uses = true };
	u32 id = object->id;

	caller_start(test, &caller, id);
	KUNIT_EXPECT_EQ(test, destroy(log, id), -EBUSY);
	caller_end(&caller);
	KUNIT_EXPECT_FALSE(test, object->dying);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 0);
	KUNIT_EXPECT_TRUE(test, found(log, id, IOMMUFD_OBJ_IOAS));
	iommufd_object_unuse(object);
	KUNIT_EXPECT_EQ(test, destroy(log, id), 0);
}

static void driver_waits_for_calls(struct kunit *test)
{
	struct log *log = test->priv;
	struct iommufd_object *object = &thing_new(test, &device_ops)->object;
	struct caller caller = {};
	u32 id = object->id;

	caller_start(test, &caller, id);
	iommufd_object_destroy_owned(object);
	caller_end(&caller);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 1);
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_ANY));
}

static void last_use_ends_the_object(struct kunit *test)
{
	struct log *log = test->priv;
	struct iommufd_object *object = &thing_new(test, &hwpt_ops)->object;
	u32 id = object->id;

	iommufd_object_use(object);
	iommufd_object_use(object);
	iommufd_object_unuse_destroy(object);
	KUNIT_EXPECT_TRUE(test, found(log, id, IOMMUFD_OBJ_HWPT_PAGING));
	iommufd_object_unuse_destroy(object);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 1);
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_ANY));
}

/* Whoever unuses may hold locks, so a worker has to do it. */
static void disowned_object_goes_with_its_last_use(struct kunit *test)
{
	struct log *log = test->priv;
	struct iommufd_object *object = &thing_new(test, &hwpt_ops)->object;
	u32 id = object->id;

	iommufd_object_use(object);
	iommufd_object_use(object);
	iommufd_object_disown(object);
	KUNIT_EXPECT_TRUE(test, found(log, id, IOMMUFD_OBJ_HWPT_PAGING));
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 0);
	iommufd_object_unuse(object);
	KUNIT_EXPECT_TRUE(test, settles(log, 1));
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_ANY));
}

static void disowned_object_without_uses_goes_at_once(struct kunit *test)
{
	struct log *log = test->priv;
	struct iommufd_object *object = &thing_new(test, &hwpt_ops)->object;

	iommufd_object_use(object);
	iommufd_object_disown(object);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 1);
	KUNIT_EXPECT_TRUE(test, settles(log, 1));
}

static void retiring_is_tried_again(struct kunit *test)
{
	struct log *log = test->priv;
	u32 id = thing_new(test, &hwpt_ops)->object.id;

	log->refusals = 3;
	KUNIT_EXPECT_EQ(test, destroy(log, id), 0);
	KUNIT_EXPECT_EQ(test, log->retired, 4);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 1);
	KUNIT_EXPECT_TRUE(test, settles(log, 1));
}

/* The id is gone for user space, and not free for others. */
static void what_takes_long_is_done_later(struct kunit *test)
{
	struct log *log = test->priv;
	u32 id = thing_new(test, &hwpt_ops)->object.id;

	log->refusals = ALWAYS;
	KUNIT_EXPECT_EQ(test, destroy(log, id), 0);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 0);
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_EQ(test, destroy(log, id), -ENOENT);
	KUNIT_EXPECT_NE(test, thing_new(test, &ioas_ops)->object.id, id);
	/* It keeps the context. */
	KUNIT_EXPECT_EQ(test, file_count(log->ictx->file), 2);
	WRITE_ONCE(log->refusals, 0);
	KUNIT_EXPECT_TRUE(test, settles(log, 1));
	KUNIT_EXPECT_EQ(test, thing_new(test, &ioas_ops)->object.id, id);
}

static void unpublished_object_is_ended_at_once(struct kunit *test)
{
	struct log *log = test->priv;
	struct thing *thing = thing_alloc(test, &hwpt_ops);
	u32 id = thing->object.id;

	iommufd_object_abort_complete(&thing->object);
	KUNIT_EXPECT_EQ(test, log->ndestroyed, 1);
	KUNIT_EXPECT_EQ(test, log->retired, 1);
	KUNIT_EXPECT_EQ(test, thing_new(test, &ioas_ops)->object.id, id);
}

static void unpublished_object_is_ended_later(struct kunit *test)
{
	struct log *log = test->priv;
	struct thing *thing = thing_alloc(test, &hwpt_ops);
	u32 id = thing->object.id;

	log->refusals = 1;
	iommufd_object_abort_complete(&thing->object);
	KUNIT_EXPECT_FALSE(test, found(log, id, IOMMUFD_OBJ_ANY));
	KUNIT_EXPECT_TRUE(test, settles(log, 1));
	KUNIT_EXPECT_EQ(test, log->retired, 2);
	KUNIT_EXPECT_EQ(test, thing_new(test, &ioas_ops)->object.id, id);
}

/* Whoever depends on others goes before them, whichever came first. */
static void context_goes_in_order(struct kunit *test)
{
	static const struct iommufd_object_ops * const ops[] = {
		&ioas_ops, &hwpt_ops, &device_ops,
	};
	struct log *log = test->priv;
	unsigned int i;

	for (i = 0; i < 9; i++)
		thing_new(test, ops[i % 3]);
	log->refusals = 2;
	iommufd_ctx_destroy_objects(log->ictx);
	KUNIT_ASSERT_EQ(test, log->ndestroyed, 9);
	KUNIT_EXPECT_EQ(test, log->retired, 3 + 2);
	for (i = 0; i < 9; i++)
		KUNIT_EXPECT_EQ(test, log->destroyed[i],
				ops[2 - i / 3]->type);
	KUNIT_EXPECT_TRUE(test, xa_empty(&log->ictx->objects));
}

/* Ids do not run out while there is one, and each is of one object. */
static void ids_differ(struct kunit *test)
{
	struct log *log = test->priv;
	struct thing *things[MANY];
	unsigned int i, k;

	for (i = 0; i < MANY; i++)
		things[i] = thing_new(test, &ioas_ops);
	for (i = 0; i < MANY; i++)
		for (k = 0; k < i; k++)
			KUNIT_ASSERT_NE(test, things[i]->object.id,
					things[k]->object.id);
	for (i = 0; i < MANY; i += 2)
		KUNIT_EXPECT_EQ(test, destroy(log, things[i]->object.id), 0);
	for (i = 1; i < MANY; i += 2)
		KUNIT_EXPECT_TRUE(test, found(log, things[i]->object.id,
					      IOMMUFD_OBJ_IOAS));
}

/* Objects of a type that are found one after the other */
static unsigned int listed(struct log *log, enum iommufd_object_type type)
{
	struct iommufd_object *object;
	unsigned int count = 0;
	unsigned long id;

	for (id = 0; (object = iommufd_object_get_from(log->ictx, &id, type));
	     id++) {
		count += object->id == id && object->ops->type == type;
		iommufd_object_put(object);
	}
	return count;
}

static void expect_listed(struct kunit *test, unsigned int ioases,
			  unsigned int devices)
{
	unsigned long counts[IOMMUFD_OBJ_TYPES];
	struct log *log = test->priv;

	iommufd_object_count(log->ictx, counts);
	KUNIT_EXPECT_EQ(test, counts[IOMMUFD_OBJ_IOAS], ioases);
	KUNIT_EXPECT_EQ(test, counts[IOMMUFD_OBJ_DEVICE], devices);
	KUNIT_EXPECT_EQ(test, listed(log, IOMMUFD_OBJ_IOAS), ioases);
	KUNIT_EXPECT_EQ(test, listed(log, IOMMUFD_OBJ_DEVICE), devices);
}

static void objects_are_listed_while_they_are_found(struct kunit *test)
{
	struct log *log = test->priv;
	struct thing *ioas, *other, *device;

	expect_listed(test, 0, 0);
	ioas = thing_alloc(test, &ioas_ops);
	iommufd_object_abort(&thing_alloc(test, &hwpt_ops)->object);
	device = thing_alloc(test, &device_ops);
	other = thing_alloc(test, &ioas_ops);
	expect_listed(test, 0, 0);
	iommufd_object_publish(&device->object);
	iommufd_object_publish(&ioas->object);
	iommufd_object_publish(&other->object);
	expect_listed(test, 2, 1);
	iommufd_object_use(&ioas->object);
	KUNIT_EXPECT_EQ(test, destroy(log, ioas->object.id), -EBUSY);
	expect_listed(test, 2, 1);
	iommufd_object_unuse(&ioas->object);
	KUNIT_EXPECT_EQ(test, destroy(log, ioas->object.id), 0);
	expect_listed(test, 1, 1);
	iommufd_object_destroy_owned(&device->object);
	expect_listed(test, 1, 0);
}

static struct kunit_case object_cases[] = {
	KUNIT_CASE(id_is_reserved_until_it_is_published),
	KUNIT_CASE(aborted_id_is_used_again),
	KUNIT_CASE(destroyed_id_is_used_again),
	KUNIT_CASE(type_has_to_fit),
	KUNIT_CASE(used_object_stays),
	KUNIT_CASE(drivers_object_stays),
	KUNIT_CASE(destroy_waits_for_calls),
	KUNIT_CASE(object_that_gets_used_meanwhile_lives),
	KUNIT_CASE(driver_waits_for_calls),
	KUNIT_CASE(last_use_ends_the_object),
	KUNIT_CASE(disowned_object_goes_with_its_last_use),
	KUNIT_CASE(disowned_object_without_uses_goes_at_once),
	KUNIT_CASE(retiring_is_tried_again),
	KUNIT_CASE(what_takes_long_is_done_later),
	KUNIT_CASE(unpublished_object_is_ended_at_once),
	KUNIT_CASE(unpublished_object_is_ended_later),
	KUNIT_CASE(context_goes_in_order),
	KUNIT_CASE(ids_differ),
	KUNIT_CASE(objects_are_listed_while_they_are_found),
	{}
};

static struct kunit_suite object_suite = {
	.name = "iommufd_object",
	.init = object_init,
	.exit = object_exit,
	.test_cases = object_cases,
};

kunit_test_suite(object_suite);

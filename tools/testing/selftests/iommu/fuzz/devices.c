// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of devices: what they are attached to, and what that makes.
 */
#include "devices.h"

#include <errno.h>
#include <stddef.h>

#include "ioas.h"
#include "pins.h"
#include "queue.h"
#include "requests.h"
#include "teardown.h"

#define E(name)		FUZZ_ERRNO(name)

fuzz_errnos fuzz_table_errnos(struct fuzz_model *model,
			      struct fuzz_object *ioas, bool huge,
			      bool trackable)
{
	struct iommu_iova_range window = fuzz_table_window(huge, trackable);
	fuzz_errnos errnos = 0;
	unsigned int i;

	if (fuzz_ioas_misaligned(ioas, FUZZ_IOPTE))
		errnos |= E(EADDRINUSE);
	for (i = 0; i < ioas->nr_areas; i++)
		if (ioas->areas[i]->iova < window.start ||
		    ioas->areas[i]->last > window.last)
			errnos |= E(EADDRINUSE);
	for (i = 0; i < ioas->nr_allowed; i++)
		if (ioas->allowed[i].start < window.start ||
		    ioas->allowed[i].last > window.last)
			errnos |= E(EADDRINUSE);
	if (errnos || ioas->domains)
		return errnos;
	errnos = fuzz_fill(model, ioas);
	if (!errnos)
		fuzz_unfill(model, ioas);
	return errnos;
}

const char *fuzz_table_fill(struct fuzz_model *model, struct fuzz_object *hwpt,
			    struct fuzz_object *ioas)
{
	hwpt->ioas = ioas;
	ioas->users++;
	ioas->domains++;
	ioas->apertures += !hwpt->huge;
	ioas->trackers += hwpt->trackable;
	if (fuzz_fill(model, ioas))
		return "the model fills what it said cannot be filled";
	return NULL;
}

struct fuzz_object *fuzz_device_bound(struct fuzz_context *context, __u32 id)
{
	struct fuzz_object *binding = fuzz_model_find(context, id,
						      FUZZ_BINDING);

	return binding ? binding->binding : NULL;
}

/* The automatic page table of an IOAS; NULL if one has to be made. */
static struct fuzz_object *automatic_table(struct fuzz_context *context,
					   const struct fuzz_object *ioas,
					   bool huge)
{
	int i;

	for (i = 0; i < FUZZ_SLOTS; i++) {
		struct fuzz_object *hwpt = &context->objects[i];

		if (hwpt->type == FUZZ_HWPT && hwpt->automatic &&
		    hwpt->ioas == ioas && hwpt->huge == huge)
			return hwpt;
	}
	return NULL;
}

/*
 * What a device would be attached to: the IOAS, NULL if there is none; and the
 * page table, NULL if one has to be made.
 */
static struct fuzz_object *attach_target(struct fuzz_context *context,
					 __u32 id, bool huge,
					 struct fuzz_object **hwpt)
{
	struct fuzz_object *object = fuzz_model_find(context, id, FUZZ_NOTHING);

	*hwpt = NULL;
	if (!object)
		return NULL;
	if (object->type == FUZZ_HWPT || object->type == FUZZ_NESTED) {
		*hwpt = object;
		return object->ioas;
	}
	if (object->type != FUZZ_IOAS)
		return NULL;
	*hwpt = automatic_table(context, object, huge);
	return object;
}

/* What counts is the page table over the IOAS. */
static bool fits(const struct fuzz_object *hwpt, bool huge, bool no_dirty)
{
	const struct fuzz_object *table = hwpt->parent ? hwpt->parent : hwpt;

	return (table->huge || !huge) && !(table->trackable && no_dirty);
}

static fuzz_errnos attach_errnos(struct fuzz_model *model,
				 struct fuzz_context *context, __u32 id,
				 bool huge, bool no_dirty)
{
	struct fuzz_object *hwpt;
	struct fuzz_object *ioas = attach_target(context, id, huge, &hwpt);

	if (!ioas)
		return E(ENOENT);
	if (hwpt)
		return fits(hwpt, huge, no_dirty) ? 0 : E(EINVAL);
	return fuzz_table_errnos(model, ioas, huge, false);
}

static fuzz_errnos predict_mock_domain(struct fuzz_model *model,
				       struct fuzz_context *context,
				       const struct fuzz_op *op)
{
	__u32 known = MOCK_FLAGS_DEVICE_NO_DIRTY | MOCK_FLAGS_DEVICE_HUGE_IOVA;
	fuzz_errnos errnos;

	if (fuzz_model_full(context, 3))
		return 0;
	if (op->flags & ~known)
		return E(EOPNOTSUPP);
	errnos = attach_errnos(model, context,
			       fuzz_model_id(context, op->object),
			       op->flags & MOCK_FLAGS_DEVICE_HUGE_IOVA,
			       op->flags & MOCK_FLAGS_DEVICE_NO_DIRTY);
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS;
}

/*
 * Does a device use what it is to be attached to? Any automatic page table of
 * an IOAS will do, also one that would not be chosen for this device.
 */
static bool target_met(struct fuzz_context *context, __u32 id,
		       const struct fuzz_object *device)
{
	const struct fuzz_object *hwpt = device->hwpt;
	struct fuzz_object *object = fuzz_model_find(context, id, FUZZ_NOTHING);

	return object && (object == hwpt ||
			  (hwpt->automatic && object == hwpt->ioas));
}

static fuzz_errnos predict_replace(struct fuzz_model *model,
				   struct fuzz_context *context,
				   const struct fuzz_op *op)
{
	struct fuzz_object *device = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_DEVICE);
	__u32 target = fuzz_model_id(context, op->object2);
	fuzz_errnos errnos;

	if (fuzz_model_full(context, 1))
		return 0;
	if (!device)
		return E(ENOENT);
	if (target_met(context, target, device))
		return FUZZ_SUCCESS;
	errnos = attach_errnos(model, context, target, device->huge,
			       device->no_dirty);
	return errnos ? errnos : FUZZ_SUCCESS;
}

static fuzz_errnos predict_hw_info(struct fuzz_context *context,
				   const struct fuzz_op *op)
{
	bool asks = op->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE;
	fuzz_errnos errnos = 0;

	if (op->flags & ~(__u32)IOMMU_HW_INFO_FLAG_INPUT_TYPE)
		errnos |= E(EOPNOTSUPP);
	if (asks && op->value != IOMMU_HW_INFO_TYPE_DEFAULT &&
	    op->value != IOMMU_HW_INFO_TYPE_SELFTEST)
		errnos |= E(EOPNOTSUPP);
	if (!fuzz_device_bound(context, fuzz_model_id(context, op->object)))
		errnos |= E(ENOENT);
	if (op->form == FUZZ_FORM_BAD_POINTER && op->length)
		errnos |= E(EFAULT);
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS;
}

fuzz_errnos fuzz_device_predict(struct fuzz_model *model,
				const struct fuzz_op *op)
{
	struct fuzz_context *context = &model->contexts[op->context];

	switch (op->kind) {
	case FUZZ_MOCK_DOMAIN:
		return predict_mock_domain(model, context, op);
	case FUZZ_MOCK_DOMAIN_REPLACE:
		return predict_replace(model, context, op);
	}
	return predict_hw_info(context, op);
}

static const char *bad_id(__u32 id)
{
	return fuzz_wrong("%u is no ID for a new object", id);
}

/* A page table is used for a device; the kernel may tell its ID. */
static const char *use_table(struct fuzz_context *context,
			     struct fuzz_object *hwpt, __u32 id)
{
	if (!hwpt->id) {
		if (id && fuzz_model_find(context, id, FUZZ_NOTHING))
			return bad_id(id);
		hwpt->id = id;
	} else if (id && hwpt->id != id) {
		return fuzz_wrong("page table %u, expected %u", id, hwpt->id);
	}
	return NULL;
}

/* The page table for a device: the one that is there, or a new one. */
static const char *attach(struct fuzz_model *model,
			  struct fuzz_context *context,
			  struct fuzz_object *device, __u32 target,
			  unsigned int slot, __u32 id)
{
	struct fuzz_object *hwpt;
	struct fuzz_object *ioas = attach_target(context, target, device->huge,
						 &hwpt);
	const char *wrong;

	if (hwpt) {
		wrong = use_table(context, hwpt, id);
	} else {
		hwpt = fuzz_model_add(context, slot, FUZZ_HWPT, id);
		if (!hwpt)
			return bad_id(id);
		hwpt->huge = device->huge;
		hwpt->automatic = true;
		wrong = fuzz_table_fill(model, hwpt, ioas);
	}
	hwpt->users++;
	device->hwpt = hwpt;
	return wrong;
}

static const char *apply_mock_domain(struct fuzz_model *model,
				     struct fuzz_context *context,
				     const struct fuzz_op *op,
				     const struct fuzz_answer *answer)
{
	__u32 device_id = answer->cmd.test.mock_domain.out_stdev_id;
	__u32 binding_id = answer->cmd.test.mock_domain.out_idev_id;
	__u32 hwpt_id = answer->cmd.test.mock_domain.out_hwpt_id;
	__u32 target = fuzz_model_id(context, op->object);
	struct fuzz_object *device;
	const char *wrong;

	if (!device_id || !binding_id || !hwpt_id)
		return "an ID is 0";
	device = fuzz_model_add(context, op->result, FUZZ_DEVICE, device_id);
	if (!device)
		return bad_id(device_id);
	device->huge = op->flags & MOCK_FLAGS_DEVICE_HUGE_IOVA;
	device->no_dirty = op->flags & MOCK_FLAGS_DEVICE_NO_DIRTY;
	wrong = attach(model, context, device, target, op->result + 1, hwpt_id);
	if (wrong)
		return wrong;
	device->binding = fuzz_model_add(context, op->result + 2, FUZZ_BINDING,
					 binding_id);
	if (!device->binding)
		return bad_id(binding_id);
	device->binding->binding = device;
	return NULL;
}

static const char *apply_replace(struct fuzz_model *model,
				 struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	__u32 target = fuzz_model_id(context, op->object2);
	struct fuzz_object *device = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_DEVICE);
	struct fuzz_object *old = device->hwpt;
	const char *wrong;

	if (target_met(context, target, device))
		return NULL;
	wrong = attach(model, context, device, target, op->result, 0);
	/* The old page table goes last. */
	fuzz_model_leave(model, device, old);
	if (!device->hwpt->queue)
		fuzz_faults_forget(device);
	return wrong;
}

/* As much as there is room for, zeroes behind it, and no more. */
static const char *check_info_data(const struct fuzz_op *op,
				   const unsigned char *data)
{
	static const struct iommu_test_hw_info told = {
		.test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL,
	};
	const unsigned char *bytes = (const unsigned char *)&told;
	unsigned char expected;
	__u64 i;

	for (i = 0; i < FUZZ_INFO_BYTES; i++) {
		expected = i >= op->length ? FUZZ_UNTOUCHED :
			   i < sizeof(told) ? bytes[i] : 0;
		if (data[i] != expected)
			return fuzz_wrong("byte %llu is 0x%02x, expected 0x%02x",
					  (long long)i, data[i], expected);
	}
	return NULL;
}

static const char *check_hw_info(struct fuzz_context *context,
				 const struct fuzz_op *op,
				 const struct fuzz_answer *answer)
{
	const struct iommu_hw_info *info = &answer->cmd.hw_info;
	struct fuzz_object *device = fuzz_device_bound(context,
					fuzz_model_id(context, op->object));
	__u64 capabilities = device->no_dirty ? 0 : IOMMU_HW_CAP_DIRTY_TRACKING;

	if (info->out_data_type != IOMMU_HW_INFO_TYPE_SELFTEST ||
	    info->data_len != sizeof(struct iommu_test_hw_info))
		return fuzz_wrong("hardware of type 0x%x, %u bytes",
				  info->out_data_type, info->data_len);
	if (info->out_capabilities != capabilities || info->out_max_pasid_log2)
		return fuzz_wrong("capabilities 0x%llx, %u bits of PASID, expected 0x%llx, none",
				  (long long)info->out_capabilities,
				  info->out_max_pasid_log2,
				  (long long)capabilities);
	if (op->form == FUZZ_FORM_BAD_POINTER)
		return NULL;
	return check_info_data(op, answer->data);
}

const char *fuzz_device_apply(struct fuzz_model *model,
			      const struct fuzz_op *op,
			      const struct fuzz_answer *answer)
{
	struct fuzz_context *context = &model->contexts[op->context];

	if (answer->ret)
		return NULL;
	switch (op->kind) {
	case FUZZ_MOCK_DOMAIN:
		return apply_mock_domain(model, context, op, answer);
	case FUZZ_MOCK_DOMAIN_REPLACE:
		return apply_replace(model, context, op);
	}
	return check_hw_info(context, op, answer);
}

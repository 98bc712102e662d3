// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Module parameters that choose between two ways to do the same. Asking for one
 * is an instruction that is patched when the parameter changes, so it costs
 * nothing in a path that is hot.
 */
#include "way_switch.h"

#include <linux/jump_label.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/sprintf.h>

static int way_switch_set(const char *value, const struct kernel_param *param)
{
	struct static_key_true *key = param->arg;
	bool on;
	int rc = kstrtobool(value, &on);

	if (rc)
		return rc;
	if (on)
		static_branch_enable(key);
	else
		static_branch_disable(key);
	return 0;
}

static int way_switch_get(char *buffer, const struct kernel_param *param)
{
	struct static_key_true *key = param->arg;

	return scnprintf(buffer, PAGE_SIZE, "%c\n",
			 static_key_enabled(key) ? 'Y' : 'N');
}

const struct kernel_param_ops iommufd_way_switch_ops = {
	.set = way_switch_set,
	.get = way_switch_get,
};
